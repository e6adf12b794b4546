"""The studio: one subject in front of the camera, and every exact answer about what the camera sees.

    shape + expression → pose → projection → z-buffer → texture and light → 2 × 2 pixels into one → sensor

A picture and its ground truth come from the same vertices and the same z-buffer. Flow, for instance, is the
displacement of the surface point that a pixel sees, and that point is also where the pixel's colour is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mer_core.faces.hair import curtain, hair_field
from mer_core.faces.head import MATERIALS, Head, load_head
from mer_core.faces.identity import Identity
from mer_core.faces.paint import paint, step, texels, texture_coordinates
from mer_core.faces.render import (
    DISTANCE,
    Raster,
    lamp_visibility,
    look_up,
    project,
    rasterise,
    record,
    vertex_normals,
)

if TYPE_CHECKING:
    from mer_core.faces.expression import State

SUPERSAMPLING = 2  # pixels are drawn 2 × 2 and averaged: measured, flow estimation gains nothing beyond
PIVOT = np.array([0.0, -0.45, -0.75])  # dm: heads turn about a point in the neck
REACH = 0.02  # dm: a surface this far behind what the z-buffer shows is hidden
LARGEST = 1024  # px: beyond it the portrait is too coarse
GLEAM = 14  # exponent of the highlight: the gleam of skin is broad
# How far red, green and blue creep into the shadow side of skin: our choice.
SOFTNESS = np.array([0.30, 0.12, 0.07])
# Shares of the room's light and of the lamp's that get into the mouth, by material: our choice, looked at.
IN_MOUTH = np.array([[0.18, 0.10], [1, 1], [0.27, 0.15], [0.22, 0.12], [1, 1]])


class Scene:
    """One subject, painted once, seen at any state, size and number of channels.

    >>> scene = Scene(draw_identity(7))                     # doctest: +SKIP
    >>> scene.frame(state, size=128).shape                  # doctest: +SKIP
    (128, 128, 3)
    """

    def __init__(self, identity: Identity, head: Head | None = None) -> None:
        self.identity = identity
        self.head = head or load_head()
        self._paintings: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.curtain = curtain(identity.hair, identity.seed, self._width())
        self.triangles = np.vstack([self.head.triangles, self.curtain.triangles + len(self.head.mean)])

    # Geometry

    def _width(self) -> float:
        """Width of the skull, the mean skull's being 1."""
        skull = (self.head.mean[:, 1] > 0.1) & (self.head.ears < 0.5)
        ours = self.head.shape(self.identity.coefficients)[skull, 0]
        return np.ptp(ours) / np.ptp(self.head.mean[skull, 0])

    @cached_property
    def neutral(self) -> np.ndarray:
        """(V, 3) the subject at rest, hair included: first the head's vertices, then those of long hair."""
        hair, head = self.identity.hair, self.head
        points = head.shape(self.identity.coefficients)
        depth = step(hair_field(head.mean, hair), -0.02, 0.16) * (1 - head.ears) * hair.thickness
        locks = 1 + 0.25 * hair.curl * np.sin(points @ [17, 23, 29]) * np.sin(points @ [31, -19, 13])
        on_skin = head.material == MATERIALS.index("skin")
        lifted = points + (depth * locks * on_skin)[:, None] * vertex_normals(points, head.triangles).T
        return np.vstack([lifted, self.curtain.points])

    @cached_property
    def _material(self) -> np.ndarray:
        return np.append(self.head.material, np.full(len(self.curtain.points), MATERIALS.index("hair")))

    def points(self, state: "State") -> np.ndarray:
        """(V, 3) the vertices at this instant, in decimetres before the camera."""
        _check_state(state)
        points = self.neutral.copy()
        points[: len(self.head.mean)] += self.head.displacement(state.action + state.distractor)
        turn = rotation_matrix(*state.rotation)
        return (points - PIVOT) @ turn.T + PIVOT + state.translation

    def landmarks(self, state: "State", size: int) -> np.ndarray:
        """(68, 2) in pixels, x first: points that are fixed to the skin."""
        projected = project(self.points(state), _check_size(size))
        corners = projected[self.head.triangles[self.head.landmark_triangles], :2]  # (68, 3, 2)
        return (corners * self.head.landmark_weights[:, :, None]).sum(1)

    def raster(self, state: "State", size: int) -> Raster:
        """What each pixel of a size × size picture sees."""
        return rasterise(project(self.points(state), _check_size(size)), self.triangles, (size, size))

    def mask(self, state: "State", size: int) -> np.ndarray:
        """(H, W) bool: pixels that see the head."""
        return self.raster(state, size).mask

    def depth(self, state: "State", size: int) -> np.ndarray:
        """(H, W) z of what a pixel sees, in decimetres before the eyes; −inf on the wall."""
        raster = self.raster(state, size)
        return self._heights(raster, state, size)

    def _heights(self, raster: Raster, state: "State", size: int) -> np.ndarray:
        closeness = raster.interpolate(project(self.points(state), size)[self.triangles, 2])
        return raster.image(_height(closeness), -np.inf)

    def material(self, state: "State", size: int) -> np.ndarray:
        """(H, W) number of the material in `MATERIALS`; −1 on the wall."""
        raster = self.raster(state, size)
        return raster.image(self._material[self.triangles[raster.triangle, 0]], -1)

    # Motion

    def flow(self, a: "State", b: "State", size: int) -> np.ndarray:
        """(2, H, W): where what a pixel sees at `a` has moved to at `b`: pixels, x first, 0 on the wall."""
        return self._flow(self.raster(a, size), [a, b], size)[0]

    def flow_parts(self, a: "State", b: "State", size: int) -> dict[str, np.ndarray]:
        """The same flow as a sum of three: the labelled `action`, `distractor` motion of the face, and the `head`.

        They are taken in this order: first the action units move the face that is otherwise still at `a`, then what
        else moves the face, then the head turns.
        """
        moved = replace(a, action=b.action)
        moved_all = replace(moved, distractor=b.distractor)
        parts = self._flow(self.raster(a, size), [a, moved, moved_all, b], size)
        return dict(zip(("action", "distractor", "head"), parts, strict=True))

    def _flow(self, raster: Raster, states: Sequence["State"], size: int) -> list[np.ndarray]:
        """Flow from each state to the next, all on the pixels of one z-buffer."""
        places = [project(self.points(state), size)[:, :2].T for state in states]
        moves = np.stack([after - before for before, after in pairwise(places)])  # (P, 2, V)
        return list(raster.image(raster.interpolate(moves[..., self.triangles])))

    def visibility(self, a: "State", b: "State", size: int) -> np.ndarray:
        """(H, W) bool: pixels at `a` whose surface point can still be seen at `b`."""
        raster, later = self.raster(a, size), self.raster(b, size)
        u, v, closeness = raster.interpolate(project(self.points(b), size).T[:, self.triangles])
        height = self._heights(later, b, size)
        x, y = np.floor(u).astype(int), np.floor(v).astype(int)
        inside = (np.minimum(x, y) >= 0) & (np.maximum(x, y) < size - 1)
        x, y = x.clip(0, size - 2), y.clip(0, size - 2)
        farthest = np.minimum.reduce([height[y + j, x + i] for j in (0, 1) for i in (0, 1)])
        return raster.image(inside & (_height(closeness) > farthest - REACH), False)

    # Pictures

    def frame(self, state: "State", size: int, colour: bool = True) -> np.ndarray:
        """(H, W, 3) or (H, W) uint8: what the camera records."""
        return self.frames([state], size, colour)[0]

    def frames(self, states: Iterable["State"], size: int, colour: bool = True) -> np.ndarray:
        """(T, H, W, 3) or (T, H, W) uint8."""
        _check_size(size)
        return np.stack([self._frame(state, size, colour) for state in states])

    def _frame(self, state: "State", size: int, colour: bool) -> np.ndarray:
        return record(self._light(state, size), state.gain, state.noise, state.noise_seed, colour)

    def _light(self, state: "State", size: int) -> np.ndarray:
        """(H, W, 3) float32: linear light that falls on the sensor."""
        points, fine = self.points(state), size * SUPERSAMPLING
        raster = rasterise(project(points, fine), self.triangles, (fine, fine))
        portrait, places = self._painting(size)
        seen = raster.interpolate(np.concatenate([self._shade(points)[:, self.triangles], places]))  # (6, N)
        colour = look_up(portrait, seen[4:])  # (4, N)
        light = raster.image(colour[:3] * seen[:3] + colour[3] * seen[3], self._wall(fine))
        light = light[..., ::2, :] + light[..., 1::2, :]
        return (light[..., ::2] + light[..., 1::2]).transpose(1, 2, 0) / 4

    def _shade(self, points: np.ndarray) -> np.ndarray:
        """(4, V) float32: coloured light that the skin sends back, and the gleam on it."""
        light, normals = self.identity.light, vertex_normals(points, self.triangles)
        soft = SOFTNESS[:, None]
        wrapped = ((light.direction @ normals + soft) / (1 + soft)).clip(0, None)  # (3, V)
        sky = self._open * (0.62 + 0.30 * normals[1] + 0.25 * normals[2])
        diffuse = light.room[:, None] * sky + light.key[:, None] * wrapped * self._lit
        gleam = (light.halfway @ normals).clip(0, None) ** GLEAM
        return np.concatenate([diffuse, [0.10 * self._lit * gleam]]).astype(np.float32)

    @cached_property
    def _open(self) -> np.ndarray:
        """(V,) share of the room's light that reaches each vertex."""
        head = self.head.occlusion**1.5
        head = head + (IN_MOUTH[self.head.material, 0] - head) * self._inside
        return np.append(head, self.curtain.occlusion)

    @cached_property
    def _lit(self) -> np.ndarray:
        """(V,) share of the lamp that reaches each vertex of the neutral face; the lamp is wide, shadows are soft."""
        lit = lamp_visibility(self.neutral, self.triangles, self.identity.light.direction)
        head = lit[: len(self.head.mean)]
        head += (IN_MOUTH[self.head.material, 1] - head) * self._inside
        return lit

    @cached_property
    def _inside(self) -> np.ndarray:
        """(V,) 1 in the mouth: it is dark in the neutral face, but gets some light when it opens."""
        teeth_or_tongue = self.head.material >= MATERIALS.index("teeth")
        return np.maximum(self.head.inner_mouth, teeth_or_tongue)

    def _wall(self, rows: int) -> np.ndarray:
        light = self.identity.light
        height = 0.5 - (np.arange(rows) + 0.5) / rows
        wall = light.wall[:, None] * (1 + light.wall_slope * height)  # (3, rows)
        return wall[..., None].astype(np.float32)

    def _painting(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The portrait in the resolution that suits the size, and the corners' places on it."""
        density = 320 if size > 160 else 160 if size > 80 else 80
        if density not in self._paintings:
            hair = texels(self.curtain.strands, density)[self.curtain.triangles].transpose(2, 0, 1)
            places = np.concatenate([texture_coordinates(self.head, density), hair], axis=1, dtype=np.float32)
            self._paintings[density] = paint(self.identity, density), places
        return self._paintings[density]


def rotation_matrix(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """(3, 3): the turn about the axis (pitch, yaw, roll) by as many radians as it is long (Rodrigues)."""
    return cv2.Rodrigues(np.array([pitch, yaw, roll], float))[0]


def _height(closeness: np.ndarray) -> np.ndarray:
    return DISTANCE - DISTANCE / closeness


def _check_size(size: int) -> int:
    if not isinstance(size, int | np.integer) or not 16 <= size <= LARGEST:
        raise ValueError(
            f"A picture is 16 to {LARGEST} pixels wide and high, a whole number; what came is {size!r}."
        )
    return int(size)


def _check_state(state: "State") -> None:
    for name, shape in {"action": (52,), "distractor": (52,), "rotation": (3,), "translation": (3,)}.items():
        if (came := np.shape(getattr(state, name))) != shape:
            raise ValueError(f"A state's {name} has shape {shape}; what came has shape {came}.")
