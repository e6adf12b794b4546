"""Figures of the chapter: the two stages as boxes, what changes between two frames, dots and lines with intervals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.boxes import Overview
from mer_core.figures.boxes import overview as drawn
from mer_core.figures.images import signed_grey
from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled

GREEN, ORANGE = "#009E73", "#E69F00"
COLOURS = (QUIET, FOR, AGAINST, GREEN)

# Both stages as boxes: (name, what it is, x, y, colour), which box leads to which, and the way around all of them.
OVERVIEW = Overview(
    boxes=(
        ("x₁ − x₀", "what has changed", 0, 2, QUIET),
        ("x₀", "the current frame", 0, 1, QUIET),
        ("action branch", "A", 1.5, 2, FOR),
        ("position branch", "P", 1.5, 1, FOR),
        ("fusion", "F = A + P", 3, 1.5, FOR),
        ("classifier", "→ emotion", 4.7, 2, ORANGE),
        ("bottleneck, decoder", "→ later frame", 4.7, 1, GREEN),
    ),
    arrows=((0, 2), (1, 3), (2, 4), (3, 4), (4, 5), (4, 6)),
    alt="The difference of two frames goes into the action branch, the first frame into the position branch; their "
    "fused features lead to a classifier, or through a bottleneck to a decoder that draws the later frame. The "
    "decoder also gets the first frame as it is.",
    detour=((0, 0.7), (0, 0.4), (4.7, 0.4), (4.7, 0.7)),
    note=("as it is", 2.4, 0.28),
    below=0.5,
    height=320,
)


def overview() -> go.Figure:
    """The two branches, and the two things that they are trained for: first to draw, then to recognise."""
    return drawn(OVERVIEW)


def change(now: np.ndarray, later: np.ndarray, times: float = 6.0) -> np.ndarray:
    """What has changed between two frames (H, W, 3), but for the light, so many times stronger: a grey picture."""
    moved = later.astype(float).mean(axis=-1) - now.astype(float).mean(axis=-1)
    return signed_grey(moved - moved.mean(), 255 / 2 / times)


def dots(rows: pd.DataFrame, references: Mapping[str, float], across: str) -> go.Figure:
    """A dot a row with its interval, and dotted lines to compare with. `rows` has the columns value, low, high."""
    figure = go.Figure(
        go.Scatter(
            x=rounded(rows["value"]), y=list(rows.index), mode="markers", error_x=_reach(rows),
            marker={"size": 10, "color": FOR}, hovertemplate="%{y}: %{x:.3f}<extra></extra>", showlegend=False,
        )
    )  # fmt: skip
    for (name, value), colour in zip(references.items(), (AGAINST, QUIET, GREEN), strict=False):
        figure.add_vline(x=round(value, 4), line_color=colour, line_dash="dot")
        figure.add_annotation(x=round(value, 4), y=1, yref="paper", yanchor="bottom", text=name, showarrow=False,
                              font={"color": colour, "size": 12})  # fmt: skip
    figure.update_layout(xaxis={"title": across, "rangemode": "tozero"}, yaxis_autorange="reversed")
    said = [_said(name, row) for name, row in rows.iterrows()]
    said += [f"{name} {value:.3f}" for name, value in references.items()]
    return styled(figure, f"{across}, with intervals: {'; '.join(said)}.", height=140 + 34 * len(rows))


def lines(
    groups: Mapping[str, pd.DataFrame], across: str, up: str, references: Mapping[str, float] | None = None
) -> go.Figure:
    """A line a group over the index of its table: its column value, with intervals if it has low and high.

    A column name says which run a point is.
    """
    figure = go.Figure()
    for (name, rows), colour in zip(groups.items(), COLOURS, strict=False):
        figure.add_trace(
            go.Scatter(
                x=rounded(rows.index), y=rounded(rows["value"]), error_y=_reach(rows), name=name, line_color=colour,
                mode="lines+markers" if "low" in rows else "lines", showlegend=len(groups) > 1,
                customdata=list(rows.get("name", rows.index)),
                hovertemplate="%{customdata}: %{y:.3f}<extra></extra>",
            )
        )  # fmt: skip
    for name, value in (references or {}).items():
        figure.add_hline(y=round(value, 4), line_color=QUIET, line_dash="dot", annotation_text=name)
    figure.update_layout(xaxis_title=across, yaxis_title=up)
    said = [f"{name} {_course(rows)}" for name, rows in groups.items()]
    said += [f"{name} {value:.3f}" for name, value in (references or {}).items()]
    return styled(figure, f"{up} over {across}. {'; '.join(said)}.")


def _course(rows: pd.DataFrame) -> str:
    """A line in words: every point that has an interval, else its two ends."""
    if "low" in rows:
        return ", ".join(_said(f"at {x:.3g}:", row) for x, row in rows.iterrows())
    return f"from {rows['value'].iloc[0]:.3f} to {rows['value'].iloc[-1]:.3f}"


def _reach(rows: pd.DataFrame) -> dict | None:
    if "low" not in rows:
        return None
    away = {
        "array": rounded(rows["high"] - rows["value"]),
        "arrayminus": rounded(rows["value"] - rows["low"]),
    }
    return {"type": "data", **away}


def _said(name: str, row: pd.Series) -> str:
    return f"{name} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
