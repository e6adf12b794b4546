"""What MIACNet costs: a clip forward, a step of training, a step of its pre-training.

    python benchmarks/ma2mi.py [--steps N] [--presets book paper]

Goals on two idle cores, preset `book`: a clip forward takes at most 0.25 G multiply-adds, a fold of `synth` in 5 groups
of subjects (118 clips to learn from) less than 40 s, the pre-training less than 5 minutes. A step counts as three times
the multiply-adds of its forward pass; the share compares it with what one thread, all that a fold has, reaches in a
large product of matrices. Four clips a step, whatever the preset has. Expect two minutes.
"""

import mer_core.pinned

import argparse
import os
import statistics
import time
from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from mer_core.methods import create_method
from mer_core.methods.ma2mi import MA2MI
from mer_core.methods.ma2mi.reconstruction import Reconstruction

CLIPS, FOLD = 4, 118


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=5, help="of each measurement, after one that warms up")
    options.add_argument("--presets", nargs="+", default=["book", "paper"])
    asked = options.parse_args()
    torch.set_num_threads(1)
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start")
    print(f"{(rate := matrix_rate()):.0f} G multiply-adds a second in a product of matrices, one thread")
    for preset in asked.presets:
        method = create_method("miacnet", preset)
        rows = pd.DataFrame(measured(method, asked.steps, rate))
        print(f"\n{preset}\n{rows.round(3).to_string(index=False)}\n{sums(method, rows['s a clip'])}")


def measured(method: MA2MI, steps: int, rate: float) -> list[dict[str, object]]:
    """A row for each thing that is done again and again."""
    network, learner = method.network(3), Reconstruction(method.settings)
    if method.settings.channels_last:
        network = network.to(memory_format=torch.channels_last)
    x = torch.randn(CLIPS, 2, 3, method.settings.size, method.settings.size)
    calls = {
        "forward": (1, network.eval(), lambda: forward(network, x)),
        "training": (3, network, lambda: train(network.train(), lambda: recognition_loss(network, x))),
        "pre-training": (3, learner, lambda: train(learner.train(), lambda: learner.loss(x))),
    }
    rows = []
    for name, (times, model, call) in calls.items():
        cost, seconds = times * multiply_adds(model, x[:1]), median_seconds(call, steps) / CLIPS
        share = f"{cost / (seconds * rate):.0%}"
        rows.append(
            {
                "what": name,
                "G multiply-adds a clip": cost,
                "s a clip": seconds,
                "share of the matrix rate": share,
            }
        )
    return rows


@torch.no_grad()
def forward(network: nn.Module, x: Tensor) -> None:
    """Without gradients."""
    network(x)


def train(model: nn.Module, loss: Callable[[], Tensor]) -> None:
    """A step without its optimiser, whose share is small."""
    model.zero_grad()
    loss().backward()


def recognition_loss(network: nn.Module, x: Tensor) -> Tensor:
    """Of any labels."""
    return F.cross_entropy(network(x)["emotion"], torch.arange(len(x)) % 3)


def sums(method: MA2MI, seconds: pd.Series) -> str:
    """What the steps add up to."""
    chosen = method.settings
    fold, before = FOLD * chosen.epochs * seconds[1], chosen.macro_batch * chosen.macro_steps * seconds[2]
    return f"a fold of {FOLD} clips, {chosen.epochs} epochs: {fold:.0f} s; the whole pre-training: {before:.0f} s"


def median_seconds(call: Callable[[], None], steps: int) -> float:
    """Of a call, once it is warm."""
    taken = []
    for _ in range(steps + 1):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])


def multiply_adds(model: nn.Module, x: Tensor) -> float:
    """G multiply-adds of one clip forward."""
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        model.eval()(x)
    return counted.get_total_flops() / 2e9


def matrix_rate(side: int = 2000) -> float:
    """G multiply-adds a second, the best of some tries."""
    a, b = torch.randn(side, side), torch.randn(side, side)
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        F.linear(a, b)
        taken.append(time.perf_counter() - begun)
    return side**3 / min(taken) / 1e9


if __name__ == "__main__":
    main()
