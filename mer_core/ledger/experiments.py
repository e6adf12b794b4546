"""The experiments of each paper as data: which runs there are, and which claim compares which two of them.

`lists/fdp.toml` and its neighbours hold them. A verdict is computed from `results/`, never typed.
"""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from mer_core.asked import ask
from mer_core.ledger.stored import stored_runs
from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import Paired, classes_known, holm, seeds_interval
from mer_core.scoring.tables import LEVEL
from mer_core.settings import Settings, SettingsError
from mer_core.training import Run, RunSettings

PAPERS = Path(__file__).parent / "lists"
OWN = "own"  # the folder of `results/` for runs of no list
SAME_CLIPS = ("corpus", "classes", "groups", "official", "limit", "labelled")  # and folds: settings of a run
NUMBERS = ["difference", "low", "high", "p", "corrected"]
COLUMNS = ["claim", "difference", "low", "high", "p", "seeds", "verdict", "corrected"]  # of `verdicts`


class Claim(Settings):
    """What a paper says, as a comparison of two runs on the same clips."""

    says: str
    where: str = Field(description="where the paper says so")
    better: str = Field(description="the run that should score higher; of another list: famnet/clip")
    worse: str
    score: Literal["uf1", "uar", "accuracy", "weighted_f1"] = "uf1"


class Experiment(Settings):
    """A run of the paper's list: what it is about, and what differs from the list's defaults."""

    about: str
    main: bool = Field(False, description="a row of the tables of all methods")
    label: str = Field("", description="of a main row: its name in every chapter")
    given: str = Field("", description="of a main row: what the method is told of a clip")
    look: tuple[str, str] = Field(("", ""), description="of a main row: colour and symbol in every figure")
    ranked: bool = Field(True, description="of a main row: a method, and no part or control of another row")
    again: str = Field("", description="the main row that is run once more, elsewhere: `ma2mi/scratch`")
    column: str = Field("", description="of a list that is a product: what it runs the row on")
    run: RunSettings


class Paper(Settings):
    """All experiments of one paper."""

    name: str
    title: str
    page: str = Field("", description="the chapter that reads them, as `evidence/across`")
    sections: dict[Literal["claims", "runs"], str] = Field(
        default_factory=dict, description="its anchors: where the claims are tested, and where the runs stand"
    )
    experiments: dict[str, Experiment]
    claims: dict[str, Claim] = Field(default_factory=dict)


def paper_names() -> list[str]:
    """The papers whose experiments are listed."""
    return sorted(path.stem for path in PAPERS.glob("*.toml"))


@lru_cache
def load_paper(name: str) -> Paper:
    """The experiments of a paper; a claim about a run that is not listed is an error."""
    if name not in paper_names():
        raise ValueError(f"There is no paper {name!r}; there are {', '.join(paper_names())}.")
    paper = Paper.parse({"name": name, **_read(name)})
    asked = {run for claim in paper.claims.values() for run in (claim.better, claim.worse)}
    if unknown := sorted(run for run in asked if not _is_listed(*stored_name(name, run).split("/"))):
        raise SettingsError(f"{name}.toml: claims compare {unknown}, which are no experiments.")
    return paper


def _read(name: str) -> dict[str, Any]:
    """A list with all its experiments, those of a product among them."""
    plain = tomllib.loads((PAPERS / f"{name}.toml").read_text(encoding="utf-8"))
    defaults = plain.pop("defaults", {})
    every = _product(plain.pop("rows", {}), plain.pop("columns", {}))
    for key, experiment in plain.pop("experiments", {}).items():
        every[key] = _joined(every.get(key, {}), experiment)  # of its own, or one of the product made to fit
    return {**plain, "experiments": {key: _experiment(defaults, row) for key, row in every.items()}}


def _is_listed(paper: str, experiment: str) -> bool:
    return paper in paper_names() and experiment in _read(paper)["experiments"]


def _product(rows: dict[str, dict], columns: dict[str, dict]) -> dict[str, dict]:
    """An experiment a row and column: `mol-half` is what `mol` and `half` say together."""
    return {
        f"{row}-{column}": {
            **_joined(one, other),
            "about": f"{one['about']}: {other['about']}",
            "column": column,
        }
        for row, one in rows.items()
        for column, other in columns.items()
    }


def _experiment(defaults: dict, experiment: dict) -> dict:
    run = _joined(defaults, experiment)
    return {name: run.pop(name) for name in Experiment.model_fields if name in run} | {"run": run}


def _joined(one: dict, other: dict) -> dict:
    return {**one, **other, "settings": {**one.get("settings", {}), **other.get("settings", {})}}


def stored_name(paper: str, experiment: str) -> str:
    """The folder of an experiment in `results/`; one of another list has it in its name."""
    ask(name := experiment if "/" in experiment else f"{paper}/{experiment}")
    return name


def listed(only: str | None = None, *, main: bool = False) -> dict[str, Experiment]:
    """All experiments by their folder in `results/`; those of one paper (`fdp`), or a single one (`fdp/mean`).

    `main`: of these the rows of the table of all methods alone.
    """
    papers = [load_paper(name) for name in paper_names()]
    every = {
        stored_name(paper.name, name): (paper.name, experiment)
        for paper in papers
        for name, experiment in paper.experiments.items()
    }
    found = {name: run for name, (paper, run) in every.items() if only in (None, paper, name)}
    if not found:
        raise ValueError(
            f"There is no paper and no experiment {only!r}; papers: {', '.join(paper_names())}; "
            f"an experiment's name is like {next(iter(every))}."
        )
    return _main_rows(found, only) if main else found


def _main_rows(found: dict[str, Experiment], only: str | None) -> dict[str, Experiment]:
    rows = {name: experiment for name, experiment in found.items() if experiment.main}
    if not rows:
        raise ValueError(f"{only} is or has no row of the table of all methods: leave out --main.")
    return rows


def own_rows(results: Path) -> dict[str, Experiment]:
    """Further rows of that table: runs of no list, `own/mine`, on the clips and folds of a row that is listed."""
    ask(OWN)
    known = {_clips(row.run) for row in listed().values() if row.main}
    runs = {run.name: run.settings for run in stored_runs(results) if run.folder.parent.name == OWN}
    return {
        name: Experiment(about=f"{settings.method}, of no list", main=True, run=settings)
        for name, settings in runs.items()
        if _clips(settings) in known
    }


def _clips(run: RunSettings) -> tuple[object, ...]:
    return tuple(getattr(run, name) for name in SAME_CLIPS)


def main_label(experiment: Experiment) -> str:
    """The name of a main row, or of the one that an experiment runs once more."""
    return (listed(main=True)[experiment.again] if experiment.again else experiment).label


def uf1(table: pd.DataFrame) -> float:
    """Of the pooled predictions, mean over seeds."""
    n_classes = classes_known(table)
    return float(
        pd.Series(
            [scores(t["truth"], t["predicted"], n_classes).uf1 for _, t in table.groupby("seed")]
        ).mean()
    )


def always_the_commonest(table: pd.DataFrame) -> float:
    """UF1 of naming the class that most clips have, every time: what nobody should be below."""
    return uf1(table.assign(predicted=table["truth"].mode()[0]))


# Verdicts, from what is stored


def score_rows(paper: Paper, results: Path) -> pd.DataFrame:
    """A row an experiment that `results/` holds: what it is, its UF1, mean over seeds, and its interval."""
    rows = {}
    for name, experiment in paper.experiments.items():
        if (results / stored_name(paper.name, name) / "run.json").exists():
            table = Run(results / stored_name(paper.name, name)).predictions
            interval = seeds_interval(table)
            rows[name] = {
                "about": experiment.about,
                "UF1": interval.value,
                "low": interval.low,
                "high": interval.high,
            }
    return pd.DataFrame(rows).T


def verdicts(paper: Paper, results: Path, level: float = LEVEL) -> pd.DataFrame:
    """A row a claim: the difference of its two runs over so many seeds, its interval, its chance, and what follows.

    `corrected` is that chance when all claims of the paper that were tested are counted, by Holm: of many claims some
    would look sure by luck alone. The verdict goes by it.
    """
    made = {name: _tested(paper, claim, results) for name, claim in paper.claims.items()}
    chances = {name: row["p"] for name, row in made.items() if row["seeds"]}
    corrected = holm(chances) if chances else {}
    for name, row in made.items():
        row["corrected"] = corrected.get(name, float("nan"))
        row["verdict"] = verdict(row["difference"], row["corrected"], level)
    return pd.DataFrame(made, index=COLUMNS).T.astype(dict.fromkeys(NUMBERS, float))


def verdict(difference: float, corrected: float, level: float = LEVEL) -> str:
    """What follows for a claim that one run is better by so much, from its chance after correction.

    >>> verdict(0.045, 0.136), verdict(0.2, 0.01), verdict(-0.2, 0.01), verdict(float("nan"), float("nan"))
    ('undecided', 'supported', 'not supported', 'not computed')
    """
    if pd.isna(corrected):
        return "not computed"
    if corrected >= level:
        return "undecided"
    return "supported" if difference > 0 else "not supported"


def _tested(paper: Paper, claim: Claim, results: Path) -> dict[str, Any]:
    """The two runs side by side; of no seed if one of them is not stored."""
    folders = [results / stored_name(paper.name, name) for name in (claim.better, claim.worse)]
    row = {"claim": claim.says, **dict.fromkeys(("difference", "low", "high", "p"), float("nan")), "seeds": 0}
    if not all((folder / "run.json").exists() for folder in folders):
        return row
    pair = Paired.of(*(Run(folder).predictions for folder in folders))
    interval, p = pair.interval(claim.score), pair.test(claim.score).p_value
    numbers = {"difference": interval.value, "low": interval.low, "high": interval.high, "p": p}
    return {**row, **numbers, "seeds": pair.seeds}
