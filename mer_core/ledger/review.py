"""One page for a reviewer: what was run, on what and by what; what follows for each claim; what moved since.

The page is a single file that asks no other host, and every run's predictions can be saved from it. Its frame is
`review.html`.
"""

import base64
import gzip
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from string import Template

import pandas as pd

from mer_core.ledger.experiments import LEVEL, Paper, load_paper, paper_names, stored_name, verdicts
from mer_core.ledger.reproduction import (
    Reproduced,
    Spread,
    compared,
    differences,
    named,
    places,
    seed_spreads,
)
from mer_core.ledger.stored import StoredRun, stored_runs
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
SAME = (
    "method",
    "folds",
    "data",
    "numerics",
    "code",
    "environment",
    "hardware",
)  # of two records of one experiment
ORDER = {"DRIFTED": 0, "reproduced": 2, "identical": 3}  # what needs a look stands first
NOTHING = float("nan")
ELSEWHERE = {"method", "preset", "settings", "corpus", "classes", "groups", "seeds", "selection"}


# What there is


@dataclass(frozen=True)
class Entry:
    """An experiment that is listed, or a run that is stored, or mostly both."""

    name: str  # of the folder in `results/`
    paper: str  # empty: no list names it
    about: str
    asked: RunSettings | None
    run: StoredRun | None  # None: not computed yet

    @cached_property
    def record(self) -> dict:
        """What the stored run says of itself; settings that are younger than it have their defaults."""
        record = self.run.record
        return {**record, "settings": {**RunSettings(method="").plain(), **record["settings"]}}


def entries(results: Path, papers: Iterable[Paper], *, others: bool = True) -> list[Entry]:
    """Every experiment of the papers; and whatever else is stored, if others are wanted."""
    known = {
        stored_name(paper.name, name): (paper.name, experiment.about, experiment.run)
        for paper in papers
        for name, experiment in paper.experiments.items()
    }
    stored = {run.name: run for run in stored_runs(results)}
    unlisted = {name: ("", "a run that no list names", None) for name in stored if name not in known}
    wanted = {**known, **(unlisted if others else {})}
    return [Entry(name, *about, stored.get(name)) for name, about in wanted.items()]


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
    listed = RunSettings.parse(entry.record["settings"])
    for place in places(folder, entry.name):
        if place == folder / entry.name or not differences(Run.open(place).settings, listed):
            return place
    return None


def _again(entry: Entry, made: Run, spreads: Sequence[Spread]) -> Again:
    missing = len(made.missing())
    parts = [name for name in SAME if made.record.get(name) != entry.record.get(name)]
    row = Reproduced(entry.name, NOTHING) if missing else compared(entry.name, made, entry.run, spreads)
    return Again(made.folder, row, parts, missing, 0 if missing else len(made.stale()))


def changed(entry: Entry) -> dict[str, tuple[object, object]]:
    """Settings of a run that are not the preset's, or not a run's defaults: its own, and those."""
    record = entry.record
    preset = create_method(record["settings"]["method"], record["settings"]["preset"]).settings.plain()
    usual = RunSettings(method="").plain()
    general = {name: record["settings"][name] for name in usual if name not in ELSEWHERE}
    return {**diff(general, {name: usual[name] for name in general}), **diff(record["method"], preset)}


def apart(one: Entry, other: Entry) -> list[str]:
    """All settings in which two runs differ and that could change an answer; of two methods no more can be said."""
    silent = dict.fromkeys(("settings", "keep_weights", "every_epoch"))
    general = [{**entry.record["settings"], **silent} for entry in (one, other)]
    methods = [entry.record["method"] for entry in (one, other)]
    is_same = general[0]["method"] == general[1]["method"]
    return [*diff(*general), *(diff(*methods) if is_same else ())]


def as_csv(run: StoredRun) -> bytes:
    """A run's predictions, compressed; the same run gives the same bytes."""
    return gzip.compress(run.predictions.to_csv(index=False).encode(), mtime=0)


# HTML


class Html(str):
    """Text that is HTML already. All other text is escaped where it enters the page."""


def tag(name: str, *inside: object, **attributes: object) -> Html:
    """An element.

    >>> tag("td", "a < b", class_="name")
    '<td class="name">a &lt; b</td>'
    """
    named = {key.rstrip("_").replace("_", "-"): escape(str(value)) for key, value in attributes.items()}
    said = "".join(f' {key}="{value}"' for key, value in named.items())
    return Html(f"<{name}{said}>{join('', inside)}</{name}>")


def join(between: str, parts: Iterable[object]) -> Html:
    """Parts in a row, each escaped unless it is HTML."""
    return Html(between.join(part if isinstance(part, Html) else escape(str(part)) for part in parts))


def prose(text: str) -> Html:
    """A sentence with `code` in it."""
    return Html(re.sub("`([^`]+)`", r"<code>\1</code>", escape(text)))


def link(place: str, text: object, kind: str = "run") -> Html:
    """To another place on the page."""
    return tag("a", text, href=f"#{kind}-{place}")


def table(about: str, heads: Iterable[str], rows: Iterable[Html]) -> Html:
    """A table that is sorted by a click, and scrolls by itself where it is too wide."""
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in heads)))
    made = tag("table", head, tag("tbody", *rows), class_="sortable")
    return tag("div", made, class_="wide", role="region", tabindex=0, aria_label=about)


def cells(*values: object, **attributes: object) -> Html:
    """A row; numbers and names do not break, sentences do."""
    kinds = ["text" if _is_long(value) else "number" for value in values]
    return tag(
        "tr", *(tag("td", v, class_=kind) for v, kind in zip(values, kinds, strict=True)), **attributes
    )


def _is_long(value: object) -> bool:
    return len(re.sub("<[^>]*>", "", str(value))) > 24


def number(value: float, form: str = ".3f") -> str:
    """A number, or a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:{form}}"


def span(value: float, low: float, high: float, form: str = ".3f") -> str:
    """A number with its interval."""
    return number(value) if pd.isna(value) else f"{value:{form}} [{low:{form}}, {high:{form}}]"


def word(verdict: str) -> Html:
    """A verdict in its colour."""
    return tag("span", verdict, class_=verdict.split(":")[0].replace(" ", "-"))


# The page


def review(results: Path, again: Path, only: str | None = None) -> str:
    """The whole page: of all papers, or of one of them."""
    papers = [load_paper(name) for name in ([only] if only else paper_names())]
    every = entries(results, papers, others=only is None)
    stored = [entry for entry in every if entry.run]
    judged = {paper.name: verdicts(paper, results) for paper in papers if paper.claims}
    moved = computed_again(stored, again, seed_spreads(results))
    parts = [
        _head(every, judged, moved, only),
        _moved(moved, again),
        _claims([paper for paper in papers if paper.claims], judged, {entry.name: entry for entry in stored}),
        _runs(every, moved),
        tag("h2", "Each run", id="each"),
        *(_run(entry, moved.get(entry.name), papers) for entry in stored),
        _sources(stored),
    ]
    title = "Review" + (f": {papers[0].title}" if only else "")
    return Template(FRAME.read_text(encoding="utf-8")).substitute(title=escape(title), body=join("\n", parts))


def _head(every: list[Entry], judged: Mapping, moved: Mapping[str, Again], only: str | None) -> Html:
    said = pd.concat([rows["verdict"] for rows in judged.values()]) if judged else pd.Series(dtype=str)
    claims = ", ".join(f"{n} {verdict}" for verdict, n in said.value_counts().items())
    again = pd.Series([one.verdict for one in moved.values()], dtype=str).value_counts()
    lines = [
        f"{sum(entry.run is not None for entry in every)} runs are stored, of {len(every)} that are listed or stored.",
        f"{len(said)} claims: {claims or 'none'}.",
        f"{len(moved)} runs were computed again: {', '.join(f'{n} {word}' for word, n in again.items()) or 'none'}.",
    ]
    places = {
        "moved": "What moved",
        "claims": "Claims",
        "runs": "Runs",
        "each": "Each run",
        "sources": "Data and code",
    }
    title = f"Review: {load_paper(only).title}" if only else "Review: all runs behind the book"
    return join(
        "\n",
        [
            tag("header", tag("h1", title), *(tag("p", line) for line in lines)),
            tag("nav", *(tag("a", text, href=f"#{place}") for place, text in places.items())),
        ],
    )


def _moved(moved: Mapping[str, Again], folder: Path) -> Html:
    about = (
        "A method that draws nothing, and any run on the same processor with the same kernels and packages, gives "
        "every answer again. Else UF1 may move as far as the seeds of the run's own method move it; or those of all "
        "networks, where no run of the method has several seeds."
    )
    heads = (
        "run",
        "UF1 now",
        "UF1 stored",
        "moved by",
        "clips that differ",
        "verdict",
        "because",
        "what else differs",
    )
    rows = [
        cells(
            link(name, name), *map(number, (one.row.now, one.row.stored)),
            number(one.row.now - one.row.stored, "+.3f"), len(one.row.differ), word(one.verdict),
            one.row.reason or "–", ", ".join(one.parts) or "nothing",
        )
        for name, one in moved.items()
    ]  # fmt: skip
    drifted = [name for name, one in moved.items() if one.verdict == "DRIFTED"]
    nothing = prose(f"`{folder}` holds no run of this page. `mer reproduce` computes them again.")
    said = f"Beyond it: {', '.join(drifted) or 'none'}." if moved else nothing
    shown_here = {one.folder for one in moved.values()}
    others = sorted({path.parent for path in folder.glob("**/run.json")} - shown_here)
    beside = (
        f"Also in that folder, and no run of this page: {', '.join(str(path.relative_to(folder)) for path in others)}."
        if others
        else ""
    )
    shown = table("Computed again, against what is stored", heads, rows) if rows else ""
    return join(
        "\n",
        [tag("h2", "What moved", id="moved"), tag("p", about), tag("p", said), shown, tag("p", beside)],
    )


def _claims(papers: list[Paper], judged: Mapping[str, pd.DataFrame], stored: Mapping[str, Entry]) -> Html:
    about = (
        "Each claim compares two runs on the same clips. The difference is that of their UF1, unless another score is "
        "named; the interval is over subjects drawn anew; p is how often exchanging the two runs' answers for whole "
        "subjects makes so large a difference; corrected counts all tested claims of the paper (Holm). "
        f"The verdict goes by the corrected p, below {LEVEL}: undecided is not refuted. What the two runs differ in is "
        "read from what they recorded; of seeds, those count that both have."
    )
    heads = (
        "claim",
        "says",
        "verdict",
        "difference",
        "p",
        "corrected",
        "better",
        "worse",
        "they differ in",
        "where",
    )
    made = [tag("h2", "Claims", id="claims"), tag("p", about)]
    for paper in papers:
        rows = [_claim(paper, name, row, stored) for name, row in judged[paper.name].iterrows()]
        made += [
            tag("h3", paper.title, id=f"paper-{paper.name}"),
            table(f"Claims of {paper.title}", heads, rows),
        ]
    return join("\n", made)


def _claim(paper: Paper, name: str, row: pd.Series, stored: Mapping[str, Entry]) -> Html:
    claim = paper.claims[name]
    folders = [stored_name(paper.name, run) for run in (claim.better, claim.worse)]
    pair = [link(*named) for named in zip(folders, (claim.better, claim.worse), strict=True)]
    both = [stored[folder] for folder in folders if folder in stored]
    differ = ", ".join(apart(*both)) if len(both) == 2 else "–"
    score = "" if claim.score == "uf1" else f" ({claim.score})"
    chances = [number(p, ".4f") for p in (row["p"], row["corrected"])]
    difference = span(row["difference"], row["low"], row["high"], "+.3f") + score
    judged = word(row["verdict"]), difference, *chances
    place = f"claim-{paper.name}-{name}"
    return cells(name, prose(claim.says), *judged, *pair, differ, claim.where, id=place)


def _runs(every: list[Entry], moved: Mapping[str, Again]) -> Html:
    about = "Scores of the pooled predictions, mean over seeds, with its 95 % interval over subjects."
    heads = "run", "about", "UF1", "UAR", "clips", "subjects", "seeds", "seconds", "again", "predictions"
    rows = [_row(entry, moved.get(entry.name)) if entry.run else _not_computed(entry) for entry in every]
    return join("\n", [tag("h2", "Runs", id="runs"), tag("p", about), table("All runs", heads, rows)])


def _row(entry: Entry, again: Again | None) -> Html:
    predictions, seconds = entry.run.predictions, entry.record.get("seconds", NOTHING)
    counts = [predictions[what].nunique() for what in ("clip", "subject", "seed")]
    both = [score(predictions, name) for name in ("uf1", "uar")]
    about = link(entry.name, entry.name), prose(entry.about)
    return cells(
        *about, *both, *counts, number(seconds, ".0f"), word(again.verdict) if again else "–", download(entry)
    )


def _not_computed(entry: Entry) -> Html:
    return cells(entry.name, prose(entry.about), word("not computed"), *["–"] * 7, id=f"run-{entry.name}")


def score(predictions: pd.DataFrame, name: str) -> str:
    """Mean over seeds, and its interval."""
    interval = seeds_interval(predictions, name)
    return span(interval.value, interval.low, interval.high)


def _classes(predictions: pd.DataFrame) -> list[str]:
    return [name.removeprefix("p_") for name in predictions if name.startswith("p_")]


def download(entry: Entry) -> Html:
    """A link that holds the predictions themselves."""
    held = base64.b64encode(as_csv(entry.run)).decode()
    file = f"{entry.name.replace('/', '-')}.predictions.csv.gz"
    text = f"CSV, {len(held) * 3 // 4 / 1000:.0f} kB"
    return tag("a", text, href=f"data:application/gzip;base64,{held}", download=file, class_="download")


def _run(entry: Entry, again: Again | None, papers: list[Paper]) -> Html:
    facts = {**_what(entry), **_on_what(entry), **_by_what(entry), **_for_what(entry, papers)}
    if again:
        facts["computed again"] = join(
            " ", [word(again.verdict), again.row.reason, _by_clip(again.row.differ)]
        )
    rows = (item for name, value in facts.items() for item in (tag("dt", name), tag("dd", value)))
    every = ", ".join(f"{name}={value}" for name, value in flat(entry.record["method"]))
    head = tag("h3", entry.name), tag("p", prose(entry.about))
    more = tag("details", tag("summary", "all settings of the method"), tag("p", tag("code", every)))
    return tag("article", *head, tag("dl", *rows), more, id=f"run-{entry.name}")


def _what(entry: Entry) -> dict[str, object]:
    settings = entry.record["settings"]
    differ = [f"{name} = {own} (else {usual})" for name, (own, usual) in changed(entry).items()]
    facts = {
        "method": f"{settings['method']}, preset {settings['preset']}",
        "changed": "; ".join(differ) or "nothing",
    }
    if entry.asked and (other := diff(entry.asked.plain(), settings)):
        facts["not as listed"] = "; ".join(
            f"{name}: {now}, ran with {ran}" for name, (now, ran) in other.items()
        )
    return facts


def _on_what(entry: Entry) -> dict[str, object]:
    settings, data, predictions = entry.record["settings"], entry.record["data"], entry.run.predictions
    out = ", ".join(f"{n} {emotion}" for emotion, n in data["left out, in no class"].items())
    counts = f"{data['clips']} clips of {predictions['subject'].nunique()} subjects"
    files = (link(sha[:12], f"{file} {sha[:12]}", "data") for file, sha in data["sha256"].items())
    classes = ", ".join(class_map(settings["classes"]).classes)
    return {
        "corpus": f"{settings['corpus']}: {counts}; left out, in no class: {out or 'none'}",
        "fingerprint": join(", ", files),
        "classes": f"{settings['classes']}: {classes}",
        "folds": f"{len(entry.record['folds'])}, {folds_in_words(settings['groups'])}",
        "seeds": ", ".join(map(str, settings["seeds"])),
        "scored": SELECTION[settings["selection"]],
    }


def _by_what(entry: Entry) -> dict[str, object]:
    record = entry.record
    hardware, code = record["hardware"], record["code"]
    model = ", ".join(filter(None, (hardware["machine"], hardware.get("processor"))))
    machine = f"{model}, {hardware['cores']} cores, GPU: {hardware['gpu'] or 'none'}"
    version = f"mer_core {code['mer_core']}, {code['sha256'][:12]}"
    return {
        "code": join(", ", [link(code["sha256"][:12], version, "code"), *_origin_of_code(entry)]),
        "packages": ", ".join(f"{name} {number}" for name, number in record["environment"].items()),
        "machine": f"{machine}; {record['numerics']}",
        "when": f"{record['started']}; {number(record.get('seconds', NOTHING), '.0f')} s of computing",
    }


def _origin_of_code(entry: Entry) -> Iterator[str]:
    """Which commit the code of a stored run is, and whether it is still today's: that is no verdict."""
    code = entry.record["code"]
    if commit := code.get("commit"):
        yield f"commit {commit[:12]}{'' if code['clean'] else ' with edits'}"
    is_todays = Run(entry.run.folder).todays_code() == code["sha256"]
    yield "today's code" if is_todays else "other code than today's"


def _for_what(entry: Entry, papers: list[Paper]) -> dict[str, object]:
    uses = [
        link(f"{paper.name}-{name}", f"{paper.name}: {name}", "claim")
        for paper in papers
        for name, claim in paper.claims.items()
        if entry.name in (stored_name(paper.name, claim.better), stored_name(paper.name, claim.worse))
    ]
    return {"claims": join(", ", uses) or "none"}


def _by_clip(differ: pd.DataFrame) -> Html:
    if differ.empty:
        return Html("")
    return tag(
        "details", tag("summary", f"{len(differ)} answers differ"), tag("p", join("; ", named(differ)))
    )


def _sources(stored: list[Entry]) -> Html:
    files = [
        (sha, entry.record["settings"]["corpus"], file, entry.name)
        for entry in stored
        for file, sha in entry.record["data"]["sha256"].items()
    ]
    ran = [(entry.record["code"], entry.name) for entry in stored]
    codes = [(code["sha256"], "mer_core", code["mer_core"], name) for code, name in ran]
    tables = [
        table("Files of the corpora", ("sha256", "corpus", "file", "runs"), _hashes(files, "data")),
        table("Code", ("sha256", "package", "version", "runs"), _hashes(codes, "code")),
    ]
    about = "A method that reads frames at a size of its own reads a file of its own."
    return join("\n", [tag("h2", "Data and code", id="sources"), tag("p", about), *tables])


def _hashes(rows: list[tuple[str, str, str, str]], kind: str) -> Iterator[Html]:
    """A row a file or a version of the code: its fingerprint, and the runs that it served."""
    found = pd.DataFrame(rows, columns=["sha", "what", "which", "run"])
    for (sha, what, which), those in found.groupby(["sha", "what", "which"], sort=False):
        runs = join(", ", (link(name, name) for name in those["run"]))
        yield cells(tag("code", sha), what, which, runs, id=f"{kind}-{sha[:12]}")
