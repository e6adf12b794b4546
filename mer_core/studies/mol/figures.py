"""Figures of the chapter."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mer_core.figures.boxes import Overview
from mer_core.figures.images import MARGIN, flow_colours, slideshow
from mer_core.figures.style import QUIET, SEQUENTIAL, rounded, styled

BLUE, ORANGE = "#0072B2", "#E69F00"
SIGNED = [[0, "#D55E00"], [0.5, "rgba(255,255,255,0)"], [1, "#0072B2"]]  # below 0, nothing, above 0

# The network as boxes: (name, what it holds, x, y, colour), and which box leads to which.
OVERVIEW = Overview(
    boxes=(
        ("8 frames", "in 7 pairs", 0, 1, QUIET),
        ("convolution stack", "one for all frames", 1.5, 1, BLUE),
        ("F5C, first", "of frame k", 3, 1.6, BLUE),
        ("F5C, second", "of frame k + 1", 3, 0.4, BLUE),
        ("classifier", "→ 1 emotion", 4.7, 1.9, ORANGE),
        ("flow network", "→ 7 flows", 4.7, 1, ORANGE),
        ("landmark head", "→ 7 × 68 points", 4.7, 0.1, ORANGE),
    ),
    arrows=((0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (2, 5), (3, 5), (3, 6)),
    alt="Eight frames make seven pairs of neighbours. A convolution stack sees every frame; one F5C block sees each "
    "pair's first frame, another its second. The classifier sees the features of all pairs, the flow network both "
    "features and both frames of a pair, the landmark head the features of its second frame.",
    below=0.4,
    detour=((0, 0.7), (0, -0.35), (3.8, -0.35), (3.8, 1), (4.1, 1)),
    note=("the two frames themselves", 2, -0.5),
)


def pairs(frames: np.ndarray, points: np.ndarray, flows: np.ndarray) -> go.Figure:
    """A slider over pairs of neighbours: both frames (T, H, W), the second's points (T, 68, 2), their motion.

    What is as fast as the fastest hundredth of the clip has the full strength of its colour.
    """
    largest = float(np.quantile(np.linalg.norm(flows, axis=1), 0.99)) or 1.0
    steps = {
        f"{k + 1} → {k + 2}": [frames[k], dotted(frames[k + 1], points[k + 1]), flow_colours(flow, largest)]
        for k, flow in enumerate(flows)
    }
    return slideshow(
        steps,
        titles=["frame k", "frame k + 1, landmarks", "flow k → k + 1"],
        label="pair",
        alt=f"The {len(flows)} pairs of neighbours of one clip. The two frames of a pair look the same; 68 landmarks "
        "are marked on the second, and the motion from one to the other stands beside them in colour.",
        width=200,
    )


def dotted(face: np.ndarray, points: np.ndarray, times: int = 3) -> np.ndarray:
    """A grey face (H, W), enlarged, with points (68, 2) in pixels of the face: (H, W, 3) uint8."""
    size = tuple(times * side for side in face.shape[::-1])
    grey = cv2.resize(face, size, interpolation=cv2.INTER_CUBIC)
    image = np.stack([grey] * 3, axis=-1)
    for x, y in np.round(times * (np.asarray(points) + 0.5) - 0.5).astype(int):
        cv2.circle(image, (int(x), int(y)), 2, (230, 159, 0), -1)
    return image


def grids(maps: Mapping[str, np.ndarray], alt: str, *, digits: int | None = None) -> go.Figure:
    """Small matrices side by side, each in its own colours; with `digits`, the numbers stand in the cells.

    Blue is above 0, orange below; a matrix without a value below 0 has blue alone.
    """
    figure = make_subplots(1, len(maps), subplot_titles=list(maps), horizontal_spacing=0.03)
    for column, values in enumerate(maps.values(), start=1):
        figure.add_trace(_cells(np.asarray(values, float), digits), row=1, col=column)
        figure.update_yaxes(scaleanchor=f"x{column if column > 1 else ''}", col=column)
    styled(figure, alt, height=60 + 600 // max(len(maps), 2)).update_layout(margin=MARGIN)
    figure.update_annotations(font_size=13).update_xaxes(visible=False, constrain="domain")
    return figure.update_yaxes(visible=False, constrain="domain", autorange="reversed")


def _cells(values: np.ndarray, digits: int | None) -> go.Heatmap:
    largest = float(np.abs(values).max()) or 1.0
    is_signed = values.min() < 0
    said = {} if digits is None else {"texttemplate": f"%{{z:.{digits}f}}"}
    return go.Heatmap(
        z=values.round(4).tolist(),
        colorscale=SIGNED if is_signed else SEQUENTIAL,
        zmin=-largest if is_signed else 0,
        zmax=largest,
        xgap=1,
        ygap=1,
        showscale=False,
        hovertemplate="row %{y}, column %{x}: %{z}<extra></extra>",
        **said,
    )


def progress(panels: Mapping[str, tuple[Sequence[float], float, str]]) -> go.Figure:
    """What a network does after each epoch, a panel a task: its values, and what to compare them with and its name."""
    figure = make_subplots(1, len(panels), subplot_titles=list(panels), horizontal_spacing=0.09)
    figure.update_annotations(font_size=13)  # the titles
    said = []
    for column, (title, (values, reference, name)) in enumerate(panels.items(), start=1):
        line = go.Scatter(x=list(range(1, len(values) + 1)), y=rounded(values), mode="lines", line_color=BLUE)
        figure.add_trace(line, row=1, col=column)
        figure.add_hline(y=round(reference, 4), line_dash="dot", line_color=ORANGE, col=column, row=1)
        figure.add_annotation(
            text=name, x=1, xref=f"x{column if column > 1 else ''} domain", xanchor="right", y=reference, yref=f"y"
            f"{column if column > 1 else ''}", yanchor="bottom", showarrow=False, font={"color": ORANGE, "size": 12},
        )  # fmt: skip
        said.append(f"{title}: from {values[0]:.3f} to {values[-1]:.3f}, {name} {reference:.3f}")
    figure.update_xaxes(title="epoch").update_yaxes(rangemode="tozero")
    return styled(figure, f"After each epoch. {'; '.join(said)}.").update_layout(showlegend=False)
