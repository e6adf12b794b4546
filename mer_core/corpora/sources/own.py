"""Your own clips: one table, and a folder of frames for each clip.

The table has the columns subject, clip, emotion, onset, offset, and, where they are known, apex and action_units
("4+L12"). Onset, apex and offset are frame numbers, as in the names of the pictures.
"""

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pandas as pd
from pydantic import Field

from mer_core.corpora import Row, Source, read_table, row_of, subfolders, text
from mer_core.settings import Settings

COLUMNS = {
    name: (name,) for name in ("subject", "clip", "emotion", "onset", "offset", "apex", "action_units")
}
KNOWN = ("apex", "action_units")  # perhaps


class Choice(Settings):
    """What a table can't say."""

    called: str = Field(
        "own", pattern=r"^[a-z][a-z0-9_]*$", max_length=40, description="name of the corpus: small letters"
    )
    fps: int = Field(30, ge=1, description="frames a second")


class Own(Source):
    """A corpus in the simplest form that has all that is needed."""

    name = "own"
    about = "clips of your own: one table, and a folder of frames for each clip"
    owner = "you"
    apply = "nobody but those who are seen in it"
    cite = ""
    licence = "yours to say"
    tree = """MYCLIPS/labels.csv (or .xlsx)
MYCLIPS/anna/smile3/frame_0001.png …"""
    examples = ("--root MYCLIPS --called mine --fps 100 --out mine",)
    traps: ClassVar = ("The same person under two names is tested by a model that knows the face.",)
    Options = Choice

    @property
    def corpus(self) -> str:
        return self.options.called

    @property
    def fps(self) -> int:
        """As the user says."""
        return self.options.fps

    @property
    def has_apex(self) -> bool:
        """Whether any clip has one."""
        return any(text(cell) for cell in self._table["apex"])

    @property
    def has_action_units(self) -> bool:
        """Whether any clip has some."""
        return any(text(cell) for cell in self._table["action_units"])

    def folders(self) -> list[tuple[str, Path]]:
        return [(f"{s.name}/{clip.name}", clip) for s in subfolders(self.root) for clip in subfolders(s)]

    def rows(self) -> list[Row]:
        return [self._row(cells) for cells in self._table.to_dict("records")]

    def _row(self, cells: dict[str, object]) -> Row:
        subject, clip = text(cells["subject"]), text(cells["clip"])
        return row_of(cells, self._path, subject, clip, folder=f"{subject}/{clip}")

    @cached_property
    def _path(self) -> Path:
        return self.find_labels("labels.csv", "labels.xlsx")

    @cached_property
    def _table(self) -> pd.DataFrame:
        table = read_table(self._path, COLUMNS, optional=KNOWN, note=self.note)
        return table.reindex(columns=[*table.columns, *(name for name in KNOWN if name not in table)])

    @property
    def version(self) -> str:
        return self._path.name
