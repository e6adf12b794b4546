"""What a face does, as a pure function of time: action units, head, blinks, glances, light.

The plan of a clip is a `ClipSpec`, and `ClipSpec.state(t)` is the face at any instant: so a clip can be rendered at any
frame rate, magnified, or with any disturbance switched off. `plan.py` draws such plans. Times are seconds.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from mer_core.faces.action_units import peak_displacement, unit_weights
from mer_core.faces.head import UNITS

PARTS = ("action", "head", "distractors", "blink", "gaze", "light", "noise")  # what `without` may switch off
LARGEST_MAGNIFIED = 1.3  # beyond this weight a unit folds the skin: the brow slides over the eye


def rise(share: np.ndarray | float) -> np.ndarray | float:
    """Minimum jerk: the smoothest way from 0 to 1 as `share` goes from 0 to 1."""
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)


@dataclass(frozen=True)
class Movement:
    """One action unit through time: it rises from `start` to `apex` and falls until `end`."""

    number: int
    side: str  # "", "L" or "R"
    left: float  # weights at the apex
    right: float
    start: float
    apex: float
    end: float

    def weights(self, t: float) -> np.ndarray:  # (52,)
        """Weights of the head's units at this instant."""
        level = min(
            rise((t - self.start) / (self.apex - self.start)), rise((self.end - t) / (self.end - self.apex))
        )
        return level * unit_weights(self.number, self.left, self.right)

    @property
    def intensity(self) -> str:
        """A (trace) to E (maximum), by weight: bins of our choice, since FACS gives no numbers."""
        return "ABCDE"[int(np.searchsorted([0.1, 0.25, 0.45, 0.7], max(self.left, self.right)))]

    def __str__(self) -> str:
        return f"{self.side}{self.number}"


@dataclass(frozen=True)
class Glance:
    """The eyes move aside and stay there."""

    yaw: float  # weights of the eye units: to the subject's left, and up
    pitch: float
    start: float

    def weights(self, t: float) -> np.ndarray:  # (52,)
        """Weights of the head's units at this instant: the movement takes 50 ms, as long as a small saccade."""
        weights = np.zeros(len(UNITS))
        aside = ("eyeLookOutLeft", "eyeLookInRight") if self.yaw > 0 else ("eyeLookInLeft", "eyeLookOutRight")
        level = "eyeLookUp" if self.pitch > 0 else "eyeLookDown"
        for unit in aside:
            weights[UNITS.index(unit)] = abs(self.yaw)
        for side in ("Left", "Right"):
            weights[UNITS.index(level + side)] = abs(self.pitch)
        return rise((t - self.start) / 0.05) * weights


@dataclass(frozen=True)
class Sway:
    """How the head drifts: three sine waves for each of its six ways to move."""

    rest: np.ndarray  # (6,) pitch, yaw, roll in radians; x, y, z in dm
    size: np.ndarray  # (6, 3)
    frequency: np.ndarray  # (6, 3) Hz
    phase: np.ndarray  # (6, 3)

    def at(self, t: float) -> np.ndarray:  # (6,)
        """Where the head is."""
        return self.rest + (self.size * np.sin(2 * np.pi * self.frequency * t + self.phase)).sum(axis=1)


@dataclass(frozen=True)
class LightChange:
    """Lamps flicker (mains, aliased by the camera) and daylight drifts."""

    flicker: float
    frequency: float
    phase: float
    drift: float  # over the whole clip

    def at(self, share: float, t: float) -> float:
        """The light level, 1 is nominal."""
        wave = self.flicker * np.sin(2 * np.pi * self.frequency * t + self.phase)
        return float(1 + wave + self.drift * (share - 0.5))


@dataclass(frozen=True)
class State:
    """A face at one instant: all that a picture needs beside the identity."""

    action: np.ndarray  # (52,) weights of the units of the labelled action units
    distractor: np.ndarray  # (52,) of everything else that moves the skin or the eyes
    rotation: np.ndarray  # (3,) pitch, yaw, roll in radians
    translation: np.ndarray  # (3,) dm
    gain: float = 1.0  # light level
    noise: float = 0.0  # standard deviation in grey levels
    noise_seed: int = 0  # differs from instant to instant


@dataclass(frozen=True)
class ClipSpec:
    """The plan of a clip."""

    clip: str
    subject: str
    emotion: str
    fps: int
    seconds: float
    onset: float
    apex: float
    offset: float
    movements: tuple[Movement, ...]
    distractor: Movement | None
    blink: Movement | None
    glance: Glance | None
    sway: Sway = field(repr=False)
    light: LightChange
    noise: float
    seed: int

    @property
    def peak_pixels(self) -> float:
        """Displacement of the skin at the apex by the labelled units."""
        return peak_displacement(self._action(self.apex))

    @property
    def largest_magnification(self) -> float:
        """Beyond this factor the skin would fold."""
        return LARGEST_MAGNIFIED / float(self._action(self.apex).max())

    @property
    def action_units(self) -> str:
        """As label tables write them: `4+L10`."""
        return "+".join(map(str, self.movements))

    @property
    def intensities(self) -> str:
        """The same with how strong each is: `4B+L10A`."""
        return "+".join(f"{movement}{movement.intensity}" for movement in self.movements)

    def _action(self, t: float) -> np.ndarray:  # (52,)
        return sum((movement.weights(t) for movement in self.movements), start=np.zeros(()))

    def _magnification(self, wanted: float) -> float:
        """One factor for all units and instants, so that what is magnified stays the same movement."""
        if not wanted >= 0:
            raise ValueError(f"A movement is magnified by 0 or more; not by {wanted!r}.")
        return min(wanted, max(1.0, self.largest_magnification))

    def state(self, t: float, without: Collection[str] = (), magnify: float = 1.0) -> State:
        """The face at `t` seconds, some of its parts switched off, the labelled movement magnified.

        A magnification above `largest_magnification` is held there.
        """
        _check_parts(without)
        if not 0 <= t <= self.seconds:
            raise ValueError(
                f"{self.clip} lasts from 0 to {self.seconds:.3f} s; there is nothing at {t:.3f} s."
            )
        off = set(without)
        pose = self.sway.at(self.onset if "head" in off else t)  # held still as the onset shows it
        action = np.zeros(len(UNITS)) if "action" in off else self._action(t) * self._magnification(magnify)
        others = {"distractors": self.distractor, "blink": self.blink, "gaze": self.glance}
        moving = [other.weights(t) for part, other in others.items() if other and part not in off]
        return State(
            action=action,
            distractor=sum(moving, start=np.zeros(len(UNITS))),
            rotation=pose[:3],
            translation=pose[3:],
            gain=1.0 if "light" in off else self.light.at(t / self.seconds, t),
            noise=0.0 if "noise" in off else self.noise,
            noise_seed=(self.seed * 1_000_003 + round(t * 1e6)) % 2**32,
        )


def _check_parts(without: Collection[str]) -> None:
    if isinstance(without, str) or (unknown := sorted(set(without) - set(PARTS))):
        raise ValueError(
            f"`without` is a set of {', '.join(PARTS)}; not {without if isinstance(without, str) else unknown}."
        )
