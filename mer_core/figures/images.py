"""Pictures in figures: panels side by side, and pictures that a slider or a play button changes.

Pictures are stored as WebP inside the figure, a few kilobytes each, so that they move on a page without a kernel.
"""

import base64
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mer_core.figures.style import styled

QUALITY = 90  # of WebP: a face of 160 pixels takes about 5 KB and shows no block
MARGIN = {"l": 10, "r": 10, "t": 40, "b": 10}  # pictures have no axes that would need more
FRAME_SECONDS = 0.12  # of a play button: slow enough to follow a clip of 17 pictures


def panels(images: Mapping[str, np.ndarray], alt: str, width: int = 200) -> go.Figure:
    """Pictures in a row, each with its title. RGB or grey, uint8."""
    figure = _row(list(images))
    for column, image in enumerate(images.values(), start=1):
        figure.add_trace(picture(image), row=1, col=column)
    return styled(figure, alt, height=width + 60).update_layout(margin=MARGIN)


def slideshow(
    steps: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    alt: str,
    *,
    label: str = "",
    width: int = 240,
    play: bool = False,
) -> go.Figure:
    """One row of pictures for each step of a slider; with `play`, a button runs through them.

    `steps` maps what the slider says to the pictures that it shows, one for each title.
    """
    figure = _row(titles)
    names = list(steps)
    for column, image in enumerate(steps[names[0]], start=1):
        figure.add_trace(picture(image), row=1, col=column)
    traces = list(range(len(titles)))
    figure.frames = [
        go.Frame(name=name, data=[picture(image) for image in steps[name]], traces=traces) for name in names
    ]
    controls = {"sliders": [_slider(names, label)], "updatemenus": [_play_button()] if play else []}
    return styled(figure, alt, height=width + 150).update_layout(margin=MARGIN, **controls)


def flow_colours(flow: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Motion (2, H, W) as colour (H, W, 3): the hue is its direction, the strength its length; white stands still."""
    length, angle = cv2.cartToPolar(*np.ascontiguousarray(flow, np.float32), angleInDegrees=True)
    largest = largest or max(float(length.max()), 1e-6)
    strength = np.clip(length / largest, 0, 1)
    hsv = np.stack([angle, strength, np.ones_like(strength)], axis=-1).astype(np.float32)  # (H, W, 3)
    return (cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).round().astype(np.uint8)


def signed_grey(image: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Signed values as a grey picture: 0 is mid-grey."""
    largest = largest or max(float(np.abs(image).max()), 1e-6)
    return (127.5 + 127.5 * np.clip(image / largest, -1, 1)).round().astype(np.uint8)


def seen_on(face: np.ndarray, marked: np.ndarray, region: np.ndarray, times: int = 3) -> np.ndarray:
    """A grey face (H, W), enlarged: what a map marks in orange, the outline of a region in white; (H, W, 3) uint8."""
    size = tuple(times * side for side in face.shape[::-1])
    strength = np.clip(marked / max(float(np.quantile(marked, 0.99)), 1e-9), 0, 1)[..., None]
    grey = face[..., None].astype(float) * np.ones(3)
    image = (1 - 0.8 * strength) * grey + 0.8 * strength * np.array([230, 159, 0])
    image = cv2.resize(image.round().astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    large = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    lines, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image, lines, -1, (255, 255, 255), 1)


def _row(titles: Sequence[str]) -> go.Figure:
    figure = make_subplots(1, len(titles), subplot_titles=list(titles), horizontal_spacing=0.01)
    figure.update_xaxes(visible=False, constrain="domain")
    return figure.update_yaxes(visible=False, constrain="domain")


def picture(image: np.ndarray) -> go.Image:
    """An image (H, W) or (H, W, 3) as a trace, compressed as WebP."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            f"Expected a uint8 picture (H, W) or (H, W, 3), got {image.dtype} of shape {image.shape}."
        )
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    _, stored = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    source = "data:image/webp;base64," + base64.b64encode(stored.tobytes()).decode()
    return go.Image(source=source, hoverinfo="skip", zsmooth="fast")


def menu_of_pairs(names: Sequence[str], y: float, **look: object) -> dict:
    """Shows the two traces of one name at a time; a first trace, which has no name, stays."""
    buttons = [
        {"label": name, "method": "restyle",
         "args": ["visible", [True, *(other == name for other in names for _ in range(2))]]}
        for name in names
    ]  # fmt: skip
    return {"buttons": buttons, "x": 0, "xanchor": "left", "y": y, "yanchor": "top", **look}


def _slider(names: Sequence[str], label: str) -> dict:
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [{"label": name, "method": "animate", "args": [[name], still]} for name in names]
    return {"steps": steps, "currentvalue": {"prefix": f"{label} "}, "pad": {"t": 10}, "x": 0.18, "len": 0.82}


def _play_button() -> dict:
    move = {"frame": {"duration": 1000 * FRAME_SECONDS, "redraw": True}, "transition": {"duration": 0}}
    play = {"label": "play", "method": "animate", "args": [None, {**move, "fromcurrent": False}]}
    return {
        "type": "buttons",
        "buttons": [play],
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": -0.05,
        "yanchor": "top",
    }
