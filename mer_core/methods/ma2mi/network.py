"""From macro- to micro-expressions (MA2MI) and the network that it trains (MIACNet): a reconstruction.

H. Li, H. Niu, F. Zhao, "From Macro to Micro: Boosting Micro-Expression Recognition via Pre-Training on Macro-Expression
Videos", 2024 (arXiv 2405.16451). The abstract and summaries of it were known to us, the body of the paper was not, and
there is no public code. So this is a reconstruction: what the abstract says, completed from the public code of the same
authors' earlier network (MMNet, IJCAI 2022) and by our own choices. Each open point is a setting:

    known        two branches, one for the position of the face and one for its action; first the network learns to
                 reconstruct a future frame of macro-expression videos, then to recognise micro-expressions
    from MMNet   the action branch sees apex − onset, with attention that is handed down from block to block; the
                 position branch sees the onset as a thumbnail, with a transformer; their maps are added
    our choice   how a frame is reconstructed (`decoder`), through how many channels (`bottleneck`), with which pairs

Here are the network, its settings and the method, in this order; then come `reconstruction.py`, the decoders of the
first stage and its loss, and `pretraining.py`, the stage itself.

The preset `book` aligns every frame, and its classifier knows the places of the map, as MMNet's does. On the clips that
it was chosen by, of larger movements (`synth-easy`), UF1 was about .74 with both, .49 without places, .35 without
either. Aligning is safe there because synthetic landmarks are exact; those of a detector jitter, and that would be the
action. Left out of MMNet's training: key frames that vary a little, and a rate that falls for 50 epochs only; a cosine
stands for it.

224 pixels, three classes: 8,942,199 parameters with a pooled classifier, 9,241,719 with a flattened one.
"""

import math
from collections.abc import Collection
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock
from torchvision.ops import StochasticDepth

from mer_core.clips import ClipSet, View
from mer_core.methods.base import NetworkMethod, NetworkSettings, Stage, Start
from mer_core.vision.augment import Augment

Width = Annotated[int, Field(ge=1)]
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)  # of ImageNet's colours, as in MMNet
SPREAD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

# The action branch: what moved, from the difference of two frames.


def conv_norm(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size, or halves it, and batch norm."""
    conv = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after))


class Projection(nn.Conv2d):
    """1 × 1 at every other place or at each. PyTorch's own stride breaks memory here (2.15, AVX2, channels last)."""

    def __init__(self, before: int, after: int, step: int) -> None:
        super().__init__(before, after, 1, bias=False)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[:, :, :: self.step, :: self.step])


class ContinuousAttention(nn.Module):
    r"""A residual block that looks where the block before it looked: (B, before, H, W) → (B, after, H/s, W/s).

    $$h = relu(K_2 relu(K_1 y) + S y), \qquad m = \sigma(w * [mean_c h, max_c h]) \cdot pool(m'), \qquad y' = m h$$

    from what the block before gave, $y$ and its map $m'$. A product of sigmoids, one a block: attention can only
    shrink. It begins near 1 for that reason.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        first, second = conv_norm(before, after, 3, stride), conv_norm(after, after, 1)  # K₁ and K₂
        self.convolve = nn.Sequential(first, nn.ReLU(), second)
        changes = before != after or stride != 1
        self.shortcut = shortcut(before, after, stride) if changes else nn.Identity()
        self.look = conv_norm(2, 1, 1)
        self.stride = stride
        nn.init.constant_(self.look.get_parameter("1.bias"), 2.0)

    def forward(self, y: Tensor, m_before: Tensor | None) -> tuple[Tensor, Tensor]:
        h = F.relu(self.convolve(y) + self.shortcut(y))  # (B, after, H/s, W/s)
        summary = torch.cat([h.mean(dim=1, keepdim=True), h.amax(dim=1, keepdim=True)], dim=1)
        m = self.look(summary).sigmoid()  # (B, 1, H/s, W/s)
        if m_before is not None:
            m = m * F.max_pool2d(m_before, 3, self.stride, padding=1)
        return h * m, m


def shortcut(before: int, after: int, stride: int) -> nn.Sequential:
    """Around a block that changes width or size."""
    return nn.Sequential(Projection(before, after, stride), nn.BatchNorm2d(after))


class ActionBranch(nn.Module):
    """Two convolutions and four blocks: (B, 3, S, S) → (B, D, g, g)."""

    def __init__(self, settings: "MA2MISettings", channels: int) -> None:
        super().__init__()
        first, *rest = settings.widths
        self.stem = nn.Sequential(
            conv_norm(channels, settings.stem, 3, settings.stem_stride), nn.ReLU(),
            conv_norm(settings.stem, first, 3), nn.ReLU(),
        )  # fmt: skip
        pairs = pairwise((first, first, *rest))
        self.blocks = nn.ModuleList(
            ContinuousAttention(*pair, stride) for pair, stride in zip(pairs, (1, 2, 2, 2), strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.attended(x)[0]

    def attended(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The features, and every block's map."""
        y, m, maps = self.stem(x), None, []
        for block in self.blocks:
            y, m = block(y, m)
            maps.append(m)
        return y, maps


class ResNetBranch(nn.Module):
    """ResNet-18 in its place, by the same names of weights; the last stage does not halve, so that the grid fits."""

    def __init__(self, settings: "MA2MISettings", channels: int) -> None:
        super().__init__()
        width = settings.width // 8
        self.conv1 = nn.Conv2d(channels, width, 7, settings.stem_stride, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1, self.layer2 = residual(width, width, 1), residual(width, 2 * width, 2)
        self.layer3, self.layer4 = residual(2 * width, 4 * width, 2), residual(4 * width, 8 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def residual(before: int, after: int, stride: int) -> nn.Sequential:
    """A stage of ResNet-18: two blocks."""
    around = shortcut(before, after, stride) if before != after else None
    return nn.Sequential(BasicBlock(before, after, stride, around), BasicBlock(after, after))


ACTION = {"attention": ActionBranch, "resnet18": ResNetBranch}

# The position branch: where the parts of the face are, from the first frame. The thumbnail loses who it is.


class Attention(nn.Module):
    """Tokens (B, N, D) ask tokens (B, M, D), by default themselves."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor, asked: Tensor | None = None) -> Tensor:
        asked = x if asked is None else asked
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, N or M, D / heads)
            for part in (self.query(x), self.key(asked), self.value(asked))
        )
        seen = F.scaled_dot_product_attention(query, key, value)
        return self.out(seen.transpose(1, 2).flatten(2))


def feed_forward(width: int, times: int) -> nn.Sequential:
    """Two layers on every token alone."""
    return nn.Sequential(nn.Linear(width, times * width), nn.GELU(), nn.Linear(times * width, width))


class TransformerBlock(nn.Module):
    """Tokens look at each other, then each thinks for itself: (B, N, D)."""

    def __init__(self, width: int, heads: int, times: int, drop: float = 0.0) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.think = nn.Sequential(nn.LayerNorm(width), feed_forward(width, times))
        self.drop = StochasticDepth(drop, "row")

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.attend(x))
        return x + self.drop(self.think(x))


class PositionBranch(nn.Module):
    r"""A pixel of the thumbnail, or a patch of the frame, is a token: (B, 3, S, S) → (B, D, g, g).

    $$P(x_0) = T(E\,shrink(x_0) + e)$$ with the embedding $E$, learnt places $e$ and the transformer $T$.
    """

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        width, grid, depth = settings.width, settings.grid, settings.depth
        patch = 1 if settings.position == "thumbnail" else settings.size // grid
        self.side = grid * patch
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.place = nn.Parameter(0.02 * torch.randn(1, grid**2, width))
        drops = np.linspace(0, settings.drop_path, depth).tolist()
        blocks = [TransformerBlock(width, settings.heads, settings.times, drop) for drop in drops]
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width))

    def forward(self, x: Tensor) -> Tensor:
        tokens = as_tokens(self.embed(F.adaptive_avg_pool2d(x, self.side)))  # (B, g², D)
        return as_map(self.blocks(tokens + self.place))


def as_tokens(x: Tensor) -> Tensor:
    """(B, D, g, g) → (B, g², D)."""
    return x.flatten(2).transpose(1, 2)


def as_map(tokens: Tensor) -> Tensor:
    """(B, g², D) → (B, D, g, g)."""
    return tokens.transpose(1, 2).unflatten(2, (math.isqrt(tokens.shape[1]), -1))


# Both together.


class Sum(nn.Module):
    """As in MMNet."""

    def forward(self, action: Tensor, position: Tensor) -> Tensor:
        return action + position


class Mix(nn.Module):
    """Side by side, then a 1 × 1 convolution."""

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * settings.width, settings.width, 1)

    def forward(self, action: Tensor, position: Tensor) -> Tensor:
        return self.mix(torch.cat([action, position], dim=1))


class Ask(nn.Module):
    """Each place of the action map asks the position map."""

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        self.attend = Attention(settings.width, settings.heads)

    def forward(self, action: Tensor, position: Tensor) -> Tensor:
        return action + as_map(self.attend(as_tokens(action), as_tokens(position)))


FUSION = {"concat": Mix, "attention": Ask}


def fusion(settings: "MA2MISettings") -> nn.Module:
    """How the two maps become one; a single branch needs no fusion."""
    if settings.branches != "both":
        return nn.Identity()
    return Sum() if settings.fusion == "sum" else FUSION[settings.fusion](settings)


class Encoder(nn.Module):
    """The first frame and a later one (B, 2, 3, S, S) → what moves, and where (B, D, g, g): F = A(x₁ − x₀) + P(x₀)."""

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        self.is_stacked = settings.branches == "stacked"
        has_action, has_position = settings.branches != "position", settings.branches in ("both", "position")
        action = ACTION[settings.encoder]
        self.action = action(settings, channels=6 if self.is_stacked else 3) if has_action else None
        self.position = PositionBranch(settings) if has_position else None
        self.fuse = fusion(settings)

    def forward(self, x: Tensor, without: Collection[str] = ()) -> Tensor:
        """`without` silences branches, to see what they are good for."""
        maps = self.branches(x)
        return self.fuse(*[values * (name not in without) for name, values in maps.items()])

    def branches(self, x: Tensor) -> dict[str, Tensor]:  # (B, D, g, g) each
        """What each branch says, before they meet."""
        now, later = x.unbind(dim=1)
        moved = x.flatten(1, 2) if self.is_stacked else later - now
        maps = {"action": self.action(moved)} if self.action else {}
        return maps | ({"position": self.position(now)} if self.position else {})


class MIACNet(nn.Module):
    """Onset and apex (B, 2, 3, S, S) → emotion (B, C)."""

    def __init__(self, settings: "MA2MISettings", n_classes: int) -> None:
        super().__init__()
        self.size = settings.size
        self.encode = Encoder(settings)
        self.classify = classifier(settings, n_classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        expected = (2, 3, self.size, self.size)
        if tuple(x.shape[1:]) != expected:
            raise ValueError(
                f"Expected onset and apex (B, {', '.join(map(str, expected))}), got {tuple(x.shape)}: prepare the "
                "clips with the method's own `view`, and pass them through its `inputs`."
            )
        return {"emotion": self.classify(self.encode(x))}


def classifier(settings: "MA2MISettings", n_classes: int) -> nn.Sequential:
    """Scores W · mean over places of F + b or, `flatten`, a weight W for each place: that is where position matters."""
    if settings.head == "flatten":
        return nn.Sequential(nn.Flatten(), nn.Linear(settings.width * settings.grid**2, n_classes))
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(settings.dropout),
        nn.Linear(settings.width, n_classes),
    )


# Settings, presets and the method.


class Pretraining(NetworkSettings):
    """What is done before: the paper's text was not known to us, so all values are our choice."""

    start: str = Field(
        "scratch",
        description="first weights: scratch; ma2mi, by reconstruction; supervised, by naming macro-expressions; or a "
        ".safetensors file with its card beside it",
    )
    macro: str = Field("synth-macro", description="corpus of the videos")
    macro_limit: int | None = Field(None, ge=2, description="videos, at most")
    moments: int = Field(16, ge=3, le=64, description="frames of a video, spread evenly over its expression")
    gaps: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 2, 3),
        min_length=1,
        description="moments from the current frame to the later one, in either direction",
    )
    most_head: float = Field(2.0, gt=0, description="pairs whose head moves by more pixels are left out")
    most_change: float = Field(
        40.0,
        gt=0,
        description="pairs that differ by more grey levels on the mean are left out: a cut, a flash",
    )
    still_below: float = Field(0.1, ge=0, description="pixels: a pair that moves less is still")
    still_share: float = Field(0.2, ge=0, lt=1, description="of the pairs, at most")
    actions: Literal["own", "shuffled"] = Field(
        "own",
        description="whose action the decoder gets: shuffled, it learns from another pair's, as a control",
    )
    decoder: Literal["direct", "latent", "diffusion"] = Field(
        "direct", description="draws pixels; latents; or latents out of noise"
    )
    bottleneck: int = Field(16, ge=1, description="channels of the features that reach the decoder")
    condition: Literal["tokens", "pooled"] = Field(
        "tokens", description="features at each place, or their mean"
    )
    motion_weight: float = Field(
        1.0, ge=0, description="beta: what moves counts for up to 1 + 5 beta times as much"
    )
    decoder_width: int = Field(384, ge=8, description="of the decoder's tokens")
    decoder_depth: int = Field(4, ge=1, description="its blocks")
    decoder_heads: int = Field(6, ge=1)
    compressor: int = Field(32, ge=4, multiple_of=4, description="width of the autoencoder behind latents")
    macro_steps: int = Field(20_000, ge=1)
    macro_batch: int = Field(64, ge=2, description="pairs a step")
    macro_rate: float = Field(3e-4, gt=0, description="learning rate, after a warm-up of 5 %, then a cosine")
    macro_decay: float = Field(0.05, ge=0)
    macro_augment: Augment = Augment(flip=True, rotate=4.0, shift=0.018)


class MA2MISettings(Pretraining):
    """MMNet's sizes; its training is the preset `paper`. What stands here is what networks mostly take."""

    size: int = Field(224, ge=32, multiple_of=16, description="side of a frame")
    colour: bool = Field(True, description="a grey corpus needs false: its frames are repeated")
    align: Literal["clip", "frame"] = Field("clip", description="as in a View")
    even: bool = Field(False, description="every frame as bright as the first: the light flickers")
    branches: Literal["both", "action", "position", "stacked"] = Field(
        "both", description="or one alone; stacked: both frames as they are, in one encoder"
    )
    encoder: Literal["attention", "resnet18"] = Field("attention", description="of the action branch")
    stem: int = Field(180, ge=1, description="width of its first convolution")
    stem_stride: Literal[1, 2] = Field(2)
    widths: tuple[Width, Width, Width, Width] = Field((128, 128, 256, 512), description="of its blocks")
    position: Literal["thumbnail", "patches"] = Field(
        "thumbnail", description="what the position branch sees"
    )
    depth: int = Field(3, ge=1, description="blocks of the position branch")
    heads: int = Field(4, ge=1)
    times: int = Field(2, ge=1, description="that its hidden layers are wider")
    drop_path: float = Field(0.3, ge=0, lt=1, description="of its last block")
    fusion: Literal["sum", "concat", "attention"] = Field("sum")
    head: Literal["gap", "flatten"] = Field(
        "gap", description="classifier on the mean place, or on all places"
    )
    dropout: float = Field(0.5, ge=0, lt=1)
    tune: Literal["all", "classifier"] = Field(
        "all", description="what learns: a linear probe, or everything"
    )
    slower: float = Field(0.125, gt=0, le=1, description="share of the rate for what was learnt before")

    @property
    def width(self) -> int:
        """D, of the features."""
        return self.widths[-1]

    @property
    def grid(self) -> int:
        """g, places along a side of the features."""
        return self.size // (8 * self.stem_stride)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, width in (("heads", self.width), ("decoder_heads", self.decoder_width)):
            if width % getattr(self, name):
                raise ValueError(f"expected {name} that divide a width of {width}, got {getattr(self, name)}")
        if self.encoder == "resnet18" and self.width % 8:
            raise ValueError(f"expected a last width that 8 divides for resnet18, got {self.width}")
        if self.start not in ("scratch", "ma2mi", "supervised") and not self.start.endswith(".safetensors"):
            raise ValueError(
                f"expected start to be scratch, ma2mi, supervised or a .safetensors file, got {self.start!r}"
            )
        if self.tune == "classifier" and self.start == "scratch":
            raise ValueError("tune='classifier' needs features that were learnt before: set start")
        return self


SMALL = {
    "size": 96, "align": "frame", "even": True, "stem": 24, "widths": [16, 16, 32, 64], "depth": 2, "drop_path": 0.0,
    "head": "flatten", "decoder_width": 128, "decoder_depth": 3, "decoder_heads": 4, "bottleneck": 8, "compressor": 16,
    "macro_limit": 240, "moments": 12, "macro_steps": 400, "macro_batch": 32, "macro_rate": 1e-3,
}  # fmt: skip


class MA2MI(NetworkMethod[MA2MISettings]):
    """Recognise from onset and apex; where it starts from is a setting."""

    name = "miacnet"
    origin = "abstract"
    Settings = MA2MISettings
    before = "mer_core.methods.ma2mi.pretraining:lesson"
    presets: ClassVar = {
        "book": {
            **SMALL, "epochs": 40, "batch": 8, "schedule": "cosine", "channels_last": True, "slower": 1.0,
            "augment": {"flip": True, "shift": 0.05},
        },
        "paper": {
            "epochs": 99, "batch": 24, "rate": 8e-4, "decay": 0.7, "schedule": "cosine", "balance": False,
            "augment": {"flip": True, "rotate": 4.0, "shift": 0.018},
        },
    }  # fmt: skip
    kinds: ClassVar = {"x": "image"}

    @property
    def start(self) -> str:
        return self.settings.start

    @property
    def view(self) -> View:
        chosen = {name: getattr(self.settings, name) for name in ("size", "colour", "align")}
        return View(frames=2, span="onset-apex", landmarks=False, **chosen)

    @property
    def macro_view(self) -> View:
        """What pre-training sees of a video."""
        return self.view.replace(frames=self.settings.moments, span="onset-offset", landmarks=True)

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        return {"x": self.scaled(np.array(clips.frames))}

    def scaled(self, frames: np.ndarray) -> Tensor:
        """uint8 (N, T, H, W) or (N, T, H, W, 3) → (N, T, 3, H, W) in units of ImageNet's colours."""
        pixels = torch.from_numpy(frames).float() / 255
        pixels = pixels.movedim(-1, 2) if frames.ndim == 5 else pixels[:, :, None].expand(-1, -1, 3, -1, -1)
        if self.settings.even:
            light = pixels.mean(dim=(2, 3, 4), keepdim=True)
            pixels = pixels * light[:, :1] / light.clamp(min=1e-6)
        return (pixels - MEAN) / SPREAD

    def pictures(self, x: Tensor) -> np.ndarray:  # (…, H, W, 3) uint8
        """The way back from `scaled`, of frames (…, 3, H, W): to be looked at; what was made even stays even."""
        grey_levels = (255 * (x * SPREAD + MEAN)).round().clamp(0, 255)
        return grey_levels.byte().movedim(-3, -1).numpy()

    def network(self, n_classes: int) -> nn.Module:
        return MIACNet(self.settings, n_classes)

    def begin(self, network: nn.Module, start: Start | None) -> None:
        if (start is None) != (self.settings.start == "scratch"):
            raise ValueError(
                f"miacnet is set to start={self.settings.start!r} and was given {'no ' * (start is None)}weights: a "
                "run fetches them by itself; elsewhere `first_weights` of mer_core.training.starts does."
            )
        if start is not None:
            start.load(network)

    def stages(self) -> tuple[Stage, ...]:
        part = "classify" if self.settings.tune == "classifier" else ""
        return (Stage(self.settings.tune, self.settings.epochs, part),)

    def groups(self, part: nn.Module) -> list[dict]:
        """What was learnt before moves more slowly than a fresh classifier."""
        if self.settings.start == "scratch" or not isinstance(part, MIACNet):
            return super().groups(part)
        slow = {"params": list(part.encode.parameters()), "lr": self.settings.slower * self.settings.rate}
        return [slow, {"params": list(part.classify.parameters())}]
