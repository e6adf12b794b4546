r"""How far a score can be trusted: intervals, comparisons, and where the errors are.

Clips of one person resemble each other, so a hundred clips of ten people are far fewer than a hundred
independent answers. Everything here therefore resamples, swaps or ranks whole subjects, never single clips.

All of it rests on one picture: a confusion matrix per subject, $(S, C, C)$. A resampled corpus is a weighted
sum of these matrices, so thousands of corpora are one matrix product, and their scores one formula.
Explained in the chapter "How to inflate a score".
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from mer_core.scoring.metrics import scores

TIE = 1e-12  # differences closer than this are equal: sums in another order differ by less


# Scores from confusion matrices, many at once. An empty denominator counts as 0, as in `metrics`.


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def _right(matrices: np.ndarray) -> np.ndarray:
    return np.diagonal(matrices, axis1=-2, axis2=-1)  # (…, C)


def _f1(matrices: np.ndarray) -> np.ndarray:
    # TP + FN is the row, TP + FP the column: together the denominator 2 TP + FP + FN
    return _share(2 * _right(matrices), matrices.sum(-1) + matrices.sum(-2))  # (…, C)


def _recall(matrices: np.ndarray) -> np.ndarray:
    return _share(_right(matrices), matrices.sum(-1))  # (…, C)


def _accuracy(matrices: np.ndarray) -> np.ndarray:
    return _share(_right(matrices).sum(-1), matrices.sum((-2, -1)))  # (…,)


def _weighted_f1(matrices: np.ndarray) -> np.ndarray:
    return _share((matrices.sum(-1) * _f1(matrices)).sum(-1), matrices.sum((-2, -1)))  # (…,)


FORMULAS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "uf1": lambda matrices: _f1(matrices).mean(-1),
    "uar": lambda matrices: _recall(matrices).mean(-1),
    "accuracy": _accuracy,
    "weighted_f1": _weighted_f1,
}


def score_matrices(matrices: ArrayLike, score: str = "uf1") -> np.ndarray:
    """The score of every confusion matrix in an array (…, C, C); rows are the truth.

    >>> score_matrices([[[2, 0], [0, 2]], [[2, 0], [2, 0]]], "accuracy").tolist()
    [1.0, 0.5]
    """
    if score not in FORMULAS:
        raise ValueError(f"There is no score {score!r}; there are {', '.join(FORMULAS)}.")
    return FORMULAS[score](np.asarray(matrices))


# From tables to arrays.

_COLUMNS = {"truth": "truth", "predicted": "predicted", "subjects": "subject"}


def columns(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """What the functions here take, out of a table of predictions: `bootstrap_interval(**columns(table), …)`.

    With several seeds in the table, a clip counts once a seed.
    """
    table = _checked(table)
    return {name: table[of].to_numpy() for name, of in _COLUMNS.items()}


def classes_known(table: pd.DataFrame) -> int:
    """How many classes a table of predictions gives a probability."""
    return sum(name.startswith("p_") for name in table)


def paired(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, np.ndarray]:
    """Two methods' predictions of the same clips, side by side: `permutation_test(**paired(a, b), …)`.

    The rows may stand in any order; clips, seeds, subjects and truths must be the same.
    """
    first, second = _aligned(first, second, same=["truth", "subject"])
    both = {"truth": first["truth"], "first": first["predicted"], "second": second["predicted"]}
    both |= {"subjects": first["subject"]} | ({"seeds": first["seed"]} if "seed" in first else {})
    return {name: values.to_numpy() for name, values in both.items()}


def same_seeds(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predictions of the seeds that both runs have: main rows have more of them than ablations."""
    both = set(one["seed"]) & set(other["seed"])
    if not both:
        raise ValueError(
            f"Expected two runs with a seed in common, got seeds {sorted(set(one['seed']))} and "
            f"{sorted(set(other['seed']))}: run one of them with a seed of the other."
        )
    return one[one["seed"].isin(both)], other[other["seed"].isin(both)]


def _aligned(
    first: pd.DataFrame, second: pd.DataFrame, same: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables in the row order of the first; an error unless they hold the same clips."""
    first, second = (
        table.set_index(_key(table), drop=False) for table in (_checked(first), _checked(second))
    )
    if alone := sorted(set(first.index) ^ set(second.index)):
        raise ValueError(
            f"Expected the same clips in both tables, but {len(alone)} stand in only one, such as "
            f"{alone[:3]}; compare methods on the clips and seeds that both have."
        )
    second = second.loc[first.index]
    for name in same:
        if differ := first.index[first[name] != second[name]].tolist():
            raise ValueError(
                f"The tables disagree on the {name} of {len(differ)} clips, such as {differ[:3]}; "
                "were they made from the same labels and splits?"
            )
    return first, second


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    if missing := [name for name in ("clip", *_COLUMNS.values()) if name not in table]:
        raise ValueError(f"The table of predictions lacks the columns {missing}; it has {list(table)}.")
    if (twice := table.duplicated(_key(table))).any():
        clips = sorted(set(table.loc[twice, "clip"]))[:3]
        raise ValueError(f"Expected one prediction a clip and seed, but {clips} have more.")
    return table


def _key(table: pd.DataFrame) -> list[str]:
    return ["clip", "seed"] if "seed" in table else ["clip"]


def subject_matrices(
    truth: ArrayLike, predicted: ArrayLike, subjects: ArrayLike, n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """The names of the subjects, sorted, and a confusion matrix for each: (S,), (S, C, C)."""
    scores(truth, predicted, n_classes)  # refuses labels that are no labels
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    if len(subject) != len(np.asarray(truth)):
        raise ValueError(
            f"Expected one subject a clip, got {len(subject)} for {len(np.asarray(truth))} clips."
        )
    cell = (subject * n_classes + np.asarray(truth)) * n_classes + np.asarray(predicted)  # (N,)
    counts = np.bincount(cell, minlength=len(names) * n_classes**2)
    return names, counts.reshape(len(names), n_classes, n_classes)


def seed_matrices(
    truth: ArrayLike, predicted: ArrayLike, subjects: ArrayLike, seeds: ArrayLike | None, n_classes: int
) -> np.ndarray:
    """A confusion matrix for each subject and seed: (S, K, C, C); of zeros where a seed lacks a subject."""
    if seeds is None:
        return subject_matrices(truth, predicted, subjects, n_classes)[1][:, None]
    truth, predicted, subjects, seeds = map(np.asarray, (truth, predicted, subjects, seeds))
    every_subject, every_seed = np.unique(subjects), np.unique(seeds)
    matrices = np.zeros((len(every_subject), len(every_seed), n_classes, n_classes), int)
    for k, seed in enumerate(every_seed):
        rows = seeds == seed
        names, counts = subject_matrices(truth[rows], predicted[rows], subjects[rows], n_classes)
        matrices[np.searchsorted(every_subject, names), k] = counts
    return matrices


def _several(names: Collection[object]) -> None:
    if len(names) < 2:
        raise ValueError(
            f"Expected at least two subjects, got {list(names)}; "
            "what other people would do can't be said from one."
        )


def _positive(draws: int) -> None:
    if draws < 1:
        raise ValueError(f"Expected at least one draw, got draws={draws}.")


def _share_of_one(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"Expected a level between 0 and 1, got {level}; 95 % is 0.95.")


# One method: an interval.


@dataclass(frozen=True)
class Interval:
    """A score, and the range in which it would fall with other people from the same crowd."""

    value: float
    low: float
    high: float
    level: float
    draws: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_interval(
    truth: ArrayLike,
    predicted: ArrayLike,
    subjects: ArrayLike,
    n_classes: int,
    score: str = "uf1",
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a score: as many subjects are drawn with replacement, with all their clips.

    The folds are not trained again: this is how much the score owes to who was tested, not to the training.
    It is a little too narrow: of 95 % intervals on simulated corpora of 10 to 68 subjects 91 to 94 % held the true
    UF1, and of those that draw single clips 86 to 91 % (`benchmarks/intervals.py`).

    >>> print(bootstrap_interval([0, 1, 0, 1], [0, 1, 1, 1], ["a", "a", "b", "b"], 2, score="accuracy"))
    0.750 [0.500, 1.000]
    """
    names, matrices = subject_matrices(truth, predicted, subjects, n_classes)  # (S,), (S, C, C)
    _several(names)
    return interval_over_subjects(matrices, lambda sums: score_matrices(sums, score), level, draws, seed)


def seeds_interval(table: pd.DataFrame, score: str = "uf1", **options: Any) -> Interval:
    """The mean over the seeds of a table of predictions: each draw of subjects is scored seed by seed, then averaged.

    Of a single seed it is the interval of `bootstrap_interval`.
    """
    n_classes = classes_known(table)
    matrices = seed_matrices(**columns(table), seeds=table["seed"], n_classes=n_classes)  # (S, K, C, C)
    return interval_over_subjects(matrices, lambda sums: score_matrices(sums, score).mean(axis=-1), **options)


def interval_over_subjects(
    counts: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a statistic of sums over subjects, when subjects are drawn with replacement.

    `counts` has a row a subject, (S, …); the statistic takes their sums, (…) or (draws, …).

    >>> print(interval_over_subjects(np.array([[1, 2], [3, 2]]), lambda sums: sums[..., 0] / sums[..., 1]))
    1.000 [0.500, 1.500]
    """
    _share_of_one(level)
    _positive(draws)
    _several(range(len(counts)))
    drawn = statistic(_weighted_sums(draw_subjects(len(counts), draws, seed), counts))  # (draws,)
    return percentile_interval(statistic(counts.sum(axis=0).astype(float)), drawn, level)


def percentile_interval(
    value: float | np.ndarray,
    drawn: np.ndarray,
    level: float = 0.95,
    method: Literal["linear", "inverted_cdf"] = "linear",
) -> Interval:
    """Between which of the drawn values, (draws,), so large a share of them lies.

    Between two draws of which one is infinite nothing can be interpolated: then by `inverted_cdf`.
    """
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method=method)
    return Interval(float(value), float(low), float(high), level, len(drawn))


def ratio_interval(part: ArrayLike, whole: ArrayLike, subjects: ArrayLike, seed: int = 0) -> Interval:
    """Sum of one thing over the sum of another, with the interval that other people would give.

    >>> print(ratio_interval([1, 1, 3, 3], [1, 1, 2, 2], ["a", "a", "b", "b"]))
    1.333 [1.000, 1.500]
    """
    _, subject = np.unique(np.asarray(subjects), return_inverse=True)
    part, whole = (np.broadcast_to(np.asarray(values, float), len(subject)) for values in (part, whole))
    if np.isnan(part).any() or np.isnan(whole).any():
        raise ValueError("Expected numbers, but some are NaN: leave those rows out, and say how many.")
    sums = np.stack([np.bincount(subject, values) for values in (part, whole)], axis=1)  # (S, 2)
    return interval_over_subjects(sums, lambda sums: sums[..., 0] / sums[..., 1], seed=seed)


def mean_interval(values: ArrayLike, subjects: ArrayLike, seed: int = 0) -> Interval:
    """The mean of a number that each clip has, likewise; clips without one, NaN, do not count."""
    known = ~np.isnan(values := np.asarray(values, float))
    return ratio_interval(values[known], 1, np.asarray(subjects)[known], seed)


def draw_subjects(n: int, draws: int = 2000, seed: int = 0) -> np.ndarray:  # (draws, n)
    """How often each of n subjects occurs in each of many corpora of n that are drawn with replacement."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)


def _weighted_sums(weights: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    # counts stay exact in floats, which multiply faster than integers
    return np.tensordot(weights.astype(float), matrices.astype(float), axes=1)  # (draws, C, C)


# Two methods: a test. Several: ranks.


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same clips: `p_value` is how often chance alone makes a difference this large."""

    first: float
    second: float
    p_value: float
    draws: int
    is_exact: bool  # every way to swap was tried

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second


@dataclass(frozen=True, eq=False)
class Paired:
    """Two methods' answers to the same clips: a confusion matrix each for every subject and seed, (S, K, C, C).

    Of several seeds a score is the mean.
    """

    first: np.ndarray
    second: np.ndarray

    @classmethod
    def of(cls, first: pd.DataFrame, second: pd.DataFrame) -> Self:
        """Of two tables of predictions, over the seeds that both have."""
        first, second = same_seeds(first, second)
        return cls.answers(**paired(first, second), n_classes=classes_known(first))

    @classmethod
    def answers(
        cls,
        truth: ArrayLike,
        first: ArrayLike,
        second: ArrayLike,
        subjects: ArrayLike,
        n_classes: int,
        seeds: ArrayLike | None = None,
    ) -> Self:
        """Of labels, (N,) each."""
        _several(np.unique(np.asarray(subjects)))
        return cls(*(seed_matrices(truth, labels, subjects, seeds, n_classes) for labels in (first, second)))

    @property
    def subjects(self) -> int:
        """How many there are."""
        return self.first.shape[0]

    @property
    def seeds(self) -> int:
        """How many there are."""
        return self.first.shape[1]

    def test(self, score: str = "uf1", draws: int = 10_000, seed: int = 0) -> Comparison:
        """Paired, two-sided test: if the two methods are equal, who answered which subject does not matter.

        Their answers are swapped for whole subjects at random. Swapping a subject whom both answer alike changes
        nothing, so only the others are swapped; all ways are tried if there are at most `draws`. Else the observed
        way counts as one more draw: no number of random draws can show p = 0.
        """
        _positive(draws)
        a, b = self.first, self.second
        change = (b - a)[(a != b).any((1, 2, 3))]  # (D, K, C, C)
        swaps, is_exact = _swaps(len(change), draws, seed)  # (draws, D)
        moved = _weighted_sums(swaps, change)
        differences = _mean_score(a.sum(0) + moved, score) - _mean_score(b.sum(0) - moved, score)
        one, other = (float(_mean_score(matrices.sum(0), score)) for matrices in (a, b))
        as_large = int((np.abs(differences) >= abs(one - other) - TIE).sum())
        p_value = as_large / len(swaps) if is_exact else (as_large + 1) / (draws + 1)
        return Comparison(one, other, p_value, len(swaps), is_exact)

    def interval(self, score: str = "uf1", level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
        """Percentile interval of the first score less the second; in each draw both meet the same subjects."""

        def difference(sums: np.ndarray) -> np.ndarray:  # (…, 2, K, C, C) → (…)
            values = _mean_score(sums, score)
            return values[..., 0] - values[..., 1]

        return interval_over_subjects(np.stack([self.first, self.second], 1), difference, level, draws, seed)


def _mean_score(matrices: np.ndarray, score: str) -> np.ndarray:  # (…, K, C, C) → (…)
    return score_matrices(matrices, score).mean(-1)


def permutation_test(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    n_classes: int,
    score: str = "uf1",
    draws: int = 10_000,
    seed: int = 0,
    seeds: ArrayLike | None = None,
) -> Comparison:
    """`Paired.test` of labels (N,): may two methods be equal? Of several `seeds` (N,) the score is the mean."""
    return Paired.answers(truth, first, second, subjects, n_classes, seeds).test(score, draws, seed)


def difference_interval(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    n_classes: int,
    score: str = "uf1",
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
    seeds: ArrayLike | None = None,
) -> Interval:
    """`Paired.interval` of labels (N,): the first method's score less the second's.

    >>> print(difference_interval([0, 1, 0, 1], [0, 1, 0, 1], [0, 1, 1, 0], ["a", "a", "b", "b"], 2, "accuracy"))
    0.500 [0.000, 1.000]
    """
    pair = Paired.answers(truth, first, second, subjects, n_classes, seeds)
    return pair.interval(score, level, draws, seed)


def _swaps(n: int, draws: int, seed: int) -> tuple[np.ndarray, bool]:
    """Which of `n` subjects to swap in each draw; every way there is if they are few enough."""
    if 2**n <= draws:
        return np.arange(2**n)[:, None] >> np.arange(n) & 1, True  # the binary digits of 0 … 2^n − 1
    return np.random.default_rng(seed).integers(0, 2, size=(draws, n)), False


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values corrected for being many, after Holm: the smallest counts m-fold, the next (m − 1)-fold, …

    A corrected value below 0.05 still means what it says when all comparisons are looked at together.

    >>> holm({"a against b": 0.01, "a against c": 0.04, "b against c": 0.03})
    {'a against b': 0.03, 'a against c': 0.06, 'b against c': 0.06}
    """
    values = np.array(list(p_values.values()), dtype=float)
    if strange := [name for name, p in p_values.items() if not 0 <= p <= 1]:
        raise ValueError(f"Expected p-values from 0 to 1, got something else for {strange}.")
    order = np.argsort(values, kind="stable")
    times = np.arange(len(values), 0, -1)  # m, m − 1, …, 1
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * times).clip(max=1)
    return dict(zip(p_values, corrected.tolist(), strict=True))


@dataclass(frozen=True)
class CriticalDifferences:
    """Mean ranks of several methods, best first, and how far apart two must be to count as different."""

    ranks: dict[str, float]  # 1 is best
    difference: float  # Nemenyi's critical difference of two mean ranks
    statistic: float  # Friedman's chi-square
    p_value: float  # of Friedman's test: all methods are alike
    blocks: int  # subjects or folds in which they were ranked
    level: float

    @property
    def groups(self) -> list[list[str]]:
        """Largest sets of methods, at least two, none of which can be told from another."""
        names, ranks = list(self.ranks), np.array(list(self.ranks.values()))
        ends = [
            int(np.searchsorted(ranks, rank + self.difference - TIE)) for rank in ranks
        ]  # sorted, so growing
        starts = [i for i, end in enumerate(ends) if end - i > 1 and end > max(ends[:i], default=0)]
        return [names[i : ends[i]] for i in starts]


def critical_differences(values: pd.DataFrame, level: float = 0.95) -> CriticalDifferences:
    """Rank methods within every subject or fold: Friedman's test, then Nemenyi's critical difference.

    `values` has a row a subject or fold, a column a method, and higher is better; `block_scores` makes one.
    Ranks ignore by how much a method is better, and many subjects tie: this test finds less than
    `permutation_test` with `holm`, and is a picture of many methods, not the proof about two (Demšar, 2006).
    """
    _share_of_one(level)
    blocks, methods = values.shape
    if methods < 3 or blocks < 2:
        raise ValueError(
            f"Expected at least three methods (columns) and two subjects or folds (rows), "
            f"got {methods} and {blocks}; two methods are compared by permutation_test."
        )
    if values.isna().any(axis=None):
        raise ValueError(
            f"Expected a score in every cell, got gaps in {values.columns[values.isna().any()].tolist()}."
        )
    ranks = rankdata(-values.to_numpy(float), axis=1)  # (blocks, methods); equal values share their mean rank
    is_tied = bool((ranks == ranks[:, :1]).all())  # 0 / 0 in Friedman's statistic
    statistic, p_value = (0.0, 1.0) if is_tied else friedmanchisquare(*(-ranks).T)
    mean = pd.Series(ranks.mean(axis=0), index=values.columns).sort_values(kind="stable")
    difference = studentized_range.ppf(level, methods, np.inf) * np.sqrt(
        methods * (methods + 1) / (12 * blocks)
    )
    return CriticalDifferences(
        mean.to_dict(), float(difference), float(statistic), float(p_value), blocks, level
    )


def block_scores(
    tables: Mapping[str, pd.DataFrame], n_classes: int, score: str = "accuracy", by: str = "subject"
) -> pd.DataFrame:
    """One score a subject (or `by="fold"`) and method, from tables of predictions of the same clips.

    Accuracy is the default because one subject rarely shows all classes: a UF1 of so few clips means little.
    """
    if not tables:
        raise ValueError("Expected a table of predictions for every method, got none.")
    reference = next(iter(tables.values()))
    for table in tables.values():
        if by not in table:
            raise ValueError(f"Expected a column {by!r} to take one score a {by}, got {list(table)}.")
        _aligned(reference, table, same=["truth", "subject", by])
    made = {}
    for name, table in tables.items():
        blocks, matrices = subject_matrices(table["truth"], table["predicted"], table[by], n_classes)
        made[name] = pd.Series(score_matrices(matrices, score), index=pd.Index(blocks, name=by))
    return pd.DataFrame(made)


# Where the errors are.


def per_class(
    truth: ArrayLike, predicted: ArrayLike, n_classes: int, classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """A row a class: its clips, how often it was answered, precision, recall and F1."""
    matrix = scores(truth, predicted, n_classes).confusion
    names = list(range(n_classes)) if classes is None else list(classes)
    if len(names) != n_classes:
        raise ValueError(f"Expected {n_classes} class names, got {len(names)}: {names}.")
    columns = {
        "clips": matrix.sum(1),
        "answered": matrix.sum(0),
        "precision": _recall(matrix.T),
        "recall": _recall(matrix),
        "f1": _f1(matrix),
    }
    return pd.DataFrame(columns, index=pd.Index(names, name="class"))
