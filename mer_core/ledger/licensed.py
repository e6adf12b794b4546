"""A paper's own experiments on a licensed corpus: how the paper does them, the corpus prepared, every run computed.

`papers/protocols/mol.toml` and its neighbours hold what is run on which corpus, and what is known of how the paper did
it. What could not be read is absent, never guessed. `papers_table` shows what came out beside what the paper reports.
"""

import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mer_core.clips import View, content_key
from mer_core.corpora.command import run_script
from mer_core.corpora.prepared import PreparedCorpus
from mer_core.corpora.source import Source
from mer_core.corpora.sources import find_source, source_names
from mer_core.devices import Device
from mer_core.methods import create_method
from mer_core.protocols import LeaveOneSubjectOut
from mer_core.settings import Settings
from mer_core.training import Run, RunSettings
from mer_core.training import run as run_all
from mer_core.training.fit import Selection
from mer_core.training.parts import refuse_selection

PROTOCOLS = Path(__file__).parent / "lists" / "protocols"
ELSEWHERE = "megc2019-3class"  # on a corpus that the paper does not have: every corpus has these classes


class LicensedError(ValueError):
    """A paper can't be run on a corpus; the message says what to do."""


# What is run, and what is known of how the paper did it


class Variant(Settings):
    """One way to read the paper's method."""

    about: str
    settings: dict = Field({}, description="of the method")


class Protocol(Settings):
    """What is run on a corpus; and how the paper did it, as far as that is known: what is not set is not."""

    corpus: str = Field(description="as `mer prepare` calls it, or several with + between")
    named: str = Field(description="as the reported figures call it")
    classes: str = Field(description="class map that is run")
    n_classes: int | None = None
    folds: LeaveOneSubjectOut | None = None
    epoch: Selection | None = None
    scored: Literal["all folds pooled", "each fold for itself"] | None = None
    counted: Literal["clips", "sub-clips"] | None = None
    clips: int | None = None
    subjects: int | None = None
    where: str = Field(description="where what is known stands")
    unknown: str = Field(description="what is not known, in words")


class LicensedPaper(Settings):
    """A paper's method, its variants, and a protocol for each of its tables."""

    name: str
    method: str
    settings: dict = Field({}, description="what a licensed corpus needs otherwise than a synthetic one")
    variants: dict[str, Variant]
    protocols: tuple[Protocol, ...]

    def on(self, corpus: str) -> tuple[Protocol, ...]:
        """Its protocols on a corpus, in whatever order its parts stand; else the one of corpora that it lacks."""
        found = tuple(p for p in self.protocols if _parts(p.corpus) == _parts(corpus))
        nothing = "the paper has no such corpus: the protocol is our choice"
        return found or (
            Protocol(corpus=corpus, named=corpus, classes=ELSEWHERE, where="nowhere", unknown=nothing),
        )


def _parts(corpus: str) -> list[str]:
    return sorted(corpus.split("+"))


def licensed_papers() -> list[str]:
    """The papers that can be run on licensed corpora."""
    return sorted(path.stem for path in PROTOCOLS.glob("*.toml"))


def load_licensed(paper: str) -> LicensedPaper:
    """What is known of how a paper scores."""
    if paper not in licensed_papers():
        raise LicensedError(
            f"There is no paper {paper!r} to run on a licensed corpus; there are {', '.join(licensed_papers())}."
        )
    plain = tomllib.loads((PROTOCOLS / f"{paper}.toml").read_text(encoding="utf-8"))
    return LicensedPaper.parse({"name": paper, **plain})


# What is asked for


class Asked(Settings):
    """A paper on a corpus, and how to compute it."""

    paper: str
    corpus: str = Field(description="a name, or a prepared folder; or several with + between")
    roots: tuple[str, ...] = Field((), description="the folder of each as its owners hand it out")
    landmarks: str | None = Field(
        None, description="a file, dlib, or none: no alignment; by default as it was prepared, first by dlib"
    )
    preset: str = "paper"
    settings: dict = Field({}, description="of the method, over those of the preset and the variant")
    selections: tuple[Selection, ...] = Field(("last",), min_length=1)
    device: Device = "auto"
    out: str = "runs/reproduce"
    workers: int | None = None
    engine: str = "local"

    def places(self) -> list["Place"]:
        """Each part of the corpus, in the order of the roots."""
        parts = self.corpus.split("+")
        if self.roots and len(self.roots) != len(parts):
            raise LicensedError(
                f"Expected {len(parts)} times --root, once for each of {', '.join(parts)} in this order, got "
                f"{len(self.roots)}."
            )
        roots = map(Path, self.roots) if self.roots else [None] * len(parts)
        return [Place(part, root, self) for part, root in zip(parts, roots, strict=True)]


# Preparing the corpus


@dataclass(frozen=True)
class Place:
    """A corpus on this machine: prepared by the user, or as its owners hand it out."""

    said: str
    root: Path | None
    asked: Asked

    @property
    def is_folder(self) -> bool:
        """Whether the user named a folder that is prepared."""
        return (Path(self.said) / "files.parquet").exists()

    @cached_property
    def name(self) -> str:
        """As protocols call it."""
        if self.is_folder:
            return PreparedCorpus(Path(self.said)).card.name
        if ":" not in self.said and self.said not in (known := licensed_corpora()):
            raise LicensedError(
                f"There is no licensed corpus {self.said!r}; there are {', '.join(known)}, or a folder that "
                "`mer prepare` filled; several with + between."
            )
        return self._source.name

    @property
    def colour(self) -> bool:
        """Whether its frames have any."""
        about = PreparedCorpus(Path(self.said)).card if self.is_folder else self._source
        return about.colour

    @cached_property
    def _source(self) -> type[Source]:
        return find_source(self.said)

    def prepared(self, view: View) -> Path:
        """The folder with this view of it: a folder that the user prepared, or our own, compared with its sources."""
        own = Path(self.asked.out) / "prepared" / f"{self.name}-{view.name}"
        if self.is_folder:
            self._refuse_another_root(Path(self.said))
            return Path(self.said)
        there = PreparedCorpus(own) if (own / "provenance.json").exists() else None
        if there:
            self._refuse_another_root(own)
        root = self.root or (Path(there.card.root) if there else None)
        if there and root and not root.is_dir():
            print(
                f"{own}: taken as it was prepared, since {root} is not there to compare it with", flush=True
            )
        else:
            self._prepare(view, own, root, there)
        return own

    def _refuse_another_root(self, folder: Path) -> None:
        if self.root and str(self.root.resolve()) != (there := PreparedCorpus(folder).card.root):
            raise LicensedError(
                f"{folder} was prepared from {there}, not from {self.root}: leave --root out, or move that folder away."
            )

    def _prepare(self, view: View, folder: Path, root: Path | None, there: PreparedCorpus | None) -> None:
        if root is None:
            raise LicensedError(
                f"{self.name} is not prepared yet (expected {folder}): say with --root where its owners' folder lies."
            )
        words = ["--root", str(root), "--out", str(folder), "--view", _words(view)]
        words += there.words() if there else ["--landmarks", "dlib"]
        words += ["--landmarks", self.asked.landmarks] if self.asked.landmarks else []  # the last one counts
        words += ["--workers", str(self.asked.workers)] if self.asked.workers else []
        doing = "comparing with its sources" if there else "preparing, once"
        print(f"{self.name}: {doing}, {folder}", flush=True)
        try:
            run_script(self._source, words)
        except SystemExit as end:  # its message says what was expected and what was found
            if not isinstance(end.code, str):
                raise
            raise LicensedError(f"{end.code}" if there else f"{end.code}\n{self._by_hand(words)}") from None

    def _by_hand(self, words: list[str]) -> str:
        return (
            f"If it needs an option (--labels, --repair, …; `mer prepare {self.said} --help`), prepare it by hand, "
            f"then call this again:\n  mer prepare {self.said} {shlex.join(words)} …"
        )


def _words(view: View) -> str:
    """A view as scripts take it."""
    plain = {name: "null" if value is None else str(value).lower() for name, value in view.plain().items()}
    return ",".join(f"{name}={value}" for name, value in plain.items())


def licensed_corpora() -> list[str]:
    """The sources of micro-expressions."""
    return [name for name in source_names() if find_source(name).kind != "macro"]


# Running


@dataclass(frozen=True)
class Column:
    """One run of a table: a variant of the method with one rule for the epoch."""

    variant: str
    selection: Selection
    run: Run

    @property
    def title(self) -> str:
        """At the head of the column."""
        return f"{self.variant}, {self.selection}"


@dataclass(frozen=True)
class Computed:
    """A table of the paper, computed."""

    asked: Asked
    protocol: Protocol
    columns: tuple[Column, ...]
    corpora: tuple[PreparedCorpus, ...]


def compute_paper(asked: Asked) -> Iterator[Computed]:
    """Every table that the paper has on this corpus; what lies in the folder already is not computed again."""
    paper, places = load_licensed(asked.paper), asked.places()
    protocols = paper.on("+".join(place.name for place in places))
    settings = {name: _settings(paper, name, asked, places) for name in paper.variants}
    methods = {name: create_method(paper.method, asked.preset, **chosen) for name, chosen in settings.items()}
    for method, selection in product(methods.values(), asked.selections):
        refuse_selection(method, selection)
    folders = {name: [place.prepared(method.view) for place in places] for name, method in methods.items()}
    for protocol in protocols:
        columns = tuple(
            _column(asked, protocol, paper.method, name, settings[name], folders[name], selection)
            for name in paper.variants
            for selection in asked.selections
        )
        first = next(iter(folders.values()))
        yield Computed(asked, protocol, columns, tuple(map(PreparedCorpus, first)))


def _settings(paper: LicensedPaper, variant: str, asked: Asked, places: list[Place]) -> dict:
    """Of the method: what the corpus needs, what the variant is, what the user says."""
    fields = create_method(paper.method, asked.preset).Settings.model_fields
    grey = {"colour": False} if "colour" in fields and not all(place.colour for place in places) else {}
    return {**paper.settings, **grey, **paper.variants[variant].settings, **asked.settings}


def _column(
    asked: Asked, protocol: Protocol, method: str, variant: str, settings: dict[str, Any], folders: list[Path],
    selection: Selection,
) -> Column:  # fmt: skip
    run = RunSettings(
        method=method, preset=asked.preset, settings=settings, corpus="+".join(map(str, folders)),
        classes=protocol.classes, selection=selection, device=asked.device,
    )  # fmt: skip
    words = [asked.paper, variant, protocol.corpus, protocol.classes, asked.preset, selection]
    words += [content_key(asked.settings)] if asked.settings else []
    folder = Path(asked.out) / "-".join(words)
    print(f"{variant} on {protocol.named}, {protocol.classes}, epoch {selection}: {folder}", flush=True)
    return Column(variant, selection, run_all(run, folder, asked.workers, asked.engine))
