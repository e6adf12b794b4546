"""What habits of scoring add: the same trainings as honest and as flattering tables would print them.

A habit changes one of four things, all of them after the training: which epoch answers, what counts how often,
how the answers become one number, and which of several trainings is told. Explained in the chapter
"What the protocol is worth"; each way of scoring has its own story in `conventions`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from mer_core.scoring.conventions import Predictions, fold_mean_skip, fold_mean_weighted, latest_best
from mer_core.scoring.statistics import (
    Interval,
    classes_known,
    interval_over_subjects,
    score_matrices,
)
from mer_core.training import Run

PRINTED = {"uf1": "f1", "uar": "uar", "accuracy": "accuracy"}  # where `conventions` keeps a score


@dataclass(frozen=True)
class Habits:
    """How a number came about; the values given here are the honest ones."""

    epoch: str = "last"  # "one": the best for all; "fold": of each fold
    counted: str = "clips"  # "sub-clips": as often as a clip would be cut
    scored: str = "pooled"  # "fold-mean"; "fold-weighted": of weighted F1
    seeds: str = "mean"  # "best": the highest of several trainings

    def __post_init__(self) -> None:
        for name, known in KINDS.items():
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}.")


# Predictions to predictions: whose answers, and how often they count.


def last(predictions: Predictions, score: str) -> Predictions:
    """What the last epoch says. Nothing was looked at, the score neither."""
    return replace(predictions, predicted=predictions.predicted[-1:])


def one_for_all(predictions: Predictions, score: str) -> Predictions:
    """What the epoch with the highest pooled score says."""
    values = score_matrices(predictions.matrices.sum(1), score)  # (E,)
    return replace(predictions, predicted=predictions.predicted[latest_best(values)][None])


def one_a_fold(predictions: Predictions, score: str) -> Predictions:
    """What each fold's epoch says that gets most of its clips right: `conventions.best_epoch`, as answers.

    By accuracy whatever the score: one subject's few clips hardly ever show all classes.
    """
    epoch = latest_best(score_matrices(predictions.matrices, "accuracy"))  # (F,)
    return _at(predictions, epoch[_numbers(predictions.folds)])


def chosen_by_others(predictions: Predictions, groups: np.ndarray) -> Predictions:
    """For each fold the epoch that is best for the *other* folds of its group: as good a choice, but no luck.

    All folds of a group (N,) were answered by the same network, so what the others gain by stopping early is
    there for this one, too. What `one_a_fold` adds above it was picked on the very clips that are scored.
    """
    fold, right = _numbers(predictions.folds), _right_by_fold(predictions)  # (N,), (E, F)
    group = pd.Series(groups).groupby(fold).agg(_the_only).to_numpy()  # (F,)
    epoch = np.empty(len(group), int)
    for one in range(len(group)):
        others = (group == group[one]) & (np.arange(len(group)) != one)  # (F,)
        epoch[one] = latest_best(right[:, others].sum(1))
    return _at(predictions, epoch[fold])


def as_sub_clips(predictions: Predictions) -> Predictions:
    """Every clip as often as it would be cut."""
    times = predictions.pieces
    rows = np.repeat(np.arange(len(times)), times)
    return replace(
        predictions,
        truth=predictions.truth[rows],
        predicted=predictions.predicted[:, rows],
        folds=predictions.folds[rows],
        pieces=np.ones(len(rows), int),
    )


def _right_by_fold(predictions: Predictions) -> np.ndarray:  # (E, F)
    return np.trace(predictions.matrices, axis1=-2, axis2=-1)


def _at(predictions: Predictions, epoch: np.ndarray) -> Predictions:
    """Each clip's answer of its own epoch, (N,)."""
    answers = predictions.predicted[epoch, np.arange(len(epoch))]
    return replace(predictions, predicted=answers[None])


def _numbers(folds: np.ndarray) -> np.ndarray:
    return np.unique(folds, return_inverse=True)[1]


def _the_only(values: pd.Series) -> object:
    if len(several := set(values)) > 1:
        raise ValueError(f"Expected each fold to lie in one group, got one that lies in {sorted(several)}.")
    return values.iloc[0]


# Predictions to a number.


def pooled(predictions: Predictions, score: str) -> float:
    """All clips in one pool: honest if the epoch is."""
    return float(score_matrices(predictions.matrices[-1].sum(0), score))


def fold_mean(predictions: Predictions, score: str) -> float:
    """Each fold for itself, then the mean; a class that a fold lacks is left out there."""
    if score == "weighted_f1":
        return fold_weighted(predictions, score)
    return getattr(fold_mean_skip(predictions), PRINTED[score])


def fold_weighted(predictions: Predictions, score: str) -> float:
    """Weighted F1 of each fold, then the mean, printed as whatever score was asked for."""
    return fold_mean_weighted(predictions).f1


Choice = Callable[[Predictions, str], Predictions]
EPOCHS: dict[str, Choice] = {"last": last, "one": one_for_all, "fold": one_a_fold}
COUNTS = {"clips": lambda predictions: predictions, "sub-clips": as_sub_clips}
SCORED = {"pooled": pooled, "fold-mean": fold_mean, "fold-weighted": fold_weighted}
SEEDS = {"mean": np.mean, "best": np.max}
KINDS = {"epoch": EPOCHS, "counted": COUNTS, "scored": SCORED, "seeds": SEEDS}


# A method's trainings.


def trainings(run: Run, folds: str = "subject", pieces: Mapping[str, int] | None = None) -> list[Predictions]:
    """A stored run's predictions, seed by seed; `folds` is a column: `subject`, or `fold` as it was trained.

    A run that kept no epochs has one, its last. `pieces` says into how many sub-clips a clip, by name, would be cut;
    without it into one.
    """
    table, n_classes = run.predictions, classes_known(run.predictions)
    said = run.epochs if has_epochs(run) else table["predicted"].to_numpy()[None]
    pieces = table["clip"].map(pieces or dict.fromkeys(table["clip"], 1)).to_numpy(int)
    return [
        Predictions(
            table["truth"].to_numpy()[rows], said[:, rows], table[folds].to_numpy()[rows], pieces[rows], n_classes
        )
        for rows in table.groupby("seed").indices.values()
    ]  # fmt: skip


def has_epochs(run: Run) -> bool:
    """Whether what was said after each epoch is stored."""
    return (run.folder / "epochs.parquet").exists()


def printed_by_seed(seeds: Sequence[Predictions], habits: Habits, score: str = "uf1") -> list[float]:
    """What a table would say of each training."""
    counted = _counted(seeds, habits.epoch, habits.counted, score)
    return [SCORED[habits.scored](one, score) for one in counted]


def every_number(seeds: Sequence[Predictions], score: str = "uf1") -> dict[Habits, float]:
    """What tables would say of a method that was trained several times, by all their habits; the honest one first."""
    made = {}
    for epoch, count in product(EPOCHS, COUNTS):
        counted = _counted(seeds, epoch, count, score)
        for scored, told in product(SCORED, SEEDS):
            values = [SCORED[scored](one, score) for one in counted]
            made[Habits(epoch, count, scored, told)] = float(SEEDS[told](values))
    return made


def _counted(seeds: Sequence[Predictions], epoch: str, count: str, score: str) -> list[Predictions]:
    return [COUNTS[count](EPOCHS[epoch](one, score)) for one in seeds]


def interval(seeds: Sequence[Predictions], score: str = "uf1", draws: int = 2000) -> Interval:
    """The mean over trainings, and where it would fall with other subjects: folds must be subjects.

    Of each training the last row of answers. Of a chosen epoch it is what a table would print, and no more true.
    """
    counts = np.stack([one.matrices[-1] for one in seeds], axis=1)  # (S, K, C, C)
    return interval_over_subjects(counts, lambda sums: score_matrices(sums, score).mean(-1), draws=draws)
