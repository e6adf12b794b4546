"""Optical flow: a movement from onset to offset, estimates beside the exact motion, and where and when they fail."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mer_core.faces.expression import ClipSpec
from mer_core.figures.images import flow_colours, slideshow
from mer_core.figures.lines import curves
from mer_core.studies.motion.figures import flow_over, played
from mer_core.studies.motion.measures import (
    around_eyes,
    eroded,
    error_shares,
    errors_and_motion,
    length,
    slope,
    worth_it_from,
)
from mer_core.studies.motion.studio import KINDS, NOTHING, STILL_HEAD, Shots, Studio
from mer_core.vision.flow import estimate_flow

CONDITIONS: Mapping[str, frozenset[str]] = {
    "as recorded": frozenset(),
    "without noise": frozenset({"noise"}),
    "head still": frozenset({"head"}),
    "head still, without noise": frozenset({"head", "noise"}),
}
Shares = dict[tuple[str, str], np.ndarray]  # (P,) by estimator and region


@dataclass(frozen=True)
class Course:
    """A clip from onset to offset, in thirteen instants of which the seventh is the apex."""

    times: np.ndarray  # (13,) seconds
    flows: Sequence[np.ndarray]  # (2, H, W) each: all motion since the onset, on the face
    largest: (
        pd.DataFrame
    )  # a row an instant, named by its milliseconds: how far action and head move the skin at most


def course(studio: Studio, spec: ClipSpec) -> Course:
    """The exact motion of a clip since its onset."""
    rise, fall = np.linspace(spec.onset, spec.apex, 7), np.linspace(spec.apex, spec.offset, 7)
    times, face = np.concatenate([rise, fall[1:]]), studio.mask(spec)
    causes = [studio.corpus.flow_parts(spec.clip, spec.onset, t, studio.size) for t in times]
    rows = [{cause: studio.px(flows[cause] * face).max() for cause in ("action", "head")} for flows in causes]
    names = [f"{1000 * (t - spec.onset):.0f}" for t in times]
    return Course(times, [sum(flows.values()) * face for flows in causes], pd.DataFrame(rows, names))


def film(studio: Studio, spec: ClipSpec, course: Course) -> go.Figure:
    """A clip as recorded, tinted by its motion, and five times as large; under it how far the skin is moved."""
    recorded = studio.frames(spec, course.times)
    tinted = [flow_over(*pair, 2.5 / studio.unit) for pair in zip(recorded, course.flows, strict=True)]
    larger = studio.frames(spec, course.times, magnify=5)
    return played(
        dict(zip(course.largest.index, zip(recorded, tinted, larger, strict=True), strict=True)),
        ["recorded", "motion", "× 5"],
        {"expression": course.largest["action"], "head": course.largest["head"]},
        "A face from onset to offset: as recorded, where hardly anything seems to move; tinted by its motion; and with "
        "the movement five times as large. Below, how far the skin is moved at most by the expression, which rises to "
        "the apex and falls, and by the head, which does not.",
        label="ms from the onset:",
        up="largest motion, px",
        marks={name: 1000 * (getattr(spec, name) - spec.onset) for name in ("onset", "apex", "offset")},
    )


def estimates_by_size(studio: Studio, spec: ClipSpec, factors: Sequence[float]) -> go.Figure:
    """Exact motion beside three estimates, for movements of several sizes; the head is still."""
    face, steps = studio.mask(spec), {}
    for factor in factors:
        shown = {"without": STILL_HEAD, "magnify": factor}
        pair, exact = studio.ends(spec, **shown), studio.flow(spec, **shown)
        flows, largest = [exact, *(estimate_flow(*pair, kind) for kind in KINDS)], length(exact).max()
        steps[f"{factor * spec.peak_pixels:.1f}"] = [flow_colours(flow * face, largest) for flow in flows]
    return slideshow(
        steps,
        titles=["exact", *KINDS],
        label="movement, px:",
        alt="Exact motion beside three estimates, for movements from a fifth of a pixel to six pixels: the smallest "
        "drown in random motion, the largest are found.",
        width=190,
    )


def groups_of_pixels(
    studio: Studio, specs: Sequence[ClipSpec], shots: Shots, faces: np.ndarray
) -> dict[str, np.ndarray]:  # (N, H, W) each
    """Where an estimate may find it hard: smooth skin and edges, the rim of the face, and what comes to be hidden."""
    inner = np.stack([eroded(face) for face in faces])
    slopes = np.stack([slope(first) for first in shots.pairs[:, 0]])
    low, high = np.quantile(slopes[inner], [0.25, 0.75])
    seen = [studio.corpus.visibility(spec.clip, spec.onset, spec.apex, studio.size) for spec in specs]
    return {
        "smooth skin, least slope of brightness": inner & (slopes < low),
        "edges, most slope": inner & (slopes > high),
        "rim of the face, four pixels": faces & ~inner,
        "what the apex no longer shows": faces & ~np.stack(seen),
    }


def blink_errors(studio: Studio, clips: int) -> pd.DataFrame:
    """Mean end-point error around the eyes while they close: a row for each of the first clips that blink."""
    specs = (studio.corpus.spec(one.clip) for one in studio.corpus.outline)
    blinking = (spec for spec in specs if spec.blink and spec.blink.start > 0)
    rows = {spec.clip: _closing(studio, spec) for spec in islice(blinking, clips)}
    return pd.DataFrame(rows).T


def _closing(studio: Studio, spec: ClipSpec) -> dict[str, float]:
    times = spec.blink.start, spec.blink.apex
    pair, exact = studio.frames(spec, times), studio.corpus.flow(spec.clip, *times, studio.size)
    eyes = around_eyes(studio.corpus.landmarks(spec.clip, times[0], studio.size), studio.size)
    flows = {NOTHING: np.zeros_like(exact)} | {kind: estimate_flow(*pair, kind) for kind in KINDS}
    return {kind: studio.px(flow - exact)[eyes].mean() for kind, flow in flows.items()}


def shares_by_size(
    studio: Studio, specs: Iterable[ClipSpec], peaks: np.ndarray, without: Collection[str]
) -> Shares:
    """What estimates miss, as a share of what moves, over several clips whose skin is moved by up to `peaks` pixels."""
    sums = []
    for spec in specs:
        shown = [{"without": without, "magnify": factor} for factor in peaks / spec.peak_pixels]
        pairs = np.stack([studio.ends(spec, **face) for face in shown])  # (P, 2, H, W)
        exact = np.stack([studio.flow(spec, **face) for face in shown])
        sums.append(errors_and_motion(pairs, exact, studio.mask(spec), KINDS))
    return error_shares(sums)


def share_curves(peaks: np.ndarray, noisy: Shares, noiseless: Shares) -> go.Figure:
    """Errors by the size of a movement: over the face and on its moving skin, and without the sensor's noise."""
    return curves(
        peaks,
        {
            "whole face": {kind: noisy[kind, "face"] for kind in KINDS},
            "moving skin": {kind: noisy[kind, "skin"] for kind in KINDS},
            "whole face, no noise": {kind: noiseless[kind, "face"] for kind in KINDS},
        },
        "Error as a share of the motion, by its size. With noise, over the whole face, it falls from several times the "
        "motion to half of it and passes one at about a pixel; on moving skin or without noise it is lower.",
        across="largest displacement, px",
        up="error / motion",
        reference=1.0,
        log="xy",
    )


def worth_it(peaks: np.ndarray, shares: Shares) -> pd.DataFrame:
    """From which size of a movement on an estimate is better than none: a row a region, a column an estimator."""
    rows = {
        region: {kind: worth_it_from(peaks, shares[kind, region]) for kind in KINDS}
        for region in ("face", "skin")
    }
    return pd.DataFrame(rows).T
