"""Figures of the chapter "How to inflate a score"."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled

HONEST, INFLATED = FOR, AGAINST


def epoch_curve(uf1: Sequence[float], peeked: float) -> go.Figure:
    """UF1 after each epoch, and what it becomes when every subject's best epoch is taken."""
    epochs = list(range(1, len(uf1) + 1))
    figure = go.Figure(
        go.Scatter(x=epochs, y=rounded(uf1), name="all subjects, one epoch", line_color=HONEST)
    )
    figure.add_trace(
        go.Scatter(
            x=[1, len(uf1)], y=[round(peeked, 4)] * 2, name="each subject's best epoch", mode="lines",
            line={"color": INFLATED, "dash": "dash"},
        )
    )  # fmt: skip
    figure.update_layout(xaxis_title="epoch", yaxis={"title": "UF1", "range": [0, 1]})
    return styled(
        figure,
        f"UF1 rises over the epochs to {uf1[-1]:.3f}; choosing each subject's best epoch on its own test clips "
        f"gives {peeked:.3f}.",
    )


def audit_bars(table: pd.DataFrame) -> go.Figure:
    """What each convention prints as F1; the honest one in its own colour. `table` is that of `audit`."""
    table = table.sort_values("f1", ascending=False)
    figure = go.Figure(
        go.Bar(
            x=rounded(table["f1"]),
            y=list(table.index),
            orientation="h",
            text=[f"{value:.3f}" for value in table["f1"]],
            textposition="outside",
            marker_color=[HONEST if name == "pooled" else QUIET for name in table.index],
        )
    )
    figure.add_vline(x=round(table.loc["pooled", "f1"], 4), line_color=HONEST, line_dash="dot")
    figure.update_layout(xaxis={"title": "printed as F1", "range": [0, 1]}, yaxis_autorange="reversed")
    said = ", ".join(f"{name} {value:.3f}" for name, value in table["f1"].items())
    return styled(figure, f"One model's predictions under eleven conventions: {said}.", height=420)


def luck(curves: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> go.Figure:
    """UF1 of a model that knows nothing, by the number of epochs among which it may choose."""
    colours = [INFLATED, HONEST]
    figure = go.Figure(
        [
            go.Scatter(x=list(epochs), y=rounded(values), name=name, line_color=colour)
            for (name, values), colour in zip(curves.items(), colours, strict=False)
        ]
    )
    figure.update_layout(
        xaxis={"title": "epochs to choose from", "type": "log"}, yaxis={"title": "UF1", "range": [0, 1]}
    )
    said = "; ".join(f"{name}: from {values[0]:.2f} to {values[-1]:.2f}" for name, values in curves.items())
    return styled(figure, f"UF1 of random answers against the number of epochs. {said}.")
