r"""What alignment takes away from a motion, and what the errors of landmarks add to it.

A transform $M$ (2, 3) brings the second frame's landmarks to the first one's. Then the motion is
$u_{aligned}(x) = M(x + u(x)) - x$, and what it holds besides the skin's own is the head's, or is jitter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mer_core.faces.corpus import STEADY, Corpus
from mer_core.faces.expression import ClipSpec
from mer_core.figures.images import flow_colours, slideshow
from mer_core.figures.lines import curves
from mer_core.studies.motion.measures import length
from mer_core.studies.motion.studio import Studio
from mer_core.vision.align import face_square, move_points, similarity, warp

# Landmarks (68, 2) and those they should come to → a matrix (2, 3).
Transform = Callable[[np.ndarray, np.ndarray], np.ndarray]
SPANS: Mapping[str, Callable[[ClipSpec], float]] = {
    "onset to apex": lambda spec: spec.apex,
    "neighbours of eight frames": lambda spec: spec.onset + (spec.offset - spec.onset) / 7,
}


class Moved(NamedTuple):
    """Between two moments of a clip."""

    skin: np.ndarray  # (2, H, W) motion of the skin on the head
    flow: np.ndarray  # (2, H, W) with the head's
    later: np.ndarray  # (68, 2) landmarks
    now: np.ndarray  # (68, 2)


def moved_between(corpus: Corpus, clip: str, now: float, later: float, size: int) -> Moved:
    """Exact motion from one moment to another, and both moments' exact landmarks."""
    cause = corpus.flow_parts(clip, now, later, size)
    skin = cause["action"] + cause["distractor"]
    points = (corpus.landmarks(clip, t, size) for t in (later, now))
    return Moved(skin, skin + cause["head"], *points)


def by_box(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Both frames are cropped by the box around five points (`face_square`); in pixels of the target's picture.

    The size of the crops does not matter: the transform is one crop and the way back from the other.
    """
    crop, back = face_square(points, 2), cv2.invertAffineTransform(face_square(target, 2))
    return np.column_stack([back[:, :2] @ crop[:, :2], move_points(crop[:, 2], back)])


TRANSFORMS: dict[str, Transform] = {
    "one a clip": lambda points, target: np.eye(2, 3),
    "box of 5 points": by_box,
    "8 steady points": lambda points, target: similarity(points[STEADY], target[STEADY]),
    "all 68 points": similarity,
}


def aligned(flow: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Motion (2, H, W) once the second frame was moved by a transform: M (x + u(x)) − x."""
    x = np.moveaxis(np.indices(flow.shape[1:])[::-1], 0, -1).astype(float)  # (H, W, 2), x first
    there = move_points(x + np.moveaxis(flow, 0, -1), matrix)
    return np.moveaxis(there - x, -1, 0)


def seen_at(points: np.ndarray, sigma: float, random: np.random.RandomState) -> np.ndarray:
    """Landmarks (68, 2) as a detector would see them, each coordinate of each point with an error of its own."""
    return points + sigma * random.randn(*points.shape)


def left_over(
    moves: Sequence[Moved],
    masks: np.ndarray,
    transform: Transform,
    sigma: float,
    random: np.random.RandomState,
    draws: int = 4,
) -> Iterator[float]:
    """Mean motion on the face, after alignment, that is not the skin's own: for each clip and draw of errors."""
    for move, face in zip(moves, masks, strict=True):
        for _ in range(draws):
            matrix = transform(*(seen_at(points, sigma, random) for points in (move.later, move.now)))
            yield length(aligned(move.flow, matrix) - move.skin)[face].mean()


def left_by_error(
    moves: Sequence[Moved], masks: np.ndarray, sigmas: Sequence[float], random: np.random.RandomState
) -> Mapping[str, list[float]]:
    """Mean over clips and draws: a list a transform, a number a size of error."""
    return {
        name: [float(np.mean([*left_over(moves, masks, transform, sigma, random)])) for sigma in sigmas]
        for name, transform in TRANSFORMS.items()
    }


# In the chapter


def cropped_twice(
    studio: Studio, spec: ClipSpec, sigmas: Sequence[float], random: np.random.RandomState
) -> go.Figure:
    """A face that does not move, cropped twice by the box of five points with errors of its landmarks."""
    points, face = studio.corpus.landmarks(spec.clip, spec.onset, studio.size), studio.mask(spec)
    picture, still = studio.frames(spec, [spec.onset])[0], np.zeros((2, studio.size, studio.size))
    steps = {}
    for sigma in sigmas:
        matrix = by_box(*(seen_at(points, sigma / studio.unit, random) for _ in range(2)))
        colours = flow_colours(aligned(still, matrix) * face, 3 / studio.unit)
        steps[f"{sigma}"] = [picture, warp(picture, matrix, studio.size), colours]
    return slideshow(
        steps,
        titles=["first crop", "second crop", "apparent motion"],
        label="error of a landmark, px:",
        alt="Two crops of one and the same picture and the motion between them: all over the face, and larger the "
        "larger the errors of landmarks.",
        width=190,
    )


def moves(studio: Studio, specs: Sequence[ClipSpec], span: str) -> list[Moved]:
    """How several clips move over one of the `SPANS`."""
    return [moved_between(studio.corpus, s.clip, s.onset, SPANS[span](s), studio.size) for s in specs]


def other_motion(
    studio: Studio,
    moves: Sequence[Moved],
    masks: np.ndarray,
    sigmas: Sequence[float],
    random: np.random.RandomState,
) -> pd.DataFrame:
    """What each transform leaves that is not the skin's own motion: a row an error of landmarks; in pixels of 128."""
    left = left_by_error(moves, masks, np.divide(sigmas, studio.unit), random)
    return studio.unit * pd.DataFrame(left, index=[f"{sigma} px" for sigma in sigmas])


def own_motion(studio: Studio, moves: Sequence[Moved], masks: np.ndarray) -> float:
    """Mean motion of the skin on the head."""
    return float(
        np.mean([studio.px(move.skin)[face].mean() for move, face in zip(moves, masks, strict=True)])
    )


def other_motion_curves(sigmas: Sequence[float], left: Mapping[str, pd.DataFrame]) -> go.Figure:
    """What is left by the error of landmarks, a panel a span, a line a transform."""
    return curves(
        sigmas,
        {span: table.to_dict("list") for span, table in left.items()},
        "Motion that is not the skin's own, by the error of landmarks. One transform a clip leaves the head's motion; "
        "one a frame leaves little with exact landmarks, and more the larger their error.",
        across="error of a landmark, px",
        up="other motion left, px",
    )
