"""Figure of the chapter "How to inflate a score": several methods ranked, and which of them are apart."""

import plotly.graph_objects as go

from mer_core.figures.style import styled
from mer_core.scoring.statistics import CriticalDifferences

MARK = "#0072B2"
JOIN = "rgba(128,128,128,0.8)"  # visible on white and on black


def critical_differences(result: CriticalDifferences) -> go.Figure:
    """Mean ranks, best on top; a bar on the right joins methods that can't be told apart."""
    names, n = list(result.ranks), len(result.ranks)
    figure = go.Figure(_ranks(result))
    figure.add_trace(_ruler(result, y=n - 0.1))
    for i, group in enumerate(result.groups):
        figure.add_trace(_join(group, names, x=n + 0.3 + 0.15 * i))
    right = max(n + 0.5 + 0.15 * len(result.groups), 1.1 + result.difference)
    figure.add_annotation(
        text="joined: not told apart", x=right, y=-0.55, xanchor="right", showarrow=False, font_size=12
    )
    figure.update_layout(showlegend=False, xaxis_title="mean rank (1 is best)")
    figure.update_xaxes(tickvals=list(range(1, n + 1)), range=[0.8, right])
    figure.update_yaxes(
        tickvals=list(range(n)), ticktext=names, range=[n + 0.2, -0.8], automargin=True, zeroline=False
    )
    return styled(figure, _alt(result), height=160 + 40 * n)


def _ranks(result: CriticalDifferences) -> go.Scatter:
    return go.Scatter(
        x=[round(rank, 4) for rank in result.ranks.values()],
        y=list(range(len(result.ranks))),
        mode="markers+text",
        text=[f"{rank:.2f}" for rank in result.ranks.values()],
        textposition="top center",
        marker={"size": 11, "color": MARK},
        customdata=list(result.ranks),
        hovertemplate="%{customdata}: mean rank %{x:.2f}<extra></extra>",
    )


def _ruler(result: CriticalDifferences, y: float) -> go.Scatter:
    """A line as long as the critical difference, to hold against any two dots."""
    return go.Scatter(
        x=[1, round(1 + result.difference, 4)],
        y=[y, y],
        mode="lines+markers+text",
        text=[f"critical difference {result.difference:.2f}", ""],
        textposition="top right",
        line={"color": JOIN, "width": 2},
        marker={"symbol": "line-ns-open", "size": 12, "color": JOIN},
        hoverinfo="skip",
    )


def _join(group: list[str], names: list[str], x: float) -> go.Scatter:
    return go.Scatter(
        x=[x, x],
        y=[names.index(group[0]) - 0.2, names.index(group[-1]) + 0.2],
        mode="lines",
        line={"color": JOIN, "width": 6},
        hovertemplate=f"not told apart: {', '.join(group)}<extra></extra>",
    )


def _alt(result: CriticalDifferences) -> str:
    ranks = ", ".join(f"{name} {rank:.2f}" for name, rank in result.ranks.items())
    groups = "; ".join(", ".join(group) for group in result.groups) or "none"
    return (
        f"Mean ranks of {len(result.ranks)} methods over {result.blocks} subjects or folds, "
        f"best first: {ranks}. "
        f"Two differ if their ranks are at least {result.difference:.2f} apart. Not told apart: {groups}."
    )
