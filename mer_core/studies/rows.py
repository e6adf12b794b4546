"""Stored runs of the main rows, by their labels, and what is asked of a run that was trained several times."""

import pandas as pd

from mer_core.ledger.experiments import Experiment, listed
from mer_core.ledger.results import find_run
from mer_core.scoring.metrics import scores
from mer_core.training import Run


def ranked_rows() -> dict[str, Experiment]:
    """The methods of the tables, by label, as they are listed: main rows without parts and controls of others."""
    return {row.label: row for row in listed(main=True).values() if row.ranked}


def main_runs() -> dict[str, Run]:
    """The stored runs of all main rows, by label, as they are listed."""
    runs = {row.label: find_run(name) for name, row in listed(main=True).items()}
    return {label: run for label, run in runs.items() if run is not None}


def main_run(label: str) -> Run | None:
    """That of one of them, if it is stored."""
    return main_runs().get(label)


def first_seed(run: Run) -> pd.DataFrame:
    """The predictions of the first training."""
    return run.predictions.query("seed == seed.min()")


def by_seed(predictions: pd.DataFrame, n_classes: int, score: str = "uf1") -> pd.Series:
    """The score of each training, a row a seed."""
    made = {
        seed: getattr(scores(rows["truth"], rows["predicted"], n_classes), score)
        for seed, rows in predictions.groupby("seed")
    }
    return pd.Series(made)
