"""Temporal sampling: which moments of a clip a method sees, and what a picture between two frames looks like.

Moments are frame numbers that need not be whole: 3.5 lies halfway between frames 3 and 4.
"""

import numpy as np


def even_moments(onset: float, offset: float, n: int) -> np.ndarray:
    """`n` moments (n,) spread evenly from onset to offset, both ends among them."""
    return np.linspace(onset, offset, n)


def nearest(moments: np.ndarray) -> np.ndarray:
    """The number of the frame (n,) nearest to each moment; halfway between two it is the later one.

    NumPy's own rounding goes to the even number there, and would take one neighbour here and the other one there.
    """
    return np.floor(np.asarray(moments) + 0.5).astype(int)


def blend(frames: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Frames (T, …) at moments (n,) counted from the first → (n, …): both neighbours, the nearer one more.

    Moments before the first frame or after the last are refused: nothing is known there.
    """
    moments = _within(moments, len(frames))
    before = np.minimum(moments.astype(int), max(len(frames) - 2, 0))
    after = np.minimum(before + 1, len(frames) - 1)
    share = (moments - before).reshape(-1, *[1] * (frames.ndim - 1))
    return in_type_of(frames, frames[before] * (1 - share) + frames[after] * share)


def tim(frames: np.ndarray, n: int) -> np.ndarray:
    r"""Frames (T, …) → (n, …), evenly from the first to the last, by the temporal interpolation model.

    Zhou, Zhao and Pietikäinen (CVPR 2011) see the frames as stations along a path. The Laplacian of that graph has
    sampled sines for eigenvectors, $y_k(t) = \sin(\pi k t + \pi (T - k) / 2T)$ at $t = 1/T, 2/T, …, 1$, and a sine can
    be asked at any $t$. A linear map takes the frames without their mean to this curve and back. They find it by a
    singular value decomposition and a generalised eigenproblem; but the $T - 1$ vectors are orthogonal and span all
    that has no mean, so it is a projection on them: every pixel is interpolated by its cosine series.

    The original frames come back at their own moments. Between them values may overshoot.
    """
    count = len(frames)
    pixels = frames.reshape(count, -1).astype(float)  # (T, D)
    mean = pixels.mean(axis=0)
    stations = _sines(np.linspace(1 / count, 1, count), count)  # (T, T - 1)
    between = _sines(np.linspace(1 / count, 1, n), count)  # (n, T - 1)
    weights = stations.T @ (pixels - mean) * 2 / count  # (T - 1, D): each eigenvector has the length √(T / 2)
    return in_type_of(frames, (between @ weights + mean).reshape(n, *frames.shape[1:]))


INTERPOLATIONS = {  # frames (T, …) and as many moments as are asked for, evenly from the first to the last
    "nearest": lambda frames, moments: frames[nearest(moments)],
    "blend": blend,
    "TIM": lambda frames, moments: tim(frames, len(moments)),
}


def interpolate(frames: np.ndarray, n: int, kind: str) -> np.ndarray:
    """Frames (T, …) → (n, …), evenly from the first to the last, in one of the ways of `INTERPOLATIONS`."""
    if kind not in INTERPOLATIONS:
        raise ValueError(f"There is no interpolation {kind!r}; there are {', '.join(INTERPOLATIONS)}.")
    return INTERPOLATIONS[kind](frames, even_moments(0, len(frames) - 1, n))


def subclips(frames: np.ndarray, k: int) -> np.ndarray:
    """A clip (T, …) as `k` interleaved ones (k, T // k, …): sub-clip j has the frames j, j + k, j + 2k, …

    What is over at the end, when T is no multiple of k, is left out.
    """
    if not 1 <= k <= len(frames):
        raise ValueError(f"A clip of {len(frames)} frames has 1 to {len(frames)} sub-clips, not {k}.")
    whole = frames[: len(frames) // k * k]
    return whole.reshape(-1, k, *frames.shape[1:]).swapaxes(0, 1)


def _sines(t: np.ndarray, count: int) -> np.ndarray:  # (n, T - 1)
    k = np.arange(1, count)
    return np.sin(np.pi * (np.outer(t, k) + (count - k) / (2 * count)))


def _within(moments: np.ndarray, count: int) -> np.ndarray:
    moments = np.asarray(moments, float)
    if not ((moments >= 0) & (moments <= count - 1)).all():
        raise ValueError(f"Expected moments from 0 to {count - 1}, the last frame; got {moments.tolist()}.")
    return moments


def in_type_of(frames: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values in the type of the frames: whole grey levels stay in their range."""
    if not np.issubdtype(frames.dtype, np.integer):
        return values.astype(frames.dtype)
    limits = np.iinfo(frames.dtype)
    return np.clip(np.round(values), limits.min, limits.max).astype(frames.dtype)
