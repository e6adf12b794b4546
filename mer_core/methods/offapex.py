"""Two streams over the motion from onset to apex, after Off-ApexNet.

Y. S. Gan et al., "OFF-ApexNet on micro-expression recognition system", Signal Processing: Image Communication, 2019.
Not its official code. One stream takes u, the other v; 6 and 16 kernels of 5 × 5, two full layers of 1,024 are the
paper's. What differs: AdamW, and the clip's median flow is taken away first. 2,664,475 parameters for three classes.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mer_core.clips import ClipSet, View
from mer_core.methods.base import NetworkMethod, NetworkSettings
from mer_core.methods.layers import flow_input


class DoubleStream(nn.Module):
    """(B, 2, 28, 28) → emotion (B, C)."""

    def __init__(self, n_classes: int, width: int = 1024) -> None:
        super().__init__()
        self.streams = nn.ModuleList([_stream(), _stream()])
        self.classify = nn.Sequential(
            nn.Linear(2 * 16 * 7 * 7, width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(width, n_classes),
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        streams = [
            stream(x[:, i : i + 1]).flatten(1) for i, stream in enumerate(self.streams)
        ]  # 2 × (B, 784)
        return {"emotion": self.classify(torch.cat(streams, dim=1))}


def _stream() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 6, 14, 14)
        nn.Conv2d(6, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 16, 7, 7)
    )


class OffApex(NetworkMethod):
    """Optical flow to the apex frame, horizontal and vertical apart."""

    name = "offapex"
    origin = "code"
    Settings = NetworkSettings
    presets: ClassVar = {"book": {"epochs": 30}, "paper": {"epochs": 30}}
    kinds: ClassVar = {"x": "flow"}
    view = View(frames=2, size=128, span="onset-apex", flow="dis", landmarks=False)

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        return {"x": flow_input(clips.flow, side=28)}

    def network(self, n_classes: int) -> nn.Module:
        return DoubleStream(n_classes)
