"""The same training step computed in several ways, side by side: what `fdp.py` and `mol.py` measure with.

Each way is measured in a process of its own, since memory that was used once is never given back, and in turns, so that
a busy moment meets all of them. On a GPU there is a table for each precision.
"""

import mer_core.pinned

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from mer_core.devices import find_device
from mer_core.methods import create_method

Build = Callable[
    [str, int, str], Callable[[], Tensor]
]  # (way, clips, device) → a forward pass that gives the loss
PRECISIONS = {"cpu": ["float32"], "cuda": ["float32", "tf32", "bf16"], "mps": ["float32"]}


@dataclass(frozen=True)
class Case:
    """What is computed in several ways; the last of them is the one to compare with."""

    about: str
    file: str
    method: str
    clip: tuple[int, ...]  # shape
    ways: tuple[str, ...]
    build: Build
    batches: tuple[int, ...]


def main(case: Case) -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=case.about.splitlines()[0])
    options.add_argument("--device", type=find_device, default="cpu")
    options.add_argument("--batches", type=int, nargs="+", default=case.batches, help="clips a step")
    options.add_argument("--steps", type=int, default=2, help="of each turn, after one that warms up")
    options.add_argument("--turns", type=int, default=2)
    options.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)  # for the processes of `turn`
    asked = options.parse_args()
    if asked.measure:
        way, batch, precision = asked.measure
        print(json.dumps(measure(case.build, way, int(batch), asked.device, precision, asked.steps)))
        return
    cost = multiply_adds(case)
    where = torch.cuda.get_device_name() if asked.device == "cuda" else f"{os.cpu_count()} cores"
    print(f"{where}; load {os.getloadavg()[0]:.1f} at the start; {cost:.2f} G a clip")
    for precision in PRECISIONS[asked.device]:
        rate = matrix_rate(asked.device, precision)
        print(f"\n{precision}: {rate:.0f} G multiply-adds a second in a product of matrices")
        for batch in asked.batches:
            turns = [
                {way: turn(case.file, way, batch, precision, asked) for way in case.ways}
                for _ in range(asked.turns)
            ]
            print(table(turns, batch, cost, rate).to_string(index=False))


def turn(file: str, way: str, batch: int, precision: str, asked: argparse.Namespace) -> tuple[float, float]:
    """One measurement: seconds of a step, MB at the peak."""
    words = [sys.executable, file, "--steps", str(asked.steps), "--device", asked.device]
    words += ["--measure", way, str(batch), precision]
    return tuple(json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout))


def table(turns: list[dict[str, tuple[float, float]]], batch: int, cost: float, rate: float) -> pd.DataFrame:
    """A row a way; ratios are medians over turns. A step counts as three forward passes."""
    *_, literal = turns[0]
    rows = []
    for way in turns[0]:
        seconds = statistics.median(made[way][0] for made in turns)
        faster = statistics.median(made[literal][0] / made[way][0] for made in turns)
        memory = statistics.median(made[way][1] for made in turns)
        larger = statistics.median(made[way][1] / made[literal][1] for made in turns)
        rows.append(
            {
                "way": way,
                "clips a step": batch,
                "s a clip": f"{seconds / batch:.3g}",
                "times as fast": f"{faster:.2f}",
                "share of the matrix rate": f"{3 * cost * batch / (seconds * rate):.0%}",
                "peak MB": round(memory),
                "times the memory": f"{larger:.2f}",
            }
        )
    return pd.DataFrame(rows)


def measure(
    build: Build, way: str, batch: int, device: str, precision: str, steps: int
) -> tuple[float, float]:
    """Median seconds of a step, forward and backward, and the peak of memory in MB."""
    set_precision(precision)
    torch.manual_seed(0)
    loss, taken = build(way, batch, device), []
    for _ in range(steps + 1):
        begun = time.perf_counter()
        with torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext():
            value = loss()
        value.backward()
        wait(device)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:]), peak(device)


def set_precision(precision: str) -> None:
    """Whether float32 products may be rounded to 19 bits."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def wait(device: str) -> None:
    """Until the device has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def peak(device: str) -> float:
    """MB at the most, of the device or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def matrix_rate(device: str, precision: str) -> float:
    """G multiply-adds a second, the best of some tries."""
    set_precision(precision)
    side = 8192 if device == "cuda" else 3000
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    taken = []
    for _ in range(6):
        begun = time.perf_counter()
        F.linear(a, b)
        wait(device)
        taken.append(time.perf_counter() - begun)
    return side**3 / min(taken) / 1e9


def multiply_adds(case: Case) -> float:
    """G multiply-adds of one clip forward."""
    network = create_method(case.method, preset="paper").network(5).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        network(torch.zeros(1, *case.clip))
    return counted.get_total_flops() / 2e9
