"""SAMM: 159 micro-expressions of 29 subjects at 200 frames a second, grey, with action units.

A. K. Davison et al., "SAMM: A Spontaneous Micro-Facial Movement Dataset", TAFFC 2018.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pandas as pd

from mer_core.corpora import Repair, Row, Source, padded, read_table, row_of, subfolders, text

COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("Onset Frame",),
    "apex": ("Apex Frame",),
    "offset": ("Offset Frame",),
    "action_units": ("Action Units",),
    "emotion": ("Estimated Emotion",),
}


class SAMM(Source):
    """The corpus of Manchester Metropolitan University."""

    name = "samm"
    about = "SAMM, 159 micro-expressions of 29 subjects at 200 frames a second, grey"
    owner = "Manchester Metropolitan University"
    fps = 200
    colour = False
    apply = "https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php"
    cite = "davison2018samm"
    licence = "signed agreement"
    tree = """SAMM/006/006_1_2/006_05562.jpg                                      (also SAMM-full/SAMM-full/SAMM/006/…)
SAMM_CROP/006/006_1_2/…
SAMM_Micro_FACS_Codes_v2.xlsx"""
    examples = ("--root SAMM --out samm",)
    editions: ClassVar = {"cropped": "crop"}
    traps = (
        "The label table opens with a preamble of 13 rows.",
        "Frame numbers have four or five digits, with and without zeros before them.",
        "Two rows have an apex outside onset and offset: 028_4_1 and 032_3_1.",
        "Five cells leave open which unit it was: 12 or 14.",
    )
    repairs: ClassVar = {
        "either-unit": Repair(
            "the five cells that say `or` become the unit that MEB settled on",
            "MEB (Varanka et al.)",
            {
                "007/007_6_1": {"action_units": "R12+R15"},
                "007/007_6_5": {"action_units": "R12+R15"},
                "011/011_4_2": {"action_units": "L14"},
                "014/014_5_2": {"action_units": "R14"},
                "035/035_7_2": {"action_units": "R14A"},
            },
        ),
        "offset-013": Repair(
            "the offset of 013_1_9 was mistyped as 5793 in older copies of the table",
            "MEB (Varanka et al.)",
            {"013/013_1_9": {"offset": 5739}},
        ),
    }

    def folders(self) -> list[tuple[str, Path]]:
        subjects = self.subjects(r"[0-9]{1,3}")
        return [(f"{padded(s.name, 3)}/{clip.name}", clip) for s in subjects for clip in subfolders(s)]

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("SAMM*Micro_FACS_Codes*.xlsx")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS, sheet="MICRO_ONLY", note=self.note)

    def _row(self, cells: dict[str, object]) -> Row:
        subject, clip = padded(cells["subject"], 3), text(cells["clip"])
        other = _other(subject, clip)
        refused = f"contradiction: subject {subject}, but the clip is called {clip}" if other else ""
        return row_of(cells, self._path, subject, clip, f"{subject}/{clip}", refused)

    def doubts(self, row: Row, frames: Mapping[int, Path]) -> Iterator[str]:
        """Frames are called by their subject, too."""
        if other := next((path.name for path in frames.values() if _other(row.subject, path.stem)), None):
            yield f"contradiction: subject {row.subject}, but a frame is called {other}"

    @property
    def version(self) -> str:
        return "v2"


def _other(subject: str, name: str) -> bool:
    """Whether the name of a clip or a frame begins with another subject's number."""
    match = re.match(r"([0-9]+)_", name)
    return bool(match) and padded(match[1], 3) != subject
