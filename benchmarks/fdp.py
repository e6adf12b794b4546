"""What a training step of FDP costs in the paper's size, beside the same network with its frames one by one.

    python benchmarks/fdp.py [--steps N] [--batches 4 36]

Goals: with four clips a step at least 1.4 times as fast as frame by frame, with 36 not slower, and at most 1.2 times
the memory. Each measurement is a process of its own on all cores. The share compares a step (three times the
multiply-adds of its forward pass) with what this machine reaches in one large product of matrices. Expect five minutes.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from mer_core.methods import Stage, create_method
from mer_core.methods.fdp import FDPNet


class FrameByFrame(nn.Module):
    """The same mathematics as it is published: a loop over frames, and a 3-D convolution over the volume."""

    def __init__(self, network: FDPNet) -> None:
        super().__init__()
        self.network = network
        self.pool = nn.Conv3d(1, 8, (3, 3, 8), padding=(1, 1, 0))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 8, H, W) → emotion (B, C), dynamic_image (B, S, S)."""
        vectors = torch.stack(
            [self.network.encode(frame[:, None]) for frame in x.unbind(1)], dim=2
        )  # (B, V, 8)
        side = self.network.pool.side
        dynamics = self.pool(vectors.unflatten(1, (side, side))[:, None]).squeeze(4)  # (B, 8, S, S)
        image = self.network.draw(dynamics).squeeze(1).sigmoid()
        return {"emotion": self.network.recognise(dynamics), "dynamic_image": image}


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--steps", type=int, default=3, help="steps of each measurement, after one that warms up"
    )
    options.add_argument("--batches", type=int, nargs="+", default=[4, 36], help="clips a step")
    options.add_argument(
        "--measure", nargs=2, help=argparse.SUPPRESS
    )  # one measurement, for the processes below
    asked = options.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure[0], int(asked.measure[1]), asked.steps)))
        return
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start")
    rate, cost = matrix_rate(), multiply_adds()
    print(f"{rate:.0f} G multiply-adds a second in a product of matrices; {cost:.2f} G a clip forward\n")
    for batch in asked.batches:
        print(compare(batch, asked.steps, rate, cost).to_string(index=False), "\n")


def compare(batch: int, steps: int, rate: float, cost: float) -> pd.DataFrame:
    """A row for each way to compute."""
    made = {name: in_a_process(name, batch, steps) for name in ("at once", "frame by frame")}
    literal = made["frame by frame"]
    rows = [
        {
            "frames": name,
            "clips a step": batch,
            "s a step": round(seconds, 2),
            "s a clip": round(seconds / batch, 3),
            "times as fast": round(literal[0] / seconds, 2),
            "share of the matrix rate": f"{3 * cost * batch / (seconds * rate):.0%}",
            "peak MB": round(memory),
            "times the memory": round(memory / literal[1], 2),
        }
        for name, (seconds, memory) in made.items()
    ]
    return pd.DataFrame(rows)


def in_a_process(name: str, batch: int, steps: int) -> tuple[float, float]:
    """One measurement in a process of its own, since memory that was used once is never given back."""
    words = [sys.executable, __file__, "--steps", str(steps), "--measure", name, str(batch)]
    return tuple(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))


def measure(name: str, batch: int, steps: int) -> tuple[float, float]:
    """Median seconds of a step, and the peak of memory in MB."""
    torch.manual_seed(0)
    method = create_method("fdp", preset="paper", precision="float32")
    model = method.network(5).to(memory_format=torch.channels_last)
    model = model if name == "at once" else FrameByFrame(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-3)
    clips = {"x": torch.randn(batch, 8, 64, 64), "dynamic_image": torch.rand(batch, 64, 64)}
    clips |= {"label": torch.arange(batch) % 5, "class_weight": None}
    taken = []
    for _ in range(steps + 1):
        begun = time.perf_counter()
        model.zero_grad()
        sum(method.losses(model(clips["x"]), clips, Stage("all", 1)).values()).backward()
        optimiser.step()
        taken.append(time.perf_counter() - begun)
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes on Linux
    return statistics.median(taken[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def matrix_rate(side: int = 3000) -> float:
    """G multiply-adds a second, the best of some tries."""
    a, b = torch.randn(side, side), torch.randn(side, side)
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        F.linear(a, b)
        taken.append(time.perf_counter() - begun)
    return side**3 / min(taken) / 1e9


def multiply_adds() -> float:
    """G multiply-adds of one clip forward."""
    with torch.device("meta"):
        model = create_method("fdp", preset="paper").network(5).eval()
        with FlopCounterMode(display=False) as counted:
            model(torch.empty(1, 8, 64, 64))
    return counted.get_total_flops() / 2e9


if __name__ == "__main__":
    main()
