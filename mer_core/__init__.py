"""The book's package: corpora, methods, runs and scores; `from mer_core import …` gives what a script begins with.

Importing it changes nothing and loads nothing: NumPy, OpenCV and torch read once which kernels they may take, and so a
door of the book (`mer_core.pinned`) has to come before them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mer_core.clips import ClipSet, View, open_clipset
    from mer_core.corpora.catalogue import corpus_names, open_corpus
    from mer_core.corpora.labelled import labelled
    from mer_core.corpora.source import Source
    from mer_core.methods.base import FeatureMethod, Method, NetworkMethod, NetworkSettings
    from mer_core.scoring.metrics import scores
    from mer_core.training.parts import RunSettings
    from mer_core.training.runs import Run, run

__all__ = [
    "ClipSet", "FeatureMethod", "Method", "NetworkMethod", "NetworkSettings", "Run", "RunSettings", "Source", "View",
    "corpus_names", "labelled", "open_clipset", "open_corpus", "run", "scores",
]  # fmt: skip

PLACES = {
    "clips": ("ClipSet", "View", "open_clipset"),
    "corpora.catalogue": ("corpus_names", "open_corpus"),
    "corpora.labelled": ("labelled",),
    "corpora.source": ("Source",),
    "scoring.metrics": ("scores",),
    "methods.base": ("FeatureMethod", "Method", "NetworkMethod", "NetworkSettings"),
    "training.parts": ("RunSettings",),
    "training.runs": ("Run", "run"),
}


def __getattr__(name: str) -> object:
    """A public name, from the module that holds it."""
    place = next((place for place, held in PLACES.items() if name in held), None)
    if place is None:
        raise AttributeError(f"module 'mer_core' has no attribute {name!r}")
    return getattr(import_module(f"mer_core.{place}"), name)
