"""Figures of the chapter "The corpora"."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.style import CLASS_COLOURS, GRID, styled

LEFT_OUT = "left out"
ROW = 34  # pixels a bar


def class_bars(counts: pd.DataFrame, what: str) -> go.Figure:
    """A stacked bar a row of the table, a colour a class; buttons turn clips into shares of the row and back.

    Classes without any clip stay out of the legend. `what` says in words what the bars are.
    """
    counts = counts.fillna(0).astype(int)
    counts = counts.loc[:, counts.sum() > 0]
    totals = counts.sum(axis=1)
    shares = counts.div(totals, axis=0).round(4)
    figure = go.Figure([_bar(counts[name], shares[name]) for name in counts])
    figure.update_layout(barmode="stack", xaxis_title="clips", yaxis_autorange="reversed", updatemenus=[{
        "type": "buttons", "direction": "right", "x": 1, "xanchor": "right", "y": -0.12, "yanchor": "top",
        "showactive": True,
        "buttons": [_button("clips", counts, ""), _button("shares", shares, ".0%")],
    }])  # fmt: skip
    said = "; ".join(f"{name} {total} clips: {_listed(counts.loc[name])}" for name, total in totals.items())
    styled(figure, f"{what} {said}.", height=190 + ROW * len(counts))
    return figure.update_layout(margin_b=80)


def _bar(clips: pd.Series, shares: pd.Series) -> go.Bar:
    return go.Bar(
        x=clips.tolist(),
        y=list(clips.index),
        customdata=shares.tolist(),
        orientation="h",
        name=clips.name,
        marker_color=CLASS_COLOURS[clips.name],
        hovertemplate=f"%{{y}}, {clips.name}: %{{customdata:.0%}} of its clips<extra></extra>",
    )


def _button(title: str, values: pd.DataFrame, form: str) -> dict:
    data = {"x": [values[name].tolist() for name in values]}
    return {
        "label": title,
        "method": "update",
        "args": [data, {"xaxis.title.text": title, "xaxis.tickformat": form}],
    }


def _listed(row: pd.Series) -> str:
    return ", ".join(f"{name} {n}" for name, n in row.items() if n)


def class_flows(counts: Mapping[str, int], maps: Mapping[str, Mapping[str, str | None]]) -> go.Figure:
    """Which clips of which emotion end in which class: one picture a class map, chosen from a menu.

    `counts` are the clips of each emotion; a map gives the class of each emotion, or None where it is left out.
    """
    figure = go.Figure([_flows(counts, of) for of in maps.values()])
    for place, trace in enumerate(figure.data):
        trace.visible = place == 0
    figure.update_layout(updatemenus=[{
        "buttons": [
            {"label": name, "method": "update", "args": [{"visible": [other == name for other in maps]}]}
            for name in maps
        ],
        "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom",
    }])  # fmt: skip
    said = "; ".join(
        f"{name} keeps {_kept(counts, of)} of {sum(counts.values())} clips" for name, of in maps.items()
    )
    return styled(figure, f"How emotions become classes. {said}.", height=440)


def _flows(counts: Mapping[str, int], of: Mapping[str, str | None]) -> go.Sankey:
    emotions = list(counts)
    classes = list(
        dict.fromkeys(of[emotion] or LEFT_OUT for emotion in sorted(counts, key=lambda e: of[e] is None))
    )
    totals = {
        name: sum(n for emotion, n in counts.items() if (of[emotion] or LEFT_OUT) == name) for name in classes
    }
    labels = [f"{name} {n}" for name, n in (*counts.items(), *totals.items())]
    return go.Sankey(
        node={"label": labels, "color": [_colour(name) for name in (*emotions, *classes)], "pad": 18},
        link={
            "source": list(range(len(emotions))),
            "target": [len(emotions) + classes.index(of[emotion] or LEFT_OUT) for emotion in emotions],
            "value": list(counts.values()),
            "color": [_faint(_colour(emotion)) if of[emotion] else GRID for emotion in emotions],
        },
    )


def _kept(counts: Mapping[str, int], of: Mapping[str, str | None]) -> int:
    return sum(n for emotion, n in counts.items() if of[emotion])


def _colour(name: str) -> str:
    return CLASS_COLOURS.get(name, GRID)


def _faint(colour: str) -> str:
    """The same colour, through which others can be seen."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.45)"
