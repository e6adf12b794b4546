"""CASME II: 255 micro-expressions of 26 subjects at 200 frames a second, with action units and one emotion each.

W.-J. Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation",
PLoS ONE 2014.
"""

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pandas as pd

from mer_core.corpora import Repair, Row, Source, numbered, read_table, row_of, subfolders, text

COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",),
    "action_units": ("Action Units",),
    "emotion": ("Estimated Emotion",),
}
MOVED = ("sub24", "EP07_01")  # sadness in the table of 2014, surprise in that of 2019
UPDATED = ("sub24", "EP02_07")  # in the table of 256 rows only


class CASME2(Source):
    """The corpus of the Institute of Psychology, Chinese Academy of Sciences."""

    name = "casme2"
    about = "CASME II, 255 micro-expressions of 26 subjects at 200 frames a second"
    owner = "the Institute of Psychology, Chinese Academy of Sciences"
    fps = 200
    apply = "http://casme.psych.ac.cn/casme/e2"
    cite = "yan2014casme2"
    licence = "signed agreement, by academic staff"
    tree = """CASME2-RAW/sub01/EP02_01f/img46.jpg
CASME2_RAW_selected/CASME2_RAW_selected/sub01/EP02_01f/img46.jpg
Cropped/sub01/EP02_01f/reg_img46.jpg
CASME2-coding-20190701.xlsx"""
    examples = ("--root CASME2 --labels CASME2-coding-20190701.xlsx --out casme2",)
    # Raw frames first: the cropped ones were registered frame by frame, which adds motion of its own.
    editions: ClassVar = {"onset to offset only": "select", "cropped": "crop"}
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

    def folders(self) -> list[tuple[str, Path]]:
        subjects = self.subjects(r"sub[\s_.-]*[0-9]+")
        return [
            (f"{numbered(s.name, 'sub', 2)}/{clip.name}", clip) for s in subjects for clip in subfolders(s)
        ]

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("CASME2-coding-*.xlsx", "CASME2_label*.xls*")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS, note=self.note)

    def _row(self, cells: dict[str, object]) -> Row:
        subject, clip = numbered(cells["subject"], "sub", 2), text(cells["clip"])
        return row_of(cells, self._path, subject, clip, folder=f"{subject}/{clip}")

    @property
    def version(self) -> str:
        """The tables hold the same clips: one that became surprise instead of sadness tells 2014 from 2019."""
        keys = [(row.subject, row.clip) for row in self.rows()]
        if UPDATED in keys:
            return "updated"
        emotions = {key: text(row.emotion).lower() for key, row in zip(keys, self.rows(), strict=True)}
        return "2014" if emotions.get(MOVED, "").startswith("sad") else "2019"
