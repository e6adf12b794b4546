"""How far a mean average precision can be trusted: the interval of whoever else might have been tested."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from mer_core.evaluation.statistics import Interval

LEVEL, DRAWS = 0.95, 2000


def precision_interval(
    truth: ArrayLike, probabilities: ArrayLike, subjects: ArrayLike, seed: int = 0
) -> Interval:
    """Average precision less that of guessing, a mean over action units: truths (N, A) of 0 and 1, and what was said.

    Subjects are drawn anew, with all their clips. An action unit that none of them shows does not count in that draw.
    """
    truth, probabilities = np.asarray(truth, float), np.asarray(probabilities, float)
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    if truth.shape != probabilities.shape or truth.shape[:1] != subject.shape:
        raise ValueError(
            f"Expected truths and probabilities (N, A) and N subjects, got {truth.shape}, {probabilities.shape} and "
            f"{subject.shape}."
        )
    if len(names) < 2 or not truth.any():
        raise ValueError(
            f"Expected at least two subjects and an action unit that is shown, got {names.tolist()} and "
            f"{int(truth.sum())} labels."
        )
    n = len(names)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=DRAWS)  # (draws, S)
    weights = np.concatenate([np.ones((1, n)), times])[:, subject]  # (1 + draws, N): first all as they are
    gains = np.array(list(_gains(truth, probabilities, weights)))  # (A, 1 + draws)
    counts = (~np.isnan(gains)).sum(axis=0)
    means = np.nansum(gains, axis=0)[counts > 0] / counts[counts > 0]
    low, high = np.quantile(means[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(means[0]), float(low), float(high), LEVEL, DRAWS)


def _gains(truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Of each action unit and each row of weights; NaN where nobody shows it."""
    for shown, said in zip(truth.T, probabilities.T, strict=True):
        yield average_precision(shown, said, weights) - (weights * shown).sum(axis=1) / weights.sum(axis=1)


def average_precision(shown: np.ndarray, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each row of weights (W, N): (W,). Clips of which the same is said count in the order that they have."""
    order = np.argsort(-said, kind="stable")
    weights, shown = weights[:, order], shown[order]
    hits = weights * shown  # (W, N)
    asked = weights.cumsum(axis=1)
    precision = np.divide(hits.cumsum(axis=1), asked, out=np.zeros(asked.shape), where=asked > 0)
    total = hits.sum(axis=1)
    return np.divide((hits * precision).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
