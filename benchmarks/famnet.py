"""What hierarchical attention and a second task cost: a training step of AMNet3D beside torchvision's r3d_18.

    python benchmarks/famnet.py [--device cuda] [--batch N] [--rounds N]

Goal: a step takes at most 1.35 times as long. Both are of the paper's size, get the same clips and are measured in
turns in one process; on a GPU in bf16 with channels last, as the preset has it, on a processor in float32. The reading
that convolves before it pools is measured too, for what that costs. Expect three minutes on two cores.
"""

import mer_core.pinned

import argparse
import os
import statistics
import time

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.video import r3d_18

from mer_core.methods import Stage, create_method
from mer_core.training import find_device


class Plain(nn.Module):
    """torchvision's network, which takes (B, T, 3, H, W) and names its output as the others do."""

    def __init__(self) -> None:
        super().__init__()
        self.network = r3d_18(num_classes=3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, T, 3, H, W) → emotion (B, C)."""
        return {"emotion": self.network(x.transpose(1, 2))}


class Learner:
    """A network with all that a training step needs."""

    def __init__(self, network: nn.Module | None, device: str, **changes: object) -> None:
        precision = "bf16" if device == "cuda" else "float32"
        self.method = create_method("amnet3d", "paper", precision=precision, **changes)
        self.network = (network or self.method.network(3)).to(device).train()
        if precision == "bf16":
            self.network.to(memory_format=torch.channels_last_3d)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=1e-4)

    def step(self, batch: dict[str, Tensor]) -> float:
        """Forward, losses, backward, optimiser; in seconds."""
        device, begun = batch["x"].device.type, time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            losses = self.method.losses(self.network(batch["x"]), batch, Stage("all", 1))
            loss = sum(losses.values())
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    def multiply_adds(self, clip: Tensor) -> float:
        """Of a clip's forward pass, in billions."""
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            self.network(clip)
        return counter.get_total_flops() / 2e9


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--device", type=find_device, default="cpu")
    options.add_argument("--batch", type=int, default=2, help="clips a step; the preset has 16")
    options.add_argument("--rounds", type=int, default=3, help="turns, after one that warms up")
    asked = options.parse_args()
    where = torch.cuda.get_device_name() if asked.device == "cuda" else f"{os.cpu_count()} cores"
    print(f"{where}; load {os.getloadavg()[0]:.1f} at the start; {asked.batch} clips a step\n")
    print(
        compare(learners(asked.device), clips(asked.batch, asked.device), asked.rounds).to_string(index=False)
    )


def learners(device: str) -> dict[str, Learner]:
    """The network to compare with comes first."""
    return {
        "r3d_18 of torchvision": Learner(Plain(), device, au_weight=0.0),
        "AMNet3D": Learner(None, device),
        "AMNet3D without attention": Learner(None, device, attention="none"),
        "AMNet3D, convolved before pooled": Learner(None, device, passing="convolved"),
    }


def clips(batch: int, device: str) -> dict[str, Tensor]:
    """Noise of the paper's size, and labels."""
    seeded = torch.Generator().manual_seed(0)
    made = {
        "x": torch.rand(batch, 16, 3, 112, 112, generator=seeded),
        "label": torch.arange(batch) % 3,
        "action_units": (torch.rand(batch, 12, generator=seeded) > 0.8).float(),
        "action_unit_weight": torch.ones(batch, 12),
    }
    return {**{name: values.to(device) for name, values in made.items()}, "class_weight": None}


def compare(learners: dict[str, Learner], batch: dict[str, Tensor], rounds: int) -> pd.DataFrame:
    """A row a network; in each round each has its turn, so that a busy moment meets all of them."""
    taken = [{name: learner.step(batch) for name, learner in learners.items()} for _ in range(rounds + 1)][1:]
    plain = next(iter(learners))
    return pd.DataFrame(
        {
            "network": name,
            "G multiply-adds a clip": round(learner.multiply_adds(batch["x"][:1]), 1),
            "s a step": round(statistics.median(turn[name] for turn in taken), 3),
            "steps a second": round(1 / statistics.median(turn[name] for turn in taken), 2),
            "times r3d_18": round(statistics.median(turn[name] / turn[plain] for turn in taken), 2),
        }
        for name, learner in learners.items()
    )


if __name__ == "__main__":
    main()
