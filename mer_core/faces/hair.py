"""Hair: where it grows on the scalp, and the curtain that hangs behind the ears of those who wear it long.

Short hair is the scalp itself, lifted a little and painted. Long hair is a surface of its own that follows the head
and nothing else.
"""

from dataclasses import dataclass

import numpy as np

from mer_core.faces.identity import Hair

COLUMNS, ROWS = 10, 16  # of the grid on each side of the head
INNER, OUTER = np.radians([28, 118])  # from just beside the neck to the back of the head; 0 is the front
ROOT = 0.42  # dm above the eyes: there the curtain leaves the scalp
MIDDLE_Z, HALF_DEPTH = -1.16, 0.52  # dm: it hangs along an ellipse around the neck
# Half width of the ellipse in dm at heights from ROOT down to the shoulders: our choice, looked at on many heads.
WIDTHS = np.array([(0.42, 0.69), (0.2, 0.745), (-0.2, 0.80), (-0.7, 0.83), (-1.2, 0.84), (-1.8, 0.92)])


def hair_field(points: np.ndarray, hair: Hair) -> np.ndarray:
    """How far (dm, roughly) places (…, 3) on the mean head lie inside the hair; below 0 is skin."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    line = (
        0.74 + hair.line - 0.60 * (x / 0.62) ** 4 + 0.16 * hair.temples * np.exp(-(((x - 0.36) / 0.13) ** 2))
    )
    line = line - 0.42 * hair.fringe * np.exp(-((x / 0.42) ** 4)) * (
        0.8 + 0.2 * np.cos(9 * points[..., 0] + 2)
    )
    line = np.maximum(line, -0.16)  # or else shoulders would have hair
    side = np.minimum(-(z + 0.27), y + 0.16)
    return np.maximum(y - line, side)


@dataclass(frozen=True)
class Curtain:
    """Long hair: a grid of points on either side of the neck."""

    points: np.ndarray  # (V, 3) dm
    triangles: np.ndarray  # (F, 3)
    strands: np.ndarray  # (V, 3) the place on the mean head whose painted hair each point shows
    occlusion: np.ndarray  # (V,) darker towards the neck


def curtain(hair: Hair, seed: int, width: float) -> Curtain:
    """The curtain of this hair, nothing if it is short; `width` is that of the head, the mean head's being 1."""
    if hair.length == 0:
        return Curtain(np.empty((0, 3)), np.empty((0, 3), int), np.empty((0, 3)), np.empty(0))
    random = np.random.RandomState([seed, 102])
    around, down = np.meshgrid(np.linspace(0, 1, COLUMNS), np.linspace(0, 1, ROWS))  # (ROWS, COLUMNS)
    sides = [_side(hair, random, around, down, width, side) for side in (-1, 1)]
    grid = _grid_triangles()
    return Curtain(
        points=np.vstack([points for points, _ in sides]),
        triangles=np.vstack(
            [grid, grid[:, ::-1] + ROWS * COLUMNS]
        ),  # the mirrored side turns the other way round
        strands=np.vstack([strands for _, strands in sides]),
        occlusion=np.tile((0.25 + 0.65 * np.sqrt(around)).ravel(), 2),
    )


def _side(
    hair: Hair, random: np.random.RandomState, around: np.ndarray, down: np.ndarray, width: float, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points and strands of one side; `around` and `down` run from 0 to 1."""
    end = -0.45 - 1.2 * hair.length + random.normal(0, 0.03, COLUMNS)
    y = ROOT + (end - ROOT) * down
    half = np.interp(-y, -WIDTHS[:, 0], WIDTHS[:, 1]) * width + hair.thickness * np.sin(
        np.pi * down.clip(0, 0.5)
    )
    half = half + 0.04 * hair.curl * np.sin(9 * y + 2 * around + random.uniform(0, 6)) * down
    half = half - 0.10 * _tips(down)  # the tips fall inwards
    angle = INNER + (OUTER - INNER) * around
    x, z = half * np.sin(angle), MIDDLE_Z + HALF_DEPTH * np.cos(angle)
    points = np.stack([side * x, y, z], axis=-1).reshape(-1, 3)
    shown = np.radians(88 + 30 * around)  # the side of the scalp, where the painted hair is long enough
    height = 0.92 - 0.75 * down
    strands = np.stack([side * 0.7 * np.sin(shown), height, -0.75 + 0.7 * np.cos(shown)], axis=-1)
    return points, strands.reshape(-1, 3)


def _tips(down: np.ndarray) -> np.ndarray:
    """0 along most of the hair, rising to 1 at the tips."""
    return (4 * (down - 0.75)).clip(0, 1) ** 2


def _grid_triangles() -> np.ndarray:
    """Two triangles for each cell of a grid of ROWS × COLUMNS points, anticlockwise on the subject's right side."""
    corner = (np.arange(ROWS - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).ravel()
    right, below = corner + 1, corner + COLUMNS
    return np.vstack([np.column_stack([corner, right, below]), np.column_stack([right, below + 1, below])])
