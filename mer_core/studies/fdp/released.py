"""The paper and its code: each difference in numbers small enough to see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor, nn

from mer_core.figures.images import panels
from mer_core.methods.fdp import RankPooling
from mer_core.studies.fdp.live import NEVER_SEEN
from mer_core.studies.fdp.material import grey
from mer_core.studies.papers import Fitted, Material
from mer_core.vision.dynamic_image import unit_range


def layout(time: str, side: int = 64) -> np.ndarray:  # (8, S, S)
    """Which frame each place of the map comes from."""
    frame = torch.arange(8.0).view(1, 8, 1).expand(1, 8, side**2)
    return RankPooling(side, time).arrange(frame)[0].int().numpy()


@torch.no_grad()
def frames_met(time: str, side: int = 64) -> pd.Series:
    """How many rows of the dynamic representation are made of how many frames."""
    torch.manual_seed(0)
    pool, vectors = RankPooling(side, time), torch.randn(1, 8, side**2)
    before, met = pool(vectors), torch.zeros(side, dtype=int)
    for t in range(8):
        other = vectors.clone()
        other[0, t] += 1
        met += ((pool(other) - before).abs() > 1e-4).any(dim=3).any(dim=1)[0]
    return pd.Series(met.numpy()).value_counts().sort_index()


def left_of_the_start(updates: int) -> float:
    """How much of batch norm's first statistics is left after so many updates."""
    norm = nn.BatchNorm2d(1)
    for _ in range(updates):
        norm(torch.full((4, 1, 2, 2), 1.0))  # a mean of 1
    return 1 - norm.running_mean.item()


def by_epoch_chosen(given: Material, trained: Sequence[Fitted]) -> dict[str, float]:
    """Accuracy at the last epoch, at the one that is best for all tested clips, and at each subject's own best."""
    right = np.stack(
        [
            np.concatenate([_right(epoch[NEVER_SEEN]) for epoch in of_folds])
            for of_folds in zip(*(fitted.epochs for fitted in trained), strict=True)
        ]
    )  # (E, n)
    subjects = given.subjects[given.tested]
    curves = [right[:, subjects == subject].mean(axis=1) for subject in sorted(set(subjects))]
    clips = [np.sum(subjects == subject) for subject in sorted(set(subjects))]
    return {
        "last epoch": float(right[-1].mean()),
        "best epoch for all of them": float(right.mean(axis=1).max()),
        "each subject's own best epoch": float(np.average([curve.max() for curve in curves], weights=clips)),
    }


def _right(outputs: Mapping[str, Tensor]) -> np.ndarray:
    return (outputs["emotion"].argmax(1) == outputs["label"]).numpy()


@dataclass(frozen=True)
class Sampling:
    """Which frames of clips the released code takes: every ⌊n/8⌋-th of n."""

    length: np.ndarray  # (N,) frames of each clip
    seen: np.ndarray  # (N,) the share of it that lies before the last frame that is taken
    apex_is_later: np.ndarray  # (N,)


def sampled_as_released(clips: pd.DataFrame) -> Sampling:
    """Of a corpus with its key frames."""
    length = (clips["offset"] - clips["onset"] + 1).to_numpy(int)
    rise, last = (clips["apex"] - clips["onset"]).to_numpy(int), 7 * (length // 8)
    return Sampling(length, last / (length - 1), rise > last)


def pooled_still(given: Material, weights: np.ndarray) -> np.ndarray:  # (H, W)
    """The dynamic image of a clip that stands still, before it is stretched."""
    frozen = np.repeat(given.clips.frames[given.most : given.most + 1, :1], 8, axis=1) / 255
    return np.tensordot(weights, frozen[0], axes=1)


def pictures_of_nothing(given: Material, pooled: np.ndarray) -> go.Figure:
    """A still clip, what the released code makes a target of it, and what this book makes."""
    return panels(
        {
            "a clip that stands still": np.asarray(given.clips.frames[given.most, 0]),
            "target as released": grey((pooled - pooled.min()) / np.ptp(pooled)),
            "target here": grey(unit_range(pooled)),
        },
        alt="A frame, repeated eight times; the target that the released code makes of it, rounding errors in full "
        "contrast; and ours, even grey.",
    )
