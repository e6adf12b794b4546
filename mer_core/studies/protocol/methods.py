"""The stored trainings of all main rows, and what each habit makes of them."""

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from mer_core.corpora.catalogue import open_corpus
from mer_core.ledger.experiments import listed
from mer_core.scoring.conventions import Predictions
from mer_core.scoring.statistics import Interval
from mer_core.studies.inflate import pieces
from mer_core.studies.protocol.habits import (
    EPOCHS,
    Habits,
    every_number,
    has_epochs,
    interval,
    one_a_fold,
    trainings,
)
from mer_core.studies.rows import main_runs


def main_names() -> list[str]:
    """The labels of all main rows: first those that are trained in epochs."""
    rows = listed(main=True).values()
    return [row.label for row in sorted(rows, key=lambda row: not row.run.every_epoch)]


@dataclass(frozen=True)
class Methods:
    """All trainings of several methods on the same clips, by label."""

    score: str
    by_subject: dict[str, list[Predictions]]  # a fold is a subject
    by_group: dict[str, list[Predictions]]  # a fold is the group that was trained on the same clips

    @cached_property
    def last(self) -> dict[str, Interval]:
        """The honest score of each method: after the last epoch."""
        return {name: interval(self.chosen(name, "last"), self.score) for name in self.by_subject}

    @cached_property
    def grouped(self) -> dict[str, Interval]:
        """Each group of subjects chooses its epoch."""
        return {name: interval(self._chosen_by_group(name), self.score) for name in self.by_subject}

    @cached_property
    def peeked(self) -> dict[str, Interval]:
        """Each subject chooses its epoch."""
        return {name: interval(self.chosen(name, "fold"), self.score) for name in self.by_subject}

    @cached_property
    def honest(self) -> pd.Series:
        """The honest score of each method, the highest first."""
        return pd.Series(self._values(self.last)).sort_values(ascending=False)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row a method: its honest score, and the one that is printed if each subject chooses."""
        return pd.DataFrame({"honest": self.honest, "printed": self._values(self.peeked)}).loc[
            self.honest.index
        ]

    @cached_property
    def networks(self) -> list[str]:
        """Those with epochs to choose from, the best first."""
        return [name for name in self.honest.index if len(self.by_subject[name][0].predicted) > 1]

    @cached_property
    def adds(self) -> pd.Series:
        """What each subject's choice adds, a row a network."""
        return (self.scores["printed"] - self.scores["honest"]).loc[self.networks]

    @cached_property
    def group_adds(self) -> pd.Series:
        """What each group's choice adds."""
        return (pd.Series(self._values(self.grouped)) - self.honest).loc[self.networks]

    @cached_property
    def numbers(self) -> dict[str, dict[Habits, float]]:
        """What a table would say of each method, by all habits."""
        return {name: every_number(seeds, self.score) for name, seeds in self.by_subject.items()}

    @property
    def one(self) -> Predictions:
        """Any training: all have the same clips, subjects and classes."""
        return next(iter(self.by_subject.values()))[0]

    def chosen(self, name: str, rule: str) -> list[Predictions]:
        """What a rule for the epoch makes of each training of a method."""
        return [EPOCHS[rule](training, self.score) for training in self.by_subject[name]]

    def _chosen_by_group(self, name: str) -> list[Predictions]:
        pairs = zip(self.by_group[name], self.by_subject[name], strict=True)
        return [replace(one_a_fold(group, self.score), folds=subject.folds) for group, subject in pairs]

    def _values(self, intervals: dict[str, Interval]) -> dict[str, float]:
        return {name: one.value for name, one in intervals.items()}


def stored_methods(score: str) -> Methods:
    """The main rows of `synth`; a network whose run kept no epochs stays out."""
    cut, runs = pieces(open_corpus("synth").clips), main_runs()
    rows = {row.label: row for row in listed(main=True).values()}
    kept = {
        label: runs[label]
        for label in main_names()
        if label in runs and (has_epochs(runs[label]) or not rows[label].run.every_epoch)
    }
    return Methods(
        score,
        {name: trainings(run, "subject", cut) for name, run in kept.items()},
        {name: trainings(run, "fold") for name, run in kept.items()},
    )
