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

from mer_core.corpora.catalogue import open_corpus
from mer_core.protocols import Fold, class_map, subject_groups
from mer_core.scoring import bootstrap_interval, columns
from mer_core.scoring.statistics import Interval
from mer_core.studies.coding import unit_matrix
from mer_core.studies.famnet.live import Live
from mer_core.studies.famnet.material import Chapter

Model = Literal["linear", "trees"]


def from_units(
    clips: pd.DataFrame, labels: np.ndarray, folds: Iterable[Fold] | None, model: Model = "linear"
) -> pd.DataFrame:
    """What the action units of each clip say of its class: a table of predictions, as those of a run.

    Each clip by a model that was fitted on other subjects; without folds, by one that was fitted on the same clips.
    """
    units = unit_matrix(clips["action_units"]).to_numpy(float)
    every = np.arange(len(labels))
    pairs = [(every, every)] if folds is None else [(fold.train, fold.test) for fold in folds]
    predicted = np.full(len(labels), -1)
    for train, test in pairs:
        predicted[test] = _model(model).fit(units[train], labels[train]).predict(units[test])
    table = clips[["clip", "subject"]].assign(truth=np.asarray(labels), predicted=predicted)
    return table[predicted >= 0].reset_index(drop=True)


def _model(name: Model) -> ClassifierMixin:
    if name == "linear":
        return LogisticRegression(class_weight="balanced", max_iter=1000)
    return GradientBoostingClassifier(n_estimators=20, learning_rate=0.5, random_state=0)


def in_two_steps(live: Live, name: str) -> pd.DataFrame:
    """The emotion by a linear rule, from the action units that a network finds: predictions of the tested clips."""
    given, predicted = live.given, []
    for fold, train, test in zip(given.folds, live.train[name], live.test[name], strict=True):
        found, asked = (outputs["action_units"].sigmoid().numpy() for outputs in (train, test))
        predicted.append(_model("linear").fit(found, given.labels[fold.train]).predict(asked))
    return live.tables[name].assign(predicted=np.concatenate(predicted))


def told_by_units(clips: pd.DataFrame, settings: Chapter) -> dict[tuple[str, str], str]:
    """The macro F1 of boosted trees on the action units of a corpus: on the same clips, and on other subjects."""
    kinds = {
        "three classes": class_map(settings.classes).label(clips),
        "all emotions": clips["emotion"].astype("category").cat.codes,
    }
    scores = {}
    for kind, labels in kinds.items():
        has = (labels.notna() & clips["action_units"].notna()).to_numpy()
        some, known = clips[has], labels[has].to_numpy(int)
        apart = subject_groups(some["subject"].to_numpy(), k=settings.groups)
        same, other = (_macro(from_units(some, known, folds, "trees")) for folds in (None, apart))
        scores[kind, "same clips"] = f"{same.value:.2f}"
        scores[kind, "other subjects"] = str(other)
    return scores


def _macro(predictions: pd.DataFrame) -> Interval:
    n_classes = int(predictions["truth"].max()) + 1
    return bootstrap_interval(**columns(predictions), n_classes=n_classes)


def corpora_told_by_units(settings: Chapter) -> pd.DataFrame:
    """`told_by_units` of two corpora, and of one whose clips have the units of other clips."""
    clips = open_corpus("synth").clips
    order = np.random.default_rng(settings.seed).permutation(len(clips))
    tables = {
        "synth": clips,
        "synth-samm": open_corpus("synth-samm").clips,
        "synth, units of others": clips.assign(action_units=clips["action_units"].to_numpy()[order]),
    }
    return pd.DataFrame({name: told_by_units(table, settings) for name, table in tables.items()}).T
