"""The head: one mesh that takes the shape of anybody and any expression, by adding up displacements.

    points = mean + Σ coefficient · identity + Σ weight · unit

`head.npz` was made by `tools/build_head.py` from MakeHuman's CC0 meshes; NOTICE names the authors.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

ASSET = Path(__file__).with_name("head.npz")
ASSET_SHA256 = "c211b244313b382f28edcd98c525eb7030505ec0096b245a508689506e44086a"

# Hair is what hangs free; the hair of the scalp is painted on skin.
MATERIALS = ("skin", "eye", "teeth", "tongue", "hair")
BOTH_SIDES = (
    *(
        "browDown",
        "browOuterUp",
        "cheekSquint",
        "eyeBlink",
        "eyeLookDown",
        "eyeLookIn",
        "eyeLookOut",
        "eyeLookUp",
    ),
    *("eyeSquint", "eyeWide", "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile"),
    *("mouthStretch", "mouthUpperUp", "noseSneer"),
)
MIDDLE = (
    *(
        "browInnerUp",
        "cheekPuff",
        "jawForward",
        "jawLeft",
        "jawOpen",
        "jawRight",
        "mouthClose",
        "mouthFunnel",
    ),
    *("mouthLeft", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower"),
    *("mouthShrugUpper", "tongueOut"),
)
# ARKit's names, in alphabetical order: the order of the asset and of every vector of weights.
UNITS = tuple(sorted([*MIDDLE, *(unit + side for unit in BOTH_SIDES for side in ("Left", "Right"))]))


@dataclass(frozen=True)
class Head:
    """The mesh and how it can move. Decimetres; x to the subject's left, y up, z to the viewer."""

    mean: np.ndarray  # (V, 3) the mean face, the point between the eyes at the origin
    identities: np.ndarray  # (40, V, 3) one standard deviation of how faces differ
    units: np.ndarray  # (52, V, 3) a full expression unit
    unit_names: tuple[str, ...]
    traits: np.ndarray  # (2, 41) guess how masculine and old a face looks: see `guess_traits`
    triangles: np.ndarray  # (F, 3) anticlockwise, seen from outside
    material: np.ndarray  # (V,) index into MATERIALS
    occlusion: np.ndarray  # (V,) share of the light from the front that arrives
    lips: np.ndarray  # (V,) 0–1, like the next three
    inner_mouth: np.ndarray
    ears: np.ndarray
    lid: np.ndarray  # lid margin: skin that touches the eyeball
    landmark_triangles: np.ndarray  # (68,)
    landmark_weights: np.ndarray  # (68, 3)

    def shape(self, coefficients: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Points (V, 3) of the person with these 40 coefficients, and with this expression of 52 weights."""
        points = self.mean + np.tensordot(
            _check(coefficients, len(self.identities), "identity"), self.identities, 1
        )
        return points if weights is None else points + self.displacement(weights)

    def displacement(self, weights: np.ndarray) -> np.ndarray:
        """Σ weight · unit, (V, 3): only the units that take part are added."""
        used = np.flatnonzero(_check(weights, len(self.units), "expression"))
        return np.tensordot(weights[used], self.units[used], 1)

    def guess_traits(self, coefficients: np.ndarray) -> tuple[float, float]:
        """How masculine and how old the shape of a face looks, roughly 0–1 each."""
        masculine, old = self.traits[:, :-1] @ _check(coefficients, len(self.identities), "identity")
        return tuple((np.array([masculine, old]) + self.traits[:, -1]).clip(0, 1))

    def weights(self, **units: float) -> np.ndarray:
        """A vector of 52 weights from names, as in `head.weights(browInnerUp=0.5)`."""
        if unknown := set(units) - set(self.unit_names):
            raise ValueError(
                f"There is no unit {sorted(unknown)}; the units are {', '.join(self.unit_names)}."
            )
        return np.array([units.get(name, 0.0) for name in self.unit_names])


def _check(vector: np.ndarray, length: int, kind: str) -> np.ndarray:
    if np.shape(vector) != (length,):
        raise ValueError(
            f"The {kind} is {length} numbers, shape ({length},); what came has shape {np.shape(vector)}."
        )
    return np.asarray(vector, float)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def load_head(path: Path = ASSET) -> Head:
    """The head, read once a process; an error if the file is not the one that belongs to this code."""
    if (found := sha256(path)) != ASSET_SHA256:
        raise ValueError(f"{path} is damaged or of another version: sha256 {found}, expected {ASSET_SHA256}.")
    with np.load(path) as stored:
        arrays = dict(stored)
    for name in ("identities", "units"):
        arrays[name] = arrays[name] * arrays.pop(f"{name}_scale")
    for name in ("occlusion", "lips", "inner_mouth", "ears", "lid"):
        arrays[name] = arrays[name] / 255.0
    for name in ("triangles", "material", "landmark_triangles"):
        arrays[name] = arrays[name].astype(np.int64)
    for name in ("mean", "traits", "landmark_weights"):
        arrays[name] = arrays[name].astype(float)
    for array in arrays.values():
        array.flags.writeable = False  # it is shared by everything in the process
    return Head(**arrays, unit_names=UNITS)
