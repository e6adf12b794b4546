"""The chapter "Synthetic faces": who is seen, what moves, when, by how much and why; and what disturbs it.

A plan (`ClipSpec`) says all of a clip; flow is (2, H, W) in pixels, and lengths are said in pixels of a picture of 128.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pydantic import Field

from mer_core.corpora.catalogue import corpus_names, open_corpus
from mer_core.faces.action_units import ACTION_UNITS, unit_weights
from mer_core.faces.corpus import Corpus
from mer_core.faces.expression import ClipSpec, Movement, State
from mer_core.faces.identity import draw_identity
from mer_core.faces.scene import Scene
from mer_core.figures.images import flow_colours, panels, signed_grey, slideshow
from mer_core.figures.style import GRID, styled
from mer_core.studies.attribution import SIGNIFICANT
from mer_core.studies.known import KnownClip
from mer_core.studies.parameters import Parameters
from mer_core.vision.dynamic_image import dynamic_image

AT_REST = State(np.zeros(52), np.zeros(52), np.zeros(3), np.zeros(3))
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
INSTANTS = 120  # points of a curve
DISTURBANCES = ("noise", "light", "gaze", "blink", "distractors", "head")
ALONE = "the labelled movement alone"


class Chapter(Parameters):
    """What the chapter looks at."""

    clip: KnownClip = Field(description="the clip, as corpus/subject/number")
    size: int = Field(ge=64, le=256, description="pixels of the pictures")


# Who, and what


def portraits(seeds: Sequence[int], size: int) -> go.Figure:
    """Faces at rest, one a seed."""
    faces = {f"seed {seed}": Scene(draw_identity(seed)).frame(AT_REST, size) for seed in seeds}
    return panels(faces, "Five synthetic faces that differ in shape, skin, eyes and hair.", width=150)


def with_coefficient(seed: int, number: int, value: float, size: int) -> np.ndarray:  # (size, size, 3)
    """The face of a seed with one coefficient of its shape set: another subject in the same skin and light."""
    identity = draw_identity(seed)
    coefficients = identity.coefficients.copy()
    coefficients[number] = value
    return Scene(replace(identity, coefficients=coefficients)).frame(AT_REST, size)


def shapes(seed: int, size: int) -> go.Figure:
    """The first three components of a shape, each from low to high."""
    values = (-1.5, -1, -0.5, 0, 0.5, 1, 1.5)
    return slideshow(
        {f"{value:+.1f}": [with_coefficient(seed, n, value, size) for n in range(3)] for value in values},
        titles=["first component", "second", "third"],
        label="standard deviations:",
        alt="A face whose first three shape components go from low to high: it grows wider or narrower, older or "
        "younger.",
    )


def acting(number: int, weight: float, yaw: float = 0.0) -> State:
    """A face that shows one action unit, its head turned by so many radians."""
    return replace(AT_REST, action=weight * unit_weights(number), rotation=np.array([0, yaw, 0]))


def action_units(seed: int, size: int, weight: float = 0.7) -> go.Figure:
    """One face in all that it can do: each action unit, and the motion that it makes."""
    scene, steps = Scene(draw_identity(seed)), {}
    for number, unit in ACTION_UNITS.items():
        state = acting(number, weight)
        motion = flow_colours(scene.flow(AT_REST, state, size))
        steps[f"{number} {unit.name}"] = [scene.frame(state, size), motion]
    return slideshow(
        steps,
        titles=["the face", "its motion"],
        label="AU",
        alt="One face showing each action unit in turn, from the inner brow raiser to the blink, and the motion of its "
        "pixels as colours.",
    )


def poser(seed: int, size: int) -> Callable[..., go.Figure]:
    """A face for a live control: it shows the unit that a reader asks for, as strongly and as far turned."""
    scene = Scene(draw_identity(seed))

    def pose(first: int = 12, strength: float = 0.5, yaw: float = 0.0) -> go.Figure:
        picture = scene.frame(acting(first, strength, yaw), size)
        return panels({f"AU {first}": picture}, alt="The face you asked for.")

    return pose


# When, and by how much


def timeline(spec: ClipSpec) -> go.Figure:
    """How strongly each action unit of a clip moves through time, and what disturbs it."""
    times = np.linspace(0, spec.seconds, INSTANTS)
    figure = go.Figure()
    for movement, colour in zip(spec.movements, COLOURS, strict=False):
        figure.add_trace(_curve(times, movement, f"AU {movement}", colour, "solid"))
    others = {f"AU {spec.distractor}, unlabelled": spec.distractor, "blink": spec.blink}
    for name, movement in others.items():
        if movement:
            figure.add_trace(_curve(times, movement, name, "#999999", "dot"))
    for name in ("onset", "apex", "offset"):
        figure.add_vline(x=round(getattr(spec, name), 4), line_color=GRID, annotation_text=name)
    figure.update_layout(xaxis_title="seconds", yaxis_title="weight of the largest unit")
    units = " and ".join(f"AU {movement}" for movement in spec.movements)
    return styled(
        figure,
        f"{units} rise from {spec.onset:.3f} s to the apex at {spec.apex:.3f} s and fall until {spec.offset:.3f} s.",
    )


def _curve(times: np.ndarray, movement: Movement, name: str, colour: str, dash: str) -> go.Scatter:
    level = [round(float(movement.weights(t).max()), 4) for t in times]
    line = {"color": colour, "dash": dash}
    return go.Scatter(x=times.round(4).tolist(), y=level, name=name, line=line, mode="lines")


def film(corpus: Corpus, spec: ClipSpec, size: int) -> go.Figure:
    """A clip as recorded beside the same clip with its labelled movement five times as large."""
    times = np.linspace(spec.onset, spec.offset, 17)
    recorded = corpus.frames(spec.clip, times, size)
    larger = corpus.frames(spec.clip, times, size, magnify=5)
    return slideshow(
        {f"{t:.3f}": pair for t, *pair in zip(times, recorded, larger, strict=True)},
        titles=["recorded", "magnified five times"],
        label="seconds:",
        alt="A clip from onset to offset, as recorded, where hardly anything can be seen to move, and with the "
        "movement magnified five times.",
        play=True,
    )


def apexes(corpus: Corpus, spec: ClipSpec, size: int) -> go.Figure:
    """The apex of a clip by how much larger its movement is made."""
    strengths = (0, 1, 2, 4, 6, 8)
    return slideshow(
        {f"{m}": corpus.frames(spec.clip, [spec.apex], size, magnify=m) for m in strengths},
        titles=["the apex"],
        label="magnified:",
        alt="The apex frame with the movement switched off, as it is, and magnified up to eight times.",
    )


# Why: motion by its causes, and estimated


def causes(corpus: Corpus, spec: ClipSpec, size: int) -> dict[str, np.ndarray]:  # (2, H, W) each
    """Exact flow from onset to apex: of the labelled action, of the distractor, of the head, and of all together."""
    parts = corpus.flow_parts(spec.clip, spec.onset, spec.apex, size)
    return {**parts, "total": corpus.flow(spec.clip, spec.onset, spec.apex, size)}


def in_colours(flows: Mapping[str, np.ndarray], largest: float, alt: str, width: int) -> go.Figure:
    """Flows side by side, on one scale of colours."""
    return panels({name: flow_colours(flow, largest) for name, flow in flows.items()}, alt, width)


def off_by(flow: np.ndarray, exact: np.ndarray, where: np.ndarray) -> float:
    """Mean end-point error inside a region (H, W), in pixels of a picture of 128."""
    return float(np.hypot(*(flow - exact))[where].mean()) * 128 / where.shape[0]


def moving_skin(action: np.ndarray, face: np.ndarray) -> np.ndarray:  # (H, W)
    """Where on the face the expression moves the skin significantly: by a quarter of its largest movement or more."""
    length = np.hypot(*action)
    return face & (length > SIGNIFICANT * length.max())


def flow_errors(
    estimates: Mapping[str, np.ndarray], exact: Mapping[str, np.ndarray], face: np.ndarray
) -> pd.DataFrame:
    """End-point error of each estimate, and of the guess that nothing moves, on the face and on its moving skin."""
    skin, total = moving_skin(exact["action"], face), exact["total"]
    places = {"on the face": face, "where the expression moves it": skin, "elsewhere on it": face & ~skin}
    flows = {"no motion at all": np.zeros_like(total), **estimates}
    rows = {name: {at: off_by(flow, total, on) for at, on in places.items()} for name, flow in flows.items()}
    return pd.DataFrame(rows).T


def estimates_in_words(errors: pd.DataFrame) -> str:
    """What estimates leave of the error of none, and where they are worst."""
    none, *estimates = errors["on the face"].items()
    shares = ", ".join(f"{name} leaves {error / none[1]:.0%}" for name, error in estimates)
    moving, elsewhere = errors.loc["dis", ["where the expression moves it", "elsewhere on it"]]
    where = "worst where it matters" if moving > elsewhere else "evenly"
    return (
        f"Of the error of *no motion at all* {shares}. DIS is off by {moving:.2f} pixels where the expression moves "
        f"the skin and by {elsewhere:.2f} elsewhere on the face: {where}."
    )


# What disturbs


def disturbed(corpus: Corpus, spec: ClipSpec, size: int) -> dict[str, np.ndarray]:  # (H, W) each
    """The dynamic image of a clip, first of its labelled movement alone, then with one disturbance after another."""
    steps = {ALONE: DISTURBANCES} | {f"+ {name}": DISTURBANCES[i:] for i, name in enumerate(DISTURBANCES, 1)}
    times = np.linspace(spec.onset, spec.offset, 17)
    return {
        name: dynamic_image(corpus.frames(spec.clip, times, size, colour=False, without=off))
        for name, off in steps.items()
    }


def likeness(images: Mapping[str, np.ndarray], face: np.ndarray) -> pd.Series:
    """Correlation of each picture with the first one, on the face."""
    clean = next(iter(images.values()))[face]
    return pd.Series({name: np.corrcoef(clean, image[face])[0, 1] for name, image in images.items()})


def losses_in_words(alike: pd.Series) -> str:
    """Which two disturbances cost most of the likeness, and whether any seems to give some back."""
    change = alike.diff().iloc[1:].rename(lambda name: name.removeprefix("+ "))
    first, second = change.nsmallest(2).index
    text = (
        f"Most is lost with *{first}* ({change[first]:+.2f}), then with *{second}* ({change[second]:+.2f})."
    )
    if risen := list(change.index[change > 0.01]):
        text += (
            f" With *{', '.join(risen)}* the likeness rises, which nobody would call a gain: a correlation of pixels, "
            "in one clip and one order of switching on, is a rough measure of what a method loses."
        )
    return text


def dynamic_images(images: Mapping[str, np.ndarray]) -> go.Figure:
    """One after the other, on one scale of grey."""
    return slideshow(
        {name: [signed_grey(image, 12)] for name, image in images.items()},
        titles=["dynamic image"],
        alt="The dynamic image of one clip: with the movement alone only the moving parts show; with noise and with "
        "the head's motion every edge of the face does.",
    )


# The corpora


def corpora() -> pd.DataFrame:
    """A row for each synthetic corpus: what its card says in short."""
    cards = [open_corpus(name).card for name in corpus_names()]
    columns = {
        "clips": [sum(card.counts.values()) for card in cards],
        "subjects": [card.subjects for card in cards],
        "frames a second": [card.fps for card in cards],
        "drawn peak, px": [card.difficulty.peak for card in cards],
        "about": [card.about for card in cards],
    }
    return pd.DataFrame(columns, index=[card.name for card in cards])
