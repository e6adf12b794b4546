"""A network drawn as boxes and arrows."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mer_core.figures.style import QUIET, styled

Box = tuple[str, str, float, float, str]  # name, what it holds, x, y of its middle, colour
EDGE = 0.06  # around all boxes


@dataclass(frozen=True)
class Overview:
    """A network at a glance: its boxes, which leads to which, and perhaps a dotted detour around some of them."""

    boxes: Sequence[Box]
    arrows: Sequence[tuple[int, int]]  # from box to box
    alt: str  # the same in words
    detour: Sequence[tuple[float, float]] = ()  # corners of the dotted line
    note: tuple[str, float, float] = ("", 0, 0)  # what goes along it, and where that is written
    half: tuple[float, float] = (0.6, 0.3)
    below: float = 0.0
    height: int = 360


def overview(of: Overview) -> go.Figure:
    """It, drawn."""
    figure = drawing(of.boxes, of.arrows, of.alt, half=of.half, below=of.below, height=of.height)
    if of.detour:
        path = "M " + " L ".join(f"{x:g} {y:g}" for x, y in of.detour)
        figure.add_shape(type="path", path=path, line={"color": QUIET, "width": 1, "dash": "dot"})
        text, x, y = of.note
        figure.add_annotation(text=text, x=x, y=y, showarrow=False, font_size=12)
    return figure


def drawing(
    boxes: Sequence[Box],
    arrows: Sequence[tuple[int, int]],
    alt: str,
    *,
    half: tuple[float, float] = (0.6, 0.3),
    below: float = 0.0,
    height: int = 360,
) -> go.Figure:
    """Boxes of one size, `half` of which is given, and which box leads to which; some room is left `below` them."""
    xs, ys = [box[2] for box in boxes], [box[3] for box in boxes]
    figure = go.Figure(go.Scatter(x=xs[:1], y=ys[:1], mode="markers", marker_opacity=0, hoverinfo="skip"))
    for start, end in arrows:
        _arrow(figure, boxes[start][2:4], boxes[end][2:4], half[0])
    for box in boxes:
        _box(figure, box, *half)
    styled(figure, alt, height=height).update_layout(
        showlegend=False, margin={"l": 5, "r": 5, "t": 5, "b": 5}
    )
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(hidden, range=[min(xs) - half[0] - EDGE, max(xs) + half[0] + EDGE])
    return figure.update_yaxes(hidden, range=[min(ys) - half[1] - EDGE - below, max(ys) + half[1] + EDGE])


def _box(figure: go.Figure, box: Box, half_width: float, half_height: float) -> None:
    name, holds, x, y, colour = box
    corners = {"x0": x - half_width, "x1": x + half_width, "y0": y - half_height, "y1": y + half_height}
    figure.add_shape(type="rect", **corners, line_color=colour, fillcolor=colour, opacity=0.15)
    figure.add_annotation(text=f"<b>{name}</b><br>{holds}", x=x, y=y, showarrow=False, font_size=11)


def _arrow(figure: go.Figure, start: Sequence[float], end: Sequence[float], half_width: float) -> None:
    (x0, y0), (x1, y1) = start, end
    figure.add_annotation(
        x=x1 - half_width, y=y1, ax=x0 + half_width, ay=y0, xref="x", yref="y", axref="x", ayref="y",
        text="", showarrow=True, arrowhead=2, arrowcolor=QUIET,
    )  # fmt: skip
