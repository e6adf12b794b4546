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

What a frame looks like may reach the decoder as it is, how it moves through the encoder alone: x₁ is seen only as
x₁ − x₀. All parts of the pre-training that need a corpus are in `mer_core/training/pretraining.py`.

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
from torchvision.transforms.functional import gaussian_blur

from mer_core.clips import ClipSet, View
from mer_core.methods.base import Augment, NetworkMethod, NetworkSettings, Stage, Start

Width = Annotated[int, Field(ge=1)]
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, as in MMNet

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
    """A residual block that looks where the block before it looked: (B, before, H, W) → (B, after, H/s, W/s).

    The map is a product of sigmoids, one a block: attention can only shrink. It begins near 1 for that reason.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.convolve = nn.Sequential(
            conv_norm(before, after, 3, stride), nn.ReLU(), conv_norm(after, after, 1)
        )
        changes = before != after or stride != 1
        self.shortcut = shortcut(before, after, stride) if changes else nn.Identity()
        self.look = conv_norm(2, 1, 1)
        self.stride = stride
        nn.init.constant_(self.look[1].bias, 2.0)

    def forward(self, x: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor]:
        x = F.relu(self.convolve(x) + self.shortcut(x))
        summary = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        looks = self.look(summary).sigmoid()  # (B, 1, H/s, W/s)
        if seen is not None:
            looks = looks * F.max_pool2d(seen, 3, self.stride, padding=1)
        return x * looks, looks


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
        x, maps = self.stem(x), []
        for block in self.blocks:
            x, looks = block(x, maps[-1] if maps else None)
            maps.append(looks)
        return x, maps


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
        parts = [self.query(x), self.key(asked), self.value(asked)]
        seen = F.scaled_dot_product_attention(
            *[part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts]
        )
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
    """A pixel of the thumbnail, or a patch of the frame, is a token: (B, 3, S, S) → (B, D, g, g)."""

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        width, grid, depth = settings.width, settings.grid, settings.depth
        patch = 1 if settings.position == "thumbnail" else settings.size // grid
        self.side = grid * patch
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.place = nn.Parameter(0.02 * torch.randn(1, grid**2, width))
        drops = np.linspace(0, settings.drop_path, depth).tolist()
        self.blocks = nn.Sequential(
            *[TransformerBlock(width, settings.heads, settings.times, drop) for drop in drops],
            nn.LayerNorm(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        embedded = self.embed(F.adaptive_avg_pool2d(x, self.side))  # (B, D, g, g)
        return as_map(self.blocks(as_tokens(embedded) + self.place))


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


def fusion(settings: "MA2MISettings") -> nn.Module:
    """How the two maps become one; a single branch needs no fusion."""
    if settings.branches != "both":
        return nn.Identity()
    return {"sum": lambda _: Sum(), "concat": Mix, "attention": Ask}[settings.fusion](settings)


class Encoder(nn.Module):
    """The first frame and a later one (B, 2, 3, S, S) → what moves, and where (B, D, g, g)."""

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        self.is_stacked = settings.branches == "stacked"
        has_action, has_position = settings.branches != "position", settings.branches in ("both", "position")
        channels = 6 if self.is_stacked else 3
        self.action = ACTION[settings.encoder](settings, channels) if has_action else None
        self.position = PositionBranch(settings) if has_position else None
        self.fuse = fusion(settings)

    def forward(self, x: Tensor, without: Collection[str] = ()) -> Tensor:
        """`without` silences branches, to see what they are good for."""
        made = self.branches(x)
        return self.fuse(*[values * (name not in without) for name, values in made.items()])

    def branches(self, x: Tensor) -> dict[str, Tensor]:  # (B, D, g, g) each
        """What each branch says, before they meet."""
        now, later = x.unbind(dim=1)
        moved = x.flatten(1, 2) if self.is_stacked else later - now
        made = {"action": self.action(moved)} if self.action else {}
        return made | ({"position": self.position(now)} if self.position else {})


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
    """Averaged over places, or with a weight for each place: that is where position can matter."""
    if settings.head == "flatten":
        return nn.Sequential(nn.Flatten(), nn.Linear(settings.width * settings.grid**2, n_classes))
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(settings.dropout),
        nn.Linear(settings.width, n_classes),
    )


# Pre-training: a later frame from the current one, and the movement through a bottleneck.


class FrameDecoder(nn.Module):
    """Draws the change of a picture (B, C, s, s) from the picture and the encoder's features (B, D, g, g).

    The change of all features would fit through the features as they are: only `bottleneck` channels of them pass.
    """

    def __init__(self, settings: "MA2MISettings", channels: int, side: int) -> None:
        super().__init__()
        width, self.patch = settings.decoder_width, side // settings.grid
        self.narrow = bottleneck(settings)
        self.embed = nn.Conv2d(channels, width, self.patch, stride=self.patch)
        self.place = nn.Parameter(0.02 * torch.randn(1, settings.grid**2, width))
        self.blocks = nn.Sequential(
            *[
                TransformerBlock(width, settings.decoder_heads, times=4)
                for _ in range(settings.decoder_depth)
            ],
            nn.LayerNorm(width),
        )
        self.draw = nn.Linear(width, channels * self.patch**2)
        nn.init.zeros_(self.draw.weight)  # it begins as a copy of the current frame
        nn.init.zeros_(self.draw.bias)

    def forward(self, now: Tensor, features: Tensor) -> Tensor:
        tokens = as_tokens(self.embed(now) + self.narrow(features))
        drawn = self.draw(self.blocks(tokens + self.place))  # (B, g², C · patch²)
        return now + F.pixel_shuffle(as_map(drawn), self.patch)


def bottleneck(settings: "MA2MISettings") -> nn.Sequential:
    """(B, D, g, g) → a few channels → the decoder's width; or one and the same for all places, (B, width, 1, 1)."""
    pool = [nn.AdaptiveAvgPool2d(1)] if settings.condition == "pooled" else []
    narrow = nn.Conv2d(settings.width, settings.bottleneck, 1)
    return nn.Sequential(*pool, narrow, nn.Conv2d(settings.bottleneck, settings.decoder_width, 1))


class Autoencoder(nn.Module):
    """Frames (B, 3, S, S) ↔ latents (B, 4, S/8, S/8). It learns first, alone, and is frozen then."""

    channels = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (3, width, 2 * width, 2 * width)
        down = [_shrink(*pair) for pair in pairwise(widths)]
        up = [_enlarge(*pair) for pair in pairwise(widths[:0:-1])]
        self.down = nn.Sequential(*down, nn.Conv2d(widths[-1], self.channels, 1))
        self.up = nn.Sequential(
            nn.Conv2d(self.channels, widths[-1], 1),
            *up,
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width, 3, 3, padding=1),
        )
        self.register_buffer("scale", torch.ones(1))  # of the latents of the frames that it learnt from

    def forward(self, x: Tensor) -> Tensor:
        return self.down(x) / self.scale

    def restore(self, z: Tensor) -> Tensor:
        """Back to a frame."""
        return self.up(z * self.scale)


def _shrink(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.SiLU())


def _enlarge(before: int, after: int) -> nn.Sequential:
    conv = nn.Conv2d(before, after, 3, padding=1)
    return nn.Sequential(nn.Upsample(scale_factor=2), conv, nn.GroupNorm(4, after), nn.SiLU())


class DiTBlock(nn.Module):
    """A transformer block that a vector steers: it scales and shifts what goes in, and gates what comes out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.attend, self.think = Attention(width, heads), feed_forward(width, times=4)
        self.steer = nn.Linear(width, 6 * width)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:  # (B, N, D), (B, D)
        shift, scale, gate, shift2, scale2, gate2 = self.steer(F.silu(vector))[:, None].chunk(6, dim=2)
        x = x + gate * self.attend(self.norm(x) * (1 + scale) + shift)
        return x + gate2 * self.think(self.norm(x) * (1 + scale2) + shift2)


class DiT(nn.Module):
    """Diffusion transformer: says which noise is in a latent, seeing beside it what is `given`, also a latent.

    As in W. Peebles, S. Xie, "Scalable Diffusion Models with Transformers" (arXiv 2212.09748), without classes.
    """

    steps = 1000

    def __init__(self, channels: int, given: int, side: int, settings: "MA2MISettings") -> None:
        super().__init__()
        width, grid, heads = settings.decoder_width, settings.grid, settings.decoder_heads
        self.patch = side // grid
        self.embed = nn.Conv2d(channels + given, width, self.patch, stride=self.patch)
        self.register_buffer("place", waves_of_grid(grid, width)[None], persistent=False)  # (1, g², D)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(DiTBlock(width, heads) for _ in range(settings.decoder_depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.steer, self.draw = nn.Linear(width, 2 * width), nn.Linear(width, channels * self.patch**2)
        kept = (1 - torch.linspace(1e-4, 0.02, self.steps, dtype=torch.float64)).cumprod(dim=0)
        self.register_buffer(
            "kept", kept.float(), persistent=False
        )  # share of the latent's variance after t steps
        for layer in (self.steer, self.draw, *[block.steer for block in self.blocks]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, noisy: Tensor, given: Tensor, t: Tensor, features: Tensor) -> Tensor:
        """Features (B, D, g, g) join the tokens; (B, D, 1, 1) the vector that steers, which knows no place."""
        tokens = as_tokens(self.embed(torch.cat([noisy, given], dim=1))) + self.place
        vector = self.time(waves(t.float(), 256))
        if features.shape[-1] == 1:
            vector = vector + features.flatten(1)
        else:
            tokens = tokens + as_tokens(features)
        for block in self.blocks:
            tokens = block(tokens, vector)
        shift, scale = self.steer(F.silu(vector))[:, None].chunk(2, dim=2)
        return F.pixel_shuffle(as_map(self.draw(self.norm(tokens) * (1 + scale) + shift)), self.patch)

    def noised(self, z: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """A latent after t steps towards noise."""
        kept = self.kept[t].view(-1, 1, 1, 1)
        return kept.sqrt() * z + (1 - kept).sqrt() * noise

    def sample(self, given: Tensor, features: Tensor, noise: Tensor, steps: int = 10) -> Tensor:
        """From noise to a latent in a few steps without new noise (DDIM)."""
        z, times = noise, torch.linspace(self.steps - 1, 0, steps).long().tolist()
        for t, before in zip(times, [*times[1:], None], strict=True):
            said = self(z, given, torch.full((len(z),), t, device=z.device), features)
            clean = (z - (1 - self.kept[t]).sqrt() * said) / self.kept[t].sqrt()
            left = self.kept[before] if before is not None else torch.ones_like(self.kept[0])
            z = left.sqrt() * clean + (1 - left).sqrt() * said
        return z


def waves(values: Tensor, width: int) -> Tensor:  # (n,) → (n, width)
    """Cosines and sines of falling frequencies."""
    rates = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=values.device) / (width // 2))
    angles = values[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def waves_of_grid(side: int, width: int) -> Tensor:  # (side², width)
    """Half of them for the row, half for the column."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.cat([waves(part.flatten().float(), width // 2) for part in (row, column)], dim=1)


class Reconstruction(nn.Module):
    """Two frames (B, 2, 3, S, S) → the later one, or its latent, from the first one and the encoder's features.

    `features` may be given: those of another clip show what the decoder makes of them.
    """

    def __init__(self, settings: "MA2MISettings") -> None:
        super().__init__()
        self.motion_weight, size = settings.motion_weight, settings.size
        self.encode = Encoder(settings)
        self.compress = None if settings.decoder == "direct" else Autoencoder(settings.compressor)
        channels, side = (3, size) if self.compress is None else (Autoencoder.channels, size // 8)
        if settings.decoder == "diffusion":
            self.narrow = bottleneck(settings)
            self.decode = DiT(channels, channels, side, settings)
        else:
            self.decode = FrameDecoder(settings, channels, side)

    def frames(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both frames in the space of the decoder."""
        if self.compress is None:
            return x[:, 0], x[:, 1]
        with torch.no_grad():
            return self.compress(x[:, 0]), self.compress(x[:, 1])

    def forward(self, x: Tensor, features: Tensor | None = None) -> Tensor:
        features, (now, later) = self.encode(x) if features is None else features, self.frames(x)
        if isinstance(self.decode, DiT):
            noise = torch.randn(later.shape, generator=torch.Generator().manual_seed(0)).to(later)
            return self.decode.sample(now, self.narrow(features), noise)
        return self.decode(now, features)

    def loss(self, x: Tensor, features: Tensor | None = None) -> Tensor:
        """What pre-training minimises."""
        features, (now, later) = self.encode(x) if features is None else features, self.frames(x)
        if isinstance(self.decode, DiT):
            noise, t = torch.randn_like(later), torch.randint(self.decode.steps, (len(x),), device=x.device)
            said = self.decode(self.decode.noised(later, noise, t), now, t, self.narrow(features))
            return F.mse_loss(said, noise)
        weights = motion_weights(x[:, 0], x[:, 1], self.motion_weight)
        weights = F.adaptive_avg_pool2d(weights, later.shape[-1])
        return (weights * self.distance(self.decode(now, features), later)).mean()

    def distance(self, made: Tensor, true: Tensor) -> Tensor:  # (B, C, s, s)
        """Of pixels absolute, of latents squared."""
        return (made - true).abs() if self.compress is None else (made - true).square()

    def errors(self, x: Tensor, features: Tensor | None = None) -> tuple[Tensor, Tensor]:  # (B,) each
        """Of the frame that is drawn, and of the copy: the current frame in its place."""
        now, later = self.frames(x)
        pairs = (self.forward(x, features), later), (now, later)
        return tuple(self.distance(*pair).mean(dim=(1, 2, 3)) for pair in pairs)


def motion_weights(now: Tensor, later: Tensor, beta: float, sigma: float = 2.0) -> Tensor:  # (B, 1, S, S)
    """More weight where something moves: nearly all pixels stand still, and a copy is nearly right."""
    moved = (later - now).abs().mean(dim=1, keepdim=True)
    moved = gaussian_blur(moved, 2 * math.ceil(3 * sigma) + 1, sigma)
    return 1 + beta * (moved / moved.mean().clamp(min=1e-6)).clamp(max=5)


def gain(error: Tensor, copy: Tensor) -> float:
    """R: 1 for a perfect frame, 0 for one no better than a copy, below 0 for a worse one."""
    return 1 - (error.sum() / copy.sum().clamp(min=1e-12)).item()


# Settings, presets, and what is minimised.


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
    """MMNet's sizes and training, unless a preset or you say otherwise."""

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


class MA2MI(NetworkMethod):
    """Recognise from onset and apex; where it starts from is a setting."""

    name = "miacnet"
    Settings = MA2MISettings
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
    def view(self) -> View:
        chosen = self.settings
        return View(
            frames=2,
            size=chosen.size,
            colour=chosen.colour,
            span="onset-apex",
            align=chosen.align,
            landmarks=False,
        )

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
        mean, spread = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, SPREAD))
        return (pixels - mean) / spread

    def network(self, n_classes: int) -> nn.Module:
        return MIACNet(self.settings, n_classes)

    def begin(self, network: nn.Module, start: Start | None) -> None:
        if (start is None) != (self.settings.start == "scratch"):
            raise ValueError(
                f"miacnet is set to start={self.settings.start!r} and was given {'no ' * (start is None)}weights: a "
                "run fetches them by itself; elsewhere `first_weights` of mer_core.training.pretraining does."
            )
        if start is not None:
            start.load(network)

    def stages(self) -> tuple[Stage, ...]:
        return (
            Stage(
                self.settings.tune, self.settings.epochs, "classify" * (self.settings.tune == "classifier")
            ),
        )

    def groups(self, part: nn.Module) -> list[dict]:
        """What was learnt before moves more slowly than a fresh classifier."""
        if self.settings.start == "scratch" or not isinstance(part, MIACNet):
            return super().groups(part)
        slow = {"params": list(part.encode.parameters()), "lr": self.settings.slower * self.settings.rate}
        return [slow, {"params": list(part.classify.parameters())}]
