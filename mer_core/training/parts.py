"""What a run consists of: one part a fold and seed, each computed on its own."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from safetensors.torch import save as pack
from tqdm import tqdm

from mer_core import open_corpus
from mer_core.clips import ClipSet
from mer_core.devices import check_precision, find_device
from mer_core.methods import FeatureMethod, Method, create_method
from mer_core.methods.base import Start
from mer_core.numerics import numerics_class
from mer_core.progress import progress
from mer_core.protocols import Fold, class_map, megc2019, split
from mer_core.settings import Settings
from mer_core.training.events import EventWriter
from mer_core.training.fit import (
    Examples,
    Fitted,
    Row,
    Selection,
    counts_subclips,
    examples,
    fit_and_predict,
    fold_seed,
)
from mer_core.training.learnt import above_shuffle, judge, warnings
from mer_core.training.provenance import code_of
from mer_core.training.starts import first_weights

# The columns of a history that every method has; the terms of its loss stand between them.
KEYS, MEASURED = ("stage", "epoch"), ("accuracy", "gradient_norm", "rate")


class RunError(RuntimeError):
    """A run can't go on; the message says why and what to do."""


class RunSettings(Settings):
    """What a run computes. On a CPU, equal settings, data and numerics give equal predictions; a GPU nearly so."""

    method: str
    preset: str = "book"
    settings: dict = Field({}, description="the method's settings that differ from the preset")
    corpus: str = "synth"
    classes: str = Field("megc2019-3class", description="class map")
    groups: Annotated[int, Field(ge=2)] | Literal["corpus"] | None = Field(
        None, description="subject groups, or hold out a corpus; none: leave one subject out"
    )
    official: str | None = Field(
        None, description="the organisers' list of MEGC 2019: its 442 clips and no other"
    )
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    selection: Selection = "last"
    device: str = "cpu"
    every_epoch: bool = Field(False, description="keep the probabilities after every epoch, for an audit")
    keep_weights: bool = Field(False, description="keep every part's network")
    limit: int | None = Field(None, ge=2, description="that many clips only, each emotion with its share")
    labelled: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of a fold's training clips that is learnt from, of each class at least one",
    )

    def create_method(self) -> Method:
        """The method as it is set here."""
        return create_method(self.method, self.preset, **self.settings)

    def checked(self) -> "RunSettings":
        """The same with the device found; an error for whatever can be known to be wrong before data are prepared."""
        method = self.create_method()
        counts_subclips(method)
        epochs = self.selection != "last" or self.every_epoch
        if isinstance(method, FeatureMethod) and (epochs or self.keep_weights):
            raise RunError(
                f"{self.method} is no network: it has no epochs to select or keep, and no weights; "
                "its selection is last."
            )
        refuse_selection(method, self.selection)
        device = find_device(self.device)
        check_precision(getattr(method.settings, "precision", "float32"), device)
        first_files(method)  # whether they are there
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise RunError(f"Expected different seeds from 0 on, got {list(self.seeds)}.")
        labelled, _ = _labelled(open_corpus(self.corpus).clips, self)
        split(labelled["subject"].to_numpy(), self.groups)
        return self.replace(device=device)


def refuse_selection(method: Method, selection: Selection) -> None:
    """An error where there is nothing to choose: an epoch is one of the last stage."""
    if isinstance(method, FeatureMethod) or selection == "last":
        return
    *earlier, last = method.stages()
    if earlier and last.epochs == 1:
        raise RunError(
            f"{selection} chooses among the epochs of the last stage, and that of {method.name}, {last.name}, has one: "
            "its selection is last."
        )


def first_files(method: Method) -> dict[str, Path]:
    """The files that first weights come from, by the setting that names them; an error if one is not there."""
    asked = {name: getattr(method.settings, name) for name in method.files}
    files = {name: Path(path) for name, path in asked.items() if path}
    if missing := [f"{name}={path}" for name, path in files.items() if not path.is_file()]:
        raise RunError(f"There is no file {', '.join(missing)}: name torchvision's weights, or leave it out.")
    return files


def _labelled(clips: pd.DataFrame, settings: RunSettings) -> tuple[pd.DataFrame, np.ndarray]:
    """The clips that belong to a class, and the number of it."""
    if settings.official:
        clips = clips.iloc[megc2019(clips, settings.official)]
    return class_map(settings.classes).within(clips)


@dataclass(frozen=True)
class Part:
    """One fold and one seed."""

    fold: str
    seed: int

    def __str__(self) -> str:
        """A name for files, `synth+s01-seed0`: no two folds share one, and none leads to another folder."""
        letters = (letter if letter.isalnum() else quote(letter, safe="/") for letter in self.fold)
        return f"{''.join(letters).replace('/', '+')}-seed{self.seed}"


@dataclass(frozen=True)
class Material:
    """Everything that the parts of a run share, loaded once a process."""

    method: Method
    classes: tuple[str, ...]
    clips: ClipSet
    labels: np.ndarray  # (N,)
    folds: dict[str, Fold]
    left_out: dict[str, int]  # clips by emotion that belong to no class
    starts: dict[int, Start | None]  # what was learnt before, by seed

    @cached_property
    def examples(self) -> Examples:
        """The clips as the method sees them."""
        return examples(self.method, self.clips, self.labels, len(self.classes))

    @property
    def fingerprint(self) -> dict[str, str]:
        """Checksum of every file that the clips or first weights come from, and of what was learnt before."""
        starts = {f"start of seed {seed}": start.sha256 for seed, start in self.starts.items() if start}
        return self.clips.provenance["sha256"] | starts | self._files

    @cached_property
    def _files(self) -> dict[str, str]:
        files = first_files(self.method).items()
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files}


@lru_cache(maxsize=2)
def material(plain: str) -> Material:
    """The clips of a run and its folds; `plain` is its settings as JSON."""
    settings = RunSettings.model_validate_json(plain)
    method = settings.create_method()
    every = open_corpus(settings.corpus).clipset(method.view, limit=settings.limit)
    table, labels = _labelled(every.clips, settings)
    folds = {fold.name: fold for fold in split(table["subject"].to_numpy(), settings.groups)}
    left_out = every.clips.drop(table.index)["emotion"].value_counts().to_dict()
    classes, device = class_map(settings.classes).classes, find_device(settings.device)
    starts = {seed: first_weights(method, set(table["subject"]), seed, device) for seed in settings.seeds}
    return Material(method, classes, every.select(table.index), labels, folds, left_out, starts)


@dataclass(frozen=True)
class Result:
    """A computed part: plain data, since it may come from another machine."""

    table: pd.DataFrame  # a row a clip
    epochs: np.ndarray | None  # (E, n, C)
    weights: bytes | None  # safetensors
    history: pd.DataFrame | None  # a row an epoch; an estimator has none
    learnt: dict[str, object]  # what is to be said of it: see `judged`
    seconds: float
    made_by: dict[str, str]  # code and numerics of the process that computed it
    fingerprint: dict[str, str]  # of the data that it saw


def compute(plain: str, part: Part, log: Path | None = None) -> Result:
    """One part: it has a seed of its own, so that neither the number of workers nor their order matters.

    With `log`, its history is also written there while it trains, in a folder of its own.
    """
    start = time.monotonic()
    settings, shared = RunSettings.model_validate_json(plain), material(plain)
    code = code_of(shared.method)  # before anybody edits it
    fold, device = shared.folds[part.fold], find_device(settings.device)
    seed = fold_seed(part.fold, part.seed)
    learnt = some_of_each(fold.train, shared.labels, settings.labelled, seed)
    train, test = shared.examples.take(learnt), shared.examples.take(fold.test)
    asked = (settings.selection, settings.every_epoch, shared.starts[part.seed])
    with _recording(shared.method, part, log) as record:
        fitted = fit_and_predict(shared.method, train, test, seed, device, *asked, record)
    history = _history(part, record.rows) if record else None
    learnt = judged(shared.method, fitted, test, history)
    weights = _weights(fitted) if settings.keep_weights else None
    made_by = {"code": code, "numerics": numerics(device)}
    seconds, table = time.monotonic() - start, _table(shared, part, fitted.probabilities)
    return Result(table, fitted.epochs, weights, history, learnt, seconds, made_by, shared.fingerprint)


class _Recorder:
    """Keeps the rows of a history, shows them on a terminal, and writes them down for TensorBoard if asked to."""

    def __init__(self, bar: tqdm, writer: EventWriter | None) -> None:
        self.rows: list[Row] = []
        self.bar, self.writer = bar, writer

    def __call__(self, row: Row) -> None:
        self.rows.append(row)
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in row.items() if name not in KEYS})
        self.bar.update()
        if self.writer:
            self.writer.row(row)


@contextmanager
def _recording(method: Method, part: Part, log: Path | None) -> Iterator[_Recorder | None]:
    if isinstance(method, FeatureMethod):
        yield None
        return
    epochs = sum(stage.epochs for stage in method.stages())
    is_alone = parent_process() is None  # several workers would write over each other's bars
    with progress(
        total=epochs, desc=str(part), unit="epoch", **({} if is_alone else {"disable": True})
    ) as bar:
        yield _Recorder(bar, EventWriter(log / str(part)) if log else None)


def _history(part: Part, rows: list[Row]) -> pd.DataFrame:
    """`fold, seed, stage, epoch`, a column a term of the loss, `accuracy, gradient_norm, rate`."""
    table = pd.DataFrame(rows)
    terms = [name for name in table if name not in (*KEYS, *MEASURED)]
    return table.assign(fold=part.fold, seed=part.seed)[["fold", "seed", *KEYS, *terms, *MEASURED]]


def judged(method: Method, fitted: Fitted, test: Examples, history: pd.DataFrame | None) -> dict[str, object]:
    """What was learnt: `train_uf1`, `above_shuffle`, `explained` of each second task, `losses`, `warnings`."""
    if history is None:
        predicted = fitted.probabilities.argmax(axis=1)
        return {
            "above_shuffle": above_shuffle(test.labels.numpy(), predicted, test.n_classes),
            "warnings": [],
        }
    found = judge(method, fitted.network, fitted.train, fitted.test, fitted.probabilities)
    return {**found, "warnings": warnings(found, history)}


def numerics(device: str) -> str:
    """The kernels that compute: those of the processor, and of a GPU its kind."""
    if torch.device(device).type != "cuda":
        return numerics_class()
    return f"{numerics_class()} {torch.cuda.get_device_name(device)} CUDA={torch.version.cuda}"


def some_of_each(rows: np.ndarray, labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """That share of the rows of each class, at least one; a smaller share is a part of a larger one."""
    order = pd.Series(np.random.RandomState(seed).permutation(rows))
    classes = order.groupby(labels[order])
    most = (share * classes.transform("size")).round().clip(lower=1)
    return np.sort(order[classes.cumcount() < most].to_numpy())


def _table(shared: Material, part: Part, probabilities: np.ndarray) -> pd.DataFrame:
    clips = _rows(shared, shared.folds[part.fold].test)
    table = clips[["clip", "subject"]].assign(fold=part.fold, seed=part.seed)
    table["truth"], table["predicted"] = clips["label"], probabilities.argmax(axis=1)
    for number, name in enumerate(shared.classes):
        table[f"p_{name}"] = probabilities[:, number]
    return table


def _rows(shared: Material, test: np.ndarray) -> pd.DataFrame:
    """A row a clip; or, if they are what is counted, a row a sub-clip: `name#1`, `name#2`, …"""
    clips = shared.clips.clips.iloc[test].assign(label=shared.labels[test]).reset_index(drop=True)
    if not counts_subclips(shared.method):
        return clips
    clips = clips.loc[clips.index.repeat(shared.examples.subclips[test])]
    number = clips.groupby(level=0).cumcount() + 1
    return clips.assign(clip=clips["clip"] + "#" + number.astype(str)).reset_index(drop=True)


def _weights(fitted: Fitted) -> bytes:
    return pack({name: value.cpu().contiguous() for name, value in fitted.network.state_dict().items()})
