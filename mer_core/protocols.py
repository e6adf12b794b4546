"""What counts as a class, who is trained on and who is tested; and how many clips of each the field reports.

A split in which a subject stands on both sides can't be constructed.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mer_core.action_units import parse_action_units

EMOTIONS = (
    "happiness", "surprise", "disgust", "fear", "sadness", "anger", "contempt", "repression", "others",
    "positive", "negative", "tense", "pain", "helpless", "neutral", "unlabelled",
)  # fmt: skip
SPELLINGS = {
    "happy": "happiness", "sad": "sadness", "angry": "anger", "other": "others", "surprised": "surprise",
    "disgusted": "disgust", "afraid": "fear", "fearful": "fear", "contemptuous": "contempt", "repressed": "repression",
    "tension": "tense", "painful": "pain", "helplessness": "helpless",
}  # fmt: skip


def canonical_emotion(word: str) -> str:
    """The one word for an emotion that every corpus spells its own way.

    >>> canonical_emotion("Happy"), canonical_emotion(" Other ")
    ('happiness', 'others')
    """
    said = str(word).strip().lower()
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
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of corpora that are mapped otherwise

    def __call__(self, corpus: str, emotion: str) -> str | None:
        """The class of an emotion, spelt as the corpus's owners spell it; None if the map leaves that one out.

        >>> class_map("samm-5class")("samm", "Anger"), class_map("samm-5class")("samm", "Disgust")
        ('anger', None)
        """
        return self.own.get(corpus.lower(), self.emotions).get(canonical_emotion(emotion))

    def label(self, clips: pd.DataFrame) -> pd.Series:
        """The class number of every clip; missing where the clip belongs to no class."""
        names = [self(s.split("/")[0], e) for s, e in zip(clips["subject"], clips["emotion"], strict=True)]
        numbers = [pd.NA if name is None else self.classes.index(name) for name in names]
        return pd.Series(numbers, index=clips.index, dtype="Int64", name="label")

    def within(self, clips: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """The clips that belong to a class, and the number of it (N,); an error if there are none."""
        labels = self.label(clips)
        if labels.isna().all():
            corpora = "+".join(clips["subject"].str.partition("/")[0].unique())
            emotions = ", ".join(sorted(set(clips["emotion"])))
            raise ValueError(f"No clip of {corpora} belongs to a class of {self.name}: it has {emotions}.")
        return clips[labels.notna()], labels.dropna().to_numpy(int)


def _map(name: str, own: Mapping[str, Mapping[str, str]] | None = None, **classes: str) -> ClassMap:
    """A class map from the emotions of each class, in the order of the classes."""
    return ClassMap(name, tuple(classes), _by_emotion(**classes), own or {})


def _each(name: str, emotions: str, **classes: str) -> ClassMap:
    """Every emotion a class of its own, and further classes."""
    return _map(name, **{emotion: emotion for emotion in emotions.split()}, **classes)


def _by_emotion(**classes: str) -> dict[str, str]:
    return {emotion: name for name, emotions in classes.items() for emotion in emotions.split()}


# Some corpora label the three classes themselves: each of them contains its own name.
_THREE = {
    "negative": "disgust repression sadness fear anger contempt negative",
    "positive": "happiness positive",
    "surprise": "surprise",
}
_TWO_NEGATIVES = {**_THREE, "negative": "disgust repression"}
_BASIC_NEGATIVES = {**_THREE, "negative": "anger disgust fear sadness"}
_OWN = {"casme2": _by_emotion(**_TWO_NEGATIVES), "mmew": _by_emotion(**_BASIC_NEGATIVES)}
_SIX = "happiness surprise disgust fear anger sadness"

CLASS_MAPS = {
    made.name: made
    for made in (
        # The organisers' text counts fear and sadness as negative, their list of CASME II does not: the list decides.
        # Synthetic corpora follow the text. MMEW's table says `repression` of what its owners call others.
        _map("megc2019-3class", _OWN, **_THREE),
        _each("casme2-5class", "happiness disgust repression surprise others"),
        _map("casme2-3class", **_TWO_NEGATIVES),
        _map("casme2-3class-all-negative", **{**_THREE, "negative": "disgust repression sadness fear"}),
        _each("samm-5class", "anger contempt happiness others surprise"),
        _each("smic-3class", "negative positive surprise"),
        # MMEW's owners call the class `repression` that its table calls `others`.
        _each("mmew-7class", _SIX, others="others repression"),
        _each("mmew-6class", _SIX),
        _each("mmew-4class", "happiness surprise disgust", others="others repression"),
        _map("mmew-3class", **_BASIC_NEGATIVES),
        _each("casme-sq-4class", "negative positive surprise others"),
        _each("casme-sq-3class", "negative positive surprise"),
        _each("casme3-7class", "disgust surprise others fear anger sadness happiness"),
        _map("casme3-4class", **_THREE, others="others"),
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
            raise ValueError(f"Fold {self.name}: the subjects {sorted(map(str, both))} stand on both sides.")
        positions, times = np.unique([*self.train, *self.test], return_counts=True)
        if (times > 1).any():
            raise ValueError(
                f"Fold {self.name}: the clips {positions[times > 1]} stand in it more than once."
            )
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
    members: dict[str, set[str]] = {}
    for subject in subjects:
        members.setdefault(subject.partition("/")[0], set()).add(subject)
    if len(members) < 2:
        raise ValueError(
            f"Expected clips of at least two corpora, got {', '.join(members) or 'none'}: join them."
        )
    return [_fold(corpus, sorted(members[corpus]), subjects) for corpus in sorted(members)]


# How a run says which folds it has: so many groups of subjects, each corpus held out, or (None) each subject.
Groups = int | Literal["corpus"] | None
LeaveOneSubjectOut = Literal["leave one subject out"]


def split(subjects: Sequence[str], groups: Groups) -> list[Fold]:
    """The folds: one a subject, one a corpus, or as many groups of subjects."""
    if groups == "corpus":
        return hold_out_corpus(subjects)
    return leave_one_subject_out(subjects) if groups is None else subject_groups(subjects, groups)


def folds_in_words(groups: Groups) -> str:
    """As a reader knows them.

    >>> folds_in_words(None), folds_in_words(5)
    ('leave one subject out', '5 subject groups')
    """
    if groups is None:
        return "leave one subject out"
    return "leave one corpus out" if groups == "corpus" else f"{groups} subject groups"


def read_folds(word: str) -> Groups:
    """As a command line has them: `loso`, `corpus` or a number of subject groups."""
    if word == "loso":
        return None
    if word == "corpus":
        return "corpus"
    if not word.isdecimal() or int(word) < 2:
        raise ValueError(f"--folds is loso, corpus, or a number of subject groups from 2 on, not {word!r}.")
    return int(word)


def _fold(name: str, tested: Sequence[str], subjects: Sequence[str]) -> Fold:
    subjects = np.asarray(subjects)
    is_test = np.isin(subjects, tested)
    return Fold(name, np.flatnonzero(~is_test), np.flatnonzero(is_test), subjects)


# What is published of each label table: published.toml


@dataclass(frozen=True)
class Published:
    """Clips of each emotion in one version of a label table, as its owners or its readers counted them."""

    corpus: str
    version: str
    counts: Mapping[str, int]
    source: str
    mark: str  # how sure: see the head of published.toml
    subjects: int | None = None
    action_units: Mapping[str, int] = field(
        default_factory=dict
    )  # how often each stands there; `all` of them
    units: int | None = None  # different action units
    units_of_ten: int | None = None  # those that stand there ten times or more


@dataclass(frozen=True)
class PublishedSelection:
    """The clips that a class map, or a group of authors, is reported to take from a label table."""

    corpus: str
    version: str
    classes: str  # a class map, or the name of other classes
    clips: int
    mark: str
    subjects: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)  # clips of each class
    about: str = ""  # how it differs from what the class map takes


def published_counts(corpus: str, version: str) -> Published | None:
    """What is known of a version of a label table; None where nothing is."""
    return next((one for one in published_tables() if (one.corpus, one.version) == (corpus, version)), None)


def published_tables() -> tuple[Published, ...]:
    """Every label table whose counts are known."""
    return tuple(Published(**table) for table in _published()["table"])


def published_selections() -> tuple[PublishedSelection, ...]:
    """Every reported selection of clips."""
    return tuple(PublishedSelection(**one) for one in _published()["selection"])


@cache
def _published() -> dict[str, list[dict]]:
    return tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))


# The composite of the Micro-Expression Grand Challenge of 2019

MEGC_2019 = "megc2019-3class"
MEGC_2019_LEFT_OUT = ("casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f")  # no apex; an apex that is the onset
_MEGC_LINE = re.compile(r"(casme2|samm|smic),([a-z]*)([0-9]+),([^,]+),([012])")
_WIDTHS = {"casme2": 2, "samm": 3, "smic": 2}  # digits of a subject's number


class CompositeError(ValueError):
    """The clips at hand are not those of the challenge; the message says which differ."""


def megc2019(clips: pd.DataFrame, official: Path | str | None = None) -> np.ndarray:
    """Positions of the challenge's 442 clips among those of CASME II, SAMM and SMIC, in the order of the table.

    With the organisers' list they are exactly its clips: one that is missing or labelled otherwise is an error.
    Without it they are what the class map takes, less the two clips that the challenge left out;
    `megc2019_differences` says how far that is from 442.
    """
    labels = class_map(MEGC_2019).label(clips)
    if official is None:
        return np.flatnonzero(labels.notna() & ~clips["clip"].isin(MEGC_2019_LEFT_OUT))
    wanted = read_megc2019(official).set_index("clip")["label"]
    if missing := sorted(set(wanted.index) - set(clips["clip"])):
        raise CompositeError(
            f"{len(missing)} of the 442 clips are missing ({_some(missing)}): the corpora's reports say why. "
            "Without the official list the others can be taken: state how many they are."
        )
    expected = clips["clip"].map(wanted)
    if other := clips["clip"][expected.notna() & (labels.fillna(-1) != expected)].tolist():
        raise CompositeError(
            f"{len(other)} clips have another label than in the official list ({_some(other)}): "
            "it was made from the label tables casme2 2014 and samm v2."
        )
    return np.flatnonzero(expected.notna())


def megc2019_differences(chosen: pd.DataFrame) -> list[str]:
    """How the clips that were chosen differ in number from the published ones, corpus by corpus."""
    labels, corpora = class_map(MEGC_2019).label(chosen), chosen["subject"].str.partition("/")[0]
    said = []
    for one in published_selections():
        if one.classes == MEGC_2019 and one.corpus in _WIDTHS:
            own = corpora == one.corpus
            found = [int((labels[own] == number).sum()) for number in range(3)]
            subjects = chosen["subject"][own].nunique()
            if (found, subjects) != (expected := list(one.counts.values()), one.subjects):
                said.append(
                    f"{one.corpus}: {found} clips (negative, positive, surprise) of {subjects} subjects, "
                    f"published are {expected} of {one.subjects}"
                )
    return said


def read_megc2019(path: Path | str) -> pd.DataFrame:
    """The organisers' list, `combined_3class_gt.csv`: subject, clip and label, named as ClipSets name them."""
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    lines = [line.replace(" ", "") for line in text.splitlines() if line.strip(" ,")]
    matches = [_MEGC_LINE.fullmatch(line) for line in lines]
    if None in matches:
        wrong = lines[matches.index(None)]
        raise CompositeError(f"{path}: expected lines such as casme2,sub01,EP02_01f,1; got {wrong[:60]!r}.")
    rows = pd.DataFrame(
        [_megc_row(*match.groups()) for match in matches], columns=["subject", "clip", "label"]
    )
    if (n := rows["clip"].nunique()) != 442 or len(rows) != 442:
        raise CompositeError(
            f"{path}: expected 442 different clips, got {n} in {len(rows)} lines. An older copy, named -2, lacks "
            "SAMM's 032_3_1: take the list that the page of the challenge links."
        )
    return rows


def _megc_row(corpus: str, letters: str, number: str, clip: str, label: str) -> tuple[str, str, int]:
    """SAMM's subject 6 is 006 elsewhere; SMIC's clip s03_ne_05 is s3_ne_05 on disk."""
    subject = f"{corpus}/{letters}{int(number):0{_WIDTHS[corpus]}d}"
    clip = re.sub(r"^s0+", "s", clip) if corpus == "smic" else clip
    return subject, f"{subject}/{clip}", int(label)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


__all__ = [
    "CLASS_MAPS", "ClassMap", "CompositeError", "Fold", "Published", "PublishedSelection", "canonical_emotion",
    "class_map", "hold_out_corpus", "leave_one_subject_out", "megc2019", "megc2019_differences",
    "parse_action_units", "published_counts", "published_selections", "published_tables", "read_megc2019",
    "subject_groups",
]  # fmt: skip
