"""FAMNet: apex frame and clip in two networks; each learns action units beside the expression; their scores are fused.

L. Fu et al., "FAMNet: Integrating 2D and 3D Features for Micro-expression Recognition via Multi-task Learning and
Hierarchical Attention", IJCNN 2025 (arXiv 2508.13483). A reconstruction from the abstract and the overview figure: the
paper's body was not available to us, and there is no public code. Known: AMNet2D sees the apex frame, AMNet3D the clip,
each is a ResNet-18 that two tasks share, with attention; their scores are fused, then comes the softmax. Our reading:

    attention           soft masks of each task on all four levels, as in MTAN (arXiv 1803.10704) on a ResNet-18, whose
                        stages have just the two blocks that MTAN needs; or CBAM (arXiv 1807.06521), or none
    between two levels  pooled, then convolved, by an encoder that both tasks share: 46 G multiply-adds a clip at full
                        size. `passing="convolved"` pools last, as in MTAN: the same parameters, 80 G
    training            branches apart, then the fusion; a loss on the expressions and one on the action units
    sizes               RGB, 112 pixels, 16 frames, 12 action units: 51,604,894 parameters for three classes

Without files of torchvision's weights all begins at random; the paper may have begun with ImageNet and Kinetics. A run
records which files it began with. There is no warm-up, and all stages take as many clips a step.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init
from torchvision.models import resnet, video

from mer_core.action_units import parse_action_units, resolve
from mer_core.clips import ClipSet, View
from mer_core.methods.base import NetworkMethod, NetworkSettings, Stage
from mer_core.methods.layers import equal_light
from mer_core.methods.torchvision_weights import load_trunks

COMMON = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)  # action units that the field's corpora have in common

# The trunk that both tasks share: torchvision's ResNet-18 and R3D-18, without their heads and of any width.


class Form(NamedTuple):
    """What differs between a picture and a clip."""

    conv: type[nn.Module]
    norm: type[nn.Module]
    pool: Callable[[Tensor, torch.Size], Tensor]
    memory: torch.memory_format  # the order that fast convolutions like
    weights: str  # torchvision's network of the same shape
    mean: tuple[float, float, float]  # of the pictures that it was trained on
    std: tuple[float, float, float]


PICTURE = Form(
    nn.Conv2d, nn.BatchNorm2d, F.adaptive_max_pool2d, torch.channels_last, "resnet18",
    (0.485, 0.456, 0.406), (0.229, 0.224, 0.225),
)  # fmt: skip
CLIP = Form(
    nn.Conv3d, nn.BatchNorm3d, F.adaptive_max_pool3d, torch.channels_last_3d, "r3d_18",
    (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989),
)  # fmt: skip


def stem(form: Form, channels: int, width: int) -> nn.Sequential:
    """(B, channels, H, W) → (B, width, H/4, W/4); a clip → (B, width, T, H/2, W/2): time keeps its length."""
    if form is PICTURE:
        conv, pool = nn.Conv2d(channels, width, 7, 2, 3, bias=False), [nn.MaxPool2d(3, 2, 1)]
    else:
        conv, pool = nn.Conv3d(channels, width, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), []
    return nn.Sequential(conv, form.norm(width), nn.ReLU(inplace=True), *pool)


def level(form: Form, before: int, width: int, stride: int) -> nn.Sequential:
    """Two blocks; the first makes the map smaller and wider."""
    smaller = None
    if stride > 1 or before != width:
        smaller = nn.Sequential(form.conv(before, width, 1, stride, bias=False), form.norm(width))
    return nn.Sequential(_block(form, before, width, stride, smaller), _block(form, width, width, 1, None))


def _block(form: Form, before: int, width: int, stride: int, smaller: nn.Module | None) -> nn.Module:
    if form is PICTURE:
        return resnet.BasicBlock(before, width, stride, smaller)
    return video.resnet.BasicBlock(before, width, video.resnet.Conv3DSimple, stride, smaller)


class Trunk(nn.Module):
    """What the tasks share: a picture or clip → on each of four levels what its first and its second block say."""

    def __init__(self, form: Form, settings: "AMNetSettings") -> None:
        super().__init__()
        a, b, c, d = widths = settings.widths
        self.stem = stem(form, settings.channels, a)
        self.layer1, self.layer2 = level(form, a, a, 1), level(form, a, b, 2)
        self.layer3, self.layer4 = level(form, b, c, 2), level(form, c, d, 2)
        is_cbam, is_hier = settings.attention == "cbam", settings.attention == "hier"
        self.attend = nn.ModuleList(CBAM(form, width) if is_cbam else nn.Identity() for width in widths)
        encoders = [Encoder(form, *pair, settings.passing) for pair in pairwise(widths)] if is_hier else []
        self.encoders = nn.ModuleList(encoders)

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """U and W of each level, both (B, C_i, [T_i,] H_i, W_i)."""
        layers, levels = (self.layer1, self.layer2, self.layer3, self.layer4), []
        w = self.stem(x)
        for (first, second), attend in zip(layers, self.attend, strict=True):
            u = first(w)
            w = attend(second(u))
            levels.append((u, w))
        return levels


# Hierarchical attention: each task looks at the shared maps through masks of its own.


def mask(form: Form, before: int, width: int) -> nn.Sequential:
    """Each place of each channel, from 0 to 1."""
    narrow = max(1, width // 4)
    return nn.Sequential(
        form.conv(before, narrow, 1, bias=False),
        form.norm(narrow),
        nn.ReLU(inplace=True),
        form.conv(narrow, width, 1, bias=False),
        form.norm(width),
        nn.Sigmoid(),
    )


class Encoder(nn.Module):
    """Carries what a task saw on one level to the next, shared by the tasks: (B, C_i, …) → (B, C_i+1, …)."""

    def __init__(self, form: Form, before: int, width: int, passing: str) -> None:
        super().__init__()
        self.pooled_first = passing == "pooled"
        self.pool = form.pool
        conv = form.conv(before, width, 3, padding=1, bias=False)
        self.encode = nn.Sequential(conv, form.norm(width), nn.ReLU(inplace=True))

    def forward(self, seen: Tensor, size: torch.Size) -> Tensor:
        """An odd map is halved upwards by the trunk: only an adaptive pool always meets its size."""
        if self.pooled_first:
            return self.encode(self.pool(seen, size))
        return self.pool(self.encode(seen), size)


class Task(nn.Module):
    """One task: its masks, and its head on the last level's mean over all places."""

    def __init__(self, form: Form, settings: "AMNetSettings", outputs: int) -> None:
        super().__init__()
        widths = settings.widths
        before = [widths[0], *[2 * width for width in widths[1:]]]  # from the second level on: U and G
        masks = [mask(form, *pair) for pair in zip(before, widths, strict=True)]
        self.masks = nn.ModuleList(masks if settings.attention == "hier" else [])
        self.head = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(widths[-1], outputs))

    def forward(self, trunk: Trunk, levels: list[tuple[Tensor, Tensor]]) -> Tensor:  # (B, outputs)
        seen = self._attended(trunk, levels) if self.masks else levels[-1][1]
        return self.head(seen.flatten(2).mean(dim=2))

    def _attended(self, trunk: Trunk, levels: list[tuple[Tensor, Tensor]]) -> Tensor:
        """A = M · W on each level, where the mask M is made of U and of what the level before passed on, G."""
        (u, w), *further = levels
        seen = self.masks[0](u) * w
        for make, encode, (u, w) in zip(self.masks[1:], trunk.encoders, further, strict=True):
            passed = encode(seen, u.shape[2:])
            seen = make(torch.cat([u, passed], dim=1)) * w
        return seen


class CBAM(nn.Module):
    """The other reading: first which channels count, then which places, both tasks alike."""

    def __init__(self, form: Form, width: int, reduction: int = 16) -> None:
        super().__init__()
        narrow = max(1, width // reduction)
        self.channels = nn.Sequential(
            nn.Linear(width, narrow, bias=False), nn.ReLU(), nn.Linear(narrow, width, bias=False)
        )
        self.places = form.conv(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, …)
        flat = x.flatten(2)  # (B, C, P)
        which = self.channels(flat.mean(dim=2)) + self.channels(flat.amax(dim=2))  # (B, C)
        x = x * which.sigmoid().view(*which.shape, *[1] * (x.dim() - 2))
        told = torch.stack([x.mean(dim=1), x.amax(dim=1)], dim=1)  # (B, 2, …)
        return x * self.places(told).sigmoid()


# A branch: one trunk, two tasks.


class Branch(nn.Module):
    """Frames (B, frames, channels, H, W) → emotion (B, C), action_units (B, A), both before softmax and sigmoid.

    Where action units have no weight in the loss there is no task for them. With separate trunks they have their own.
    """

    form: Form

    def __init__(self, settings: "AMNetSettings", n_classes: int, weights: str | None = None) -> None:
        super().__init__()
        self.settings = settings
        units = len(settings.units) if settings.au_weight else 0
        is_apart = units and settings.trunks == "separate"
        self.trunk = Trunk(self.form, settings)
        self.apart = Trunk(self.form, settings) if is_apart else None
        self.emotion = Task(self.form, settings, n_classes)
        self.action_units = Task(self.form, settings, units) if units else None
        self.log_variances = nn.Parameter(torch.zeros(2)) if settings.weighting == "learned" else None
        self.register_buffer("mean", _constant(self.form.mean, settings.channels), persistent=False)
        self.register_buffer("std", _constant(self.form.std, settings.channels), persistent=False)
        self.apply(_begin)
        if weights:
            load_trunks([self.trunk, *([self.apart] if self.apart else [])], Path(weights), self.form.weights)
        if settings.precision == "bf16":  # for a GPU: `channels_last` of the settings knows pictures only
            self.to(memory_format=self.form.memory)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.seen(self._checked(x))
        levels = self.trunk(x)
        said = {"emotion": self.emotion(self.trunk, levels)}
        if self.action_units:
            trunk, levels = (self.apart, self.apart(x)) if self.apart else (self.trunk, levels)
            said["action_units"] = self.action_units(trunk, levels)
        if self.log_variances is not None:
            said["log_variances"] = self.log_variances.expand(len(x), 2)
        return said

    def seen(self, x: Tensor) -> Tensor:
        """The frames as the trunk takes them."""
        raise NotImplementedError

    @property
    def frames(self) -> int:
        """How many frames it is given."""
        raise NotImplementedError

    def _checked(self, x: Tensor) -> Tensor:
        size = self.settings.size
        expected = (self.frames, self.settings.channels, size, size)
        if tuple(x.shape[1:]) != expected:
            raise ValueError(
                f"{type(self).__name__}: expected frames (B, {', '.join(map(str, expected))}), got {tuple(x.shape)}: "
                "prepare the clips with the method's own `view`, and pass them through its `inputs`."
            )
        return x


class ApexBranch(Branch):
    """The apex frame. It is given apex and onset, and looks at the onset only where differences are asked for."""

    form, frames = PICTURE, 2

    def seen(self, x: Tensor) -> Tensor:  # (B, channels, H, W)
        if self.settings.difference == "both":
            return changed(x.flip(1))[:, 1]
        return (x[:, 0] - self.mean) / self.std


class ClipBranch(Branch):
    """The clip, from onset to offset."""

    form = CLIP

    @property
    def frames(self) -> int:
        return self.settings.frames

    def seen(self, x: Tensor) -> Tensor:  # (B, channels, T, H, W)
        x = (x - self.mean) / self.std if self.settings.difference == "none" else changed(x)
        return x.transpose(1, 2)


def changed(x: Tensor) -> Tensor:  # (B, T, channels, H, W)
    """What changes since the first frame, all frames made as bright as each other: the light flickers."""
    even = equal_light(x)
    return even - even[:, :1]


def _constant(values: tuple[float, float, float], channels: int) -> Tensor:  # (channels, 1, 1)
    made = torch.tensor(values)
    return (made if channels == 3 else made.mean(dim=0, keepdim=True))[:, None, None]


def _begin(module: nn.Module) -> None:
    """As torchvision begins."""
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


# Late fusion.


class Scale(nn.Module):
    """Scores (B, C) less the mean and over the standard deviation of all that it saw in training."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("count", "total", "squares"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, scores: Tensor) -> Tensor:
        if self.training:
            self._remember(scores.detach())
        seen = self.count.clamp(min=1)
        mean = self.total / seen
        std = (self.squares / seen - mean.square()).clamp(min=1e-12).sqrt()
        std = torch.where(self.count > 0, std, 1.0)  # before training they stay what they are
        return (scores - mean) / std

    def _remember(self, scores: Tensor) -> None:
        self.count += scores.numel()
        self.total += scores.sum()
        self.squares += scores.square().sum()


class Fusion(nn.Module):
    """Two score vectors (B, C) in one, before the softmax; α is the share of the first.

    Each is brought to one scale first: else the branch that is surer of itself would decide alone. Learned forms are
    fitted on clips that the branches were trained on: they come to trust the one that knows those by heart.
    """

    def __init__(self, form: str, alpha: float, n_classes: int) -> None:
        super().__init__()
        self.form, self.scales = form, nn.ModuleList([Scale(), Scale()])
        if form == "linear":
            self.mix = skip_init(nn.Linear, 2 * n_classes, n_classes)  # draws nothing: branches learn as ever
            with torch.no_grad():  # begins as the fixed form
                eye = torch.eye(n_classes)
                self.mix.weight.copy_(torch.cat([alpha * eye, (1 - alpha) * eye], dim=1))
                self.mix.bias.zero_()
        else:
            self.alpha = nn.Parameter(torch.tensor(alpha), requires_grad=False)
            if form == "learned":
                self.alpha = nn.Parameter(torch.tensor(alpha).logit())

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        first, second = (
            scale(scores.float()) for scale, scores in zip(self.scales, (first, second), strict=True)
        )
        if self.form == "linear":
            return self.mix(torch.cat([first, second], dim=1))
        share = self.alpha.sigmoid() if self.form == "learned" else self.alpha
        return share * first + (1 - share) * second


class TwoBranches(nn.Module):
    """Apex and clip (B, 1 + T, channels, H, W) → the fused emotion (B, C), and what each branch says beside it.

    While one branch learns, only that one is asked, and what it says is the answer.
    """

    def __init__(self, settings: "FAMNetSettings", n_classes: int) -> None:
        super().__init__()
        self.amnet2d = ApexBranch(settings, n_classes, settings.weights_2d)
        self.amnet3d = ClipBranch(settings, n_classes, settings.weights_3d)
        self.fuse = Fusion(settings.fusion, settings.alpha, n_classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        apex, clip = x[:, :2], x[:, 1:]  # apex and onset; onset to offset
        if self.amnet2d.training != self.amnet3d.training:
            return self.amnet2d(apex) if self.amnet2d.training else self.amnet3d(clip)
        return self._fused(self.amnet2d(apex), self.amnet3d(clip))

    def _fused(self, first: dict[str, Tensor], second: dict[str, Tensor]) -> dict[str, Tensor]:
        made = {f"{name}_2d": values for name, values in first.items()}
        made |= {f"{name}_3d": values for name, values in second.items()}
        made["emotion"] = self.fuse(first["emotion"], second["emotion"])
        if "action_units" in first:
            made["action_units"] = (first["action_units"] + second["action_units"]) / 2
        return made


# Losses.


def unit_targets(clips: ClipSet, units: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Which action units each clip shows, and whether that is known: (N, A) of 0 and 1 each."""
    cells = clips.clips.get("action_units")
    if cells is None or cells.isna().all():
        raise ValueError(
            "Expected clips with action units, got a corpus whose labels have none: choose another, or learn the "
            "expression alone with au_weight=0.0."
        )
    shown = [{unit.number for unit in resolve(parse_action_units(cell))} for cell in cells]
    targets = torch.tensor([[float(unit in there) for unit in units] for there in shown])
    known = torch.tensor(cells.notna().to_numpy(dtype=np.float32))[:, None].expand_as(targets)
    return targets, known.clone()


def unit_weights(targets: Tensor, known: Tensor, fewest: int, most: float) -> Tensor:
    """What each label (N, A) weighs in the loss: an action unit that is rarer weighs more where it is shown.

    One that fewer than `fewest` of these clips show weighs nothing, and so does what is unknown.
    """
    positives = (targets * known).sum(dim=0)  # (A,)
    negatives = known.sum(dim=0) - positives
    rarity = (negatives / positives.clamp(min=1)).clamp(max=most)
    return known * (positives >= fewest) * torch.where(targets > 0, rarity, 1.0)


def unit_loss(scores: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy of (B, A) scores, a mean over the labels that count."""
    terms = weights * F.binary_cross_entropy_with_logits(scores, targets, reduction="none")
    return terms.sum() / (weights > 0).sum().clamp(min=1)


def weighed(terms: dict[str, Tensor], log_variances: Tensor) -> dict[str, Tensor]:
    """Each term over a variance that is learned, so that neither has to be tuned (arXiv 1705.07115)."""
    pairs = zip(terms.items(), log_variances, strict=True)
    return {name: (-s).exp() * term + s for (name, term), s in pairs}


# Settings, presets, methods.


class AMNetSettings(NetworkSettings):
    """What the three methods share."""

    attention: Literal["hier", "cbam", "none"] = Field(
        "hier", description="of the tasks, of the trunk, or none"
    )
    passing: Literal["pooled", "convolved"] = Field(
        "pooled", description="what comes first between two levels of attention: to pool, or to convolve"
    )
    trunks: Literal["shared", "separate"] = Field(
        "shared", description="the tasks share one, or each has its own: then they can't help each other"
    )
    units: tuple[int, ...] = Field(COMMON, min_length=1, description="the action units to learn")
    au_weight: float = Field(1.0, ge=0, description="of their loss; 0: the expression is the only task")
    au_fewest: int = Field(5, ge=1, description="training clips that show one, else it is left out")
    au_most: float = Field(
        10.0, ge=1, description="a shown one weighs neg / pos of the training clips, at most this"
    )
    au_shuffle: int | None = Field(
        None, ge=0, description="a seed: each training clip gets the action units of another; none: its own"
    )
    weighting: Literal["fixed", "learned"] = Field("fixed", description="of the two losses")
    frames: int = Field(16, ge=2, le=64, description="of a clip")
    size: int = Field(112, ge=32, le=224, description="side of a frame")
    colour: bool = Field(True, description="grey clips are repeated in all channels")
    channels: Literal[1, 3] = Field(3, description="that the trunk takes")
    width: int = Field(64, ge=4, description="of the first level; the others are 2, 4 and 8 times as wide")
    head_rate: float | None = Field(
        None, gt=0, description="learning rate of the heads; none: that of the rest"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="before each head")
    difference: Literal["none", "clip", "both"] = Field(
        "none",
        description="where changes since the onset take the place of raw frames: ours, not the paper's",
    )
    apex_shift: int = Field(0, ge=-32, le=32, description="frames of the clip that the apex is missed by")
    shrink: int = Field(
        1, ge=1, description="pixels across that are averaged into one: the view is finer by that"
    )
    align: Literal["clip", "frame"] = Field("clip", description="as in a View")

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Of the four levels."""
        return self.width, 2 * self.width, 4 * self.width, 8 * self.width

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.colour and self.channels == 1:
            raise ValueError(
                "expected channels=3 for frames in colour, got 1: set colour=false for grey ones"
            )
        if self.channels_last:
            raise ValueError(
                "expected channels_last=false: with precision='bf16' these networks do it themselves"
            )
        if self.weighting == "learned" and not self.au_weight:
            raise ValueError("weighting='learned' needs two losses, got au_weight=0: leave one of them out")
        if len(set(self.units)) < len(self.units):
            raise ValueError(f"expected each action unit once, got units={list(self.units)}")
        return self


class BranchSettings(AMNetSettings):
    """One branch alone."""

    weights: str | None = Field(
        None, description="file of torchvision's weights to begin with; none: at random"
    )


class FAMNetSettings(AMNetSettings):
    """Both branches, and their fusion."""

    weights_2d: str | None = Field(None, description="file of torchvision's resnet18; none: begin at random")
    weights_3d: str | None = Field(None, description="file of torchvision's r3d_18; none: begin at random")
    fusion: Literal["fixed", "learned", "linear"] = Field(
        "fixed", description="of the scores: α as set, α as learned, or a linear layer"
    )
    alpha: float = Field(0.5, gt=0, lt=1, description="share of the apex frame's branch")
    fusion_epochs: int = Field(
        5, ge=1, description="of a learned fusion; a fixed one takes one, for its scales"
    )

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        if self.released.frozen_after_first_epoch:
            raise ValueError(
                "frozen_after_first_epoch is for networks that learn in one stage; famnet has several"
            )
        return self


HEADS = r"\.head\."
WEIGHING = r"^(alpha|mix\..*|log_variances)$"  # branches, or losses
WEIGHING_RATE = 0.05  # few numbers with far to go: at the rate of the rest they stay where they begin
SMALL = {
    "width": 8, "frames": 8, "size": 32, "shrink": 4, "colour": False, "channels": 1, "align": "frame",
    "difference": "clip", "epochs": 25, "batch": 16, "rate": 2e-3, "schedule": "cosine",
    "augment": {"flip": True, "shift": 0.05},
}  # fmt: skip
FULL = {
    "epochs": 60, "rate": 1e-4, "head_rate": 1e-3, "decay": 1e-3, "schedule": "cosine", "precision": "bf16",
    "augment": {"flip": True, "rotate": 5.0, "shift": 0.05, "contrast": 0.2, "brightness": 0.2},
}  # fmt: skip


class _Branches(NetworkMethod):
    """What the three methods do alike."""

    origin = "abstract"

    @property
    def view(self) -> View:
        chosen = self.settings
        size = chosen.size * chosen.shrink
        return View(
            frames=chosen.frames, size=size, colour=chosen.colour, align=chosen.align, landmarks=False
        )

    @property
    def action_units(self) -> tuple[int, ...]:
        return self.settings.units if self.settings.au_weight else ()

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        made = {"x": self.pictures(clips)}
        if self.settings.au_weight:
            made["action_units"], made["action_unit_weight"] = unit_targets(clips, self.settings.units)
        return made

    def pictures(self, clips: ClipSet) -> Tensor:
        """The frames that the network takes, (N, frames, channels, H, W)."""
        raise NotImplementedError

    def apex(self, clips: ClipSet) -> Tensor:  # (N, 2, channels, H, W)
        """The frame nearest to the apex, or to the middle where none is labelled, and the onset."""
        frames = np.asarray(clips.frames)
        at = self.view.apex_moment(clips.clips) + self.settings.apex_shift
        rows, at = np.arange(len(frames)), at.clip(0, frames.shape[1] - 1)
        return self.shrunk(np.stack([frames[rows, at], frames[:, 0]], axis=1))

    def shrunk(self, frames: np.ndarray) -> Tensor:
        """(N, T, H, W[, 3]) of 0 … 255 → (N, T, channels, size, size) of 0 … 1."""
        x = torch.from_numpy(np.array(frames)).float() / 255
        x = x[:, :, None] if x.dim() == 4 else x.permute(0, 1, 4, 2, 3)
        x = F.avg_pool2d(x.flatten(0, 1), self.settings.shrink).unflatten(0, x.shape[:2])
        return x.expand(-1, -1, self.settings.channels, -1, -1)

    def fold(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The training clips' inputs, once it is known which they are: what is counted over clips is counted here."""
        chosen = self.settings
        if not chosen.au_weight:
            return inputs
        targets, known = inputs["action_units"], inputs["action_unit_weight"]
        if chosen.au_shuffle is not None:
            seeded = torch.Generator().manual_seed(chosen.au_shuffle)
            order = torch.randperm(len(targets), generator=seeded).to(targets.device)
            targets, known = targets[order], known[order]
        weights = unit_weights(targets, known, chosen.au_fewest, chosen.au_most)
        return {**inputs, "action_units": targets, "action_unit_weight": weights}

    def guess(self, train: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each action unit as often as it is shown, in the weights of the loss."""
        if not self.settings.au_weight:
            return {}
        weight, targets = train["action_unit_weight"], train["action_units"]
        shares = (weight * targets).sum(dim=0) / weight.sum(dim=0).clamp(min=1e-6)  # (A,)
        return {"action_units": shares.logit(eps=1e-6)}

    def unseen(self, inputs: dict[str, Tensor], train: dict[str, Tensor]) -> dict[str, Tensor]:
        """An action unit weighs what it weighed in training."""
        if not self.settings.au_weight:
            return inputs
        rarity = (train["action_unit_weight"] * train["action_units"]).amax(dim=0)  # (A,); 0: it was left out
        shown = torch.where(inputs["action_units"] > 0, rarity, 1.0)
        return {**inputs, "action_unit_weight": inputs["action_unit_weight"] * (rarity > 0) * shown}

    def groups(self, part: nn.Module) -> list[dict]:
        def named(pattern: str) -> list[nn.Parameter]:
            return [p for name, p in part.named_parameters() if re.search(pattern, name)]

        heads, weighing = named(HEADS), named(WEIGHING)
        rest = [p for p in part.parameters() if all(p is not other for other in (*heads, *weighing))]
        own = {"lr": self.settings.head_rate} if self.settings.head_rate else {}
        far = {"lr": WEIGHING_RATE, "weight_decay": 0.0}
        groups = [{"params": rest}, {"params": heads, **own}, {"params": weighing, **far}]
        return [group for group in groups if group["params"]]

    def losses(self, outputs: dict[str, Tensor], batch: dict[str, Tensor], stage: Stage) -> dict[str, Tensor]:
        made = super().losses({"emotion": outputs["emotion"].float()}, batch, stage)
        if not self.settings.au_weight or stage.name == "fusion":
            return made
        error = unit_loss(outputs["action_units"].float(), batch["action_units"], batch["action_unit_weight"])
        made["action_units"] = self.settings.au_weight * error
        return weighed(made, outputs["log_variances"][0]) if "log_variances" in outputs else made


class AMNet2D(_Branches):
    """The apex frame alone."""

    name = "amnet2d"
    Settings = BranchSettings
    files = ("weights",)
    presets: ClassVar = {"book": SMALL, "paper": {**FULL, "batch": 32}}

    def pictures(self, clips: ClipSet) -> Tensor:
        return self.apex(clips)

    def network(self, n_classes: int) -> nn.Module:
        return ApexBranch(self.settings, n_classes, self.settings.weights)


class AMNet3D(_Branches):
    """The clip alone."""

    name = "amnet3d"
    Settings = BranchSettings
    files = ("weights",)
    presets: ClassVar = {"book": SMALL, "paper": FULL}

    def pictures(self, clips: ClipSet) -> Tensor:
        return self.shrunk(clips.frames)

    def network(self, n_classes: int) -> nn.Module:
        return ClipBranch(self.settings, n_classes, self.settings.weights)


class FAMNet(_Branches):
    """Both, each trained for itself, then fused."""

    name = "famnet"
    Settings = FAMNetSettings
    files = ("weights_2d", "weights_3d")
    presets: ClassVar = {"book": SMALL, "paper": FULL}

    def pictures(self, clips: ClipSet) -> Tensor:
        """The apex stands before the clip: one tensor, so that augmentation moves both alike."""
        return torch.cat([self.apex(clips)[:, :1], self.shrunk(clips.frames)], dim=1)

    def network(self, n_classes: int) -> nn.Module:
        return TwoBranches(self.settings, n_classes)

    def stages(self) -> tuple[Stage, ...]:
        chosen = self.settings
        fusing = 1 if chosen.fusion == "fixed" else chosen.fusion_epochs
        return (
            Stage("apex", chosen.epochs, "amnet2d"),
            Stage("clip", chosen.epochs, "amnet3d"),
            Stage("fusion", fusing, "fuse"),
        )
