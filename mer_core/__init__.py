"""The package behind the book: clips, corpora, faces, methods, training, scoring, the ledger of runs, studies.

Importing it changes nothing and loads nothing: NumPy, OpenCV and torch read once which kernels they may take, and so a
door of the book (`mer_core.pinned`) has to come before them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mer_core.clips import ClipSet, View, open_clipset
    from mer_core.corpora.catalogue import corpus_names, open_corpus

__all__ = ["ClipSet", "View", "corpus_names", "open_clipset", "open_corpus"]

FROM_CATALOGUE = ("corpus_names", "open_corpus")


def __getattr__(name: str) -> object:
    """A public name, from the module that holds it."""
    if name not in __all__:
        raise AttributeError(f"module 'mer_core' has no attribute {name!r}")
    place = "corpora.catalogue" if name in FROM_CATALOGUE else "clips"
    return getattr(import_module(f"mer_core.{place}"), name)
