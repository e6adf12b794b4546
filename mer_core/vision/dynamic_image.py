"""Dynamic image: a clip in one picture, by approximate rank pooling."""

from typing import Literal

import numpy as np


def rank_weights(frames: int, of: Literal["frames", "means"] = "frames") -> np.ndarray:  # (T,)
    r"""What each frame $t = 1 … T$ counts: late ones for, early ones against; a still clip gives 0.

    Of the `frames` themselves it is $\alpha_t = 2t - T - 1$. Bilen et al. (CVPR 2016) rank the running `means`
    $V_i = \frac{1}{i} \sum_{t \le i} x_t$ instead. Each frame is in all later means, so that the weights become

    $$\alpha_t = \sum_{i=t}^{T} \frac{2i - T - 1}{i} = 2(T - t + 1) - (T + 1)(H_T - H_{t-1}),$$

    with the harmonic numbers $H$: the first frame counts far more against than the last one for.
    """
    if of not in ("frames", "means"):
        raise ValueError(f"Expected weights of 'frames' or 'means', not {of!r}.")
    order = np.arange(1, frames + 1)
    ranks = 2.0 * order - frames - 1
    return ranks if of == "frames" else np.cumsum((ranks / order)[::-1])[::-1]


def dynamic_image(clip: np.ndarray, of: Literal["frames", "means"] = "frames") -> np.ndarray:
    """Frames (…, T, H, W) → (…, H, W): the mean of the late frames minus that of the early ones, each by its rank.

    In grey levels: the weights are scaled so that the positive ones add up to 1.
    """
    weights = rank_weights(clip.shape[-3], of)
    weights = weights / weights[weights > 0].sum()
    return np.tensordot(clip.astype(np.float64), weights, axes=(-3, 0))


def unit_range(images: np.ndarray, least: float = 1e-3) -> np.ndarray:
    """Pictures (…, H, W), each stretched to 0 … 1 on its own.

    One whose values differ by less than `least` shows nothing but rounding: it becomes an even 0.5, not noise in full
    contrast.
    """
    low, high = images.min(axis=(-2, -1), keepdims=True), images.max(axis=(-2, -1), keepdims=True)
    reach = np.asarray(high - low, float)
    return np.where(reach < least, 0.5, (images - low) / np.maximum(reach, least))


def even_range(images: np.ndarray, share: float = 0.98, least: float = 1e-3) -> np.ndarray:
    """Pictures (…, H, W) in 0 … 1 about a middle grey: 0 stays 0.5, and `share` of the pixels are within the range.

    Two outlying pixels decide nothing: what lies beyond is cut off. As in `unit_range`, one whose values are all less
    than `least` from 0 shows nothing.
    """
    reach = np.quantile(np.abs(np.asarray(images, float)), share, axis=(-2, -1), keepdims=True)
    return np.where(reach < least, 0.5, 0.5 + 0.5 * np.clip(images / np.maximum(reach, least), -1, 1))
