"""What each clip was asked of, what its network had learnt on, and what crossing costs.

The prefix of a subject's name is its corpus, so that a run which holds out each corpus in turn answers once a corpus.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from mer_core.scoring.statistics import (
    Paired,
    bootstrap_interval,
    columns,
    holm,
    per_class,
)
from mer_core.training import Run

PLACES = ["learnt", "asked"]
GROUPS = 5  # of subjects, at home


def corpus_of(subjects: pd.Series) -> pd.Series:
    """`synth-samm/s07` belongs to `synth-samm`."""
    return subjects.str.partition("/")[0]


def answers(run: Run) -> pd.DataFrame:
    """The predictions of a run's first seed, with the corpus that was asked and those that were learnt on.

    If a corpus was held out, the others were learnt on; else other subjects of all of them.
    """
    asked, table = run.record["settings"], run.predictions.query("seed == seed.min()")
    parts, held_out = asked["corpus"].split("+"), asked["groups"] == "corpus"
    home = corpus_of(table["subject"])
    learnt = {one: "+".join(part for part in parts if not held_out or part != one) for one in parts}
    return table.assign(asked=home, learnt=home.map(learnt))


def crossing_table(answered: pd.DataFrame, n_classes: int, score: str = "uf1") -> pd.DataFrame:
    """A row for each pair of what was learnt on and what was asked: the score and its interval over subjects."""
    rows = {place: _scored(table, n_classes, score) for place, table in answered.groupby(PLACES, sort=False)}
    return pd.DataFrame(rows).T.rename_axis(PLACES)


def _scored(table: pd.DataFrame, n_classes: int, score: str) -> dict[str, float]:
    interval = bootstrap_interval(**columns(table), n_classes=n_classes, score=score)
    size = {"clips": len(table), "subjects": table["subject"].nunique()}
    return {"score": interval.value, "low": interval.low, "high": interval.high, **size}


def lost(answered: Mapping[str, pd.DataFrame], score: str = "uf1") -> pd.DataFrame:
    """A row for each method and crossing: what it scores less than the same method at home, on the same clips.

    At home: learnt on other subjects of the corpus that is asked. `corrected` counts all rows, by Holm.
    """
    rows = {
        (name, *place): _loss(table, home, score)
        for name, every in answered.items()
        for place, table, home in _crossings(every)
    }
    losses = pd.DataFrame(rows).T.rename_axis(["method", *PLACES]) if rows else _nothing()
    return losses.assign(corrected=list(holm(losses["p"].to_dict()).values()))


def _nothing() -> pd.DataFrame:
    names = ["home", "away", "difference", "low", "high", "p"]
    index = pd.MultiIndex.from_arrays([[], [], []], names=["method", *PLACES])
    return pd.DataFrame(columns=names, index=index, dtype=float)


def is_away(learnt: str, asked: str) -> bool:
    """Whether a corpus is asked that was not learnt on."""
    return asked not in learnt.split("+")


def _crossings(answered: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame, pd.DataFrame]]:
    """Each place where a corpus was asked by whom had not learnt on it, with the answers at home."""
    at_home = dict(list(answered[answered["learnt"] == answered["asked"]].groupby("asked")))
    away = [(place, table) for place, table in answered.groupby(PLACES, sort=False) if is_away(*place)]
    return [(place, table, at_home[place[1]]) for place, table in away if place[1] in at_home]


def _loss(away: pd.DataFrame, home: pd.DataFrame, score: str) -> dict[str, float]:
    pair = Paired.of(away, home)
    test, interval = pair.test(score), pair.interval(score)
    values = {"home": test.second, "away": test.first, "difference": interval.value}
    return {**values, "low": interval.low, "high": interval.high, "p": test.p_value}


def recalls(answered: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """A row a place, a column a class: the share of its clips that is found."""
    rows = {
        place: per_class(table["truth"], table["predicted"], len(classes), classes)["recall"]
        for place, table in answered.groupby(PLACES, sort=False)
    }
    return pd.DataFrame(rows).T.rename_axis(PLACES)


def recall_changes(answered: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """A row a crossing, a column a class: its recall away less its recall at home."""
    found = recalls(answered, classes)
    away = [place for place in found.index if is_away(*place) and (place[1],) * 2 in found.index]
    changes = {place: found.loc[place] - found.loc[(place[1],) * 2] for place in away}
    return pd.DataFrame(changes, index=list(classes)).T.rename_axis(PLACES)


def matrix(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The scores of all methods (columns) by what was learnt and asked (rows): one corpus first, then two, then all."""
    wide = pd.DataFrame({name: table["score"].astype(float) for name, table in tables.items()})
    return wide.rename_axis(PLACES).sort_index(key=_by_parts)


def _by_parts(names: pd.Index) -> pd.Index:
    return names.map(lambda name: (name.count("+"), name))


def on_the_floor(tables: Mapping[str, pd.DataFrame], floor: pd.Series) -> list[tuple[str, str, str]]:
    """Method, learnt and asked, wherever another corpus is asked and the interval reaches down to the floor."""
    return [
        (name, *place)
        for name, table in tables.items()
        for place, cell in table.iterrows()
        if is_away(*place) and cell["low"] <= floor[place]
    ]


def learnt_clips(places: pd.MultiIndex, mix: pd.DataFrame) -> pd.Series:
    """How many clips had been learnt from, as a mean over folds: at home a group of the subjects is held out."""
    sizes = mix.sum(axis=1)

    def clips(learnt: str, asked: str) -> float:
        whole = sum(sizes[part] for part in learnt.split("+"))
        return whole if is_away(learnt, asked) else whole * (GROUPS - 1) / GROUPS

    return pd.Series([clips(*place) for place in places], index=places, name="clips learnt")


def more_is_better(losses: pd.DataFrame, clips: pd.Series) -> float:
    """Rank correlation, over all crossings, of how many times as many clips were learnt and what was gained."""
    grown = [np.log2(clips[learnt, asked] / clips[asked, asked]) for _, learnt, asked in losses.index]
    return float(pd.Series(grown, losses.index).corr(losses["difference"].astype(float), method="spearman"))


def learnt_elsewhere(wide: pd.DataFrame, asked: str) -> pd.DataFrame:
    """The scores on one corpus: a row a method, a column what was learnt, the corpus itself first."""
    rows = wide.xs(asked, level="asked")
    return rows.loc[sorted(rows.index, key=lambda learnt: (learnt != asked, learnt.count("+"), learnt))].T


def kept_orders(wide: pd.DataFrame) -> pd.DataFrame:
    """A row a corpus that is asked and what was learnt: Kendall's τ of the methods with those at home, of so many."""
    rows = {}
    for asked in wide.index.unique("asked"):
        at_home, *elsewhere = (column for _, column in learnt_elsewhere(wide, asked).items())
        for column in elsewhere:
            both = pd.concat([at_home, column], axis=1).dropna()
            tau = kendalltau(*both.to_numpy().T).statistic if len(both) > 2 else np.nan
            rows[asked, column.name] = {"methods": len(both), "tau": tau}
    table = pd.DataFrame(rows).T.rename_axis(["asked", "learnt"])
    return table.astype({"methods": int})
