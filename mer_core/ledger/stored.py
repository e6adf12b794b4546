"""Runs kept in the repository, under `results/`: the only source of a number that a chapter does not compute itself.

    run.json              the run's own record: settings, data, code, machine; the seconds that its parts took, summed;
                          and its scores, which follow from the predictions and are there to be read
    predictions.parquet   a row a clip and seed: clip, subject, fold, seed, truth, predicted, p_<class> …
    history.parquet       a row an epoch of every part: each term of the loss, accuracy, the gradient's norm, the rate;
                          runs stored before there was one have none, and no `learnt` in `run.json`
    epochs.parquet        a row a clip and seed: what was predicted after each epoch, if the run kept it
    action_units.parquet  a row a clip of the first seed: AU4 …, p_AU4 …; if networks were kept that learn action units

`mer keep` fills such a folder, `mer reproduce` compares it with what is computed again.
"""

import json
import os
import re
from pathlib import Path

import pandas as pd

from mer_core import atomic
from mer_core.scoring.tables import score_table
from mer_core.training import Run
from mer_core.training.detections import detections


def stored_runs(results: Path) -> list[Run]:
    """All that are stored, by name."""
    return [Run(path.parent) for path in sorted(results.glob("*/*/run.json"))]


def keep(run: Run, folder: Path) -> Run:
    """Put a finished run into a folder of the repository: kilobytes, where the run itself has megabytes.

    It takes the place of all that the folder held, once it is whole: nothing of an older run may stand beside it.
    """
    run.refuse_stored()
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
    return Run(folder)


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
    pooled = run.predictions
    pooled.to_parquet(folder / "predictions.parquet", index=False)
    if run.history is not None:
        run.history.to_parquet(folder / "history.parquet", index=False)
    if run.settings.every_epoch:
        names = [f"epoch {number}" for number in range(1, len(run.epochs) + 1)]
        pd.DataFrame(run.epochs.T, columns=names).to_parquet(folder / "epochs.parquet", index=False)
    if run.settings.keep_weights and run.settings.create_method().action_units:
        detections(run).table.to_parquet(folder / "action_units.parquet", index=False)
    record = {
        **run.record,
        "learnt": run.learnt,
        "seconds": round(run.notes()["seconds"].sum(), 1),
        "scores": readable(pooled),
    }
    (folder / "run.json").write_text(
        json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def readable(predictions: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The scores with their intervals, to four digits."""
    table = score_table(predictions).round(4)
    return {score: row.dropna().to_dict() for score, row in table.iterrows()}
