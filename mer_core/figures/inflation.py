"""Figures of the chapter "What the protocol is worth"."""

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled

HONEST, INFLATED = FOR, AGAINST


def dumbbells(rows: pd.DataFrame, score: str, habit: str) -> go.Figure:
    """A line a method (rows) from its honest score to the one that a habit makes of it. Columns: honest, printed."""
    figure = go.Figure(_between(rows))
    for column, colour, symbol in (("honest", HONEST, "circle"), ("printed", INFLATED, "diamond-open")):
        name = habit if column == "printed" else "honest"
        figure.add_trace(
            go.Scatter(
                x=rounded(rows[column]), y=list(rows.index), name=name, mode="markers",
                marker={"size": 11, "color": colour, "symbol": symbol, "line_width": 2},
                hovertemplate=f"%{{y}}, {name}: %{{x:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    order = {"categoryorder": "array", "categoryarray": list(rows.index), "autorange": "reversed"}
    figure.update_layout(xaxis={"title": score, "range": [0, 1]}, yaxis=order)
    said = ", ".join(f"{name} {one['honest']:.3f} to {one['printed']:.3f}" for name, one in rows.iterrows())
    return styled(figure, f"{score}, honest and with {habit}: {said}.", height=140 + 30 * len(rows))


def _between(rows: pd.DataFrame) -> go.Scatter:
    """One trace for all bars: a gap after each."""
    x = [end for one in rows[["honest", "printed"]].to_numpy() for end in (*rounded(one), None)]
    y = [end for name in rows.index for end in (name, name, None)]
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": QUIET, "width": 3}, hoverinfo="skip", showlegend=False
    )


def gain_against_score(points: pd.DataFrame, chance: pd.DataFrame, score: str) -> go.Figure:
    """What a habit adds against the honest score. Both tables: honest, adds; `points` has a row a method.

    No method can gain more than it lacks: the dotted line. The ends of both ranges carry their names, all on hover.
    """
    figure = go.Figure(
        go.Scatter(x=[0, 1], y=[1, 0], mode="lines", name="all that is left to gain",
                   line={"color": QUIET, "dash": "dot"}, hoverinfo="skip")
    )  # fmt: skip
    figure.add_trace(_gains(chance, "answers at random", QUIET, "x", named=list(chance.index)))
    ends = [points[column].agg(end) for column in ("honest", "adds") for end in ("idxmin", "idxmax")]
    figure.add_trace(_gains(points, "methods", INFLATED, "circle", named=ends))
    figure.update_layout(
        xaxis={"title": f"honest {score}", "range": [0, 1]}, yaxis={"title": "added", "range": [-0.05, 0.65]}
    )
    said = ", ".join(
        f"{name} {one['adds']:+.3f} at {one['honest']:.3f}"
        for name, one in pd.concat([points, chance]).iterrows()
    )
    return styled(figure, f"What is added to the honest {score}: {said}.", height=440)


def _gains(points: pd.DataFrame, name: str, colour: str, symbol: str, named: list[str]) -> go.Scatter:
    return go.Scatter(
        x=rounded(points["honest"]), y=rounded(points["adds"]), customdata=list(points.index), name=name,
        text=[one if one in named else "" for one in points.index],
        mode="markers+text", textposition="top right", textfont={"size": 12},
        marker={"size": 10, "color": colour, "symbol": symbol},
        hovertemplate="%{customdata}: honest %{x:.3f}, added %{y:+.3f}<extra></extra>",
    )  # fmt: skip


def rank_flips(scores: pd.DataFrame) -> go.Figure:
    """A line a method (rows) through its ranks under several protocols (columns), from the honest one on the left."""
    ranks = scores.rank(ascending=False, method="first").astype(int)
    figure = go.Figure([_line(name, row) for name, row in ranks.iterrows()])
    first, final = ranks.iloc[:, 0], ranks.iloc[:, -1]
    figure.update_layout(showlegend=False, xaxis={"range": [-0.1, len(ranks.columns) - 0.9], "side": "top"})
    figure.update_yaxes(tickvals=first.tolist(), ticktext=list(first.index), range=[len(ranks) + 0.5, 0.5])
    for name, rank in final.items():
        figure.add_annotation(x=len(ranks.columns) - 1, y=rank, text=name, xanchor="left", xshift=10,
                              showarrow=False)  # fmt: skip
    moved = [
        f"{name} from {first[name]} to {final[name]}" for name in ranks.index if first[name] != final[name]
    ]
    alt = (
        f"Ranks of {len(ranks)} methods under {', '.join(ranks.columns)}; "
        f"moved: {', '.join(moved) or 'none'}."
    )
    figure = styled(figure, alt, height=160 + 26 * len(ranks))
    return figure.update_layout(margin_r=165).update_xaxes(showgrid=False).update_yaxes(showgrid=False)


def _line(name: str, ranks: pd.Series) -> go.Scatter:
    """Blue rises, orange falls, grey ends where it began."""
    risen = ranks.iloc[0] - ranks.iloc[-1]
    return go.Scatter(
        x=list(ranks.index), y=ranks.tolist(), name=name, mode="lines+markers",
        line={"color": FOR if risen > 0 else AGAINST if risen < 0 else QUIET, "width": 2 + 0.4 * abs(risen)},
        marker={"size": 8}, hovertemplate=f"{name}: rank %{{y}} with %{{x}}<extra></extra>",
    )  # fmt: skip
