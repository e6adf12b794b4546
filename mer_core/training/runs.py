"""A run: every fold and seed of one method on one corpus, in a folder that is the only source of its numbers.

    run.json                         what was asked for, on which data, by which code, on which machine
    predictions/s01-seed0.parquet    a row a clip: clip, subject, fold, seed, truth, predicted, p_<class> …
    epochs/s01-seed0.npy             (E, n, C) probabilities after every epoch, if asked for
    weights/s01-seed0.safetensors    the network, with a card beside it (.json), if asked for

A part (one fold, one seed) is written at once or not at all, and depends on nothing but its own seed. So a run that was
killed at any moment and started again gives the predictions of one that was not, and repeats no finished part.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from filelock import Timeout

from mer_core.locks import locked
from mer_core.progress import progress
from mer_core.training.engines import ENGINES
from mer_core.training.parts import (
    Material,
    Part,
    Result,
    RunError,
    RunSettings,
    code_version,
    material,
    numerics,
)
from mer_core.training.weights import card
from mer_core.workers import at_most, begin

KEPT = "What is finished is kept: `mer resume`."


def run(
    settings: RunSettings,
    folder: Path | str,
    workers: int | None = 1,
    engine: str = "local",
    per_gpu: int = 1,
) -> "Run":
    """Compute what is missing of a run, in a folder that is new or holds this very run.

    `local` computes in `workers` processes here (None: one a core, or one if it has a GPU to feed); `ray` wherever a
    cluster has room, with `per_gpu` parts at once on a GPU.
    """
    begin()
    if engine not in ENGINES:
        raise RunError(f"There is no engine {engine!r}; there are {', '.join(ENGINES)}.")
    settings, made = settings.checked(), Run(Path(folder))
    with made.locked():
        with at_most(workers):  # rendering, too
            shared = material(plain := settings.model_dump_json())
        made.describe(settings, shared)
        workers = workers or ((os.cpu_count() or 1) if settings.device == "cpu" else 1)
        todo, parts = made.missing(), made.parts()
        with progress(total=len(parts), initial=len(parts) - len(todo), desc=str(folder), unit="part") as bar:
            for part, result in ENGINES[engine](plain, todo, workers if engine == "local" else per_gpu):
                made.keep(part, result, shared)
                bar.update()
    return made


@dataclass(frozen=True)
class Run:
    """A run's folder. Looking at it needs neither the corpus nor the method."""

    folder: Path

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """A run that exists."""
        if not (Path(folder) / "run.json").exists():
            raise RunError(f"{folder} is no run: it has no run.json. `mer run` makes one.")
        if (Path(folder) / "predictions.parquet").exists():
            raise RunError(
                f"{folder} is a stored run, without its parts and networks: `mer review` shows it, "
                "`mer run` makes another."
            )
        return cls(Path(folder))

    @cached_property
    def record(self) -> dict:
        """What was asked for, on which data, by which code, on which machine."""
        return json.loads((self.folder / "run.json").read_text())

    @cached_property
    def settings(self) -> RunSettings:
        """What was asked for."""
        return RunSettings.parse(self.record["settings"])

    def parts(self) -> list[Part]:
        """All that the run consists of, in order."""
        return [Part(fold, seed) for seed in self.settings.seeds for fold in self.record["folds"]]

    def missing(self) -> list[Part]:
        """What is not computed yet."""
        return [part for part in self.parts() if not self.file(part).exists()]

    def finished(self) -> list[Part]:
        """What is computed."""
        return [part for part in self.parts() if self.file(part).exists()]

    def file(self, part: Part) -> Path:
        """Where a part's predictions are."""
        return self.folder / "predictions" / f"{part}.parquet"

    def weights(self, part: Part) -> Path:
        """Where a part's network is, if it was kept: `load_network` reads it."""
        return self.folder / "weights" / f"{part}.safetensors"

    def predictions(self) -> pd.DataFrame:
        """The pooled predictions of all finished parts."""
        if not (parts := self.finished()):
            raise RunError(f"{self.folder} has no predictions yet: `mer resume {self.folder}`.")
        return pd.concat([pd.read_parquet(self.file(part)) for part in parts], ignore_index=True)

    def notes(self) -> pd.DataFrame:
        """A row a finished part: the seconds it took, and the code and numerics that computed it."""
        notes = [pq.read_schema(self.file(part)).metadata for part in self.finished()]
        names = ("seconds", "code", "numerics", "selection")
        table = pd.DataFrame(
            [[note[name.encode()].decode() for name in names] for note in notes], columns=names
        )
        return table.astype({"seconds": float})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held while the run computes: a second one says so and stops."""
        self._refuse_other_files()
        try:
            with locked(self.folder / "lock", timeout=0):
                yield
        except Timeout:
            raise RunError(f"{self.folder} is being computed by another process right now.") from None

    def _refuse_other_files(self) -> None:
        if self.folder.exists() and not (self.folder / "run.json").exists():
            unknown = {path.name for path in self.folder.iterdir()} - {"lock", _unfinished("run.json")}
            if unknown:
                raise RunError(f"{self.folder} holds other files ({min(unknown)}, …): choose another folder.")

    def describe(self, settings: RunSettings, shared: Material) -> None:
        """Write what this run is; a folder that holds another run is refused."""
        now = {**_identity(settings, shared), **_provenance()}
        if (self.folder / "run.json").exists():
            self._refuse_another(now)
        else:
            text = json.dumps(now, indent=1, ensure_ascii=False) + "\n"
            _write(self.folder / "run.json", lambda path: path.write_text(text))

    def _refuse_another(self, now: dict) -> None:
        """Going on with other settings, data or kernels would mix two runs."""
        there, here = (
            {**{name: record.get(name) for name in IDENTITY}, "torch": record["environment"]["torch"]}
            for record in (self.record, json.loads(json.dumps(now)))
        )
        differ = _differences(there, here)
        if differ:
            lines = "".join(f"\n  {line}" for line in differ)
            raise RunError(
                f"{self.folder} holds another run:{lines}\nChoose another folder, or delete this one."
            )

    def keep(self, part: Part, result: Result, shared: Material) -> None:
        """Write a part, whole or not at all; the predictions come last, since they say that it is finished."""
        if result.fingerprint != shared.fingerprint:
            names = sorted({name for name, _ in result.fingerprint.items() ^ shared.fingerprint.items()})
            raise RunError(
                f"{part} was computed on a machine whose data differ from this one's ({', '.join(names)}). Clips and "
                f"files can be copied, and so can the cache, where starts lie that were learnt before. {KEPT}"
            )
        if result.epochs is not None:
            epochs = result.epochs.astype(np.float32)
            _write(self.folder / "epochs" / f"{part}.npy", lambda path: path.write_bytes(_npy(epochs)))
        if result.weights is not None:
            about = json.dumps(card(result.weights, self.settings, shared, part), indent=1) + "\n"
            _write(self.weights(part), lambda path: path.write_bytes(result.weights))
            _write(self.weights(part).with_suffix(".json"), lambda path: path.write_text(about))
        note = {**result.made_by, "seconds": f"{result.seconds:.3f}", "selection": self.settings.selection}
        rows = pa.Table.from_pandas(result.table, preserve_index=False)
        rows = rows.replace_schema_metadata({**rows.schema.metadata, **note})
        _write(self.file(part), lambda path: pq.write_table(rows, path))


def _npy(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _unfinished(name: str) -> str:
    return f".{name}.unfinished"


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Through a temporary file beside it: whoever looks sees the whole file or none."""
    unfinished = path.with_name(_unfinished(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(unfinished)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())  # on the disk before it gets its name
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise RunError(f"{path} can't be written ({error}). {KEPT}") from error


# What must not change between a start and a resume.
IDENTITY = ("settings", "method", "folds", "data", "numerics")


def _identity(settings: RunSettings, shared: Material) -> dict:
    used = {"clips": len(shared.clips), "left out, in no class": shared.left_out}
    return {
        "settings": settings.plain(),
        "method": shared.method.settings.plain(),  # all of them: a preset may change with the code
        "folds": list(shared.folds),
        "data": {**used, "sha256": shared.fingerprint},
        "numerics": numerics(settings.device),
    }


def _provenance() -> dict:
    packages = ("torch", "torchvision", "numpy", "scikit-learn", "opencv-python", "pandas")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "code": {"mer_core": version("mer-core"), "sha256": code_version()},
        "environment": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count(), "gpu": gpu},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _differences(there: object, now: object, name: str = "") -> list[str]:
    """`settings.seeds is [0], asked for is [0, 1]`."""
    if isinstance(there, dict) and isinstance(now, dict):
        names = sorted({*there, *now})
        return [
            line for k in names for line in _differences(there.get(k), now.get(k), f"{name}.{k}".lstrip("."))
        ]
    return [] if there == now else [f"{name} is {there}, asked for is {now}"]
