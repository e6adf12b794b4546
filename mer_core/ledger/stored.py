"""Runs kept in the repository, under `results/`: the only source of a number that a chapter does not compute itself.

    run.json              the run's own record: settings, data, code, machine; the seconds that its parts took, summed;
                          and its scores, which follow from the predictions and are there to be read
    predictions.parquet   a row a clip and seed: clip, subject, fold, seed, truth, predicted, p_<class> …
    epochs.parquet        a row a clip and seed: what was predicted after each epoch, if the run kept it
    action_units.parquet  a row a clip of the first seed: AU4 …, p_AU4 …; if networks were kept that learn action units

`mer keep` fills such a folder, `mer reproduce` compares it with what is computed again.
"""

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mer_core import atomic
from mer_core.asked import ask
from mer_core.reading import FileError, read_json, read_parquet
from mer_core.scoring.tables import score_table
from mer_core.studies.detection import Detections, detections
from mer_core.training import Run
from mer_core.training.records import Record, read_predictions


@dataclass(frozen=True)
class StoredRun:
    """A run as the repository keeps it."""

    folder: Path

    def __post_init__(self) -> None:
        ask(self.name)
        if not (self.folder / "run.json").exists():
            raise FileNotFoundError(f"{self.folder} holds no stored run: it has no run.json.")

    @property
    def name(self) -> str:
        """Its place in `results/`: `fdp/mean`."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @cached_property
    def record(self) -> dict:
        """What was asked for, on which data, by which code, on which machine."""
        return read_json(self.folder / "run.json", Record)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Pooled over folds."""
        return read_predictions(self.folder / "predictions.parquet")

    @cached_property
    def epochs(self) -> np.ndarray:  # (E, N)
        """What was predicted after each epoch, for the rows of `predictions`."""
        return read_parquet(self.folder / "epochs.parquet").to_numpy().T

    @cached_property
    def action_units(self) -> Detections | None:
        """What was said of the action units of each clip, by networks that never saw its subject; if it is stored."""
        file = self.folder / "action_units.parquet"
        if not file.exists():
            return None
        table = read_parquet(file)
        units = tuple(int(name[2:]) for name in table if re.fullmatch(r"AU\d+", name))
        shown, said = ([f"{kind}{unit}" for unit in units] for kind in ("AU", "p_AU"))
        if not units or {*shown, *said} != {*table}:
            raise FileError(f"{file}: expected columns AU4 …, p_AU4 … for action units, got {list(table)}.")
        return Detections(table[shown].to_numpy(), table[said].to_numpy(), units)


def stored_runs(results: Path) -> list[StoredRun]:
    """All that are stored, by name."""
    return [StoredRun(path.parent) for path in sorted(results.glob("*/*/run.json"))]


def keep(run: Run, folder: Path) -> StoredRun:
    """Put a finished run into a folder of the repository: kilobytes, where the run itself has megabytes.

    It takes the place of all that the folder held, once it is whole: nothing of an older run may stand beside it.
    """
    if missing := run.missing():
        raise ValueError(
            f"{run.folder} is not finished: {len(missing)} parts are missing. `mer resume` it first."
        )
    if {*run.notes()["code"]} != {run.record["code"]["sha256"]}:
        raise ValueError(
            f"Parts of {run.folder} were computed by other code than the rest: `mer resume` it first."
        )
    with atomic.folder(folder) as made:
        _write(run, made)
    return StoredRun(folder)


def new_place(results: Path, name: str) -> Path:
    """A folder of `results/` that is not there yet; an error for what is no name, or is taken.

    A run of no list stands in `own`: `mine` is `own/mine`.
    """
    if not re.fullmatch(r"(\w[\w.+-]*/)?\w[\w.+-]*", name):
        raise ValueError(f"Expected a name in results/, such as inflate/ststnet, and no path, got {name!r}.")
    atomic.recover(place := results / (name if "/" in name else f"own/{name}"))
    if os.path.lexists(place):
        raise ValueError(
            f"Expected the name of a new folder, but there is a {place}: choose another, or delete it."
        )
    return place


def _write(run: Run, folder: Path) -> None:
    parts, pooled = run.parts(), run.predictions()
    pooled.to_parquet(folder / "predictions.parquet", index=False)
    if run.settings.every_epoch:
        epochs = [np.load(run.epochs(part)).argmax(axis=2) for part in parts]  # (E, n) each
        names = [f"epoch {number + 1}" for number in range(len(epochs[0]))]
        table = pd.DataFrame(np.concatenate(epochs, axis=1).T.astype(np.int8), columns=names)
        table.to_parquet(folder / "epochs.parquet", index=False)
    if run.settings.keep_weights and run.settings.create_method().action_units:
        _table(detections(run)).to_parquet(folder / "action_units.parquet", index=False)
    record = {**run.record, "seconds": round(run.notes()["seconds"].sum(), 1), "scores": readable(pooled)}
    (folder / "run.json").write_text(
        json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def readable(predictions: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The scores with their intervals, to four digits."""
    table = score_table(predictions).round(4)
    return {score: row.dropna().to_dict() for score, row in table.iterrows()}


def _table(found: Detections) -> pd.DataFrame:
    shown, said = ([f"{kind}{unit}" for unit in found.units] for kind in ("AU", "p_AU"))
    return pd.DataFrame(found.truth, columns=shown).join(pd.DataFrame(found.probabilities, columns=said))
