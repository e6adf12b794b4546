"""Figures of the chapter: a tinted face, a film with its timeline."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from mer_core.figures.images import flow_colours, slideshow
from mer_core.figures.lines import COLOURS
from mer_core.figures.style import GRID, QUIET, rounded


def flow_over(frame: np.ndarray, flow: np.ndarray, largest: float | None = None) -> np.ndarray:
    """A grey face (H, W), tinted by its motion (2, H, W) as in `flow_colours`: where nothing moves it stays grey."""
    return (frame[..., None] / 255 * flow_colours(flow, largest)).round().astype(np.uint8)


def played(
    steps: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    lines: Mapping[str, Sequence[float]],
    alt: str,
    *,
    label: str,
    up: str,
    marks: Mapping[str, float],
    width: int = 190,
) -> go.Figure:
    """Pictures over time with a slider and a play button; under them a timeline, on which a dot a line goes along.

    The names of the steps are their times, the `lines` have a value each, and `marks` names some times: the onset. It
    begins where the first line is highest.
    """
    figure = slideshow(steps, titles, alt, label=label, width=width, play=True)
    axis, times = len(titles) + 1, [float(name) for name in steps]
    below = {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    for (name, y), colour in zip(lines.items(), COLOURS, strict=False):
        figure.add_trace(
            go.Scatter(x=times, y=rounded(y), name=name, mode="lines", line_color=colour, **below)
        )
    dots = [_dots(x, y).update(below) for x, y in zip(times, np.transpose([*lines.values()]), strict=True)]
    first = int(np.argmax(next(iter(lines.values()))))
    _begin_with(figure, first)
    figure.add_trace(dots[first])
    for frame, dot in zip(figure.frames, dots, strict=True):
        frame.update(data=[*frame.data, dot], traces=[*frame.traces, len(figure.data) - 1], overwrite=True)
    return _with_timeline(figure, axis, up, marks, height=width + 330)


def _dots(x: float, y: Sequence[float]) -> go.Scatter:
    return go.Scatter(x=[x] * len(y), y=rounded(y), mode="markers", marker_color=QUIET, showlegend=False)


def _begin_with(figure: go.Figure, step: int) -> None:
    for shown, picture in zip(figure.data, figure.frames[step].data, strict=False):
        shown.source = picture.source
    figure.layout.sliders[0].active = step


def _with_timeline(
    figure: go.Figure, axis: int, up: str, marks: Mapping[str, float], height: int
) -> go.Figure:
    """The axes below the pictures, the named times on them, and room for all."""
    low, high = 0.06, 0.34
    look = {"gridcolor": GRID, "zerolinecolor": GRID}
    figure.update_yaxes(domain=[0.5, 1])  # the pictures
    figure.layout[f"xaxis{axis}"] = {"anchor": f"y{axis}", **look}
    figure.layout[f"yaxis{axis}"] = {"anchor": f"x{axis}", "domain": [low, high], "title": up, **look}
    for name, time in marks.items():
        at = {"xref": f"x{axis}", "yref": "paper"}
        figure.add_shape(type="line", x0=time, x1=time, y0=low, y1=high, line_color=GRID, **at)
        figure.add_annotation(text=name, x=time, y=high, yanchor="bottom", showarrow=False, **at)
    legend = {"x": 0.5, "xanchor": "center", "y": 0.4, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"}
    return figure.update_layout(height=height, legend=legend, margin={"l": 60, "b": 40})
