"""Figures of the chapter "Classical baselines": what each feature sees of a clip."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mer_core.figures.images import menu_of_pairs, panels
from mer_core.figures.style import AGAINST, FOR, GRID, QUIET, rounded, styled

PLANES = ("XY", "XT", "YT")
REACH = 0.48  # of a block: how long its longest spoke is
WIDE = 3  # pixels of a picture for one of a pattern: patterns are looked at one by one
SLOWER = 4  # times as long as it is tall or wide: a slice through time has few frames


def slices(clip: np.ndarray, row: int, column: int) -> dict[str, np.ndarray]:
    """The three planes of a volume (T, H, W): the middle frame, one row through time, one column through time."""
    return dict(zip(PLANES, (clip[len(clip) // 2], clip[:, row], clip[:, :, column].T), strict=True))


def pattern_panels(frames: np.ndarray, ones: Sequence[np.ndarray], row: int, column: int) -> go.Figure:
    """Grey slices of a clip (T, H, W) beside its patterns: how many of the eight neighbours are not darker.

    `ones` are the counts 0 to 8 of each plane, (T − 2, H − 2, W − 2).
    """
    grey = slices(frames, row, column)
    counts = {name: slices(each, row - 1, column - 1)[name] for name, each in zip(PLANES, ones, strict=True)}
    shown = {}
    for name in PLANES:
        tall, wide = (SLOWER if name == plane else 1 for plane in ("XT", "YT"))
        shown[name] = _blocky(grey[name], tall, wide)
        shown[f"{name} patterns"] = _blocky(
            (counts[name].astype(int) * 255 // 8).astype(np.uint8), tall, wide
        )
    alt = (
        "Three slices of a clip, in space and through time, each beside its patterns: the patterns show edges, and "
        "everywhere else they look like noise."
    )
    return panels(shown, alt, width=150)


def spokes(
    face: np.ndarray, values: Mapping[str, np.ndarray], blocks: int, bins: int, what: str
) -> go.Figure:
    """A star in each block of a face (H, W): a spoke a direction, as long as its value is large; orange if below 0.

    `values` are histograms (blocks · blocks · bins); a menu chooses one. Directions as in a picture, y down.
    """
    names = list(values)
    figure = go.Figure(_grey_picture(face))
    for name in names:
        figure.add_traces(_stars(values[name], face.shape[0], blocks, bins, visible=name == names[0]))
    for k in range(1, blocks):
        at = k * face.shape[0] / blocks - 0.5
        figure.add_hline(y=at, line_color=GRID, line_width=1)
        figure.add_vline(x=at, line_color=GRID, line_width=1)
    hidden, side = {"visible": False, "constrain": "domain"}, len(face)
    figure.update_layout(
        xaxis={**hidden, "range": [-0.5, side - 0.5]},
        yaxis={**hidden, "range": [side - 0.5, -0.5], "scaleanchor": "x"},
    )
    said = "; ".join(f"{name}: {_largest(values[name], blocks, bins)}" for name in names)
    styled(figure, f"{what} A star a block of the face. The longest spoke: {said}.", height=460)
    figure.update_layout(showlegend=False, margin={"l": 10, "r": 10, "t": 60 if names[1:] else 10, "b": 10})
    return figure.update_layout(updatemenus=[menu_of_pairs(names, y=1.14)] if names[1:] else [])


def seen_parts(shares: pd.DataFrame) -> go.Figure:
    """How much of a feature (columns) changes when a cause (rows) is switched off; one is as much as all of it."""
    colours = {"action": FOR}
    figure = go.Figure(
        [
            go.Bar(x=list(shares.columns), y=rounded(row), name=part, marker_color=colours.get(part, shade),
                   hovertemplate=f"without {part}: %{{y:.2f}} of %{{x}}<extra></extra>")
            for (part, row), shade in zip(shares.iterrows(), (FOR, AGAINST, "#E69F00", QUIET, "#CC79A7"), strict=False)
        ]
    )  # fmt: skip
    figure.update_layout(barmode="group", yaxis={"title": "change of the feature", "rangemode": "tozero"})
    said = "; ".join(
        f"{feature}: {', '.join(f'{part} {value:.2f}' for part, value in column.items())}"
        for feature, column in shares.items()
    )
    return styled(figure, f"How much each cause changes each feature. {said}.")


def _blocky(image: np.ndarray, tall: int, wide: int) -> np.ndarray:
    return np.kron(image, np.ones((WIDE * tall, WIDE * wide), np.uint8))


def _grey_picture(face: np.ndarray) -> go.Image:
    """The face as it lies under stars: pale, and as large in pixels as it is in places."""
    pale = cv2.cvtColor((160 + 0.37 * face.astype(float)).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    return panels({"": pale}, alt="").data[0].update(xaxis="x", yaxis="y")


def _stars(values: np.ndarray, side: int, blocks: int, bins: int, *, visible: bool) -> list[go.Scatter]:
    """The spokes at or above zero, and those below."""
    cells = np.asarray(values, float).reshape(blocks, blocks, bins)
    length = REACH * side / blocks * cells / max(np.abs(cells).max(), 1e-9)
    return [
        _lines(np.where(keep, np.abs(length), 0), side, colour, visible=visible)
        for keep, colour in ((length > 0, FOR), (length < 0, AGAINST))
    ]


def _lines(length: np.ndarray, side: int, colour: str, *, visible: bool) -> go.Scatter:
    blocks, _, bins = length.shape
    row, column, turn = np.nonzero(length > 0.01 * side / blocks)  # shorter ones are not seen
    angle, far = 2 * np.pi * turn / bins, length[row, column, turn]
    x, y = ((place + 0.5) * side / blocks - 0.5 for place in (column, row))
    ends = (x, x + far * np.cos(angle)), (y, y + far * np.sin(angle))
    xs, ys = ([None if k == 2 else pair[k] for pair in _triples(*end) for k in range(3)] for end in ends)
    line = {"color": colour, "width": 2.5}
    return go.Scatter(x=_short(xs), y=_short(ys), mode="lines", line=line, visible=visible, hoverinfo="skip")


def _triples(start: np.ndarray, end: np.ndarray) -> list[tuple[float, float, None]]:
    return [(float(a), float(b), None) for a, b in zip(start, end, strict=True)]


def _short(values: list[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 1) for value in values]


def _largest(values: np.ndarray, blocks: int, bins: int) -> str:
    row, column, turn = np.unravel_index(np.abs(values).argmax(), (blocks, blocks, bins))
    return f"row {row + 1}, column {column + 1}, {360 * turn // bins} degrees clockwise from the right"
