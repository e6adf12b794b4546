"""What counts as a class, who is trained on and who is tested.

A split in which a subject stands on both sides can't be constructed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_MEGC_2019 = {
    **dict.fromkeys(
        ("disgust", "repression", "sadness", "fear", "anger", "contempt", "negative"), "negative"
    ),
    **dict.fromkeys(("happiness", "positive"), "positive"),  # SMIC labels the classes themselves
    "surprise": "surprise",
}
_FIVE = {name: name for name in ("happiness", "disgust", "repression", "surprise", "others")}


@dataclass(frozen=True)
class ClassMap:
    """Which emotion belongs to which class; one that belongs to none is left out."""

    name: str
    classes: tuple[str, ...]
    emotions: dict[str, str]

    def __call__(self, corpus: str, emotion: str) -> str | None:
        """The class of an emotion as this corpus labels it, or None."""
        return self.emotions.get(emotion)

    def label(self, clips: pd.DataFrame) -> pd.Series:
        """The class number of every clip; missing where the clip belongs to no class."""
        names = [self(s.split("/")[0], e) for s, e in zip(clips["subject"], clips["emotion"], strict=True)]
        numbers = [pd.NA if name is None else self.classes.index(name) for name in names]
        return pd.Series(numbers, index=clips.index, dtype="Int64", name="label")


CLASS_MAPS = {
    made.name: made
    for made in (
        ClassMap("megc2019-3class", ("negative", "positive", "surprise"), _MEGC_2019),
        ClassMap("casme2-5class", tuple(_FIVE), _FIVE),
    )
}


def class_map(name: str) -> ClassMap:
    """A class map by its name."""
    if name not in CLASS_MAPS:
        raise ValueError(f"There is no class map {name!r}; there are {', '.join(CLASS_MAPS)}.")
    return CLASS_MAPS[name]


@dataclass(frozen=True)
class Fold:
    """Positions of the clips to train on and to test on; a subject on both sides can't be constructed."""

    name: str
    train: np.ndarray  # (n,) positions
    test: np.ndarray  # (m,) positions
    subjects: np.ndarray  # (N,) subject of every clip

    def __post_init__(self) -> None:
        if both := set(self.subjects[self.train]) & set(self.subjects[self.test]):
            raise ValueError(f"Fold {self.name}: the subjects {sorted(both)} stand on both sides.")
        if len(self.train) == 0 or len(self.test) == 0:
            raise ValueError(f"Fold {self.name}: one side is empty; are there at least two subjects?")


def leave_one_subject_out(subjects: Sequence[str]) -> list[Fold]:
    """One fold a subject: all its clips are tested by a model that never saw it."""
    return [_fold(subject, [subject], subjects) for subject in sorted(set(subjects))]


def subject_groups(subjects: Sequence[str], k: int, seed: int = 0) -> list[Fold]:
    """`k` folds of whole subjects, with about the same number of clips each.

    Subjects are shuffled by the seed, then dealt, those with most clips first, to the smallest group so far.
    """
    names, counts = np.unique(np.asarray(subjects), return_counts=True)
    if not 2 <= k <= len(names):
        raise ValueError(f"Expected 2 to {len(names)} groups of {len(names)} subjects, got k={k}.")
    order = np.random.RandomState(seed).permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    groups: list[list[int]] = [[] for _ in range(k)]
    for subject in order:
        min(groups, key=lambda group: (counts[group].sum(), len(group))).append(subject)
    return [_fold(f"group{i + 1}", names[group], subjects) for i, group in enumerate(groups)]


def _fold(name: str, tested: Sequence[str], subjects: Sequence[str]) -> Fold:
    subjects = np.asarray(subjects)
    is_test = np.isin(subjects, tested)
    return Fold(name, np.flatnonzero(~is_test), np.flatnonzero(is_test), subjects)


EMOTIONS = (
    "happiness", "surprise", "disgust", "fear", "sadness", "anger", "contempt", "repression", "others",
    "positive", "negative", "pain", "helpless", "neutral", "unlabelled",
)  # fmt: skip
SPELLINGS = {"happy": "happiness", "sad": "sadness", "other": "others", "angry": "anger", "surprised": "surprise",
             "anger ": "anger", "helplessness": "helpless", "disgusted": "disgust"}


def canonical_emotion(text: str) -> str:
    """The one word for an emotion that corpora spell in several ways."""
    word = text.strip().lower()
    word = SPELLINGS.get(word, word)
    if word not in EMOTIONS:
        raise ValueError(f"{text!r} is none of {', '.join(EMOTIONS)}")
    return word


def published_counts(corpus: str, version: str) -> dict[str, int] | None:
    """Clips of each emotion that were published of a label table."""
    return {"disgust": 63} if corpus == "casme2" else None
