"""Tables of predictions: their scores with intervals, and how far several methods are apart on the same clips."""

from collections.abc import Iterable, Mapping

import pandas as pd

from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import Paired, classes_known, holm, seeds_interval

SCORES = {"UF1": "uf1", "UAR": "uar", "accuracy": "accuracy", "weighted F1": "weighted_f1"}
LEVEL = 0.05  # a smaller p-value, after correction, decides


def score_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row a score: pooled over folds, mean over seeds, its interval over subjects, and the spread of seeds."""
    n_classes = classes_known(predictions)
    by_seed = [scores(rows["truth"], rows["predicted"], n_classes) for _, rows in predictions.groupby("seed")]
    table = {}
    for title, name in SCORES.items():
        values = pd.Series([getattr(of_seed, name) for of_seed in by_seed])
        row = {"mean": values.mean(), "seeds ±": values.std()}  # one seed has no spread: NaN
        if len(set(predictions["subject"])) > 1:
            interval = seeds_interval(predictions, name)
            row |= {"95 % low": interval.low, "95 % high": interval.high}
        table[title] = row
    return pd.DataFrame(table).T


def difference(pair: Paired, score: str = "uf1") -> dict[str, float]:
    """Both scores, the first less the second with its interval, and the chance of so much if they were equal."""
    interval, test = pair.interval(score), pair.test(score)
    ends = {"95 % low": interval.low, "95 % high": interval.high}
    return {
        "first": test.first,
        "second": test.second,
        "difference": interval.value,
        **ends,
        "p": test.p_value,
    }


def difference_table(pair: Paired) -> pd.DataFrame:
    """One row a score."""
    return pd.DataFrame({title: difference(pair, name) for title, name in SCORES.items()}).T


def pairs_table(
    tables: Mapping[str, pd.DataFrame], pairs: Iterable[tuple[str, str]], score: str = "uf1"
) -> pd.DataFrame:
    """One row a pair of these tables of predictions: which is better, when all pairs are counted, by Holm."""
    rows = []
    for one, other in pairs:
        pair = Paired.of(tables[one], tables[other])
        rows.append({"one": one, "other": other, **difference(pair, score), "seeds": pair.seeds})
    table = pd.DataFrame(rows).drop(columns=["first", "second"])
    corrected = holm({str(number): p for number, p in table["p"].items()})
    table["corrected"] = list(corrected.values())
    higher = table["one"].where(table["difference"] > 0, table["other"])
    return table.assign(better=higher.where(table["corrected"] < LEVEL, "undecided"))
