"""What a script of `data_scripts/` says of its corpus: everything peculiar to it, and nothing else."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mer_core.settings import Settings


class SourceError(ValueError):
    """A folder is not what the corpus looks like; the message says what was expected and where."""


@dataclass(frozen=True)
class Row:
    """One expression as its label table has it: cells may be numbers, text, or nothing."""

    subject: str  # as the corpus writes it: sub01
    clip: str  # unique within the subject: EP02_01f
    folder: str  # key of the folder that holds its frames
    emotion: object
    onset: object
    offset: object
    apex: object = None
    action_units: object = None
    where: str = ""  # "row 17 of CASME2-coding.xlsx"
    remark: str = ""  # what a reader should know of it
    refused: str = ""  # a reason to leave it out that only this corpus knows


LABELS = ("emotion", "onset", "apex", "offset", "action_units")


def row_of(cells: Mapping[str, object], path: Path, subject: str, clip: str, folder: str) -> Row:
    """A row from the cells of a table that was read with these column names."""
    labels = {name: cells[name] for name in LABELS if name in cells}
    return Row(subject, clip, folder, where=f"row {cells['row']} of {path.name}", **labels)


@dataclass(frozen=True)
class Repair:
    """Values that correct a label table, as the literature has them. Applied only if asked for by name."""

    about: str
    source: str
    changes: Mapping[str, Mapping[str, object]]  # subject/clip or subject/row 17 → what changes


@dataclass(frozen=True)
class Source(ABC):
    """A corpus as its owners hand it out: where its clips are, and what its tables say of them."""

    root: Path
    labels: Path | None = None
    options: Settings | None = None  # none: its own defaults

    name: ClassVar[str]
    about: ClassVar[str]
    fps: ClassVar[int]
    apply: ClassVar[str]  # where to ask for it
    cite: ClassVar[str]  # key in references.bib
    licence: ClassVar[str]
    tree: ClassVar[str]  # what its folders look like, for readers and for messages
    has_apex: ClassVar[bool] = True
    has_action_units: ClassVar[bool] = True
    colour: ClassVar[bool] = True
    kind: ClassVar[str] = "micro"
    traps: ClassVar[Sequence[str]] = ()  # what goes wrong with it, for readers
    repairs: ClassVar[Mapping[str, Repair]] = {}
    Options: ClassVar[type[Settings]] = Settings  # choices that only this corpus offers

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", self.options or self.Options())

    @property
    def corpus(self) -> str:
        """What subjects and clips are called by: casme2/sub01."""
        return self.name

    @abstractmethod
    def folders(self) -> dict[str, Path]:
        """Every folder of frames, by the key that rows use for it."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """Every labelled expression, in the order of the table."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Which of the published label tables this is: the one that counts are compared with."""

    def find_labels(self, *patterns: str) -> Path:
        """The label table: the one that was named, or the one that lies in the corpus under its usual name."""
        if self.labels:
            return self.labels
        found = sorted(
            p for pattern in patterns for p in find(self.root, pattern) if not p.name.startswith("~$")
        )
        if len(found) == 1:
            return found[0]
        said = f"several ({', '.join(p.name for p in found)})" if found else "none"
        raise SourceError(
            f"Expected one label table {' or '.join(patterns)} in {self.root}, found {said}: name it with --labels."
        )

    def top(self, *names: str) -> Path:
        """The folder of the subjects: one of these names below the root, nested as archives do, or the root."""
        for name in names:
            for found in find(self.root, name):
                return next((p for p in found.iterdir() if p.is_dir() and p.name == found.name), found)
        return self.root


def find(root: Path, pattern: str, depth: int = 3) -> list[Path]:
    """Paths of this name at most `depth` folders below `root`, the nearest first."""
    if not root.is_dir():
        raise SourceError(f"There is no folder {root}.")
    return [p for level in range(depth) for p in sorted(root.glob("*/" * level + pattern))]


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, by name; hidden ones are passed over."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def spno(name: str) -> str:
    """spNO.1 of CAS(ME)³, however it is spelt: the dot is missing from some folders."""
    match = re.fullmatch(r"spno\.?\s*([0-9]+)", name.strip(), re.IGNORECASE)
    return f"spNO.{int(match[1])}" if match else name
