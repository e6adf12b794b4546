"""Figures of the chapter "Motion representations"."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from mer_core.figures.style import styled

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#999999")


def curves(
    x: Sequence[float],
    values: Mapping[str, Sequence[float]],
    alt: str,
    *,
    across: str,
    up: str,
    reference: float | None = None,
) -> go.Figure:
    """One line a name; `reference` draws what to be compared with."""
    figure = go.Figure()
    for (name, y), colour in zip(values.items(), COLOURS, strict=False):
        points = {"x": [round(float(v), 4) for v in x], "y": [round(float(v), 3) for v in y]}
        figure.add_trace(go.Scatter(**points, name=name, mode="lines+markers", line={"color": colour}))
    if reference is not None:
        figure.add_hline(y=reference, line_dash="dot", line_color="#999999")
    figure.update_layout(xaxis_title=across, yaxis_title=up)
    return styled(figure.update_yaxes(rangemode="tozero"), alt)
