"""Experiments computed again, and what became of their numbers: identical, reproduced, drifted, new, not comparable.

Where a training is repeated on other kernels or by changed code, its predictions differ a little from the stored ones,
much as with another seed. So the spread over seeds, measured on the stored runs, says how far a score may move.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from mer_core import atomic
from mer_core.clips import content_key
from mer_core.evaluation.experiments import Experiment, uf1
from mer_core.evaluation.stored import StoredRun, keep
from mer_core.training import Run, RunSettings
from mer_core.training import run as run_all

ENOUGH = 600  # seconds of stored work, before this machine's speed is believed: a first, tiny run says little of it
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
    otherwise: tuple[str, ...] = ()  # settings that the stored run does not have

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.otherwise:
            return "not comparable"
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
    changes: Mapping[str, object] | None = None,
    workers: int | None = None,
    engine: str = "local",
) -> Iterator[Reproduced]:
    """Compute the experiments in `folder`, resuming what is there, and compare each with what `results/` holds.

    What `results/` does not hold yet is kept there; with `store`, also what takes the place of an older run. A run with
    `changes` (a preset, a device, settings) is another one: it has a folder of its own and is never kept.
    """
    if store and changes:
        raise ValueError(
            f"--store keeps experiments as they are listed, not with {', '.join(changes)} changed: leave one out."
        )
    tolerance = measured_tolerance(results).uf1
    for name, experiment in experiments.items():
        asked, kept = changed(experiment.run, changes or {}), results / name
        atomic.recover(kept)
        is_new = not (kept / "run.json").exists()
        as_listed = asked == experiment.run
        made = run_all(asked, place(folder, name, experiment.run, changes or {}), workers, engine)
        listed = experiment.run if is_new else RunSettings.parse(StoredRun(kept).record["settings"])
        row = Reproduced(
            name, uf1(made.predictions()), float("nan"), 0, tolerance, differences(asked, listed)
        )
        row = row if is_new or row.otherwise else _compared(row, made, StoredRun(kept))
        if as_listed and (is_new or store):
            keep(made, kept)
        yield row


def changed(run: RunSettings, changes: Mapping[str, object]) -> RunSettings:
    """The same run with another preset, device or selection, or other settings of its method."""
    settings = {**run.settings, **changes.get("settings", {})}
    return RunSettings.parse({**run.plain(), **changes, "settings": settings})


def place(folder: Path, name: str, listed: RunSettings, changes: Mapping[str, object]) -> Path:
    """Where a run is computed: one with changes is another run, and has a key behind its name."""
    as_listed = changed(listed, changes) == listed
    return folder / (name if as_listed else f"{name}-{content_key(dict(changes))}")


def places(folder: Path, name: str) -> list[Path]:
    """Where a run is or may have been computed, as it is listed and with changes."""
    keyed = sorted(folder.glob(f"{name}-{'[0-9a-f]' * len(content_key())}"))
    return [path for path in (folder / name, *keyed) if (path / "run.json").exists()]


def differences(asked: RunSettings, listed: RunSettings) -> tuple[str, ...]:
    """What else the run asked for is; another device alone makes no other run: the tolerance is there for it."""
    pairs = {name: (value, listed.plain()[name]) for name, value in asked.plain().items() if name != "device"}
    return tuple(f"{name} is {now}, not {before}" for name, (now, before) in pairs.items() if now != before)


def answered_otherwise(now: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Rows that two tables of predictions answer differently; those that only one of them has are among them."""
    both = now.merge(stored, on=["clip", "seed", "truth"], suffixes=("", "_stored"), how="outer")
    shown = ["clip", "seed", "truth", "predicted_stored", "predicted"]
    return both.loc[both["predicted"] != both["predicted_stored"], shown]


def _compared(row: Reproduced, made: Run, kept: StoredRun) -> Reproduced:
    differ = answered_otherwise(made.predictions(), kept.predictions)
    return replace(row, stored=uf1(kept.predictions), clips_that_differ=len(differ))


def conclusion(rows: Sequence[Reproduced], tolerance: Tolerance) -> str:
    """A line an experiment, and by how much a score may move."""
    lines = [f"\n{'experiment':<28}   now stored clips that differ"]
    for row in rows:
        numbers = f"{row.now:.3f} {row.stored:6.3f} {row.clips_that_differ:17}"
        lines.append(f"{row.experiment:<28} {numbers}  {'; '.join([row.verdict, *row.otherwise])}")
    return "\n".join([*lines, f"UF1 may differ by {tolerance.uf1:.3f}: {tolerance.reason}."])


def refuse_drift(rows: Sequence[Reproduced], *, as_listed: bool) -> None:
    """An error if a score moved too far, or if what is stored is no longer what is listed."""
    if drifted := [row.experiment for row in rows if row.verdict == "DRIFTED"]:
        raise RuntimeError(f"{len(drifted)} experiments drifted: {', '.join(drifted)}.")
    if as_listed and (stale := [row.experiment for row in rows if row.otherwise]):
        raise RuntimeError(
            f"{len(stale)} experiments are listed with other settings than results/ holds: {', '.join(stale)}. "
            "`mer reproduce --store` puts them there."
        )


class Clock:
    """How long the rest will take, by what the stored runs took and how fast this machine has been so far.

    What an earlier, interrupted call has finished in `out` costs nothing, and says nothing about this machine.
    """

    def __init__(
        self,
        experiments: dict[str, Experiment],
        results: Path,
        workers: int | None,
        out: Path,
        changes: Mapping[str, object] | None = None,
    ) -> None:
        stored = {name: results / name for name in experiments if (results / name / "run.json").exists()}
        taken = {name: StoredRun(folder).record.get("seconds") for name, folder in stored.items()}
        known = [seconds for seconds in taken.values() if seconds]
        usual = sum(known) / len(known) if known else float("nan")
        self.cost = {
            name: taken.get(name) or usual
            for name, experiment in experiments.items()
            if not _is_finished(place(out, name, experiment.run, changes or {}))
        }
        self.begun, self.done, self.workers = time.monotonic(), 0.0, workers or os.cpu_count() or 1

    def finish(self, name: str) -> None:
        """This experiment is done."""
        self.done += self.cost.pop(name, 0)

    def left(self) -> str:
        """As a sentence, when there is something to say."""
        rest = sum(self.cost.values())
        passed = time.monotonic() - self.begun
        pace = passed / self.done if self.done >= ENOUGH else 1 / self.workers
        return f"about {max(rest * pace / 60, 1):.0f} min left" if rest > 0 else ""


def _is_finished(folder: Path) -> bool:
    return (folder / "run.json").exists() and not Run.open(folder).todo()
