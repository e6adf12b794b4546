"""Other ways to score the same predictions, as found in published code. For the audit only.

All but `pooled` are not the score of this book. They show what each does to a number, so that a figure in a
paper can be compared with one computed in the same way. "Adds" below is what usually happens; it is no law.
Explained in the chapter "How to inflate a score".
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import score_matrices, subject_matrices


@dataclass(frozen=True)
class Predictions:
    """One model's answers for every annotated clip after every epoch; `predicted[-1]` is the last epoch's."""

    truth: np.ndarray  # (N,) labels
    predicted: np.ndarray  # (E, N) labels
    folds: np.ndarray  # (N,) the fold in which a clip was tested
    pieces: np.ndarray  # (N,) sub-clips that such code would cut from a clip, at least 1
    n_classes: int

    def __post_init__(self) -> None:
        shape, clips = np.shape(self.predicted), len(self.truth)
        if len(shape) != 2 or shape[0] == 0 or shape[1] != clips:
            raise ValueError(
                f"predicted: expected a row of answers an epoch, (E, {clips}), got shape {shape}; "
                "one epoch alone is predicted[None]."
            )
        for name in ("folds", "pieces"):
            if (shape := np.shape(getattr(self, name))) != (clips,):
                raise ValueError(f"{name}: expected one value a clip, ({clips},), got shape {shape}.")
        if not np.issubdtype(self.pieces.dtype, np.integer) or (self.pieces < 1).any():
            raise ValueError("pieces: expected whole numbers from 1 on; a clip too short to cut counts once.")

    @cached_property
    def matrices(self) -> np.ndarray:
        """A confusion matrix for every epoch and fold, (E, F, C, C); rows are the truth."""
        epochs, (names, fold) = len(self.predicted), np.unique(self.folds, return_inverse=True)
        cell = np.arange(epochs)[:, None] * len(names) + fold  # (E, N) epoch and fold in one number
        truth = np.tile(self.truth, epochs)  # (E · N,)
        _, made = subject_matrices(truth, self.predicted.ravel(), cell.ravel(), self.n_classes)
        return made.reshape(epochs, len(names), self.n_classes, self.n_classes)


@dataclass(frozen=True)
class Reported:
    """What a paper with this convention would print under these three names; nan where it prints nothing."""

    f1: float
    uar: float
    accuracy: float


def pooled(predictions: Predictions) -> Reported:
    """All folds' answers of the last epoch in one pool, every class counted: the score of this book.

    Asked for by the MEGC 2019 organisers, after Forman and Scholz (2010). `f1` is UF1.
    """
    return _of_pool(predictions.matrices[-1].sum(0))


def fold_mean_zero(predictions: Predictions) -> Reported:
    """Macro scores of every fold, averaged; a class that a fold lacks counts as 0.

    Met wherever `labels=` is passed but folds are scored one by one. Far too low: few subjects show every
    class, and a subject with one class can't score above 1/C. STSTNet's published answers: 0.4500
    instead of 0.7353.
    """
    last = predictions.matrices[-1]  # (F, C, C)
    return Reported(*(float(score_matrices(last, name).mean()) for name in ("uf1", "uar", "accuracy")))


def fold_mean_skip(predictions: Predictions) -> Reported:
    """Macro scores of every fold, averaged; a class that is neither shown nor answered there is left out.

    What scikit-learn does without `labels=`, in much of the field's code. Can go either way: a fold with one
    class, all right, scores 1; one slip into another class halves it. STSTNet's published answers: 0.6692
    instead of 0.7353.
    """
    last = predictions.matrices[-1]  # (F, C, C)
    f1, recall = _over_present(last, "uf1"), _over_present(last, "uar")
    return Reported(float(f1.mean()), float(recall.mean()), float(score_matrices(last, "accuracy").mean()))


def fold_mean_weighted(predictions: Predictions) -> Reported:
    """Weighted F1 of every fold, averaged over folds, as FDP's released code writes it: nothing is pooled.

    Mostly adds: within a fold absent classes weigh nothing, so it follows accuracy; and a subject with one
    clip weighs as much as one with thirty. There is no UAR.
    """
    last = predictions.matrices[-1]  # (F, C, C)
    f1, accuracy = (float(score_matrices(last, name).mean()) for name in ("weighted_f1", "accuracy"))
    return Reported(f1, float("nan"), accuracy)


def sub_clips(predictions: Predictions) -> Reported:
    """Every clip counted once for each sub-clip cut from it, as in MOL's released code: length // 8 of them.

    Long clips weigh more, and the table's number of "samples" grows. Adds if long clips are the easy ones.
    Here all sub-clips share their clip's answer; in the original each has its own.
    """
    truth, answers = (
        np.repeat(x, predictions.pieces) for x in (predictions.truth, predictions.predicted[-1])
    )
    return _of_pool(scores(truth, answers, predictions.n_classes).confusion)


def best_epoch(predictions: Predictions) -> Reported:
    """For every fold the epoch that answers most of its test clips right, then pooled.

    HTNet's and SAMER's code scores so; FDP's and MOL's keeps that epoch's weights. Never lowers accuracy,
    since the test clips choose; adds most with many small folds and many epochs. Varanka et al. (2022) saw
    UF1 rise from 0.713 to 0.774, and from 0.703 to 0.839. Among equals the latest epoch, as in HTNet.
    """
    return _of_pool(_chosen(predictions.matrices, score_matrices(predictions.matrices, "accuracy")).sum(0))


def mixed_epochs(predictions: Predictions) -> Reported:
    """Accuracy from each fold's epoch with most clips right, F1 from its epoch with the best F1; both pooled.

    In MMNet's script, which prints no UAR. The two epochs may differ, so no model ever had both numbers. Adds
    to accuracy what `best_epoch` adds, and mostly more to F1. The F1 that chooses leaves absent classes out;
    among equals the latest epoch.
    """
    by_f1 = _chosen(predictions.matrices, _over_present(predictions.matrices, "uf1")).sum(0)  # (C, C)
    return replace(_of_pool(by_f1), uar=float("nan"), accuracy=best_epoch(predictions).accuracy)


def harmonic(predictions: Predictions) -> Reported:
    """Harmonic mean of macro precision and macro recall, printed as F1.

    In older code and in STSTNet's table. Never below UF1: averaging first hides classes with much precision
    and little recall, or the reverse. 0.7389 instead of 0.7353 on STSTNet's published answers.
    """
    made, precision = pooled(predictions), _macro_precision(predictions)
    total = precision + made.uar
    return replace(made, f1=2 * precision * made.uar / total if total else 0.0)


def weighted_f1(predictions: Predictions) -> Reported:
    """F1 weighted by the size of the classes, printed as F1.

    FDP prints it for each fold, MOL calls it WF1. Adds where the large class is the easy one: mostly.
    """
    pool = predictions.matrices[-1].sum(0)  # (C, C)
    return replace(pooled(predictions), f1=float(score_matrices(pool, "weighted_f1")))


def micro_f1(predictions: Predictions) -> Reported:
    """Micro-averaged F1, printed as F1: with one label a clip it equals accuracy.

    The MEB notebooks show it beside the others, of one and the same run: micro 0.7602, weighted 0.7615,
    macro 0.7394.
    """
    made = pooled(predictions)
    return replace(made, f1=made.accuracy)


def precision_as_uar(predictions: Predictions) -> Reported:
    """Macro precision, printed as UAR.

    STSTNet's paper defines UAR as mean recall, but its column equals the macro precision of its own matrices:
    0.7605 where the recall is 0.7186. Adds when the model answers with the large class too often.
    """
    return replace(pooled(predictions), uar=_macro_precision(predictions))


CONVENTIONS: dict[str, Callable[[Predictions], Reported]] = {
    "pooled": pooled,
    "fold-mean-zero": fold_mean_zero,
    "fold-mean-skip": fold_mean_skip,
    "fold-mean-weighted": fold_mean_weighted,
    "sub-clips": sub_clips,
    "best-epoch": best_epoch,
    "mixed-epochs": mixed_epochs,
    "harmonic": harmonic,
    "weighted-f1": weighted_f1,
    "micro-f1": micro_f1,
    "precision-as-uar": precision_as_uar,
}


def audit(predictions: Predictions) -> pd.DataFrame:
    """The same predictions under every convention: a row each, and what it adds to the F1 of `pooled`."""
    table = pd.DataFrame({name: vars(score(predictions)) for name, score in CONVENTIONS.items()}).T
    return table.rename_axis("convention").assign(adds=table["f1"] - table.loc["pooled", "f1"])


def _of_pool(matrix: np.ndarray) -> Reported:
    return Reported(*(float(score_matrices(matrix, name)) for name in ("uf1", "uar", "accuracy")))


def _over_present(matrices: np.ndarray, score: str) -> np.ndarray:
    """UF1 or UAR over the classes shown or answered: absent ones add 0 to the sum, so only C changes."""
    present = (matrices.sum(-1) + matrices.sum(-2) > 0).sum(-1)  # (…,)
    return score_matrices(matrices, score) * matrices.shape[-1] / present


def _macro_precision(predictions: Predictions) -> float:
    return float(score_matrices(predictions.matrices[-1].sum(0).T, "uar"))  # precision is the columns' recall


def _chosen(matrices: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Each fold's matrix at its best epoch, (F, C, C), by `values` (E, F)."""
    return matrices[latest_best(values), np.arange(matrices.shape[1])]


def latest_best(values: np.ndarray) -> np.ndarray:
    """Which epoch is the best, along the first axis; among equals the latest: rounded, so that equals are equal.

    >>> latest_best(np.array([[0.1, 0.3], [0.1 + 1e-15, 0.2]])).tolist()
    [1, 0]
    """
    return len(values) - 1 - values[::-1].round(12).argmax(axis=0)
