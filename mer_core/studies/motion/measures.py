"""What is right and wrong in forms of motion, on faces whose exact motion is known: flow, pictures, magnified ones.

Flow is (…, 2, H, W) in pixels, x first; a region (H, W) is true where it counts.
"""

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
import pandas as pd

from mer_core.studies.attribution import SIGNIFICANT
from mer_core.vision.align import eye_distance
from mer_core.vision.flow import estimate_flows
from mer_core.vision.landmarks import eye_centres
from mer_core.vision.magnify import magnify, magnify_flow
from mer_core.vision.sampling import INTERPOLATIONS, interpolate

Sums = dict[tuple[str, str], np.ndarray]  # by estimator and region: what is missed, and what moves (2, P)


def length(flow: np.ndarray) -> np.ndarray:
    """How far each pixel moves: (…, 2, H, W) → (…, H, W). Of a difference of two flows it is the end-point error."""
    return np.linalg.norm(flow, axis=-3)


# Regions of a face


def eroded(mask: np.ndarray, width: int = 4) -> np.ndarray:
    """The region less its rim, so many pixels wide."""
    return cv2.erode(mask.astype(np.uint8), np.ones((2 * width + 1,) * 2, np.uint8)) > 0


def slope(picture: np.ndarray, sigma: float = 1.5) -> np.ndarray:
    """How fast brightness changes from pixel to pixel (H, W), noise smoothed away: little on skin, much at edges."""
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)
    return np.hypot(*np.gradient(smooth))


def around_eyes(points: np.ndarray, size: int) -> np.ndarray:
    """A disc around each eye, a quarter of their distance wide: landmarks (68, 2) → (H, W), true or false."""
    y, x = np.mgrid[:size, :size]
    away = [np.hypot(x - u, y - v) for u, v in eye_centres(points)]
    return np.min(away, axis=0) < eye_distance(points) / 4


# From which size on is an estimate better than none?


def errors_and_motion(pairs: np.ndarray, exact: np.ndarray, face: np.ndarray, kinds: Sequence[str]) -> Sums:
    """Sums over the `face` and over its moving `skin` of pairs (P, 2, H, W), whose flow is `exact` (P, 2, H, W).

    Skin moves where the motion is a quarter of its largest or more.
    """
    far = length(exact) * face  # (P, H, W)
    skin = far > SIGNIFICANT * far.max(axis=(1, 2), keepdims=True)
    made: Sums = {}
    for kind in kinds:
        wrong = length(estimate_flows(pairs[:, 0], pairs[:, 1], kind) - exact)
        for region, where in {"face": face, "skin": skin}.items():
            made[kind, region] = np.stack([wrong * where, far * where]).sum(axis=(2, 3))
    return made


def error_shares(clips: Iterable[Sums]) -> dict[tuple[str, str], np.ndarray]:  # (P,) each
    """Over several clips, what an estimate misses as a share of what moves: above 1 no estimate would be better."""
    each = list(clips)
    totals = {key: sum(one[key] for one in each) for key in each[0]}
    return {key: wrong / moved for key, (wrong, moved) in totals.items()}


def worth_it_from(sizes: np.ndarray, shares: np.ndarray) -> float:
    """The size of a movement at which falling shares pass 1, between the measured ones on logarithmic axes."""
    return float(np.exp(np.interp(0, -np.log(shares), np.log(sizes))))


# How alike two pictures are


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Of two sets of pixels; what is flat is like nothing: 0."""
    is_flat = one.std() == 0 or other.std() == 0
    return 0.0 if is_flat else float(np.corrcoef(one, other)[0, 1])


def mean_correlation(wanted: np.ndarray, made: np.ndarray, regions: np.ndarray) -> float:
    """Mean over pairs of pictures (N, H, W), each inside its region (N, H, W)."""
    each = zip(wanted, made, regions, strict=True)
    return float(np.mean([correlation(one[on], other[on]) for one, other, on in each]))


def strength_and_likeness(
    images: Mapping[str, Mapping[str, np.ndarray]], clean: str, where: np.ndarray
) -> pd.DataFrame:
    """A row a clip and form: mean absolute value inside a region, and correlation with the same form of the `clean`."""
    rows = [
        (clip, form, np.abs(image[where]).mean(), correlation(image[where], images[clean][form][where]))
        for clip, forms in images.items()
        for form, image in forms.items()
    ]
    return pd.DataFrame(rows, columns=["clip", "form", "strength", "alike"])


# Magnification


def stripes_error(factor: float, wavelength: float, moved: float = 0.25, pixels: int = 1024) -> float:
    r"""Error of linear magnification as a share of the contrast, on stripes that move by so many pixels.

    $f(x) + m\,(f(x - \delta) - f(x))$ against $f(x - m\delta)$ with $f(x) = \sin(2\pi x / \lambda)$.
    """

    def f(shift: float) -> np.ndarray:
        return np.sin(2 * np.pi * (np.arange(pixels) - shift) / wavelength)

    made = f(0) + factor * (f(moved) - f(0))
    return (made - f(factor * moved)).std() / f(0).std()


def magnified(pair: np.ndarray, flows: Mapping[str, np.ndarray], factor: float) -> dict[str, np.ndarray]:
    """The second of two frames (2, H, W) as it is, magnified without any flow, and along each of the flows."""
    along = {f"along {name}": magnify_flow(pair[0], flow, factor) for name, flow in flows.items()}
    return {"unmagnified": pair[1], "Eulerian": magnify(pair, factor)[1], **along}


def grey_levels_off(made: np.ndarray, wanted: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute difference of two pictures inside a region."""
    return float(np.abs(made[where] - wanted[where].astype(float)).mean())


# Interpolation


def errors_halfway(given: np.ndarray, exact: np.ndarray, counts: Sequence[int]) -> pd.DataFrame:
    """What each interpolation misses (root mean square) if only so many frames are given, evenly spread: the rows.

    From `given` (T, H, W) they are taken; the frames halfway between them are compared with `exact` (T, H, W). T − 1
    must be a multiple of twice every count less one.
    """
    return pd.DataFrame([_errors_of_count(given, exact, count) for count in counts], index=list(counts))


def _errors_of_count(given: np.ndarray, exact: np.ndarray, count: int) -> dict[str, float]:
    step, over = divmod(len(given) - 1, count - 1)
    if over or step % 2:
        raise ValueError(
            f"Of {len(given)} frames no {count} have a frame halfway between neighbours: take 2 k ({count} - 1) + 1."
        )
    halfway = exact[step // 2 :: step].astype(float)
    made = {kind: interpolate(given[::step], 2 * count - 1, kind)[1::2] for kind in INTERPOLATIONS}
    return {kind: np.sqrt(np.square(frames - halfway).mean()) for kind, frames in made.items()}
