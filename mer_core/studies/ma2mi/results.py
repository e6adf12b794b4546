"""The chapter's stored runs: its rows, their seeds, how many labels are saved, and which claims hold."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.scores import intervals
from mer_core.ledger.experiments import stored_name
from mer_core.ledger.results import find_run, stored_run
from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import Interval, Paired, classes_known, seeds_interval
from mer_core.studies.ma2mi.chapter import Gaps
from mer_core.studies.ma2mi.figures import lines
from mer_core.studies.papers import references, says_verdicts
from mer_core.training import Run

NAME = "ma2mi"
SEEDED = ("scratch", "ma2mi", "supervised", "shuffled")  # rows of three seeds
SHARES = {10: "-10", 25: "-25", 50: "-50", 100: ""}  # per cent of the labels: how a row's name ends
SWEEP = {"near": (1,), "ma2mi": (1, 2, 3), "far": (5,)}  # by run, the gaps of its pairs
MISSING = "not computed yet"

# What each claim and control is called in the summary, and the claim of the list that it is.
STORED = {
    "1 pre-training helps": "pretraining",
    "2 more than naming macro-expressions": "naive",
    "3 two branches, not action alone": "position",
    "3 not position alone": "action",
    "3 not one encoder": "decoupling",
    "5 another encoder gains": "general",
    "6 small movements teach more": "gap",
    "7 eight channels, not 64": "bottleneck",
    "7 weighted loss": "weighting",
    "7 a code for each place": "place",
    "7 pixels, not latents": "pixels",
    "7 pixels, not diffusion": "diffusion",
    "b shuffled actions in training": "control",
    "e a tenth of the labels": "few-labels",
    "f frozen features, linear probe": "features",
}


def stored(experiment: str) -> Run | None:
    """A run of this chapter's list, if it is stored."""
    return find_run(stored_name(NAME, experiment))


# Rows


def row_table(rows: pd.DataFrame) -> pd.DataFrame:
    """UF1 with its interval, and what each row is."""
    rows = rows.reindex(columns=["UF1", "low", "high", "about"])
    return rows.drop(columns="about").astype(float).map("{:.3f}".format).join(rows["about"])


def row_intervals(rows: pd.DataFrame) -> go.Figure | None:
    """The same as a figure, beside what to compare with."""
    return intervals(rows, to_compare_with()) if len(rows) else None


def to_compare_with() -> dict[str, float]:
    """UF1 of the commonest class, and of STSTNet."""
    return references(stored("scratch"), stored_run("baselines/ststnet"))


def seed_table() -> pd.DataFrame:
    """UF1 of each seed, their mean and their spread."""
    rows = {}
    for name in SEEDED:
        if run := stored(name):
            n_classes = classes_known(run.predictions)
            rows[name] = {
                f"seed {seed}": scores(table["truth"], table["predicted"], n_classes).uf1
                for seed, table in run.predictions.groupby("seed")
            }
    seeds = pd.DataFrame(rows).T
    return seeds.assign(mean=seeds.mean(axis=1), std=seeds.std(axis=1))


def against(one: str, other: str, *, first_seeds: bool = False) -> Interval | None:
    """Difference in UF1 of two stored runs over the seeds that both have, or over the first of each."""
    runs = stored(one), stored(other)
    if None in runs:
        return None
    tables = [run.predictions for run in runs]
    if first_seeds:
        tables = [table.query("seed == seed.min()") for table in tables]
    return Paired.of(*tables).interval()


def differences(first: str = "ma2mi") -> pd.DataFrame:
    """How much better one row is than the other seeded ones."""
    rows = {f"{first} less {name}": against(first, name) for name in SEEDED if name != first}
    return _column("UF1", rows)


# Labels that are saved, and sizes of movements


def label_curves() -> go.Figure:
    """UF1 by the share of the labels, with and without the first stage; first seeds alone."""
    curves = {}
    for name in ("scratch", "ma2mi"):
        runs = {percent: stored(name + end) for percent, end in SHARES.items()}
        points = {percent: first_seed(run) for percent, run in runs.items() if run}
        if points:
            curves[name] = pd.DataFrame({p: vars(one) for p, one in points.items()}).T[
                ["value", "low", "high"]
            ]
    return lines(curves, "labelled clips, per cent", "UF1")


def first_seed(run: Run) -> Interval:
    """UF1 of a run's first seed."""
    return seeds_interval(run.predictions.query("seed == seed.min()"))


def label_table() -> pd.DataFrame:
    """What the first stage gains at each share of the labels."""
    rows = {
        f"{percent} % of the labels": against("ma2mi" + end, "scratch" + end, first_seeds=True)
        for percent, end in SHARES.items()
    }
    return _column("ma2mi less scratch", rows)


def sweep(gaps: Gaps) -> pd.DataFrame:
    """A row a run, by the motion of its pairs as a multiple of that of the test clips: what it gains over scratch."""
    rows = []
    for name, asked in SWEEP.items():
        off = against(name, "scratch", first_seeds=True)
        if off is not None:
            ratio = gaps.ratio(*asked)
            rows.append({"name": name, "ratio": ratio, "value": off.value, "low": off.low, "high": off.high})
    columns = ["name", "ratio", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("ratio").sort_index()


def sweep_curve(swept: pd.DataFrame) -> go.Figure:
    """The same as a figure."""
    return lines(
        {"gain": swept},
        "motion of the pairs / motion of the test clips",
        "UF1 gained over random weights",
        {"no gain": 0.0},
    )


def sweep_table(swept: pd.DataFrame) -> pd.DataFrame:
    """The same in numbers."""
    rows = {
        row["name"]: {
            "gaps": str(list(SWEEP[row["name"]])),
            "motion of the test clips'": f"{ratio:.2f}",
            "gain": f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
        }
        for ratio, row in swept.iterrows()
    }
    return pd.DataFrame(rows).T


def sweep_in_words(swept: pd.DataFrame) -> str:
    """Which size of movements teaches most, if these runs can say."""
    if len(swept) < 2:
        return "Too few of these runs are stored to say anything about the gap."
    best = swept["value"].idxmax()
    follows = "Not all intervals overlap, so that the size of the movements does matter here."
    if swept["low"].max() <= swept["high"].min():
        follows = "All intervals overlap: these runs cannot say at which size of movement most is learnt."
    return (
        f"The largest gain is that of *{swept['name'][best]}*, at {best:.1f} times the motion of the test clips. "
        f"{follows}"
    )


# Claims


def difference(row: pd.Series) -> str:
    """Of the two runs of a claim, with its interval."""
    return f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" if row["seeds"] else MISSING


def verdicts_in_words(judged: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Which claims hold by the corrected test, and whether the network does better than the commonest class."""
    return f"By the corrected test:\n\n{says_verdicts(judged)}\n\n{network_in_words(rows)}"


def network_in_words(rows: pd.DataFrame) -> str:
    """Whether the network itself does better than the commonest class; nothing if it is not computed."""
    if "scratch" not in rows.index:
        return ""
    text = "The network from random weights is"
    if rows["low"]["scratch"] <= to_compare_with()["commonest class"]:
        return f"{text} not clearly above the commonest class; parts of it can then hardly be told apart."
    return f"{text} clearly above the commonest class."


def summary(judged: pd.DataFrame, live: Mapping[str, object]) -> pd.DataFrame:
    """All claims and controls: of stored runs with their verdicts, and what was measured live."""
    rows = {
        "2 than ImageNet's weights": "not tested: none are part of this book",
        "a R of a copy": "0, by definition",
    }
    rows |= {f"{name} (live)": str(value) for name, value in live.items()}
    for name, claim in STORED.items():
        row = judged.loc[claim]
        rows[name] = f"{difference(row)}, {row['verdict']}" if row["seeds"] else MISSING
    return pd.DataFrame({"what was found": dict(sorted(rows.items()))})


def probe_in_words(probed: pd.DataFrame, branch: str, chance: float) -> str:
    """How often a code tells whose it is."""
    row = probed.loc[f"{branch}, pre-trained"]
    return f"{row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}], chance {chance:.2f}"


def _column(title: str, rows: Mapping[str, Interval | None]) -> pd.DataFrame:
    return pd.DataFrame({title: {name: str(off or MISSING) for name, off in rows.items()}})
