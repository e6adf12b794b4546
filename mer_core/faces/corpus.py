"""The synthetic corpora: their names, their labels, their ClipSets, and every exact answer about their clips.

Labels are arithmetic: `open_corpus("synth").clips` renders nothing. Pixels are made when a ClipSet asks for them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NoReturn

import cv2
import numpy as np
import pandas as pd
from pydantic import Field

from mer_core.clips import ClipSet, View, content_key, prepare, spread
from mer_core.code import code_key
from mer_core.faces.expression import PARTS, ClipSpec, State
from mer_core.faces.identity import Population, draw_identity
from mer_core.faces.plan import (
    EASY,
    HARD,
    LARGE_MOVEMENTS,
    STANDARD,
    Difficulty,
    Outline,
    outline_corpus,
    plan_clip,
    subject_seed,
)
from mer_core.faces.scene import Scene
from mer_core.numerics import picture_kernels
from mer_core.settings import Settings
from mer_core.vision import ESTIMATORS, dynamic_image
from mer_core.vision.align import move_flow, move_points, similarity, warp
from mer_core.vision.camera import Camera
from mer_core.workers import cores

EXACT = ("exact", "exact-au")
# Bridge of the nose, corners of the eyes: what an expression moves least.
STEADY = [27, 28, 29, 30, 36, 39, 42, 45]
LIMITS = (
    "Synthetic faces resemble no person. A score on them says nothing about how well a method works on people: "
    "it says which method, protocol or setting does what, where every answer is known."
)


class Card(Settings):
    """The data card of a corpus: all that defines it, and what is known of its clips."""

    name: str
    about: str
    number: int = Field(description="separates the random streams of corpora")
    subjects: int
    counts: Mapping[str, int] = Field(description="clips of each emotion")
    fps: int = 200
    kind: Literal["micro", "macro"] = "micro"
    difficulty: Difficulty = STANDARD
    population: Population = Population()
    colour: bool = True
    has_apex: bool = True
    has_action_units: bool = True
    merge: Mapping[str, str] = Field({}, description="emotions that the labels call by another name")

    def table(self) -> pd.DataFrame:
        """The card as a reader sees it."""
        labelled: dict[str, int] = {}
        for emotion, n in self.counts.items():
            name = self.merge.get(emotion, emotion)
            labelled[name] = labelled.get(name, 0) + n
        hard = self.difficulty
        rows = {
            "corpus": self.name,
            "about": self.about,
            "clips": f"{sum(self.counts.values())} of {self.subjects} subjects",
            "emotions": ", ".join(f"{name} {n}" for name, n in labelled.items()),
            "frames a second": str(self.fps),
            "colour": "yes" if self.colour else "grey only",
            "labels": ", ".join(self._labels()),
            **self._unknown(),
            "movement at the apex": f"drawn with median {hard.peak} px at 128 px, "
            f"{hard.peak_range[0]} to {hard.peak_range[1]}",
            "onset to offset": f"{hard.shortest} to {hard.longest} s",
            "disturbances": f"head {hard.rotation} rad and {hard.translation} dm, noise {hard.noise} grey levels, "
            f"unlabelled action unit in {hard.distractor:.0%}, blink in {hard.blink:.0%}, glance in {hard.gaze:.0%}",
            "limits": LIMITS,
        }
        return pd.DataFrame({"": rows})

    def _labels(self) -> list[str]:
        return [
            "emotion",
            "onset and offset",
            *(["apex"] if self.has_apex else []),
            *(["action units with side and intensity"] if self.has_action_units else []),
        ]

    def _unknown(self) -> dict[str, str]:
        """What the labels leave out, and what stands in for it."""
        gaps = [] if self.has_apex else ["apex: the middle of onset and offset stands in for it, in flow too"]
        gaps += [] if self.has_action_units else ["action units"]
        return {"not labelled": "; ".join(gaps)} if gaps else {}


CASME2_LIKE = {
    "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2,
}  # fmt: skip
SAMM_LIKE = {
    "anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6,
}  # fmt: skip
SMIC_LIKE = {"disgust": 35, "sadness": 20, "fear": 15, "happiness": 51, "surprise": 43}
NEGATIVE = dict.fromkeys(("disgust", "sadness", "fear"), "negative") | {"happiness": "positive"}
MINI = {"others": 6, "disgust": 6, "happiness": 6, "surprise": 6}
SIX = ("happiness", "surprise", "sadness", "disgust", "anger", "fear")

CARDS = {
    card.name: card
    for card in (
        Card(name="synth", about="the book's corpus, of the size and imbalance of CASME II", number=1,
             subjects=26, counts=CASME2_LIKE),
        Card(name="synth-easy", about="larger movements, less noise", number=2,
             subjects=26, counts=CASME2_LIKE, difficulty=EASY),
        Card(name="synth-hard", about="smaller movements, more noise, more head motion", number=3,
             subjects=26, counts=CASME2_LIKE, difficulty=HARD),
        Card(name="synth-large", about="many subjects, for learning curves", number=4,
             subjects=120, counts={name: 9 * n for name, n in CASME2_LIKE.items()}),
        Card(name="synth-macro", about="large, slow expressions of other people, for pre-training", number=5,
             subjects=60, counts=dict.fromkeys(SIX, 60), kind="macro", fps=30, difficulty=LARGE_MOVEMENTS),
        Card(name="synth-samm", about="grey, wider ages and skin tones, anger and contempt, like SAMM", number=6,
             subjects=28, counts=SAMM_LIKE, colour=False, population=Population(tone=(1.0, 1.0), older=0.5)),
        Card(name="synth-smic", about="100 frames a second, noisier, partial labels, like SMIC", number=7,
             subjects=16, counts=SMIC_LIKE, fps=100, difficulty=STANDARD.replace(noise=4.0),
             has_apex=False, has_action_units=False, merge=NEGATIVE),
        Card(name="synth-mini", about="tiny, for tests", number=8, subjects=6, counts=MINI),
        Card(name="synth-dev-a", about="like synth, other people: recipes are tried by training on it", number=21,
             subjects=26, counts=CASME2_LIKE),
        Card(name="synth-dev-b", about="like synth, other people: recipes are chosen by their scores on it", number=22,
             subjects=26, counts=CASME2_LIKE),
    )
}  # fmt: skip


def corpus_names() -> list[str]:
    """The corpora that this package can make."""
    return list(CARDS)


@dataclass(frozen=True)
class Corpus:
    """Labelled clips, and the answers that only a synthetic corpus has."""

    card: Card
    cache: Path

    @cached_property
    def outline(self) -> tuple[Outline, ...]:
        """Who shows what, by subject: the order of the table."""
        card = self.card
        return outline_corpus(card.name, card.number, card.subjects, tuple(card.counts.items()))

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The table of labels; what the card says is not known is missing."""
        rows = pd.DataFrame([_labels(self.spec(outline.clip), self.card) for outline in self.outline])
        kinds = dict.fromkeys(("onset", "apex", "offset", "frames"), "Int64")
        kinds |= dict.fromkeys(("action_units", "intensities"), "string")
        return rows.astype(kinds)

    def spec(self, clip: str) -> ClipSpec:
        """The plan of a clip."""
        if clip not in self._by_name:
            self._unknown("clip", clip, self._by_name)
        card, outline = self.card, asdict(self._by_name[clip])
        return plan_clip(**outline, difficulty=card.difficulty, fps=card.fps, kind=card.kind)

    def camera(self, clip: str, view: View) -> "FaceCamera":
        """The clip as a view frames it."""
        spec = self.spec(clip)
        return FaceCamera(spec, self.scene(spec.subject), view, self.card.has_apex)

    def scene(self, subject: str) -> Scene:
        """The subject in front of the camera."""
        if subject not in (subjects := dict.fromkeys(outline.subject for outline in self.outline)):
            self._unknown("subject", subject, subjects)
        return _scene(subject_seed(self.card.number, subject), self.card.population)

    @cached_property
    def _by_name(self) -> dict[str, Outline]:
        return {outline.clip: outline for outline in self.outline}

    def _unknown(self, kind: str, name: str, known: Collection[str]) -> NoReturn:
        names = list(known)
        raise ValueError(
            f"{self.card.name} has no {kind} {name!r}; they run from {names[0]!r} to {names[-1]!r}."
        )

    # Exact answers, at any time and size. `face` is `without` and `magnify`, as `frames` takes them.

    def frames(
        self, clip: str, seconds: Sequence[float], size: int = 128, *, colour: bool | None = None,
        without: Collection[str] = (), magnify: float = 1.0,
    ) -> np.ndarray:  # fmt: skip
        """The clip re-rendered at these times: (T, H, W, 3) or (T, H, W) uint8; in colour if the corpus has it."""
        colour = self.card.colour if colour is None else colour
        self._check_colour(colour)
        spec = self.spec(clip)
        states = [spec.state(t, without, magnify) for t in seconds]
        return self.scene(spec.subject).frames(states, size, colour)

    def flow(self, clip: str, start: float, end: float, size: int = 128, **face: object) -> np.ndarray:
        """Exact motion (2, H, W) from one time to another."""
        return self._ask("flow", clip, (start, end), size, **face)

    def flow_parts(
        self, clip: str, start: float, end: float, size: int = 128, **face: object
    ) -> dict[str, np.ndarray]:
        """The same as the sum of `action`, `distractor` and `head`."""
        return self._ask("flow_parts", clip, (start, end), size, **face)

    def visibility(self, clip: str, start: float, end: float, size: int = 128, **face: object) -> np.ndarray:
        """(H, W): whether what a pixel shows at the start can be seen at the end."""
        return self._ask("visibility", clip, (start, end), size, **face)

    def mask(self, clip: str, t: float, size: int = 128, **face: object) -> np.ndarray:
        """(H, W): pixels of the head."""
        return self._ask("mask", clip, (t,), size, **face)

    def landmarks(self, clip: str, t: float, size: int = 128, **face: object) -> np.ndarray:
        """(68, 2) in pixels, x first."""
        return self._ask("landmarks", clip, (t,), size, **face)

    def clean_dynamic_image(self, clip: str, frames: int = 16, size: int = 128) -> np.ndarray:
        """(H, W): the dynamic image of the labelled movement alone, onset to offset."""
        spec = self.spec(clip)
        return _clean_dynamic_image(
            spec, self.scene(spec.subject), np.linspace(spec.onset, spec.offset, frames), size
        )

    def _ask(self, question: str, clip: str, times: Sequence[float], size: int, **face: object) -> object:
        spec = self.spec(clip)
        return getattr(self.scene(spec.subject), question)(*[spec.state(t, **face) for t in times], size)

    # ClipSets

    def clipset(self, view: View, limit: int | None = None, workers: int | None = None) -> ClipSet:
        """This view of the corpus, rendered on all cores the first time and read from the cache afterwards.

        `limit` takes that many clips: subjects are mixed, and each emotion keeps its share, with at least one clip
        as soon as there are as many clips as emotions. A smaller limit is a part of a larger one.
        """
        self._check_colour(view.colour)
        _check_view(view)
        rows = spread(self.clips["emotion"], limit)
        made_by = {"code": _code(view), "numpy": np.__version__, "opencv": cv2.__version__}
        made_by |= {"torch": version("torch")} if view.flow == "tvl1" else {}
        made_by |= {"kernels": picture_kernels(view.flow)}
        key = content_key(self.card.plain(), view.plain(), rows.tolist(), made_by)
        folder = self.cache / f"{self.card.name}-{len(rows)}-{view.name}-{key}"
        provenance = {"corpus": self.card.plain(), "view": view.plain(), **made_by, "left out": []}
        produce = _Produce(self.card, view, rows)
        clips = self.clips.iloc[rows].reset_index(drop=True)
        return prepare(folder, clips, view.arrays(), produce, provenance, workers or cores(), renew=True)

    def _check_colour(self, colour: bool) -> None:
        if colour and not self.card.colour:
            raise ValueError(f"{self.card.name} is grey: ask for colour=False.")


def _check_view(view: View) -> None:
    if view.sampling == "blend":
        raise ValueError(
            "Synthetic clips are rendered at the very moments that are asked for: leave out sampling='blend'."
        )


def _labels(spec: ClipSpec, card: Card) -> dict[str, object]:
    seconds = {name: getattr(spec, name) for name in ("onset", "apex", "offset")}
    row = {
        "clip": spec.clip,
        "subject": spec.subject,
        "emotion": card.merge.get(spec.emotion, spec.emotion),
        **{name: round(t * spec.fps) for name, t in seconds.items()},
        "fps": spec.fps,
        "frames": round(spec.seconds * spec.fps) + 1,
        **{f"{name}_seconds": t for name, t in seconds.items()},
        "seconds": spec.seconds,
        "action_units": spec.action_units,
        "intensities": spec.intensities,
        "peak_pixels": round(spec.peak_pixels, 3),  # the last bits differ between processors, labels must not
    }
    row |= {} if card.has_apex else {"apex": pd.NA, "apex_seconds": np.nan}
    unknown = {"action_units": pd.NA, "intensities": pd.NA, "peak_pixels": np.nan}
    return row | ({} if card.has_action_units else unknown)


@lru_cache(maxsize=8)
def _code(view: View) -> str:
    """Changes when the arrays could: a hash of everything that makes them, with the data files beside it."""
    faces, vision = Path(__file__).parent, Path(__file__).parents[1] / "vision"
    sources = [*faces.glob("*.py"), vision / "camera.py"]
    sources += [vision / "flow.py"] if view.flow in ESTIMATORS else []
    sources += [vision / "tvl1.py"] if view.flow == "tvl1" else []
    sources += [vision / "dynamic_image.py"] if view.dynamic_image else []
    sources += [vision / "align.py"] if view.align == "frame" else []
    return code_key(sources)[:16]


# Rendering one clip of a view, in any process


@lru_cache(maxsize=4)  # clips come by subject: a few painted faces are enough
def _scene(seed: int, population: Population) -> Scene:
    return Scene(draw_identity(seed, **dict(population)))


@dataclass(frozen=True)
class _Produce:
    """Makes the arrays of one clip. Small, since it travels to every worker."""

    card: Card
    view: View
    rows: np.ndarray

    def __call__(self, row: int) -> dict[str, np.ndarray]:
        cv2.setNumThreads(1)  # the workers share the cores already
        corpus = Corpus(self.card, Path())
        return corpus.camera(corpus.outline[self.rows[row]].clip, self.view).arrays()


@dataclass(frozen=True)
class FaceCamera(Camera[State]):
    """A synthetic clip as a view frames it: as the studio does, or with each frame moved onto the first one's face.

    A corpus without apex labels takes the middle for the apex: nothing leaks.
    """

    spec: ClipSpec
    scene: Scene
    view: View
    has_apex: bool = True

    @property
    def apex(self) -> float:
        """Seconds."""
        return self.spec.apex if self.has_apex else (self.spec.onset + self.spec.offset) / 2

    @cached_property
    def times(self) -> np.ndarray:  # (T,)
        """Seconds of the moments that the view shows."""
        last = self.spec.offset if self.view.span == "onset-offset" else self.apex
        return np.linspace(self.spec.onset, last, self.view.moments)

    @cached_property
    def moments(self) -> list[State]:
        """What the face does then."""
        return [self.spec.state(t) for t in self.times]

    @property
    def ends(self) -> tuple[State, State]:
        """At the onset and at the apex."""
        return self.moments[0], self.spec.state(self.apex)

    def frames(self, moments: Sequence[State]) -> np.ndarray:  # (T, H, W) or (T, H, W, 3)
        """What the view would show of any states."""
        frames = self.scene.frames(moments, self.view.size, self.view.colour)
        return np.stack([self.framed(frame, state) for frame, state in zip(frames, moments, strict=True)])

    def framed(self, picture: np.ndarray, state: State) -> np.ndarray:
        """A picture (H, W[, 3]) of the studio, moved as the view has it."""
        return picture if self.view.align == "clip" else warp(picture, self._move(state), self.view.size)

    def flow(self, start: State, end: State) -> np.ndarray:  # (2, H, W)
        """Exact motion from one state to another, as the view frames them."""
        flow = self.scene.flow(start, end, self.view.size)
        return flow if self.view.align == "clip" else move_flow(flow, self._move(start), self._move(end))

    def landmarks(self, moments: Sequence[State]) -> np.ndarray:  # (T, 68, 2)
        """Where the view would show them."""
        points = [self.scene.landmarks(state, self.view.size) for state in moments]
        if self.view.align == "clip":
            return np.stack(points)
        moves = map(self._move, moments)
        return np.stack([move_points(face, move) for face, move in zip(points, moves, strict=True)])

    def flows(
        self, starts: Sequence[State], ends: Sequence[State], firsts: np.ndarray, lasts: np.ndarray
    ) -> np.ndarray:  # (P, 2, H, W)
        """Exact, or by the labelled movement alone, if the view asks for that; else as of any pictures."""
        if self.view.flow not in EXACT:
            return super().flows(starts, ends, firsts, lasts)
        if self.view.flow == "exact-au":
            ends = [replace(a, action=b.action) for a, b in zip(starts, ends, strict=True)]
        return np.stack([self.flow(start, end) for start, end in zip(starts, ends, strict=True)])

    def dynamic_image(self, frames: np.ndarray) -> np.ndarray:  # (H, W)
        """Of the pictures, or of the labelled movement alone."""
        if self.view.dynamic_image == "frames":
            return super().dynamic_image(frames)
        return _clean_dynamic_image(self.spec, self.scene, self.times, self.view.size)

    def _move(self, state: State) -> np.ndarray:  # (2, 3)
        here, there = (self.scene.landmarks(s, self.view.size)[STEADY] for s in (state, self.moments[0]))
        return similarity(here, there)


def _clean_dynamic_image(spec: ClipSpec, scene: Scene, times: np.ndarray, size: int) -> np.ndarray:  # (H, W)
    disturbances = set(PARTS) - {"action"}
    return dynamic_image(scene.frames([spec.state(t, disturbances) for t in times], size, colour=False))
