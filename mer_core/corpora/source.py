"""What `sources/` say of a corpus as its owners hand it out: everything peculiar to it, and nothing else."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

from mer_core.corpora.tables import SUFFIXES, padded, text
from mer_core.settings import Settings

NESTED = 6  # folders: how deep archives put a tree into each other
VIDEOS = ("*.avi", "*.mp4", "*.mov", "*.mkv", "*.wmv", "*.mpg", "*.mpeg", "*.webm")
STRAYS = (
    ".",
    "__",
    "@",
    "#",
    "$",
    "~$",
)  # what systems and archives leave behind: __MACOSX, @eaDir, $RECYCLE.BIN


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
NAMES = ("subject", "participant", "clip", "video")  # columns without which nobody knows whose clip it is


def row_of(
    cells: Mapping[str, object], path: Path, subject: str, clip: str, folder: str, refused: str = ""
) -> Row:
    """A row from the cells of a table that was read with these column names."""
    labels = {name: cells[name] for name in LABELS if name in cells}
    where = f"row {cells['row']} of {path.name}"
    if empty := [name for name in NAMES if name in cells and not text(cells[name])]:
        reason = f"no name: the row has no {' and no '.join(empty)} (of merged cells only the first holds it)"
        return Row("", "", "", where=where, refused=reason, **labels)
    return Row(subject, clip, folder, where=where, refused=refused, **labels)


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
    taken: list[str] = field(default_factory=list, init=False, repr=False, compare=False)  # see `note`

    name: ClassVar[str]
    about: ClassVar[str]
    owner: ClassVar[str]
    fps: ClassVar[int]
    apply: ClassVar[str]  # where to ask for it
    cite: ClassVar[str]  # key in references.bib
    licence: ClassVar[str]
    tree: ClassVar[str]  # what its folders look like, for readers and for messages
    examples: ClassVar[Sequence[str]] = ()  # what to say after `mer prepare NAME`
    editions: ClassVar[Mapping[str, str]] = {}  # of its pictures: name → what its path holds, the best first
    has_apex: ClassVar[bool] = True
    has_action_units: ClassVar[bool] = True
    colour: ClassVar[bool] = True
    kind: ClassVar[str] = "micro"
    includes: ClassVar[Mapping[str, str]] = {}  # corpora that `--corpus` chooses from: what each of them is
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
    def folders(self) -> Iterable[tuple[str, Path]]:
        """Every folder of frames, with the key that rows use for it; capitals in keys don't matter."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """Every labelled expression, in the order of the table."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Which of the published label tables this is: the one that counts are compared with."""

    def doubts(self, row: Row, frames: Mapping[int, Path]) -> Iterable[str]:
        """Where the names of folder and files contradict the table, for a reader to judge."""
        return ()

    def note(self, said: str) -> None:
        """Keep what was taken where something else could be meant: for the screen and the provenance."""
        if said not in self.taken:
            self.taken.append(said)

    def find_labels(self, *patterns: str) -> Path:
        """The label table: the one that was named, or the one that lies in the corpus under its usual name."""
        if self.labels:
            return self.labels
        matches = [p for pattern in patterns for p in find(self.root, f"{Path(pattern).stem}.*", depth=4)]
        found = [p for p in dict.fromkeys(matches) if p.suffix.lower() in SUFFIXES and p.is_file()]
        if len(found) == 1:
            return found[0]
        names = ", ".join(p.relative_to(self.root).as_posix() for p in found)
        said = f"several ({names})" if found else f"none: {contents(self.root)}"
        raise SourceError(
            f"Expected one label table {' or '.join(patterns)} in {self.root}, found {said}. Name it with --labels."
        )

    def subjects(self, called: str, fits: Callable[[Path], bool] = lambda folder: True) -> list[Path]:
        """The folders of the subjects, who are called like this, however deep archives nest them.

        Of several trees that fit it is the one of the best edition, then the nearest.
        """
        trees = [folder for folder in _trees(self.root, called) if fits(folder)]
        if not trees:
            return []
        chosen, *others = sorted(trees, key=lambda folder: self._edition(self.inside(folder)))
        also = f"; also there: {', '.join(map(self._described, others))}" if others else ""
        self.note(f"pictures {self._described(chosen)}{also}")
        inside = subfolders(chosen)
        subjects = [folder for folder in inside if re.fullmatch(called, folder.name, re.IGNORECASE)]
        if strangers := [folder.name for folder in inside if folder not in subjects]:
            self.note(f"folders beside the subjects', not looked into: {', '.join(strangers)}")
        return subjects

    def _edition(self, path: str) -> int:
        """0 as filmed, else the place of what the path names."""
        parts = enumerate(self.editions.values(), start=1)
        return next((place for place, part in parts if re.search(part, path, re.IGNORECASE)), 0)

    def _described(self, folder: Path) -> str:
        inside = self.inside(folder)
        place = self._edition(inside) or self._edition(self.path_of(folder))
        return f"{inside} ({['as filmed', *self.editions][place]})"

    def inside(self, folder: Path) -> str:
        """Where a folder lies below the root; or the root's own name."""
        inside = folder.relative_to(self.root).as_posix()
        return self.root.resolve().name if inside == "." else inside

    def path_of(self, folder: Path) -> str:
        """From the root's own name on: it may be all that tells an edition."""
        return f"{self.root.resolve().name}/{folder.relative_to(self.root).as_posix()}"


def _trees(root: Path, subject: str) -> list[Path]:
    """Folders that hold folders of subjects with folders in them, the nearest first."""
    found, level = [], [root]
    for _ in range(NESTED):
        below = {folder: subfolders(folder) for folder in level}
        named = {
            f: [s for s in held if re.fullmatch(subject, s.name, re.IGNORECASE)] for f, held in below.items()
        }
        found += [folder for folder, subjects in named.items() if any(map(subfolders, subjects))]
        level = [s for folder, held in below.items() for s in held if s not in named[folder]]
    return found


def find(root: Path, *patterns: str, depth: int = 3) -> list[Path]:
    """Paths of these names at most `depth` folders below `root`, the nearest first; capitals don't matter."""
    found, level, names = [], [root], [pattern.casefold() for pattern in patterns]
    for _ in range(depth):
        below = [entry for folder in level for entry in _entries(folder)]
        found += [Path(e.path) for e in below if any(fnmatchcase(e.name.casefold(), name) for name in names)]
        level = [Path(e.path) for e in below if _is_folder(e)]
    return found


def _entries(folder: Path) -> list[os.DirEntry]:
    """What lies in a folder, by name, without strays."""
    try:
        if not folder.is_dir():
            raise SourceError(f"There is no folder {folder}.")
        with os.scandir(folder) as entries:
            held = [entry for entry in entries if not entry.name.startswith(STRAYS)]
    except PermissionError:  # whatever lies in it is missed by its name
        return []
    return sorted(held, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in circles
        return False


def contents(root: Path, most: int = 6) -> str:
    """What a folder holds, in a line: whoever sees it knows whether it is another one."""
    names = [f"{e.name}/" if _is_folder(e) else e.name for e in _entries(root)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    inside = f"holds {', '.join(names[:most])}{more}" if names else "is empty"
    held = f"{root.resolve().name} {inside}"
    films = find(root, *VIDEOS, depth=NESTED)
    if not films:
        return held
    return (
        f"{held}; with {len(films)} videos ({films[0].relative_to(root).as_posix()}, …) it is the edition of videos: "
        "take that of pictures, or cut the videos into frames"
    )


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, by name; hidden ones are passed over."""
    return [Path(entry.path) for entry in _entries(folder) if _is_folder(entry)]


def numbered(cell: object, prefix: str, width: int) -> str:
    """A subject as folders are named, however a table spells it: 1, "01", "Sub1" and "sub001" are sub01.

    >>> numbered(1.0, "sub", 2), numbered("Sub 001", "sub", 2), numbered("?", "sub", 2)
    ('sub01', 'sub01', 'sub?')
    """
    said = re.sub(rf"^{prefix}[\s_.-]*", "", text(cell), flags=re.IGNORECASE)
    return f"{prefix}{padded(said, width)}"


def spno(name: str) -> str:
    """spNO.1 of CAS(ME)³, however it is spelt: the dot is missing from some folders."""
    match = re.fullmatch(r"spno\.?\s*([0-9]+)", name.strip(), re.IGNORECASE)
    return f"spNO.{int(match[1])}" if match else name
