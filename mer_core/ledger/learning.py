"""How the trainings of a run went: curves for a terminal, and how many of its parts learnt, in words."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from mer_core.scoring.statistics import classes_known
from mer_core.training.learnt import above_shuffle

BLOCKS, WIDTH = "▁▂▃▄▅▆▇█", 40
NO_HISTORY = "no history: this run was computed before runs kept one"
KEYS = ["fold", "seed", "stage", "epoch"]


def parts_that_learnt(predictions: pd.DataFrame) -> tuple[int, int] | None:
    """Parts (a fold and a seed each) above a shuffle of their own labels, of how many; None: too small to tell."""
    n_classes = classes_known(predictions)
    told = [
        above_shuffle(rows["truth"].to_numpy(), rows["predicted"].to_numpy(), n_classes)
        for _, rows in predictions.groupby(["fold", "seed"])
    ]
    judged = [is_above for is_above in told if is_above is not None]
    return (sum(judged), len(judged)) if judged else None


def summary(predictions: pd.DataFrame, learnt: Mapping[str, dict]) -> list[str]:
    """What must be said of a run's trainings: parts that learnt, then each warning with the number of its parts."""
    counted = parts_that_learnt(predictions)
    words = [
        "parts that learnt: " + ("{}/{}".format(*counted) if counted else "too few clips a part to tell")
    ]
    trained = [part["train_uf1"] for part in learnt.values() if "train_uf1" in part]
    if trained:
        words.append(f"train UF1 {min(trained):.2f} to {max(trained):.2f}")
    for task, shares in _explained(learnt).items():
        words.append(
            f"{task}: {shares.mean():.0%} explained on unseen people ({shares.min():.0%} to {shares.max():.0%})"
        )
    found = Counter(text for part in learnt.values() for text in part["warnings"])
    return [*words, *(f"{n}/{len(learnt)} parts {text}" for text, n in found.most_common())]


def _explained(learnt: Mapping[str, dict]) -> pd.DataFrame:
    """A row a part, a column a second task."""
    return pd.DataFrame([part.get("explained", {}) for part in learnt.values()])


def curves(history: pd.DataFrame | None, learnt: Mapping[str, dict]) -> str:
    """A line a stage and column: a sparkline over the epochs, where it began and ended, and what a guess would lose.

    Each epoch is the mean over all parts that had it. A loss that lies on its constant guess has learnt nothing.
    """
    if history is None:
        return NO_HISTORY
    losses = [part["losses"]["train_guess"] for part in learnt.values() if "losses" in part]
    rows, guess = [], pd.DataFrame(losses).mean()
    for stage, table in history.groupby("stage", sort=False):
        means = table.drop(columns=KEYS[:3]).groupby("epoch").mean()
        for name in means:
            values = means[name].dropna()
            if len(values):
                rows.append(
                    (stage, name, sparkline(values), values.iloc[0], values.iloc[-1], guess.get(name))
                )
    names = ["stage", "", f"epochs 1 to {history['epoch'].max()}", "first", "last", "constant guess"]
    table = pd.DataFrame(rows, columns=names)
    table = table if len(set(history["stage"])) > 1 else table.drop(columns="stage")
    return table.to_string(index=False, float_format="{:.4g}".format, na_rep="")


def sparkline(values: pd.Series) -> str:
    """Numbers as blocks from the least to the largest; of more epochs than fit in a line, means of neighbours."""
    groups = pd.Series(range(len(values)), index=values.index) * min(WIDTH, len(values)) // len(values)
    means = values.groupby(groups).mean()
    reach = means.max() - means.min()
    heights = (means - means.min()) / reach if reach else means * 0
    return "".join(BLOCKS[round(height * (len(BLOCKS) - 1))] for height in heights)
