"""Figures of the chapter: curves, laws through them, and clips until a score."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.looks import look
from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled
from mer_core.scoring.statistics import Interval
from mer_core.studies.curves.laws import Fit

BELOW = {"orientation": "h", "x": 0, "y": -0.27, "yanchor": "top"}  # a legend beside them would fill a phone
TICKS = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000]
END = 1e5  # clips, where an axis ends: whatever takes more is drawn there


def learning_curves(points: Mapping[str, pd.DataFrame], sizes: Mapping[str, int]) -> go.Figure:
    """A line a method, with columns clips, subjects, score, low, high; `sizes` are the clips of real corpora.

    Two buttons count clips or subjects.
    """
    figure = go.Figure([_line(name, rows, look(name)) for name, rows in points.items()])
    marks = _marks(sizes)
    ticks = {
        one: sorted({round(n) for rows in points.values() for n in rows[one]})
        for one in ("clips", "subjects")
    }
    buttons = [
        _counts(points, "clips", "labelled clips", ticks["clips"], marks),
        _counts(
            points, "subjects", "subjects who show them", ticks["subjects"], {"shapes": [], "annotations": []}
        ),
    ]
    said = "; ".join(
        f"{name} from {rows['score'].iloc[0]:.2f} to {rows['score'].iloc[-1]:.2f}"
        for name, rows in points.items()
    )
    styled(figure, f"UF1 by the number of labelled clips: {said}.", height=500)
    menu = {
        "type": "buttons",
        "direction": "right",
        "x": 0,
        "xanchor": "left",
        "y": 1.12,
        "yanchor": "bottom",
    }
    return figure.update_layout(
        xaxis={"type": "log", "title": "labelled clips", "tickvals": ticks["clips"]}, legend=BELOW,
        margin={"t": 110, "b": 120},
        yaxis={"title": "UF1", "range": [0, 1]}, updatemenus=[{**menu, "buttons": buttons}], **marks,
    )  # fmt: skip


def _line(name: str, rows: pd.DataFrame, drawn: tuple[str, str]) -> go.Scatter:
    colour, symbol = drawn
    away = {
        "array": rounded(rows["high"] - rows["score"]),
        "arrayminus": rounded(rows["score"] - rows["low"]),
    }
    said = [
        f"{c:.0f} clips of {p:.0f} subjects<br>UF1 {s:.3f} [{low:.3f}, {high:.3f}]"
        for c, p, s, low, high in rows[["clips", "subjects", "score", "low", "high"]].to_numpy()
    ]
    return go.Scatter(
        x=rounded(rows["clips"]), y=rounded(rows["score"]), name=name, mode="lines+markers", customdata=said,
        line={"color": colour}, marker={"size": 9, "symbol": symbol, "color": colour},
        error_y={"type": "data", "thickness": 1, "color": colour, **away},
        hovertemplate=f"{name}: %{{customdata}}<extra></extra>",
    )  # fmt: skip


def _marks(sizes: Mapping[str, int]) -> dict[str, list[dict]]:
    """A dashed line for each real corpus, its name along it."""
    line = {"color": QUIET, "dash": "dot", "width": 1}
    shapes = [
        {"type": "line", "x0": n, "x1": n, "y0": 0, "y1": 1, "yref": "paper", "line": line}
        for n in sizes.values()
    ]
    notes = [
        {"x": float(np.log10(n)), "y": 0.01, "yref": "paper", "xanchor": "right", "yanchor": "bottom", "text": name,
         "textangle": -90, "showarrow": False, "font": {"color": QUIET, "size": 11}}
        for name, n in sizes.items()
    ]  # fmt: skip
    return {"shapes": shapes, "annotations": notes}


def _counts(points: Mapping[str, pd.DataFrame], what: str, title: str, ticks: list[int], marks: dict) -> dict:
    moved = {"x": [rounded(rows[what]) for rows in points.values()]}
    return {
        "label": what,
        "method": "update",
        "args": [moved, {"xaxis.title.text": title, "xaxis.tickvals": ticks, **marks}],
    }


def law_bands(rows: pd.DataFrame, fits: Mapping[str, Fit], clips: Sequence[float]) -> go.Figure:
    """The points of one curve, and each law through them with its band: beyond the last point it is a guess."""
    figure = go.Figure()
    for (name, law), colour in zip(fits.items(), (FOR, AGAINST), strict=False):
        figure.add_traces(_band(name, [law.at(n) for n in clips], clips, colour))
    figure.add_trace(_line("measured", rows, ("#999999", "circle")))
    last = float(rows["clips"].iloc[-1])
    figure.add_vline(x=last, line_color=QUIET, line_dash="dot")
    ends = ", ".join(f"{name} {law.at(clips[-1])}" for name, law in fits.items())
    alt = f"Laws through a learning curve, continued from {last:.0f} to {clips[-1]:.0f} clips: {ends}."
    figure.update_xaxes(type="log", title="labelled clips", tickvals=TICKS)
    figure.update_yaxes(title="UF1", range=[0, 1])
    return styled(figure, alt, height=420)


def _band(name: str, spans: Sequence[Interval], clips: Sequence[float], colour: str) -> list[go.Scatter]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    edges = rounded([one.high for one in spans]) + rounded([one.low for one in spans])[::-1]
    around = go.Scatter(
        x=rounded([*clips, *list(clips)[::-1]]), y=edges, fill="toself", fillcolor=f"rgba({red},{green},{blue},0.15)",
        line_width=0, hoverinfo="skip", showlegend=False, mode="lines",
    )  # fmt: skip
    said = [str(one) for one in spans]
    middle = go.Scatter(
        x=rounded(clips), y=rounded([one.value for one in spans]), name=name, mode="lines", line_color=colour,
        customdata=said, hovertemplate=f"{name}, %{{x:.0f}} clips: %{{customdata}}<extra></extra>",
    )  # fmt: skip
    return [around, middle]


def clips_until(wanted: Mapping[float, Mapping[str, Interval]], largest: float) -> go.Figure:
    """How many clips each method needs for a score that a slider chooses; nobody learnt from more than `largest`."""
    steps = {score: _needs(of) for score, of in wanted.items()}
    names = list(next(iter(wanted.values())))
    first = next(iter(steps.values()))
    figure = go.Figure(
        [
            go.Scatter(x=first["x"][0], y=first["y"][0], mode="lines", line={"color": QUIET, "width": 4},
                       hoverinfo="skip", showlegend=False),
            go.Scatter(x=first["x"][1], y=first["y"][1], mode="markers", marker={"size": 11, "color": FOR},
                       customdata=first["customdata"][1], hovertemplate="%{customdata}<extra></extra>",
                       showlegend=False),
        ]
    )  # fmt: skip
    slider = [
        {"label": f"{score:.2f}", "method": "restyle", "args": [step, [0, 1]]}
        for score, step in steps.items()
    ]
    figure.add_vline(x=largest, line_color=QUIET, line_dash="dot")
    score = next(iter(wanted))
    said = "; ".join(f"{name} {clips_said(one)}" for name, one in wanted[score].items())
    styled(figure, f"Clips until UF1 {score:.2f}: {said}. A slider changes the score.", 230 + 32 * len(names))
    return figure.update_layout(
        xaxis={"type": "log", "title": "labelled clips", "range": [1, float(np.log10(END))], "tickvals": TICKS},
        margin_b=110,
        yaxis={"categoryorder": "array", "categoryarray": names[::-1]},
        sliders=[{"steps": slider, "currentvalue": {"prefix": "UF1 "}, "pad": {"t": 50}}],
    )  # fmt: skip


def _needs(of: Mapping[str, Interval]) -> dict[str, list]:
    """Intervals as one broken line, and points; what takes more than the axis holds ends at its end."""
    spans = [(name, *np.clip([one.low, one.value, one.high], 10, END)) for name, one in of.items()]
    line = [(x, name) for name, low, _, high in spans for x in (round(low), round(high), None)]
    said = [f"{name}: {clips_said(one)} clips" for name, one in of.items()]
    return {
        "x": [[x for x, _ in line], [round(value) for _, _, value, _ in spans]],
        "y": [[name for _, name in line], [name for name, *_ in spans]],
        "customdata": [None, said],
    }


def clips_said(span: Interval) -> str:
    """An interval of clips in words that claim no more digits than there are."""
    value, low, high = (_rough(n) for n in (span.value, span.low, span.high))
    return f"{value} [{low}, {high}]"


def _rough(clips: float) -> str:
    """Two digits."""
    if clips > END:
        return f"more than {END:,.0f}"
    return f"{float(f'{clips:.2g}'):,.0f}" if clips >= 1 else "fewer than 1"
