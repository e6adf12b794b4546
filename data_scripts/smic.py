"""SMIC: 164 micro-expressions of 16 subjects at 100 frames a second (HS), three classes, neither apex nor action units.

    python data_scripts/smic.py --root SMIC_all_raw --out smic
    python data_scripts/smic.py --root "SMIC-E_raw image" --part HS-E --labels SMIC-HS-E_annotation.xlsx --out smic-e

X. Li et al., "A Spontaneous Micro-Expression Database: Inducement, Collection and Baseline", FG 2013.
"""

import mer_core.pinned

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from mer_core.corpora import (
    ImageError,
    Row,
    Source,
    find,
    index_frames,
    padded,
    read_table,
    row_of,
    subfolders,
    text,
)
from mer_core.corpora.command import run_script
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
CLIP = re.compile(r"s0*([0-9]+)_(ne|po|sur)_([0-9]+)")  # s3_ne_05 on disk, s03_ne_05 in lists of others


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
    apply = "University of Oulu, Center for Machine Vision and Signal Analysis"
    cite = "li2013smic"
    licence = "web form and signed licence"
    tree = """SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image559740.jpg
SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image559740.bmp
SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_ne_01/image559740.jpg     (--part HS-E, with its annotation table)"""
    has_apex = False
    has_action_units = False
    traps = (
        "The folder is the label: there is no table of HS, and no apex in any.",
        "Subjects are padded in some trees and not in others: s1, s01; clips on disk are s3_ne_05, in lists s03_ne_05.",
        "Frame numbers are ticks of the recorder, with up to eight digits.",
        "The cropped archive has an empty clip, s18_sur_03, and four with holes.",
        "The long edition, HS-E, has 157 of the 164 clips.",
    )
    Options = Part

    @property
    def fps(self) -> int:
        return 100 if self.options.camera == "HS" else 25

    @property
    def version(self) -> str:
        return self.options.part

    def folders(self) -> dict[str, Path]:
        """By subject and clip as clips are called on disk: s3/s3_ne_05, whatever padding the tree has."""
        return {_key(folder.name): folder for folder in self._clip_folders()}

    def _clip_folders(self) -> list[Path]:
        camera = self.options.camera
        if self.options.is_long:
            top = self.top(f"{camera}_long", f"SMIC-{camera}-E", f"SMIC_{camera}_E")
            return [p for p in find(top, "s*_*_*", depth=4) if CLIP.fullmatch(p.name)]
        subjects = [s for s in subfolders(self.top(camera)) if re.fullmatch(r"s[0-9]+", s.name)]
        classes = [
            c for subject in subjects if (subject / "micro").is_dir() for c in subfolders(subject / "micro")
        ]
        return [clip for folder in classes for clip in subfolders(folder)]

    def rows(self) -> list[Row]:
        if self.options.is_long:
            return [self._labelled(cells) for cells in self._table.to_dict("records")]
        return [_whole(folder) for folder in self._clip_folders()]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("SMIC-HS-E_annotation*.xlsx")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(
            self._path,
            COLUMNS,
            optional=("second", "end"),
            sheet="HS" if self.options.camera == "HS" else "VIS",
        )

    def _labelled(self, cells: dict[str, object]) -> Row:
        folder = _key(text(cells["clip"]))
        subject = f"s{padded(cells['subject'], 2)}"
        row = row_of(cells, self._path, subject, folder, folder)
        second = f"a second expression from {text(cells['second'])} to {text(cells['end'])}"
        return replace(row, remark=second) if text(cells["second"]) else row


def _whole(folder: Path) -> Row:
    """A clip that is all there is in its folder; the folder above says what it shows."""
    name, where = _key(folder.name), "/".join(folder.parts[-4:])
    first, last, refused = _extent(folder)
    subject = f"s{padded(folder.parts[-4].removeprefix('s'), 2)}"
    return Row(subject, name, name, folder.parent.name, first, last, where=where, refused=refused)


def _extent(folder: Path) -> tuple[int | None, int | None, str]:
    """First and last frame, and why there are none."""
    try:
        numbers = list(index_frames(folder))
    except ImageError as error:
        return None, None, f"unclear frames: {error}"
    return (numbers[0], numbers[-1], "") if numbers else (None, None, "frames missing: the folder is empty")


def _key(clip: str) -> str:
    """s03_ne_05 and s3_ne_5 are both s3_ne_05."""
    match = CLIP.fullmatch(clip)
    return f"s{int(match[1])}_{match[2]}_{int(match[3]):02d}" if match else clip


if __name__ == "__main__":
    run_script(SMIC)
