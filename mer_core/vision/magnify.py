"""Motion magnification: a movement too small to see, made larger in the pictures themselves.

`factor` says how many times as large a movement becomes, as in the synthetic corpora, whose magnified renderings are
exact: 1 leaves it as it is, 0 takes it away. Papers count from there: their α is factor − 1.
"""

import cv2
import numpy as np

from mer_core.vision.sampling import in_type_of

FINEST = 4.0  # pixels: a picture less its half-sized copy holds wavelengths of about 2 to 8
SMALLEST = 8  # pixels: a picture this small is not halved again
ROUNDS = 12  # each divides the error by three or more where neighbours move alike within a third of a pixel


def magnify(
    frames: np.ndarray, factor: float, largest: float = 0.5, band: tuple[float, float] | None = None
) -> np.ndarray:
    r"""Frames (T, H, W) or (T, H, W, 3) with every movement `factor` times as large: Eulerian, linear.

    Wu et al. (2012): a pattern $f$ that moves by a small $\delta$ changes a pixel by $\delta f'$, so that a multiple of
    the change looks like a multiple of the movement, as long as factor · δ < λ / 8 for a pattern of wavelength λ. So
    the change is split by wavelength (a Laplacian pyramid), and what is fine is amplified less: no further than a
    movement of `largest` pixels allows. A smaller `largest` amplifies more, noise too.

    What counts as change is the difference to the first frame or, with `band`, what swings between so many cycles a
    frame (an ideal filter over the whole clip). The head's motion and the light are amplified like the rest.
    """
    _check_factor(factor)
    if not largest > 0:
        raise ValueError(f"The largest movement is above 0 pixels; not {largest!r}.")
    values = frames.astype(np.float32)
    change = values - values[:1] if band is None else _swinging(values, band)
    return in_type_of(frames, values + np.stack([_more(picture, factor, largest) for picture in change]))


def magnify_flow(first: np.ndarray, flow: np.ndarray, factor: float) -> np.ndarray:
    """A frame (H, W) or (H, W, 3) whose pixels have gone `factor` times as far as the flow (2, H, W): Lagrangian.

    With factor 1 it looks like the second frame of the pair that the flow is from. The flow says where a pixel goes,
    and the picture needs to know where each came from: $x = y - factor · flow(x)$, found by going round a few times.
    """
    _check_factor(factor)
    if flow.shape != (2, *first.shape[:2]):
        raise ValueError(f"Expected a flow (2, H, W) of a frame (H, W), got {flow.shape} and {first.shape}.")
    goes = factor * flow.astype(np.float32)
    here = np.stack(np.meshgrid(*map(np.arange, first.shape[1::-1]))).astype(np.float32)  # (2, H, W), x first
    source = here
    for _ in range(ROUNDS):
        source = here - np.stack([_sample(part, source) for part in goes])
    return _sample(first, source)


def _more(change: np.ndarray, factor: float, largest: float, wavelength: float = FINEST) -> np.ndarray:
    """What to add to a frame; `change` (H, W[, 3]) holds this wavelength and all longer ones."""
    gain = min(factor, max(1.0, wavelength / (8 * largest))) - 1
    size = change.shape[1::-1]
    if min(size) <= SMALLEST:
        return gain * change
    coarse = cv2.pyrDown(change)
    longer = _more(coarse, factor, largest, 2 * wavelength)
    return gain * (change - cv2.pyrUp(coarse, dstsize=size)) + cv2.pyrUp(longer, dstsize=size)


def _swinging(values: np.ndarray, band: tuple[float, float]) -> np.ndarray:  # (T, H, W[, 3])
    cycles = np.fft.rfftfreq(len(values))
    inside = (cycles >= band[0]) & (cycles <= band[1])
    if not inside.any():
        raise ValueError(
            f"{len(values)} frames swing {cycles.round(3).tolist()} times a frame: none lies in {band}."
        )
    spectrum = np.fft.rfft(values, axis=0)
    spectrum[~inside] = 0
    return np.fft.irfft(spectrum, len(values), axis=0).astype(np.float32)


def _sample(picture: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A picture (H, W[, 3]) at the places (2, H, W)."""
    return cv2.remap(picture, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _check_factor(factor: float) -> None:
    if not factor >= 0:
        raise ValueError(f"A movement is magnified by 0 or more; not by {factor!r}.")
