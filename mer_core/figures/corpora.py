"""Clips of corpora by class."""

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.style import CLASS_COLOURS, styled

BAR = 34  # pixels, with the gap to the next


def class_bars(counts: pd.DataFrame, what: str) -> go.Figure:
    """A stacked bar a row of the table, a colour a class; buttons turn clips into shares of the row and back.

    A class without any clip stays out; one whose colour is taken already is hatched. `what` says what the bars are.
    """
    counts = counts.loc[:, counts.sum() > 0]
    totals = counts.sum(axis=1)
    shares = counts.div(totals, axis=0).round(4)
    figure = go.Figure(
        [_bar(counts[name], shares[name], hatched=name in _doubles(counts)) for name in counts]
    )
    buttons = [_button("clips", counts, ""), _button("shares", shares, ".0%")]
    figure.update_layout(
        barmode="stack", yaxis_autorange="reversed",
        xaxis_title={"text": "clips", "standoff": 62},  # below the buttons, also on a phone
        updatemenus=[{"type": "buttons", "direction": "right", "buttons": buttons, "showactive": False,
                      "x": 1, "xanchor": "right", "y": -0.12, "yanchor": "top"}],
    )  # fmt: skip
    said = "; ".join(f"{name} {total} clips: {_listed(counts.loc[name])}" for name, total in totals.items())
    styled(figure, f"{what} {said}.", height=230 + BAR * len(counts))
    return figure.update_layout(legend_traceorder="normal", margin_b=110)


def _doubles(counts: pd.DataFrame) -> list[str]:
    """Classes whose colour an earlier class has: disgust and negative are both blue."""
    colours = [CLASS_COLOURS[name] for name in counts]
    return [name for i, name in enumerate(counts) if colours[i] in colours[:i]]


def _bar(clips: pd.Series, shares: pd.Series, *, hatched: bool) -> go.Bar:
    return go.Bar(
        x=clips.tolist(),
        y=list(clips.index),
        customdata=list(zip(clips.tolist(), shares.tolist(), strict=True)),
        orientation="h",
        name=clips.name,
        marker={"color": CLASS_COLOURS[clips.name], "pattern": {"shape": "/" if hatched else ""}},
        hovertemplate=f"%{{y}}, {clips.name}: %{{customdata[0]}} clips, %{{customdata[1]:.0%}}<extra></extra>",
    )


def _button(title: str, values: pd.DataFrame, form: str) -> dict:
    axis = {"xaxis.title.text": title, "xaxis.tickformat": form}
    return {
        "label": title,
        "method": "update",
        "args": [{"x": [values[name].tolist() for name in values]}, axis],
    }


def _listed(row: pd.Series) -> str:
    return ", ".join(f"{name} {n}" for name, n in row.items() if n)
