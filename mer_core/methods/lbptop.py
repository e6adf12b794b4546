"""LBP-TOP and a linear SVM: the baseline of the MEGC 2019 challenge.

G. Zhao and M. Pietikäinen, "Dynamic texture recognition using local binary patterns with an application to facial
expressions", TPAMI 2007. Each pixel is compared with eight neighbours in the three planes XY, XT and YT; the patterns
are counted by block. Neighbours lie on the pixel grid (radius 1, no interpolation): our choice, for speed.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field
from sklearn.base import ClassifierMixin

from mer_core.clips import ClipSet, View
from mer_core.methods.base import FeatureMethod
from mer_core.methods.hoof import SVMSettings, linear_svm

RING = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))  # around a pixel, in order
PLANES = ((1, 2), (0, 2), (0, 1))  # the axes of (T, H, W) that span XY, XT and YT


def uniform_codes() -> np.ndarray:
    """256 patterns → 59 codes: 58 with at most two changes around the ring, one for all the others."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1  # (256, 8)
    is_uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    return np.where(is_uniform, np.cumsum(is_uniform) - 1, 58)


UNIFORM = uniform_codes()


class LBPTOPSettings(SVMSettings):
    """How patterns are counted."""

    blocks: int = Field(5, ge=1, description="blocks across and down")


def lbp_top(frames: np.ndarray, blocks: int) -> np.ndarray:
    """Grey frames (T, H, W) → (3 · blocks · blocks · 59): share of each pattern, by plane and block."""
    centre = frames[1:-1, 1:-1, 1:-1].astype(np.int16)  # (T − 2, H − 2, W − 2)
    _, height, width = centre.shape
    row, column = np.arange(height) * blocks // height, np.arange(width) * blocks // width
    block = np.broadcast_to(row[:, None] * blocks + column, centre.shape)
    counts = [
        np.bincount((block * 59 + UNIFORM[patterns(frames, centre, plane)]).ravel(), minlength=blocks**2 * 59)
        for plane in PLANES
    ]
    planes = np.reshape(counts, (3, blocks**2, 59))
    return (planes / planes.sum(axis=2, keepdims=True)).ravel()


def patterns(frames: np.ndarray, centre: np.ndarray, plane: tuple[int, int]) -> np.ndarray:
    """Which neighbours in this plane are at least as bright as the centre (T − 2, H − 2, W − 2): a bit for each."""
    pattern = np.zeros(centre.shape, np.int16)
    for bit, steps in enumerate(RING):
        start = [1, 1, 1]
        for axis, step in zip(plane, steps, strict=True):
            start[axis] += step
        neighbour = frames[tuple(slice(s, s + n) for s, n in zip(start, centre.shape, strict=True))]
        pattern |= (neighbour >= centre).astype(np.int16) << bit
    return pattern


class LBPTOP(FeatureMethod[LBPTOPSettings]):
    """Texture in space and time."""

    name = "lbptop"
    Settings = LBPTOPSettings
    presets: ClassVar = {"book": {}, "paper": {}}
    view = View(frames=12, size=64, span="onset-offset", landmarks=False)

    def features(self, clips: ClipSet) -> np.ndarray:
        return np.stack([lbp_top(clip, self.settings.blocks) for clip in clips.frames])

    def estimator(self, seed: int) -> ClassifierMixin:
        return linear_svm(self.settings.regularity, seed)
