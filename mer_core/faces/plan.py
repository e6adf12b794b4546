"""Planning clips: from a seed to what happens in every clip of a corpus, by arithmetic alone, without a pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import Field

from mer_core.faces.action_units import (
    ACTION_UNITS,
    DISTRACTORS,
    ONE_SIDED,
    SIDES,
    peak_displacement,
    recipes,
    unit_weights,
)
from mer_core.faces.expression import ClipSpec, Glance, LightChange, Movement, Sway
from mer_core.settings import Settings

RandomState = np.random.RandomState  # its streams are frozen: every NumPy plans the same clips
SEEDS_A_CORPUS = 1_000_000  # corpus number × this + subject, or + half of it + clip: no seed is used twice


class Difficulty(Settings):
    """How hard the clips of a corpus are. The defaults are `standard`: head motion is as large as the expression's."""

    peak: float = Field(0.9, gt=0, description="median displacement at the apex, pixels")
    peak_spread: float = Field(0.4, ge=0, description="standard deviation of its logarithm")
    peak_range: tuple[float, float] = (0.5, 3.0)
    largest_weight: float = Field(0.7, gt=0, le=1.3, description="no unit goes beyond this")
    shortest: float = Field(0.2, gt=0, description="seconds from onset to offset, at least")
    longest: float = Field(0.5, gt=0, description="and at most")
    rotation: float = Field(0.006, ge=0, description="head motion, rad")
    translation: float = Field(0.010, ge=0, description="head motion, dm")
    one_sided: float = Field(0.2, ge=0, le=1, description="share of movements on one side only")
    asymmetry: float = Field(0.25, ge=0, lt=1, description="left and right differ by up to")
    distractor: float = Field(0.5, ge=0, le=1, description="share of clips with an unlabelled action unit")
    distractor_size: tuple[float, float] = Field((0.28, 0.7), description="of the clip's own peak")
    blink: float = Field(0.15, ge=0, le=1, description="share of clips")
    gaze: float = Field(0.30, ge=0, le=1, description="share of clips")
    flicker: float = Field(0.012, ge=0, description="of the light, 7 to 40 Hz")
    drift: float = Field(0.02, ge=0, description="of the light over a clip")
    noise: float = Field(2.5, ge=0, description="of the sensor, grey levels")


STANDARD = Difficulty()
EASY = Difficulty(peak=2.0, peak_range=(0.5, 4.0), noise=1.5, distractor=0.2)
HARD = Difficulty(
    peak=0.6, peak_range=(0.3, 3.0), noise=3.0, rotation=0.009, translation=0.015, distractor=0.7,
    distractor_size=(0.28, 1.0),
)  # fmt: skip
LARGE_MOVEMENTS = Difficulty(
    peak=5.5, peak_spread=0.35, peak_range=(3.5, 11.0), largest_weight=1.1, shortest=0.5, longest=4.0,
    rotation=0.02, translation=0.03, one_sided=0.05,
)  # fmt: skip


@dataclass(frozen=True)
class Outline:
    """A clip before it is planned: cheap, so that a worker plans only what it renders."""

    clip: str
    subject: str
    emotion: str
    seed: int


@lru_cache(maxsize=16)
def outline_corpus(
    name: str, number: int, subjects: int, counts: tuple[tuple[str, int], ...]
) -> tuple[Outline, ...]:
    """Who shows what, by subject: drawn before anything else, emotions independently of the subjects."""
    first_seed = number * SEEDS_A_CORPUS
    random = RandomState(first_seed)
    names, times = zip(*counts, strict=True)
    emotions = np.repeat(names, times)
    random.shuffle(emotions)
    owners = _draw_owners(random, subjects, len(emotions))
    outlines, made = [], [0] * subjects
    for clip in np.argsort(owners, kind="stable"):
        owner = owners[clip]
        made[owner] += 1
        subject = f"{name}/s{owner + 1:02d}"
        seed = first_seed + SEEDS_A_CORPUS // 2 + int(clip)
        outlines.append(Outline(f"{subject}/{made[owner]:02d}", subject, str(emotions[clip]), seed))
    return tuple(outlines)


def _draw_owners(random: RandomState, subjects: int, clips: int) -> np.ndarray:
    """Who shows each clip: everybody has one, the rest are as uneven as in the real corpora."""
    weights = random.gamma(1.5, size=subjects) + 0.25
    rest = random.choice(subjects, clips - subjects, p=weights / weights.sum())
    return random.permutation(np.concatenate([np.arange(subjects), rest]))


def subject_seed(number: int, subject: str) -> int:
    """What the face of `synth/s07` is drawn from."""
    return number * SEEDS_A_CORPUS + int(subject.rsplit("/s", 1)[1])


def plan_clip(
    clip: str, subject: str, emotion: str, seed: int, difficulty: Difficulty, fps: int, kind: str = "micro"
) -> ClipSpec:
    """The plan of one clip. Each purpose has its own random stream: a new draw in one does not shift the others."""
    stream = [RandomState([seed, purpose]) for purpose in range(7)]
    onset, apex, offset, seconds = _draw_times(stream[0], difficulty, fps)
    movements = _draw_movements(stream[1], emotion, kind, difficulty, (onset, apex, offset))
    spec: dict[str, Any] = {"clip": clip, "subject": subject, "emotion": emotion, "fps": fps, "seed": seed}
    return ClipSpec(
        **spec,
        seconds=seconds,
        onset=onset,
        apex=apex,
        offset=offset,
        movements=movements,
        distractor=_draw_distractor(stream[2], movements, difficulty, apex, seconds),
        blink=_draw_blink(stream[3], difficulty, seconds),
        glance=_draw_glance(stream[6], difficulty, seconds),
        sway=_draw_sway(stream[4], difficulty),
        light=_draw_light(stream[5], difficulty),
        noise=difficulty.noise,
    )


def _draw_times(random: RandomState, difficulty: Difficulty, fps: int) -> tuple[float, float, float, float]:
    """Onset, apex, offset and length, each on a frame, so that labels in frames are exact."""
    lead, tail = random.uniform(0.03, 0.10, 2)
    duration = random.uniform(difficulty.shortest, difficulty.longest)
    apex = lead + duration * random.uniform(0.35, 0.60)
    onset, apex, offset, end = (
        np.round(np.array([lead, apex, lead + duration, lead + duration + tail]) * fps) / fps
    )
    return float(onset), float(apex), float(offset), float(end)


def _draw_movements(
    random: RandomState, emotion: str, kind: str, difficulty: Difficulty, times: tuple[float, float, float]
) -> tuple[Movement, ...]:
    options = recipes(emotion, kind)
    shares = np.cumsum([share for _, share in options])
    numbers = options[int(np.searchsorted(shares / shares[-1], random.uniform()))][0]
    wanted = difficulty.peak * np.exp(difficulty.peak_spread * random.normal())
    wanted = float(np.clip(wanted, *difficulty.peak_range))
    side = _draw_side(random, emotion, difficulty)
    raw = [_draw_gains(random, number, side, difficulty) for number in numbers]
    scale = _scale(raw, numbers, wanted, difficulty.largest_weight)
    onset, apex, offset = times
    # The first unit keeps the labelled times; the others start and end up to 30 ms inside them.
    inside = [(0.0, 0.0), *random.uniform(0, 0.03, (len(numbers) - 1, 2))]
    return tuple(
        Movement(number, sided, scale * left, scale * right, onset + late, apex, offset - early)
        for number, (sided, left, right), (late, early) in zip(numbers, raw, inside, strict=True)
    )


def _draw_side(random: RandomState, emotion: str, difficulty: Difficulty) -> str:
    is_one_sided = random.uniform() < (1.0 if emotion in ONE_SIDED else difficulty.one_sided)
    side = "LR"[random.randint(2)]
    return side if is_one_sided else ""


def _draw_gains(
    random: RandomState, number: int, side: str, difficulty: Difficulty
) -> tuple[str, float, float]:
    """Side, and relative weights of left and right; a unit of the middle has no side."""
    weight, tilt = random.uniform(0.7, 1.1), random.uniform(-1, 1) * difficulty.asymmetry / 2
    if not ACTION_UNITS[number].has_sides:
        return "", weight, weight
    left, right = SIDES[side]
    return side, weight * left * (1 + tilt), weight * right * (1 - tilt)


def _scale(
    raw: Sequence[tuple[str, float, float]], numbers: Sequence[int], wanted: float, largest: float
) -> float:
    """Factor on the weights that makes the *sum* of the units move the skin by `wanted` pixels.

    Units overlap (4+9, 6+12) and differ tenfold in size: scaling each alone would give up to twice the displacement.
    Perspective bends the proportion a little; a second step takes that out.
    """
    units = (unit_weights(number, left, right) for number, (_, left, right) in zip(numbers, raw, strict=True))
    total = sum(units, start=np.zeros(()))
    scale = wanted / peak_displacement(total)
    scale *= wanted / peak_displacement(scale * total)
    return min(scale, largest / float(total.max()))


def _draw_distractor(
    random: RandomState, movements: Sequence[Movement], difficulty: Difficulty, apex: float, seconds: float
) -> Movement | None:
    """An action unit that nobody labelled, at a time of its own."""
    is_there, pick, side, size = random.uniform(size=4)
    duration, middle = random.uniform(0.25, 0.6), random.uniform(0, seconds)
    if is_there >= difficulty.distractor:
        return None
    others = [number for number in DISTRACTORS if number not in {movement.number for movement in movements}]
    number = others[int(pick * len(others))]
    wanted = np.interp(size, (0, 1), difficulty.distractor_size) * peak_displacement(
        sum((movement.weights(apex) for movement in movements), start=np.zeros(()))
    )
    one_sided = side < difficulty.one_sided and ACTION_UNITS[number].has_sides
    name = "LR"[int(side / difficulty.one_sided * 2)] if one_sided else ""
    left, right = SIDES[name]
    scale = _scale([(name, left, right)], [number], float(wanted), difficulty.largest_weight)
    start, end = middle - duration / 2, middle + duration / 2
    return Movement(number, name, scale * left, scale * right, start, middle, end)


def _draw_blink(random: RandomState, difficulty: Difficulty, seconds: float) -> Movement | None:
    is_there, when, duration = random.uniform(size=3)
    if is_there >= difficulty.blink:
        return None
    middle, half = when * seconds, 0.08 + 0.07 * duration  # a blink takes 0.16 to 0.3 s
    return Movement(45, "", 1.0, 1.0, middle - half, middle, middle + half)


def _draw_glance(random: RandomState, difficulty: Difficulty, seconds: float) -> Glance | None:
    is_there, when, yaw, pitch = random.uniform(size=4)
    if is_there >= difficulty.gaze:
        return None
    return Glance(0.4 * (2 * yaw - 1), 0.25 * (2 * pitch - 1), when * seconds)


def _draw_sway(random: RandomState, difficulty: Difficulty) -> Sway:
    """Waves of 0.3 to 3 Hz that together have the standard deviation of the difficulty."""
    rest = np.concatenate([random.normal(0, [0.04, 0.10, 0.03]), np.zeros(3)])
    spread = np.repeat([difficulty.rotation, difficulty.translation], 3)[:, None]
    size = spread * np.sqrt(2 / 3) * random.normal(size=(6, 3))
    return Sway(rest, size, random.uniform(0.3, 3.0, (6, 3)), random.uniform(0, 2 * np.pi, (6, 3)))


def _draw_light(random: RandomState, difficulty: Difficulty) -> LightChange:
    frequency, phase = random.uniform(7, 40), random.uniform(0, 2 * np.pi)
    return LightChange(difficulty.flicker, frequency, phase, difficulty.drift * random.uniform(-1, 1))
