"""Spotting: which intervals of a long video were found, and how well what was found is then recognised.

Frames are inclusive, as the field counts them: (3, 5) holds three. Counts are added over all videos of a set, and over
micro- and macro-expressions where both are asked for, before a score is made of them; it is never a mean over videos.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import precision_score, recall_score

Interval = tuple[int, int]  # first and last frame


class Counts(NamedTuple):
    """Intervals that were found, predicted for nothing, and missed."""

    tp: int
    fp: int
    fn: int

    def __add__(self, other: Self) -> "Counts":  # type: ignore[override]  # a tuple would be made longer
        """Of two videos, or of micro- and macro-expressions."""
        return Counts(*(one + two for one, two in zip(self, other, strict=True)))


class Scores(NamedTuple):
    """Of pooled counts; 0 where there is nothing to divide by."""

    precision: float
    recall: float
    f1: float


def overlaps(truth: Sequence[Interval], predicted: Sequence[Interval]) -> np.ndarray:  # (T, P)
    """Intersection over union of each pair.

    >>> overlaps([(3, 5)], [(4, 7), (6, 9)]).tolist()
    [[0.4, 0.0]]
    """
    (a, b), (c, d) = _ends(truth), _ends(predicted)
    shared = np.minimum(b[:, None], d) - np.maximum(a[:, None], c) + 1
    shared = shared.clip(min=0)  # before anything is added: intervals that don't meet share no frame
    return shared / ((b - a + 1)[:, None] + (d - c + 1) - shared)


def _ends(intervals: Sequence[Interval]) -> np.ndarray:  # (2, N)
    ends = np.asarray(intervals, int).reshape(-1, 2)
    if (ends[:, 0] > ends[:, 1]).any():
        wrong = ends[ends[:, 0] > ends[:, 1]][0].tolist()
        raise ValueError(f"Expected intervals as (first frame, last frame), got {tuple(wrong)}.")
    return ends.T


def match(truth: Sequence[Interval], predicted: Sequence[Interval], iou: float = 0.5) -> Counts:
    """Count what was found in one video, of one kind of expression: each interval once, as many pairs as can be.

    >>> match([(10, 19), (40, 49)], [(12, 21), (13, 22), (60, 70)])
    Counts(tp=1, fp=2, fn=1)
    """
    if not 0 < iou <= 1:
        raise ValueError(f"Expected iou above 0 and not above 1, got {iou}.")
    enough = overlaps(truth, predicted) >= iou
    found = int(enough[linear_sum_assignment(enough, maximize=True)].sum())
    return Counts(found, len(predicted) - found, len(truth) - found)


def scores(tp: int, fp: int, fn: int) -> Scores:
    """What pooled counts are worth.

    >>> "{:.4f} {:.4f} {:.4f}".format(*scores(130, 6428, 227))
    '0.0198 0.3641 0.0376'
    """
    return Scores(_share(tp, tp + fp), _share(tp, tp + fn), _share(2 * tp, 2 * tp + fp + fn))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def strs(spot_f1: float, truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> float:
    """Spot, then recognise: the F1 of spotting times that of recognition, on what was spotted and is there.

    `truth` and `predicted` are the classes of the intervals that were found. Their F1 is the harmonic mean of macro
    precision and macro recall over all classes, not UF1; NaN where nothing was found.

    >>> round(strs(0.5, [0, 1], [0, 0], n_classes=3), 4)  # precision 1/6, recall 1/3: F1 .2222
    0.1111
    """
    if not np.size(truth):
        return float("nan")
    options = {"labels": range(n_classes), "average": "macro", "zero_division": 0}
    precision = precision_score(truth, predicted, **options)
    recall = recall_score(truth, predicted, **options)
    return float(spot_f1 * 2 * precision * recall / (precision + recall)) if precision + recall else 0.0
