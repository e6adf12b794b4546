"""Figures of the chapter "FAMNet: apex frame and clip"."""

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from torch import Tensor

from mer_core.figures.boxes import Overview
from mer_core.figures.boxes import overview as drawn
from mer_core.figures.images import seen_on, signed_grey, slideshow
from mer_core.figures.lines import curves
from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled
from mer_core.methods.famnet import changed
from mer_core.studies.famnet.live import Live
from mer_core.studies.famnet.material import BRANCHES

ORANGE, GREEN = "#E69F00", "#009E73"

# The network as boxes: (name, what it holds, x, y, colour), and which box leads to which.
OVERVIEW = Overview(
    boxes=(
        ("apex frame", "one picture", 0, 2.6, QUIET),
        ("clip", "onset to offset", 0, 0.6, QUIET),
        ("AMNet2D", "ResNet-18,<br>shared by both tasks", 1.7, 2.6, FOR),
        ("AMNet3D", "R3D-18,<br>shared by both tasks", 1.7, 0.6, FOR),
        ("masks", "→ action units", 3.5, 3.2, GREEN),
        ("masks", "→ emotion scores", 3.5, 2.2, ORANGE),
        ("masks", "→ emotion scores", 3.5, 1.0, ORANGE),
        ("masks", "→ action units", 3.5, 0, GREEN),
        ("late fusion", "then softmax", 5.2, 1.6, ORANGE),
    ),
    arrows=((0, 2), (1, 3), (2, 4), (2, 5), (3, 6), (3, 7), (5, 8), (6, 8)),
    alt="The apex frame goes into AMNet2D, the clip into AMNet3D. In each, one network serves two tasks: masks of the "
    "one task lead to emotion scores, masks of the other to action units. A late fusion makes one vector of both "
    "branches' emotion scores, and softmax comes last. No weight is shared between the branches.",
    half=(0.66, 0.36),
)


def overview() -> go.Figure:
    """The whole network: what shares weights, and where the branches meet."""
    return drawn(OVERVIEW)


def clip_film(x: Tensor) -> go.Figure:
    """A slider over the frames of a clip (1, T, C, S, S), and beside each what has changed since the first."""
    frames, changes = grey_frames(x)
    return slideshow(
        {
            f"{t + 1}": [enlarged(frame, 192), enlarged(change, 192)]
            for t, (frame, change) in enumerate(zip(frames, changes, strict=True))
        },
        titles=["as the network sees it", "changed since the onset"],
        label="frame",
        alt=f"{len(frames)} frames of a clip that look the same, and beside them "
        "what has changed since the first: nothing at first, then the edges of "
        "what moves.",
        play=True,
    )


def grey_frames(x: Tensor) -> tuple[np.ndarray, list[np.ndarray]]:
    """The frames of a clip (1, T, C, S, S) as pictures (T, S, S), and what has changed since the first."""
    moved = changed(x)[0].mean(dim=1).numpy()  # (T, S, S)
    return (255 * x[0].mean(dim=1)).byte().numpy(), [signed_grey(one, 0.1) for one in moved]


def learning_curves(live: Live) -> go.Figure:
    """The accuracy of each branch after each epoch, on clips trained on and on subjects never seen."""
    given = live.given
    always = float((given.labels[given.tested] == given.commonest).mean())
    accuracy = {name: np.mean(live.accuracies(name), axis=0) for name in BRANCHES}  # (E, 2) each
    panels = {name: {"trained on": of[:, 0], "never seen": of[:, 1]} for name, of in accuracy.items()}
    ends = "; ".join(f"{name} ends at {of[-1, 0]:.2f} and {of[-1, 1]:.2f}" for name, of in accuracy.items())
    alt = (
        "Accuracy after each epoch on clips that were trained on and on subjects never seen, for three networks; the "
        f"commonest class has {always:.2f}. {ends}."
    )
    epochs = len(accuracy["clip"])
    figure = curves(range(1, epochs + 1), panels, alt, across="epoch", up="accuracy", reference=always)
    return figure.update_xaxes(tickvals=[1, epochs])


def share_curves(uf1: pd.DataFrame, floor: float) -> go.Figure:
    """UF1 by the share of the apex's branch: `along_shares`."""
    ends = "; ".join(
        f"{name} from {of.iloc[0]:.2f} over {of.max():.2f} to {of.iloc[-1]:.2f}" for name, of in uf1.items()
    )
    alt = f"UF1 on subjects never seen against the share of the apex's branch: {ends}."
    panel = {"share of the apex's branch": {name: list(of) for name, of in uf1.items()}}
    return curves(list(uf1.index), panel, alt, across="α", up="UF1", reference=floor)


def shift_curve(missed: pd.DataFrame, floor: float) -> go.Figure:
    """UF1 if the apex is missed: `missed_apex`."""
    values = ", ".join(f"{by:+d} {uf1:.2f}" for by, uf1 in missed["UF1"].items())
    alt = (
        "UF1 of the network that sees the change at the apex if the apex is missed by so many frames: "
        f"{values}."
    )
    panel = {"change at apex": {"UF1 on subjects never seen": list(missed["UF1"])}}
    return curves(list(missed.index), panel, alt, across="frames too late", up="UF1", reference=floor)


def unit_support(rarity: pd.DataFrame, clips: int) -> go.Figure:
    """How many training clips show each action unit, and what one that does weighs, as `rarity` has it."""
    text = [f"× {weight:.1f}" if weight else "masked" for weight in rarity["weight"]]
    figure = go.Figure(
        go.Bar(
            x=[f"AU {unit}" for unit in rarity.index],
            y=rarity["clips"].tolist(),
            text=text,
            textposition="outside",
            marker_color=[FOR if weight else QUIET for weight in rarity["weight"]],
        )
    )
    figure.update_layout(yaxis={"title": f"of {clips} clips", "range": [0, 1.2 * int(rarity["clips"].max())]})
    units = [
        f"AU {unit}: {n} clips, {weight}"
        for (unit, n), weight in zip(rarity["clips"].items(), text, strict=True)
    ]
    return styled(figure, f"Training clips that show each action unit. {'; '.join(units)}.", height=300)


def detection_bars(tables: Mapping[str, pd.DataFrame], score: str, floor: str) -> go.Figure:
    """A score of each action unit, a colour a network; a dash is what finds nothing, or guesses, would have.

    The tables are those of `detection_scores`; units that no clip shows are left out.
    """
    first = next(iter(tables.values()))
    shown = first[first["support"] > 0]
    names = [f"AU {unit}<br>{n}" for unit, n in shown["support"].items()]
    colours = zip(tables.items(), (FOR, ORANGE, GREEN), strict=False)
    bars = [
        go.Bar(x=names, y=rounded(table.loc[shown.index, score]), name=name, marker_color=colour)
        for (name, table), colour in colours
    ]
    dashes = go.Scatter(
        x=names, y=rounded(shown[floor]), name=floor, mode="markers",
        marker={"symbol": "line-ew", "size": 26, "line": {"width": 3, "color": AGAINST}},
    )  # fmt: skip
    figure = go.Figure([*bars, dashes])
    figure.update_layout(
        yaxis={"title": score, "range": [0, 1]}, xaxis_title="action unit, clips that show it"
    )
    means = [f"{name} {table.loc[shown.index, score].mean():.2f}" for name, table in tables.items()]
    return styled(
        figure,
        f"{score} of {len(shown)} action units on subjects never seen; mean {', '.join(means)}, "
        f"{floor} {shown[floor].mean():.2f}.",
    )


PARTS = {"both": GREEN, "only the first": FOR, "only the second": ORANGE, "neither": QUIET}


def overlap_bars(rows: pd.DataFrame) -> go.Figure:
    """Of each pair of networks, who is right: a bar a row, its parts as the columns of `PARTS`, shares of 1."""
    figure = go.Figure(
        [
            go.Bar(y=list(rows.index), x=rounded(rows[name]), name=name, orientation="h", marker_color=colour,
                   hovertemplate=f"{name} right: %{{x:.2f}}<extra></extra>")
            for name, colour in PARTS.items()
        ]
    )  # fmt: skip
    figure.update_layout(barmode="stack", xaxis={"title": "mean over classes", "range": [0, 1]},
                         yaxis_autorange="reversed")  # fmt: skip
    pairs = [
        f"{pair}: {', '.join(f'{name} {row[name]:.2f}' for name in PARTS)}" for pair, row in rows.iterrows()
    ]
    return styled(figure, f"Who recognises a clip. {'; '.join(pairs)}.", height=170 + 45 * len(rows))


def attention_film(x: Tensor, moving: np.ndarray, maps: Mapping[str, Mapping[str, np.ndarray]]) -> go.Figure:
    """The film of `masks_over` for a clip (1, T, C, S, S), what moves in it and maps of any size, all enlarged."""
    frames, changes = grey_frames(x)
    return masks_over(
        np.stack([enlarged(frame, 96) for frame in frames]),
        np.stack([enlarged(change, 96) for change in changes]),
        np.stack([enlarged(one.astype(np.uint8), 96) for one in moving]) > 0,
        {
            title: {task: np.stack([enlarged(one, 96) for one in of]) for task, of in tasks.items()}
            for title, tasks in maps.items()
        },
    )


def masks_over(
    frames: np.ndarray, changes: np.ndarray, regions: np.ndarray, maps: Mapping[str, Mapping[str, np.ndarray]]
) -> go.Figure:
    """A slider over the frames: the clip above what changes, and above each other the masks of the two tasks.

    `frames` (T, H, W) and `changes` (T, H, W) are grey pictures, `regions` (T, H, W) what moves, `maps` for each title
    two tasks' maps (T, H, W). Orange is where a map lets more through than on half of the same frame.
    """
    steps = {}
    for t, face in enumerate(frames):
        nothing = np.zeros(face.shape)
        seen = [seen_on(picture, nothing, regions[t], times=1) for picture in (face, changes[t])]
        columns = [
            [seen_on(face, _above_median(task[t]), regions[t], times=1) for task in tasks.values()]
            for tasks in maps.values()
        ]
        steps[f"{t + 1}"] = [np.vstack(column) for column in (seen, *columns)]
    tasks = list(next(iter(maps.values())))
    return slideshow(
        steps,
        titles=["clip, changes", *maps],
        label="frame",
        alt=f"{len(frames)} frames of one clip. Left the face and below it what has changed since the onset, with the "
        f"outline of what moves; then, for {', '.join(maps)}, where the masks are open: {tasks[0]} above, "
        f"{tasks[1]} below.",
        width=330,
        play=True,
    )


def _above_median(values: np.ndarray) -> np.ndarray:
    """From 0, half of the places, to 1: masks differ little from place to place."""
    above = (values - np.median(values)).clip(min=0)
    return above / (float(above.max()) or 1.0)


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """A grey picture or a map, larger."""
    return cv2.resize(np.ascontiguousarray(image), (side, side), interpolation=cv2.INTER_LINEAR)
