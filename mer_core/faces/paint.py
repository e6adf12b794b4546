"""The portrait: skin, brows, eyes, lips and hair of one person, painted on paper and wrapped around the head.

The paper is a cylinder around the head, cut at the back and unrolled: the angle runs across, the height runs down.
First the mean head is printed on it once (`Paper`): every texel then knows its place on the face in decimetres, and
whether it is lip, lid or ear. Painting is arithmetic on these places, so the same portrait can be had at any
resolution. Colours are linear (twice the number is twice the light); a fourth channel says how glossy the place is.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from mer_core.faces.hair import hair_field
from mer_core.faces.head import MATERIALS, Head, load_head
from mer_core.faces.identity import Features, Hair, Identity, RandomState, Skin
from mer_core.faces.render import rasterise

AXIS_Z, RADIUS = -0.75, 0.80  # dm: where the cylinder stands; measured: the cheeks are about 0.8 from there
# dm: the edges of the paper; beyond them the camera does not see.
LEFT, RIGHT, TOP, BOTTOM = -1.70, 1.70, 1.00, -1.45
EYE_TILE = 0.32  # dm: side of the square below the paper that holds the eyeball, at twice the density
PATCHES = {
    "teeth": (0.50, 0.44, 0.36),
    "tongue": (0.30, 0.09, 0.08),
    "mouth": (0.16, 0.035, 0.03),
}  # one colour each


@dataclass(frozen=True)
class Paper:
    """The unrolled mean head at some density: what is where."""

    density: int  # texels a decimetre
    place: np.ndarray  # (H, W, 3) float32, dm on the mean head
    lips: np.ndarray  # (H, W) 0–1
    ears: np.ndarray
    gap: np.ndarray  # dm to the gap between the lids

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in texels."""
        return self.lips.shape


def unroll(points: np.ndarray) -> np.ndarray:
    """Places (…, 3) on the mean head → (…, 2) on the paper, in decimetres: along the circle, and up."""
    angle = np.arctan2(points[..., 0], points[..., 2] - AXIS_Z)
    return np.stack([RADIUS * angle, points[..., 1]], axis=-1)


@cache
def eye_centres() -> np.ndarray:
    """(2, 3): the middle of the right and the left eyeball of the mean head: a sphere put through their points."""
    head = load_head()
    eyes = head.mean[head.material == MATERIALS.index("eye")]
    centres = []
    for side in (-1, 1):
        points = eyes[eyes[:, 0] * side > 0]
        solution = np.linalg.lstsq(
            np.column_stack([2 * points, np.ones(len(points))]), (points**2).sum(1), rcond=None
        )
        centres.append(solution[0][:3])
    return np.array(centres)


@cache
def paper(density: int) -> Paper:
    """Print the mean head on paper of this density, once a process."""
    head = load_head()
    shape = (round((TOP - BOTTOM) * density), round((RIGHT - LEFT) * density))
    skin = head.material[head.triangles] == MATERIALS.index("skin")
    outside = skin.all(1) & (head.inner_mouth[head.triangles].max(1) < 0.5)
    distance = np.hypot(head.mean[:, 0], head.mean[:, 2] - AXIS_Z)
    raster = rasterise(
        np.column_stack([texels(head.mean, density), distance + 1]), head.triangles[outside], shape
    )
    fields = np.stack([*head.mean.T, head.lips, head.ears]).astype(np.float32)
    seen = raster.interpolate(fields[:, head.triangles[outside]])
    x, y, z, lips, ears = _spread(raster.image(seen), raster.mask)
    open_eye = ~raster.mask & (np.hypot(np.abs(x) - 0.29, y) < 0.2)
    gap = cv2.distanceTransform(np.where(open_eye, 0, 1).astype(np.uint8), cv2.DIST_L2, 5) / density
    return Paper(density, np.stack([x, y, z], axis=-1), lips, ears, gap)


def _spread(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill the unknown texels, such as the gap between the lids, from the nearest known one."""
    gaps = np.where(known, 0, 1).astype(np.uint8)
    _, label = cv2.distanceTransformWithLabels(gaps, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    values = np.zeros((len(picture), label.max() + 1), picture.dtype)
    values[:, label[known]] = picture[:, known]
    return values[:, label]


def texture_coordinates(head: Head, density: int) -> np.ndarray:
    """(2, F, 3) float32: texel of every triangle's corners in the picture that `paint` makes at this density."""
    height = round((TOP - BOTTOM) * density)
    side = (head.mean[:, 0] > 0).astype(int)
    eye = (head.mean - eye_centres()[side])[:, :2] * [2 * density, -2 * density] + EYE_TILE * density - 0.5
    is_eye = (head.material == MATERIALS.index("eye"))[:, None]
    corners = np.where(is_eye, eye + np.array([0, height]), texels(head.mean, density))[head.triangles]
    kinds = {
        name: (head.material[head.triangles] == MATERIALS.index(name)).all(1) for name in ("teeth", "tongue")
    }
    kinds["mouth"] = (head.inner_mouth[head.triangles] > 0.5).all(1)
    for number, name in enumerate(PATCHES):
        corners[kinds[name]] = [_patch_left(number, density) + 0.1 * density, height + 0.1 * density]
    return corners.transpose(2, 0, 1).astype(np.float32)


def texels(points: np.ndarray, density: int) -> np.ndarray:
    """Places (…, 3) on the mean head → texels (…, 2) of the paper."""
    return (unroll(points) - [LEFT, TOP]) * [density, -density] - 0.5


def _patch_left(number: int, density: int) -> int:
    return round((2 * EYE_TILE + 0.05 + 0.25 * number) * density)


def paint(identity: Identity, density: int) -> np.ndarray:
    """The portrait with, below it, the eyeball and the patches: (H, W, 4) float32: linear red, green, blue; gloss."""
    sheet = paper(density)
    canvas = Canvas(sheet, identity.seed)
    paint_skin(canvas, identity.skin)
    paint_marks(canvas, identity.skin)
    paint_wrinkles(canvas, identity.skin)
    paint_lips(canvas, identity.features)
    paint_stubble(canvas, identity)
    paint_brows(canvas, identity.features)
    paint_lids(canvas, identity.features)
    paint_hair(canvas, identity.hair)
    tile = round(2 * EYE_TILE * density)
    below = np.zeros((tile, sheet.shape[1], 4), np.float32)
    below[:, :tile] = paint_eye(identity, density, tile)
    for number, colour in enumerate(PATCHES.values()):
        left = _patch_left(number, density)
        below[: round(0.2 * density), left : left + round(0.2 * density)] = [*colour, 0.15]
    return np.vstack([canvas.picture.transpose(1, 2, 0), below])


class Canvas:
    """A sheet that is being painted on, with brushes and random patterns."""

    def __init__(self, sheet: Paper, seed: int) -> None:
        self.sheet, self.seed = sheet, seed
        self.x, self.y, self.z = (np.ascontiguousarray(sheet.place[..., i]) for i in range(3))
        self.across = np.abs(self.x)  # the face is nearly symmetric: most brushes paint both halves
        self.picture = np.zeros((4, *sheet.shape), np.float32)  # red, green, blue, gloss

    def random(self, purpose: str) -> RandomState:
        """A stream of its own for every purpose."""
        return RandomState([self.seed, 100, *purpose.encode()])

    def tint(self, factor: np.ndarray | list[float], amount: np.ndarray) -> None:
        """Multiply the colour by `factor` where `amount` is 1, less where it is less."""
        for channel in range(3):
            self.picture[channel] *= 1 + np.float32(factor[channel] - 1) * amount

    def cover(self, colour: np.ndarray, amount: np.ndarray, gloss: float | None = None) -> None:
        """Lay `colour`, (3,), over what is there, or three pictures (3, H, W)."""
        for channel, value in enumerate(np.asarray(colour, np.float32)):
            self.picture[channel] += (value - self.picture[channel]) * amount
        if gloss is not None:
            self.picture[3] += (np.float32(gloss) - self.picture[3]) * amount

    def noise(self, purpose: str, *cells: float | tuple[float, float]) -> np.ndarray:
        """(H, W) smooth noise of about ±1: random grids with cells of so many decimetres, blown up, added up."""
        random, total = self.random(purpose), np.zeros(self.sheet.shape, np.float32)
        for cell in cells:
            wide, high = cell if isinstance(cell, tuple) else (cell, cell)
            total += self._blown_up(random, wide, high)
        return total / np.float32(np.sqrt(len(cells)))

    def _blown_up(self, random: RandomState, wide: float, high: float) -> np.ndarray:
        columns, rows = int((RIGHT - LEFT) / wide) + 4, int((TOP - BOTTOM) / high) + 4
        grid = random.standard_normal((rows, columns)).astype(np.float32)
        if min(wide, high) * self.sheet.density < 0.7:
            return np.zeros(self.sheet.shape, np.float32)  # finer than the paper: it would alias
        wide, high = wide * self.sheet.density, high * self.sheet.density
        # From grid to texels, with one cell of margin.
        placing = np.array([[wide, 0, -wide - 0.5], [0, high, -high - 0.5]])
        size = (self.sheet.shape[1], self.sheet.shape[0])
        return cv2.warpAffine(grid, placing, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

    def blob(self, x: float, y: float, wide: float, high: float | None = None) -> np.ndarray:
        """A soft spot at (±x, y) of the face; the widths are those of a bell curve."""
        return np.exp(-(((self.across - x) / wide) ** 2) - ((self.y - y) / (high or wide)) ** 2) * (
            self.z > -0.7
        )


def step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger one."""
    t = ((values - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


def paint_skin(canvas: Canvas, skin: Skin) -> None:
    """Ground colour, large patches, pores; oily on forehead and nose."""
    patches = skin.mottling * canvas.noise("mottling", 0.5, 0.22, 0.1)
    pores = skin.grain * canvas.noise("grain", 0.05, 0.025, 0.0125)
    redness = 0.5 * skin.mottling * canvas.noise("redness", 0.35, 0.12)
    for channel, reddened in enumerate((0.35, -0.5, -0.5)):
        canvas.picture[channel] = skin.colour[channel] * np.exp(
            patches + pores + np.float32(reddened) * redness
        )
    oily = (
        canvas.blob(0, 0.55, 0.5, 0.3) + canvas.blob(0, -0.25, 0.12, 0.4) + 0.6 * canvas.blob(0.42, -0.2, 0.2)
    )
    canvas.picture[3] = (0.5 + 0.5 * oily) * np.exp(2.5 * pores)


def paint_marks(canvas: Canvas, skin: Skin) -> None:
    """Blush, shadows around the eyes, freckles, moles."""
    red = [1.12, 0.80, 0.80]
    canvas.tint(
        red, skin.blush * (canvas.blob(0.46, -0.30, 0.20, 0.17) + 0.5 * canvas.blob(0, -0.37, 0.12, 0.09))
    )
    canvas.tint(red, 0.5 * skin.blush * canvas.blob(0, -1.0, 0.16, 0.09) + 0.5 * canvas.sheet.ears)
    canvas.tint([0.70, 0.62, 0.66], skin.eye_bags * canvas.blob(0.25, -0.115, 0.13, 0.045))
    canvas.tint([0.80, 0.72, 0.72], 0.7 * canvas.blob(0.29, 0.05, 0.19, 0.06))
    canvas.tint([0.85, 0.80, 0.78], 0.5 * canvas.blob(0.14, -0.01, 0.05, 0.09))
    spots = step(canvas.noise("freckles", 0.022), 1.2, 1.8) * (canvas.blob(0.3, -0.2, 0.36, 0.25) + 0.1)
    canvas.tint([0.70, 0.55, 0.45], skin.freckles * spots.clip(0, 1))
    random = canvas.random("moles")
    for x, y, radius in random.uniform([-0.6, -1.0, 0.008], [0.6, 0.6, 0.018], (skin.moles, 3)):
        distance = np.hypot(canvas.x - x, canvas.y - y) + 0.5 * (canvas.z < -0.6)
        canvas.tint([0.30, 0.22, 0.20], 0.8 * step(distance, radius, 0.5 * radius))


def paint_wrinkles(canvas: Canvas, skin: Skin) -> None:
    """The fold from nose to mouth, which all have; with age lines on the forehead and beside the eyes."""
    fold = canvas.across - (0.19 + 0.42 * (-0.40 - canvas.y).clip(0, 0.3))
    along = step(canvas.y, -0.38, -0.46) * step(canvas.y, -0.74, -0.60)
    canvas.tint([0.78, 0.70, 0.68], (0.25 + 0.6 * skin.wrinkles) * np.exp(-((fold / 0.025) ** 2)) * along)
    waves = canvas.y + 0.02 * np.cos(5 * canvas.x) + 0.012 * canvas.noise("wrinkles", 0.25)
    lines = np.maximum(np.cos(2 * np.pi * waves / 0.105), 0) ** 8 * canvas.blob(0, 0.42, 0.36, 0.14)
    canvas.tint([0.74, 0.68, 0.66], (skin.wrinkles * lines).clip(0, 1))
    angle = np.arctan2(canvas.y + 0.02, canvas.across - 0.38)
    rays = np.maximum(np.cos(15 * angle), 0) ** 6 * canvas.blob(0.50, -0.02, 0.06, 0.07)
    canvas.tint([0.74, 0.68, 0.66], (skin.wrinkles * rays).clip(0, 1))


def paint_lips(canvas: Canvas, features: Features) -> None:
    """Redder and glossier than skin, with fine vertical lines."""
    amount = step(canvas.sheet.lips, 0.25, 0.85) * features.lip_contrast
    lines = 1 + 0.10 * canvas.noise("lips", (0.018, 0.08), (0.01, 0.05))
    canvas.cover(features.lips[:, None, None] * lines, amount)
    canvas.picture[3] += 0.9 * amount
    slit = np.exp(-(((canvas.y + 0.687) / 0.016) ** 2)) * step(canvas.across, 0.28, 0.22) * (canvas.z > -0.2)
    canvas.tint([0.42, 0.30, 0.30], 0.75 * slit)


def paint_stubble(canvas: Canvas, identity: Identity) -> None:
    """Shaved or short beard: chin, jaw and above the lip, in dots."""
    jaw = step(canvas.y, -0.50, -0.72) * step(canvas.z, -0.75, -0.55) * step(canvas.y, -1.32, -1.12)
    cheek = step(canvas.across - 0.30 - 0.9 * (-0.75 - canvas.y).clip(-0.6, 0), -0.12, 0.05)
    moustache = canvas.blob(0.09, -0.53, 0.13, 0.05)
    chin = canvas.blob(0, -1.0, 0.33, 0.2)
    where = np.maximum.reduce([jaw * cheek * step(canvas.y, -0.45, -0.62), moustache, chin])
    dots = 0.65 + 0.35 * canvas.noise("stubble", 0.014, 0.03)
    amount = identity.skin.stubble * where * dots * (1 - step(canvas.sheet.lips, 0.1, 0.5))
    colour = 0.35 * identity.hair.colour + 0.25 * identity.skin.colour * [0.8, 0.95, 1.1]
    canvas.cover(colour, (0.62 * amount).clip(0, 0.85), gloss=0.25)


def paint_brows(canvas: Canvas, features: Features) -> None:
    """An arch of short hairs that lean outwards."""
    along = (canvas.across - 0.10) / (features.brow_length - 0.10)  # 0 at the nose … 1 at the temple
    arch = features.brow_arch * (1 - ((along - 0.62) / 0.62) ** 2)
    offset = canvas.y - features.brow_height - arch
    thick = features.brow_thickness * (step(along, -0.08, 0.22) * step(along, 1.02, 0.45)).clip(0.05, 1)
    body = step(np.abs(offset) / thick, 1.25, 0.35) * step(along, -0.05, 0.12) * step(along, 1.04, 0.9)
    lean = (canvas.across - (0.35 + 0.8 * along.clip(0, 1)) * offset) * np.where(canvas.x > 0, 1, -1)
    hairs = _streaks(canvas, "brows", lean, offset, 0.009, 0.05)
    hairs += _streaks(canvas, "fine hairs", lean + 0.3 * offset, offset, 0.005, 0.04)
    amount = features.brow_density * body * (0.86 + 0.17 * hairs)
    canvas.cover(features.brow_colour, amount.clip(0, 0.97) * (canvas.z > -0.6), gloss=0.3)


def _streaks(
    canvas: Canvas, purpose: str, p: np.ndarray, q: np.ndarray, thin: float, long: float
) -> np.ndarray:
    """Noise (H, W) that changes fast along p and slowly along q, both fields in dm."""
    if thin * canvas.sheet.density < 0.7:
        return np.zeros(canvas.sheet.shape, np.float32)  # finer than the paper: it would alias
    grid = canvas.random(purpose).standard_normal((int(2 / long), int(3 / thin))).astype(np.float32)
    columns, rows = (p / thin + grid.shape[1] / 2), (q / long + grid.shape[0] / 2)
    maps = columns.astype(np.float32), rows.astype(np.float32)
    return cv2.remap(grid, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)


def paint_lids(canvas: Canvas, features: Features) -> None:
    """Lashes are a dark rim above the eye and a faint one below; the crease of the upper lid."""
    upper = step(canvas.y, -0.055, -0.005) * step(canvas.across, 0.17, 0.24)
    rim = step(canvas.sheet.gap, 0.008 + 0.022 * upper, 0.004)
    canvas.cover(features.brow_colour * 0.5, features.lashes * rim * (0.15 + 0.85 * upper) * 0.9, gloss=0.3)
    canvas.tint([0.95, 0.72, 0.70], 0.6 * step(canvas.sheet.gap, 0.02, 0.004) * (1 - upper))
    crease = np.exp(-(((canvas.sheet.gap - 0.045) / 0.012) ** 2)) * upper
    canvas.tint([0.66, 0.58, 0.58], 0.4 * crease)


def paint_hair(canvas: Canvas, hair: Hair) -> None:
    """Strands from the hairline up and back; the edge is ragged."""
    field = hair_field(canvas.sheet.place, hair) + 0.028 * canvas.noise(
        "hairline", (0.03, 0.1), (0.012, 0.05)
    )
    wave = 0.035 * hair.curl * canvas.noise("curl", 0.2, 0.1)
    strands = _streaks(
        canvas, "hair", RADIUS * np.arctan2(canvas.x, canvas.z - AXIS_Z) + wave, canvas.y, 0.016, 0.5
    )
    strands += 0.8 * _streaks(canvas, "locks", 0.6 * canvas.x + wave, canvas.y, 0.06, 0.4)
    canvas.tint([0.8, 0.78, 0.76], 0.5 * step(field, -0.12, 0.0))
    amount = step(field, -0.02, 0.05) * (1 - 0.9 * canvas.sheet.ears)
    canvas.cover(hair.colour[:, None, None] * np.exp(0.30 * strands), amount * 0.97)
    canvas.picture[3] += (0.5 * np.exp(0.4 * strands) - canvas.picture[3]) * amount


def paint_eye(identity: Identity, density: int, tile: int) -> np.ndarray:
    """The eyeball from in front (tile, tile, 4): white, iris with fibres and a dark rim, pupil."""
    features, random = identity.features, RandomState([identity.seed, 101])
    across = (np.arange(tile) + 0.5) / (2 * density) - EYE_TILE / 2
    x, y = np.meshgrid(across, -across)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    white = np.array([0.56, 0.51, 0.48]) * (1 - 0.35 * step(radius, 0.08, 0.16))[..., None] ** [0.7, 1.2, 1.2]
    fibres = sum(random.normal() * np.cos(k * angle + random.uniform(0, 6)) for k in range(9, 60, 5)) / 3.3
    iris_radius, pupil_radius = features.iris_radius, features.iris_radius * features.pupil
    depth = ((radius - pupil_radius) / (iris_radius - pupil_radius)).clip(0, 1)
    iris = features.iris * ((1.25 + 0.35 * fibres) * (1.25 - 0.4 * depth))[..., None]
    iris *= (1 - 0.75 * step(depth, 0.72, 1.0))[..., None]
    blur = 0.006 + 0.25 / density  # dm: half a texel at least, so that a coarse tile does not show stairs
    picture = white + (iris - white) * step(radius, iris_radius + blur, iris_radius - blur)[..., None]
    picture += (0.004 - picture) * step(radius, pupil_radius + blur, pupil_radius - blur)[..., None]
    # The lamp is mirrored where the eyeball, of radius 0.14 dm, faces half-way between lamp and camera.
    glint_x, glint_y = 0.14 * identity.light.halfway[:2]
    picture += 0.85 * step(np.hypot(x - glint_x, y - glint_y), 0.011 + blur, 0.011 - blur)[..., None]
    return np.dstack([picture, np.full_like(radius, 0.25)]).astype(np.float32)
