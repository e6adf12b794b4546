"""The clips of the chapter, and the dynamic images that the network is to draw of them."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import torch
from torch.nn import functional as F

from mer_core.faces.expression import PARTS
from mer_core.figures.images import panels
from mer_core.studies import papers
from mer_core.studies.papers import Material, PaperChapter
from mer_core.vision.dynamic_image import dynamic_image, unit_range

NOT_LABELLED = set(PARTS) - {"action"}  # whatever else moves on a synthetic face


class Chapter(PaperChapter):
    """What a reader may choose."""


def material(settings: Chapter) -> Material:
    """The clips as FDP sees them."""
    return papers.material(settings, settings.method("fdp"))


def by_motion(given: Material) -> np.ndarray:  # (n,)
    """Positions among the tested clips, from the one that moves most on."""
    return np.argsort(-given.table["peak_pixels"].to_numpy()[given.tested])


def short(given: Material, row: int) -> str:
    """A clip without its corpus."""
    return given.table["clip"][row].partition("/")[2]


# What is to be drawn


@dataclass(frozen=True)
class DynamicImages:
    """Of the tested clips: the target as recorded, that of the expression alone, and the frames of the latter."""

    recorded: np.ndarray  # (n, S, S)
    expression: np.ndarray  # (n, S, S)
    alone: np.ndarray  # (n, 8, H, W)


def dynamic_images(given: Material) -> DynamicImages:
    """Synthetic faces can be rendered again with nothing but the labelled movement."""
    alone, side = np.stack([_alone(given, row) for row in given.tested]), given.method.settings.side
    recorded = np.asarray(given.clips.frames[given.tested])
    return DynamicImages(stretched(recorded, side), stretched(alone, side), alone)


def stretched(frames: np.ndarray, side: int) -> np.ndarray:  # (N, S, S)
    """The target of FDP, from frames (N, 8, H, W)."""
    images = torch.from_numpy(dynamic_image(frames, of="means"))
    return unit_range(F.adaptive_avg_pool2d(images, side).numpy())


def _alone(given: Material, row: int) -> np.ndarray:  # (8, H, W)
    spec = given.faces.spec(given.table["clip"][row])
    times = np.linspace(spec.onset, spec.offset, 8)
    return given.faces.frames(spec.clip, times, given.method.view.size, colour=False, without=NOT_LABELLED)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures over their pixels; an even one is like none."""
    is_even = min(np.ptp(one), np.ptp(other)) == 0
    return 0.0 if is_even else float(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1])


def likenesses(some: np.ndarray, others: np.ndarray) -> np.ndarray:  # (N,)
    """Of pictures (N, S, S), pair by pair."""
    return np.array([likeness(*pair) for pair in zip(some, others, strict=True)])


def says_targets(alike: np.ndarray) -> str:
    """How much of the expression there is in what is to be drawn."""
    median = np.median(alike)
    part = "a small part" if median < 0.5 else "the larger part"
    return (
        f"The correlation of the target with the expression's own picture is {median:.2f} in the median clip, from "
        f"{alike.min():.2f} to {alike.max():.2f}. A correlation of 1 would mean that the target shows the expression "
        "and nothing else. Remember the number: what the network is asked to draw is the motion *of the picture*, and "
        f"the expression is {part} of that."
    )


def target_pictures(given: Material, images: DynamicImages) -> go.Figure:
    """Of the clip that moves most: a frame, its dynamic image, and that of the expression alone."""
    at = int(np.argmax(given.tested == given.most))
    return panels(
        {
            "a frame": np.asarray(given.clips.frames[given.most, 0]),
            "as recorded": grey(images.recorded[at]),
            "expression alone": grey(images.expression[at]),
        },
        alt="A frame of a clip, its dynamic image as it is recorded, and the one that it would have if nothing but the "
        "expression moved.",
    )


def grey(image: np.ndarray) -> np.ndarray:
    """Values 0 … 1 as grey levels."""
    return (255 * np.asarray(image)).round().astype(np.uint8)


def changes(given: Material, images: DynamicImages) -> dict[str, float]:
    """What changes in the frames that the network sees, as a root mean square in grey levels; and the expression's."""
    frames = {"the frames": np.array(given.clips.frames[given.tested]), "the expression alone": images.alone}
    return {name: _change(of, given.method.settings.shrink) for name, of in frames.items()}


def _change(frames: np.ndarray, shrink: int) -> float:
    x = F.avg_pool2d(torch.from_numpy(frames).float(), shrink)
    return (x - x.mean(dim=1, keepdim=True)).square().mean().item() ** 0.5
