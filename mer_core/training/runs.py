"""A run: every fold and seed of one method on one corpus, in a folder that is the only source of its numbers.

    run.json                         what was asked for, on which data, by which code, on which machine
    predictions/s01-seed0.parquet    a row a clip: clip, subject, fold, seed, truth, predicted, p_<class> …
    epochs/s01-seed0.npy             (E, n, C) probabilities after every epoch, if asked for
    weights/s01-seed0.safetensors    the network, with a card beside it (.json), if asked for
    histories/s01-seed0.parquet      a row an epoch: fold, seed, stage, epoch, each term of the loss, accuracy, …
    checksums/s01-seed0.sha256       of these files, as `sha256sum` writes them

Once all parts are there, `history.parquet` holds all histories, and `learnt` in `run.json` says of each part how well
it knows its own training clips, and what is conspicuous. Runs of earlier versions have neither.

A part (one fold, one seed) is written at once or not at all, and depends on nothing but its own seed. So a run that was
killed at any moment and started again gives the predictions of one that was not, and repeats no finished part; one that
is damaged, or that other code than today's computed, is made again.

`results/` keeps runs that are finished, with one table in the place of their parts (`mer_core.ledger.stored`): such a
run is read like any other, and can't be gone on with.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import Timeout

from mer_core import atomic
from mer_core.asked import ask
from mer_core.clips import sha256
from mer_core.locks import locked
from mer_core.progress import progress
from mer_core.reading import read_json, read_parquet
from mer_core.settings import diff
from mer_core.training.engines import ENGINES
from mer_core.training.parts import (
    Material,
    Part,
    Result,
    RunError,
    RunSettings,
    material,
    numerics,
)
from mer_core.training.provenance import code_of, provenance
from mer_core.training.records import Detections, Record, read_detections, read_predictions, read_settings
from mer_core.training.weights import card
from mer_core.workers import at_most, begin

KEPT = "What is finished is kept: `mer resume`."


def run(
    settings: RunSettings,
    folder: Path | str,
    workers: int | None = 1,
    engine: str = "local",
    per_gpu: int = 1,
    log: Path | None = None,
) -> "Run":
    """Compute what is missing of a run, damaged or by other code, in a folder that is new or holds this very run.

    `local` computes in `workers` processes here (None: one a core, or one if it has a GPU to feed); `ray` wherever a
    cluster has room, with `per_gpu` parts at once on a GPU. `log` is a folder for TensorBoard to watch.
    """
    begin()
    if engine not in ENGINES:
        raise RunError(f"There is no engine {engine!r}; there are {', '.join(ENGINES)}.")
    settings, made = settings.checked(), Run(Path(folder))
    material.cache_clear()  # a method that was edited and imported again is another one
    with made.locked():
        with at_most(workers):  # rendering, too
            shared = material(plain := settings.model_dump_json())
        made.describe(settings, shared)
        workers = workers or ((os.cpu_count() or 1) if settings.device == "cpu" else 1)
        todo, parts = made.todo(), made.parts()
        with progress(total=len(parts), initial=len(parts) - len(todo), desc=str(folder), unit="part") as bar:
            at_once = workers if engine == "local" else per_gpu
            for part, result in ENGINES[engine](plain, todo, at_once, **({"log": log} if log else {})):
                made.keep(part, result, shared)
                bar.set_postfix_str(_last(result))
                bar.update()
        made.conclude()
    return made


@dataclass(frozen=True)
class Run:
    """A run's folder, with its parts or as it is stored. Looking at it needs neither the corpus nor the method."""

    folder: Path

    def __post_init__(self) -> None:
        if self.is_stored:
            ask(self.name)

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """A run that exists."""
        if not (Path(folder) / "run.json").exists():
            raise RunError(f"{folder} is no run: it has no run.json. `mer run` makes one.")
        return cls(Path(folder))

    @property
    def is_stored(self) -> bool:
        """Whether it is finished and kept in one table, without its parts and networks."""
        return (self.folder / "predictions.parquet").exists()

    def refuse_stored(self) -> None:
        """An error if there are no parts here to go on with, and no networks to ask."""
        if self.is_stored:
            raise RunError(
                f"{self.folder} is a stored run, without its parts and networks: `mer show` and `mer compare` take "
                "it, `mer run` makes another."
            )

    @property
    def name(self) -> str:
        """Its folder; of a stored run its place in `results/`: `fdp/mean`."""
        return "/".join(self.folder.parts[-2:]) if self.is_stored else str(self.folder)

    @cached_property
    def record(self) -> dict[str, Any]:
        """What was asked for, on which data, by which code, on which machine."""
        return read_json(self.folder / "run.json", Record)

    @cached_property
    def settings(self) -> RunSettings:
        """What was asked for."""
        return read_settings(self.record, self.folder / "run.json")

    def parts(self) -> list[Part]:
        """All that the run consists of, in order."""
        return [Part(fold, seed) for seed in self.settings.seeds for fold in self.record["folds"]]

    def missing(self) -> list[Part]:
        """What is not computed yet, or is damaged."""
        return [part for part in self.parts() if not self._is_whole(part)]

    def damaged(self) -> list[Part]:
        """What is there, and not as it was written."""
        return [part for part in self.missing() if self.file(part).exists()]

    def finished(self) -> list[Part]:
        """What is computed and whole, by whatever code."""
        return [part for part in self.parts() if self._is_whole(part)]

    def stale(self) -> list[Part]:
        """What is whole, but computed by other code than today's."""
        today = self.todays_code()
        return [part for part in self.finished() if self._note(part)["code"] != today]

    def todo(self) -> list[Part]:
        """What `run` computes: the missing and the stale."""
        todo = {*self.missing(), *self.stale()}
        return [part for part in self.parts() if part in todo]

    def file(self, part: Part) -> Path:
        """Where a part's predictions are."""
        return self.folder / "predictions" / f"{part}.parquet"

    def epochs_of(self, part: Part) -> Path:
        """Where a part's probabilities after every epoch are, if they were kept."""
        return self.folder / "epochs" / f"{part}.npy"

    def weights(self, part: Part) -> Path:
        """Where a part's network is, if it was kept: `load_network` reads it."""
        return self.folder / "weights" / f"{part}.safetensors"

    def history_of(self, part: Part) -> Path:
        """Where a part's history is, if it has one: estimators and runs of earlier versions have none."""
        return self.folder / "histories" / f"{part}.parquet"

    def checksums(self, part: Part) -> Path:
        """Where the checksums of a part's files are."""
        return self.folder / "checksums" / f"{part}.sha256"

    def _files(self, part: Part) -> list[Path]:
        """All that is kept of a part; the predictions come last, since they say that it is finished."""
        history = [self.history_of(part)] if self._names_history(part) else []
        epochs = [self.epochs_of(part)] if self.settings.every_epoch else []
        weights = [self.weights(part), self.weights(part).with_suffix(".json")]
        return [*history, *epochs, *(weights if self.settings.keep_weights else []), self.file(part)]

    def _names_history(self, part: Part) -> bool:
        sums, name = self.checksums(part), self.history_of(part).relative_to(self.folder).as_posix()
        return sums.exists() and name.encode() in sums.read_bytes()

    def _is_whole(self, part: Part) -> bool:
        if self.is_stored:
            return True
        files, sums = self._files(part), self.checksums(part)
        if not all(file.is_file() for file in files):
            return False
        if not sums.exists():
            return _has_rows(self.file(part))  # older than checksums
        return sums.read_bytes() == self._sums({file: _checksum(file) for file in files})

    def _sums(self, checksums: dict[Path, str]) -> bytes:
        names = {file.relative_to(self.folder).as_posix(): sum_ for file, sum_ in checksums.items()}
        return "".join(f"{sum_}  {name}\n" for name, sum_ in names.items()).encode()

    def todays_code(self) -> str | None:
        """Of a part that would be computed now; None: nobody here knows its method."""
        try:
            return code_of(self.settings.create_method())
        except ValueError:
            return None

    @property
    def predictions(self) -> pd.DataFrame:
        """The pooled predictions of all finished parts: a row a clip and seed."""
        if self.is_stored:
            return self._table
        if not (parts := self.finished()):
            unread = self.unread()
            why = f" ({unread} files are there, damaged or of an older version)" if unread else ""
            raise RunError(f"{self.folder} has no predictions yet: `mer resume {self.folder}`{why}.")
        return pd.concat([read_predictions(self.file(part)) for part in parts], ignore_index=True)

    @cached_property
    def _table(self) -> pd.DataFrame:
        return read_predictions(self.folder / "predictions.parquet")

    @cached_property
    def epochs(self) -> np.ndarray:  # (E, N)
        """What was predicted after each epoch, for the rows of `predictions`, if it was kept."""
        if self.is_stored:
            return read_parquet(self.folder / "epochs.parquet").to_numpy().T
        probabilities = (np.load(self.epochs_of(part)) for part in self.finished())  # (E, n, C) each
        return np.concatenate([of_part.argmax(axis=2) for of_part in probabilities], axis=1).astype(np.int8)

    @cached_property
    def action_units(self) -> Detections | None:
        """What is stored of the action units of each clip, said by networks that never saw its subject."""
        file = self.folder / "action_units.parquet"
        return read_detections(file) if file.exists() else None

    @property
    def history(self) -> pd.DataFrame | None:
        """A row an epoch of every finished part; None: none of them kept any."""
        if self.is_stored:
            return read_parquet(file) if (file := self.folder / "history.parquet").exists() else None
        files = [self.history_of(part) for part in self.finished() if self._names_history(part)]
        return pd.concat(map(read_parquet, files), ignore_index=True) if files else None

    @property
    def learnt(self) -> dict[str, dict]:
        """What is said of each finished part; of those by earlier versions nothing."""
        if self.is_stored:
            return self.record.get("learnt", {})
        held = {part: _metadata(self.file(part)).get(b"learnt") for part in self.finished()}
        return {
            str(part): {"fold": part.fold, "seed": part.seed, **json.loads(text)}
            for part, text in held.items()
            if text
        }

    def conclude(self) -> None:
        """Put together what the parts say of their training: `history.parquet`, and `learnt` in `run.json`."""
        history, learnt = self.history, self.learnt
        if history is not None:
            _renew(self.folder / "history.parquet", _parquet(history, {}))
        if learnt != self.record.get("learnt", {}):
            _write(self.folder / "run.json", _json({**self.record, "learnt": learnt}))
            vars(self).pop("record", None)

    def unread(self) -> int:
        """How many files of predictions there are that no whole part owns."""
        return len({*self.folder.glob("predictions/*.parquet")} - {*map(self.file, self.finished())})

    def notes(self) -> pd.DataFrame:
        """A row a finished part: the seconds it took, and the code and numerics that computed it.

        Of a stored run the parts share its seconds, and its code computed all of them.
        """
        table = pd.DataFrame([self._note(part) for part in self.finished()], columns=[*NOTES])
        return table.astype({"seconds": float})

    def _note(self, part: Part) -> Mapping[str, str]:
        if self.is_stored:
            return self._shared_note
        held = _metadata(self.file(part))
        return {name: held.get(name.encode(), absent).decode() for name, absent in NOTES.items()}

    @cached_property
    def _shared_note(self) -> dict[str, str]:
        record, seconds = self.record, self.record.get("seconds", float("nan"))
        return {
            "seconds": str(seconds / len(self.parts())),
            "code": record["code"]["sha256"],
            "numerics": record["numerics"],
            "selection": self.settings.selection,
        }

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held while the run computes: a second one says so and stops."""
        self.refuse_stored()
        self._refuse_other_files()
        try:
            with locked(self.folder / "lock", timeout=0):
                yield
        except Timeout:
            raise RunError(f"{self.folder} is being computed by another process right now.") from None

    def _refuse_other_files(self) -> None:
        if self.folder.exists() and not (self.folder / "run.json").exists():
            ours = {"lock", atomic.unfinished(self.folder / "run.json").name}
            unknown = {path.name for path in self.folder.iterdir()} - ours
            if unknown:
                raise RunError(f"{self.folder} holds other files ({min(unknown)}, …): choose another folder.")

    def describe(self, settings: RunSettings, shared: Material) -> None:
        """Write what this run is; a folder that holds another run is refused, one by other code described anew."""
        now = {**_identity(settings, shared), **provenance(shared.method)}
        if (self.folder / "run.json").exists():
            self._refuse_another(now)
            if self.record.get("code", {}).get("sha256") == now["code"]["sha256"]:
                return
        _write(self.folder / "run.json", _json(now))
        vars(self).pop("record", None)

    def _refuse_another(self, now: dict) -> None:
        """Going on with other settings, data or kernels would mix two runs."""
        there, here = (
            {**{name: record.get(name) for name in IDENTITY}, "torch": record["environment"]["torch"]}
            for record in (self.record, json.loads(json.dumps(now)))
        )
        if differ := diff(there, here):
            lines = "".join(
                f"\n  {name} is {old}, asked for is {new}" for name, (old, new) in sorted(differ.items())
            )
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
        if result.made_by["code"] != self.record["code"]["sha256"]:
            raise RunError(
                f"{part} was computed by other code than this run began with: a file was edited meanwhile, or a "
                f"machine of the cluster has another version. {KEPT}"
            )
        contents = self._contents(part, result, shared)
        sums = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
        predictions = contents.pop(self.file(part))
        for file, content in {**contents, self.checksums(part): self._sums(sums)}.items():
            _write(file, content)
        _write(self.file(part), predictions)
        for file in self._older_files(part):
            file.unlink()

    def _older_files(self, part: Part) -> list[Path]:
        """What a part left that was computed before two folds always had two names."""
        name = f"{part.fold.replace('/', '-')}-seed{part.seed}"
        files = self.folder.glob(f"*/{escape(name)}.*") if name != str(part) else ()
        return [file for file in files if file.stem == name]

    def _contents(self, part: Part, result: Result, shared: Material) -> dict[Path, bytes]:
        """What each file of a part holds."""
        made = {}
        if result.history is not None:
            made[self.history_of(part)] = _parquet(result.history, {})
        if result.epochs is not None:
            made[self.epochs_of(part)] = _npy(result.epochs.astype(np.float32))
        if result.weights is not None:
            about = json.dumps(card(result.weights, self.settings, shared, part), indent=1) + "\n"
            made |= {
                self.weights(part): result.weights,
                self.weights(part).with_suffix(".json"): about.encode(),
            }
        note = {**result.made_by, "seconds": f"{result.seconds:.3f}", "selection": self.settings.selection}
        note["learnt"] = json.dumps(result.learnt)
        return {**made, self.file(part): _parquet(result.table, note)}


NOTES = {
    "seconds": b"nan",
    "code": b"",
    "numerics": b"",
    "selection": b"",
}  # of a part; and where none was written
LARGE = 2**20  # bytes: a network is read once for its checksum, and again only when its file changes


def _checksum(file: Path) -> str:
    state = file.stat()
    large = state.st_size > LARGE
    return _checksum_of(file, state.st_mtime_ns, state.st_size) if large else sha256(file)


@lru_cache(maxsize=10_000)
def _checksum_of(file: Path, changed: int, size: int) -> str:
    return sha256(file)


def _has_rows(file: Path) -> bool:
    try:
        return pq.read_table(file).num_rows > 0
    except (OSError, pa.ArrowException):
        return False


def _metadata(file: Path) -> dict[bytes, bytes]:
    return pq.read_schema(file).metadata or {}


def _last(result: Result) -> str:
    """How a part ended, for the bar."""
    if result.history is None:
        return ""
    last = result.history.iloc[-1].drop(["fold", "seed", "stage"]).dropna()
    return ", ".join(f"{name} {value:.3g}" for name, value in last.items())


def _json(record: dict) -> bytes:
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()


def _parquet(table: pd.DataFrame, note: dict[str, str]) -> bytes:
    rows, buffer = pa.Table.from_pandas(table, preserve_index=False), BytesIO()
    pq.write_table(rows.replace_schema_metadata({**rows.schema.metadata, **note}), buffer)
    return buffer.getvalue()


def _npy(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _renew(path: Path, content: bytes) -> None:
    """Write a file that says something else, or nothing yet."""
    if not path.exists() or path.read_bytes() != content:
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    try:
        atomic.write(path, content)
    except OSError as error:
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
