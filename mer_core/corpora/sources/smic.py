"""SMIC: 164 micro-expressions of 16 subjects at 100 frames a second (HS), three classes, neither apex nor action units.

X. Li et al., "A Spontaneous Micro-Expression Database: Inducement, Collection and Baseline", FG 2013.
"""

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field

from mer_core.corpora import (
    Row,
    Source,
    extent,
    find,
    numbered,
    read_table,
    row_of,
    subfolders,
    text,
)
from mer_core.settings import Settings

COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetF",),
    "offset": ("OffsetF",),
    "emotion": ("Emotion",),
    "second": ("Onset2F",),
    "end": ("Offset2F",),
}
# s3_ne_05 on disk, s03_ne_05 in lists of others
CLIP = re.compile(r"s0*([0-9]+)_(ne|po|sur)_([0-9]+)", re.IGNORECASE)
KINDS = {"ne": "negative", "po": "positive", "sur": "surprise"}
CAMERAS = ("HS", "VIS", "NIR")
CAMERA = re.compile(r"(?<![a-z0-9])(HS|VIS|NIR)(?![a-z0-9])", re.IGNORECASE)


class Part(Settings):
    """Which of the cameras and editions."""

    part: Literal["HS", "VIS", "NIR", "HS-E", "VIS-E", "NIR-E"] = Field(
        "HS", description="a camera: HS, VIS or NIR; or its long clips: HS-E, VIS-E, NIR-E"
    )

    @property
    def camera(self) -> str:
        """HS is fast, VIS visible light, NIR near infrared."""
        return self.part.removesuffix("-E")

    @property
    def is_long(self) -> bool:
        """Whether clips go on before and after the expression, with key frames in a table."""
        return self.part.endswith("-E")


class SMIC(Source):
    """The corpus of the University of Oulu."""

    name = "smic"
    about = "SMIC, 164 micro-expressions of 16 subjects at 100 frames a second (HS), three classes"
    owner = "the University of Oulu"
    apply = "University of Oulu, Center for Machine Vision and Signal Analysis"
    cite = "li2013smic"
    licence = "web form and signed licence"
    tree = """SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image559740.jpg
SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image559740.bmp
SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_ne_01/image559740.jpg     (--part HS-E, with its annotation table)"""
    examples = (
        "--root SMIC_all_raw --out smic",
        '--root "SMIC-E_raw image" --part HS-E --labels SMIC-HS-E_annotation.xlsx --out smic-e',
    )
    has_apex = False
    has_action_units = False
    traps = (
        "The folder is the label: there is no table of HS, and no apex in any.",
        "Subjects are padded in some trees and not in others: s1, s01; clips on disk are s3_ne_05, in lists s03_ne_05.",
        "Frame numbers are ticks of the recorder, with up to eight digits.",
        "The cropped archive has an empty clip, s18_sur_03, and four with holes.",
        "The long edition, HS-E, has 157 of the 164 clips.",
    )
    editions: ClassVar = {"cropped": "crop"}
    Options = Part

    @property
    def fps(self) -> int:
        return 100 if self.options.camera == "HS" else 25

    @property
    def version(self) -> str:
        return self.options.part

    def folders(self) -> list[tuple[str, Path]]:
        """By subject and clip as clips are called on disk: s3/s3_ne_05, whatever padding the tree has."""
        return [(_key(folder.name), folder) for folder in self._clip_folders()]

    def _clip_folders(self) -> list[Path]:
        subjects = self.subjects(r"s[0-9]+", self._fits)
        if self.options.is_long:
            return [clip for subject in subjects for clip in subfolders(subject)]
        classes = [kind for subject in subjects for micro in _micro(subject) for kind in subfolders(micro)]
        return [clip for folder in classes for clip in subfolders(folder)]

    def _fits(self, folder: Path) -> bool:
        """Whether subjects in here are filmed by this camera, in this edition: whole clips lie below `micro`."""
        cameras = CAMERA.findall(self.path_of(folder))
        is_long = not any(_micro(subject) for subject in subfolders(folder))
        return is_long == self.options.is_long and (not cameras or cameras[-1].upper() == self.options.camera)

    def rows(self) -> list[Row]:
        if self.options.is_long:
            return [self._labelled(cells) for cells in self._table.to_dict("records")]
        return [_whole(folder) for folder in self._clip_folders()]

    @cached_property
    def _path(self) -> Path:
        """The camera's own table, or the one that holds a sheet for each."""
        own = f"SMIC-{self.options.camera}-E_annotation*.xlsx"
        any_camera = "SMIC-*-E_annotation*.xlsx"
        return self.find_labels(own if find(self.root, Path(own).stem + ".*") else any_camera)

    @cached_property
    def _table(self) -> pd.DataFrame:
        """What is seen in visible light is seen in near infrared as well: they share a sheet."""
        camera = self.options.camera
        sheets = ("NIR", "VIS") if camera == "NIR" else (camera,)
        others = [name for name in CAMERAS if name not in sheets]
        optional = ("second", "end")
        return read_table(self._path, COLUMNS, optional=optional, sheet=sheets, never=others, note=self.note)

    def _labelled(self, cells: dict[str, object]) -> Row:
        folder, subject = _key(text(cells["clip"])), numbered(cells["subject"], "s", 2)
        refused = _contradiction(folder, subject, text(cells["emotion"]))
        row = row_of(cells, self._path, subject, folder, folder, refused)
        second = f"a second expression from {text(cells['second'])} to {text(cells['end'])}"
        return replace(row, remark=second) if text(cells["second"]) else row


def _micro(subject: Path) -> list[Path]:
    return [folder for folder in subfolders(subject) if folder.name.lower() == "micro"]


def _whole(folder: Path) -> Row:
    """A clip that is all there is in its folder; the folder above says what it shows."""
    name, where = _key(folder.name), "/".join(folder.parts[-4:])
    first, last, refused = extent(folder)
    subject = numbered(folder.parts[-4], "s", 2)
    refused = refused or _contradiction(name, subject, folder.parent.name)
    return Row(subject, name, name, folder.parent.name, first, last, where=where, refused=refused)


def _contradiction(clip: str, subject: str, emotion: str) -> str:
    """A clip's own name says whose it is and what it shows."""
    match = CLIP.fullmatch(clip)
    if match and numbered(match[1], "s", 2) != subject:
        return f"contradiction: subject {subject}, but the clip is called {clip}"
    if match and emotion and KINDS[match[2]] != emotion.lower():
        return f"contradiction: {emotion}, but the clip is called {clip}"
    return ""


def _key(clip: str) -> str:
    """s03_ne_05 and s3_ne_5 are both s3_ne_05."""
    match = CLIP.fullmatch(clip)
    return f"s{int(match[1])}_{match[2].lower()}_{int(match[3]):02d}" if match else clip
