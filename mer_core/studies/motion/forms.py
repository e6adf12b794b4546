"""Four other forms of motion: strain, the dynamic image, a magnified clip, an interpolated one."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mer_core.faces.expression import ClipSpec
from mer_core.figures.images import flow_colours, signed_grey, slideshow
from mer_core.figures.lines import curves
from mer_core.studies.motion.measures import (
    eroded,
    errors_halfway,
    grey_levels_off,
    magnified,
    mean_correlation,
    strength_and_likeness,
    stripes_error,
)
from mer_core.studies.motion.studio import CALM, Shots, Studio
from mer_core.vision.dynamic_image import dynamic_image
from mer_core.vision.flow import estimate_flow
from mer_core.vision.sampling import INTERPOLATIONS, interpolate
from mer_core.vision.strain import optical_strain

DISTURBED: Mapping[str, frozenset[str]] = {
    "as recorded": frozenset(),
    "no noise, steady light": frozenset({"noise", "light"}),
    "head still": frozenset({"head"}),
    "head still, no noise": frozenset({"head", "noise"}),
    "alone": CALM,
}
FACTORS = (1, 2, 3, 4)  # of magnification

# Strain


def strain_of_heads(studio: Studio, spec: ClipSpec) -> go.Figure:
    """Exact flow and strain of one expression, with a head that shifts and with one that moves as it did."""
    causes, face = studio.causes(spec), studio.mask(spec)
    action, head = causes["action"], causes["head"]
    flows = {f"shifted by {s} px": action + s / studio.unit for s in (0, 1, 2)}
    flows |= {f"its own motion × {k}": action + k * head for k in (1, 2, 4)}
    steps = {}
    for name, flow in flows.items():
        strain = signed_grey(optical_strain(flow) * eroded(face), 0.15)
        steps[name] = [flow_colours(flow * face, 3 / studio.unit), strain]
    return slideshow(
        steps,
        titles=["exact flow", "its strain"],
        label="the head:",
        alt="Exact flow and strain of one expression. Shifting the head changes all of the flow and nothing of the "
        "strain; its own motion adds strain.",
        width=230,
    )


def strain_likeness(shots: Mapping[str, Shots], action: np.ndarray, where: np.ndarray) -> pd.DataFrame:
    """Correlation of strain with that of the action alone (N, 2, H, W), in regions (N, H, W): a row a condition."""
    wanted = optical_strain(action)
    rows = {
        name: {
            kind: mean_correlation(wanted, optical_strain(flows), where)
            for kind, flows in {"exact flow": made.exact, **made.estimates}.items()
        }
        for name, made in shots.items()
    }
    return pd.DataFrame(rows).T


# Dynamic image


def pooled(
    studio: Studio, spec: ClipSpec, without: Collection[str], frames: int = 8
) -> dict[str, np.ndarray]:  # (H, W) each
    """Three dynamic images: both rankings from onset to offset, and that of frames from onset to apex."""
    whole, rising = (
        studio.frames(spec, np.linspace(spec.onset, last, frames), without=without)
        for last in (spec.offset, spec.apex)
    )
    return {
        "frames": dynamic_image(whole, "frames"),
        "means": dynamic_image(whole, "means"),
        "frames, to the apex": dynamic_image(rising, "frames"),
    }


def dynamic_images(studio: Studio, spec: ClipSpec) -> go.Figure:
    """One clip's dynamic images, with one disturbance after the other taken away."""
    images = {name: pooled(studio, spec, off) for name, off in DISTURBED.items()}
    return slideshow(
        {name: [signed_grey(image, 6) for image in forms.values()] for name, forms in images.items()},
        titles=list(images["as recorded"]),
        label="the clip:",
        alt="Dynamic images of one clip. As recorded they show every edge of the head; with less and less disturbance "
        "only the moving parts remain.",
        width=190,
    )


def strength_and_likeness_of(studio: Studio, specs: Sequence[ClipSpec]) -> pd.DataFrame:
    """Mean strength of dynamic images, and how alike they are to those of the movement alone: a row a disturbance."""
    tables = []
    for spec in specs:
        images = {name: pooled(studio, spec, off) for name, off in DISTURBED.items()}
        tables.append(strength_and_likeness(images, "alone", studio.mask(spec)))
    by_clip = {"index": "clip", "columns": "form", "sort": False}
    return pd.concat(tables).pivot_table(values=["strength", "alike"], **by_clip)


# Magnification


def stripes_curves(wavelengths: Sequence[int], moved: float) -> go.Figure:
    """Error of linear magnification by its factor, on stripes that move by so many pixels."""
    factors = np.array([2, 4, 8, 16, 32])
    errors = {f"{w} px": [stripes_error(factor, w, moved) for factor in factors] for w in wavelengths}
    return curves(
        factors,
        {"stripes that move by a quarter of a pixel": errors},
        "Error of linear magnification by its factor: it grows with the factor, the sooner the finer the stripes.",
        across="factor",
        up="error / contrast",
        reference=0.3,
        log="xy",
    )


def seen(
    studio: Studio, spec: ClipSpec, without: Collection[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Onset and apex (2, H, W) of a clip, and three flows (2, H, W) to magnify along."""
    pair = studio.ends(spec, without=without)
    flows = {kind: estimate_flow(*pair, kind) for kind in ("dis", "tvl1")}
    return pair, flows | {"exact flow": studio.flow(spec, without=without)}


def rendered(studio: Studio, spec: ClipSpec, without: Collection[str], factor: float) -> np.ndarray:  # (H, W)
    """The apex with its movement so many times as large, which is what magnification wants to make; without noise."""
    return studio.ends(spec, without={*without, "noise"}, magnify=factor)[1]


def magnifications(studio: Studio, spec: ClipSpec) -> go.Figure:
    """The apex with a larger movement: rendered again, by amplified change, and along the flow; nothing else moves."""
    pair, flows = seen(studio, spec, CALM)
    steps = {}
    for factor in (factor for factor in (2, 3, 4, 6) if factor <= spec.largest_magnification):
        ways = magnified(pair, flows, factor)
        steps[f"{factor}"] = [rendered(studio, spec, CALM, factor), ways["Eulerian"], ways["along tvl1"]]
    return slideshow(
        steps,
        titles=["rendered again", "Eulerian", "along TV-L1 flow"],
        label="times as large:",
        alt="An apex frame with its movement magnified: exactly, by amplified change, which ends in bright and dark "
        "seams, and along the flow.",
        width=190,
    )


def magnification_errors(studio: Studio, specs: Sequence[ClipSpec], without: Collection[str]) -> pd.DataFrame:
    """Grey levels between a magnified apex and the same apex rendered so: a row a factor, a column a way."""
    each = [pd.DataFrame(_errors_of(studio, spec, without), index=FACTORS) for spec in specs]
    return sum(each) / len(each)


def _errors_of(studio: Studio, spec: ClipSpec, without: Collection[str]) -> list[dict[str, float]]:
    (pair, flows), face = seen(studio, spec, without), studio.mask(spec)
    rows = []
    for factor in FACTORS:
        wanted = rendered(studio, spec, without, factor)
        ways = magnified(pair, flows, factor)
        rows.append({name: grey_levels_off(way, wanted, face) for name, way in ways.items()})
    return rows


def magnification_curves(errors: Mapping[str, pd.DataFrame]) -> go.Figure:
    """The same as a multiple of the unmagnified frame's error, a panel a condition."""
    panels = {}
    for name, table in errors.items():
        relative = table.div(table["unmagnified"], axis=0).drop(columns="unmagnified")
        panels[name] = relative.loc[FACTORS[1] :].to_dict("list")
    return curves(
        FACTORS[1:],
        panels,
        "Distance from the exact rendering, as a multiple of the unmagnified frame's, by factor. If nothing else moves "
        "it is below one from factor three on; as recorded it is about three to six.",
        across="factor",
        up="off / off unmagnified",
        reference=1.0,
        log="y",
    )


# Interpolation


def interpolations(studio: Studio, spec: ClipSpec) -> go.Figure:
    """A face over time, and what each way to interpolate gets wrong between three given frames of it."""
    times = np.linspace(spec.onset, spec.offset, 9)
    right = studio.frames(spec, times, without=CALM)
    wrong = {kind: interpolate(right[::4], 9, kind) - right.astype(float) for kind in INTERPOLATIONS}
    return slideshow(
        {
            f"{1000 * (times[i] - spec.onset):.0f}": [
                right[i],
                *(signed_grey(off[i], 10) for off in wrong.values()),
            ]
            for i in (1, 2, 3, 5, 6, 7)
        },
        titles=["the face", *INTERPOLATIONS],
        label="milliseconds from the onset:",
        alt="A face over time beside what nearest frame, blend and temporal interpolation get wrong between the three "
        "given frames: seams at the lips and the eyes.",
        width=190,
    )


def interpolation_errors(
    studio: Studio, specs: Sequence[ClipSpec], counts: Sequence[int], *, has_noise: bool
) -> pd.DataFrame:
    """Error halfway between given frames, by their number: a row a count, a column a way; the truth has no noise."""
    tables = []
    for spec in specs:
        times = np.linspace(spec.onset, spec.offset, 17)
        right = studio.frames(spec, times, without={"noise"})
        given = studio.frames(spec, times) if has_noise else right
        tables.append(errors_halfway(given, right, counts))
    return sum(tables) / len(tables)


def interpolation_curves(errors: Mapping[str, pd.DataFrame]) -> go.Figure:
    """The same, a panel a condition."""
    return curves(
        next(iter(errors.values())).index,
        {name: table.to_dict("list") for name, table in errors.items()},
        "Error of the frames halfway between the given ones, by their number: the nearest frame is worst, a blend is "
        "best.",
        across="frames given",
        up="grey levels off (rms)",
        log="x",
    )
