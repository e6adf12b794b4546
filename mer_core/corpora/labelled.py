"""The clips of a corpus that belong to a class, and the number of it: what a script begins with."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer_core.clips import ClipSet, View
from mer_core.corpora.catalogue import AnyCorpus, open_corpus
from mer_core.protocols import class_map


class Labelled(NamedTuple):
    """A ClipSet without the clips that belong to no class."""

    clips: ClipSet
    labels: np.ndarray  # (N,) 0 … C − 1
    classes: tuple[str, ...]  # (C,)


def labelled(
    corpus: AnyCorpus | str | Path, view: View, classes: str = "megc2019-3class", limit: int | None = None
) -> Labelled:
    """The clips of a corpus, or of that many of its clips, as a view shows them, with the classes of a class map.

    >>> view = View(frames=2, size=16, landmarks=False)
    >>> clips, labels, classes = labelled("synth-mini", view, "megc2019-3class")
    >>> [classes[label] for label in labels[:3]], clips.frames.shape
    (['surprise', 'negative', 'positive'], (18, 2, 16, 16))
    """
    opened = open_corpus(corpus) if isinstance(corpus, (str, Path)) else corpus
    every, mapping = opened.clipset(view, limit=limit), class_map(classes)
    table, labels = mapping.within(every.clips)
    return Labelled(every.select(table.index.to_numpy()), labels, mapping.classes)
