"""CASME II: 255 micro-expressions of 26 subjects at 200 frames a second, with action units and one emotion each.

    python data_scripts/casme2.py --root CASME2 --labels CASME2-coding-20190701.xlsx --out casme2

W.-J. Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation",
PLoS ONE 2014.
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
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",),
    "action_units": ("Action Units",),
    "emotion": ("Estimated Emotion",),
}
# Raw frames first: the cropped ones were registered frame by frame, which adds motion of its own.
TREES = ("CASME2-RAW", "CASME2_RAW_selected", "Cropped")
MOVED = ("sub24", "EP07_01")  # sadness in the table of 2014, surprise in that of 2019
UPDATED = ("sub24", "EP02_07")  # in the table of 256 rows only


class CASME2(Source):
    """The corpus of the Institute of Psychology, Chinese Academy of Sciences."""

    name = "casme2"
    about = "CASME II, 255 micro-expressions of 26 subjects at 200 frames a second"
    fps = 200
    apply = "http://casme.psych.ac.cn/casme/e2"
    cite = "yan2014casme2"
    licence = "signed agreement, by academic staff"
    tree = """CASME2-RAW/sub01/EP02_01f/img46.jpg
CASME2_RAW_selected/CASME2_RAW_selected/sub01/EP02_01f/img46.jpg
Cropped/sub01/EP02_01f/reg_img46.jpg
CASME2-coding-20190701.xlsx"""
    traps = (
        "Three tables are in use: of 2014, of 2019 (three clips moved from sadness to surprise), one of 256 rows.",
        "The apex of sub04/EP12_01f is not marked, that of sub05/EP09_05f is its onset.",
        "Two cropped clips have no row in the table, and one has fewer frames than its row says.",
        "Clip names are unique within a subject only.",
    )
    repairs: ClassVar = {
        "offset-sub16": Repair(
            "the cropped frames of sub16/EP01_08 end at 96, its row says 110",
            "derived tables of several public loaders",
            {"sub16/EP01_08": {"offset": 96}},
        ),
        "offset-sub07": Repair(
            "the printed offset of sub07/EP06_01 is wrong",
            "MEB (Varanka et al.)",
            {"sub07/EP06_01": {"offset": 91}},
        ),
    }

    def folders(self) -> dict[str, Path]:
        subjects = subfolders(self.top(*TREES))
        return {
            f"{s.name}/{clip.name}": clip
            for s in subjects
            if s.name.startswith("sub")
            for clip in subfolders(s)
        }

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("CASME2-coding-*.xlsx", "CASME2_label*.xls*")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS)

    def _row(self, cells: dict[str, object]) -> Row:
        subject, clip = f"sub{padded(cells['subject'], 2)}", text(cells["clip"])
        return row_of(cells, self._path, subject, clip, folder=f"{subject}/{clip}")

    @property
    def version(self) -> str:
        """The tables hold the same clips: one that became surprise instead of sadness tells 2014 from 2019."""
        keys = [(row.subject, row.clip) for row in self.rows()]
        if UPDATED in keys:
            return "updated"
        emotions = {key: text(row.emotion).lower() for key, row in zip(keys, self.rows(), strict=True)}
        return "2014" if emotions.get(MOVED, "").startswith("sad") else "2019"


if __name__ == "__main__":
    run_script(CASME2)
