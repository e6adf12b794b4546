"""Videos of large expressions, for pre-training: CK+, MUG, DFEW, Oulu-CASIA, and the macro parts of MMEW and CAS(ME)³.

    python data_scripts/macro.py --corpus ck+ --root CK+ --out ckplus

Subjects of MMEW and CAS(ME)³ are called as in their micro-expressions: whoever pre-trains on them can leave the tested
person out. A sequence without a label is kept as `unlabelled`: pre-training needs none.
"""

import mer_core.pinned

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from mer_core.corpora import (
    Row,
    Source,
    SourceError,
    find,
    index_frames,
    read_table,
    row_of,
    spno,
    subfolders,
    text,
    whole_number,
)
from mer_core.corpora.command import run_script
from mer_core.corpora.images import SUFFIXES
from mer_core.settings import Settings

Corpus = Literal["ck+", "mug", "dfew", "oulu-casia", "mmew", "casme3"]


class Which(Settings):
    """Which corpus the folder is."""

    corpus: Corpus = Field("ck+", description="ck+, mug, dfew, oulu-casia, mmew or casme3")


class Layout(ABC):
    """How one of the corpora lies on disk."""

    name: ClassVar[str]
    about: ClassVar[str]
    tree: ClassVar[str]
    fps: ClassVar[int]
    has_apex: ClassVar[bool] = False  # else the peak is the last frame

    def __init__(self, root: Path, labels: Path | None) -> None:
        self.root, self.labels = root, labels

    @abstractmethod
    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        """Subject, clip, emotion and folder of every sequence."""

    def rows(self) -> list[Row]:
        return [_whole(*sequence, self.has_apex) for sequence in self.sequences()]

    def folders(self) -> dict[str, Path]:
        return {f"{subject}/{clip}": folder for subject, clip, _, folder in self.sequences()}


def _whole(subject: str, clip: str, emotion: str, folder: Path, peaks_at_end: bool) -> Row:
    """A sequence from its first picture to its last."""
    numbers = list(index_frames(folder))
    refused = "" if numbers else "frames missing: the folder is empty"
    first, last = (numbers[0], numbers[-1]) if numbers else (None, None)
    apex = last if peaks_at_end else None
    return Row(
        subject,
        clip,
        f"{subject}/{clip}",
        emotion,
        first,
        last,
        apex,
        where="/".join(folder.parts[-3:]),
        refused=refused,
    )


class CKPlus(Layout):
    """From neutral to the peak; the emotion is a number in a file of its own, and missing for almost half."""

    name, fps, has_apex = "ckplus", 30, True
    about = "CK+, 593 sequences of 123 subjects from neutral to the peak, 327 of them labelled"
    tree = """cohn-kanade-images/S005/001/S005_001_00000011.png
Emotion/S005/001/S005_001_00000011_emotion.txt"""
    EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")

    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        images, labels = _one(self.root, "cohn-kanade-images"), _one(self.root, "Emotion")
        for subject in subfolders(images):
            for sequence in subfolders(subject):
                yield (
                    subject.name,
                    sequence.name,
                    self._emotion(labels / subject.name / sequence.name),
                    sequence,
                )

    def _emotion(self, folder: Path) -> str:
        files = sorted(folder.glob("*_emotion.txt")) if folder.is_dir() else []
        number = whole_number(f"{float(files[0].read_text()):g}") if files else None
        return "unlabelled" if number is None else self.EMOTIONS[number]


class MUG(Layout):
    """Takes below emotions below subjects, some of them with one more level between."""

    name, fps = "mug", 19
    about = "MUG, 52 subjects, posed expressions from neutral to the peak and back"
    tree = """subjects3/001/anger/take000/0000.jpg
subjects3/001/001/anger/take000/0000.jpg"""

    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        top = _one(self.root, "subjects3")
        for take in sorted(p for p in top.rglob("take*") if p.is_dir()):
            subject, *between, emotion, name = take.relative_to(top).parts
            sitting = [part for part in between if part != subject]
            yield subject, "-".join([*sitting, emotion, name]), emotion, take


class DFEW(Layout):
    """Film clips: who is seen is not known, so that each clip counts as a subject of its own."""

    name, fps = "dfew", 25
    about = "DFEW, 11,697 film clips with one label; the people in them are not named"
    tree = """Clip/clip_224x224/00001/1.jpg
EmoLabel_DataSplit/train(single-labeled)/set_1.csv, test(single-labeled)/set_1.csv"""
    EMOTIONS = ("", "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")

    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        emotions = self._emotions()
        for clip in subfolders(_one(self.root, "clip_224x224*")):
            number = whole_number(clip.name)
            name = clip.name if number is None else f"{number:05d}"
            yield name, name, emotions.get(number, "unlabelled"), clip

    def _emotions(self) -> dict[int | None, str]:
        """Training and test list of one fold are the whole corpus."""
        columns = {"video": ("video_name",), "label": ("label",)}
        lists = [
            read_table(_one(self.root, f"{side}(single-labeled)/set_1.csv"), columns)
            for side in ("train", "test")
        ]
        cells = [c for table in lists for c in table.to_dict("records")]
        return {whole_number(c["video"]): self.EMOTIONS[whole_number(c["label"])] for c in cells}


class OuluCASIA(Layout):
    """Six expressions a subject, from neutral to the peak, under visible or near infrared light."""

    name, fps, has_apex = "oulu", 25, True
    about = "Oulu-CASIA, 80 subjects, six expressions each from neutral to the peak"
    tree = "VL/Strong/P001/Anger/000.jpeg"

    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        for camera in ("VL", "NI"):
            for light in (light for top in find(self.root, camera) for light in subfolders(top)):
                for subject in subfolders(light):
                    for emotion in subfolders(subject):
                        yield subject.name, f"{camera}-{light.name}-{emotion.name}", emotion.name, emotion


class MMEWMacro(Layout):
    """One picture an expression: there is no movement to learn from, and the report says so of each."""

    name, fps = "mmew", 90
    about = "MMEW, 900 macro-expressions of the people of its micro-expressions"
    tree = "Macro_Expression/S01/anger/S01-07-001.jpg"

    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        """Folders of frames, should an edition have them."""
        for emotion in self._emotions():
            for clip in subfolders(emotion):
                yield emotion.parent.name, clip.name, emotion.name, clip

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
            emotion
            for subject in subfolders(_one(self.root, "Macro_Expression"))
            for emotion in subfolders(subject)
        ]


class CASMECubedMacro(Layout):
    """The macro-expressions of part A: a table with key frames and action units, without emotions."""

    name, fps, has_apex = "casme3", 30, True
    about = "CAS(ME)³ part A, 3,346 macro-expressions of the people and videos of its micro-expressions"
    tree = """part_A/data/part_A/spNO.1/b/color/166.jpg
CAS(ME)3_part_A_v2.xls"""
    COLUMNS: ClassVar = {
        "subject": ("Subject",), "video": ("Filename",), "onset": ("Onset",), "apex": ("Apex",), "offset": ("Offset",),
        "action_units": ("AU",), "kind": ("Expression type",),
    }  # fmt: skip

    def sequences(self) -> Iterator[tuple[str, str, str, Path]]:
        subjects = next((path.parent for path in find(self.root, "spNO*", depth=5)), self.root)
        for subject in (s for s in subfolders(subjects) if s.name.lower().startswith("spno")):
            for video in subfolders(subject):
                frames = video / "color" if (video / "color").is_dir() else video
                yield spno(subject.name), video.name.lower(), "unlabelled", frames

    def rows(self) -> list[Row]:
        path = self.labels or _one(self.root, "CAS(ME)3_part_A_v2.xls*")
        cells = read_table(path, self.COLUMNS, sheet="AU+Emotion").to_dict("records")
        return [self._row(c, path) for c in cells if "macro" in text(c["kind"]).lower()]

    def _row(self, cells: dict[str, object], path: Path) -> Row:
        subject, video = spno(text(cells["subject"])), text(cells["video"]).lower()
        clip = f"macro-{video}_{text(cells['onset'])}"
        return row_of({**cells, "emotion": "unlabelled"}, path, subject, clip, f"{subject}/{video}")


LAYOUTS: dict[str, type[Layout]] = {
    "ck+": CKPlus, "mug": MUG, "dfew": DFEW, "oulu-casia": OuluCASIA, "mmew": MMEWMacro, "casme3": CASMECubedMacro,
}  # fmt: skip


def _one(root: Path, pattern: str) -> Path:
    """The file or folder of this name: the root itself, or below it."""
    found = [root] if root.match(pattern) else find(root, pattern, depth=5)
    if not found:
        raise SourceError(f"Expected {pattern} in {root}, found none.")
    return found[0]


class Macro(Source):
    """One of the corpora above, as its layout says."""

    name = "macro"
    about = "Videos of large expressions, for pre-training"
    apply = "CK+: its owners; https://mug.ee.auth.gr/fed; https://dfew-dataset.github.io; University of Oulu"
    cite = "lucey2010ckplus"
    licence = "each has its own"
    tree = "\n".join(layout.tree for layout in LAYOUTS.values())
    kind = "macro"
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
        return LAYOUTS[self.options.corpus](self.root, self.labels)

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

    def folders(self) -> dict[str, Path]:
        return self._layout.folders()

    def rows(self) -> list[Row]:
        return self._layout.rows()


if __name__ == "__main__":
    run_script(Macro)
