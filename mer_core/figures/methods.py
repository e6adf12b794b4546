"""Figures of the chapter "All methods, one protocol"."""

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.style import FOR, QUIET, SEQUENTIAL, rounded, styled


def cost_against_score(rows: pd.DataFrame) -> go.Figure:
    """A point a method (rows): the seconds of a fold, the UF1 with its interval. Columns: seconds, UF1, low, high."""
    away = {"array": rounded(rows["high"] - rows["UF1"]), "arrayminus": rounded(rows["UF1"] - rows["low"])}
    figure = go.Figure(
        go.Scatter(
            x=rounded(rows["seconds"]), y=rounded(rows["UF1"]), mode="markers+text", text=list(rows.index),
            textposition="middle right", marker={"size": 10, "color": FOR},
            error_y={"type": "data", "color": QUIET, "thickness": 1, **away},
            hovertemplate="%{text}: UF1 %{y:.3f}, %{x:.1f} s a fold<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(type="log", title="seconds to train a fold, one core")
    figure.update_yaxes(title="UF1", range=[0, 1])
    said = "; ".join(f"{name} {row['seconds']:.1f} s, {row['UF1']:.2f}" for name, row in rows.iterrows())
    return styled(figure, f"Cost and score: {said}.", height=420)


def right_by_subject(accuracy: pd.DataFrame) -> go.Figure:
    """How many clips of each subject (rows) each method (columns) gets right, the easiest subjects on the left."""
    ordered = accuracy.loc[accuracy.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    figure = go.Figure(
        go.Heatmap(
            z=ordered.T.round(3).to_numpy().tolist(),
            x=[subject.split("/")[-1] for subject in ordered.index],
            y=list(ordered.columns),
            colorscale=SEQUENTIAL,
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": "right", "tickformat": ".0%"},
            hovertemplate="%{y}, subject %{x}: %{z:.0%} of the clips<extra></extra>",
        )
    )
    figure.update_layout(xaxis={"title": "subject", "type": "category"}, yaxis_autorange="reversed")
    means = ordered.mean(axis=1)
    alt = (
        f"The share of clips called right, {len(ordered.columns)} methods by {len(ordered)} subjects: from "
        f"{means.iloc[0]:.2f} for the easiest subject down to {means.iloc[-1]:.2f}, on the mean over methods."
    )
    return styled(figure, alt, height=160 + 26 * len(ordered.columns))
