"""Dynamic image: a clip in one picture, by approximate rank pooling."""

import numpy as np


def rank_weights(frames: int) -> np.ndarray:  # (T,)
    r"""$\alpha_t = 2t - T - 1$ for $t = 1 … T$: late frames count for, early ones against, a still clip gives 0."""
    return 2.0 * np.arange(1, frames + 1) - frames - 1


def dynamic_image(clip: np.ndarray) -> np.ndarray:
    """Frames (…, T, H, W) → (…, H, W): the mean of the late frames minus that of the early ones, each by its rank.

    In grey levels: the weights are scaled so that the positive ones add up to 1.
    """
    weights = rank_weights(clip.shape[-3])
    weights = weights / weights[weights > 0].sum()
    return np.tensordot(clip.astype(np.float64), weights, axes=(-3, 0))
