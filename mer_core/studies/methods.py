"""The chapter "All methods, one protocol": a table of all methods, its doubt, and what stands behind equal scores."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pydantic import Field
from scipy.stats import studentized_range

from mer_core.figures.looks import look
from mer_core.figures.style import QUIET, SEQUENTIAL, rounded, styled
from mer_core.ledger.experiments import load_paper, main_label, stored_name
from mer_core.ledger.results import find_run
from mer_core.methods import count_parameters, create_method
from mer_core.protocols import class_map
from mer_core.scoring.metrics import Scores, scores
from mer_core.scoring.statistics import (
    CriticalDifferences,
    Paired,
    holm,
    per_class,
    score_matrices,
    seeds_interval,
)
from mer_core.studies.parameters import Parameters
from mer_core.studies.rows import by_seed, first_seed, main_runs, ranked_rows
from mer_core.studies.words import listing, starred
from mer_core.training import Run

THREE = class_map("megc2019-3class").classes
FIVE = class_map("casme2-5class").classes
FLOOR = "majority"  # the rule that always names the commonest class
LEVEL = 0.05
NEAR = 0.02  # of UF1: what papers of the field argue about
LINKED = 0.3  # a rank correlation from which on one may speak of a connection
MERGED = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}

Runs = Mapping[str, Run]  # by label


class Chapter(Parameters):
    """Parameters of the chapter."""

    score: Literal["uf1", "uar", "accuracy", "weighted_f1"] = Field(description="what is compared")
    order: Literal["score", "list"] = Field(description="of the rows: by score, or as they are listed")


# The table


def runs() -> dict[str, Run]:
    """The stored run of every method that is ranked, by label."""
    return {label: run for label, run in main_runs().items() if label in ranked_rows()}


def five_runs() -> dict[str, Run]:
    """The same methods with five classes."""
    stored = {
        main_label(experiment): find_run(stored_name("five", name))
        for name, experiment in load_paper("five").experiments.items()
    }
    return {label: stored[label] for label in ranked_rows() if stored.get(label)}


def shared_settings(runs: Runs) -> pd.DataFrame:
    """What the runs were asked for alike; several values in one cell would be no one protocol."""
    asked = [run.record["settings"] for run in runs.values()]
    names = ("corpus", "classes", "groups", "selection")
    return pd.DataFrame(
        {name: [listing(sorted({str(one[name]) for one in asked}))] for name in names}, index=["all"]
    )


def score_table(runs: Runs, n_classes: int, score: str = "uf1") -> pd.DataFrame:
    """A row a method: score, interval over subjects, trainings and their spread, and what it is given."""
    rows = {label: _row(run, n_classes, score) for label, run in runs.items()}
    given = {label: row.given for label, row in ranked_rows().items() if label in rows}
    return pd.DataFrame(rows).T.astype({"seeds": int}).assign(given=given)


def _row(run: Run, n_classes: int, score: str) -> dict[str, float]:
    values, interval = by_seed(run.predictions, n_classes, score), seeds_interval(run.predictions, score)
    return {
        "UF1": interval.value,
        "low": interval.low,
        "high": interval.high,
        "seeds": len(values),
        "spread": values.std(),
    }


def by_score(table: pd.DataFrame) -> pd.DataFrame:
    """The highest score first; what is equal keeps its order."""
    return table.sort_values("UF1", ascending=False, kind="stable")


def chances(runs: Runs, best: str, score: str) -> dict[str, float]:
    """The p-value of each method against the best one, on the seeds that both have, corrected for their number."""
    tests = {
        label: Paired.of(runs[best].predictions, run.predictions).test(score)
        for label, run in runs.items()
        if label != best
    }
    return holm({label: test.p_value for label, test in tests.items()})


def says_best(table: pd.DataFrame, corrected: Mapping[str, float]) -> str:
    """Which method is first, which can't be told from it, and which know nothing."""
    best = table["UF1"].idxmax()
    alike = [name for name in table.index if corrected.get(name, 0) >= LEVEL]
    return (
        f"The highest score is that of *{best}*, {table['UF1'][best]:.3f}. Not to be told from it after correction for "
        f"{len(corrected)} comparisons: {starred(alike)}. Intervals that reach down to always naming the commonest "
        f"class: {starred(on_the_floor(table))}. Over seeds a score spreads by {table['spread'].mean():.3f} on the "
        "mean (standard deviation, where there are several)."
    )


def on_the_floor(table: pd.DataFrame) -> list[str]:
    """The methods whose interval reaches down to that of the rule that knows nothing."""
    return list(table.index[table["low"] <= table["UF1"].get(FLOOR, 0.0)].drop(FLOOR, errors="ignore"))


def by_hand(ranks: CriticalDifferences, level: float = 0.95) -> float:
    """The critical difference of mean ranks, from its equation."""
    k, n = len(ranks.ranks), ranks.blocks
    return float(studentized_range.ppf(level, k, np.inf) * np.sqrt(k * (k + 1) / (12 * n)))


# Classes and subjects


def recalls(runs: Runs, labels: Sequence[str]) -> pd.DataFrame:
    """A row a method, a column a class: the share of its clips that is found, as a mean over seeds."""
    rows = {}
    for name, run in runs.items():
        each = [
            per_class(rows["truth"], rows["predicted"], len(labels), labels)["recall"]
            for _, rows in run.predictions.groupby("seed")
        ]
        rows[name] = sum(each) / len(each)
    return pd.DataFrame(rows).T


def clips_of(run: Run, labels: Sequence[str]) -> dict[str, int]:
    """How many clips each class has."""
    counts = np.bincount(first_seed(run)["truth"], minlength=len(labels))
    return dict(zip(labels, counts.tolist(), strict=True))


def says_classes(scored: pd.Series, recall: pd.DataFrame) -> str:
    """Which two methods of nearly the same score are least alike, and which class is found least by most."""
    scored = scored.drop(FLOOR, errors="ignore")
    apart = {
        (one, other): (recall.loc[one] - recall.loc[other]).abs()
        for one, other in combinations(scored.index, 2)
        if abs(scored[one] - scored[other]) < NEAR
    }
    least = recall.loc[scored.index].idxmin(axis=1).value_counts()
    told = (
        f"The class that is found least is *{least.index[0]}* for {least.iloc[0]} of the {len(scored)} methods that "
        "look at a clip."
    )
    if not apart:
        return told
    one, other = max(apart, key=lambda pair: apart[pair].max())
    distance = apart[one, other]
    return (
        f"Of the {len(apart)} pairs whose scores differ by less than {NEAR}, *{one}* and *{other}* are least alike: "
        f"{distance.max():.2f} apart in the recall of *{distance.idxmax()}*. {told}"
    )


def says_subjects(accuracy: pd.DataFrame) -> str:
    """How far subjects (rows) are apart, and how far methods (columns)."""
    subjects, methods = accuracy.mean(axis=1), accuracy.mean(axis=0)
    hard, easy = (name.split("/")[-1] for name in (subjects.idxmin(), subjects.idxmax()))
    return (
        f"Over subjects the share of right answers goes from {subjects.min():.2f} (*{hard}*) to {subjects.max():.2f} "
        f"(*{easy}*), over methods from {methods.min():.2f} to {methods.max():.2f}. Whoever tests on few subjects "
        "measures the subjects."
    )


# Cost


def costs(runs: Runs, n_classes: int) -> pd.DataFrame:
    """A row a method: how many weights it has, if it is a network, and the seconds that a fold took."""
    return pd.DataFrame(
        {
            "weights": {label: weights(run, n_classes) for label, run in runs.items()},
            "seconds": {label: seconds(run) for label, run in runs.items()},
        }
    ).loc[list(runs)]


def weights(run: Run, n_classes: int) -> float:
    """Of a network; nan of a linear rule: the chapter on baselines counts."""
    asked = run.record["settings"]
    method = create_method(asked["method"], asked["preset"], **asked["settings"])
    return count_parameters(method.network(n_classes)) if hasattr(method, "network") else float("nan")


def seconds(run: Run) -> float:
    """To train one fold with one seed."""
    return run.record["seconds"] / len(run.record["folds"]) / len(run.record["settings"]["seeds"])


def says_cost(table: pd.DataFrame, cost: pd.DataFrame) -> str:
    """Whether time or weights buy a score, and what being told the apex and its flow is worth."""
    table = table.drop(FLOOR, errors="ignore")
    link = {what: table["UF1"].corr(cost[what].loc[table.index], method="spearman") for what in cost}
    with_flow = table["given"].str.startswith("apex, flow")
    return (
        f"Over {len(table)} methods the rank correlation of score and time is {link['seconds']:+.2f}, of score and "
        f"number of weights, over the networks among them, {link['weights']:+.2f}: {_bought(link['seconds'])}. Those "
        f"that are given the apex and its flow reach {table['UF1'][with_flow].mean():.2f} on the mean, all others "
        f"{table['UF1'][~with_flow].mean():.2f}. To find the apex in a long video is a task of its own, and an error "
        "there is not in this table."
    )


def _bought(link: float) -> str:
    if abs(link) <= LINKED:
        return "time alone buys little here"
    return f"what takes longer scores {'higher' if link > 0 else 'lower'}"


# Five classes


def says_orders(three: pd.DataFrame, five: pd.DataFrame) -> str:
    """What becomes of the order of the methods with five classes; both tables are those of `score_table`."""
    both = pd.DataFrame({"three": three["UF1"], "five": five["UF1"]}).dropna()
    both = both.loc[[name for name in five.index if name in both.index]]
    pairs = list(combinations(both.index, 2))
    swapped = [pair for pair in pairs if both["three"][pair[0]] < both["three"][pair[1]]]
    sure = [pair for pair in swapped if _is_apart(three, pair) and _is_apart(five, pair)]
    link, means, floor = both.corr(method="spearman").iloc[0, 1], both.mean(), both.loc[FLOOR]
    return (
        f"{len(both)} methods have both. Their two orders have a rank correlation of {link:+.2f}; {len(swapped)} of "
        f"{len(pairs)} pairs change places, and of these {len(sure)} {'is' if len(sure) == 1 else 'are'} apart by "
        f"their intervals in both tables. First with three classes is *{both['three'].idxmax()}*, first with five "
        f"*{both['five'].idxmax()}*. On the mean a score goes from {means['three']:.2f} to {means['five']:.2f}, and "
        f"that of always naming the commonest class from {floor['three']:.2f} to {floor['five']:.2f}. Intervals that "
        f"reach down to it: {starred(on_the_floor(five))}."
    )


def _is_apart(table: pd.DataFrame, pair: tuple[str, str]) -> bool:
    """Whether two intervals have nothing in common."""
    return bool(table["low"][list(pair)].max() > table["high"][list(pair)].min())


def says_lost_class(recall: pd.DataFrame, clips: Mapping[str, int], first: Scores) -> str:
    """Which of five classes is found least, and what the best method, in the first row, calls its clips."""
    found = recall.drop(FLOOR, errors="ignore").mean()
    lost, rarest, names = found.idxmin(), min(clips, key=lambda name: clips[name]), list(clips)
    answers = pd.Series(first.confusion[names.index(lost)], index=names)
    share = answers / answers.sum()
    elsewhere = share.drop(lost).idxmax()
    return (
        f"On the mean over methods *{lost}* is found least, {found[lost]:.0%} of its clips, and *{found.idxmax()}* "
        f"most, {found.max():.0%}. The rarest class is *{rarest}*"
        + (": rare and lost. " if rarest == lost else ", which is not the one. ")
        + f"The method in the first row, *{recall.index[0]}*, finds {share[lost]:.0%} of *{lost}*, and calls "
        f"{share[elsewhere]:.0%} of it *{elsewhere}*."
    )


def says_seeds(runs: Runs) -> str:
    """How many trainings stand behind an order."""
    seeds = [len(run.record["settings"]["seeds"]) for run in runs.values()]
    behind = "is one seed" if max(seeds) == 1 else f"are up to {max(seeds)} seeds"
    return f"With five classes there {behind}: an order that rests on a few hundredths may be another one tomorrow."


# Exercises


def other_scores(runs: Runs, n_classes: int, names: Sequence[str]) -> pd.DataFrame:
    """A row a method, a column a score: of the first training."""
    return pd.DataFrame(
        {
            name: {label: by_seed(first_seed(run), n_classes, name).iloc[0] for label, run in runs.items()}
            for name in names
        }
    )


def right_clips(run: Run) -> pd.Series:
    """Whether the first training is right, by clip."""
    return first_seed(run).set_index("clip").eval("truth == predicted").sort_index()


def guessing(truth: np.ndarray, n_classes: int, methods: int, tables: int = 200, seed: int = 0) -> np.ndarray:
    """(tables, methods) UF1 of answers at random that have the frequencies of the classes."""
    draw, one_hot = np.random.default_rng(seed), np.eye(n_classes, dtype=int)[truth]  # (N, C)
    answers = np.stack([draw.permutation(one_hot) for _ in range(tables * methods)])  # (R, N, C)
    matrices = np.einsum("nt,rnp->rtp", one_hot, answers)  # (R, C, C)
    return score_matrices(matrices, "uf1").reshape(tables, methods)


def three_of_five(three: Runs, five: Runs) -> pd.DataFrame:
    """A row a method: UF1 of three classes that were learnt, and of five that were merged, on the clips of both."""
    return pd.DataFrame({label: _of_both(three[label], run) for label, run in five.items()}).T.astype(
        {"clips": int}
    )


def _of_both(three: Run, five: Run) -> dict[str, float]:
    own, finer = (first_seed(run).set_index("clip") for run in (three, five))
    own = own.loc[own.index.intersection(finer.index)]
    answers = {"three learnt": own["predicted"], "five merged": merged(finer.loc[own.index])}
    uf1 = {name: scores(own["truth"], said, len(THREE)).uf1 for name, said in answers.items()}
    return {"clips": len(own), **uf1}


def merged(predictions: pd.DataFrame) -> np.ndarray:  # (N,)
    """What probabilities of five classes say of three; *others* is left out."""
    p = predictions[[f"p_{emotion}" for emotion in MERGED]].set_axis(list(MERGED.values()), axis=1)
    return p.T.groupby(level=0).sum().T[list(THREE)].to_numpy().argmax(axis=1)


# Figures


def cost_against_score(rows: pd.DataFrame) -> go.Figure:
    """A point a method (rows): the seconds of a fold, the UF1 with its interval. Columns: seconds, UF1, low, high."""
    away = {"array": rounded(rows["high"] - rows["UF1"]), "arrayminus": rounded(rows["UF1"] - rows["low"])}
    colours, symbols = zip(*(look(name) for name in rows.index), strict=True)
    figure = go.Figure(
        go.Scatter(
            x=rounded(rows["seconds"]), y=rounded(rows["UF1"]), mode="markers+text", text=list(rows.index),
            textposition="middle right", marker={"size": 10, "color": colours, "symbol": symbols},
            error_y={"type": "data", "color": QUIET, "thickness": 1, **away},
            hovertemplate="%{text}: UF1 %{y:.3f}, %{x:.1f} s a fold<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(type="log", title="seconds to train a fold")
    figure.update_yaxes(title="UF1", range=[0, 1])
    said = "; ".join(f"{name} {row['seconds']:.1f} s, {row['UF1']:.2f}" for name, row in rows.iterrows())
    return styled(figure, f"Cost and score: {said}.", height=420)


def right_by_subject(accuracy: pd.DataFrame) -> go.Figure:
    """How many clips of each subject (rows) each method (columns) gets right, the easiest subjects on the left."""
    ordered = accuracy.loc[accuracy.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    figure = go.Figure(
        go.Heatmap(
            z=ordered.T.round(3).to_numpy().tolist(),
            x=[subject.split("/")[-1] for subject in ordered.index],
            y=list(ordered.columns),
            colorscale=SEQUENTIAL,
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": "right", "tickformat": ".0%"},
            hovertemplate="%{y}, subject %{x}: %{z:.0%} of the clips<extra></extra>",
        )
    )
    figure.update_layout(xaxis={"title": "subject", "type": "category"}, yaxis_autorange="reversed")
    means = ordered.mean(axis=1)
    alt = (
        f"The share of clips called right, {len(ordered.columns)} methods by {len(ordered)} subjects: from "
        f"{means.iloc[0]:.2f} for the easiest subject down to {means.iloc[-1]:.2f}, on the mean over methods."
    )
    return styled(figure, alt, height=160 + 26 * len(ordered.columns))
