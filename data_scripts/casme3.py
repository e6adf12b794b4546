"""CAS(ME)³, parts A and C: micro-expressions at 30 frames a second, in whole videos or cut out as clips.

    python data_scripts/casme3.py --root part_A --labels "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx" --out casme3
    python data_scripts/casme3.py --root part_C --part C --labels "CAS(ME)3_part_C_ME.xlsx" --out casme3-c

J. Li et al., "CAS(ME)3: A Third Generation Facial Spontaneous Micro-Expression Database with Depth Information and High
Ecological Validity", TPAMI 2022. Its label tables are public: https://github.com/jingtingEmmaLi/CAS-ME-3
"""

import mer_core.pinned

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field

from mer_core.corpora import Repair, Row, Source, find, read_table, row_of, spno, subfolders, text
from mer_core.corpora.command import run_script
from mer_core.settings import Settings

COLUMNS_A = {
    "subject": ("Subject",),
    "video": ("Filename",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "action_units": ("AU",),
    "emotion": ("emotion",),
}
COLUMNS_C = {
    "subject": ("sub", "subject"),
    "video": ("count",),
    "onset": ("onset",),
    "offset": ("offset",),
    "action_units": ("au",),
    "emotion": ("emotion",),
}
CLIP = re.compile(
    r"(spno\.?[0-9]+)_([a-m])_([0-9]+)"
)  # subject, video, onset: the edition that is cut into clips
# Videos with a clip whose face is hidden at the apex, as the owners list them.
HIDDEN = [
    "2/e",
    "145/g",
    "146/a",
    "147/d",
    "147/e",
    "155/d",
    "179/b",
    "200/b",
    "204/a",
    "206/a",
    "206/c",
    "214/b",
    "214/k",
    "215/f",
]


class Part(Settings):
    """Which part of the corpus."""

    part: Literal["A", "C"] = Field("A", description="A: emotional videos; C: mock crime")


class CASMECubed(Source):
    """The third corpus of the Institute of Psychology, Chinese Academy of Sciences."""

    name = "casme3"
    about = (
        "CAS(ME)³, 860 micro-expressions of 94 subjects (part A), 165 of 30 (part C), at 30 frames a second"
    )
    fps = 30
    apply = "http://casme.psych.ac.cn/casme/e4"
    cite = "li2022casme3"
    licence = "signed agreement; the label tables are public"
    tree = """part_A/data/part_A/spNO.1/b/color/166.jpg                           (whole videos)
Part_A_ME_clip/frame/spNO.1_b_166/166.jpg                           (cut into clips: subject, video, onset)
cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"""
    traps = (
        "Every cell of the table is text, frame numbers too.",
        "A clip is known by subject, video and onset: subject and video recur.",
        "Six rows are broken: apex before onset, onset after offset, offset 0, a frame 0 that does not exist.",
        "Frames are missing inside some clips; in 15 the face is hidden at the apex; 8 pairs of clips overlap in time.",
        "Micro- and macro-expressions show the same people in the same videos: pre-training on one leaks the other.",
    )
    repairs: ClassVar = {
        "key-frames": Repair(
            "six rows of part A with key frames that can't be right",
            "MEB (Varanka et al.)",
            {
                "spNO.149/d_112": {"apex": 123},
                "spNO.216/d_3647": {"onset": 2647},
                "spNO.216/e_0": {"onset": 1, "apex": 1},
                "spNO.40/row 798": {"offset": 1845},
                "spNO.40/row 800": {"offset": 2403},
                "spNO.214/c_5": {"offset": 34},
            },
        ),
    }
    Options = Part

    @property
    def has_apex(self) -> bool:
        return self.options.part == "A"

    @property
    def version(self) -> str:
        if self.options.part == "C":
            return "part C"
        return "part A, v1" if "_v1" in self._path.name else "part A, v2"

    def folders(self) -> dict[str, Path]:
        """Clips where the corpus is cut into them, else whole videos: spno.1/b/166 or spno.1/b."""
        if self.options.part == "C":
            return {
                subject.name.lower(): _colour(subject) for subject in subfolders(self.top("part_C", "part_c"))
            }
        return self._clips or self._videos

    @cached_property
    def _clips(self) -> dict[str, Path]:
        found = [folder for top in (*find(self.root, "frame"), self.root) for folder in subfolders(top)]
        matches = {folder: CLIP.fullmatch(folder.name.lower()) for folder in found}
        return {f"{spno(m[1])}/{m[2]}/{m[3]}".lower(): _colour(folder) for folder, m in matches.items() if m}

    @cached_property
    def _videos(self) -> dict[str, Path]:
        subjects = [s for s in subfolders(self._subjects_folder) if s.name.lower().startswith("spno")]
        return {f"{spno(s.name)}/{v.name}".lower(): _colour(v) for s in subjects for v in subfolders(s)}

    @property
    def _subjects_folder(self) -> Path:
        """Archives nest part_A within data within part_A."""
        return next((path.parent for path in find(self.root, "spNO*", depth=5)), self.root)

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        micro_a = ("cas(me)3_part_A_ME_label*.xlsx", "cas(me)3_part_A_ME_label*.xls")
        return self.find_labels(*(micro_a if self.options.part == "A" else ("CAS(ME)3_part_C_ME*.xlsx",)))

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_table(self._path, COLUMNS_A if self.options.part == "A" else COLUMNS_C)

    def _row(self, cells: dict[str, object]) -> Row:
        subject, video, onset = (
            spno(text(cells["subject"])),
            text(cells["video"]).lower(),
            text(cells["onset"]),
        )
        if self.options.part == "C":
            return row_of(
                cells, self._path, text(cells["subject"]), f"{video}_{onset}", text(cells["subject"]).lower()
            )
        folder = f"{subject}/{video}/{onset}" if self._clips else f"{subject}/{video}"
        row = row_of(cells, self._path, subject, f"{video}_{onset}", folder.lower())
        hidden = f"{subject.removeprefix('spNO.')}/{video}" in HIDDEN
        return (
            replace(row, remark="the face is hidden at the apex of a clip of this video") if hidden else row
        )


def _colour(folder: Path) -> Path:
    """Colour frames lie beside depth, or alone."""
    return folder / "color" if (folder / "color").is_dir() else folder


if __name__ == "__main__":
    run_script(CASMECubed)
