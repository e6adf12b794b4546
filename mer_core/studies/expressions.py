"""The chapter "What a micro-expression is": a reader guesses, plays a clip, moves a face, and counts.

Lengths are said in pixels of a picture of 128.
"""

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML
from plotly.subplots import make_subplots
from pydantic import Field

from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.action_units import ACTION_UNITS, DISTRACTORS, peak_displacement, unit_weights
from mer_core.faces.corpus import Corpus
from mer_core.faces.expression import PARTS, ClipSpec
from mer_core.faces.identity import draw_identity
from mer_core.faces.scene import Scene
from mer_core.figures.images import menu_of_pairs, panels, picture
from mer_core.figures.style import AGAINST, FOR, GRID, QUIET, rounded, styled
from mer_core.studies.faces import AT_REST
from mer_core.studies.known import KnownClip
from mer_core.studies.parameters import Parameters

MOMENTS = 14  # pictures of a film
SUBJECT = 42  # the seed of the face that shows the action units
# A weight in the middle of the bin that gives the letter.
WEIGHTS = {"rest": 0, "A": 0.05, "B": 0.17, "C": 0.35, "D": 0.57, "E": 0.85}
OTHERS = frozenset(PARTS) - {"action"}  # whatever changes a picture and is not the expression
# Frames from onset to offset, both counted, and frames a second: counted in the label tables that the owners of the two
# corpora hand out.
COUNTED = {"CASME II": (24, 141, 200), "SAMM": (30, 101, 200)}
LIMITS = {"a fifth": 0.2, "a half": 0.5}  # of a second

LEAST_CHANGE = 2  # grey levels: what differs by less can't be seen, and need not be stored
SLOWLY = 240  # milliseconds of a picture: Plotly draws no faster without flicker
REST = 900  # milliseconds that a film rests at its onset, and again at its offset: time to look
PAUSE = 300  # milliseconds without a picture before it starts again
QUALITY = 80  # of a film's pictures
GAP = 8  # pixels between two films
LARGER = 1.5  # times: a film is shown in more pixels of the screen than it has
HIDDEN = {"visible": False, "fixedrange": True}  # axes of pictures
Unit = tuple[Sequence[np.ndarray], Sequence[float]]  # a picture and the pixels moved, at each level


class Chapter(Parameters):
    """What the chapter looks at."""

    clip: KnownClip = Field(description="the clip, as corpus/subject/number")
    size: int = Field(ge=96, le=160, description="pixels of the pictures")
    seed: int = Field(ge=0, description="of the guessing game: on which side the expression is")


# Can you see it?


def guess(corpus: Corpus, pixels: float, size: int, seed: int) -> HTML:
    """Twice the clip whose skin moves most nearly so far, with its expression and without."""
    name = (corpus.clips.set_index("clip")["peak_pixels"] - pixels).abs().idxmin()
    spec = corpus.spec(name)
    times = np.linspace(spec.onset, spec.offset, MOMENTS)
    moving, still = (corpus.frames(name, times, size, without=off) for off in ((), {"action"}))
    answer = (
        f"shows it: {spec.emotion}, action units {spec.action_units}. At its apex the skin moves by "
        f"{spec.peak_pixels:.1f} pixels of a picture of 128; all of it takes {spec.offset - spec.onset:.2f} seconds."
    )
    first = is_first(seed, round(100 * pixels))
    return which_moves(moving, still, times[-1] - times[0], answer, first=first)


def game(corpus: Corpus, size: int, seed: int) -> Callable[..., HTML]:
    """The same for a live control, with any clip and a larger movement."""

    def again(number: int = 3, louder: float = 1.0) -> HTML:
        spec = corpus.spec(corpus.clips["clip"][number])
        times = np.linspace(spec.onset, spec.offset, MOMENTS)
        moving = corpus.frames(spec.clip, times, size, magnify=louder)
        still = corpus.frames(spec.clip, times, size, without={"action"})
        answer = f"shows {spec.emotion}, action units {spec.action_units}"
        return which_moves(moving, still, times[-1] - times[0], answer, first=is_first(seed, number))

    return again


def is_first(seed: int, number: int) -> bool:
    """Whether the expression is on the left."""
    return bool(np.random.RandomState([seed, number]).randint(2))


# One clip, slowly


@dataclass(frozen=True)
class Filmed:
    """A clip from onset to offset, as recorded and magnified, and how far the skin is moved."""

    spec: ClipSpec
    louder: int  # times
    times: np.ndarray
    recorded: np.ndarray  # (T, H, W, 3)
    larger: np.ndarray
    lines: Mapping[str, Sequence[float]]  # by what moves it


def filmed(corpus: Corpus, spec: ClipSpec, size: int) -> Filmed:
    """In fourteen pictures; as loud as five times, unless the skin would fold."""
    louder, times = min(5, int(spec.largest_magnification)), np.linspace(spec.onset, spec.offset, MOMENTS)
    lines = {
        "the expression": [peak_displacement(spec.state(t).action) for t in times],
        "the head": [moved_by_head(corpus, spec, t) for t in times],
    }
    recorded, larger = (corpus.frames(spec.clip, times, size, magnify=m) for m in (1, louder))
    return Filmed(spec, louder, times, recorded, larger, lines)


def moved_by_head(corpus: Corpus, spec: ClipSpec, t: float, side: int = 64) -> float:
    """How far the head has moved the face since the onset, on the mean."""
    flow = corpus.flow_parts(spec.clip, spec.onset, t, side)["head"]
    return np.hypot(*flow)[corpus.mask(spec.clip, spec.onset, side)].mean() * 128 / side


def own_speed(clip: Filmed) -> HTML:
    """The clip as fast as it was."""
    return looped(
        [beside(*pair) for pair in zip(clip.recorded, clip.larger, strict=True)],
        clip.times[-1] - clip.times[0],
        alt="One clip at its own speed: on the left as recorded, where hardly anything moves; on the right the same "
        "movement magnified.",
        title="Play it at its own speed: as recorded, and magnified",
    )


def slowly(clip: Filmed) -> go.Figure:
    """The clip moment by moment."""
    marks = {name: getattr(clip.spec, name) for name in ("onset", "apex", "offset")}
    shown = {"as recorded": clip.recorded, f"{clip.louder} times as large": clip.larger}
    return film(clip.times, clip.lines, marks, shown)


def course_in_words(spec: ClipSpec, head: float) -> str:
    """How long a clip rises and falls, and how far the skin and the head move."""
    return (
        f"This one rises for {spec.apex - spec.onset:.2f} seconds and falls for {spec.offset - spec.apex:.2f}. At the "
        f"apex the skin has moved by {spec.peak_pixels:.1f} pixels, and in the meantime the head has moved by up to "
        f"{head:.1f}."
    )


# What the face can do


def at_levels(scene: Scene, number: int, size: int) -> Unit:
    """A face that shows an action unit, and how far its skin moves, at each intensity."""
    weights = [level * unit_weights(number) for level in WEIGHTS.values()]
    pictures = scene.frames([replace(AT_REST, action=one) for one in weights], size)
    return pictures, [peak_displacement(one) for one in weights]


def explore(corpus: Corpus, size: int) -> go.Figure:
    """Every action unit at every intensity; the band is where the clips of the corpus lie."""
    scene = Scene(draw_identity(SUBJECT))
    units = {f"AU {n}, {ACTION_UNITS[n].name}": at_levels(scene, n, size) for n in DISTRACTORS}
    peaks = corpus.clips["peak_pixels"]
    return explorer(units, list(WEIGHTS), (peaks.min(), peaks.max()))


def mixer(size: int) -> Callable[..., go.Figure]:
    """A face for a live control: two units, so strong that the skin moves by so many pixels."""
    scene = Scene(draw_identity(SUBJECT))

    def mixed(first: int = 6, second: int = 12, pixels: float = 1.0) -> go.Figure:
        both = unit_weights(first) + unit_weights(second)
        for _ in range(4):  # nearly proportional: a few steps are enough
            both *= pixels / max(peak_displacement(both), 1e-6)
        both = both.clip(0, 1.3)
        rest, moved = scene.frames([AT_REST, replace(AT_REST, action=both)], size)
        shown = {"at rest": rest, f"{peak_displacement(both):.2f} pixels": moved}
        return panels(shown, alt="The face you asked for.")

    return mixed


def letters(corpus: Corpus) -> tuple[dict[int, float], float]:
    """How far each unit moves the skin at C; and the share of A and B among all units of the corpus."""
    peaks = {n: peak_displacement(WEIGHTS["C"] * unit_weights(n)) for n in DISTRACTORS}
    shown = corpus.clips["intensities"].str.findall("[A-E]").explode()
    return peaks, float(shown.isin(["A", "B"]).mean())


def letters_in_words(peaks: Mapping[int, float], weak: float, corpus: str) -> str:
    """That a letter is no distance, and how many of them are weak."""
    large, small = max(peaks, key=peaks.get), min(peaks, key=peaks.get)
    return (
        f"The same letter is not the same distance: at C, AU {large} ({ACTION_UNITS[large].name}) moves the skin by "
        f"{peaks[large]:.1f} pixels, AU {small} ({ACTION_UNITS[small].name}) by {peaks[small]:.1f}. And of all units "
        f"that the clips of `{corpus}` show, {weak:.0%} have an A or a B. Which weight has which letter is our choice, "
        "since FACS describes what one sees and gives no numbers."
    )


# How fast, and why it is hard


def durations() -> pd.DataFrame:
    """From onset to offset in seconds, by corpus: as counted in label tables, and as drawn for this book."""
    rows = {
        f"{name}, label table": ((low - 1) / fps, (high - 1) / fps)
        for name, (low, high, fps) in COUNTED.items()
    }
    for name in ("synth", "synth-macro"):
        clips = open_corpus(name).clips
        seconds = clips["offset_seconds"] - clips["onset_seconds"]
        rows[f"{name}, drawn"] = seconds.min(), seconds.max()
    return pd.DataFrame(rows, index=["shortest", "longest"]).T


def within_limits(lasting: pd.DataFrame) -> pd.DataFrame:
    """The same in words, and which limit all clips of a corpus keep to."""
    kept = [
        " and ".join(name for name, limit in LIMITS.items() if longest <= limit) or "neither limit"
        for longest in lasting["longest"]
    ]
    return lasting.map("{:.2f} s".format).assign(**{"all within": kept})


def difference(corpus: Corpus, spec: ClipSpec, size: int, without: Collection[str] = ()) -> np.ndarray:
    """What changes from onset to apex, six times enlarged: dark on white."""
    pair = corpus.frames(spec.clip, [spec.onset, spec.apex], size, colour=False, without=without)
    return 255 - np.clip(6 * np.abs(pair[1].astype(int) - pair[0]), 0, 255).astype(np.uint8)


def differences(corpus: Corpus, spec: ClipSpec, size: int) -> go.Figure:
    """Two frames, what changes between them, and what the expression alone would change."""
    onset, apex = corpus.frames(spec.clip, [spec.onset, spec.apex], size)
    shown = {
        "onset": onset,
        "apex": apex,
        "6 × difference": difference(corpus, spec, size),
        "expression alone": difference(corpus, spec, size, OTHERS),
    }
    alt = (
        "Two frames that look the same; their difference, which shows every edge of the head and the noise of the "
        "sensor; and the difference that the expression alone would make, at a few places of the face."
    )
    return panels(shown, alt, width=170)


def energy(corpus: Corpus, spec: ClipSpec, without: Collection[str] = ()) -> float:
    """Mean square of what changes from onset to apex."""
    first, last = corpus.frames(spec.clip, [spec.onset, spec.apex], 64, colour=False, without=without)
    return float(np.square(last.astype(float) - first).mean())


def shares_of_energy(corpus: Corpus, specs: Sequence[ClipSpec]) -> pd.Series:
    """The expression's share of what changes, clip by clip."""
    return pd.Series([energy(corpus, spec, OTHERS) / energy(corpus, spec) for spec in specs])


def frames_of_rise(corpus: Corpus) -> pd.DataFrame:
    """How many frames a camera takes from onset to apex, by frames a second."""
    rising, rows = corpus.clips["apex_seconds"] - corpus.clips["onset_seconds"], {}
    for fps in (25, 30, 100, 200):
        frames = np.floor(rising * fps) + 1  # the onset is one of them
        rows[f"{fps} frames a second"] = {"median": frames.median(), "at least": frames.min()}
    return pd.DataFrame(rows).T


# Figures


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
