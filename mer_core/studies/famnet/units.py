"""Are action units found? Rarity among the training clips, and each unit beside what finds nothing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score

from mer_core.methods.famnet import AMNetSettings, unit_weights
from mer_core.studies.famnet.detection import detection_means, detection_scores
from mer_core.studies.famnet.live import Live
from mer_core.studies.famnet.material import BRANCHES
from mer_core.studies.famnet.precision import precision_interval, precision_test
from mer_core.training import Examples

AT_ONE_HALF = ["support", "F1", "F1, never", "macro F1", "macro F1, never"]
IN_ORDER = ["support", "AP", "AP, guess"]
SHOWN = ["support", "F1", "F1, never", "AP", "AP, guess", "macro F1", "macro F1, never"]
FEWEST = 3  # tested clips that must show a unit for a mean over units; fewer if none has so many
GRID = np.linspace(0.1, 0.9, 17)  # of thresholds


def rarity(train: Examples, chosen: AMNetSettings) -> pd.DataFrame:
    """How many training clips show each action unit, and what one that does weighs; 0: the unit is masked."""
    targets = train.inputs["action_units"]
    weight = unit_weights(targets, train.inputs["action_unit_weight"], chosen.au_fewest, chosen.au_most)
    columns = {"clips": targets.sum(dim=0).int().tolist(), "weight": weight.amax(dim=0).tolist()}
    return pd.DataFrame(columns, index=pd.Index(chosen.units, name="action unit"))


def shown_units(live: Live, part: str = "test") -> np.ndarray:  # (n, A)
    """Which action units the clips of all folds show: those that are tested, or those that were trained on."""
    data = live.given.examples.inputs["action_units"]
    return torch.cat([data[getattr(fold, part)] for fold in live.given.folds]).numpy()


def found_units(live: Live, name: str, part: str = "test") -> np.ndarray:  # (n, A)
    """The probabilities that a network gives them."""
    return torch.cat([fold["action_units"] for fold in getattr(live, part)[name]]).sigmoid().numpy()


def detection_tables(live: Live) -> dict[str, pd.DataFrame]:
    """The scores of each action unit on the tested clips, a table a branch."""
    units = live.given.method.settings.units
    return {name: detection_scores(shown_units(live), found_units(live, name), units) for name in BRANCHES}


def fewest(tables: dict[str, pd.DataFrame]) -> int:
    """From how many clips on a unit takes part in means."""
    return min(FEWEST, int(tables["clip"]["support"].max()))


def mean_table(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Means over the action units that some clips show: a row a branch."""
    return pd.DataFrame({name: detection_means(one, fewest(tables)) for name, one in tables.items()}).T[
        SHOWN[1:]
    ]


def precision_table(live: Live, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Average precision above the share of clips, its interval; what shuffled clips reach, and how often as much."""
    often = (tables["clip"]["support"] >= fewest(tables)).to_numpy()
    shown, rows = shown_units(live)[:, often], {}
    for name in BRANCHES:
        found = found_units(live, name)[:, often]
        above = precision_interval(shown, found, live.given.subjects[live.given.tested])
        shuffled = precision_test(shown, found)
        rows[name] = {
            "AP above the share": above.value,
            "low": above.low,
            "high": above.high,
            "shuffled": shuffled.by_chance - shown.mean(),
            "p": shuffled.p_value,
        }
    return pd.DataFrame(rows).T


def f1_with(thresholds: Sequence[float], shown: np.ndarray, found: np.ndarray, least: int) -> float:
    """The mean F1 of the units that so many clips show, each with its own threshold."""
    columns = [a for a in range(shown.shape[1]) if shown[:, a].sum() >= least]
    return float(np.mean([_f1(thresholds[a], shown[:, a], found[:, a]) for a in columns]))


def best_thresholds(shown: np.ndarray, found: np.ndarray) -> list[float]:
    """Of each action unit the threshold with the best F1 on these clips."""
    return [
        max(GRID, key=lambda threshold, a=a: _f1(threshold, shown[:, a], found[:, a]))
        for a in range(shown.shape[1])
    ]


def _f1(threshold: float, shown: np.ndarray, found: np.ndarray) -> float:
    return float(f1_score(shown, found >= threshold, zero_division=0))
