"""Who it is: the numbers that make one face differ from another.

A subject is one seed. The seed gives the shape of the head (40 coefficients), the colours and marks of the skin, brows,
eyes and hair, and the light in which all clips of the subject are seen. None of it knows what the face will express.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from mer_core.faces.head import Head, load_head
from mer_core.settings import Settings

RandomState = np.random.RandomState  # its streams are frozen: every NumPy draws the same people

# Standard deviations: beyond the limit faces stop being plausible.
COEFFICIENT_SPREAD, COEFFICIENT_LIMIT = 0.85, 1.7
# Linear red, green, blue of skin: our choice, looked at under the lamp.
FAIREST, DARKEST = np.array([0.70, 0.49, 0.39]), np.array([0.17, 0.085, 0.05])
IRISES = {  # linear colours, and how frequent: our choice; dark skin has mostly dark eyes
    "brown": ((0.060, 0.028, 0.014), 0.55),
    "hazel": ((0.130, 0.085, 0.035), 0.17),
    "green": ((0.095, 0.120, 0.065), 0.08),
    "blue": ((0.100, 0.160, 0.230), 0.20),
}
HAIRS = {  # the same for hair
    "black": ((0.010, 0.008, 0.007), 0.40),
    "dark brown": ((0.030, 0.017, 0.010), 0.30),
    "brown": ((0.075, 0.040, 0.022), 0.15),
    "blond": ((0.260, 0.165, 0.080), 0.10),
    "red": ((0.160, 0.055, 0.022), 0.05),
}
GREY_HAIR = np.array([0.30, 0.29, 0.28])


class Population(Settings):
    """Whom the subjects of a corpus are drawn from."""

    tone: tuple[float, float] = Field(
        (1.3, 1.6), description="Beta distribution of skin tone: 0 fair, 1 dark"
    )
    older: float = Field(0.0, ge=-1.5, le=1.5, description="how much older than usual the heads look, in std")
    spread: float = Field(
        COEFFICIENT_SPREAD, gt=0, le=1.2, description="standard deviation of the head's shape"
    )


@dataclass(frozen=True)
class Skin:
    """Colour of the skin, and the marks that flow can hold on to."""

    tone: float  # 0 fair … 1 dark
    colour: np.ndarray  # (3,) linear
    mottling: float  # contrast of large patches
    grain: float  # contrast of pores
    blush: float
    eye_bags: float
    wrinkles: float
    freckles: float
    moles: int
    stubble: float  # 0 for most


@dataclass(frozen=True)
class Features:
    """Brows, eyes and lips."""

    brow_colour: np.ndarray
    brow_height: float  # dm above the eyes
    brow_arch: float
    brow_thickness: float  # dm
    brow_length: float  # dm from the middle of the face
    brow_density: float
    iris: np.ndarray
    iris_radius: float  # dm
    pupil: float  # share of the iris
    lashes: float
    lips: np.ndarray
    lip_contrast: float


@dataclass(frozen=True)
class Hair:
    """Hair on the scalp: where it begins, how thick it lies."""

    colour: np.ndarray
    line: float  # dm by which the hairline lies higher than usual
    temples: float  # how far it recedes beside the forehead
    fringe: float  # how far it falls into the forehead
    thickness: float  # dm
    length: float  # 0 short … 1 to the shoulders
    curl: float


@dataclass(frozen=True)
class Light:
    """One lamp, the light of the room, and the wall behind."""

    key: np.ndarray  # (3,) linear colour
    direction: np.ndarray  # (3,) towards the lamp
    room: np.ndarray
    wall: np.ndarray  # (3,) linear
    wall_slope: float  # how much brighter its top is

    @property
    def halfway(self) -> np.ndarray:
        """(3,) the normal of a mirror that shows the lamp to the camera: half-way between the two."""
        between = self.direction + np.array([0, 0, 1])
        return between / np.linalg.norm(between)


@dataclass(frozen=True)
class Identity:
    """A subject: all that stays the same in every clip."""

    seed: int
    coefficients: np.ndarray  # (40,)
    masculine: float
    old: float
    skin: Skin
    features: Features
    hair: Hair
    light: Light


def draw_identity(seed: int, **options: Any) -> Identity:
    """The subject of this seed; `options` are those of `Population`.

    Each purpose has a random stream of its own: a further draw in one does not change the others.

    >>> draw_identity(7).skin.tone == draw_identity(7).skin.tone
    True
    """
    population, head = Population(**options), load_head()
    stream = [RandomState([seed, purpose]) for purpose in range(5)]
    coefficients = draw_coefficients(stream[0], population, head)
    masculine, old = head.guess_traits(coefficients)
    skin = draw_skin(stream[1], population, masculine, old)
    hair = draw_hair(stream[2], skin.tone, masculine, old)
    features = draw_features(stream[3], skin, hair, masculine)
    return Identity(seed, coefficients, masculine, old, skin, features, hair, draw_light(stream[4]))


def draw_coefficients(random: RandomState, population: Population, head: Head) -> np.ndarray:
    """(40,) coefficients of the head's shape."""
    older = head.traits[1, :-1] / np.linalg.norm(head.traits[1, :-1])
    drawn = random.normal(0, population.spread, len(older)) + population.older * older
    return drawn.clip(-COEFFICIENT_LIMIT, COEFFICIENT_LIMIT)


def draw_skin(random: RandomState, population: Population, masculine: float, old: float) -> Skin:
    """Tones mix as pigment does: light is taken away by a factor, so logarithms are mixed."""
    tone = random.beta(*population.tone)
    colour = np.exp((1 - tone) * np.log(FAIREST) + tone * np.log(DARKEST))
    colour = colour * np.exp(random.normal(0, [0.02, 0.025, 0.05]))  # ruddy, olive, golden
    fair = 1 - tone
    return Skin(
        tone=tone,
        colour=colour,
        mottling=random.uniform(0.03, 0.07),
        grain=random.uniform(0.03, 0.06),
        blush=random.uniform(0.3, 1) * (0.4 + 0.6 * fair),
        eye_bags=random.uniform(0.1, 0.6) + 0.4 * old,
        wrinkles=max(old - 0.15, 0.0) * random.uniform(0.7, 1.3),
        freckles=random.uniform(0.4, 1) if random.uniform() < 0.25 * fair else 0.0,
        moles=random.randint(0, 9),
        stubble=random.uniform(0.1, 1.0) * (random.uniform() < 0.6) if masculine > 0.5 else 0.0,
    )


def draw_hair(random: RandomState, tone: float, masculine: float, old: float) -> Hair:
    """Dark hair is frequent with any skin; fair hair goes with fair skin."""
    colour = _choose(random, HAIRS, dark_first=tone) * np.exp(random.normal(0, 0.15))
    grey = min(max(1.5 * old - 0.5 + random.normal(0, 0.15), 0.0), 0.9)
    return Hair(
        colour=(1 - grey) * colour + grey * GREY_HAIR,
        line=random.normal(0, 0.05) + 0.08 * old * masculine,
        temples=random.uniform(0, 0.5) + 0.5 * masculine * random.uniform(),
        fringe=random.uniform(0.3, 1) if random.uniform() < 0.35 * (1 - 0.6 * masculine) else 0.0,
        thickness=random.uniform(0.02, 0.13),
        length=random.uniform(0.35, 1) if random.uniform() < 0.8 * (1 - masculine) - 0.05 else 0.0,
        curl=random.uniform(0, 1),
    )


def draw_features(random: RandomState, skin: Skin, hair: Hair, masculine: float) -> Features:
    """Brows as the hair, a little darker; lips as the skin, redder."""
    lips = skin.colour * np.array([0.86, 0.55, 0.58]) * np.exp(random.normal(0, [0.05, 0.05, 0.07]))
    return Features(
        brow_colour=0.45 * hair.colour + 0.25 * skin.colour * [0.35, 0.30, 0.28],
        brow_height=0.135 + random.normal(0, 0.008),
        brow_arch=random.uniform(0.02, 0.06) - 0.015 * masculine,
        brow_thickness=random.uniform(0.028, 0.042) + 0.012 * masculine,
        brow_length=random.uniform(0.45, 0.52),
        brow_density=random.uniform(0.6, 0.95),
        iris=_choose(random, IRISES, dark_first=skin.tone) * np.exp(random.normal(0, 0.12, 3)),
        iris_radius=random.uniform(0.056, 0.061),
        pupil=random.uniform(0.33, 0.46),
        lashes=random.uniform(0.5, 0.8) + 0.3 * (1 - masculine),
        lips=lips,
        lip_contrast=random.uniform(0.6, 1),
    )


def draw_light(random: RandomState) -> Light:
    """A soft lamp above the camera, to one side; a plain wall."""
    side, height = random.uniform(-0.8, 0.8), random.uniform(0.25, 0.7)
    direction = np.array([side, height, 1.0])
    warmth, wall = random.normal(0, 0.04), random.normal(0, 0.06)
    return Light(
        key=random.uniform(0.74, 0.94) * np.array([1 + warmth, 1, 1 - warmth]),
        direction=direction / np.linalg.norm(direction),
        room=random.uniform(0.44, 0.60) * np.array([1 - warmth / 2, 1, 1 + warmth / 2]),
        wall=random.uniform(0.15, 0.60) * np.array([1 + wall, 1 + random.normal(0, 0.02), 1 - wall]),
        wall_slope=random.uniform(0.05, 0.35),
    )


def _choose(random: RandomState, colours: dict[str, tuple], dark_first: float) -> np.ndarray:
    """One of the colours; the first ones become more frequent with darker skin."""
    share = np.array([frequency for _, frequency in colours.values()])
    share[1:] *= (1 - dark_first) ** 2 * 2.2
    values = np.array([colour for colour, _ in colours.values()])
    return values[np.searchsorted(np.cumsum(share / share.sum()), random.uniform())]
