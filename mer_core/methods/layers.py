"""What several methods truly share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.vision.strain import optical_strain


def flow_input(flow: np.ndarray, side: int, *, strain: bool = False) -> Tensor:
    """Motion (N, 2, H, W) → (N, 2 or 3, side, side): u, v and, if asked for, the strain.

    The clip's median motion is taken away first: it is the head's, as large as the expression's own.
    """
    flow = flow.astype(np.float32)
    flow = flow - np.median(flow, axis=(2, 3), keepdims=True)
    maps = [flow, optical_strain(flow)[:, None]] if strain else [flow]
    return F.adaptive_avg_pool2d(torch.from_numpy(np.concatenate(maps, axis=1)), side)


def equal_light(frames: Tensor, by: Literal["gain", "offset"] = "gain") -> Tensor:
    """Clips (N, T, …) whose frames are all as bright as each other: the light flickers, and what flickers is the face.

    What a flicker leaves behind is a picture of the person, by which training clips can be told apart without any
    movement. By `gain`, each frame is divided by its mean, as a lamp multiplies; by `offset`, its mean is taken away,
    which leaves the contrast to flicker.
    """
    level = frames.mean(dim=tuple(range(2, frames.dim())), keepdim=True)  # (N, T, 1, …)
    return frames - level if by == "offset" else frames / level.clamp(min=1e-3)


# Moments that pass at once, and are normalised as if each had passed alone.


class _OneByOne:
    """Batch norm that can take the moments of a batch one after the other: see `one_by_one`."""

    counts: tuple[int, ...] = ()  # how often each moment counts; none: the batch is one

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.counts):
            return super().forward(x)
        return torch.cat(
            [self._alone(*one) for one in zip(x.chunk(len(self.counts)), self.counts, strict=True)]
        )

    def _alone(self, x: Tensor, count: int) -> Tensor:
        if x.numel() == x.shape[1]:
            raise ValueError(
                "Expected two clips a step or larger frames, got a map of one pixel of one clip: as released, batch "
                "norm sees each moment alone, and of a single number there is no variance."
            )
        self.num_batches_tracked += count
        momentum = 1 - (1 - self.momentum) ** count  # as many updates by the same statistics
        statistics = self.running_mean, self.running_var
        return F.batch_norm(x, *statistics, self.weight, self.bias, True, momentum, self.eps)


class BatchNorm1d(_OneByOne, nn.BatchNorm1d):
    """Of vectors (N, C) or rows (N, C, L)."""


class BatchNorm2d(_OneByOne, nn.BatchNorm2d):
    """Of maps (N, C, H, W)."""


@contextmanager
def one_by_one(counts: tuple[int, ...], *parts: nn.Module) -> Iterator[None]:
    """In training, the batch norms of these parts see a batch of moments, one behind the other, as a loop shows them.

    Each moment is normalised by its own statistics, and these update the running ones as often as `counts` says.
    """
    norms = [module for part in parts for module in part.modules() if isinstance(module, _OneByOne)]
    for norm in norms:
        norm.counts = counts
    try:
        yield
    finally:
        for norm in norms:
            norm.counts = ()
