"""Vary the clips of a batch, on the device, all at once: one draw a clip, the same for all its frames and arrays.

Motion is not a picture: where an image is mirrored or turned, its vectors must be too, or they point the wrong way.
Points move the other way round: an image is sampled from where it came, a point goes where it goes.
"""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mer_core.settings import Settings

# How augmentation must move an array; light changes images alone.
Kind = Literal["image", "map", "flow", "points"]
# The 68 landmarks seen in a mirror: left and right change places.
MIRRORED = [
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
]  # fmt: skip


class Augment(Settings):
    """How training clips are varied: one draw a clip, the same for all its frames."""

    flip: bool = Field(
        False, description="mirror half of the clips; motion to the left becomes motion to the right"
    )
    rotate: float = Field(0.0, ge=0, le=45, description="degrees, up to")
    shift: float = Field(0.0, ge=0, lt=0.5, description="share of the width, up to")
    contrast: float = Field(0.0, ge=0, lt=1, description="images only, up to")
    brightness: float = Field(0.0, ge=0, lt=1, description="images only, up to")
    crop: int | None = Field(None, ge=8, description="a square of so many pixels, anywhere in the picture")


def augment(
    batch: dict[str, Tensor], kinds: Mapping[str, Kind], settings: Augment, generator: torch.Generator
) -> dict[str, Tensor]:
    """The batch with its images, flows and points varied; what has no kind is left alone."""
    if settings.replace(crop=None) != Augment():
        batch = _varied(batch, kinds, settings, generator)
    return _cropped(batch, kinds, settings.crop, generator) if settings.crop else batch


def _varied(
    batch: dict[str, Tensor], kinds: Mapping[str, Kind], settings: Augment, generator: torch.Generator
) -> dict[str, Tensor]:
    device, n = batch["label"].device, len(batch["label"])
    draw = torch.rand(n, 6, generator=generator).to(device)  # drawn on the CPU: the same on every device
    moves = _moves(draw[:, :4], settings)  # (B, 2, 3) in units of half the width
    light = 1 + settings.contrast * (2 * draw[:, 4] - 1), settings.brightness * (2 * draw[:, 5] - 1)
    varied = {name: _vary(batch[name], kind, moves, light) for name, kind in kinds.items() if name in batch}
    return {**batch, **varied}


def _cropped(
    batch: dict[str, Tensor], kinds: Mapping[str, Kind], size: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """A square of each clip, cut at whole pixels: nothing is interpolated, and motion keeps its length."""
    side = batch["x"].shape[-1]
    if size > side:
        raise ValueError(f"Expected pictures of at least {size} pixels to crop, got {side}.")
    corner = torch.randint(side - size + 1, (len(batch["label"]), 2), generator=generator)  # (B, 2) x first
    corner = corner.to(batch["label"].device)
    cut = {
        name: _crop_points(batch[name], corner, side, size)
        if kind == "points"
        else _crop(batch[name], corner, size)
        for name, kind in kinds.items()
        if name in batch
    }
    return {**batch, **cut}


def _crop(values: Tensor, corner: Tensor, size: int) -> Tensor:
    """(B, …, H, W) → (B, …, size, size)."""
    flat = values.flatten(1, -3)  # (B, K, H, W)
    x, y = (corner[:, i, None] + torch.arange(size, device=corner.device) for i in (0, 1))  # (B, size) each
    clip = torch.arange(len(flat), device=corner.device)[:, None, None, None]
    layer = torch.arange(flat.shape[1], device=corner.device)[:, None, None]
    cut = flat[clip, layer, y[:, None, :, None], x[:, None, None, :]]
    return cut.view(*values.shape[:-2], size, size)


def _crop_points(points: Tensor, corner: Tensor, side: int, size: int) -> Tensor:
    """Points (B, …, 2), in units of half the picture's width from its middle, in those of the square's."""
    corner = corner.view(-1, *[1] * (points.dim() - 2), 2)
    return ((points + 1) * side / 2 - corner) / (size / 2) - 1


def _moves(draw: Tensor, settings: Augment) -> Tensor:  # (B, 2, 3)
    """Each clip's way from a point of the new picture to the point of the old one that it shows."""
    angle = math.radians(settings.rotate) * (2 * draw[:, 0] - 1)
    mirror = torch.where(draw[:, 1] < 0.5, -1.0, 1.0) if settings.flip else torch.ones_like(angle)
    shift = 2 * settings.shift * (2 * draw[:, 2:4] - 1)  # (B, 2)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([mirror * cos, -mirror * sin, sin, cos], dim=1).view(-1, 2, 2)
    return torch.cat([turn, shift[:, :, None]], dim=2)


def _vary(values: Tensor, kind: Kind, moves: Tensor, light: tuple[Tensor, Tensor]) -> Tensor:
    if kind == "points":
        return _move_points(values, moves)
    images = values.reshape(len(values), -1, *values.shape[-2:]).float()  # (B, all channels and frames, H, W)
    grid = F.affine_grid(moves, [len(images), 1, *images.shape[-2:]], align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False).view(values.shape)
    if kind == "flow":
        return _turn_vectors(moved, moves)
    if kind == "map":
        return moved
    gain, offset = (term.view(-1, *[1] * (values.dim() - 1)) for term in light)
    return moved * gain + offset


def _turn_vectors(flow: Tensor, moves: Tensor) -> Tensor:
    """Vectors go the way of the picture: by the inverse of the sampling's turn, which is its transpose."""
    u, v, *rest = flow.split([1, 1, *[1] * (flow.shape[-3] - 2)], dim=-3)
    a, b, c, d = (moves[:, i, j].view(-1, *[1] * (flow.dim() - 1)) for i in (0, 1) for j in (0, 1))
    return torch.cat([a * u + c * v, b * u + d * v, *rest], dim=-3)


def _move_points(points: Tensor, moves: Tensor) -> Tensor:
    """Points (B, …, 68, 2) in units of half the width from the middle; a mirrored face swaps left and right."""
    turn, shift = moves[:, :, :2], moves[:, :, 2]
    shape = (-1, *[1] * (points.dim() - 2), 2)
    moved = torch.einsum("b...i,bij->b...j", points - shift.view(shape), turn)
    is_mirrored = (torch.linalg.det(turn) < 0).view(-1, *[1] * (points.dim() - 1))
    return torch.where(is_mirrored, moved[..., MIRRORED, :], moved) if points.shape[-2] == 68 else moved
