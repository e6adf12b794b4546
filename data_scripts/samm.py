"""SAMM: 159 micro-expressions of 29 subjects at 200 frames a second, grey, with action units.

    python data_scripts/samm.py --root SAMM --out samm

A. K. Davison et al., "SAMM: A Spontaneous Micro-Facial Movement Dataset", TAFFC 2018.
"""

import mer_core.pinned

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pandas as pd

from mer_core.corpora import Repair, Row, Source, padded, read_table, row_of, subfolders, text
from mer_core.corpora.command import run_script

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
    fps = 200
    colour = False
    apply = "https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php"
    cite = "davison2018samm"
    licence = "signed agreement"
    tree = """SAMM/006/006_1_2/006_05562.jpg
SAMM_CROP/006/006_1_2/…
SAMM_Micro_FACS_Codes_v2.xlsx"""
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

    def folders(self) -> dict[str, Path]:
        subjects = [s for s in subfolders(self.top("SAMM", "SAMM_CROP")) if s.name.isdecimal()]
        return {f"{subject.name}/{clip.name}": clip for subject in subjects for clip in subfolders(subject)}

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("SAMM_Micro_FACS_Codes*.xlsx")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS, sheet="MICRO_ONLY")

    def _row(self, cells: dict[str, object]) -> Row:
        subject, clip = padded(cells["subject"], 3), text(cells["clip"])
        return row_of(cells, self._path, subject, clip, folder=f"{subject}/{clip}")

    @property
    def version(self) -> str:
        return "v2"


if __name__ == "__main__":
    run_script(SAMM)
