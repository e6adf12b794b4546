"""The chapter "Scores and protocols": a small network, its pooled predictions, and what else could be made of them."""

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.metrics import f1_score

from mer_core.methods import NetworkMethod
from mer_core.protocols import subject_groups
from mer_core.scoring import Scores
from mer_core.scoring import scores as scores_of
from mer_core.studies.parameters import Parameters
from mer_core.training import Device, Examples, predict_folds

NAMES = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy", "weighted_f1": "weighted F1"}


class Chapter(Parameters):
    """Parameters of the chapter."""

    corpus: Literal["synth", "synth-easy", "synth-hard"] = Field(description="a corpus of synthetic faces")
    folds: int = Field(ge=2, le=26, description="groups of subjects; each is tested once")
    epochs: int = Field(ge=1, description="passes over the training clips")
    seed: int = Field(ge=0, description="of the split and of the network")
    device: Device = Field(description="cpu, cuda, mps, or auto for the fastest")


def four_scores(made: Scores) -> pd.Series:
    """The scores by the names that tables give them."""
    return pd.Series({name: getattr(made, field) for field, name in NAMES.items()})


def by_convention(truth: np.ndarray, predicted: np.ndarray, subjects: pd.Series) -> dict[str, float]:
    """The same predictions in one pool; and each subject's alone, with an absent class left out or counted as 0."""
    n_classes = int(truth.max()) + 1
    of_subjects = [np.flatnonzero(subjects == subject) for subject in subjects.unique()]
    left_out = [f1_score(truth[rows], predicted[rows], average="macro") for rows in of_subjects]
    as_zero = [scores_of(truth[rows], predicted[rows], n_classes).uf1 for rows in of_subjects]
    return {
        "pooled, every class counts (UF1)": scores_of(truth, predicted, n_classes).uf1,
        "mean over subjects, absent class left out": float(np.mean(left_out)),
        "mean over subjects, absent class is 0": float(np.mean(as_zero)),
    }


def uf1_with(seed: int, method: NetworkMethod, data: Examples, settings: Chapter) -> float:
    """UF1 with another seed, of the split and of the network."""
    folds = subject_groups(data.subjects, k=settings.folds, seed=seed)
    predicted = predict_folds(method, data, folds, seed, settings.device).argmax(axis=1)
    return scores_of(data.labels.numpy(), predicted, data.n_classes).uf1


def beside_the_floor(made: Scores, floor: Scores, classes: tuple[str, ...]) -> str:
    """How far the network is above the model that always answers the first class, and what it misses most."""
    gain = made.accuracy - floor.accuracy
    recall = np.diag(made.confusion) / made.confusion.sum(axis=1)
    worst = int(recall.argmin())
    return (
        f"Always answering *{classes[0]}* is a floor. Above it the network is by {made.uf1 - floor.uf1:+.3f} in UF1 "
        f"and by {gain:+.3f} in accuracy: {_seen_by_accuracy(gain)}. It is no good network either: of "
        f"*{classes[worst]}* it misses {1 - recall[worst]:.0%}."
    )


def _seen_by_accuracy(gain: float) -> str:
    if gain > 0.1:
        return "visible in both"
    if gain < 0:
        return "by accuracy alone one would take the model that never looks"
    return "whoever looks at accuracy alone hardly sees the network"
