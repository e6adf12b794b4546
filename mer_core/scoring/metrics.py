r"""The field's scores, from the pooled predictions of all folds.

With $TP_c$, $FP_c$, $FN_c$ of class $c$ summed over all folds, $n_c$ its clips, $C$ classes, $N$ clips:

$$\text{UF1} = \frac1C \sum_c \frac{2\,TP_c}{2\,TP_c + FP_c + FN_c}, \qquad
\text{UAR} = \frac1C \sum_c \frac{TP_c}{n_c}$$

Every class counts, present or not: a class with an empty denominator scores 0. Explained in the chapter
"Scores and protocols".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score


@dataclass(frozen=True)
class Scores:
    """What one set of predictions is worth; rows of `confusion` are the truth."""

    uf1: float
    uar: float
    accuracy: float
    weighted_f1: float
    confusion: np.ndarray  # (C, C)


def scores(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> Scores:
    """Score integer labels 0 … n_classes − 1, one a clip.

    >>> scores([0, 0, 1, 2], [0, 1, 1, 1], n_classes=3).uar
    0.5
    """
    truth, predicted = _labels(truth, "truth", n_classes), _labels(predicted, "predicted", n_classes)
    if len(truth) != len(predicted):
        raise ValueError(f"Expected one prediction a clip, got {len(predicted)} for {len(truth)} clips.")
    classes = range(n_classes)
    every_class = {"labels": classes, "zero_division": 0}
    return Scores(
        uf1=float(f1_score(truth, predicted, average="macro", **every_class)),
        uar=float(recall_score(truth, predicted, average="macro", **every_class)),
        accuracy=float(accuracy_score(truth, predicted)),
        weighted_f1=float(f1_score(truth, predicted, average="weighted", **every_class)),
        confusion=confusion_matrix(truth, predicted, labels=classes),
    )


def _labels(values: ArrayLike, name: str, n_classes: int) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1 or len(values) == 0 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{name}: expected a row of integer labels, one a clip, got shape {values.shape} of {values.dtype}."
        )
    if strange := sorted(set(values[(values < 0) | (values >= n_classes)].tolist())):
        raise ValueError(f"{name}: expected labels 0 to {n_classes - 1}, got {strange}; is n_classes right?")
    return values
