"""From moving vertices to pixels: camera, z-buffer, light.

The z-buffer answers one question for every pixel: which triangle is in front, and where in the triangle are we?
Texture, light, flow, landmarks and masks all follow from that answer, so they agree with one another exactly.

Coordinates: the face lives in decimetres, x to its left, y up, z to the viewer, the point between the eyes at the
origin. Pixels count x to the right and y down; a pixel's *centre* has whole coordinates, as in OpenCV.
"""

from dataclasses import dataclass

import cv2
import numpy as np

DISTANCE = 12.0  # dm from the camera to the eyes: a portrait at 1.2 m, our choice
FOCAL = 66 / 128  # image widths a decimetre: a head is about 90 of 128 pixels wide, our choice
EYE_LINE = 0.375  # height of the eyes in the image, from the top, our choice

_ID_MASK = (1 << 14) - 1  # low bits of a depth key hold a triangle's number: up to 16,384 triangles
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # red, green, blue in a grey picture (ITU-R BT.601)
_EDGE = 1e-9  # px: neighbours overlap by this much, so that rounding leaves no hole between them


def project(points: np.ndarray, size: float) -> np.ndarray:
    """Points (…, 3) in decimetres → (…, 3): u, v in pixels of a size × size picture, and closeness.

    Closeness is DISTANCE / (DISTANCE − z): 1 at the eyes, larger is nearer; unlike z it is linear across a
    triangle on the screen. Half a pixel is taken off because pixel 0 reaches from −0.5 to 0.5: so a picture of
    twice the size shows the same scene.
    """
    closeness = DISTANCE / (DISTANCE - points[..., 2])
    u = size * (0.5 + FOCAL * closeness * points[..., 0]) - 0.5
    v = size * (EYE_LINE - FOCAL * closeness * points[..., 1]) - 0.5
    return np.stack([u, v, closeness], axis=-1)


@dataclass(frozen=True)
class Raster:
    """What the pixels of a picture see: only the N pixels that see something are listed.

    Values come channels first, as flow does: corner values (…, F, 3) → seen values (…, N) → picture (…, H, W).
    """

    shape: tuple[int, int]  # height, width
    pixels: np.ndarray  # (N,) flat index into the picture, ascending
    triangle: np.ndarray  # (N,) the nearest triangle there
    second: np.ndarray  # (N,) weight of its second corner at the pixel's centre
    third: np.ndarray  # (N,) and of its third; the first has the rest

    @property
    def weights(self) -> np.ndarray:
        """(N, 3) how much of each corner: adds up to 1."""
        return np.column_stack([1 - self.second - self.third, self.second, self.third])

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool: pixels that see the head."""
        return self.image(np.ones(len(self.pixels), bool), False)

    def image(self, values: np.ndarray, background: float | np.ndarray = 0) -> np.ndarray:
        """Values (…, N) of the seen pixels as a picture (…, H, W)."""
        picture = np.empty((*values.shape[:-1], *self.shape), values.dtype)
        picture[:] = background
        picture.reshape(*values.shape[:-1], -1)[..., self.pixels] = values
        return picture

    def interpolate(self, corner_values: np.ndarray) -> np.ndarray:
        """Values at the corners of every triangle (…, F, 3) → values at the seen pixels (…, N)."""
        first = corner_values[..., 0]
        total = first.take(self.triangle, axis=-1)
        for corner, weight in ((1, self.second), (2, self.third)):
            change = (corner_values[..., corner] - first).take(self.triangle, axis=-1)
            change *= weight.astype(change.dtype, copy=False)
            total += change
        return total


def rasterise(points: np.ndarray, triangles: np.ndarray, shape: tuple[int, int]) -> Raster:
    """The z-buffer: projected points (V, 3), triangles (F, 3) → what each pixel of the picture sees.

    No loops: a triangle is cut into the rows that it touches, a row into its pixels. Closeness and triangle share one
    whole number, closeness in the high bits, so that one `maximum.at` finds the nearest triangle of every pixel.
    Triangles that show their back are left out.
    """
    height, width = shape
    facing, corners, planes = _facing(points, triangles)
    owner, y, left, right = _rows(corners, height, width)
    count = right - left + 1
    x = np.arange(count.sum()) + np.repeat(left - np.cumsum(count) + count, count)
    slope, along, base = planes[2].take(owner, axis=1)
    closeness = np.repeat(along * y + base, count)
    closeness += np.repeat(slope, count) * x
    keys = closeness.view(np.int64)  # positive floats sort like their bits
    keys &= ~_ID_MASK
    keys |= np.repeat(owner, count)
    x += np.repeat(y * width, count)
    buffer = np.zeros(height * width, np.int64)
    np.maximum.at(buffer, x, keys)
    return _winners(buffer, facing, planes, shape)


def _facing(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles that face us: numbers (G,), corners (3 corners, 3 coordinates, G), planes (3 values, 3, G).

    A plane (p, q, r) gives a value p·x + q·y + r at a pixel: the second corner's weight, the third's, and closeness.
    """
    a, b, c = points.T[:, triangles.T].transpose(1, 0, 2)  # (3, F) each
    facing = np.flatnonzero((b[0] - a[0]) * (c[1] - a[1]) < (b[1] - a[1]) * (c[0] - a[0]))  # rows count down
    corners = np.stack([a[:, facing], b[:, facing], c[:, facing]])
    a, ab, ac = corners[0], corners[1] - corners[0], corners[2] - corners[0]
    planes = np.empty_like(corners)
    planes[0] = ac[1], -ac[0], ac[0] * a[1] - ac[1] * a[0]
    planes[1] = -ab[1], ab[0], ab[1] * a[0] - ab[0] * a[1]
    planes[:2] /= ab[0] * ac[1] - ab[1] * ac[0]
    planes[2] = ab[2] * planes[0] + ac[2] * planes[1]
    planes[2, 2] += a[2]
    return facing, corners, planes


def _rows(corners: np.ndarray, height: int, width: int) -> tuple[np.ndarray, ...]:
    """Cut triangles into rows of pixels: owner, y, first x and last x of every row that has a pixel."""
    u, v = _from_top(corners)  # (3, G) each
    tall = np.maximum(v[[2, 1, 2]] - v[[0, 0, 1]], 1e-9)  # of the long, upper and lower edge; never 0
    lean = (u[[2, 1, 2]] - u[[0, 0, 1]]) / tall
    top = np.maximum(np.ceil(v[0]), 0).astype(np.int64)
    rows = np.maximum(np.minimum(np.floor(v[2]), height - 1).astype(np.int64) - top + 1, 0)
    owner = np.repeat(np.arange(len(rows)), rows)
    y = np.arange(len(owner)) + np.repeat(top - np.cumsum(rows) + rows, rows)
    edge = owner + len(rows) * (y >= v[1].take(owner))  # upper edges are listed first, lower ones after them
    long = u[0].take(owner) + lean[0].take(owner) * (y - v[0].take(owner))
    short = u[:2].ravel().take(edge) + lean[1:].ravel().take(edge) * (y - v[:2].ravel().take(edge))
    left = np.maximum(np.ceil(np.minimum(long, short) - _EDGE), 0).astype(np.int64)
    right = np.minimum(np.floor(np.maximum(long, short) + _EDGE), width - 1).astype(np.int64)
    some = np.flatnonzero(right >= left)
    return owner[some], y[some], left[some], right[some]


def _from_top(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u and v (3, G) of the corners of each triangle, from the top down."""
    (ua, ub, uc), (va, vb, vc) = corners[:, 0], corners[:, 1]
    for _ in range(2):  # a bubble sort of three
        swap = va > vb
        ua, ub, va, vb = (
            np.where(swap, ub, ua),
            np.where(swap, ua, ub),
            np.minimum(va, vb),
            np.maximum(va, vb),
        )
        swap = vb > vc
        ub, uc, vb, vc = (
            np.where(swap, uc, ub),
            np.where(swap, ub, uc),
            np.minimum(vb, vc),
            np.maximum(vb, vc),
        )
    return np.stack([ua, ub, uc]), np.stack([va, vb, vc])


def _winners(buffer: np.ndarray, facing: np.ndarray, planes: np.ndarray, shape: tuple[int, int]) -> Raster:
    pixels = np.flatnonzero(buffer)
    owner = buffer[pixels] & _ID_MASK
    y = pixels // shape[1]
    x = pixels - y * shape[1]
    second, third = (p.take(owner) * x + q.take(owner) * y + r.take(owner) for p, q, r in planes[:2])
    return Raster(shape, pixels, facing[owner], second, third)


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals (3, V) of points (V, 3): the mean of the triangles around, larger ones count more."""
    a, b, c = points.T[:, triangles.T].transpose(1, 0, 2)  # (3, F) each
    u, v = b - a, c - a
    faces = u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
    corners = triangles.T.ravel()
    normals = np.stack([np.bincount(corners, np.tile(face, 3), len(points)) for face in faces])
    return normals / np.sqrt((normals**2).sum(0) + 1e-24)


def lamp_visibility(points: np.ndarray, triangles: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(V,) 0–1: mean over 12 points of a wide lamp of whether its light reaches the vertex."""
    random = np.random.RandomState(0)
    lamps = direction + random.normal(0, 0.16, (12, 3))
    return np.mean([parallel_light(points, triangles, lamp, scale=70) for lamp in lamps], axis=0)


def parallel_light(
    points: np.ndarray, triangles: np.ndarray, direction: np.ndarray, scale: float, bias: float = 0.04
) -> np.ndarray:
    """(V,) 0–1: does light from `direction` reach the vertices? A z-buffer seen from the lamp tells.

    It has `scale` pixels a decimetre; what lies less than `bias` decimetres behind it counts as lit.
    """
    z = direction / np.linalg.norm(direction)
    x = np.array([z[2], 0, -z[0]]) / np.hypot(z[0], z[2])
    across, up, near = (points @ np.column_stack([x, np.cross(z, x), z])).T
    u, v, near = (across - across.min()) * scale + 1, (up.max() - up) * scale + 1, near + 10  # 10: above 0
    shape = int(v.max()) + 3, int(u.max()) + 3
    raster = rasterise(np.column_stack([u, v, near]), triangles, shape)
    nearest = raster.image(raster.interpolate(near[triangles]))
    column, row = u.astype(int), v.astype(int)
    return np.mean([near + bias > nearest[row + j, column + i] for j in (0, 1) for i in (0, 1)], axis=0)


def look_up(texture: np.ndarray, texels: np.ndarray) -> np.ndarray:
    """Texture (H, W, 4) at texels (2, N) → (4, N), bilinear."""
    count = texels.shape[1]
    rows = -(-count // 1024)  # OpenCV wants pictures that are less than 32,768 wide
    places = np.zeros((2, rows * 1024), np.float32)
    places[:, :count] = texels
    x, y = places.reshape(2, rows, 1024)
    read = cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.stack(cv2.split(read)).reshape(4, -1)[:, :count]


def record(light: np.ndarray, gain: float, noise: float, noise_seed: int, colour: bool) -> np.ndarray:
    """Linear light (H, W, 3) → uint8, as a sensor gives it: gamma 2, light level, noise, rounding.

    Gamma is 2, not 2.2: a square root is exact on every machine. Brighter pixels are noisier. `noise` is that of a
    128-pixel picture; larger pixels collect more light, so at half the size it is half as strong.
    """
    picture = np.sqrt(light) * np.float32(255)
    if not colour:
        red, green, blue = (share * picture[..., i] for i, share in enumerate(GREY))
        picture = red + green + blue  # (H, W)
    picture *= np.float32(gain)
    if noise > 0:
        sigma = noise * min(1.0, len(light) / 128) * np.sqrt(0.4 + 0.6 / 128 * picture)
        picture += sigma * np.random.RandomState(noise_seed).standard_normal(picture.shape)
    return np.rint(picture.clip(0, 255)).astype(np.uint8)
