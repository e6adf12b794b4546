"""Learning curves: the score against the number of labelled clips, a law through it, and what follows, with its doubt.

A law has two numbers: with $s$ the score and $n$ the clips, $y(s) = a + b\\,\\log_2 n$. It is laid through the points
of a curve, and through those that other tested persons would have given: all doubt here is of that kind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mer_core import open_corpus
from mer_core.protocols import class_map, split
from mer_core.scoring.statistics import TIE, Interval, draw_subjects, score_matrices, subject_matrices
from mer_core.training import RunSettings
from mer_core.training.fit import fold_seed
from mer_core.training.parts import some_of_each

ALMOST = 1 - 1e-6  # a score of one would have an infinite logarithm


def learnt_from(settings: RunSettings) -> pd.DataFrame:
    """A row a fold: how many clips and persons its first seed learnt from, as the run chose them.

    Of a synthetic corpus, whose outline says who shows what without planning a clip.
    """
    clips = pd.DataFrame(open_corpus(settings.corpus).outline)
    clips, labels = class_map(settings.classes).within(clips)
    clips = clips.reset_index(drop=True)
    rows = {}
    for fold in split(clips["subject"].to_numpy(), settings.groups):
        seed = fold_seed(fold.name, settings.seeds[0])
        learnt = some_of_each(fold.train, labels, settings.labelled, seed)
        rows[fold.name] = {"clips": len(learnt), "persons": clips["subject"][learnt].nunique()}
    return pd.DataFrame(rows).T


@dataclass(frozen=True)
class Curve:
    """The score of one method after learning from more and more clips."""

    clips: np.ndarray  # (P,) on the mean over folds, growing
    scores: np.ndarray  # (P,)
    drawn: np.ndarray  # (draws, P) had other persons been tested: the same ones at every point of a draw

    def interval(self, point: int) -> Interval:
        """Of one of its points."""
        return _interval(self.scores[point], self.drawn[:, point])

    def table(self) -> pd.DataFrame:
        """A row a point: clips, score, low, high."""
        spans = [self.interval(point) for point in range(len(self.clips))]
        made = {"score": self.scores, "low": [s.low for s in spans], "high": [s.high for s in spans]}
        return pd.DataFrame({"clips": self.clips, **made})

    def first(self, points: int) -> "Curve":
        """The same without what came later."""
        return Curve(self.clips[:points], self.scores[:points], self.drawn[:, :points])


def curve(
    tables: Mapping[float, pd.DataFrame],
    n_classes: int,
    score: str = "uf1",
    draws: int = 2000,
    seed: int = 0,
) -> Curve:
    """The curve of runs that answered the same clips: tables of predictions by the clips they were learnt from."""
    clips = np.array(sorted(tables), float)
    matrices = np.stack([_matrices(tables[n], n_classes, tables[clips[0]]) for n in clips])  # (P, S, C, C)
    weights = draw_subjects(matrices.shape[1], draws, seed)  # (draws, S)
    drawn = np.einsum("ds,psij->dpij", weights.astype(float), matrices.astype(float), optimize=True)
    return Curve(clips, score_matrices(matrices.sum(axis=1), score), score_matrices(drawn, score))


def _matrices(table: pd.DataFrame, n_classes: int, like: pd.DataFrame) -> np.ndarray:  # (S, C, C)
    if set(table["clip"]) != set(like["clip"]):
        raise ValueError(
            f"Expected the same clips at every point of a curve, got {len(table)} and {len(like)}: "
            "are they runs of one corpus?"
        )
    return subject_matrices(table["truth"], table["predicted"], table["subject"], n_classes)[1]


def _interval(value: float, drawn: np.ndarray, level: float = 0.95) -> Interval:
    # no interpolation: between two draws of which one is infinite there is nothing
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return Interval(float(value), float(low), float(high), level, len(drawn))


def gains(of: Curve) -> pd.DataFrame:
    """A row for each step from one point to the next: what it added for each doubling of the clips."""
    rows = []
    for point in range(1, len(of.clips)):
        doublings = np.log2(of.clips[point] / of.clips[point - 1])
        value, drawn = (np.asarray(made[..., point] - made[..., point - 1]) for made in (of.scores, of.drawn))
        span = _interval(value / doublings, drawn / doublings)
        ends = {"from": of.clips[point - 1], "to": of.clips[point]}
        rows.append({**ends, "gain": span.value, "low": span.low, "high": span.high})
    return pd.DataFrame(rows)


# Laws


@dataclass(frozen=True)
class Law:
    """How the score is bent so that it grows by the same amount with every doubling."""

    says: str
    bend: Callable[[np.ndarray], np.ndarray]
    unbend: Callable[[np.ndarray], np.ndarray]


LAWS = {
    "logarithm": Law("every doubling adds the same to the score", lambda s: s, lambda y: y),
    "power": Law(
        "every doubling takes the same share of the distance to a perfect score",
        lambda s: -np.log2(1 - np.minimum(s, ALMOST)),
        lambda y: 1 - 2.0**-y,
    ),
}


@dataclass(frozen=True)
class Fit:
    """A law through a curve, and through each of the curves that other persons would have given."""

    law: Law
    line: np.ndarray  # (2,) a and b
    drawn: np.ndarray  # (draws, 2)

    def at(self, clips: float) -> Interval:
        """The score that the law expects after so many clips."""
        return self._ask(lambda line: self.law.unbend(line[..., 0] + line[..., 1] * np.log2(clips)))

    def doubling(self, clips: float) -> Interval:
        """What twice as many clips would add."""

        def gain(line: np.ndarray) -> np.ndarray:
            now, twice = (line[..., 0] + line[..., 1] * np.log2(n) for n in (clips, 2 * clips))
            return self.law.unbend(twice) - self.law.unbend(now)

        return self._ask(gain)

    def until(self, score: float) -> Interval:
        """How many clips a score would take: infinitely many if the curve does not rise."""
        return self._ask(lambda line: _reaches(line, self.law.bend(np.asarray(score))))

    def _ask(self, question: Callable[[np.ndarray], np.ndarray]) -> Interval:
        return _interval(question(self.line), question(self.drawn))


def _reaches(line: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    start, slope = line[..., 0], line[..., 1]
    doublings = np.divide(wanted - start, slope, out=np.full(np.shape(start), np.inf), where=slope > TIE)
    with np.errstate(over="ignore"):
        return 2.0**doublings


def fit(of: Curve, law: str = "logarithm") -> Fit:
    """Least squares through the points of a curve, and through those of every draw."""
    if len(of.clips) < 2:
        raise ValueError(f"Expected at least two points to lay a law through, got {len(of.clips)}.")
    if law not in LAWS:
        raise ValueError(f"There is no law {law!r}; there are {', '.join(LAWS)}.")
    bend = LAWS[law].bend
    return Fit(LAWS[law], _line(of.clips, bend(of.scores)), _line(of.clips, bend(of.drawn)))


def _line(clips: np.ndarray, values: np.ndarray) -> np.ndarray:  # (…, P) → (…, 2)
    doublings = np.log2(clips) - np.log2(clips).mean()
    slope = (values * doublings).sum(-1) / (doublings**2).sum()
    return np.stack([values.mean(-1) - slope * np.log2(clips).mean(), slope], axis=-1)


# Two curves of the same persons


def ahead(one: Curve, other: Curve) -> pd.DataFrame:
    """A row for each number of clips that both curves have: one less the other, on the same persons."""
    clips = sorted(set(one.clips) & set(other.clips))
    spans = []
    for n in clips:
        (a, drawn_a), (b, drawn_b) = (_point(of, n) for of in (one, other))
        spans.append(_interval(a - b, drawn_a - drawn_b))
    made = {
        "difference": [s.value for s in spans],
        "low": [s.low for s in spans],
        "high": [s.high for s in spans],
    }
    return pd.DataFrame({"clips": clips, **made})


def _point(of: Curve, clips: float) -> tuple[float, np.ndarray]:
    point = int(np.flatnonzero(of.clips == clips)[0])
    return of.scores[point], of.drawn[:, point]


def crossing(one: Fit, other: Fit) -> Interval:
    """At how many clips the laws of two curves meet: far outside of what was measured if they are nearly parallel."""
    _same_law(one, other)

    def meet(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        lead, steeper = b[..., 0] - a[..., 0], a[..., 1] - b[..., 1]
        doublings = np.divide(lead, steeper, out=np.full(np.shape(lead), np.inf), where=np.abs(steeper) > TIE)
        return 2.0 ** doublings.clip(-1000, 1000)

    return _interval(meet(one.line, other.line), meet(one.drawn, other.drawn))


def times_as_many(slow: Fit, fast: Fit, clips: float) -> Interval:
    """How many times as many clips the slow curve needs to score what the fast one scores after so many."""
    _same_law(slow, fast)

    def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _reaches(a, b[..., 0] + b[..., 1] * np.log2(clips)) / clips

    return _interval(ratio(slow.line, fast.line), ratio(slow.drawn, fast.drawn))


def _same_law(one: Fit, other: Fit) -> None:
    if one.law is not other.law or len(one.drawn) != len(other.drawn):
        raise ValueError("Two fits are compared under one law, and over the same drawn persons.")
