"""A run: every fold and seed of one method on one corpus, in a folder that is the only source of its numbers.

    run.json                         what was asked for, on which data, by which code, on which machine
    predictions/s01-seed0.parquet    a row a clip: clip, subject, fold, seed, truth, predicted, p_<class> …
    epochs/s01-seed0.npy             (E, n, C) probabilities after every epoch, if asked for

A part (one fold, one seed) is written at once or not at all, and depends on nothing but its own seed. So a run that was
killed at any moment and started again gives the predictions of one that was not, and repeats no finished part.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from filelock import FileLock, Timeout

import mer_core
from mer_core.numerics import numerics_class
from mer_core.training import engines
from mer_core.training.parts import Part, RunError, RunSettings, material

Engine = Literal["local", "ray"]


def run(
    settings: RunSettings,
    folder: Path,
    workers: int = 1,
    engine: Engine = "local",
    tell: Callable[[Part], object] = lambda part: None,
) -> "Run":
    """Compute what is missing of a run: in `workers` processes here, or wherever a Ray cluster has room."""
    made = Run.create(folder, settings)
    compute_all = engines.local if engine == "local" else engines.on_ray
    with made.locked():
        for part, result in compute_all(settings.model_dump_json(), made.missing(), workers):
            made.keep(part, *result)
            tell(part)
    return made


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, settings: RunSettings) -> Self:
        """A new run, or the same one again: a folder that holds another run is refused."""
        run = cls(Path(folder))
        record = {"settings": settings.plain(), **_provenance(settings)}
        if (run.folder / "run.json").exists():
            run.check(record)
        else:
            run.folder.mkdir(parents=True, exist_ok=True)
            _write(run.folder / "run.json", lambda path: path.write_text(json.dumps(record, indent=1) + "\n"))
        return run

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """A run that exists."""
        if not (Path(folder) / "run.json").exists():
            raise RunError(f"{folder} is no run: it has no run.json. `mer run` makes one.")
        return cls(Path(folder))

    @property
    def record(self) -> dict:
        """What was asked for, on which data, by which code, on which machine."""
        return json.loads((self.folder / "run.json").read_text())

    @property
    def settings(self) -> RunSettings:
        """What was asked for."""
        return RunSettings.parse(self.record["settings"])

    def check(self, now: dict) -> None:
        """Going on with other settings or other data would mix two runs."""
        for name in ("settings", "data"):
            if self.record[name] != now[name]:
                raise RunError(
                    f"{self.folder} holds another run: its {name} are {self.record[name]}, now {now[name]}. "
                    "Choose another folder, or delete this one."
                )

    def parts(self) -> list[Part]:
        """All that the run consists of, in order."""
        settings = self.settings
        folds = material(settings.model_dump_json()).folds
        return [Part(fold, seed) for seed in settings.seeds for fold in folds]

    def missing(self) -> list[Part]:
        """What is not computed yet."""
        return [part for part in self.parts() if not self.file(part).exists()]

    def file(self, part: Part) -> Path:
        """Where a part's predictions are."""
        return self.folder / "predictions" / f"{part}.parquet"

    def keep(self, part: Part, table: pd.DataFrame, epochs: np.ndarray | None, seconds: float) -> None:
        """Write a part, whole or not at all; the predictions come last, since they say that it is finished."""
        if epochs is not None:
            _write(self.folder / "epochs" / f"{part}.npy", lambda path: _save(path, epochs))
        note = {"seconds": f"{seconds:.3f}", "numerics": numerics_class()}
        rows = pa.Table.from_pandas(table, preserve_index=False)
        rows = rows.replace_schema_metadata({**rows.schema.metadata, **note})
        _write(self.file(part), lambda path: pq.write_table(rows, path))

    def predictions(self) -> pd.DataFrame:
        """The pooled predictions of all finished parts."""
        files = sorted((self.folder / "predictions").glob("*.parquet"))
        if not files:
            raise RunError(f"{self.folder} has no predictions yet: `mer resume {self.folder}`.")
        return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)

    def seconds(self) -> float:
        """Time of all finished parts together."""
        files = (self.folder / "predictions").glob("*.parquet")
        return sum(float(pq.read_schema(file).metadata[b"seconds"]) for file in files)

    def locked(self) -> FileLock:
        """Held while the run computes: a second one says so and stops."""
        lock = FileLock(self.folder / "lock", timeout=0)
        try:
            return lock.acquire()
        except Timeout:
            raise RunError(f"{self.folder} is being computed by another process right now.") from None


def _save(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array.astype(np.float32))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Through a temporary file beside it: whoever looks sees the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise RunError(
            f"{path} can't be written ({error}). What is finished is kept: `mer resume`."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _provenance(settings: RunSettings) -> dict:
    clips = material(settings.model_dump_json()).clips
    sources = sorted(Path(mer_core.__file__).parent.rglob("*.py"))
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    packages = ("torch", "torchvision", "numpy", "scikit-learn", "opencv-python", "pandas")
    return {
        "data": {"clipset": clips.folder.name, "sha256": clips.provenance["sha256"]},
        "code": {"mer_core": version("mer-core"), "sha256": code},
        "environment": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "numerics": numerics_class(),
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count(), "gpu": _gpu()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _gpu() -> str | None:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
