"""A shallow network of three streams over (u, v, strain), after STSTNet.

S.-T. Liong et al., "Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression Recognition", FG 2019.
Not its official code: kernel counts 3, 5 and 8 and the 28 × 28 input are the paper's; padding, pooling and dropout
follow the public descriptions of it. What differs: AdamW instead of plain descent at a rate of 5e-5, and the head's
own motion (the clip's median flow) is taken away first, since our clips are not aligned. 1,683 parameters.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mer_core.clips import ClipSet, View
from mer_core.methods.base import NetworkMethod, NetworkSettings
from mer_core.methods.layers import flow_input


class TripleStream(nn.Module):
    """(B, 3, 28, 28) → emotion (B, C)."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList([_stream(kernels) for kernels in (3, 5, 8)])
        self.pool = nn.AvgPool2d(2)
        self.classify = nn.Linear(16 * 5 * 5, n_classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        streams = [stream(x) for stream in self.streams]  # (B, 3 | 5 | 8, 10, 10)
        return {"emotion": self.classify(self.pool(torch.cat(streams, dim=1)).flatten(1))}


def _stream(kernels: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, kernels, 3, padding=2),  # (B, k, 30, 30)
        nn.ReLU(),
        nn.BatchNorm2d(kernels),
        nn.MaxPool2d(3, stride=3, padding=1),  # (B, k, 10, 10)
        nn.Dropout(0.5),
    )


class STSTNet(NetworkMethod):
    """The baseline that every later method has to beat."""

    name = "ststnet"
    origin = "code"
    Settings = NetworkSettings
    presets: ClassVar = {"book": {"epochs": 60}, "paper": {"epochs": 60}}
    kinds: ClassVar = {"x": "flow"}
    view = View(frames=2, size=128, span="onset-apex", flow="dis", landmarks=False)

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        return {"x": flow_input(clips.flow, side=28, strain=True)}

    def network(self, n_classes: int) -> nn.Module:
        return TripleStream(n_classes)
