"""CAS(ME)²: 57 micro- and 300 macro-expressions of 22 subjects in long videos at 30 frames a second.

    python data_scripts/casme_sq.py --root "CAS(ME)^2" --out casme_sq

F. Qu et al., "CAS(ME)²: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and Recognition",
TAFFC 2018.
"""

import mer_core.pinned

import re
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from mer_core.corpora import (
    Row,
    Source,
    TableError,
    read_plain_table,
    row_of,
    subfolders,
    text,
    whole_number,
)
from mer_core.corpora.command import run_script
from mer_core.settings import Settings

COLUMNS = ("participant", "clip", "onset", "apex", "offset", "action_units", "valence", "kind", "feeling")
# Participants 1 to 22 of the table, in this order; the sheet "naming rule1" says the same.
FOLDERS = [
    "s15",
    "s16",
    "s19",
    "s20",
    "s21",
    "s22",
    "s23",
    "s24",
    "s25",
    "s26",
    "s27",
    "s29",
    "s30",
    "s31",
    "s32",
    "s33",
    "s34",
    "s35",
    "s36",
    "s37",
    "s38",
    "s40",
]
# The videos that were watched: the clip codes of the table begin with these, the folders with the four digits.
STIMULI = {
    "disgust1": "0101", "disgust2": "0102", "anger1": "0401", "anger2": "0402", "happy1": "0502",
    "happy2": "0503", "happy3": "0505", "happy4": "0507", "happy5": "0508",
}  # fmt: skip


class Choice(Settings):
    """What is taken of the table."""

    expressions: Literal["micro", "macro"] = Field("micro", description="micro or macro")
    emotion: Literal["valence", "feeling"] = Field(
        "valence",
        description="valence (positive, negative, surprise, others) or feeling, what the subject said",
    )


class CASMESquared(Source):
    """The second corpus of the Institute of Psychology, Chinese Academy of Sciences."""

    name = "casme_sq"
    about = (
        "CAS(ME)², 57 micro-expressions of 14 subjects, 300 macro-expressions of 22, at 30 frames a second"
    )
    fps = 30
    apply = "http://casme.psych.ac.cn/casme/e3"
    cite = "qu2018casme2"
    licence = "signed agreement, by academic staff"
    tree = """CAS(ME)^2/rawpic/s15/15_0101disgustingteeth/img001.jpg
CAS(ME)^2/CAS(ME)^2code_final.xlsx"""
    traps = (
        "The table has no header: columns are known by their place.",
        "Participants are numbers 1 to 22 in the table, s15 to s40 on disk.",
        "The coder's valence and the subject's own word disagree often: say which of them a score is about.",
        "44 macro-expressions have no offset.",
    )
    Options = Choice

    @property
    def kind(self) -> str:
        return self.options.expressions

    @property
    def version(self) -> str:
        return f"{self.options.expressions}, {self.options.emotion}"

    def folders(self) -> dict[str, Path]:
        """By subject and stimulus, s15/0101: what stands before and after the four digits varies."""
        found = {}
        for subject in subfolders(self.top("rawpic", "selectedpic", "cropped")):
            for video in subfolders(subject):
                if match := re.search(r"(?<![0-9])(0[145]0[1-8])(?![0-9])", video.name.partition("_")[2]):
                    found[f"{subject.name}/{match[1]}"] = video
        return found

    def rows(self) -> list[Row]:
        cells = [c for c in self._table.to_dict("records") if self._kind(c) == self.options.expressions]
        return [self._row(c) for c in cells]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("CAS(ME)^2code_final*.xlsx", "CAS(ME)^2code_final*.csv")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_plain_table(self._path, COLUMNS)

    def _kind(self, cells: dict[str, object]) -> str:
        kind = text(cells["kind"]).removesuffix("-expression").lower()
        if kind not in ("micro", "macro"):
            raise TableError(
                f"{self._path.name}, row {cells['row']}: expected macro-expression or micro-expression in column 8, "
                f"got {text(cells['kind'])!r}. The table has no header: its columns must stand in their order."
            )
        return kind

    def _row(self, cells: dict[str, object]) -> Row:
        participant, code = whole_number(cells["participant"]), text(cells["clip"])
        known = participant is not None and 1 <= participant <= len(FOLDERS)
        subject = FOLDERS[participant - 1] if known else f"participant {text(cells['participant'])}"
        stimulus = STIMULI.get(code.partition("_")[0].lower(), code)
        chosen = {**cells, "emotion": cells[self.options.emotion]}
        return row_of(chosen, self._path, subject, f"{code}_{text(cells['onset'])}", f"{subject}/{stimulus}")


if __name__ == "__main__":
    run_script(CASMESquared)
