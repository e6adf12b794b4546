"""Experiments computed again, and what became of their numbers: identical, reproduced, drifted, undecided, new, …

A method that draws nothing gives every answer again, and so does a network on the same processor with the same kernels
and packages. Where a training is repeated elsewhere, its predictions differ from the stored ones much as with another
seed. So the spread over the seeds of its own method, measured on the stored runs, says how far its score may move. If
that is as far as to always naming the commonest class, nothing is reproduced and nothing refuted: undecided.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from mer_core import atomic
from mer_core.clips import content_key
from mer_core.ledger.experiments import Experiment, always_the_commonest, uf1
from mer_core.ledger.index import store as store_run
from mer_core.ledger.stored import stored_runs
from mer_core.methods import find_method
from mer_core.training import Run, RunSettings
from mer_core.training import run as run_all

ENOUGH = 600  # seconds of stored work, before this machine's speed is believed: a first, tiny run says little of it
TIMES = 2.8  # 1.96 √2 standard deviations: two runs that differ by chance alone are that close 19 times of 20
NAMED = 5  # clips that are named on the screen; all of them stand in a table beside the run
ROUNDING = 1e-4  # probabilities that differ by less are those of the same answer on other kernels


# How far a score may move


@dataclass(frozen=True)
class Tolerance:
    """How far a score may be from the stored one, and why; None: every answer must be the same."""

    uf1: float | None
    reason: str
    is_blind: bool = False  # always naming the commonest class would pass, too

    def __str__(self) -> str:
        allowed = "every answer must be the same" if self.uf1 is None else f"UF1 may differ by {self.uf1:.3f}"
        blind = "; always naming the commonest class would pass, too" if self.is_blind else ""
        return f"{allowed}: {self.reason}{blind}"

    def allows(self, difference: float) -> bool:
        """Whether a score that moved by so much, with other answers, is still the same result."""
        return self.uf1 is not None and abs(difference) <= self.uf1


@dataclass(frozen=True)
class Spread:
    """How much the seed alone moves the UF1 of a stored run."""

    run: str
    family: tuple[str, str]  # method and preset
    variance: float
    freedom: int  # seeds less one


def seed_spreads(results: Path) -> list[Spread]:
    """Of every stored run with several seeds, of a method to which a seed is something."""
    several = (
        run for run in stored_runs(results) if len(run.record["settings"]["seeds"]) > 1 and _draws(run)
    )
    return [_spread(run) for run in several]


def _spread(run: Run) -> Spread:
    values = pd.Series([uf1(rows) for _, rows in run.predictions.groupby("seed")])
    return Spread(run.name, _family(run), float(values.var()), len(values) - 1)


def _family(run: Run) -> tuple[str, str]:
    return run.record["settings"]["method"], run.record["settings"]["preset"]


def _draws(run: Run) -> bool:
    try:
        return find_method(run.record["settings"]["method"]).draws
    except ValueError:  # a method that is not here may do anything
        return True


def tolerance(made: Run, kept: Run, spreads: Sequence[Spread]) -> Tolerance:
    """How far a run may be from the stored one."""
    if not _draws(kept):
        other = ", but saw other data" if _saw_other_data(made, kept.record) else ""
        return Tolerance(None, f"{_family(kept)[0]} draws nothing{other}")
    if not (elsewhere := unlike_machines(made, kept.record)):
        return Tolerance(None, "the same processor, kernels and packages")
    own = [spread for spread in spreads if spread.family == _family(kept)]
    if not (taken := own or list(spreads)):
        return Tolerance(None, "no stored run of a network has several seeds")
    freedom = sum(spread.freedom for spread in taken)
    deviation = (sum(spread.variance * spread.freedom for spread in taken) / freedom) ** 0.5
    seeds = len(kept.record["settings"]["seeds"])
    allowed = TIMES * deviation / seeds**0.5
    mean = f" / √{seeds}" if seeds > 1 else ""  # a mean over seeds moves less than each of them
    source = _source(own, len(taken), "-".join(_family(kept)))
    reason = f"{TIMES} × {deviation:.4f}{mean}, the standard deviation over seeds of {source}; {elsewhere}"
    above = uf1(kept.predictions) - always_the_commonest(kept.predictions)
    return Tolerance(allowed, reason, is_blind=abs(above) <= allowed)


def _source(own: Sequence[Spread], n: int, family: str) -> str:
    if own:
        return ", ".join(spread.run for spread in own)
    return f"{n} runs of all networks, as no stored run of {family} has several"


def unlike_machines(made: Run, stored: Mapping) -> str:
    """Why a run and the record of a stored one don't promise the same bits, in words; empty if they do.

    Equal kernels are no equal machine: a record that does not name its processor promises nothing.
    """
    now, kernels = made.record, {made.record["numerics"], *made.notes()["numerics"]}
    if devices := {record["settings"]["device"] for record in (now, stored)} - {"cpu"}:
        return f"computed on {', '.join(sorted(devices))}"
    if kernels != {stored["numerics"]}:
        return "the stored run was computed by other kernels"
    if _saw_other_data(made, stored):
        return "the stored run saw other data"
    if now["environment"] != stored["environment"]:
        return "the stored run was computed by other versions of packages"
    here, there = (record["hardware"].get("processor") for record in (now, stored))
    if not there:
        return "the stored run does not name its processor"
    return "" if here == there else f"the stored run was computed on another processor, {there}"


def _saw_other_data(made: Run, stored: Mapping) -> bool:
    return made.record["data"]["sha256"] != stored["data"]["sha256"]


# What became of a run


@dataclass(frozen=True, eq=False)
class Reproduced:
    """An experiment that was computed again."""

    experiment: str
    now: float  # UF1
    stored: float = float("nan")  # NaN: nothing was
    differ: pd.DataFrame = field(default_factory=pd.DataFrame)  # a row a clip that was answered otherwise
    tolerance: Tolerance | None = None
    otherwise: tuple[str, ...] = ()  # settings that the stored run does not have
    apart: float = 0.0  # the most that a probability differs by

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.otherwise:
            return "not comparable"
        if self.tolerance is None or pd.isna(self.stored):
            return "new"
        if self.differ.empty:
            return "identical"
        if not self.tolerance.allows(self.now - self.stored):
            return "DRIFTED"
        return "undecided" if self.tolerance.is_blind else "reproduced"

    @property
    def reason(self) -> str:
        """What the verdict rests on."""
        if self.otherwise or self.tolerance is None:
            return "; ".join(self.otherwise)
        silent = self.verdict == "identical" and self.apart > ROUNDING
        beside = f"; probabilities differ by up to {self.apart:.2g}" if silent else ""
        return f"{self.tolerance}{beside}"

    def __str__(self) -> str:
        return "; ".join(part for part in (self.verdict, self.reason) if part)


def compared(name: str, made: Run, kept: Run, spreads: Sequence[Spread]) -> Reproduced:
    """A finished run beside the stored one, clip by clip."""
    now, stored = made.predictions, kept.predictions
    if otherwise := differences(made.settings, RunSettings.parse(kept.record["settings"])):
        return Reproduced(name, uf1(now), otherwise=otherwise)
    allowed, differ = tolerance(made, kept, spreads), answered_otherwise(now, stored)
    return Reproduced(name, uf1(now), uf1(stored), differ, allowed, apart=furthest(now, stored))


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
    spreads = seed_spreads(results)
    for name, experiment in experiments.items():
        asked, kept = changed(experiment.run, changes or {}), results / name
        atomic.recover(kept)
        is_new = not (kept / "run.json").exists()
        as_listed = asked == experiment.run
        made = run_all(asked, place(folder, name, experiment.run, changes or {}), workers, engine)
        if is_new:
            row = Reproduced(name, uf1(made.predictions), otherwise=differences(asked, experiment.run))
        else:
            row = compared(name, made, Run(kept), spreads)
            _list_differing(row.differ, differing_file(made.folder))
        if as_listed and (is_new or store):
            store_run(made, results, name)
        yield row


def changed(run: RunSettings, changes: Mapping[str, Any]) -> RunSettings:
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
    others = asked.replace(device=listed.device).diff(listed)
    return tuple(f"{name} is {now}, not {before}" for name, (now, before) in others.items())


def answered_otherwise(now: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Rows that two tables of predictions answer differently; those that only one of them has are among them."""
    both = _side_by_side(now, stored)
    shown = ["clip", "seed", "truth", "predicted_stored", "predicted"]
    return both.loc[both["predicted"] != both["predicted_stored"], shown].reset_index(drop=True)


def furthest(now: pd.DataFrame, stored: pd.DataFrame) -> float:
    """The most that a probability of one table is from that of the other."""
    both, names = _side_by_side(now, stored), [name for name in now if name.startswith("p_")]
    return float(max((both[name] - both[f"{name}_stored"]).abs().max() for name in names))


def _side_by_side(now: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    return now.merge(stored, on=["clip", "seed", "truth"], suffixes=("", "_stored"), how="outer")


def named(differ: pd.DataFrame) -> Iterator[str]:
    """`s01_3 (seed 0): 1 → 2, truth 1`, a clip that was answered otherwise."""
    for row in differ.itertuples(index=False):
        was, now = ("–" if pd.isna(one) else f"{one:.0f}" for one in (row.predicted_stored, row.predicted))
        yield f"{row.clip} (seed {row.seed}): {was} → {now}, truth {row.truth}"


def differing_file(run: Path) -> Path:
    """Where all clips that a run answered otherwise are listed: beside its folder."""
    return run.with_name(f"{run.name}.differ.csv")


def _list_differing(differ: pd.DataFrame, file: Path) -> None:
    if differ.empty:
        file.unlink(missing_ok=True)  # of an earlier call
    else:
        differ.to_csv(file, index=False)


def conclusion(rows: Sequence[Reproduced], folder: Path) -> str:
    """A line an experiment: what became of it, how far its score may move and why; and which clips drifted."""
    lines = [f"\n{'experiment':<28}   now stored clips that differ"]
    for row in rows:
        numbers = f"{row.now:.3f} {row.stored:6.3f} {len(row.differ):17}"
        lines.append(f"{row.experiment:<28} {numbers}  {row}")
        if row.verdict == "DRIFTED":
            few = [*islice(named(row.differ), NAMED)]
            rest = [f"{len(row.differ) - NAMED} more"] if len(row.differ) > NAMED else []
            lines.append(f"    {'; '.join([*few, *rest])} (all: {folder / row.experiment}.differ.csv)")
    return "\n".join(lines)


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
        taken = {name: Run(folder).record.get("seconds") for name, folder in stored.items()}
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
