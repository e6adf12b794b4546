"""Stored results, found from inside a chapter."""

from pathlib import Path

import mer_core
from mer_core.evaluation.stored import StoredRun


def stored_run(name: str) -> StoredRun:
    """A run of `results/`; an error that lists those there are."""
    results = Path(mer_core.__file__).parents[1] / "results"  # a chapter may be run from anywhere
    names = sorted(path.parent.name for path in results.glob("*/run.json"))
    if name not in names:
        raise ValueError(f"There is no stored run {name!r}; there are {', '.join(names) or 'none'}.")
    return StoredRun(results / name)
