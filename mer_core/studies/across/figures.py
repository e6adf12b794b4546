"""Figures of the chapter "Across corpora"."""

from collections.abc import Callable, Mapping

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.looks import look
from mer_core.figures.style import AGAINST, FOR, QUIET, SEQUENTIAL, rounded, styled


def units_map(shares: pd.DataFrame) -> go.Figure:
    """How often clips of a corpus and class (rows) show an action unit (columns): shares from 0 to 1."""
    figure = go.Figure(
        go.Heatmap(
            z=shares.round(3).to_numpy().tolist(), x=list(shares), y=list(shares.index),
            colorscale=SEQUENTIAL, zmin=0, zmax=1, xgap=1, ygap=1, colorbar={"title": "clips", "tickformat": ".0%"},
            hovertemplate="%{y}, %{x}: %{z:.0%} of the clips<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        yaxis={"autorange": "reversed", "showgrid": False}, xaxis={"type": "category", "showgrid": False}
    )
    most = shares.idxmax(axis=1)
    said = "; ".join(f"{name}: {unit} in {shares.loc[name, unit]:.0%}" for name, unit in most.items())
    return styled(
        figure, f"Action units by corpus and class; the commonest of each. {said}.", 150 + 34 * len(shares)
    )


def crossing_map(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """What was learnt on (rows) against what was asked (columns), coloured by the score; a menu chooses the method.

    A table as of `crossing_table`, for each method.
    """
    rows = list(dict.fromkeys(learnt for table in tables.values() for learnt, _ in table.index))
    asked = sorted({asked for table in tables.values() for _, asked in table.index})
    rows.sort(key=lambda name: (name.count("+"), name))
    figure = go.Figure([_map(table, rows, asked) for table in tables.values()])
    figure.update_layout(
        xaxis={"title": "asked on", "showgrid": False},
        yaxis={"title": "learnt on", "autorange": "reversed", "showgrid": False},
        updatemenus=[_menu(list(tables))],
    )  # fmt: skip
    figure.update_traces(visible=False)
    figure.data[0].visible = True
    said = "; ".join(
        f"{name} from {t['score'].min():.2f} to {t['score'].max():.2f}" for name, t in tables.items()
    )
    alt = f"UF1 by what was learnt on and what was asked, a method at a time: {said}."
    return styled(figure, alt, height=180 + 42 * len(rows))


def _map(table: pd.DataFrame, rows: list[str], asked: list[str]) -> go.Heatmap:
    places = [[(learnt, one) for one in asked] for learnt in rows]
    found = {place: row for place, row in table.iterrows() if pd.notna(row["score"])}

    def grid(say: Callable[[tuple[str, str], pd.Series], object], empty: object) -> list[list]:
        return [[say(at, found[at]) if at in found else empty for at in line] for line in places]

    return go.Heatmap(
        z=grid(lambda _, row: round(float(row["score"]), 4), None), x=asked, y=rows,
        text=grid(lambda _, row: f"{row['score']:.2f}", ""), texttemplate="%{text}",
        customdata=grid(_said, "not computed"), hovertemplate="%{customdata}<extra></extra>",
        colorscale=SEQUENTIAL, zmin=0, zmax=1, xgap=2, ygap=2, colorbar={"title": "UF1"}, hoverongaps=False,
    )  # fmt: skip


def _said(place: tuple[str, str], row: pd.Series) -> str:
    learnt, asked = place
    span = f"{row['score']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    return f"learnt on {learnt}<br>asked on {asked}, {row['clips']:.0f} clips<br>UF1 {span}"


def _menu(names: list[str]) -> dict:
    buttons = [
        {"label": name, "method": "update", "args": [{"visible": [one == name for one in names]}]}
        for name in names
    ]
    return {
        "buttons": buttons,
        "x": 1,
        "xanchor": "right",
        "y": 1.02,
        "yanchor": "bottom",
        "showactive": True,
    }


def loss_forest(lost: pd.DataFrame, level: float = 0.05) -> go.Figure:
    """A row a method and crossing: the score away less that at home, with its interval. Rows as of `lost`.

    In colour is what remains when all rows are counted.
    """
    names = [f"{method}: {learnt} → {asked}" for method, learnt, asked in lost.index]
    sure = (lost["corrected"] < level).to_numpy()
    colours = [
        QUIET if not s else FOR if d > 0 else AGAINST for s, d in zip(sure, lost["difference"], strict=True)
    ]
    away = {"array": rounded(lost["high"] - lost["difference"]),
            "arrayminus": rounded(lost["difference"] - lost["low"])}  # fmt: skip
    figure = go.Figure(
        go.Scatter(
            x=rounded(lost["difference"]), y=names, mode="markers", error_x={"type": "data", "color": QUIET, **away},
            marker={"size": 9, "color": colours, "symbol": ["circle" if s else "circle-open" for s in sure]},
            customdata=[f"at home {h:.3f}, away {a:.3f}" for h, a in zip(lost["home"], lost["away"], strict=True)],
            hovertemplate="%{y}<br>%{customdata}<br>%{x:+.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=0, line_color=QUIET, line_width=1)
    order = {"categoryorder": "array", "categoryarray": names, "autorange": "reversed"}
    figure.update_layout(xaxis_title="UF1 away less UF1 at home", yaxis={**order, "tickfont": {"size": 12}})
    alt = (
        f"What crossing to another corpus changes, {len(lost)} times: {(lost['difference'] < 0).sum()} below zero, "
        f"{(lost['difference'] > 0).sum()} above; {sure.sum()} remain after correction."
    )
    return styled(figure, alt, height=150 + 20 * len(lost))


def order_lines(scores: pd.DataFrame, asked: str) -> go.Figure:
    """A line a method (rows) over what it had learnt on (columns), asked one corpus: lines that cross change places."""
    figure = go.Figure([_places(row) for _, row in scores.iterrows()])
    figure.update_layout(xaxis_title=f"learnt on; asked on {asked}", yaxis={"title": "UF1", "range": [0, 1]})
    best = "; ".join(f"{learnt}: {scores[learnt].astype(float).idxmax()}" for learnt in scores)
    return styled(figure, f"UF1 on {asked} by what was learnt on. The best method: {best}.", height=420)


def _places(row: pd.Series) -> go.Scatter:
    colour, symbol = look(str(row.name))
    return go.Scatter(
        x=list(row.index), y=[None if pd.isna(value) else round(float(value), 4) for value in row], name=str(row.name),
        mode="lines+markers", marker={"size": 9, "symbol": symbol}, line_color=colour, connectgaps=True,
        hovertemplate="%{fullData.name}, learnt on %{x}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
