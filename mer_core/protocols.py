"""What counts as a class, who is trained on and who is tested.

A split in which a subject stands on both sides can't be constructed.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from mer_core.action_units import parse_action_units

EMOTIONS = (
    "happiness", "surprise", "disgust", "fear", "sadness", "anger", "contempt", "repression", "others",
    "positive", "negative", "pain", "helpless", "neutral", "unlabelled",
)  # fmt: skip
SPELLINGS = {"happy": "happiness", "sad": "sadness", "angry": "anger", "other": "others"}


def canonical_emotion(word: str) -> str:
    """The one word for an emotion that every corpus spells its own way.

    >>> canonical_emotion("Happy"), canonical_emotion(" Other ")
    ('happiness', 'others')
    """
    said = word.strip().lower()
    said = SPELLINGS.get(said, said)
    if said not in EMOTIONS:
        raise ValueError(f"{word!r} is none of {', '.join(EMOTIONS)}")
    return said


@dataclass(frozen=True)
class ClassMap:
    """Which emotion belongs to which class; one that belongs to none is left out."""

    name: str
    classes: tuple[str, ...]
    emotions: Mapping[str, str]
    special: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict
    )  # corpora that are mapped another way

    def __call__(self, corpus: str, emotion: str) -> str | None:
        """The class of an emotion as this corpus labels it, or None."""
        return self.special.get(corpus, self.emotions).get(emotion)

    def label(self, clips: pd.DataFrame) -> pd.Series:
        """The class number of every clip; missing where the clip belongs to no class."""
        names = [self(s.split("/")[0], e) for s, e in zip(clips["subject"], clips["emotion"], strict=True)]
        numbers = [pd.NA if name is None else self.classes.index(name) for name in names]
        return pd.Series(numbers, index=clips.index, dtype="Int64", name="label")


NEGATIVE = ("disgust", "repression", "sadness", "fear", "anger", "contempt")


def _map(
    name: str, *, casme2: Mapping[str, Sequence[str]] | None = None, **classes: Sequence[str]
) -> ClassMap:
    """A class map from the emotions of each class; `casme2` says what differs in that corpus."""
    special = {"casme2": _inverse(casme2)} if casme2 else {}
    return ClassMap(name, tuple(classes), _inverse(classes), special)


def _inverse(classes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {emotion: name for name, emotions in classes.items() for emotion in emotions}


def _each(name: str, *emotions: str) -> ClassMap:
    """Every emotion a class of its own."""
    return _map(name, **{emotion: (emotion,) for emotion in emotions})


_THREE = {
    "negative": (*NEGATIVE, "negative"),
    "positive": ("happiness", "positive"),
    "surprise": ("surprise",),
}
_CASME2_NEGATIVE = {**_THREE, "negative": ("disgust", "repression")}
CLASS_MAPS = {
    made.name: made
    for made in (
        # The challenge of 2019; its list takes CASME II's negatives from two emotions only, whatever its text says.
        _map("megc2019-3class", **_THREE, casme2=_CASME2_NEGATIVE),
        _each("casme2-5class", "happiness", "disgust", "repression", "surprise", "others"),
        _map("casme2-3class", **_CASME2_NEGATIVE),
        _map(
            "casme2-3class-all-negative",
            **{**_THREE, "negative": ("disgust", "repression", "sadness", "fear")},
        ),
        _each("samm-5class", "anger", "contempt", "happiness", "others", "surprise"),
        _each("smic-3class", "negative", "positive", "surprise"),
        _each("mmew-7class", "happiness", "surprise", "disgust", "fear", "anger", "sadness", "others"),
        _each("mmew-6class", "happiness", "surprise", "disgust", "fear", "anger", "sadness"),
        _each("mmew-4class", "happiness", "surprise", "disgust", "others"),
        _map("mmew-3class", **_THREE),
        _each("casme-sq-4class", "negative", "positive", "surprise", "others"),
        _each("casme-sq-3class", "negative", "positive", "surprise"),
        _each("casme3-7class", "disgust", "surprise", "others", "fear", "anger", "sadness", "happiness"),
        _map("casme3-4class", **_THREE, others=("others",)),
        _map("casme3-3class", **_THREE),
    )
}


def class_map(name: str) -> ClassMap:
    """A class map by its name."""
    if name not in CLASS_MAPS:
        raise ValueError(f"There is no class map {name!r}; there are {', '.join(CLASS_MAPS)}.")
    return CLASS_MAPS[name]


@dataclass(frozen=True)
class Fold:
    """Positions of the clips to train on and to test on; a subject or clip on both sides can't be constructed."""

    name: str
    train: np.ndarray  # (n,) positions
    test: np.ndarray  # (m,) positions
    subjects: np.ndarray  # (N,) subject of every clip

    def __post_init__(self) -> None:
        if both := set(self.subjects[self.train]) & set(self.subjects[self.test]):
            raise ValueError(f"Fold {self.name}: the subjects {sorted(both)} stand on both sides.")
        if len({*self.train, *self.test}) < len(self.train) + len(self.test):
            raise ValueError(f"Fold {self.name}: a clip stands in it more than once.")
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


def hold_out_corpus(subjects: Sequence[str]) -> list[Fold]:
    """One fold a corpus: all its clips are tested by a model that saw only other corpora."""
    corpora = np.array([subject.partition("/")[0] for subject in subjects])
    if len(names := sorted(set(corpora))) < 2:
        raise ValueError(
            f"Expected clips of at least two corpora, got {', '.join(names)}: join them as in a+b."
        )
    subjects = np.asarray(subjects)
    return [
        Fold(name, np.flatnonzero(corpora != name), np.flatnonzero(corpora == name), subjects)
        for name in names
    ]


def _fold(name: str, tested: Sequence[str], subjects: Sequence[str]) -> Fold:
    subjects = np.asarray(subjects)
    is_test = np.isin(subjects, tested)
    return Fold(name, np.flatnonzero(~is_test), np.flatnonzero(is_test), subjects)


# What is published of each label table


@dataclass(frozen=True)
class Published:
    """Clips of each emotion in one version of a label table, as its owners or its readers counted them."""

    corpus: str
    version: str
    counts: Mapping[str, int]
    source: str
    subjects: int | None = None
    action_units: Mapping[str, int] = field(
        default_factory=dict
    )  # how often each stands in the table; `all` of them


@cache
def published_counts(corpus: str, version: str) -> Published | None:
    """What is known of a version of a label table; None where nothing is."""
    return next((one for one in published_tables() if (one.corpus, one.version) == (corpus, version)), None)


@cache
def published_tables() -> tuple[Published, ...]:
    """Every label table whose counts are known."""
    tables = tomllib.loads(Path(__file__).with_name("published.toml").read_text())["table"]
    return tuple(Published(**table) for table in tables)


# The composite of the Micro-Expression Grand Challenge of 2019

MEGC_CORPORA = ("casme2", "samm", "smic")
MEGC_LEFT_OUT = ("casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f")  # no apex; an apex that is the onset
MEGC_CLIPS = {
    "casme2": (88, 32, 25),
    "samm": (92, 26, 15),
    "smic": (70, 51, 43),
}  # negative, positive, surprise


class CompositeError(ValueError):
    """The clips at hand are not those of the challenge; the message says which are missing."""


def read_megc2019(path: Path | str) -> pd.DataFrame:
    """The organisers' list, `combined_3class_gt.csv`: corpus, subject, clip and label, as ClipSets name them."""
    lines = [line.split(",") for line in Path(path).read_text().splitlines() if line.strip()]
    if broken := [",".join(line) for line in lines if len(line) != 4 or line[0] not in MEGC_CORPORA]:
        raise CompositeError(f"{path}: expected lines such as casme2,sub01,EP02_01f,0; got {broken[0]!r}.")
    if len(lines) != 442:
        raise CompositeError(
            f"{path}: expected 442 clips, got {len(lines)}. An older copy in the same place lacks one: "
            "take the file that the challenge page links."
        )
    rows = [(*_megc_names(corpus, subject, clip), int(label)) for corpus, subject, clip, label in lines]
    return pd.DataFrame(rows, columns=["subject", "clip", "label"])


def _megc_names(corpus: str, subject: str, clip: str) -> tuple[str, str]:
    """SAMM's 6 is 006; SMIC's clip s03_ne_05 is s3_ne_05 on disk."""
    subject = f"{int(subject):03d}" if corpus == "samm" else subject
    if corpus == "smic":
        clip = f"s{int(subject[1:])}{clip[clip.index('_') :]}"
    return f"{corpus}/{subject}", f"{corpus}/{subject}/{clip}"


def megc2019(clips: pd.DataFrame, official: Path | str | None = None) -> np.ndarray:
    """Positions of the challenge's 442 clips among those of CASME II, SAMM and SMIC.

    With the organisers' list they are exactly its clips, and a missing one is an error. Without it they are what the
    class map keeps, less the two clips that the challenge left out.
    """
    if official is None:
        kept = class_map("megc2019-3class").label(clips).notna() & ~clips["clip"].isin(MEGC_LEFT_OUT)
        return np.flatnonzero(kept)
    wanted = read_megc2019(official)
    places = pd.Series(np.arange(len(clips)), index=clips["clip"])
    if missing := [clip for clip in wanted["clip"] if clip not in places.index]:
        raise CompositeError(
            f"{len(missing)} of the 442 clips are missing, such as {', '.join(missing[:3])}."
        )
    return places[wanted["clip"]].to_numpy()


__all__ = [
    "CLASS_MAPS", "ClassMap", "CompositeError", "Fold", "Published", "canonical_emotion", "class_map",
    "hold_out_corpus", "leave_one_subject_out", "megc2019", "parse_action_units", "published_counts",
    "published_tables", "read_megc2019", "subject_groups",
]  # fmt: skip
