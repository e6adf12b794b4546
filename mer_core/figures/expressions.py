"""Figures of the chapter "What a micro-expression is": a reader moves a face, plays a clip, and guesses."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML
from plotly.subplots import make_subplots

from mer_core.figures.images import menu_of_pairs, picture
from mer_core.figures.style import AGAINST, FOR, GRID, QUIET, rounded, styled

LEAST_CHANGE = 2  # grey levels: what differs by less can't be seen, and need not be stored
SLOWLY = 240  # milliseconds of a picture: Plotly draws no faster without flicker
REST = 900  # milliseconds that a film rests at its onset, and again at its offset: time to look
PAUSE = 300  # milliseconds without a picture before it starts again
QUALITY = 80  # of a film's pictures
GAP = 8  # pixels between two films
LARGER = 1.5  # times: a film is shown in more pixels of the screen than it has
HIDDEN = {"visible": False, "fixedrange": True}  # axes of pictures
Unit = tuple[Sequence[np.ndarray], Sequence[float]]  # a picture and the pixels moved, at each level


def explorer(units: Mapping[str, Unit], levels: Sequence[str], band: tuple[float, float]) -> go.Figure:
    """A menu of action units and a slider of their intensity: the face, and how far its skin moves.

    The first level is the face at rest, the same for all. `band` says from where to where micro-expressions move.
    """
    figure = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.16)
    names, rest = list(units), next(iter(units.values()))[0][0]
    made = {name: _patches(pictures) for name, (pictures, _) in units.items()}
    figure.add_trace(picture(rest), row=1, col=1)
    for name, (_, pixels) in units.items():
        figure.add_trace(made[name][-1].update(visible=name == names[0]), row=1, col=1)
        figure.add_trace(_reach(levels, pixels, name == names[0]), row=1, col=2)
    figure.add_hrect(*rounded(band), fillcolor=QUIET, opacity=0.25, line_width=0, row=1, col=2)
    figure.add_annotation(text="micro-expressions", x=0, xanchor="left", y=band[1], yanchor="bottom",
                          showarrow=False, font_size=12, row=1, col=2)  # fmt: skip
    _picture_axes(figure, 1, rest.shape)
    figure.update_yaxes(title="pixels moved", rangemode="tozero", row=1, col=2)
    steps = [_level_step(made, k, level) for k, level in enumerate(levels)]
    said = "; ".join(f"{name} {pixels[-1]:.1f}" for name, (_, pixels) in units.items())
    alt = f"A face showing one action unit, from rest to the strongest. Pixels that it then moves: {said}."
    return styled(figure, alt, height=440).update_layout(
        margin={"l": 10, "r": 20, "t": 60, "b": 10},
        showlegend=False,
        sliders=[_slider(steps, "intensity:", active=len(levels) - 1)],
        updatemenus=[menu_of_pairs(names, y=1.18, showactive=True)],
    )


def film(
    times: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    marks: Mapping[str, float],
    pictures: Mapping[str, Sequence[np.ndarray]],
) -> go.Figure:
    """What moves by how much (above), and the pictures of each instant (below), with buttons that play them."""
    columns = len(pictures)
    figure = make_subplots(
        2, columns, specs=[[{"colspan": columns}] + [None] * (columns - 1), [{}] * columns],
        row_heights=[0.36, 0.64], vertical_spacing=0.2, horizontal_spacing=0.02,
        subplot_titles=["", *pictures],
    )  # fmt: skip
    for (name, values), colour in zip(lines.items(), (FOR, AGAINST, QUIET), strict=False):
        line = {"color": colour, "dash": "solid" if colour == FOR else "dot", "shape": "spline"}
        figure.add_trace(
            go.Scatter(x=rounded(times), y=rounded(values), name=name, mode="lines", line=line), 1, 1
        )
    for name, at in marks.items():
        figure.add_vline(x=round(at, 4), line_color=GRID, annotation_text=name, row=1, col=1)
    top = max(max(values) for values in lines.values())
    figure.add_trace(_now(times[0], top), 1, 1)
    for column, shown in enumerate(pictures.values(), start=1):
        figure.add_trace(picture(shown[0]), 2, column)
        _picture_axes(figure, 1 + column, shown[0].shape)
    moving = list(range(len(lines), len(lines) + 1 + columns))
    figure.frames = [
        go.Frame(name=f"{t:.3f}", data=[_now(t, top), *(picture(shown[k]) for shown in pictures.values())],
                 traces=moving)
        for k, t in enumerate(times)
    ]  # fmt: skip
    figure.update_xaxes(title={"text": "seconds", "standoff": 4}, row=1, col=1)
    figure.update_yaxes(title="pixels", rangemode="tozero", row=1, col=1)
    where = ", ".join(f"{name} at {at:.3f} s" for name, at in marks.items())
    peaks = ", ".join(f"{name} up to {max(values):.2f} pixels" for name, values in lines.items())
    names = [frame.name for frame in figure.frames]
    styled(figure, f"A clip through time: {where}; {peaks}. Below, {' and '.join(pictures)}.", height=600)
    return figure.update_layout(
        legend={"y": 1.06}, margin={"l": 50, "r": 10, "t": 50, "b": 10},
        sliders=[_slider([_frame_step(name) for name in names], "seconds:", active=0, start=0.36)],
        updatemenus=[_play_button()],
    )  # fmt: skip


def looped(pictures: Sequence[np.ndarray], seconds: float, alt: str, title: str) -> HTML:
    """A film at its own speed, again and again with a pause between: opened to play, closed to stop."""
    return HTML(
        f'<details class="mer-film"><summary>{escape(title)}</summary>{_film(pictures, seconds, alt)}</details>'
    )


def which_moves(
    moving: Sequence[np.ndarray], still: Sequence[np.ndarray], seconds: float, answer: str, *, first: bool
) -> HTML:
    """Two films side by side, A and B, of which one holds an expression: the reader plays them, guesses, and asks."""
    pair = (moving, still) if first else (still, moving)
    alt = "Two films of one face at their own speed, A on the left and B on the right. One of them shows an expression."
    films = looped(
        [beside(*both) for both in zip(*pair, strict=True)], seconds, alt, "Play A (left) and B (right)"
    )
    said = f"<strong>{'A' if first else 'B'}</strong> {escape(answer)}"
    return HTML(f"{films.data}<details><summary>The answer</summary><p>{said}</p></details>")


def beside(*pictures: np.ndarray) -> np.ndarray:
    """Pictures (H, W, 3) in a row, with a white gap between them."""
    gap = np.full((len(pictures[0]), GAP, 3), 255, np.uint8)
    return np.hstack([part for picture in pictures for part in (picture, gap)][:-1])


def _film(pictures: Sequence[np.ndarray], seconds: float, alt: str) -> str:
    animation = cv2.Animation()
    nothing = np.full_like(pictures[0], 128)  # else the head would jump from its last place to its first
    animation.frames = [np.ascontiguousarray(one[..., ::-1]) for one in (*pictures, nothing)]
    each = round(1000 * seconds / (len(pictures) - 1))
    animation.durations = [REST] + [each] * (len(pictures) - 2) + [REST, PAUSE]
    _, stored = cv2.imencodeanimation(".webp", animation, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    source = "data:image/webp;base64," + base64.b64encode(stored.tobytes()).decode()
    height, width = pictures[0].shape[:2]
    return f'<img src="{source}" alt="{escape(alt)}" width="{LARGER * width}" height="{LARGER * height}">'


def spans(rows: pd.DataFrame, limits: Mapping[str, float]) -> go.Figure:
    """A bar a corpus (rows) from its shortest to its longest expression, in seconds; a line for each limit."""
    figure = go.Figure(
        go.Bar(
            x=rounded(rows["longest"] - rows["shortest"]), base=rounded(rows["shortest"]), y=list(rows.index),
            orientation="h", marker_color=FOR, width=0.5, customdata=rounded(rows["longest"]),
            hovertemplate="%{y}: %{base:.2f} to %{customdata:.2f} s<extra></extra>",
        )
    )  # fmt: skip
    for name, at in limits.items():
        figure.add_vline(x=at, line_color=AGAINST, line_dash="dot")
        figure.add_annotation(x=np.log10(at), y=1, yref="paper", yanchor="bottom", text=name, showarrow=False,
                              font={"color": AGAINST, "size": 12})  # fmt: skip
    ticks = [0.1, 0.2, 0.5, 1, 2, 5]
    figure.update_xaxes(title="seconds from onset to offset", type="log", tickvals=ticks)
    figure.update_yaxes(autorange="reversed")
    said = "; ".join(
        f"{name} {row['shortest']:.2f} to {row['longest']:.2f} s" for name, row in rows.iterrows()
    )
    return styled(figure, f"How long expressions last: {said}.", height=140 + 40 * len(rows))


# Parts


def _patches(pictures: Sequence[np.ndarray]) -> list[go.Image]:
    """Each picture cut to the box in which any of them differs from the first: the rest is stored once."""
    stack = np.stack(pictures).astype(int)  # (L, H, W, 3)
    changed = (np.abs(stack - stack[0]) >= LEAST_CHANGE).any(axis=(0, 3))  # (H, W)
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError("Expected pictures of a face that moves; all of them are alike.")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    nothing, *moved = (one[top:bottom, left:right] for one in pictures)
    return [picture(one).update(x0=int(left), y0=int(top)) for one in (nothing[:1, :1], *moved)]


def _reach(levels: Sequence[str], pixels: Sequence[float], visible: bool) -> go.Scatter:
    """How far a unit moves the skin at each level; the chosen level is the large dot."""
    return go.Scatter(
        x=list(levels), y=rounded(pixels), mode="lines+markers", visible=visible, line_color=FOR,
        selectedpoints=[len(levels) - 1], selected_marker={"size": 15, "opacity": 1},
        unselected_marker={"size": 7, "opacity": 1}, hovertemplate="%{x}: %{y:.2f} px<extra></extra>",
    )  # fmt: skip


def _level_step(made: Mapping[str, list[go.Image]], level: int, name: str) -> dict:
    """Sets every unit to this level; only one of them is seen."""
    sources = [source for patches in made.values() for source in (patches[level].source, None)]
    chosen = [points for _ in made for points in (None, [level])]
    change = {"source": sources, "selectedpoints": chosen}
    return {"label": name, "method": "restyle", "args": [change, list(range(1, 1 + 2 * len(made)))]}


def _picture_axes(figure: go.Figure, number: int, shape: tuple[int, ...]) -> None:
    """Axes as large as the picture, without marks: a smaller picture on top of it then lies where it belongs."""
    name, (height, width) = "" if number == 1 else str(number), shape[:2]
    square = {"scaleanchor": f"x{name}", "constrain": "domain", "range": [height - 0.5, -0.5]}
    figure.layout[f"xaxis{name}"].update(HIDDEN, constrain="domain", range=[-0.5, width - 0.5])
    figure.layout[f"yaxis{name}"].update(HIDDEN, **square)


def _now(t: float, top: float) -> go.Scatter:
    """A line at this instant."""
    x = [round(float(t), 4)] * 2
    return go.Scatter(x=x, y=[0, round(float(top), 4)], mode="lines", line_color=QUIET, showlegend=False)


def _frame_step(name: str) -> dict:
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    return {"label": name, "method": "animate", "args": [[name], still]}


def _slider(steps: list[dict], label: str, active: int, start: float = 0.0) -> dict:
    where = {"x": start, "len": 1 - start, "pad": {"t": 10}}
    return {"steps": steps, "active": active, "currentvalue": {"prefix": f"{label} "}, **where}


def _play_button() -> dict:
    move = {"frame": {"duration": SLOWLY, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    play = {"label": "play slowly", "method": "animate", "args": [None, {**move, "fromcurrent": False}]}
    place = {"x": 0, "xanchor": "left", "y": -0.03, "yanchor": "top"}
    return {"type": "buttons", "buttons": [play], "showactive": False, **place}
