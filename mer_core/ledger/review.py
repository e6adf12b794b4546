"""One page for a reviewer: what was run, on what and by what; what follows for each claim; what moved since.

The page is a single file that asks no other host, and every run's predictions can be saved from it. Its frame is
`review.html`.
"""

import base64
import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from mer_core.ledger.experiments import LEVEL, Paper, listed, load_paper, paper_names, stored_name, verdicts
from mer_core.ledger.reproduction import (
    Reproduced,
    Spread,
    compared,
    differences,
    named,
    places,
    seed_spreads,
)
from mer_core.ledger.stored import stored_runs
from mer_core.methods import create_method
from mer_core.protocols import class_map, folds_in_words
from mer_core.scoring.statistics import seeds_interval
from mer_core.settings import diff, flat
from mer_core.training import Run, RunSettings

FRAME = Path(__file__).with_suffix(".html")
SELECTION = {
    "last": "after the last epoch: no clip chooses it",
    "inner": "by held-out training subjects",
    "test-peek": "BY THE TEST CLIPS: not a result",
}
SAME = ("method", "folds", "data", "numerics", "code", "environment", "hardware")  # of two records of a run
ORDER = {"DRIFTED": 0, "reproduced": 2, "identical": 3}  # what needs a look stands first
NOTHING = float("nan")
PLACES = {
    "moved": "What moved",
    "claims": "Claims",
    "runs": "Runs",
    "each": "Each run",
    "sources": "Data and code",
}
ELSEWHERE = {"method", "preset", "settings", "corpus", "classes", "groups", "seeds", "selection"}


# What there is


@dataclass(frozen=True)
class Entry:
    """An experiment that is listed, or a run that is stored, or mostly both."""

    name: str  # of the folder in `results/`
    paper: str  # empty: no list names it
    about: str
    asked: RunSettings | None
    run: Run | None  # None: not computed yet

    @property
    def stored(self) -> Run:
        """Its run; an error if there is none."""
        if self.run is None:
            raise ValueError(f"{self.name} is not computed yet.")
        return self.run

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the stored run says of itself; settings that are younger than it have their defaults."""
        record = self.stored.record
        return {**record, "settings": {**RunSettings(method="").plain(), **record["settings"]}}

    @property
    def changed(self) -> dict[str, tuple[object, object]]:
        """Settings that are not the preset's, or not a run's defaults: its own, and those."""
        asked = self.record["settings"]
        preset = create_method(asked["method"], asked["preset"]).settings.plain()
        usual = {
            name: value for name, value in RunSettings(method="").plain().items() if name not in ELSEWHERE
        }
        general = {name: asked[name] for name in usual}
        return {**diff(general, usual), **diff(self.record["method"], preset)}

    @property
    def not_as_listed(self) -> dict[str, tuple[object, object]]:
        """Settings that are listed, and otherwise than the run has them: those, and its own."""
        return diff(self.asked.plain(), self.record["settings"]) if self.asked else {}

    @property
    def settings_of_method(self) -> dict[str, object]:
        """All of them."""
        return dict(flat(self.record["method"]))

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return class_map(self.record["settings"]["classes"]).classes

    @property
    def folds(self) -> str:
        """In words."""
        return folds_in_words(self.record["settings"]["groups"])

    @property
    def seconds(self) -> str:
        """Of computing, if they are known."""
        return number(self.record.get("seconds", NOTHING), ".0f")

    @property
    def is_by_todays_code(self) -> bool:
        """Whether today's code computed it, which is no verdict."""
        return self.stored.todays_code() == self.record["code"]["sha256"]

    def count(self, what: str) -> int:
        """How many clips, subjects or seeds were asked."""
        return self.stored.predictions[what].nunique()

    def score(self, name: str) -> str:
        """Mean over seeds, and its interval."""
        interval = seeds_interval(self.stored.predictions, name)
        return span(interval.value, interval.low, interval.high)

    @property
    def as_csv(self) -> bytes:
        """Its predictions, compressed; the same run gives the same bytes."""
        return gzip.compress(self.stored.predictions.to_csv(index=False).encode(), mtime=0)


def entries(results: Path, papers: Iterable[Paper], *, others: bool = True) -> list[Entry]:
    """Every experiment of the papers; and whatever else is stored, if others are wanted."""
    known = {
        stored_name(paper.name, name): (paper.name, experiment.about, experiment.run)
        for paper in papers
        for name, experiment in paper.experiments.items()
    }
    known |= {name: about for name, about in _claimed(papers).items() if name not in known}
    stored = {run.name: run for run in stored_runs(results)}
    unlisted = {name: ("", "a run that no list names", None) for name in stored if name not in known}
    wanted = {**known, **(unlisted if others else {})}
    return [Entry(name, *about, stored.get(name)) for name, about in wanted.items()]


def _claimed(papers: Iterable[Paper]) -> dict[str, tuple[str, str, RunSettings]]:
    """Runs that claims of these papers name, of whatever list."""
    every = listed()
    return {
        name: (name.split("/")[0], every[name].about, every[name].run)
        for name in sorted(claimed_runs(papers))
    }


def claimed_runs(papers: Iterable[Paper]) -> dict[str, list[tuple[str, str]]]:
    """For each run the claims that name it: paper and name."""
    uses = defaultdict(list)
    for paper in papers:
        for name, claim in paper.claims.items():
            for run in dict.fromkeys((claim.better, claim.worse)):
                uses[stored_name(paper.name, run)].append((paper.name, name))
    return uses


@dataclass(frozen=True)
class Again:
    """A run that was computed again, beside the stored one."""

    folder: Path
    row: Reproduced
    parts: list[str]  # of the two records that are not the same
    missing: int  # parts that are not computed yet
    stale: int = 0  # parts that are, by other code

    @property
    def verdict(self) -> str:
        """In a word; an unfinished run can't be judged, nor one by code that is no longer there."""
        if self.missing:
            return f"unfinished: {self.missing} parts missing"
        stale = f"stale: {self.stale} parts computed by other code than today's"
        return stale if self.stale else self.row.verdict


def computed_again(stored: Iterable[Entry], folder: Path, spreads: Sequence[Spread]) -> dict[str, Again]:
    """What `mer reproduce` left in a folder."""
    made = {
        entry.name: _again(entry, Run.open(place), spreads)
        for entry in stored
        if (place := _computed_in(folder, entry))
    }
    return dict(sorted(made.items(), key=lambda one: ORDER.get(one[1].verdict, 1)))


def _computed_in(folder: Path, entry: Entry) -> Path | None:
    """As it is listed, or on another device: a run with other changes is no repetition."""
    stored = RunSettings.parse(entry.record["settings"])
    for place in places(folder, entry.name):
        if place == folder / entry.name or not differences(Run.open(place).settings, stored):
            return place
    return None


def _again(entry: Entry, made: Run, spreads: Sequence[Spread]) -> Again:
    missing = len(made.missing())
    parts = [name for name in SAME if made.record.get(name) != entry.record.get(name)]
    row = Reproduced(entry.name, NOTHING) if missing else compared(entry.name, made, entry.stored, spreads)
    return Again(made.folder, row, parts, missing, 0 if missing else len(made.stale()))


def apart(one: Entry, other: Entry) -> list[str]:
    """All settings in which two runs differ and that could change an answer; of two methods no more can be said."""
    silent = dict.fromkeys(("settings", "keep_weights", "every_epoch"))
    general = [{**entry.record["settings"], **silent} for entry in (one, other)]
    methods = [entry.record["method"] for entry in (one, other)]
    is_same = general[0]["method"] == general[1]["method"]
    return [*diff(*general), *(diff(*methods) if is_same else ())]


# The page


def prose(text: str) -> Markup:
    """A sentence with `code` in it."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def number(value: float, form: str = ".3f") -> str:
    """A number, or a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:{form}}"


def span(value: float, low: float, high: float, form: str = ".3f") -> str:
    """A number with its interval."""
    return number(value) if pd.isna(value) else f"{value:{form}} [{low:{form}}, {high:{form}}]"


def review(results: Path, again: Path, only: str | None = None) -> str:
    """The whole page: of all papers, or of one of them."""
    papers = [load_paper(name) for name in ([only] if only else paper_names())]
    every = entries(results, papers, others=only is None)
    stored = [entry for entry in every if entry.run]
    moved = computed_again(stored, again, seed_spreads(results))
    by_name = {entry.name: entry for entry in stored}
    judged = [(paper, _claims(paper, results, by_name)) for paper in papers if paper.claims]
    return _frame().render(
        title=f"Review: {papers[0].title}" if only else "Review: all runs behind the book",
        summary=_summary(every, [claim for _, claims in judged for claim in claims], moved),
        places=PLACES,
        moved=moved,
        drifted=[name for name, row in moved.items() if row.verdict == "DRIFTED"],
        folder=again,
        elsewhere=_elsewhere(again, moved),
        level=LEVEL,
        judged=judged,
        entries=every,
        stored=stored,
        uses=claimed_runs(papers),
        scored=SELECTION,
        files=_hashes(_files(stored)),
        codes=_hashes(_codes(stored)),
    )


def _frame() -> Template:
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters |= {"number": number, "prose": prose, "named": named}
    page.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return page.from_string(FRAME.read_text(encoding="utf-8"))


def _summary(every: list[Entry], claims: list[dict[str, Any]], moved: Mapping[str, Again]) -> list[str]:
    stored = sum(entry.run is not None for entry in every)
    verdicts_counted, again_counted = (
        ", ".join(f"{n} {verdict}" for verdict, n in pd.Series(words, dtype=str).value_counts().items())
        or "none"
        for words in ([claim["verdict"] for claim in claims], [row.verdict for row in moved.values()])
    )
    return [
        f"{stored} runs are stored, of {len(every)} that are listed or stored.",
        f"{len(claims)} claims: {verdicts_counted}.",
        f"{len(moved)} runs were computed again: {again_counted}.",
    ]


def _elsewhere(folder: Path, moved: Mapping[str, Again]) -> list[str]:
    """Runs in the folder that are no run of this page."""
    shown = {row.folder for row in moved.values()}
    others = {path.parent for path in folder.glob("**/run.json")} - shown
    return [str(path.relative_to(folder)) for path in sorted(others)]


def _claims(paper: Paper, results: Path, stored: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """A row a claim: what it says, its verdict, and what its two runs differ in."""
    rows = []
    for name, row in verdicts(paper, results).iterrows():
        claim = paper.claims[name]
        pair = [stored_name(paper.name, run) for run in (claim.better, claim.worse)]
        both = [stored[run] for run in pair if run in stored]
        score = "" if claim.score == "uf1" else f" ({claim.score})"
        rows.append({
            **{what: row[what] for what in ("verdict", "p", "corrected")},
            "name": name,
            "says": claim.says,
            "where": claim.where,
            "difference": span(row["difference"], row["low"], row["high"], "+.3f") + score,
            "better": (pair[0], claim.better),
            "worse": (pair[1], claim.worse),
            "differ": ", ".join(apart(*both)) if len(both) == 2 else "–",
        })  # fmt: skip
    return rows


def _files(stored: list[Entry]) -> Iterator[tuple[str, str, str, str]]:
    for entry in stored:
        corpus = entry.record["settings"]["corpus"]
        yield from ((sha, corpus, file, entry.name) for file, sha in entry.record["data"]["sha256"].items())


def _codes(stored: list[Entry]) -> Iterator[tuple[str, str, str, str]]:
    for entry in stored:
        code = entry.record["code"]
        yield code["sha256"], "mer_core", code["mer_core"], entry.name


def _hashes(rows: Iterable[tuple[str, str, str, str]]) -> list[tuple[str, str, str, list[str]]]:
    """A row a file or a version of the code: its fingerprint, and the runs that it served."""
    table = pd.DataFrame(rows, columns=["sha", "what", "which", "run"])
    grouped = table.groupby(["sha", "what", "which"], sort=False)["run"]
    return [(*key, list(names)) for key, names in grouped]
