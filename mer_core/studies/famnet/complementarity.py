"""Two methods on the same clips: which errors they share, what a fusion of them could gain.

Everything is counted a subject and then resampled in whole subjects, as in `statistics`: clips of one person resemble
each other. Shares are taken within each class and averaged over the classes, as UAR does: else two networks that always
answer the commonest class would seem to agree on what they know.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mer_core.ledger.results import find_run
from mer_core.scoring.statistics import (
    Interval,
    classes_known,
    difference_interval,
    interval_over_subjects,
    paired,
)
from mer_core.studies.famnet.live import uf1_of
from mer_core.studies.famnet.material import CONTROL
from mer_core.studies.rows import first_seed

LIVE = {
    "apex frame, clip": ("apex frame", "clip"),
    "change, clip": ("change at apex", "clip"),
    "control: change, two seeds": ("change at apex", CONTROL),
}
STORED = {
    "apex frame, clip": ("apex", "clip"),
    "change, clip": ("apex-changes", "clip"),
    "control: clip, another encoder": ("clip", "clip-convolved"),
    "control: clip, another weight": ("clip", "clip-little"),
}
DIFFERENT, SAME = "change, clip", "control: clip, another encoder"  # pairs of an equal budget

Pairs = dict[str, tuple[pd.DataFrame, pd.DataFrame]]


def mean_interval(values: np.ndarray, subjects: np.ndarray, seed: int = 0) -> Interval:
    """The mean of a number that each clip has; clips without one, NaN, do not count."""
    values = np.asarray(values, float)
    known = ~np.isnan(values)
    names, subject = np.unique(np.asarray(subjects)[known], return_inverse=True)
    sums = np.zeros((len(names), 2))
    np.add.at(sums, subject, np.stack([values[known], np.ones(known.sum())], axis=1))
    return interval_over_subjects(sums, lambda sums: sums[..., 0] / sums[..., 1], seed=seed)


def overlap_counts(first: pd.DataFrame, second: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Of each subject and class, how many clips the first has wrong or right, and the second: (S, C, 2, 2)."""
    pair = paired(first, second)
    subjects, subject = np.unique(pair["subjects"], return_inverse=True)
    right = [(pair[name] == pair["truth"]).astype(int) for name in ("first", "second")]
    counts = np.zeros((len(subjects), n_classes, 2, 2), int)
    np.add.at(counts, (subject, pair["truth"], *right), 1)
    return counts


def _first(shares: np.ndarray) -> np.ndarray:
    return shares[..., 1, :].sum(-1)


def _second(shares: np.ndarray) -> np.ndarray:
    return shares[..., :, 1].sum(-1)


def _either(shares: np.ndarray) -> np.ndarray:
    return 1 - shares[..., 0, 0]


def _by_chance(shares: np.ndarray) -> np.ndarray:
    return 1 - (1 - _first(shares)) * (1 - _second(shares))


def overlap_table(first: pd.DataFrame, second: pd.DataFrame, n_classes: int, seed: int = 0) -> pd.DataFrame:
    """What two methods get right together, with intervals; all are means over the classes.

    first, second   their recall
    either          one of them is right, at least: a fusion that always knew whom to believe would reach this
    by chance       the same if they erred independently within each class
    gain            either, less the better one of the two
    shared          by chance less either: above 0, they fail on the same clips
    """
    counts = overlap_counts(first, second, n_classes)

    def mean(what: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
        return lambda counts: np.nanmean(what(_within_classes(counts)), axis=-1)

    kinds = {"first": _first, "second": _second, "either": _either, "by chance": _by_chance}
    asked = {name: mean(what) for name, what in kinds.items()}
    asked["gain"] = lambda c: asked["either"](c) - np.maximum(asked["first"](c), asked["second"](c))
    asked["shared"] = lambda c: asked["by chance"](c) - asked["either"](c)
    rows = {name: interval_over_subjects(counts, what, seed=seed) for name, what in asked.items()}
    return pd.DataFrame({name: [row.value, row.low, row.high] for name, row in rows.items()},
                        index=["value", "low", "high"]).T  # fmt: skip


def _within_classes(counts: np.ndarray) -> np.ndarray:
    """Shares (…, C, 2, 2) of each class's clips; a class without clips has none: NaN."""
    n = counts.sum((-2, -1), keepdims=True)
    return np.divide(counts, n, out=np.full(counts.shape, np.nan), where=n > 0)


def oracle(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The first's table with the second's answer wherever that one is right: nobody can do better with these two."""
    pair = paired(first, second)
    best = np.where(pair["second"] == pair["truth"], pair["second"], pair["first"])
    return first.assign(predicted=best)


def averaged(*tables: pd.DataFrame) -> pd.DataFrame:
    """A late fusion of finished runs: the mean of their probabilities, on the same clips."""
    first, *others = tables
    for other in others:
        paired(first, other)  # refuses tables of different clips
    names = [name for name in first if name.startswith("p_")]
    keys = [name for name in ("clip", "seed") if name in first]
    rows = pd.MultiIndex.from_frame(first[keys])
    same = [table.set_index(keys).loc[rows, names].to_numpy() for table in tables]
    mean = np.mean(same, axis=0)
    made = first.assign(predicted=mean.argmax(axis=1))
    made[names] = mean
    return made


# The chapter's pairs


def live_pairs(tables: Mapping[str, pd.DataFrame]) -> Pairs:
    """The predictions of the networks that are trained in the chapter, two and two."""
    return {name: (tables[first], tables[second]) for name, (first, second) in LIVE.items()}


def stored_pairs() -> Pairs:
    """Those of stored runs, by the first seed of each; a pair of which one is missing is left out."""
    runs = {name: find_run(f"famnet/{name}") for pair in STORED.values() for name in pair}
    first = {name: first_seed(run) for name, run in runs.items() if run}
    return {name: (first[a], first[b]) for name, (a, b) in STORED.items() if {a, b} <= set(first)}


def overlaps(pairs: Pairs) -> dict[str, pd.DataFrame]:
    """What the two of each pair get right together: `overlap_table`."""
    return {name: overlap_table(*pair, pair[0]["truth"].max() + 1) for name, pair in pairs.items()}


def who_is_right(overlap: pd.DataFrame) -> dict[str, float]:
    """As shares of 1."""
    first, second, either = overlap["value"][["first", "second", "either"]]
    return {"both": first + second - either, "only the first": either - second,
            "only the second": either - first, "neither": 1 - either}  # fmt: skip


def gap(first: pd.DataFrame, second: pd.DataFrame) -> Interval:
    """UF1 of the first less that of the second."""
    return difference_interval(**paired(first, second), n_classes=classes_known(first))


def equal_budget(pairs: Pairs) -> pd.DataFrame:
    """Of each pair the better one alone, and what the mean of both adds to it; then both fusions side by side."""
    rows, fused = {}, {name: averaged(*pair) for name, pair in pairs.items()}
    for name, pair in pairs.items():
        alone = [uf1_of(one, classes_known(one)) for one in pair]
        rows[name] = {"better one": max(alone), **_ends(gap(fused[name], pair[int(np.argmax(alone))]))}
    if {DIFFERENT, SAME} <= set(fused):
        rows["change and clip, less clip and clip"] = _ends(gap(fused[DIFFERENT], fused[SAME]))
    return pd.DataFrame(rows).T


def _ends(interval: Interval) -> dict[str, float]:
    return {"difference": interval.value, "low": interval.low, "high": interval.high}
