"""What the mix of classes alone does to a score, and what a pool of several corpora hides."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mer_core.protocols import published_selections
from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import bootstrap_interval, columns, score_matrices


def remixed(table: pd.DataFrame, counts: Sequence[int], score: str = "uf1") -> float:
    """The score of the same behaviour where classes have other sizes: each row of the matrix is scaled to its count.

    >>> made = pd.DataFrame({"truth": [0, 0, 1, 1], "predicted": [0, 0, 0, 0]})
    >>> [round(remixed(made, counts, "accuracy"), 2) for counts in ([2, 2], [9, 1])]
    [0.5, 0.9]
    """
    matrix = scores(table["truth"], table["predicted"], len(counts)).confusion.astype(float)
    size = matrix.sum(axis=1, keepdims=True)
    if (size == 0).any():
        raise ValueError(
            f"Expected clips of all {len(counts)} classes, got {size.ravel().astype(int).tolist()}: "
            "how a class that was never asked would be answered can't be said."
        )
    return float(score_matrices(matrix / size * np.asarray(counts)[:, None], score))


def reweighted(table: pd.DataFrame, learnt: Sequence[float], asked: Sequence[float]) -> pd.DataFrame:
    """The predictions if the mix of classes that is asked had been known, and that which was learnt is divided out.

    Columns `p_…` are probabilities under the mix that was learnt; by Bayes only the ratio of the two mixes changes.
    """
    names = [name for name in table if name.startswith("p_")]
    odds = table[names].to_numpy() * (np.asarray(asked, float) / np.asarray(learnt, float))  # (N, C)
    return table.assign(predicted=odds.argmax(axis=1))


def at_other_mixes(
    answered: Mapping[str, pd.DataFrame], mix: pd.DataFrame, score: str = "uf1", home: str = "synth"
) -> pd.DataFrame:
    """A row a method, a column a corpus: the behaviour at home, as if the classes had the sizes of that corpus."""
    rows = {
        name: {corpus: remixed(_at_home(table, home), mix.loc[corpus], score) for corpus in mix.index}
        for name, table in answered.items()
    }
    return pd.DataFrame(rows).T


def _at_home(table: pd.DataFrame, home: str) -> pd.DataFrame:
    return table[(table["learnt"] == home) & (table["asked"] == home)]


def composite(answered: pd.DataFrame, n_classes: int, score: str = "uf1") -> dict[str, float]:
    """The score of each corpus that was asked, their mean, and that of all clips in one pool with its interval."""
    each = {
        asked: getattr(scores(table["truth"], table["predicted"], n_classes), score)
        for asked, table in answered.groupby("asked")
    }
    pooled = bootstrap_interval(**columns(answered), n_classes=n_classes, score=score)
    mean = float(np.mean(list(each.values())))
    return {**each, "mean of the three": mean, "pooled": pooled.value, "low": pooled.low, "high": pooled.high}


def knowing_the_corpus(mix: pd.DataFrame, draws: int = 200, seed: int = 0) -> dict[str, float]:
    """Pooled UF1 of guesses that have the mix of all clips, and of guesses that have the mix of the clip's corpus."""
    draw = np.random.default_rng(seed)
    counts = mix.to_numpy()  # (corpora, C)
    truth = np.concatenate([np.repeat(range(len(row)), row) for row in counts])  # (N,)
    corpus = np.repeat(range(len(counts)), counts.sum(axis=1))  # (N,)
    blind, knowing = [], []
    for _ in range(draws):
        blind.append(scores(truth, draw.permutation(truth), counts.shape[1]).uf1)
        guess = truth.copy()
        for one in range(len(counts)):
            guess[corpus == one] = draw.permutation(truth[corpus == one])
        knowing.append(scores(truth, guess, counts.shape[1]).uf1)
    return {"knows nothing": float(np.mean(blind)), "knows the corpus": float(np.mean(knowing))}


def published_floors(classes: str) -> pd.DataFrame:
    """A row a published selection of real clips: its size, and the UF1 of always naming its commonest class."""
    rows = {}
    for one in published_selections():
        counts = np.array(list(one.counts.values()))
        if one.classes == classes and len(counts) == 3:
            commonest = 2 * counts.max() / (counts.sum() + counts.max())  # F1 of the only class that is named
            rows[one.corpus] = {
                "clips": one.clips,
                "subjects": one.subjects,
                "always negative": commonest / 3,
            }
    return pd.DataFrame(rows).T.astype({"clips": int, "subjects": int}).rename_axis("corpus")
