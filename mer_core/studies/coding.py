"""How much of the emotion stands in the action units that a coder wrote down: a model that sees no picture.

What it reaches is what action units, were they known exactly, could teach; where it is low, a second task that learns
them has little to give to the first.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from mer_core.action_units import parse_action_units, resolve
from mer_core.protocols import Fold

Model = Literal["linear", "trees"]


def unit_matrix(cells: pd.Series) -> pd.DataFrame:  # (N, A) of 0 and 1
    """A row a clip, a column an action unit that any of the clips shows.

    >>> unit_matrix(pd.Series(["4+L12", "4"])).to_numpy().tolist()
    [[1, 1], [1, 0]]
    """
    if cells.isna().any():
        raise ValueError(
            f"Expected the action units of each clip, but {int(cells.isna().sum())} of {len(cells)} are unknown: "
            "leave those clips out, or choose a corpus whose labels have them."
        )
    shown = [{unit.number for unit in resolve(parse_action_units(cell))} for cell in cells]
    units = sorted(set().union(*shown))
    return pd.DataFrame([[int(unit in there) for unit in units] for there in shown], cells.index, units)


def from_units(
    clips: pd.DataFrame, labels: np.ndarray, folds: Iterable[Fold] | None, model: Model = "linear"
) -> pd.DataFrame:
    """What the action units of each clip say of its class: a table of predictions, as those of a run.

    Each clip by a model that was fitted on other people; without folds, by one that was fitted on the same clips.
    """
    units = unit_matrix(clips["action_units"]).to_numpy(float)
    everybody = np.arange(len(labels))
    pairs = [(everybody, everybody)] if folds is None else [(fold.train, fold.test) for fold in folds]
    predicted = np.full(len(labels), -1)
    for train, test in pairs:
        predicted[test] = _model(model).fit(units[train], labels[train]).predict(units[test])
    made = clips[["clip", "subject"]].assign(truth=np.asarray(labels), predicted=predicted)
    return made[predicted >= 0].reset_index(drop=True)


def _model(name: Model) -> ClassifierMixin:
    if name == "linear":
        return LogisticRegression(class_weight="balanced", max_iter=1000)
    return GradientBoostingClassifier(n_estimators=20, learning_rate=0.5, random_state=0)
