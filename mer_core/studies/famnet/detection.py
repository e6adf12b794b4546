"""How well a network finds action units: each on its own, over the clips of all folds, beside what finds nothing.

Few clips show a given action unit, so that saying "no" to all of them is nearly always right. A mean of the F1 of "yes"
and the F1 of "no" therefore looks good for whoever never finds anything; the F1 of "yes" does not.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, f1_score

MEASURES = ["F1", "F1, never", "macro F1", "macro F1, never", "AP", "AP, guess"]


def detection_scores(
    truth: ArrayLike, probabilities: ArrayLike, units: Sequence[int], threshold: float = 0.5
) -> pd.DataFrame:
    """A row an action unit, from (N, A) truths and probabilities; a truth that is NaN is not counted.

    support     clips that show it, of `clips` whose truth is known
    F1          of finding it, and `never`: of whoever never finds any
    macro F1    mean of the F1 of finding it and of the F1 of "no", and `never` likewise
    AP          average precision: at no threshold in particular; `guess`: of any order, the share of clips that show it

    One that no clip shows has no scores: NaN.

    >>> detection_scores([[1], [0], [0]], [[0.9], [0.6], [0.1]], [12])["F1"].round(3).item()
    0.667
    """
    truth, probabilities = np.asarray(truth, float), np.asarray(probabilities, float)
    _check(truth, probabilities, units)
    pairs = zip(truth.T, probabilities.T, strict=True)
    rows = [_row(shown, said, threshold) for shown, said in pairs]
    return pd.DataFrame(
        rows, index=pd.Index(units, name="action unit"), columns=["clips", "support", *MEASURES]
    )


def _check(truth: np.ndarray, probabilities: np.ndarray, units: Sequence[int]) -> None:
    if truth.ndim != 2 or truth.shape != probabilities.shape or truth.shape[1] != len(units):
        raise ValueError(
            f"Expected truths and probabilities (N, {len(units)}), a column for each of the action units "
            f"{list(units)}, got {truth.shape} and {probabilities.shape}."
        )
    if strange := sorted(set(truth[~np.isnan(truth)].tolist()) - {0.0, 1.0}):
        raise ValueError(f"Expected truths of 0, 1 or NaN for unknown, got {strange[:5]}.")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError(
            "Expected probabilities from 0 to 1, got others: pass scores through a sigmoid first."
        )


def _row(truth: np.ndarray, said: np.ndarray, threshold: float) -> dict[str, float]:
    known = ~np.isnan(truth)
    truth, said = truth[known].astype(int), said[known]
    row = {"clips": len(truth), "support": int(truth.sum())}
    if not row["support"]:
        return row
    found, nothing = (said >= threshold).astype(int), np.zeros_like(truth)
    return row | {
        "F1": _f1(truth, found),
        "F1, never": _f1(truth, nothing),
        "macro F1": (_f1(truth, found) + _f1(1 - truth, 1 - found)) / 2,
        "macro F1, never": (_f1(truth, nothing) + _f1(1 - truth, 1 - nothing)) / 2,
        "AP": float(average_precision_score(truth, said)),
        "AP, guess": float(truth.mean()),
    }


def _f1(truth: np.ndarray, found: np.ndarray) -> float:
    return float(f1_score(truth, found, zero_division=0))


def detection_means(table: pd.DataFrame, fewest: int = 5) -> pd.Series:
    """The mean over the action units that at least so many clips show: of the others a score is mostly luck."""
    often = table[table["support"] >= fewest]
    if often.empty:
        raise ValueError(
            f"No action unit is shown by {fewest} clips; the most is {table['support'].max()}: ask for fewer."
        )
    return often[MEASURES].mean().rename(f"mean of {len(often)}")
