"""MMEW: 300 micro-expressions at 90 frames a second, with macro-expressions of the same people (see macro.py).

X. Ben et al., "Video-based Facial Micro-Expression Analysis: A Survey of Datasets, Features and Algorithms",
TPAMI 2021.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from mer_core.corpora import Row, Source, find, numbered, read_table, row_of, subfolders, text
from mer_core.protocols import canonical_emotion, class_map

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
CLIP = re.compile(r"s([0-9]+)-[0-9]+-[0-9]+", re.IGNORECASE)  # person, emotion, sample


class MMEW(Source):
    """The corpus of Shandong University."""

    name = "mmew"
    about = "MMEW, 300 micro-expressions at 90 frames a second"
    owner = "Shandong University"
    fps = 90
    apply = "https://github.com/benxianyeteam/MMEW-Dataset"
    cite = "ben2021mmew"
    licence = "signed agreement, sent as a scan"
    tree = """MMEW_Final/Micro_Expression/happiness/S03-01-002/1.jpg
MMEW_Final/MMEW_Micro_Exp.xlsx
S03/happiness/S03-01-002/1.jpg                                      (as the owners describe it)"""
    examples = ("--root MMEW_Final --out mmew",)
    traps = (
        "Frame names are not padded: 10.jpg stands before 2.jpg in an alphabetical list.",
        "The folder of the class `others` is called repression by its owners and others by most copies.",
        "Sixteen rows have an apex or offset that MEB replaces as wrong or missing.",
    )

    def folders(self) -> list[tuple[str, Path]]:
        return [(clip.name.upper(), clip) for clip in _clip_folders(self._top, depth=3)]

    @property
    def _top(self) -> Path:
        """The folder of the micro-expressions; or the root, as the owners describe it."""
        found = [p for p in find(self.root, "micro?expression*", depth=5) if p.is_dir()]
        if found:
            self.note(f"pictures {', also there: '.join(p.relative_to(self.root).as_posix() for p in found)}")
        return found[0] if found else self.root

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("MMEW_Micro_Exp*.xlsx", "MMEW_Micro_Exp*.csv")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS, optional=("remark",), note=self.note)

    def _row(self, cells: dict[str, object]) -> Row:
        clip = text(cells["clip"])
        subject, match = numbered(cells["subject"], "S", 2), CLIP.fullmatch(clip)
        other = match and numbered(match[1], "S", 2) != subject
        refused = f"contradiction: subject {subject}, but the clip is called {clip}" if other else ""
        row = row_of(cells, self._path, subject, clip, clip.upper(), refused)
        return replace(row, remark=text(cells["remark"]))

    def doubts(self, row: Row, frames: Mapping[int, Path]) -> Iterator[str]:
        """A clip lies in the folder of its emotion; `others` may be called repression."""
        folder = next(iter(frames.values())).parent.parent.name
        with suppress(ValueError):  # a folder that is called otherwise says nothing
            told = [class_map("mmew-7class")("mmew", word) for word in (text(row.emotion), folder)]
            if None not in told and told[0] != told[1]:
                yield f"contradiction: {canonical_emotion(text(row.emotion))} in the table, but the folder is {folder}"

    @property
    def version(self) -> str:
        return "300 rows"


def _clip_folders(folder: Path, depth: int) -> list[Path]:
    """Folders that are named like a clip, or hold no other; subjects and emotions stand above in either order."""
    below = subfolders(folder) if depth else []
    return [
        clip
        for f in below
        for clip in ([f] if CLIP.fullmatch(f.name) or not subfolders(f) else _clip_folders(f, depth - 1))
    ]
