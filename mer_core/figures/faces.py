"""Figures of the chapter "Synthetic faces"."""

import numpy as np
import plotly.graph_objects as go

from mer_core.faces.expression import ClipSpec
from mer_core.figures.style import GRID, styled

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
INSTANTS = 120  # points of a curve


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


def _curve(times: np.ndarray, movement: object, name: str, colour: str, dash: str) -> go.Scatter:
    level = [round(float(movement.weights(t).max()), 4) for t in times]
    line = {"color": colour, "dash": dash}
    return go.Scatter(x=times.round(4).tolist(), y=level, name=name, line=line, mode="lines")
