"""Optical flow: where each pixel of one frame has gone in another.

Flow is always (2, H, W) in pixels, x first.
"""

from collections.abc import Callable

import cv2
import numpy as np


def estimate_flow(first: np.ndarray, second: np.ndarray, kind: str = "dis") -> np.ndarray:
    """Motion from one grey frame to another, (H, W) uint8 each → (2, H, W) float32.

    >>> estimate_flow(frame, np.roll(frame, 1, axis=1))[0].mean()  # doctest: +SKIP
    1.0
    """
    if kind not in ESTIMATORS:
        raise ValueError(f"There is no flow {kind!r}; there are {', '.join(ESTIMATORS)}.")
    for frame in (first, second):
        if frame.dtype != np.uint8 or frame.ndim != 2 or frame.shape != first.shape:
            raise ValueError(
                f"Expected two grey frames (H, W) of uint8 and one size, got {first.shape} of {first.dtype} "
                f"and {second.shape} of {second.dtype}."
            )
    return np.ascontiguousarray(ESTIMATORS[kind](first, second).transpose(2, 0, 1), np.float32)


def estimate_flows(firsts: np.ndarray, seconds: np.ndarray, kind: str = "dis") -> np.ndarray:
    """Motion of many pairs at once: (P, H, W) uint8 each → (P, 2, H, W) float32."""
    return np.stack([estimate_flow(first, second, kind) for first, second in zip(firsts, seconds, strict=True)])


def _dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search: fast, and as exact as the slow ones on movements of a pixel."""
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)


def _farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Polynomial expansion. Three scales and a window of 15 pixels: about the width of a brow at 128 pixels."""
    return cv2.calcOpticalFlowFarneback(
        first,
        second,
        None,
        pyr_scale=0.5,
        levels=3,
        winsize=15,
        iterations=3,
        poly_n=5,
        poly_sigma=1.2,
        flags=0,
    )


ESTIMATORS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"dis": _dis, "farneback": _farneback}
