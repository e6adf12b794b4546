"""Some parts of the stored runs computed anew: drawn by a seed, so that nobody chooses which.

All stored runs take fifteen hours; that a file was moved must not cost them. A sample says in minutes whether today's
code still gives the answers that are stored.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from mer_core import open_corpus
from mer_core.ledger.reproduction import answered_otherwise
from mer_core.ledger.stored import stored_runs
from mer_core.settings import flat
from mer_core.training import Run
from mer_core.training.parts import Material, Part, Result, RunSettings, compute, material
from mer_core.training.provenance import packages, processor


@dataclass(frozen=True)
class Stored:
    """A part of a stored run."""

    run: Run
    part: Part
    seconds: float  # that it took; NaN: nobody noted it

    def __str__(self) -> str:
        return f"{self.run.name}, {self.part.fold}, seed {self.part.seed}"

    @property
    def answers(self) -> pd.DataFrame:
        """What is stored of it: a row a clip."""
        table = self.run.predictions
        return table[(table["fold"] == self.part.fold) & (table["seed"] == self.part.seed)]


@dataclass(frozen=True)
class Repeated:
    """A part that was computed anew."""

    stored: Stored
    differ: pd.DataFrame  # a row a clip that is answered otherwise
    unlike: tuple[str, ...]  # what is not as it was, so that answers may differ; empty: they may not

    @property
    def same(self) -> int:
        """How many of the stored answers were given again."""
        return len(self.stored.answers) - int(self.differ["predicted_stored"].notna().sum())

    @property
    def is_wrong(self) -> bool:
        """Whether an answer differs that may not."""
        return not self.unlike and len(self.differ) > 0

    def __str__(self) -> str:
        counted = f"{self.stored}: {self.same} of {len(self.stored.answers)} answers are the same"
        if self.differ.empty:
            return counted
        clips = ", ".join(self.differ["clip"].head(5)) + (" …" if len(self.differ) > 5 else "")
        return (
            f"{counted}; {clips} MAY NOT DIFFER" if self.is_wrong else f"{counted}; {'; '.join(self.unlike)}"
        )


def stored_parts(results: Path) -> list[Stored]:
    """All parts of the stored runs whose corpus is here; where no seconds are stored, the method's others tell them."""
    runs = stored_runs(results)
    parts = [one for run in runs if _is_here(run.record["settings"]["corpus"]) for one in _parts(run)]
    seconds = pd.Series([one.seconds for one in parts], dtype=float)
    methods = pd.Series([one.run.record["settings"]["method"] for one in parts], dtype=str)
    usual = seconds.groupby(methods).transform("mean").fillna(seconds.mean())
    return [Stored(one.run, one.part, cost) for one, cost in zip(parts, seconds.fillna(usual), strict=True)]


def _parts(run: Run) -> Iterator[Stored]:
    folds, seeds = run.record["folds"], run.record["settings"]["seeds"]
    seconds = run.record.get("seconds", float("nan")) / (len(folds) * len(seeds))
    yield from (Stored(run, Part(fold, seed), seconds) for seed in seeds for fold in folds)


@cache
def _is_here(corpus: str) -> bool:
    try:
        return open_corpus(corpus) is not None
    except ValueError:
        return False


def draw(parts: Sequence[Stored], n: int, seed: int, minutes: float) -> list[Stored]:
    """So many of them, in the order of the seed, passing over what no longer fits into the time."""
    drawn: list[Stored] = []
    left = minutes * 60
    for number in np.random.RandomState(seed % 2**32).permutation(len(parts)):
        if len(drawn) < n and parts[number].seconds <= left:
            drawn.append(parts[number])
            left -= parts[number].seconds
    if not drawn:
        raise ValueError(
            f"Of {len(parts)} stored parts none takes {minutes:g} minutes or less: allow more --minutes."
        )
    return drawn


def repeat(stored: Stored) -> Repeated:
    """Compute a part with the settings that are stored, and compare its answers."""
    plain = RunSettings.parse(stored.run.record["settings"]).model_dump_json()
    shared = material(plain)
    if stored.part.fold not in shared.folds:
        raise ValueError(f"{stored}: there is no such fold today; there are {', '.join(shared.folds)}.")
    made = compute(plain, stored.part)
    differ = answered_otherwise(made.table, stored.answers)
    return Repeated(stored, differ, _unlike(stored.run.record, shared, made))


def _unlike(record: Mapping, shared: Material, made: Result) -> tuple[str, ...]:
    """What is not as it was. A method that draws nothing needs the same data; a network the same machine, too."""
    now, before = dict(flat(shared.method.settings.plain())), dict(flat(record["method"]))
    changed = [
        f"{name} is {now.get(name)}, was {was}" for name, was in before.items() if now.get(name) != was
    ]
    files = {name for name, _ in record["data"]["sha256"].items() ^ shared.fingerprint.items()}
    changed += [f"other data ({', '.join(sorted(files))})"] if files else []
    if not shared.method.draws:
        return tuple(changed)
    pairs = {
        "kernels": (record["numerics"], made.made_by["numerics"]),
        "packages": (record["environment"], packages()),
        "processor": (record["hardware"].get("processor"), processor()),
    }
    others = [name for name, (was, now) in pairs.items() if was is None or was != now]
    return (*changed, *([f"other {', '.join(others)}"] if others else []))


def repeated(drawn: Sequence[Stored], minutes: float) -> Iterator[Repeated]:
    """One after the other, until the time is over: what must be prepared first takes its time, too."""
    end = time.monotonic() + minutes * 60
    for stored in drawn:
        yield repeat(stored)
        if time.monotonic() > end:
            return


def conclusion(rows: Sequence[Repeated], drawn: Sequence[Stored]) -> str:
    """How many of the stored answers were given again, in all."""
    same, answers = sum(row.same for row in rows), sum(len(row.stored.answers) for row in rows)
    whole = sum(row.differ.empty for row in rows)
    late = f" The time was over before {len(drawn) - len(rows)} others." if len(rows) < len(drawn) else ""
    return f"{same} of {answers} stored answers are the same, in {whole} of {len(rows)} parts all.{late}"


def refuse_wrong(rows: Sequence[Repeated]) -> None:
    """An error if an answer differs that may not."""
    if wrong := [str(row.stored) for row in rows if row.is_wrong]:
        raise RuntimeError(
            f"{len(wrong)} parts must give every stored answer again, and don't: {'; '.join(wrong)}."
        )
