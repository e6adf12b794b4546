"""CAS(ME)²: 57 micro- and 300 macro-expressions of 22 subjects in long videos at 30 frames a second.

F. Qu et al., "CAS(ME)²: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting and Recognition",
TAFFC 2018.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

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

VALENCES = ("positive", "negative", "surprise", "others")


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
    owner = "the Institute of Psychology, Chinese Academy of Sciences"
    fps = 30
    apply = "http://casme.psych.ac.cn/casme/e3"
    cite = "qu2018casme2"
    licence = "signed agreement, by academic staff"
    tree = """CAS(ME)^2/rawpic/s15/15_0101disgustingteeth/img001.jpg
CAS(ME)^2/CAS(ME)^2code_final.xlsx                                  (also code_final.xlsx)"""
    examples = ('--root "CAS(ME)^2" --out casme_sq',)
    traps = (
        "The table has no header: columns are known by their place.",
        "Participants are numbers 1 to 22 in the table, s15 to s40 on disk.",
        "The coder's valence and the subject's own word disagree often: say which of them a score is about.",
        "44 macro-expressions have no offset.",
    )
    editions: ClassVar = {"selected": "select", "cropped": "crop"}
    Options = Choice

    @property
    def kind(self) -> str:
        return self.options.expressions

    @property
    def version(self) -> str:
        return f"{self.options.expressions}, {self.options.emotion}"

    def folders(self) -> list[tuple[str, Path]]:
        """By subject and stimulus, s15/0101: what stands before and after the four digits varies."""
        return [
            (f"{subject.name.lower()}/{_stimulus(video.name) or video.name}", video)
            for subject in self.subjects(r"s[0-9]+")
            for video in subfolders(subject)
        ]

    def rows(self) -> list[Row]:
        """Rows of the other kind are another corpus: they are counted, and no clip of this one."""
        kinds = [_kind(cells) for cells in self._table.to_dict("records")]
        if not any(kinds):
            raise TableError(self._no_kind)
        cells = self._table[[kind in (None, self.options.expressions) for kind in kinds]].to_dict("records")
        self.note(f"{len(kinds) - len(cells)} rows are no {self.options.expressions}-expressions")
        return [self._row(c) for c in cells]

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("*code_final*.xlsx", "*code_final*.csv")

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_plain_table(self._path, COLUMNS, note=self.note)

    @property
    def _no_kind(self) -> str:
        said = text(self._table["kind"].iloc[0]) if len(self._table) else ""
        return (
            f"{self._path.name}, row 1: expected macro-expression or micro-expression in column 8, got {said!r}, and "
            "no other row has it. The table has no header: its columns must stand in their order."
        )

    def _row(self, cells: dict[str, object]) -> Row:
        participant, code = whole_number(cells["participant"]), text(cells["clip"])
        known = participant is not None and 1 <= participant <= len(FOLDERS)
        subject = FOLDERS[participant - 1] if known else f"participant {text(cells['participant'])}"
        stimulus = STIMULI.get(code.partition("_")[0].lower(), code)
        chosen = {**cells, "emotion": cells[self.options.emotion]}
        onset, refused = whole_number(cells["onset"]), self._refused(cells, subject, participant)
        name = f"{code}_{text(cells['onset']) if onset is None else onset}"
        return row_of(chosen, self._path, subject, name, f"{subject}/{stimulus}", refused)

    def _refused(self, cells: dict[str, object], subject: str, participant: int | None) -> str:
        if _kind(cells) is None:
            return f"unknown kind: {text(cells['kind'])!r} is neither macro-expression nor micro-expression"
        if self.options.emotion == "valence" and text(cells["valence"]).lower() not in ("", *VALENCES):
            return f"unknown label: {text(cells['valence'])!r} is none of {', '.join(VALENCES)}"
        named = self._rule.get(participant, subject)
        return (
            f"contradiction: {subject}, but the sheet naming rule1 says {named}" if named != subject else ""
        )

    @cached_property
    def _rule(self) -> dict[int | None, str]:
        """The workbook's own list of participants and folders, where it has one."""
        try:
            rule = read_plain_table(self._path, ("number", "folder", "participant"), sheet="naming rule1")
        except TableError:
            return {}
        return {whole_number(c["participant"]): text(c["folder"]).lower() for c in rule.to_dict("records")}

    def doubts(self, row: Row, frames: Mapping[int, Path]) -> Iterator[str]:
        """A folder's name begins with its subject's number."""
        folder = next(iter(frames.values())).parent.name
        if (number := folder.partition("_")[0]).isdecimal() and f"s{number}" != row.subject:
            yield f"contradiction: subject {row.subject}, but the folder is called {folder}"


def _stimulus(video: str) -> str | None:
    match = re.search(r"(?<![0-9])(0[145]0[1-8])(?![0-9])", video.partition("_")[2])
    return match[1] if match else None


def _kind(cells: Mapping[str, object]) -> str | None:
    """Micro or macro, if it is either."""
    kind = re.sub(r"[\s-]*expressions?$", "", text(cells["kind"]).lower())
    return kind if kind in ("micro", "macro") else None
