"""Scores in figures: who is called what, and how sure a score is."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.style import AGAINST, CLASS_COLOURS, FOR, QUIET, SEQUENTIAL, rounded, styled
from mer_core.scoring import Scores


def clips_per_subject(clips: pd.DataFrame, classes: Sequence[str]) -> go.Figure:
    """A stacked bar a subject: how many clips of each class. `clips` has the columns subject and label."""
    counts = pd.crosstab(clips["subject"], clips["label"]).reindex(columns=classes, fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    figure = go.Figure(
        [
            go.Bar(
                x=counts.index.str.split("/").str[-1],
                y=counts[name],
                name=name,
                marker_color=CLASS_COLOURS[name],
            )
            for name in classes
        ]
    )
    figure.update_layout(barmode="stack", xaxis_title="subject", yaxis_title="clips")
    largest = counts.sum(axis=1)
    return styled(
        figure,
        f"Clips of {len(counts)} subjects by class: from {largest.max()} clips down to {largest.min()}, "
        f"most of them {counts.sum().idxmax()}.",
    )


def confusion(scores: Scores, classes: Sequence[str]) -> go.Figure:
    """Rows are the truth; the colour is the share of the row, the number the clips."""
    counts = scores.confusion
    share = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    figure = go.Figure(
        go.Heatmap(
            z=share.round(4).tolist(),
            x=list(classes),
            y=list(classes),
            text=counts.tolist(),
            texttemplate="%{text}",
            hovertemplate="%{text} clips of %{y}, called %{x}: %{z:.0%} of the class<extra></extra>",
            colorscale=SEQUENTIAL,
            zmin=0,
            zmax=1,
            colorbar={"title": "share", "tickformat": ".0%"},
        )
    )
    figure.update_layout(xaxis_title="predicted", yaxis_title="truth", yaxis_autorange="reversed")
    right = ", ".join(f"{name} {counts[i, i]} of {counts[i].sum()}" for i, name in enumerate(classes))
    return styled(figure, f"Confusion matrix; clips called right: {right}.", height=400)


def pooling(values: dict[str, float]) -> go.Figure:
    """The same predictions under several conventions, a bar each."""
    figure = go.Figure(
        go.Bar(
            x=[round(value, 4) for value in values.values()],
            y=list(values),
            orientation="h",
            text=[f"{value:.3f}" for value in values.values()],
            marker_color="#0072B2",
        )
    )
    figure.update_layout(xaxis={"title": "macro F1", "range": [0, 1]}, yaxis_autorange="reversed")
    alt = "; ".join(f"{name}: {value:.3f}" for name, value in values.items())
    return styled(figure, f"One set of predictions, three ways to compute F1. {alt}.", height=260)


def intervals(rows: pd.DataFrame, references: Mapping[str, float]) -> go.Figure:
    """UF1 of each run with its interval, and what to compare it with. `rows` is that of `score_rows`."""
    away = {"array": rounded(rows["high"] - rows["UF1"]), "arrayminus": rounded(rows["UF1"] - rows["low"])}
    figure = go.Figure(
        go.Scatter(
            x=rounded(rows["UF1"]), y=list(rows.index), mode="markers", customdata=list(rows["about"]),
            error_x={"type": "data", "color": QUIET, **away}, marker={"size": 11, "color": FOR},
            hovertemplate="%{customdata}: UF1 %{x:.3f}<extra></extra>", showlegend=False,
        )
    )  # fmt: skip
    for (name, value), colour in zip(references.items(), (AGAINST, QUIET, "#009E73"), strict=False):
        figure.add_vline(x=round(value, 4), line_color=colour, line_dash="dot")
        figure.add_annotation(x=round(value, 4), y=1, yref="paper", yanchor="bottom", text=name, showarrow=False,
                              font={"color": colour, "size": 12})  # fmt: skip
    figure.update_layout(xaxis={"title": "UF1", "range": [0, 1]}, yaxis_autorange="reversed")
    said = [f"{name} {row['UF1']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" for name, row in rows.iterrows()]
    said += [f"{name} {value:.3f}" for name, value in references.items()]
    return styled(figure, f"UF1 with intervals: {', '.join(said)}.", height=140 + 36 * len(rows))
