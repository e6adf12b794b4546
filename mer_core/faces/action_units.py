"""Action units: what the face can do, how far it moves the skin, and which of them an emotion shows.

Displacements are pixels in a picture of 128 × 128.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from mer_core.faces.head import BOTH_SIDES, MATERIALS, UNITS, load_head
from mer_core.faces.render import project

PEAK_VERTICES = 20  # a displacement is the mean over the vertices that move most: one alone would be noise
PICTURE = 128


@dataclass(frozen=True)
class ActionUnit:
    """One movement of the Facial Action Coding System, as a mixture of the head's units."""

    number: int
    name: str
    units: dict[str, float]  # those of both sides without Left or Right

    @property
    def has_sides(self) -> bool:
        """Whether it can move one side alone."""
        return all(unit in BOTH_SIDES for unit in self.units)


# Mixtures: our reading of the coding manual on these units. AU 24 by mouthPress alone looks like a smile.
ACTION_UNITS = {
    unit.number: unit
    for unit in (
        ActionUnit(1, "inner brow raiser", {"browInnerUp": 1}),
        ActionUnit(2, "outer brow raiser", {"browOuterUp": 1}),
        ActionUnit(4, "brow lowerer", {"browDown": 1}),
        ActionUnit(5, "upper lid raiser", {"eyeWide": 1}),
        ActionUnit(6, "cheek raiser", {"cheekSquint": 1}),
        ActionUnit(7, "lid tightener", {"eyeSquint": 1}),
        ActionUnit(9, "nose wrinkler", {"noseSneer": 1}),
        ActionUnit(10, "upper lip raiser", {"mouthUpperUp": 1}),
        ActionUnit(12, "lip corner puller", {"mouthSmile": 1}),
        ActionUnit(14, "dimpler", {"mouthDimple": 1}),
        ActionUnit(15, "lip corner depressor", {"mouthFrown": 1}),
        ActionUnit(16, "lower lip depressor", {"mouthLowerDown": 1}),
        ActionUnit(17, "chin raiser", {"mouthShrugLower": 1, "mouthShrugUpper": 0.5}),
        ActionUnit(18, "lip pucker", {"mouthPucker": 1}),
        ActionUnit(20, "lip stretcher", {"mouthStretch": 1}),
        ActionUnit(22, "lip funneler", {"mouthFunnel": 1}),
        ActionUnit(23, "lip tightener", {"mouthRollUpper": 0.6, "mouthRollLower": 0.6, "mouthPress": 0.4}),
        ActionUnit(24, "lip pressor", {"mouthRollUpper": 0.6, "mouthRollLower": 0.6, "mouthPress": 0.4}),
        ActionUnit(25, "lips part", {"mouthLowerDown": 0.6, "mouthUpperUp": 0.4}),
        ActionUnit(26, "jaw drop", {"jawOpen": 0.5}),
        ActionUnit(28, "lip suck", {"mouthRollLower": 1, "mouthRollUpper": 1}),
        ActionUnit(45, "blink", {"eyeBlink": 1}),
    )
}
SIDES = {"": (1.0, 1.0), "L": (1.0, 0.0), "R": (0.0, 1.0)}  # gain of the left and of the right
DISTRACTORS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 24, 25)  # that people show without meaning it


def unit_weights(number: int, left: float = 1.0, right: float = 1.0) -> np.ndarray:  # (52,)
    """Weights of the head's units for one action unit; the middle of the face moves with the stronger side."""
    if number not in ACTION_UNITS:
        raise ValueError(f"There is no action unit {number}; there are {', '.join(map(str, ACTION_UNITS))}.")
    weights = np.zeros(len(UNITS))
    for unit, weight in ACTION_UNITS[number].units.items():
        if unit in BOTH_SIDES:
            weights[UNITS.index(f"{unit}Left")] = weight * left
            weights[UNITS.index(f"{unit}Right")] = weight * right
        else:
            weights[UNITS.index(unit)] = weight * max(left, right)
    return weights


def peak_displacement(weights: np.ndarray) -> float:
    """Pixels that these weights move the skin of the mean face, seen from the front in a 128-pixel picture."""
    rest, places, units = _skin()
    used = np.flatnonzero(weights)
    moved = rest + np.tensordot(weights[used], units[used], 1)
    length = np.hypot(*(project(moved, PICTURE)[:, :2] - places).T)
    return float(np.sort(length)[-PEAK_VERTICES:].mean())


@cache
def _skin() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The skin of the mean face: (V, 3) at rest, (V, 2) in the picture, (52, V, 3) what the units add."""
    head = load_head()
    skin = np.flatnonzero(head.material == MATERIALS.index("skin"))
    rest = head.mean[skin]
    return rest, project(rest, PICTURE)[:, :2], head.units[:, skin]


# Which units an emotion shows: (units, share of the class). Micro: the coding conventions of CASME II, completed by
# common FACS prototypes. 4+7 and 14 stand in two classes on purpose: an emotion is not a function of the units.

MICRO = {
    "others": "4 .45, 14 .12, 4+7 .08, 7 .08, 4+17 .06, 1 .05, 24 .05, 4+12 .05, 20 .03, 18 .03",
    "disgust": "4+7 .40, 4+9 .16, 4+7+9 .12, 10 .10, 9 .08, 7+10 .08, 4+5+7 .06",
    "happiness": "12 .42, 6+12 .30, 6 .10, 12+25 .10, 6+7+12 .08",
    "repression": "17 .36, 15 .20, 15+17 .14, 14 .12, 14+17 .10, 17+24 .08",
    "surprise": "1+2 .52, 1+2+5 .14, 2 .12, 1+2+25 .12, 25 .10",
    "sadness": "1+4 .4, 1 .3, 4+15 .3",
    "fear": "1+2+4+20 .5, 1+2+4 .5",
    "anger": "4+5+7 .5, 4+7+24 .5",
    "contempt": "14 .6, 12 .2, 10+14 .2",
}
MACRO = {
    "happiness": "6+12 .6, 6+12+25 .4",
    "surprise": "1+2+26 .35, 1+2+5+26 .35, 1+2+25 .15, 1+2+5+25 .15",
    "sadness": "1+4+15 .5, 1+4+15+17 .5",
    "disgust": "9+10 .4, 9+10+17 .3, 4+9 .3",
    "anger": "4+5+7+24 .4, 4+7+24 .3, 4+7+17+24 .3",
    "fear": "1+2+4+5+20 .5, 1+2+4+5+20+25 .5",
}
RECIPES = {"micro": MICRO, "macro": MACRO}
ONE_SIDED = {"contempt"}  # its mark


def recipes(emotion: str, kind: str = "micro") -> list[tuple[tuple[int, ...], float]]:
    """The unit combinations of an emotion, each with its share."""
    if kind not in RECIPES:
        raise ValueError(f"There is no kind of expression {kind!r}; there are {', '.join(RECIPES)}.")
    if emotion not in RECIPES[kind]:
        raise ValueError(f"There is no {kind} emotion {emotion!r}; there are {', '.join(RECIPES[kind])}.")
    pairs = (entry.split() for entry in RECIPES[kind][emotion].split(", "))
    return [(tuple(map(int, units.split("+"))), float(share)) for units, share in pairs]
