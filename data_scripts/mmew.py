"""MMEW: 300 micro-expressions at 90 frames a second, with macro-expressions of the same people (see macro.py).

    python data_scripts/mmew.py --root MMEW_Final --out mmew

X. Ben et al., "Video-based Facial Micro-Expression Analysis: A Survey of Datasets, Features and Algorithms",
TPAMI 2021.
"""

import mer_core.pinned

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from mer_core.corpora import Row, Source, padded, read_table, row_of, subfolders, text
from mer_core.corpora.command import run_script

COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",),
    "action_units": ("Action Units",),
    "emotion": ("Estimated Emotion",),
    "remark": ("remarks",),
}
CLIP = re.compile(r"[Ss][0-9]+-[0-9]+-[0-9]+")  # person, emotion, sample


class MMEW(Source):
    """The corpus of Shandong University."""

    name = "mmew"
    about = "MMEW, 300 micro-expressions at 90 frames a second"
    fps = 90
    apply = "https://github.com/benxianyeteam/MMEW-Dataset"
    cite = "ben2021mmew"
    licence = "signed agreement, sent as a scan"
    tree = """MMEW_Final/Micro_Expression/happiness/S03-01-002/1.jpg
MMEW_Final/MMEW_Micro_Exp.xlsx
S03/happiness/S03-01-002/1.jpg                                      (as the owners describe it)"""
    traps = (
        "Frame names are not padded: 10.jpg stands before 2.jpg in an alphabetical list.",
        "The folder of the class `others` is called repression by its owners and others by most copies.",
        "Sixteen rows have an apex or offset that MEB replaces as wrong or missing.",
    )

    def folders(self) -> dict[str, Path]:
        return {clip.name.upper(): clip for clip in _clip_folders(self.top("Micro_Expression"), depth=3)}

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("MMEW_Micro_Exp*.xlsx", "MMEW_Micro_Exp*.csv")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS, optional=("remark",))

    def _row(self, cells: dict[str, object]) -> Row:
        clip = text(cells["clip"])
        subject = f"S{padded(text(cells['subject']).upper().removeprefix('S'), 2)}"
        return replace(row_of(cells, self._path, subject, clip, clip.upper()), remark=text(cells["remark"]))

    @property
    def version(self) -> str:
        return "300 rows"


def _clip_folders(folder: Path, depth: int) -> list[Path]:
    """Folders that are named like a clip, with subjects and emotions above them in either order."""
    below = subfolders(folder) if depth else []
    clips = [f for f in below if CLIP.fullmatch(f.name)]
    return clips + [clip for f in below if f not in clips for clip in _clip_folders(f, depth - 1)]


if __name__ == "__main__":
    run_script(MMEW)
