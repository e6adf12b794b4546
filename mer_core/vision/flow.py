"""Optical flow: where each pixel of one frame has gone in another.

Flow is always (2, H, W) in pixels, x first.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np


def estimate_flow(first: np.ndarray, second: np.ndarray, kind: str = "dis") -> np.ndarray:
    """Motion from one grey frame to another, (H, W) uint8 each → (2, H, W) float32.

    >>> estimate_flow(frame, np.roll(frame, 1, axis=1))[0].mean()  # doctest: +SKIP
    1.0
    """
    _check_kind(kind)
    _check_frames(first, second, "(H, W)")
    return np.ascontiguousarray(ESTIMATORS[kind](first, second).transpose(2, 0, 1), np.float32)


def estimate_flows(
    firsts: np.ndarray, seconds: np.ndarray, kind: str = "dis", device: str = "cpu"
) -> np.ndarray:
    """Motion of many pairs: (P, H, W) uint8 each → (P, 2, H, W) float32.

    TV-L1 takes all of them at once, which is much faster than one by one, on any device; the others ignore it.
    """
    _check_kind(kind)
    _check_frames(firsts, seconds, "(P, H, W)")
    if not len(firsts):
        return np.empty((0, 2, *firsts.shape[1:]), np.float32)
    if kind == "tvl1":
        return _batched_tvl1(firsts, seconds, device)
    return np.stack(
        [estimate_flow(first, second, kind) for first, second in zip(firsts, seconds, strict=True)]
    )


def _check_kind(kind: str) -> None:
    if kind not in ESTIMATORS:
        raise ValueError(f"There is no flow {kind!r}; there are {', '.join(ESTIMATORS)}.")


def _check_frames(first: np.ndarray, second: np.ndarray, shape: str) -> None:
    for frames in (first, second):
        if frames.dtype != np.uint8 or frames.ndim != shape.count(",") + 1 or frames.shape != first.shape:
            raise ValueError(
                f"Expected grey frames {shape} of uint8, twice and in one size, got {first.shape} of {first.dtype} "
                f"and {second.shape} of {second.dtype}."
            )


def _dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search: fast, and as exact as the slow ones on movements of a pixel."""
    nothing: Any = None  # no flow to begin with: OpenCV's stubs know no such call
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, nothing)


def _farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Polynomial expansion. Three scales and a window of 15 pixels: about the width of a brow at 128 pixels."""
    nothing: Any = None  # as above
    return cv2.calcOpticalFlowFarneback(
        first,
        second,
        nothing,
        pyr_scale=0.5,
        levels=3,
        winsize=15,
        iterations=3,
        poly_n=5,
        poly_sigma=1.2,
        flags=0,
    )


def _tvl1(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Total variation and absolute differences: slower than the others, and the most exact."""
    return _batched_tvl1(first[None], second[None])[0].transpose(1, 2, 0)


def _batched_tvl1(firsts: np.ndarray, seconds: np.ndarray, device: str = "cpu") -> np.ndarray:
    from mer_core.vision.tvl1 import tvl1  # torch takes a second to import: only who asks for it waits

    return tvl1(firsts, seconds, device=device)


ESTIMATORS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "dis": _dis,
    "farneback": _farneback,
    "tvl1": _tvl1,
}
