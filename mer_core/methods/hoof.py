"""Histograms of oriented flow and a linear SVM: what the field did before networks, and still hard to beat."""

from typing import ClassVar

import numpy as np
from pydantic import Field
from sklearn.base import ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from mer_core.clips import ClipSet, View
from mer_core.methods.base import FeatureMethod
from mer_core.settings import Settings


class SVMSettings(Settings):
    """A linear support vector machine."""

    regularity: float = Field(0.01, gt=0, description="C of the SVM: smaller is smoother")


class HOOFSettings(SVMSettings):
    """How motion is counted."""

    blocks: int = Field(5, ge=1, description="blocks across and down")
    bins: int = Field(8, ge=2, description="directions")


def oriented_flow_histograms(flow: np.ndarray, blocks: int, bins: int) -> np.ndarray:
    """Motion (N, 2, H, W) → (N, blocks · blocks · bins): length of the motion, summed by block and direction.

    A vector between two directions is shared by them, so that a small turn changes the histogram a little.
    """
    n, _, height, width = flow.shape
    flow = flow.astype(np.float32)
    length = np.hypot(flow[:, 0], flow[:, 1])  # (N, H, W)
    place = (np.arctan2(flow[:, 1], flow[:, 0]) % (2 * np.pi)) * bins / (2 * np.pi)
    low, part = np.floor(place).astype(int), place - np.floor(place)
    row, column = np.arange(height) * blocks // height, np.arange(width) * blocks // width
    first = blocks * blocks * np.arange(n)[:, None, None]  # of each clip
    block = first + row[:, None] * blocks + column  # (N, H, W)
    total = n * blocks * blocks * bins
    below, above = (
        np.bincount((block * bins + side % bins).ravel(), (length * share).ravel(), total)
        for side, share in ((low, 1 - part), (low + 1, part))
    )
    return (below + above).reshape(n, -1) / (height * width / blocks**2)


def linear_svm(regularity: float, seed: int) -> ClassifierMixin:
    """Scaled features, and classes that weigh the same."""
    return make_pipeline(
        StandardScaler(), LinearSVC(C=regularity, class_weight="balanced", random_state=seed, max_iter=20_000)
    )


class HOOF(FeatureMethod[HOOFSettings]):
    """Where the face moves, and in which direction."""

    name = "hoof"
    Settings = HOOFSettings
    presets: ClassVar = {"book": {}, "paper": {}}
    view = View(frames=2, size=128, span="onset-apex", flow="dis", landmarks=False)

    def features(self, clips: ClipSet) -> np.ndarray:
        flow = clips.flow.astype(np.float32)
        flow = flow - np.median(flow, axis=(2, 3), keepdims=True)  # the head's own motion
        return oriented_flow_histograms(flow, self.settings.blocks, self.settings.bins)

    def estimator(self, seed: int) -> ClassifierMixin:
        return linear_svm(self.settings.regularity, seed)
