"""Two methods of a table: which of them is printed above the other, and which is better indeed."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from mer_core.scoring.statistics import holm, permutation_test


def comparisons(
    answers: Mapping[str, np.ndarray],
    truth: np.ndarray,
    subjects: np.ndarray,
    n_classes: int,
    score: str = "uf1",
    seed: int = 0,
) -> pd.DataFrame:
    """A row for every two methods: first, second, difference and its p-value, corrected for all of them.

    `answers` holds (N,) labels a method, all of the same clips.
    """
    rows = []
    for first, second in combinations(answers, 2):
        said = answers[first], answers[second]
        test = permutation_test(truth, *said, subjects, n_classes, score, seed=seed)
        rows.append({"first": first, "second": second, "difference": test.difference, "p": test.p_value})
    table = pd.DataFrame(rows, columns=["first", "second", "difference", "p"])
    return table.assign(p=holm(table["p"].to_dict()).values())


def flips(before: pd.DataFrame, after: pd.DataFrame, level: float = 0.05) -> dict[str, int]:
    """How many pairs of `comparisons` mean something else under another protocol.

    pairs           all of them
    before, after   significant
    appear, vanish  significant in one of the two only
    turn            the other one wins, significant or not
    """
    sure, still = before["p"] < level, after["p"] < level
    turned = np.sign(before["difference"]) * np.sign(after["difference"]) < 0
    counted = {
        "before": sure,
        "after": still,
        "appear": still & ~sure,
        "vanish": sure & ~still,
        "turn": turned,
    }
    return {"pairs": len(before)} | {name: int(which.sum()) for name, which in counted.items()}


def margins(
    printed: Mapping[str, Sequence[float]],
    honest: Mapping[str, Sequence[float]],
    rival: Mapping[str, Sequence[float]],
) -> pd.DataFrame:
    """Every training of one method that is printed above one of another: by how much, and what is behind it.

    `printed` are the winner's numbers, `rival` those of the other, seed by seed; `honest` is each method's honest
    score, whose mean over seeds stands for what the method can do. Columns: winner, other, printed, honest.
    """
    worth = {name: float(np.mean(values)) for name, values in honest.items()}
    rows = [
        (one, other, high - low, worth[one] - worth[other])
        for one, other in product(printed, rival)
        if one != other
        for high, low in product(printed[one], rival[other])
        if high > low
    ]
    return pd.DataFrame(rows, columns=["winner", "other", "printed", "honest"])


def misleading(pairs: pd.DataFrame, share: float = 0.95) -> float:
    """The printed margin below which this share of the wrong winners stay: a smaller one proves little.

    A winner is wrong whose honest margin is not above 0; nan if none is.
    """
    return float(pairs.loc[pairs["honest"] <= 0, "printed"].quantile(share))
