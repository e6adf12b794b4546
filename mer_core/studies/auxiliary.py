"""How good the other outputs of a network are: pictures it draws, motion it estimates, landmarks it places.

On synthetic faces the exact answer is known; on real ones it is what a programme estimated.
"""

import numpy as np
from numpy.typing import ArrayLike
from skimage.metrics import structural_similarity

WINDOW = 11  # pixels, in which SSIM compares two pictures
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # as in Wang et al.


def image_scores(predicted: ArrayLike, target: ArrayLike) -> dict[str, float]:
    """Pictures (N, H, W) of values 0 … 1 against theirs: mean squared error, PSNR in decibels, SSIM.

    Each is the mean over pictures. PSNR is infinite as soon as one picture is hit exactly.

    >>> round(image_scores(np.zeros((1, 16, 16)), np.full((1, 16, 16), 0.1))["psnr"], 3)
    20.0
    """
    predicted, target = _pair(predicted, target, "pictures (N, H, W)", dims=3)
    errors = np.square(predicted - target).mean(axis=(1, 2))  # (N,)
    with np.errstate(divide="ignore"):
        psnr = -10 * np.log10(errors)
    scores = {"mse": errors, "psnr": psnr, "ssim": ssim(predicted, target)}
    return {name: float(values.mean()) for name, values in scores.items()}


def ssim(predicted: ArrayLike, target: ArrayLike) -> np.ndarray:  # (N,)
    r"""Structural similarity of pictures (N, H, W) of values 0 … 1: 1 if they are equal.

    $$\frac{(2 \mu_x \mu_y + c_1)(2 \sigma_{xy} + c_2)}{(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}$$

    with the means, variances and covariance in a Gaussian window of 11 × 11 pixels, $c_1 = 0.01^2$, $c_2 = 0.03^2$; the
    mean over all windows that lie inside (Wang et al., 2004).
    """
    pairs = _pair(predicted, target, "pictures (N, H, W)", dims=3)
    if min(pairs[0].shape[1:]) < WINDOW:
        raise ValueError(
            f"SSIM compares windows of 11 × 11 pixels; these pictures have {pairs[0].shape[1:]}."
        )
    return np.array(
        [structural_similarity(*pair, data_range=1, **GAUSSIAN) for pair in zip(*pairs, strict=True)]
    )


def endpoint_error(flow: ArrayLike, exact: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Motion (…, 2, H, W): mean distance in pixels of where a point goes, over the pixels of a mask (…, H, W)."""
    flow, exact = _pair(flow, exact, "motion (…, 2, H, W)")
    if flow.ndim < 3 or flow.shape[-3] != 2:
        raise ValueError(f"Expected motion (…, 2, H, W), x first, got {flow.shape}.")
    distances = np.linalg.norm(flow - exact, axis=-3)  # (…, H, W)
    if mask is None:
        return float(distances.mean())
    mask = np.broadcast_to(np.asarray(mask, bool), distances.shape)
    if not mask.any():
        raise ValueError("The mask holds no pixel: there is nothing to compare.")
    return float(distances[mask].mean())


def landmark_error(points: ArrayLike, exact: ArrayLike) -> float:
    """Points (…, 68, 2): their mean distance from where they should be, in the unit of the points.

    >>> landmark_error([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]])
    2.5
    """
    points, exact = _pair(points, exact, "points (…, 2)")
    if points.shape[-1] != 2:
        raise ValueError(f"Expected points (…, 2), x first, got {points.shape}.")
    return float(np.linalg.norm(points - exact, axis=-1).mean())


def _pair(
    first: ArrayLike, second: ArrayLike, what: str, dims: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or (dims and first.ndim != dims):
        raise ValueError(
            f"Expected two arrays of {what} of the same shape, got {first.shape} and {second.shape}."
        )
    return first, second
