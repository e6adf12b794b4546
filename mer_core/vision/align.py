"""Alignment: where a face lies in a picture, and the picture moved so that faces lie alike.

A transform is a (2, 3) matrix that takes a point of the old picture to its place in the new one. Whole numbers are the
middles of pixels.
"""

import cv2
import numpy as np

from mer_core.vision.landmarks import MOUTH_CORNERS, NOSE_TIP, eye_centres


def face_square(points: np.ndarray, size: int, scale: float = 2.5) -> np.ndarray:
    """Landmarks (68, 2) → the transform (2, 3) that levels the eyes and crops the face to `size` × `size` pixels.

    The crop is the square around the box of eye centres, tip of the nose and corners of the mouth; its side is
    `scale` times the longer side of that box.
    """
    points = _checked(points)
    across = np.subtract(*eye_centres(points)[::-1])  # from the viewer's left eye to the right one
    cos, sin = across / np.linalg.norm(across)
    level = np.array([[cos, sin], [-sin, cos]])
    five = np.vstack([eye_centres(points), points[NOSE_TIP], points[MOUTH_CORNERS]]) @ level.T  # (5, 2)
    low, high = five.min(axis=0), five.max(axis=0)
    zoom = (size - 1) / (scale * (high - low).max())
    return np.column_stack([zoom * level, (size - 1) / 2 - zoom * (low + high) / 2])


def eye_distance(points: np.ndarray) -> np.ndarray:
    """Landmarks (…, 68, 2) → (…): pixels between the middles of the eyes."""
    eyes = eye_centres(points)
    return np.linalg.norm(eyes[..., 1, :] - eyes[..., 0, :], axis=-1)


def similarity(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The turn, zoom and shift (2, 3) that bring points (K, 2) nearest to their targets (K, 2), in least squares.

    In the plane Umeyama's answer needs no decomposition: turn and zoom are the one complex number
    $a + ib = \\sum \\bar p_k q_k / \\sum |p_k|^2$ of the points $p$ and targets $q$, both about their middles.
    """
    points, target = _pairs(points, target)
    middle, there = points.mean(axis=0), target.mean(axis=0)
    p, q = ((array - mean) @ [1, 1j] for array, mean in ((points, middle), (target, there)))  # (K,)
    ratio = np.vdot(p, q) / np.vdot(p, p).real
    turn = np.array([[ratio.real, -ratio.imag], [ratio.imag, ratio.real]])
    return np.column_stack([turn, there - turn @ middle])


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """A picture (H, W) or (H, W, 3) moved by a transform → (size, size) or (size, size, 3).

    Beyond its edge a picture goes on as the edge is. A picture that shrinks is first sampled about as finely as it is,
    and then averaged over each new pixel: single samples would skip some of the old ones, and hair would flicker.
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    finer = max(1, round(shrink))  # up to 1.5 bilinear sampling alone skips nothing
    matrix = finer * matrix + [[0, 0, (finer - 1) / 2]]  # the middle of a pixel among its finer ones
    fine = cv2.warpAffine(image, matrix, (finer * size, finer * size), borderMode=cv2.BORDER_REPLICATE)
    return fine if finer == 1 else cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (…, 2) moved by a transform."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def move_flow(flow: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:  # (2, H, W)
    """Motion (2, H, W) from one picture to the next, once each of them was moved by a transform of its own."""
    places = np.stack(np.meshgrid(np.arange(flow.shape[2]), np.arange(flow.shape[1])), axis=-1)  # (H, W, 2)
    before = move_points(places, cv2.invertAffineTransform(first))
    grid = before.astype(np.float32)
    moved = cv2.remap(
        np.moveaxis(flow, 0, -1).astype(np.float32), grid[..., 0], grid[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.moveaxis(move_points(before + moved, second) - places, -1, 0).astype(np.float32)


def _checked(points: np.ndarray) -> np.ndarray:  # (68, 2)
    points = np.asarray(points, float)
    if points.shape != (68, 2):
        raise ValueError(f"Expected the 68 landmarks of one face (68, 2), got {points.shape}.")
    if gaps := np.flatnonzero(~np.isfinite(points).all(axis=1)).tolist():
        raise ValueError(f"Expected 68 known landmarks, but of {gaps[:5]} the place is not a number.")
    if (distance := eye_distance(points)) < 1:
        raise ValueError(
            f"Expected eyes at least a pixel apart, got {distance:.3g}: landmarks on one spot, or not in pixels."
        )
    return points


def _pairs(points: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # (K, 2), (K, 2)
    points, target = np.asarray(points, float), np.asarray(target, float)
    if points.shape != target.shape or points.shape[1:] != (2,):
        raise ValueError(
            f"Expected as many points as targets, (K, 2) each, got {points.shape} and {target.shape}."
        )
    for name, array in (("points", points), ("targets", target)):
        if not np.isfinite(array).all() or (array == array[:1]).all():
            raise ValueError(
                f"Expected at least two different {name}, all of them numbers, got {array.tolist()[:3]}."
            )
    return points, target
