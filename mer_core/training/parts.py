"""What a run consists of: one part a fold and seed, each computed on its own."""

import hashlib
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from mer_core import open_corpus
from mer_core.clips import ClipSet
from mer_core.methods import Method, create_method
from mer_core.protocols import Fold, class_map, leave_one_subject_out, subject_groups
from mer_core.settings import Settings
from mer_core.training.devices import find_device
from mer_core.training.fit import Examples, Selection, examples, fit_and_predict


class RunError(RuntimeError):
    """A run can't go on; the message says why and what to do."""


class RunSettings(Settings):
    """What a run computes. Two runs with equal settings, data and numerics give equal predictions."""

    method: str
    preset: str = "book"
    settings: dict = Field({}, description="the method's settings that differ from the preset")
    corpus: str = "synth"
    classes: str = Field("megc2019-3class", description="class map")
    groups: int | None = Field(None, ge=2, description="subject groups; none: leave one subject out")
    seeds: tuple[int, ...] = (0,)
    selection: Selection = "last"
    device: str = "cpu"
    every_epoch: bool = Field(False, description="keep the probabilities after every epoch, for an audit")
    limit: int | None = Field(None, ge=2, description="the first clips only")


@dataclass(frozen=True)
class Part:
    """One fold and one seed."""

    fold: str
    seed: int

    def __str__(self) -> str:
        return f"{self.fold.replace('/', '-')}-seed{self.seed}"


@dataclass(frozen=True)
class Material:
    """Everything that the parts of a run share, loaded once a process."""

    method: Method
    clips: ClipSet
    examples: Examples
    folds: dict[str, Fold]
    classes: tuple[str, ...]


@lru_cache(maxsize=2)
def material(plain: str) -> Material:
    """The clips of a run as its method sees them, and the folds."""
    settings = RunSettings.model_validate_json(plain)
    method = create_method(settings.method, settings.preset, **settings.settings)
    chosen = class_map(settings.classes)
    clips = open_corpus(settings.corpus).clipset(method.view, limit=settings.limit)
    labels = chosen.label(clips.clips)
    clips, labels = clips.select(labels.notna()), labels.dropna().astype(int).to_numpy()
    subjects = clips.clips["subject"].to_numpy()
    folds = (
        leave_one_subject_out(subjects)
        if settings.groups is None
        else subject_groups(subjects, settings.groups)
    )
    made = examples(method, clips, labels, len(chosen.classes))
    return Material(method, clips, made, {fold.name: fold for fold in folds}, chosen.classes)


def compute(plain: str, part: Part) -> tuple[pd.DataFrame, np.ndarray | None, float]:
    """One part: its table of predictions, the probabilities of every epoch, the seconds it took.

    A part has one thread and a seed of its own, so that neither the number of workers nor the order matters.
    """
    torch.set_num_threads(1)
    start = time.monotonic()
    settings, shared = RunSettings.model_validate_json(plain), material(plain)
    fold, device = shared.folds[part.fold], find_device(settings.device)
    train, test = shared.examples.take(fold.train), shared.examples.take(fold.test)
    seed = int.from_bytes(hashlib.sha256(str(part).encode()).digest()[:4], "big") % 2**31
    made, epochs = fit_and_predict(
        shared.method, train, test, seed, device, settings.selection, settings.every_epoch
    )
    rows = shared.clips.clips.iloc[fold.test]
    table = pd.DataFrame(
        {"clip": rows["clip"], "subject": rows["subject"], "fold": part.fold, "seed": part.seed}
    )
    table["truth"], table["predicted"] = test.labels.numpy(), made.argmax(axis=1)
    for number, name in enumerate(shared.classes):
        table[f"p_{name}"] = made[:, number]
    return table.reset_index(drop=True), epochs, time.monotonic() - start
