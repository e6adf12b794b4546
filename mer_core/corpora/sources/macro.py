"""Videos of large expressions, for pre-training: CK+, MUG, DFEW, Oulu-CASIA, and the macro parts of MMEW and CAS(ME)³.

Subjects of MMEW and CAS(ME)³ are called as in their micro-expressions: whoever pre-trains on them can leave the tested
person out. A sequence without a label is kept as `unlabelled`: pre-training needs none.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from mer_core.corpora import (
    Row,
    Source,
    SourceError,
    contents,
    extent,
    find,
    read_table,
    row_of,
    spno,
    subfolders,
    text,
    whole_number,
)
from mer_core.corpora.images import SUFFIXES
from mer_core.corpora.sources.casme3 import COLUMNS_A, in_colour, onset_of
from mer_core.settings import Settings

Corpus = Literal["ck+", "mug", "dfew", "oulu-casia", "mmew", "casme3"]


class Which(Settings):
    """Which corpus the folder is."""

    corpus: Corpus = Field("ck+", description="ck+, mug, dfew, oulu-casia, mmew or casme3")


@dataclass(frozen=True)
class Sequence:
    """A folder of frames that is a clip from its first picture to its last, or why it can be none."""

    subject: str
    clip: str
    emotion: str
    folder: Path
    refused: str = ""


class Layout(ABC):
    """How one of the corpora lies on disk."""

    name: ClassVar[str]
    about: ClassVar[str]
    tree: ClassVar[str]
    fps: ClassVar[int]
    has_apex: ClassVar[bool] = False  # else the peak is the last frame

    def __init__(self, source: Source) -> None:
        self.root, self.labels, self.note = source.root, source.labels, source.note

    @abstractmethod
    def sequences(self) -> Iterator[Sequence]:
        """Every sequence that has a folder."""

    def rows(self) -> list[Row]:
        return [_whole(sequence, self.has_apex) for sequence in self.sequences()]

    def folders(self) -> list[tuple[str, Path]]:
        return [(f"{one.subject}/{one.clip}", one.folder) for one in self.sequences()]

    def one(self, pattern: str) -> Path:
        """The file or folder of this name: the root itself, or below it, the nearest."""
        found = [self.root] if self.root.match(pattern) else find(self.root, pattern, depth=5)
        if not found:
            raise SourceError(f"Expected {pattern} in {self.root}, found none: {contents(self.root)}.")
        if len(found) > 1:
            chosen, *others = (path.relative_to(self.root).as_posix() for path in found)
            self.note(f"{chosen}; also there: {', '.join(others)}")
        return found[0]


def _whole(sequence: Sequence, peaks_at_end: bool) -> Row:
    """A sequence from its first picture to its last."""
    first, last, wrong = extent(sequence.folder)
    return Row(
        sequence.subject,
        sequence.clip,
        f"{sequence.subject}/{sequence.clip}",
        sequence.emotion,
        first,
        last,
        last if peaks_at_end else None,
        where="/".join(sequence.folder.parts[-3:]),
        refused=sequence.refused or wrong,
    )


def _without_folder(subject: str, clip: str, emotion: str, where: str, refused: str = "") -> Row:
    """A label whose frames are not there."""
    key = f"{subject}/{clip}"
    refused = refused or f"folder missing: {key}"
    return Row(subject, clip, key, emotion, None, None, where=where, refused=refused)


def _read_label(cell: object, emotions: tuple[str, ...], where: str) -> tuple[str, str]:
    """The emotion that a number stands for, and what is wrong with the number."""
    number = whole_number(cell)
    if number is None or not 0 <= number < len(emotions) or not emotions[number]:
        known = [str(n) for n, emotion in enumerate(emotions) if emotion]
        return "", f"unknown label: {text(cell)[:40]!r} in {where} is none of {', '.join(known)}"
    return emotions[number], ""


class CKPlus(Layout):
    """From neutral to the peak; the emotion is a number in a file of its own, and missing for almost half."""

    name, fps, has_apex = "ckplus", 30, True
    about = "CK+, 593 sequences of 123 subjects from neutral to the peak, 327 of them labelled"
    tree = """cohn-kanade-images/S005/001/S005_001_00000011.png
Emotion/S005/001/S005_001_00000011_emotion.txt"""
    EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")

    def sequences(self) -> Iterator[Sequence]:
        images, labels = self.one("cohn-kanade-images"), self.one("Emotion")
        for subject in subfolders(images):
            for folder in subfolders(subject):
                emotion, refused = self._emotion(labels / subject.name / folder.name)
                yield Sequence(subject.name, folder.name, emotion, folder, refused)

    def rows(self) -> list[Row]:
        """Also of the labels whose pictures are not there."""
        rows = super().rows()
        known = {(row.subject, row.clip) for row in rows}
        labels = [clip for subject in subfolders(self.one("Emotion")) for clip in subfolders(subject)]
        lost = [clip for clip in labels if (clip.parent.name, clip.name) not in known and self._files(clip)]
        return rows + [
            _without_folder(c.parent.name, c.name, self._emotion(c)[0], "/".join(c.parts[-3:])) for c in lost
        ]

    def _files(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*_emotion.txt")) if folder.is_dir() else []

    def _emotion(self, folder: Path) -> tuple[str, str]:
        """The emotion, and why it is none; without a file nobody labelled the sequence."""
        files, clip = self._files(folder), f"{folder.parent.name}_{folder.name}"
        if other := next((file.name for file in files if not file.name.startswith(f"{clip}_")), None):
            return "", f"contradiction: the label of {clip} is called {other}"
        read = [_read_label(_number_in(file), self.EMOTIONS, file.name) for file in files]
        if len(set(read)) > 1:
            return "", f"contradiction: {' and '.join(file.name for file in files)} differ"
        return read[0] if read else ("unlabelled", "")


def _number_in(file: Path) -> object:
    """A file holds one number, written as 3.0000000e+00."""
    with file.open("rb") as opened:
        said = opened.read(100).decode("ascii", errors="replace").strip()
    try:
        number = float(said)
    except ValueError:
        return said
    return number if math.isfinite(number) else said


class MUG(Layout):
    """Takes below emotions below subjects, some of them with one more level between."""

    name, fps = "mug", 19
    about = "MUG, 52 subjects, posed expressions from neutral to the peak and back"
    tree = """subjects3/001/anger/take000/0000.jpg
subjects3/001/001/anger/take000/0000.jpg"""

    def sequences(self) -> Iterator[Sequence]:
        top = self.one("subjects3")
        takes = [p for p in find(top, "take*", depth=5) if p.is_dir()]
        for take in (p for p in sorted(takes) if len(p.relative_to(top).parts) > 2):
            subject, *between, emotion, name = take.relative_to(top).parts
            sitting = [part for part in between if part != subject]
            yield Sequence(subject, "-".join([*sitting, emotion, name]), emotion, take)


class DFEW(Layout):
    """Film clips: who is seen is not known, so that each clip counts as a subject of its own."""

    name, fps = "dfew", 25
    about = "DFEW, 11,697 film clips with one label; the people in them are not named"
    tree = """Clip/clip_224x224/00001/1.jpg
EmoLabel_DataSplit/train(single-labeled)/set_1.csv, test(single-labeled)/set_1.csv"""
    EMOTIONS = ("", "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")

    def sequences(self) -> Iterator[Sequence]:
        labels = self._labels
        for clip in subfolders(self.one("clip_224x224*")):
            emotion, refused, _ = labels.get(whole_number(clip.name), ("unlabelled", "", ""))
            name = _five_digits(clip.name)
            yield Sequence(name, name, emotion, clip, refused)

    def rows(self) -> list[Row]:
        """Also of the lists' rows whose clips are not there."""
        rows = super().rows()
        known = {row.clip for row in rows}
        named = {_five_digits(video): label for video, label in self._labels.items()}
        return rows + [
            _without_folder(name, name, emotion, where, refused)
            for name, (emotion, refused, where) in named.items()
            if name not in known
        ]

    @cached_property
    def _labels(self) -> dict[object, tuple[str, str, str]]:
        """By video: emotion, what is wrong, and where. Training and test list of one fold are the whole corpus."""
        labels: dict[object, tuple[str, str, str]] = {}
        for cells, where in self._cells():
            number = whole_number(cells["video"])
            video = f"{text(cells['video'])!r}" if number is None else number
            emotion, refused = _read_label(cells["label"], self.EMOTIONS, where)
            if video in labels and labels[video][:2] != (emotion, refused):
                refused = f"contradiction: {labels[video][2]} and {where} differ"
            labels[video] = (emotion, refused, where)
        return labels

    def _cells(self) -> Iterator[tuple[dict[str, object], str]]:
        columns = {"video": ("video_name",), "label": ("label",)}
        for side in ("train", "test"):
            folder = self.one(f"{side}(single-labeled)")
            for cells in read_table(folder / "set_1.csv", columns, note=self.note).to_dict("records"):
                yield cells, f"row {cells['row']} of {folder.name}/set_1.csv"


def _five_digits(name: object) -> str:
    number = whole_number(name)
    return str(name) if number is None else f"{number:05d}"


class OuluCASIA(Layout):
    """Six expressions a subject, from neutral to the peak, under visible or near infrared light."""

    name, fps, has_apex = "oulu", 25, True
    about = "Oulu-CASIA, 80 subjects, six expressions each from neutral to the peak"
    tree = "VL/Strong/P001/Anger/000.jpeg"

    def sequences(self) -> Iterator[Sequence]:
        for camera in ("VL", "NI"):
            tops = [top for top in find(self.root, camera) if top.is_dir()]
            for light in (light for top in tops for light in subfolders(top)):
                for subject in subfolders(light):
                    for emotion in subfolders(subject):
                        clip = f"{camera}-{light.name}-{emotion.name}"
                        yield Sequence(subject.name, clip, emotion.name, emotion)


class MMEWMacro(Layout):
    """One picture an expression: there is no movement to learn from, and the report says so of each."""

    name, fps = "mmew", 90
    about = "MMEW, 900 macro-expressions of the people of its micro-expressions"
    tree = "Macro_Expression/S01/anger/S01-07-001.jpg"

    def sequences(self) -> Iterator[Sequence]:
        """Folders of frames, should an edition have them."""
        for emotion in self._emotions():
            for clip in subfolders(emotion):
                yield Sequence(emotion.parent.name, clip.name, emotion.name, clip)

    def rows(self) -> list[Row]:
        refused = "a single picture, no sequence"
        pictures = [
            p
            for emotion in self._emotions()
            for p in sorted(emotion.iterdir())
            if p.suffix.lower() in SUFFIXES
        ]
        single = [
            Row(
                p.parent.parent.name,
                p.stem,
                "",
                p.parent.name,
                None,
                None,
                where="/".join(p.parts[-3:]),
                refused=refused,
            )
            for p in pictures
        ]
        return super().rows() + single

    def _emotions(self) -> list[Path]:
        return [
            emotion for subject in subfolders(self.one("Macro_Expression")) for emotion in subfolders(subject)
        ]


class CASMECubedMacro(Layout):
    """The macro-expressions of part A: a table with key frames and action units, without emotions."""

    name, fps, has_apex = "casme3", 30, True
    about = "CAS(ME)³ part A, 3,346 macro-expressions of the people and videos of its micro-expressions"
    tree = """part_A/data/part_A/spNO.1/b/color/166.jpg
CAS(ME)3_part_A_v2.xls                                              (both kinds, no emotion)
cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx                  (macro-expressions alone)"""
    TABLES = ("cas(me)3_part_A_MaE_label*.xls*", "CAS(ME)3_part_A_v2.xls*")

    def sequences(self) -> Iterator[Sequence]:
        subjects = next(
            (path.parent for path in find(self.root, "spNO*", depth=5) if path.is_dir()), self.root
        )
        for subject in (s for s in subfolders(subjects) if s.name.lower().startswith("spno")):
            for video in subfolders(subject):
                yield Sequence(spno(subject.name), video.name.lower(), "unlabelled", in_colour(video))

    def rows(self) -> list[Row]:
        path = self.labels or self._table()
        read = read_table(path, COLUMNS_A, optional=("kind", "emotion"), sheet="AU+Emotion", note=self.note)
        cells = read.to_dict("records")
        macro = [c for c in cells if "micro" not in text(c["kind"]).lower()]
        self.note(f"{len(cells) - len(macro)} rows are no macro-expressions")
        return [self._row(c, path) for c in macro]

    def _table(self) -> Path:
        """The table of macro-expressions alone if it is there: it knows their emotions."""
        named = [pattern for pattern in self.TABLES if find(self.root, pattern, depth=5)]
        path, *others = [self.one(pattern) for pattern in named or self.TABLES[-1:]]
        if others:
            self.note(f"table {path.name}; also there: {', '.join(other.name for other in others)}")
        return path

    def _row(self, cells: dict[str, object], path: Path) -> Row:
        subject, video = spno(text(cells["subject"])), text(cells["video"]).lower()
        clip = f"macro-{video}_{onset_of(cells)}"
        named = {**cells, "emotion": text(cells["emotion"]) or "unlabelled"}
        kind = text(cells["kind"])
        refused = (
            "" if not kind or "macro" in kind.lower() else f"unknown kind: {kind!r} is no macro-expression"
        )
        return row_of(named, path, subject, clip, f"{subject}/{video}", refused)


LAYOUTS: dict[str, type[Layout]] = {
    "ck+": CKPlus, "mug": MUG, "dfew": DFEW, "oulu-casia": OuluCASIA, "mmew": MMEWMacro, "casme3": CASMECubedMacro,
}  # fmt: skip


class Macro(Source):
    """One of the corpora above, as its layout says."""

    name = "macro"
    about = "Videos of large expressions, for pre-training"
    owner = "each of them has its own"
    apply = "CK+: its owners; https://mug.ee.auth.gr/fed; https://dfew-dataset.github.io; University of Oulu"
    cite = "lucey2010ckplus"
    licence = "each has its own"
    tree = "\n".join(layout.tree for layout in LAYOUTS.values())
    examples = ("--corpus ck+ --root CK+ --out ckplus",)
    kind = "macro"
    includes: ClassVar = {name: layout.about for name, layout in LAYOUTS.items()}
    has_action_units = False
    traps = (
        "CK+ labels 327 of its 593 sequences; the rest is kept as `unlabelled`.",
        "MMEW's macro-expressions are single pictures: nothing to predict from one frame to the next.",
        "MMEW and CAS(ME)³ show the same people in their micro-expressions: leave the tested one out.",
        "DFEW does not say who is seen: its clips can't be split by person.",
    )
    Options = Which

    @cached_property
    def _layout(self) -> Layout:
        return LAYOUTS[self.options.corpus](self)

    @property
    def corpus(self) -> str:
        return self._layout.name

    @property
    def fps(self) -> int:
        return self._layout.fps

    @property
    def has_apex(self) -> bool:
        return self._layout.has_apex

    @property
    def version(self) -> str:
        return self.options.corpus

    def folders(self) -> list[tuple[str, Path]]:
        return self._layout.folders()

    def rows(self) -> list[Row]:
        return self._layout.rows()
