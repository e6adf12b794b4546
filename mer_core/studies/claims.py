"""The chapter "What holds up": the claims of all lists, their verdicts, and how sure one can be of them."""

from typing import Annotated

import numpy as np
import pandas as pd
from IPython.display import HTML
from pydantic import AfterValidator, Field

from mer_core.figures.claims import section
from mer_core.figures.table import table
from mer_core.ledger.experiments import Paper, listed, load_paper, paper_names, stored_name, verdicts
from mer_core.ledger.results import RESULTS, find_run
from mer_core.scoring.statistics import Paired, classes_known, holm
from mer_core.studies.parameters import Parameters
from mer_core.studies.rows import by_seed
from mer_core.studies.words import listing

KINDS = ["supported", "undecided", "not supported", "not computed"]
LARGE = 0.05  # of UF1: more than papers usually argue about
ONCE_IN_TWENTY = (
    2.8  # standard deviations of one training that two of them are apart: 1.96 times the root of two
)


def _name(paper: str) -> str:
    return load_paper(paper).name


class Chapter(Parameters):
    """Parameters of the chapter."""

    level: float = Field(gt=0, lt=1, description="a smaller p-value counts, once it is corrected")
    paper: Annotated[str, AfterValidator(_name)] = Field(description="whose claims are looked at one by one")


def lists() -> pd.DataFrame:
    """A row a list: how many experiments and claims it has."""
    rows = {name: load_paper(name) for name in paper_names()}
    return pd.DataFrame(
        {
            name: {"experiments": len(one.experiments), "claims": len(one.claims), "title": one.title}
            for name, one in rows.items()
            if one.claims
        }
    ).T


def says_claim(paper: Paper, name: str) -> str:
    """A claim as the comparison of its two runs: what they are, what they score, and how far they are apart."""
    claim = paper.claims[name]
    places = {run: stored_name(paper.name, run) for run in (claim.better, claim.worse)}
    about = [f"    {run}: {listed(place)[place].about}" for run, place in places.items()]
    said, runs = [f"{name}: {claim.says}", *about], [find_run(place) for place in places.values()]
    if not all(runs):
        return "\n".join([*said, "not computed yet"])
    paired = Paired.of(*(run.predictions for run in runs))
    test = paired.test(claim.score)
    said.append(f"UF1 {test.first:.3f} and {test.second:.3f}, p = {test.p_value:.4f}")
    return "\n".join([*said, f"difference {paired.interval(claim.score)}"])


def all_verdicts(level: float) -> pd.DataFrame:
    """The verdicts of all lists, a row a claim: `fdp: order`."""
    judged = pd.concat({name: verdicts(load_paper(name), RESULTS, level) for name in paper_names()})
    judged.index = [f"{paper}: {claim}" for paper, claim in judged.index]
    return judged


def lists_of(judged: pd.DataFrame) -> pd.Series:
    """The list of each claim."""
    return pd.Series([name.split(":")[0] for name in judged.index], judged.index, name="list")


def counts(judged: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each list (rows) have which verdict."""
    return pd.crosstab(lists_of(judged), judged["verdict"]).reindex(columns=KINDS, fill_value=0)


def tested(judged: pd.DataFrame) -> pd.DataFrame:
    """Those whose two runs are stored."""
    return judged[judged["verdict"] != "not computed"]


def claims_table(judged: pd.DataFrame) -> HTML:
    """A row a claim, with links to where it is tested and to its two runs."""
    papers, names = zip(*(name.split(": ") for name in judged.index), strict=True)
    claims = [load_paper(paper).claims[name] for paper, name in zip(papers, names, strict=True)]
    pairs = {side: [getattr(claim, side) for claim in claims] for side in ("better", "worse")}
    links = {
        side: [_table_of(*run) for run in zip(papers, runs, strict=True)] for side, runs in pairs.items()
    }
    links["name"] = [section(paper, "claims") for paper in papers]
    return table(
        judged.rename_axis("name").assign(**pairs)[["claim", *pairs, "difference", "low", "high", "verdict"]],
        "Every claim that was tested: its name leads to its test, its runs to their tables.",
        intervals={"difference": ("low", "high")}, signed=["difference"], chips=["verdict"], links=links,
    )  # fmt: skip


def _table_of(paper: str, run: str) -> str:
    """Where a run stands that a claim of this list names; it may be one of another list."""
    return section(stored_name(paper, run).split("/")[0], "runs")


def says_together(judged: pd.DataFrame, level: float) -> str:
    """What remains if the claims of all lists are counted at once."""
    together = pd.Series(holm(judged["p"].to_dict()), dtype=float)
    sure = judged[together < level]
    share = (judged["verdict"] == "undecided").mean() if len(judged) else 0
    return (
        f"{len(judged)} claims were tested, {share:.0%} of them are undecided. If all {len(judged)} were nothing but "
        f"chance, about {level * len(judged):.1f} would fall below the level before correction. A verdict counts the "
        f"claims of its own list. Counting those of all lists at once, {len(sure)} differences remain:\n\n"
        f"- found as claimed: {_says(sure[sure['difference'] > 0])}\n"
        f"- found the other way round: {_says(sure[sure['difference'] < 0])}"
    )


def _says(rows: pd.DataFrame) -> str:
    return "; ".join(f"*{claim}*" for claim in rows["claim"]) or "none"


# How sure


def half_widths(judged: pd.DataFrame) -> pd.Series:
    """Half the width of each interval: roughly what such an experiment can resolve."""
    return ((judged["high"] - judged["low"]) / 2).rename("half a width")


def says_visible(judged: pd.DataFrame) -> str:
    """How large a difference can be seen, and how many undecided claims show more than that papers argue about."""
    undecided = judged[judged["verdict"] == "undecided"]
    large = undecided[undecided["difference"].abs() > LARGE]
    return (
        f"Typically a difference of {half_widths(judged).median():.2f} of UF1 is just about visible. Papers of the "
        f"field argue about two hundredths. {len(large)} of the {len(undecided)} undecided claims show more than "
        f"{LARGE} in one direction or the other: they are not shown to be wrong, they need more clips or more seeds."
    )


def several_seeds() -> pd.DataFrame:
    """UF1 of each seed, a row a run that has several."""
    rows = {}
    for paper in paper_names():
        for name in load_paper(paper).experiments:
            run = find_run(stored_name(paper, name))
            if run and len(run.record["settings"]["seeds"]) > 1:
                values = by_seed(run.predictions, classes_known(run.predictions))
                rows[f"{paper}: {name}"] = {f"seed {seed}": uf1 for seed, uf1 in values.items()}
    return pd.DataFrame(rows).T


def says_luck(judged: pd.DataFrame, seeds: pd.DataFrame) -> str:
    """How far two trainings are apart, and which supported claims rest on one seed and on less than that."""
    if seeds.empty:
        return "No stored run has several seeds: luck can't be measured."
    deviation = seeds.var(axis=1).mean() ** 0.5
    apart, supported = ONCE_IN_TWENTY * deviation, judged[judged["verdict"] == "supported"]
    lucky = supported.index[(supported["difference"].abs() < apart) & (supported["seeds"] == 1)]
    return (
        f"The standard deviation over seeds is {deviation:.3f}. Two trainings that differ by their seed alone are "
        f"apart by more than {apart:.2f} once in twenty times: a claim that rests on one seed and on less than that "
        f"may rest on luck. Of the {len(supported)} supported claims these are such: {listing(lucky)}."
    )


def says_subjects_needed(judged: pd.DataFrame) -> str:
    """How many times as many subjects the undecided claim with the largest difference would need."""
    undecided = judged[judged["verdict"] == "undecided"]
    if undecided.empty:
        return "nothing is undecided"
    name = undecided["difference"].abs().idxmax()
    difference, half = judged["difference"][name], half_widths(judged)[name]
    times = max((half / abs(difference)) ** 2, 1)
    return (
        f"{name}: difference {difference:+.3f}, half a width {half:.3f}\n{times:.1f} times as many subjects"
    )


def best_of(variants: int, deviation: float, seed: int = 0) -> float:
    """How much the best of equally good variants looks better than it is, on the mean."""
    draws = np.random.default_rng(seed).normal(0, deviation, size=(100_000, variants))
    return float(draws.max(axis=1).mean())
