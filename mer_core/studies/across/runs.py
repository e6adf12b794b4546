"""The stored runs of each method: at home on `synth`, and those of the list `across`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mer_core.ledger.experiments import load_paper, main_label, stored_name
from mer_core.ledger.results import find_run
from mer_core.studies.across.corpora import CLASSES, short
from mer_core.studies.across.crossings import answers
from mer_core.studies.across.mixes import composite
from mer_core.studies.rows import main_run
from mer_core.training import Run

WAYS = {"held-out": "two others", "composite": "all three, other subjects"}


@dataclass(frozen=True)
class Runs:
    """The stored runs of one method."""

    home: Run
    away: dict[str, Run]  # by the column of the list: `held-out`

    def answered(self) -> pd.DataFrame:
        """All predictions, with what was learnt on and asked: `samm` for `synth-samm`."""
        return pd.concat([answered(run) for run in (self.home, *self.away.values())])

    def otherwise(self) -> list[str]:
        """Settings of the method at home that differ from those away."""
        away = next(iter(self.away.values())).record["method"]
        return [name for name, value in self.home.record["method"].items() if away.get(name) != value]


def method_runs() -> dict[str, Runs]:
    """Of every method that has runs both at home and away, by its label."""
    away: dict[str, dict[str, Run]] = {}
    for name, experiment in load_paper("across").experiments.items():
        if run := find_run(stored_name("across", name)):
            away.setdefault(main_label(experiment), {})[experiment.column] = run
    homes = {label: main_run(label) for label in away}
    return {label: Runs(home, away[label]) for label, home in homes.items() if home is not None}


def answered(run: Run) -> pd.DataFrame:
    """The answers of a run, with short names of the corpora."""
    table = answers(run)
    return table.assign(learnt=short(table["learnt"]), asked=short(table["asked"]))


def composites(methods: Mapping[str, Runs], score: str) -> pd.DataFrame:
    """A row a method and way to use three corpora: what each corpus scores, and all clips in one pool."""
    rows = {
        (label, way): composite(answered(runs.away[column]), len(CLASSES.classes), score)
        for label, runs in methods.items()
        for column, way in WAYS.items()
        if column in runs.away
    }
    return pd.DataFrame(rows).T.rename_axis(["method", "learnt on"])
