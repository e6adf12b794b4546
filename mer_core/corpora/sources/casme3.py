"""CAS(ME)³, parts A and C: micro-expressions at 30 frames a second, in whole videos or cut out as clips.

J. Li et al., "CAS(ME)3: A Third Generation Facial Spontaneous Micro-Expression Database with Depth Information and High
Ecological Validity", TPAMI 2022. Its label tables are public: https://github.com/jingtingEmmaLi/CAS-ME-3
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field

from mer_core.corpora import (
    Repair,
    Row,
    Source,
    SourceError,
    find,
    read_table,
    row_of,
    spno,
    subfolders,
    text,
    whole_number,
)
from mer_core.settings import Settings

COLUMNS_A = {
    "subject": ("Subject",),
    "video": ("Filename",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "action_units": ("AU",),
    "emotion": ("emotion",),
    "kind": ("Expression type",),
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
    owner = "the Institute of Psychology, Chinese Academy of Sciences"
    fps = 30
    apply = "http://casme.psych.ac.cn/casme/e4"
    cite = "li2022casme3"
    licence = "signed agreement; the label tables are public"
    tree = """part_A/data/part_A/spNO.1/b/color/166.jpg                           (whole videos)
Part_A_ME_clip/frame/spNO.1_b_166/166.jpg                           (cut into clips: subject, video, onset)
cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"""
    examples = (
        '--root part_A --labels "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx" --out casme3',
        '--root part_C --part C --labels "CAS(ME)3_part_C_ME.xlsx" --out casme3-c',
    )
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
    editions: ClassVar = {"depth": "depth"}
    Options = Part

    @property
    def has_apex(self) -> bool:
        return self.options.part == "A"

    @property
    def version(self) -> str:
        if self.options.part == "C":
            return "part C"
        return "part A, v1" if "_v1" in self._path.name else "part A, v2"

    def folders(self) -> list[tuple[str, Path]]:
        """Clips where the corpus is cut into them, else whole videos: spno.1/b/166 or spno.1/b."""
        if self.options.part == "C":
            tops = [folder for folder in find(self.root, "part_C") if folder.is_dir()] or [self.root]
            return [(_subject_c(subject.name), in_colour(subject)) for subject in subfolders(tops[0])]
        return self._clips or self._videos

    @cached_property
    def _clips(self) -> list[tuple[str, Path]]:
        tops = [folder for folder in (*find(self.root, "frame"), self.root) if folder.is_dir()]
        for top in tops:
            matches = {folder: CLIP.fullmatch(folder.name.lower()) for folder in subfolders(top)}
            found = [
                (f"{spno(m[1])}/{m[2]}/{int(m[3])}", in_colour(folder)) for folder, m in matches.items() if m
            ]
            if found:
                self.note(f"pictures {self.inside(top)} (cut into clips)")
                return found
        return []

    @cached_property
    def _videos(self) -> list[tuple[str, Path]]:
        subjects = self.subjects(r"spno\.?\s*[0-9]+", self._is_part_a)
        return [(f"{spno(s.name)}/{v.name}", in_colour(v)) for s in subjects for v in subfolders(s)]

    def _is_part_a(self, folder: Path) -> bool:
        """Part B has no labels, part C another table."""
        parts = re.findall(r"part[\s_-]?([abc])(?![a-z])", self.path_of(folder).lower())
        return not parts or parts[-1] == "a"

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    @cached_property
    def _path(self) -> Path:
        part = self.options.part
        path = self.find_labels(f"cas(me)3_part_{part}_ME*.xlsx")
        if "_mae_" in path.name.lower():
            raise SourceError(
                f"{path.name} is a table of macro-expressions: give it to macro.py --corpus casme3, or name the table "
                f"cas(me)3_part_{part}_ME_label*.xlsx with --labels."
            )
        return path

    @cached_property
    def _table(self) -> pd.DataFrame:
        columns = COLUMNS_A if self.options.part == "A" else COLUMNS_C
        return read_table(self._path, columns, optional=("kind",), note=self.note)

    def _row(self, cells: dict[str, object]) -> Row:
        onset = onset_of(cells)
        if self.options.part == "C":
            subject, count = text(cells["subject"]), text(cells["video"])
            return row_of(cells, self._path, subject, f"{count}_{onset}", _subject_c(subject))
        subject, video = spno(text(cells["subject"])), text(cells["video"]).lower()
        folder = f"{subject}/{video}/{onset}" if self._clips else f"{subject}/{video}"
        refused = "a macro-expression, no micro" if "macro" in text(cells.get("kind")).lower() else ""
        row = row_of(cells, self._path, subject, f"{video}_{onset}", folder, refused)
        hidden = f"{subject.removeprefix('spNO.')}/{video}" in HIDDEN
        return (
            replace(row, remark="the face is hidden at the apex of a clip of this video") if hidden else row
        )


def _subject_c(name: str) -> str:
    """Subjects of part C are numbers, in whatever way they are written."""
    match = re.search(r"[0-9]+$", name)
    return str(int(match[0])) if match else name


def onset_of(cells: Mapping[str, object]) -> int | str:
    """As a number where it is one: a part of the clip's name."""
    number = whole_number(cells["onset"])
    return text(cells["onset"]) if number is None else number


def in_colour(folder: Path) -> Path:
    """Colour frames lie beside depth, or alone."""
    return folder / "color" if (folder / "color").is_dir() else folder
