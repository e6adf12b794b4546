"""From one corpus to another: what each clip was asked of, what its network had learnt on, and what crossing costs.

The prefix of a subject's name is its corpus, so that a run which holds out each corpus in turn answers once a corpus.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mer_core.action_units import parse_action_units
from mer_core.faces.corpus import Corpus
from mer_core.ledger.stored import StoredRun
from mer_core.protocols import ClassMap
from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import (
    bootstrap_interval,
    columns,
    difference_interval,
    holm,
    paired,
    per_class,
    permutation_test,
    score_matrices,
)

PLACES = ["learnt", "asked"]


def corpus_of(subjects: pd.Series) -> pd.Series:
    """`synth-samm/s07` belongs to `synth-samm`."""
    return subjects.str.partition("/")[0]


def answers(run: StoredRun) -> pd.DataFrame:
    """The predictions of a run's first seed, with the corpus that was asked and those that were learnt on.

    If a corpus was held out, the others were learnt on; else other persons of all of them.
    """
    asked, table = run.record["settings"], run.predictions.query("seed == seed.min()")
    parts, held_out = asked["corpus"].split("+"), asked["groups"] == "corpus"
    home = corpus_of(table["subject"])
    learnt = {one: "+".join(part for part in parts if not held_out or part != one) for one in parts}
    return table.assign(asked=home, learnt=home.map(learnt))


def crossing_table(said: pd.DataFrame, n_classes: int, score: str = "uf1") -> pd.DataFrame:
    """A row for each pair of what was learnt on and what was asked: the score and its interval over persons."""
    rows = {place: _scored(table, n_classes, score) for place, table in said.groupby(PLACES, sort=False)}
    return pd.DataFrame(rows).T.rename_axis(PLACES)


def _scored(table: pd.DataFrame, n_classes: int, score: str) -> dict[str, float]:
    found = bootstrap_interval(**columns(table), n_classes=n_classes, score=score)
    size = {"clips": len(table), "persons": table["subject"].nunique()}
    return {"score": found.value, "low": found.low, "high": found.high, **size}


def lost(said: Mapping[str, pd.DataFrame], n_classes: int, score: str = "uf1") -> pd.DataFrame:
    """A row for each method and crossing: what it scores less than the same method at home, on the same clips.

    At home: learnt on other persons of the corpus that is asked. `corrected` counts all rows, by Holm.
    """
    rows = {
        (name, *place): _loss(table, home, n_classes, score)
        for name, every in said.items()
        for place, table, home in _crossings(every)
    }
    made = pd.DataFrame(rows).T.rename_axis(["method", *PLACES]) if rows else _nothing()
    return made.assign(corrected=list(holm(made["p"].to_dict()).values()))


def _nothing() -> pd.DataFrame:
    names = ["home", "away", "difference", "low", "high", "p"]
    index = pd.MultiIndex.from_arrays([[], [], []], names=["method", *PLACES])
    return pd.DataFrame(columns=names, index=index, dtype=float)


def _crossings(said: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame, pd.DataFrame]]:
    """Each place where a corpus was asked by whom had not learnt on it, with the answers at home."""
    at_home = dict(list(said[said["learnt"] == said["asked"]].groupby("asked")))
    away = [
        (place, table)
        for place, table in said.groupby(PLACES, sort=False)
        if place[1] not in place[0].split("+")
    ]
    return [(place, table, at_home[place[1]]) for place, table in away if place[1] in at_home]


def _loss(away: pd.DataFrame, home: pd.DataFrame, n_classes: int, score: str) -> dict[str, float]:
    asked = {**paired(away, home), "n_classes": n_classes, "score": score}
    span, test = difference_interval(**asked), permutation_test(**asked)
    values = {"home": test.second, "away": test.first, "difference": span.value}
    return {**values, "low": span.low, "high": span.high, "p": test.p_value}


def recalls(said: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """A row a place, a column a class: the share of its clips that is found."""
    rows = {
        place: per_class(table["truth"], table["predicted"], len(classes), classes)["recall"]
        for place, table in said.groupby(PLACES, sort=False)
    }
    return pd.DataFrame(rows).T.rename_axis(PLACES)


def units_by_class(corpus: Corpus, classes: ClassMap) -> pd.DataFrame:
    """A row a class, a column an action unit: the share of the clips that show it, labelled or not."""
    clips = pd.DataFrame(corpus.outline)
    names = classes.label(clips).dropna().map(lambda number: classes.classes[number])
    shown = [
        {f"AU{unit.number}": 1 for unit in parse_action_units(corpus.spec(clip).action_units)}
        for clip in clips["clip"][names.index]
    ]
    return pd.DataFrame(shown).fillna(0).groupby(names.to_numpy()).mean()


# The mix of classes alone


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
