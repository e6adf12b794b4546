"""Curves beside each other."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mer_core.figures.style import QUIET, rounded, styled

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")


def curves(
    x: Sequence[float],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    alt: str,
    *,
    across: str,
    up: str,
    reference: float | None = None,
    log: str = "",
) -> go.Figure:
    """A panel a title, a line a name; a name has one colour in all panels.

    `reference` is a dotted line to compare with; `log` names the axes, "x", "y" or "xy", that count in powers.
    """
    figure = make_subplots(1, len(panels), subplot_titles=list(panels), shared_yaxes=True)
    colours: dict[str, str] = {}
    for column, lines in enumerate(panels.values(), start=1):
        for name, y in lines.items():
            is_new = name not in colours
            colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)])
            figure.add_trace(_line(x, y, name, colour, is_new), row=1, col=column)
    if reference is not None:
        figure.add_hline(y=reference, line_dash="dot", line_color=QUIET)
    figure.update_xaxes(title=across, type="log" if "x" in log else "linear", tickvals=rounded(x))
    figure.update_yaxes(type="log" if "y" in log else "linear", rangemode="tozero")
    styled(figure.update_yaxes(title=up, col=1), alt)
    return figure.update_layout(legend={"y": 1.12}, margin={"t": 70})  # above the titles of the panels


def _line(x: Sequence[float], y: Sequence[float], name: str, colour: str, is_new: bool) -> go.Scatter:
    return go.Scatter(
        x=rounded(x),
        y=rounded(y),
        name=name,
        legendgroup=name,
        showlegend=is_new,
        mode="lines+markers",
        line={"color": colour},
    )
