"""Stored results, found from inside a chapter."""

from pathlib import Path

import mer_core
from mer_core.asked import ask
from mer_core.ledger.stored import StoredRun, stored_runs

RESULTS = Path(mer_core.__file__).parents[1] / "results"  # a chapter may be run from anywhere


def find_run(name: str) -> StoredRun | None:
    """A run of `results/`, if it is there."""
    ask(name)
    return StoredRun(RESULTS / name) if (RESULTS / name / "run.json").exists() else None


def stored_run(name: str) -> StoredRun:
    """A run of `results/`; an error that lists those there are."""
    if found := find_run(name):
        return found
    names = [run.name for run in stored_runs(RESULTS)]
    raise ValueError(f"There is no stored run {name!r}; there are {', '.join(names) or 'none'}.")
