"""Figures of the chapter."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mer_core.figures.images import MARGIN, signed_grey, slideshow
from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#882255")


def weight_bars(weights: Sequence[float]) -> go.Figure:
    """What each frame counts in a dynamic image: for it or against it."""
    frames = [str(t + 1) for t in range(len(weights))]
    colours = [FOR if weight > 0 else AGAINST for weight in weights]
    text = [f"{weight:+.2f}" for weight in weights]
    figure = go.Figure(
        go.Bar(x=frames, y=rounded(weights), marker_color=colours, text=text, textposition="outside")
    )
    reach = 1.2 * max(abs(weight) for weight in weights)
    figure.update_layout(
        xaxis={"title": "frame", "type": "category"}, yaxis={"title": "weight", "range": [-reach, reach]}
    )
    return styled(figure, f"The weight of each frame: {', '.join(text)}.", height=300)


def pooled_so_far(frames: np.ndarray, weights: Sequence[float], largest: float) -> go.Figure:
    """A slider over the frames (T, H, W): the frame, and the weighted sum of all frames up to it, in grey levels.

    `largest` is the grey level that the sum shows as black or white.
    """
    sums = np.cumsum([w * frame for w, frame in zip(weights, frames.astype(float), strict=True)], axis=0)
    before = np.cumsum(weights)  # of the weights so far: what a still clip would have added
    steps = {
        f"{t + 1}": [frames[t], signed_grey(sums[t] - before[t] * frames[0], largest)]
        for t in range(len(frames))
    }
    return slideshow(
        steps,
        titles=["the frame", "pooled so far"],
        label="frame",
        alt=f"{len(frames)} frames of a clip that look the same, and the weighted sum of their changes since the "
        "first: even grey at first, at the end the edges of what has moved.",
    )


def key_groups(sides: Sequence[int], groups: Sequence[int]) -> go.Figure:
    """Which pixels of each stage's map share a key of its attention: a colour a key."""
    titles = [
        f"{side} × {side}, {side * side // group} keys" for side, group in zip(sides, groups, strict=True)
    ]
    maps = [
        (np.arange(side * side) // group).reshape(side, side)
        for side, group in zip(sides, groups, strict=True)
    ]
    alt = (
        "Pixels that share a key are neighbours in a row, not in a patch. Stages: " + "; ".join(titles) + "."
    )
    return _maps(dict(zip(titles, maps, strict=True)), alt, of="key")


def frame_layout(layouts: Mapping[str, np.ndarray]) -> go.Figure:
    """Which frame each place of a map (H, W) comes from: a colour a frame."""
    words = "; ".join(f"{name}: {_said_of(frames)}" for name, frames in layouts.items())
    return _maps(layouts, f"Where frames lie in the map that time is pooled over. {words}.", of="frame")


def _said_of(frames: np.ndarray) -> str:
    if frames.min() == frames.max():
        return f"all of it frame {frames.min() + 1}"
    is_even = (frames == frames[:, :1]).all()
    return "each row one frame" if is_even else "several frames in every row"


def _maps(maps: Mapping[str, np.ndarray], alt: str, of: str) -> go.Figure:
    figure = make_subplots(1, len(maps), subplot_titles=list(maps), horizontal_spacing=0.04)
    for column, values in enumerate(maps.values(), start=1):
        figure.add_trace(_coloured(values, of), row=1, col=column)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain", autorange="reversed")
    for column in range(1, len(maps) + 1):
        figure.update_yaxes(scaleanchor=f"x{column if column > 1 else ''}", col=column)
    return styled(figure, alt, height=240).update_layout(margin=MARGIN)


def _coloured(values: np.ndarray, of: str) -> go.Heatmap:
    """Numbers from 8 on, if there are any, share the last colour."""
    n = len(COLOURS)
    gap = 1 if len(values) <= 16 else 0  # between pixels, where they are large enough to be seen
    return go.Heatmap(
        z=(values + 1).tolist(),
        colorscale=[[(i + end) / n, colour] for i, colour in enumerate(COLOURS) for end in (0, 1)],
        zmin=0.5,
        zmax=n + 0.5,
        xgap=gap,
        ygap=gap,
        showscale=False,
        hovertemplate=f"{of} %{{z}}<extra></extra>",
    )


def parameter_bars(parts: pd.DataFrame) -> go.Figure:
    """Parameters in millions: a bar a network (the columns), a colour a part (the rows)."""
    millions = parts / 1e6
    figure = go.Figure(
        [
            go.Bar(y=list(parts), x=rounded(row), name=name, orientation="h", marker_color=colour)
            for (name, row), colour in zip(millions.iterrows(), COLOURS, strict=False)
        ]
    )
    figure.update_layout(barmode="stack", xaxis_title="parameters, millions", yaxis_autorange="reversed")
    words = ", ".join(f"{name} {total:.1f} million" for name, total in millions.sum().items())
    return styled(figure, f"Parameters by part: {words}.", height=150 + 45 * len(parts.columns))


def learning(accuracy: Mapping[str, Sequence[float]], error: Mapping[str, Sequence[float]]) -> go.Figure:
    """After every epoch: how many clips are recognised, and how well the picture is drawn, on two panels."""
    figure = make_subplots(1, 2, subplot_titles=["recognition: accuracy", "drawing: mean squared error"])
    colours: dict[str, str] = {}
    for column, lines in enumerate((accuracy, error), start=1):
        for name, values in lines.items():
            is_new = name not in colours
            colour = colours.setdefault(name, (FOR, AGAINST, QUIET)[len(colours) % 3])
            figure.add_trace(_curve(name, values, colour, is_new), row=1, col=column)
    figure.update_xaxes(title="epoch").update_yaxes(rangemode="tozero")
    figure.update_yaxes(range=[0, 1], col=1)
    words = [f"{name} ends at {values[-1]:.2f}" for name, values in accuracy.items()]
    words += [f"{name} {values[0]:.3f} to {values[-1]:.3f}" for name, values in error.items()]
    styled(
        figure,
        f"Accuracy by epoch: {'; '.join(words[: len(accuracy)])}. Error: {'; '.join(words[len(accuracy) :])}.",
    )
    return figure.update_layout(legend={"y": 1.12}, margin={"t": 70})  # above the titles of the panels


def _curve(name: str, values: Sequence[float], colour: str, is_new: bool) -> go.Scatter:
    dash = "dot" if len(set(values)) == 1 else "solid"  # what does not depend on the epoch
    return go.Scatter(
        x=list(range(1, len(values) + 1)), y=rounded(values), name=name, legendgroup=name, showlegend=is_new,
        mode="lines", line={"color": colour, "dash": dash},
    )  # fmt: skip
