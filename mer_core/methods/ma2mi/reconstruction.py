"""The first stage of MA2MI: draw a later frame from the current one and, through a bottleneck, what the branches say.

That a future frame is reconstructed stands in the abstract; with what, does not. So there are three decoders: of pixels
(`direct`, the default), of latents, and of latents out of noise, which a list of diffusion transformers hints at. After
the stage the decoder is thrown away and the encoder kept. The training itself is in `pretraining.py`.

224 pixels: the decoder of pixels has 7,779,600 parameters.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

from mer_core.methods.base import count_parameters
from mer_core.methods.ma2mi.network import (
    Attention,
    Encoder,
    MA2MISettings,
    MIACNet,
    TransformerBlock,
    as_map,
    as_tokens,
    feed_forward,
)


class FrameDecoder(nn.Module):
    r"""Draws a later picture (B, C, s, s) from the current one and the encoder's features F (B, D, g, g).

    $$\hat x_1 = x_0 + fold(W\,T(E x_0 + C B F + e))$$

    The bottleneck $C B$ lets few channels pass: through all of them nearly the whole change would fit as it is.
    """

    def __init__(self, settings: MA2MISettings, channels: int, side: int) -> None:
        super().__init__()
        width, self.patch = settings.decoder_width, side // settings.grid
        self.narrow = bottleneck(settings)
        self.embed = nn.Conv2d(channels, width, self.patch, stride=self.patch)
        self.place = nn.Parameter(0.02 * torch.randn(1, settings.grid**2, width))
        heads, depth = settings.decoder_heads, settings.decoder_depth
        blocks = [TransformerBlock(width, heads, times=4) for _ in range(depth)]
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width))
        self.draw = nn.Linear(width, channels * self.patch**2)
        nn.init.zeros_(self.draw.weight)  # it begins as a copy of the current frame
        nn.init.zeros_(self.draw.bias)

    def forward(self, now: Tensor, features: Tensor) -> Tensor:
        tokens = as_tokens(self.embed(now) + self.narrow(features))  # E x₀ + C B F: (B, g², width)
        drawn = self.draw(self.blocks(tokens + self.place))  # (B, g², C · patch²)
        return now + F.pixel_shuffle(as_map(drawn), self.patch)


def bottleneck(settings: MA2MISettings) -> nn.Sequential:
    """(B, D, g, g) → a few channels → the decoder's width; or one and the same for all places, (B, width, 1, 1)."""
    pool = [nn.AdaptiveAvgPool2d(1)] if settings.condition == "pooled" else []
    narrow = nn.Conv2d(settings.width, settings.bottleneck, 1)
    return nn.Sequential(*pool, narrow, nn.Conv2d(settings.bottleneck, settings.decoder_width, 1))


class Reconstruction(nn.Module):
    """Two frames (B, 2, 3, S, S) → the later one, or its latent, from the first one and the encoder's features.

    `features` may be given: those of another clip show what the decoder makes of them.
    """

    def __init__(self, settings: MA2MISettings) -> None:
        super().__init__()
        self.motion_weight, size = settings.motion_weight, settings.size
        self.encode = Encoder(settings)
        self.compress = None if settings.decoder == "direct" else Autoencoder(settings.compressor)
        channels, side = (3, size) if self.compress is None else (Autoencoder.channels, size // 8)
        self.decode: DiT | FrameDecoder
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
        features = self.encode(x) if features is None else features
        now, later = self.frames(x)
        if isinstance(self.decode, DiT):
            noise = torch.randn(later.shape, generator=torch.Generator().manual_seed(0)).to(later)
            return self.decode.sample(now, self.narrow(features), noise)
        return self.decode(now, features)

    def loss(self, x: Tensor, features: Tensor | None = None) -> Tensor:
        """What pre-training minimises."""
        features = self.encode(x) if features is None else features
        now, later = self.frames(x)
        if isinstance(self.decode, DiT):
            noise, t = torch.randn_like(later), torch.randint(self.decode.steps, (len(x),), device=x.device)
            guess = self.decode(self.decode.noised(later, noise, t), now, t, self.narrow(features))
            return F.mse_loss(guess, noise)
        weights = motion_weights(x[:, 0], x[:, 1], self.motion_weight)
        weights = F.adaptive_avg_pool2d(weights, later.shape[-1])
        return (weights * self.distance(self.decode(now, features), later)).mean()

    def distance(self, drawn: Tensor, true: Tensor) -> Tensor:  # (B, C, s, s)
        """Of pixels absolute, of latents squared."""
        return (drawn - true).abs() if self.compress is None else (drawn - true).square()

    def errors(self, x: Tensor, features: Tensor | None = None) -> tuple[Tensor, Tensor]:  # (B,) each
        """Of the frame that is drawn, and of the copy: the current frame in its place."""
        now, later = self.frames(x)
        drawn, copy = (self.distance(frame, later) for frame in (self.forward(x, features), now))
        return drawn.mean(dim=(1, 2, 3)), copy.mean(dim=(1, 2, 3))


def motion_weights(now: Tensor, later: Tensor, beta: float, sigma: float = 2.0) -> Tensor:  # (B, 1, S, S)
    r"""$w = 1 + \beta \min(m, 5)$: more weight where something moves; a copy is right nearly everywhere.

    $m$ is the change $|x_1 - x_0|$, averaged over channels, blurred, and divided by its mean.
    """
    change = (later - now).abs().mean(dim=1, keepdim=True)
    blurred = gaussian_blur(change, 2 * math.ceil(3 * sigma) + 1, sigma)
    m = blurred / blurred.mean().clamp(min=1e-6)
    return 1 + beta * m.clamp(max=5)


def gain(error: Tensor, copy: Tensor) -> float:
    """R = 1 − Σ error / Σ copy: 1 for a perfect frame, 0 for one no better than a copy, below 0 for a worse one."""
    return 1 - (error.sum() / copy.sum().clamp(min=1e-12)).item()


def sizes(settings: MA2MISettings, n_classes: int) -> dict[str, int]:
    """How many parameters each part of both stages has."""
    with torch.device("meta"):  # shapes without numbers
        network = MIACNet(settings, n_classes)
        drawn = FrameDecoder(settings, 3, settings.size)
    parts = {
        "action branch": network.encode.action,
        "position branch": network.encode.position,
        "classifier": network.classify,
        "recognition, in all": network,
        "decoder": drawn,
    }
    return {name: count_parameters(part) for name, part in parts.items() if part is not None}


# Latents, and latents out of noise.


class Autoencoder(nn.Module):
    """Frames (B, 3, S, S) ↔ latents (B, 4, S/8, S/8). It learns first, alone, and is frozen then."""

    channels = 4
    scale: Tensor

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
    place: Tensor
    kept: Tensor

    def __init__(self, channels: int, given: int, side: int, settings: MA2MISettings) -> None:
        super().__init__()
        width, grid, heads = settings.decoder_width, settings.grid, settings.decoder_heads
        self.patch = side // grid
        self.embed = nn.Conv2d(channels + given, width, self.patch, stride=self.patch)
        self.register_buffer("place", waves_of_grid(grid, width)[None], persistent=False)  # (1, g², D)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        blocks = [DiTBlock(width, heads) for _ in range(settings.decoder_depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.steer, self.draw = nn.Linear(width, 2 * width), nn.Linear(width, channels * self.patch**2)
        kept = (1 - torch.linspace(1e-4, 0.02, self.steps, dtype=torch.float64)).cumprod(dim=0)
        self.register_buffer("kept", kept.float(), persistent=False)  # ᾱ: the latent's share of the variance
        for layer in (self.steer, self.draw, *[block.steer for block in blocks]):
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
        """A latent after t steps towards noise: √ᾱ z + √(1 − ᾱ) ε."""
        kept = self.kept[t].view(-1, 1, 1, 1)
        return kept.sqrt() * z + (1 - kept).sqrt() * noise

    def sample(self, given: Tensor, features: Tensor, noise: Tensor, steps: int = 10) -> Tensor:
        """From noise to a latent in a few steps without new noise (DDIM)."""
        z, times = noise, torch.linspace(self.steps - 1, 0, steps).long().tolist()
        for t, before in zip(times, [*times[1:], None], strict=True):
            noise = self(z, given, torch.full((len(z),), t, device=z.device), features)
            clean = (z - (1 - self.kept[t]).sqrt() * noise) / self.kept[t].sqrt()
            left = self.kept[before] if before is not None else torch.ones_like(self.kept[0])
            z = left.sqrt() * clean + (1 - left).sqrt() * noise
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
