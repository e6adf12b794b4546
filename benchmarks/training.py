"""What a training step costs, how much of it is not the method's own work, and how long a whole run takes.

    python benchmarks/training.py [--steps N] [--workers N]

Goals on two idle cores: the input side (choosing the clips of a batch, with augmentation switched off as the presets
have it) under 5 % of a step; STSTNet on `synth`, three classes, leave one subject out, under 90 s. One thread, one
process, book presets; shares are ratios within one run, so they hold on a busy machine too. Expect two minutes,
and one more to render `synth` the first time.
"""

import mer_core.pinned

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torchvision.models import resnet18

from mer_core import open_corpus
from mer_core.methods import METHODS, Augment, NetworkMethod, create_method
from mer_core.training import Examples, RunSettings, examples, fit, fit_network, run
from mer_core.training.fit import one_thread

STRONG = Augment(flip=True, rotate=10, shift=0.05, contrast=0.1, brightness=0.1)


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=200, help="steps of each small network")
    options.add_argument("--workers", type=int, default=os.cpu_count(), help="processes of the whole run")
    asked = options.parse_args()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start\n")
    print(steps(asked.steps).to_string(index=False), "\n")
    print(whole_run(asked.workers))


def steps(n: int) -> pd.DataFrame:
    """A row a network: as its preset has it, and with every kind of augmentation."""
    rows = []
    for name in [name for name, method in METHODS.items() if issubclass(method, NetworkMethod)]:
        for augment in ({}, STRONG.plain()):
            method = create_method(name, augment=augment)
            rows.append(measure(name, method, clips_of(method), n, augment != {}))
    for augment in (
        Augment(),
        STRONG,
    ):  # the size of a paper's network: 16 clips of 224 × 224 through a ResNet-18
        method = Large(Large.Settings(augment=augment))
        rows.append(measure("ResNet-18, 224 px", method, random_clips(32), 4, augment == STRONG))
    return pd.DataFrame(rows)


def clips_of(method: NetworkMethod) -> Examples:
    """All of `synth`, with labels that mean nothing: time is all that counts here."""
    clips = open_corpus("synth").clipset(method.view)
    return examples(method, clips, np.arange(len(clips)) % 3, 3)


def random_clips(n: int) -> Examples:
    """Pictures of noise in a paper's size."""
    x = torch.randn(n, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return Examples({"x": x}, torch.arange(n) % 3, np.array(["toy/s"] * n), 3)


class Named(nn.Module):
    """A network of torchvision with the output that the contract asks for."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.network = resnet18(num_classes=n_classes)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """(B, 3, H, W) → emotion (B, C)."""
        return {"emotion": self.network(x)}


class Large(METHODS["ststnet"]):
    """Stands for a paper's network."""

    def network(self, n_classes: int) -> nn.Module:
        """A ResNet-18."""
        return Named(n_classes)


def measure(name: str, method: NetworkMethod, data: Examples, n: int, is_varied: bool) -> dict[str, object]:
    """Seconds of `n` steps, and what part of them is not the model, the loss and the optimiser."""
    epochs = max(1, n * method.settings.batch // len(data.labels))
    method.settings = method.settings.replace(epochs=epochs)
    taken = Counter()
    with one_thread(), timed(fit, "_step", taken), timed(fit, "augment", taken):
        fit_network(method, data.take(np.arange(16)), seed=0)  # the first steps make room for everything
        taken.clear()
        begun = time.perf_counter()
        fit_network(method, data, seed=0)
        whole = time.perf_counter() - begun
    done = epochs * -(-len(data.labels) // method.settings.batch)
    return {
        "network": name,
        "augmentation": "all kinds" if is_varied else "none",
        "clips a step": method.settings.batch,
        "ms a step": round(1000 * whole / done, 2),
        "model, loss, optimiser": f"{taken['_step'] / whole:.1%}",
        "augmentation's share": f"{taken['augment'] / whole:.1%}",
        "the rest": f"{(whole - sum(taken.values())) / whole:.1%}",
    }


@contextmanager
def timed(owner: object, name: str, taken: Counter) -> Iterator[None]:
    """Add up the time spent in a function while the block runs."""
    function: Callable = getattr(owner, name)

    @wraps(function)
    def call(*args: object) -> object:
        begun = time.perf_counter()
        try:
            return function(*args)
        finally:
            taken[name] += time.perf_counter() - begun

    setattr(owner, name, call)
    try:
        yield
    finally:
        setattr(owner, name, function)


def whole_run(workers: int) -> str:
    """STSTNet on every fold of `synth`, workers' start included, the rendering of the corpus not."""
    with tempfile.TemporaryDirectory() as folder:
        settings = RunSettings(method="ststnet")
        clips_of(settings.create_method())
        begun = time.perf_counter()
        made = run(settings, Path(folder) / "run", workers=workers)
        seconds, computing = time.perf_counter() - begun, made.notes()["seconds"].sum()
    return (
        f"ststnet on synth, 3 classes, {len(made.parts())} folds, {workers} workers: {seconds:.0f} s "
        f"({computing:.0f} s of computing in all workers)"
    )


if __name__ == "__main__":
    main()
