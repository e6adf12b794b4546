"""How far a mean average precision can be trusted: whether chance reaches it, and what other people would make of it.

With few clips an order by chance has a larger precision than the share of clips that show a unit: one early hit is
enough. What guessing reaches is therefore found by shuffling.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mer_core.scoring.statistics import Interval, draw_subjects

LEVEL, DRAWS = 0.95, 2000


@dataclass(frozen=True)
class PrecisionTest:
    """A mean average precision, that of shuffled clips, and how often those are as good."""

    value: float
    by_chance: float
    p_value: float


def precision_test(truth: ArrayLike, probabilities: ArrayLike, seed: int = 0) -> PrecisionTest:
    """Mean over action units, from truths (N, A) of 0 and 1 and what was said: is it better than chance?

    What was said of a clip stays together, and is given to another clip. As it was said counts as one more draw.
    An action unit that no clip shows does not count.
    """
    truth, probabilities = np.asarray(truth, float), np.asarray(probabilities, float)
    _check_labels(truth, probabilities)
    draw = np.random.default_rng(seed)
    order = np.stack([np.arange(len(truth)), *(draw.permutation(len(truth)) for _ in range(DRAWS))])
    even = np.ones(order.shape)
    units = np.flatnonzero(truth.any(axis=0))
    means = np.mean(
        [average_precision(truth[order, a], probabilities[:, a], even) for a in units], axis=0
    )  # (1 + draws,)
    return PrecisionTest(float(means[0]), float(means[1:].mean()), float((means >= means[0]).mean()))


def precision_interval(
    truth: ArrayLike, probabilities: ArrayLike, subjects: ArrayLike, seed: int = 0
) -> Interval:
    """Average precision less that of guessing, a mean over action units: truths (N, A) of 0 and 1, and what was said.

    Subjects are drawn anew, with all their clips. An action unit that none of them shows does not count in that draw.
    """
    truth, probabilities = np.asarray(truth, float), np.asarray(probabilities, float)
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    _check_labels(truth, probabilities)
    if truth.shape[:1] != subject.shape:
        raise ValueError(f"Expected a subject a clip, got {len(truth)} clips and {len(subject)} subjects.")
    if len(names) < 2:
        raise ValueError(f"Expected at least two subjects, got {names.tolist()}.")
    times = draw_subjects(len(names), DRAWS, seed)
    weights = np.concatenate([np.ones((1, len(names))), times])[
        :, subject
    ]  # (1 + draws, N): first all as they are
    gains = np.array(list(_gains(truth, probabilities, weights)))  # (A, 1 + draws)
    counts = (~np.isnan(gains)).sum(axis=0)
    means = np.nansum(gains, axis=0)[counts > 0] / counts[counts > 0]
    low, high = np.quantile(means[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(means[0]), float(low), float(high), LEVEL, DRAWS)


def _check_labels(truth: np.ndarray, probabilities: np.ndarray) -> None:
    if truth.ndim != 2 or truth.shape != probabilities.shape:
        raise ValueError(
            f"Expected truths and probabilities (N, A), got {truth.shape} and {probabilities.shape}."
        )
    if np.isnan(truth).any() or np.isnan(probabilities).any() or not truth.any():
        raise ValueError(
            "Expected labels that are known, and an action unit that is shown: got NaN, or only 0."
        )


def _gains(truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Of each action unit and each row of weights; NaN where nobody shows it."""
    for shown, said in zip(truth.T, probabilities.T, strict=True):
        yield average_precision(shown, said, weights) - (weights * shown).sum(axis=1) / weights.sum(axis=1)


def average_precision(shown: np.ndarray, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each row of weights (W, N): (W,). Truths are (N,), or (W, N) where they differ from row to row.

    Clips of which the same is said count in the order that they have.
    """
    order = np.argsort(-said, kind="stable")
    weights, shown = weights[:, order], shown[..., order]
    hits = weights * shown  # (W, N)
    asked = weights.cumsum(axis=1)
    precision = np.divide(hits.cumsum(axis=1), asked, out=np.zeros(asked.shape), where=asked > 0)
    total = hits.sum(axis=1)
    return np.divide((hits * precision).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
