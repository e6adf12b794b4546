"""A small network on the raw apex frame: the control that must fail.

The apex frame shows who somebody is and hardly what they do. On unknown people this network can only be at chance; if
it is not, the corpus leaks: light, texture or identity then tell the class. 25,059 parameters for three classes.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.clips import ClipSet, View
from mer_core.methods.base import NetworkMethod, NetworkSettings


class ApexFrameNet(nn.Module):
    """(B, 1, 64, 64) → emotion (B, C)."""

    def __init__(self, n_classes: int, width: int = 16) -> None:
        super().__init__()
        widths = [1, width, 2 * width, 2 * width, 2 * width]
        self.encode = nn.Sequential(*[_block(*pair) for pair in pairwise(widths)])
        self.classify = nn.Linear(2 * width * 4 * 4, n_classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"emotion": self.classify(F.dropout(self.encode(x).flatten(1), 0.5, self.training))}


def _block(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(4, after), nn.ReLU(), nn.MaxPool2d(2)
    )


class ApexFrame(NetworkMethod[NetworkSettings]):
    """What appearance alone tells: nothing, if the corpus is sound."""

    name = "apexframe"
    Settings = NetworkSettings
    presets: ClassVar = {"book": {"epochs": 20}, "paper": {"epochs": 20}}
    view = View(frames=2, size=64, span="onset-apex", landmarks=False)

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        apex = torch.tensor(clips.frames[:, -1]).float()[:, None] / 255  # (N, 1, 64, 64)
        return {"x": apex - apex.mean(dim=(2, 3), keepdim=True)}  # per clip: no statistic over clips

    def network(self, n_classes: int) -> nn.Module:
        return ApexFrameNet(n_classes)
