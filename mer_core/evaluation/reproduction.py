"""Experiments computed again, and what became of their numbers: identical, reproduced, drifted, or new.

Where a training is repeated on other kernels or by changed code, its predictions differ a little from the stored ones,
much as with another seed. So the spread over seeds, measured on the stored runs, says how far a score may move.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mer_core.evaluation.experiments import Experiment, uf1
from mer_core.evaluation.stored import StoredRun, keep
from mer_core.training import Run
from mer_core.training import run as run_all

TIMES = 2.8  # 1.96 √2 standard deviations: two runs that differ by chance alone are that close 19 times of 20


@dataclass(frozen=True)
class Tolerance:
    """How far a score may be from the stored one, and why."""

    uf1: float
    reason: str


@dataclass(frozen=True)
class Reproduced:
    """An experiment that was computed again."""

    experiment: str
    now: float  # UF1
    stored: float  # NaN: nothing was
    clips_that_differ: int
    tolerance: float

    @property
    def verdict(self) -> str:
        """In a word."""
        if pd.isna(self.stored):
            return "new"
        if self.clips_that_differ == 0:
            return "identical"
        return "reproduced" if abs(self.now - self.stored) <= self.tolerance else "DRIFTED"


def measured_tolerance(results: Path) -> Tolerance:
    """From the scores of all stored runs with several seeds; without such a run every answer must be the same."""
    spreads = [_spread_of_seeds(StoredRun(path.parent).predictions) for path in results.glob("*/run.json")]
    spreads = [(variance, freedom) for variance, freedom in spreads if freedom]
    if not spreads:
        return Tolerance(0.0, "no stored run has several seeds: every answer must be the same")
    freedom = sum(freedom for _, freedom in spreads)
    deviation = (sum(variance * freedom for variance, freedom in spreads) / freedom) ** 0.5
    reason = f"{TIMES} times {deviation:.4f}, the standard deviation over seeds of {len(spreads)} stored runs"
    return Tolerance(TIMES * deviation, reason)


def _spread_of_seeds(table: pd.DataFrame) -> tuple[float, int]:
    """Variance of UF1 over seeds, and its degrees of freedom."""
    values = pd.Series([uf1(rows) for _, rows in table.groupby("seed")])
    return (values.var(), len(values) - 1) if len(values) > 1 else (0.0, 0)


def reproduce(
    experiments: dict[str, Experiment],
    folder: Path,
    results: Path,
    *,
    store: bool = False,
    workers: int | None = None,
    engine: str = "local",
) -> Iterator[Reproduced]:
    """Compute the experiments in `folder`, resuming what is there, and compare each with what `results/` holds.

    What `results/` does not hold yet is kept there; with `store`, also what takes the place of an older run.
    """
    tolerance = measured_tolerance(results).uf1
    for name, experiment in experiments.items():
        made, kept = run_all(experiment.run, folder / name, workers, engine), results / name
        is_new = not (kept / "run.json").exists()
        row = Reproduced(name, uf1(made.predictions()), float("nan"), 0, tolerance)
        row = row if is_new else _compared(row, made, StoredRun(kept))
        if is_new or store:
            keep(made, kept)
        yield row


def _compared(row: Reproduced, made: Run, kept: StoredRun) -> Reproduced:
    now = made.predictions()
    both = now.merge(kept.predictions, on=["clip", "seed"], suffixes=("", "_stored"))
    differ = int((both["predicted"] != both["predicted_stored"]).sum()) + len(now) - len(both)
    return Reproduced(row.experiment, row.now, uf1(kept.predictions), differ, row.tolerance)


class Clock:
    """How long the rest will take, by what the stored runs took and how fast this machine has been so far."""

    def __init__(self, experiments: dict[str, Experiment], results: Path, workers: int | None) -> None:
        stored = {name: results / name for name in experiments if (results / name / "run.json").exists()}
        taken = {name: StoredRun(folder).record.get("seconds") for name, folder in stored.items()}
        known = [seconds for seconds in taken.values() if seconds]
        usual = sum(known) / len(known) if known else float("nan")
        self.cost = {name: taken.get(name) or usual for name in experiments}
        self.begun, self.done, self.workers = time.monotonic(), 0.0, workers or os.cpu_count() or 1

    def finish(self, name: str) -> None:
        """This experiment is done."""
        self.done += self.cost.pop(name)

    def left(self) -> str:
        """As a sentence, when there is something to say."""
        rest = sum(self.cost.values())
        pace = (time.monotonic() - self.begun) / self.done if self.done else 1 / self.workers
        return f"about {max(rest * pace / 60, 1):.0f} min left" if rest > 0 else ""
