"""Fine-grained dynamic perception (FDP): raw frames in, an expression and the clip's dynamic image out.

Z. Shao et al., "Micro-Expression Recognition via Fine-Grained Dynamic Perception", ACM TOMM, 2025 (arXiv 2509.06015).
Not its official code. The network sees eight frames from onset to offset, spread evenly: no key frame, no flow. One
encoder describes each frame, a convolution over time ranks and pools them, and two heads share the result: one names
the expression, the other draws the dynamic image.

The released code is another network than the paper describes, so there are two variants:

                    paper                                    released
    stage           local blocks, then one global block      local blocks only: no attention anywhere
    time            one frame, one channel of the pooling    frames laid out one below the other as rows
    batch norm      over all eight frames of a step          in training, over one frame after the other
    parameters      96,251,342                               85,304,206 (five classes)

A third variant, `figure`, is the paper as its overview figure draws it, which could be read later. It is to become
`paper` when the stored runs are computed anew:

    stem            one convolution, and every stage halves the picture
    local block     grouped convolution, batch norm, ReLU, pointwise convolution; then convolution, ReLU, dropout
    global block    one after the other: pointwise convolution, attention, and the two parts of a local block
    rank scorer     a score a frame, and a third loss that asks it to grow with time
    recognition     one layer
    parameters      53,102,807 (five classes)

What the paper's text leaves open is read from the unused parts of the released code: the global block, and where it
stands. The text splits a local block's convolution into groups, the code does not: `local="grouped"` does (70,986,254
parameters). The rank scorer is nowhere in the code: but for the figure, the convolution over time is read as scorer and
pooling in one. 8.63 G multiply-adds a clip as released.
"""

from functools import partial
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal
from zlib import crc32

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from mer_core.clips import ClipSet, View
from mer_core.methods.base import NetworkMethod, NetworkSettings, Stage
from mer_core.methods.layers import BatchNorm1d, BatchNorm2d, equal_light, one_by_one
from mer_core.vision.dynamic_image import dynamic_image, even_range, rank_weights, unit_range

FRAMES = 8
Count = Annotated[int, Field(ge=0)]
Depth = Annotated[int, Field(ge=1)]
Width = Annotated[int, Field(ge=1)]
BlockWidth = Annotated[int, Field(ge=24, multiple_of=24)]  # 3/4 of a global block's channels, in heads of 8

# The frame encoder: Next-ViT (arXiv 2207.05501) with changes.


def stem(width: int, form: str = "four") -> nn.Sequential:
    """(N, 1, H, W) → (N, width, H/4, W/4); of one convolution: (N, width, H/2, W/2)."""
    if form == "one":
        return _conv_norm_relu(1, width, stride=2)
    widths = [1, width, width // 2, width, width]
    return nn.Sequential(
        *[_conv_norm_relu(*pair, stride) for pair, stride in zip(pairwise(widths), (2, 1, 1, 2), strict=True)]
    )


def _conv_norm_relu(before: int, after: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return nn.Sequential(conv, BatchNorm2d(after), nn.ReLU())


def patch_embedding(before: int, after: int, stride: int) -> nn.Sequential:
    """Halve the picture, change its width, or neither."""
    if before == after and stride == 1:
        return nn.Sequential()
    halve = [nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)] if stride == 2 else []
    return nn.Sequential(*halve, nn.Conv2d(before, after, 1, bias=False), BatchNorm2d(after))


def mlp(width: int, times: int) -> nn.Sequential:
    """Two layers on every pixel alone."""
    return nn.Sequential(
        BatchNorm2d(width),
        nn.Conv2d(width, times * width, 1),
        nn.ReLU(),
        nn.Conv2d(times * width, width, 1),
    )


def one_layer(width: int, kernel: int, dropout: float) -> nn.Sequential:
    """What the figure calls an MLP: it can only add."""
    conv = nn.Conv2d(width, width, kernel, padding=kernel // 2)
    return nn.Sequential(conv, nn.ReLU(), nn.Dropout(dropout))


class LocalAggregator(nn.Module):
    """What neighbouring pixels say: (N, before, H, W) → (N, width, H, W), halved with stride 2."""

    def __init__(self, before: int, width: int, stride: int, settings: "FDPSettings", drop: float) -> None:
        super().__init__()
        self.embed = patch_embedding(before, width, stride)
        self.mix = _mix(width, settings)
        self.mlp = mlp(width, times=3) if settings.layers == 2 else _one_layer(width, settings)
        self.drop = StochasticDepth(drop, "row")

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        x = x + self.drop(self.mix(x))
        return x + self.drop(self.mlp(x))


def _mix(width: int, settings: "FDPSettings") -> nn.Module:
    if settings.convolution == "dense":
        return nn.Conv2d(width, width, 3, padding=1, bias=False)
    return _grouped(width, head=32 if settings.convolution == "grouped" else width)


def _one_layer(width: int, settings: "FDPSettings") -> nn.Sequential:
    return one_layer(width, settings.mlp_kernel, settings.dropout)


def _grouped(width: int, head: int = 32) -> nn.Sequential:
    """Each head convolves its own channels, `head` of them or a few more where that does not divide the width."""
    groups = next(n for n in range(max(1, width // head), 0, -1) if width % n == 0)
    conv = nn.Conv2d(width, width, 3, padding=1, groups=groups, bias=False)
    return nn.Sequential(conv, BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 1, bias=False))


class Attention(nn.Module):
    """Every pixel asks all of the picture; keys are means of `group` pixels that follow each other, row by row."""

    def __init__(self, width: int, group: int, head: int = 8) -> None:
        super().__init__()
        self.head, self.group = head, group
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm = BatchNorm1d(width) if group > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # (N, A, H, W)
        pixels = x.flatten(2)  # (N, A, L)
        means = self.norm(F.avg_pool1d(pixels, self.group)).transpose(1, 2)  # (N, L / group, A)
        query = self._heads(self.query(pixels.transpose(1, 2)))  # (N, A / 8, L, 8)
        seen = F.scaled_dot_product_attention(
            query, self._heads(self.key(means)), self._heads(self.value(means))
        )
        return self.out(seen.transpose(1, 2).flatten(2)).transpose(1, 2).reshape(x.shape)

    def _heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (-1, self.head)).transpose(1, 2)


class GlobalAggregator(nn.Module):
    """Three quarters of the channels by attention, one quarter by a convolution of those: (N, G, H, W)."""

    def __init__(self, before: int, width: int, stride: int, group: int, drop: float) -> None:
        super().__init__()
        far, near = 3 * width // 4, width // 4
        self.embed = patch_embedding(before, far, stride)
        self.attend = nn.Sequential(
            BatchNorm2d(far), Attention(far, group), StochasticDepth(0.75 * drop, "row")
        )
        self.narrow = patch_embedding(far, near, stride=1)
        conv = nn.Conv2d(near, near, 3, padding=1, bias=False)
        self.mix = nn.Sequential(conv, StochasticDepth(0.25 * drop, "row"))
        self.mlp = nn.Sequential(mlp(width, times=2), StochasticDepth(drop, "row"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        far = x + self.attend(x)
        near = self.narrow(far)
        x = torch.cat([far, near + self.mix(near)], dim=1)
        return x + self.mlp(x)


class SequentialAggregator(nn.Module):
    """As the figure draws it, one after the other: (N, before, H, W) → (N, width, H, W)."""

    def __init__(
        self, before: int, width: int, stride: int, group: int, settings: "FDPSettings", drop: float
    ) -> None:
        super().__init__()
        self.embed = nn.Sequential(patch_embedding(before, before, stride), nn.Conv2d(before, width, 1))
        self.attend = nn.Sequential(BatchNorm2d(width), Attention(width, group))
        self.mix = _mix(width, settings)
        self.mlp = mlp(width, times=2) if settings.layers == 2 else _one_layer(width, settings)
        self.drop = StochasticDepth(drop, "row")

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for part in (self.attend, self.mix, self.mlp):
            x = x + self.drop(part(x))
        return x


class FrameEncoder(nn.Module):
    """One frame in one vector: (N, 1, H, W) → (N, V). All frames of all clips pass at once, each on its own."""

    def __init__(self, settings: "FDPSettings") -> None:
        super().__init__()
        self.stem = stem(settings.stem, settings.first)
        self.stages, width = _stages(settings)
        self.norm = BatchNorm2d(width)
        self.describe, self.side = nn.Linear(width, settings.side**2), settings.side
        self.picture = nn.Conv2d(settings.stem, 1, 1) if settings.drawn_from == "maps" else None
        self.apply(partial(_begin, spread=settings.spread))

    def forward(self, frames: Tensor) -> Tensor:
        early = self.stem(frames)  # (N, stem, H/4, W/4)
        maps = self.norm(self.stages(early))  # (N, width, H/32, W/32)
        vectors = self.describe(maps.mean(dim=(2, 3)))
        if self.picture is None:
            return vectors
        # Where in the face something is: a mean over all places has forgotten it.
        fine = F.interpolate(self.picture(early), size=self.side, mode="bilinear", align_corners=False)
        return vectors + fine.flatten(1)


def _stages(settings: "FDPSettings") -> tuple[nn.Sequential, int]:
    """All blocks in order, and the width of the last. Stochastic depth grows from block to block, from 0 to 0.1."""
    has_local, has_global = settings.blocks != "global", settings.blocks != "local"
    counts = [
        (n * has_local, m * has_global) for n, m in zip(settings.depths, settings.attending, strict=True)
    ]
    total = sum(map(sum, counts))
    drops = iter(0.1 * n / max(1, total - 1) for n in range(total))
    blocks: list[nn.Module] = []
    before = settings.stem
    for stage, ((n_local, n_global), width) in enumerate(zip(counts, settings.widths, strict=True)):
        stride = 1 if stage == 0 and settings.first == "four" else 2
        for _ in range(n_local):
            blocks.append(LocalAggregator(before, width, stride, settings, next(drops)))
            before, stride = width, 1
        for _ in range(n_global):
            group = settings.reduce[stage] ** 2
            blocks.append(_global(before, 4 * width // 3, stride, group, settings, next(drops)))
            before, stride = 4 * width // 3, 1
    return nn.Sequential(*blocks), before


def _global(
    before: int, width: int, stride: int, group: int, settings: "FDPSettings", drop: float
) -> nn.Module:
    if settings.attention == "code":
        return GlobalAggregator(before, width, stride, group, drop)
    return SequentialAggregator(before, width, stride, group, settings, drop)


def _begin(module: nn.Module, spread: float) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=spread)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


# From frames to a clip.


class RankPooling(nn.Module):
    """Eight frames in one map: (B, T, V) → the dynamic representation (B, 8, S, S), with V = S².

    A 3-D convolution whose kernel is as long as the clip is a 2-D convolution with a channel a frame. It can do what
    rank pooling does, weigh late frames for and early ones against, and learns the weights.
    """

    def __init__(self, side: int, time: str) -> None:
        super().__init__()
        self.side, self.time = side, time
        self.pool = nn.Conv2d(FRAMES, 8, 3, padding=1)

    def forward(self, vectors: Tensor) -> Tensor:
        maps = self.arrange(vectors)
        if self.time in ("ranks", "max"):
            maps = self._pooled(maps).expand_as(maps)
        return self.pool(maps)

    def _pooled(self, maps: Tensor) -> Tensor:  # (B, 1, S, S)
        """Each position over time, by no weight that is learnt."""
        if self.time == "max":
            return maps.amax(dim=1, keepdim=True)
        weights = torch.tensor(rank_weights(FRAMES, of="means").tolist()).to(maps)
        return (weights[:, None, None] * maps).mean(dim=1, keepdim=True)

    def arrange(self, vectors: Tensor) -> Tensor:  # (B, 8, S, S)
        """Where each frame goes. As `rows`, frame t fills rows 8t … 8t + 7 of the map, in all channels."""
        if self.time == "rows":
            return vectors.reshape(-1, self.side, self.side, FRAMES).permute(0, 3, 1, 2)
        if self.time == "mean":
            vectors = vectors.mean(dim=1, keepdim=True).expand_as(vectors)
        return vectors.unflatten(2, (self.side, self.side))


# Two heads on the dynamic representation.


def recognition_head(side: int, hidden: int, n_classes: int) -> nn.Sequential:
    """(B, 8, S, S) → (B, C); of one layer if nothing is hidden."""
    pooled = 8 * (side // 3) ** 2
    if not hidden:
        return nn.Sequential(nn.MaxPool2d(3), nn.Flatten(), nn.Linear(pooled, n_classes))
    return nn.Sequential(
        nn.MaxPool2d(3), nn.Flatten(), nn.Linear(pooled, hidden), nn.ReLU(), nn.Linear(hidden, n_classes)
    )


class SegNet(nn.Module):
    """Draws: (B, 8, S, S) → (B, 1, S, S). VGG-16 down and its mirror up; a pixel goes up to where the largest was."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers = (2, 2, 3, 3, 3)[: len(widths)]
        pairs = list(pairwise((8, *widths)))
        self.down = nn.ModuleList(
            _layers([before, *[after] * n]) for (before, after), n in zip(pairs, layers, strict=True)
        )
        pairs[0] = (widths[0], widths[0])
        up = [_layers([*[after] * n, before]) for (before, after), n in zip(pairs, layers, strict=True)]
        up[0][-1] = nn.Conv2d(widths[0], 1, 3, padding=1)
        self.up = nn.ModuleList(up)

    def forward(self, x: Tensor) -> Tensor:
        places = []
        for stage in self.down:
            x, largest = F.max_pool2d(stage(x), 2, return_indices=True)
            places.append(largest)
        for stage, largest in zip(reversed(self.up), reversed(places), strict=True):
            x = stage(F.max_unpool2d(x, largest, (2, 2)))
        return x


def _layers(widths: list[int]) -> nn.Sequential:
    return nn.Sequential(*[_conv_norm_relu_biased(*pair) for pair in pairwise(widths)])


def _conv_norm_relu_biased(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())


# The rank scorer: batch norm, mean and linear layer are the end of the frame encoder; one number a frame follows.


def rank_scorer(length: int, form: str) -> nn.Module:
    """A frame's vector (…, V) → its score (…, 1)."""
    if form == "mean":
        return nn.AvgPool1d(length)
    if form == "layer":
        return nn.Linear(length, 1)
    return nn.Sequential(nn.Linear(length, 64), nn.ReLU(), nn.Linear(64, 1))


def rank_loss(scores: Tensor, pairs: str = "all", form: str = "hinge", margin: float = 1.0) -> Tensor:
    """Of scores (B, T): each later frame of a clip should score higher than an earlier one, by the margin.

    The scores of a clip are brought to a spread of 1 first: else it could be had by large numbers alone. All equal
    they lose 1 a pair, as the hinge has it.
    """
    scores = scores - scores.mean(dim=1, keepdim=True)
    scores = scores / (scores.square().mean(dim=1, keepdim=True) + 1e-6).sqrt()
    earlier, later = torch.triu_indices(scores.shape[1], scores.shape[1], offset=1)
    if pairs == "neighbours":
        earlier, later = earlier[later == earlier + 1], later[later == earlier + 1]
    ahead = scores[:, later] - scores[:, earlier]  # (B, pairs)
    if form == "logistic":
        return F.softplus(-ahead).mean()
    short = (margin - ahead).clamp(min=0)
    return short.square().mean() if form == "squared hinge" else short.mean()


# The whole network.


class FDPNet(nn.Module):
    """Frames (B, 8, H, W) → emotion (B, C), dynamic_image (B, S, S) from 0 to 1; rank (B, 8) if frames are ranked."""

    def __init__(self, settings: "FDPSettings", n_classes: int) -> None:
        super().__init__()
        self.size, self.is_released = settings.size, settings.variant == "released"
        self.encode = FrameEncoder(settings)
        self.pool = RankPooling(settings.side, settings.time)
        self.recognise = recognition_head(settings.side, settings.recognition, n_classes)
        self.draw = SegNet(settings.drawing)
        self.rank = rank_scorer(settings.side**2, settings.scorer) if settings.ranked else None

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        self._check(x)
        vectors = self._vectors(x)  # (B, 8, V)
        dynamics = self.pool(vectors)  # (B, 8, S, S)
        image = self.draw(dynamics).squeeze(1).sigmoid()  # (B, S, S)
        outputs = {"emotion": self.recognise(dynamics), "dynamic_image": image}
        return outputs | ({"rank": self.rank(vectors).squeeze(2)} if self.rank else {})

    def _vectors(self, x: Tensor) -> Tensor:  # (B, 8, V)
        """All frames at once. As released they train one after the other: batch norm knows each of the eight alone."""
        if not (self.is_released and self.training):
            return self.encode(x.flatten(0, 1)[:, None]).unflatten(0, (-1, FRAMES))
        with one_by_one(FRAMES * (1,), self.encode):
            vectors = self.encode(x.transpose(0, 1).flatten(0, 1)[:, None])  # (8B, V)
        return vectors.unflatten(0, (FRAMES, -1)).transpose(0, 1)

    def _check(self, x: Tensor) -> None:
        expected = (FRAMES, self.size, self.size)
        if tuple(x.shape[1:]) != expected:
            raise ValueError(
                f"Expected grey frames (B, {', '.join(map(str, expected))}), got {tuple(x.shape)}: prepare the clips "
                "with the method's own `view`, and pass them through its `inputs`."
            )


# Settings, presets, and what is minimised.


class FDPSettings(NetworkSettings):
    """The paper's network; its training is the preset `paper`. What stands here is what networks mostly take."""

    variant: Literal["paper", "released", "figure"] = Field(
        "paper", description="sets all that is none below; figure: the paper as its figure draws it"
    )
    aggregators: Literal["both", "local", "global"] | None = Field(
        None, description="blocks of the encoder; none: both in the paper, local ones as released"
    )
    pooling: Literal["time", "rows", "mean", "ranks", "max"] | None = Field(
        None, description="how frames meet; none: over time in the paper, as rows as released"
    )
    local: Literal["dense", "grouped", "mixed"] | None = Field(
        None,
        description="the blocks' convolution: alone, or of groups or all channels before batch norm, ReLU and a "
        "pointwise one; none: grouped in the figure, else alone",
    )
    aggregator: Literal["sequential", "code"] | None = Field(
        None,
        description="the global block: one part after the other, or split in two as in the unused code; none: "
        "sequential in the figure",
    )
    mlp_layers: Literal[1, 2] | None = Field(None, description="of a block's MLP; none: one in the figure")
    mlp_kernel: Literal[1, 3] = Field(1, description="of an MLP of one layer")
    dropout: float = Field(0.1, ge=0, lt=1, description="of an MLP of one layer")
    stem_layers: Literal[1, 4] | None = Field(
        None, description="convolutions before the first stage; none: one in the figure"
    )
    attending: tuple[Count, Count, Count, Count] = Field(
        (1, 1, 1, 1), description="global blocks of each stage, after its local ones"
    )
    head_layers: Literal[1, 2] | None = Field(
        None, description="of the recognition head; none: one in the figure"
    )
    rank_weight: float | None = Field(
        None, ge=0, description="of the rank loss; none: 0.1 in the figure, else there is no rank scorer"
    )
    rank_pairs: Literal["all", "neighbours"] = Field(
        "all", description="of frames that the rank loss compares"
    )
    rank_form: Literal["hinge", "logistic", "squared hinge"] = Field("hinge", description="of the rank loss")
    scorer: Literal["layer", "mean", "two layers"] = Field(
        "layer", description="what makes a frame's score of its vector"
    )
    reduce: tuple[Depth, Depth, Depth, Depth] = Field(
        (8, 4, 2, 1), description="r of each stage: attention's keys are means of r² pixels"
    )
    size: int = Field(64, ge=32, multiple_of=32, description="side of a frame")
    side: int = Field(
        64, ge=32, multiple_of=32, description="side of the dynamic image; a frame's vector has side²"
    )
    stem: int = Field(64, ge=2, description="width of the first convolutions")
    depths: tuple[Depth, Depth, Depth, Depth] = Field((3, 4, 10, 3), description="local blocks of each stage")
    widths: tuple[BlockWidth, BlockWidth, BlockWidth, BlockWidth] = Field(
        (96, 192, 384, 768), description="their widths, multiples of 24"
    )
    hidden: int = Field(256, ge=1, description="width of the recognition head")
    drawing: tuple[Width, ...] = Field(
        (64, 128, 256, 512, 512), min_length=1, max_length=5, description="widths of SegNet's stages"
    )
    drawing_weight: float = Field(100.0, ge=0, description="of the dynamic image's mean squared error")
    spread: float = Field(0.02, gt=0, description="of the encoder's first weights; a narrow one needs more")
    shrink: int = Field(
        1, ge=1, description="pixels across that are averaged into one: the view is finer by that"
    )
    align: Literal["clip", "frame"] = Field("frame", description="as in a View; the paper aligns every frame")
    light: Literal["as it is", "equal"] = Field(
        "as it is", description="of a clip's frames; equal: each is divided by its mean before anything else"
    )
    target: Literal["extremes", "percentiles"] = Field(
        "extremes",
        description="what the image to draw is stretched by: its darkest and brightest pixel, so that a still place "
        "has any grey; or what 98 % of its pixels are between, about a middle grey that is always 0.5",
    )
    drawn_from: Literal["vector", "maps"] = Field(
        "vector",
        description="what an image can be drawn from: a frame's vector, made of a mean over all places; or this and a "
        "map of the stem: ours, since the vector of a narrow network can't hold a picture",
    )
    centred: bool = Field(False, description="take away each clip's mean frame: what never moves")
    order: Literal["forward", "reversed", "shuffled", "still"] = Field(
        "forward", description="of a clip's frames; still: the first of them, eight times"
    )
    sees: Literal["frames", "difference", "dynamic image"] = Field(
        "frames",
        description="what stands in the place of the frames, eight times the same: apex less onset, or what the "
        "second head is to draw",
    )

    @property
    def blocks(self) -> str:
        """Which blocks the encoder has."""
        return self._of("aggregators")

    @property
    def time(self) -> str:
        """How frames meet."""
        return self._of("pooling")

    @property
    def convolution(self) -> str:
        """Of a local block."""
        return self._of("local")

    @property
    def attention(self) -> str:
        """What a global block is."""
        return self._of("aggregator")

    @property
    def layers(self) -> int:
        """Of a block's MLP."""
        return self._of("mlp_layers")

    @property
    def first(self) -> str:
        """What stands before the first stage."""
        return {1: "one", 4: "four"}[self._of("stem_layers")]

    @property
    def recognition(self) -> int:
        """Width of the recognition head's hidden layer; 0: it has none."""
        return self.hidden if self._of("head_layers") == 2 else 0

    @property
    def ranking(self) -> float | None:
        """Weight of the rank loss."""
        return self._of("rank_weight")

    @property
    def ranked(self) -> bool:
        """Whether there is a rank scorer; one of weight 0 is there and learns nothing."""
        return self.ranking is not None

    def _of(self, name: str) -> Any:
        chosen = getattr(self, name)
        return VARIANTS[self.variant][name] if chosen is None else chosen


CODE = {
    "local": "dense",
    "aggregator": "code",
    "mlp_layers": 2,
    "stem_layers": 4,
    "head_layers": 2,
    "rank_weight": None,
}
VARIANTS = {  # what a setting is that says nothing
    "paper": {**CODE, "aggregators": "both", "pooling": "time"},
    "released": {**CODE, "aggregators": "local", "pooling": "rows"},
    "figure": {
        "aggregators": "both", "pooling": "time", "local": "grouped", "aggregator": "sequential", "mlp_layers": 1,
        "stem_layers": 1, "head_layers": 1, "rank_weight": 0.1,
    },
}  # fmt: skip
SMALL = {
    "stem": 8, "depths": [1, 1, 1, 1], "widths": [24, 48, 72, 96], "side": 32, "hidden": 64,
    "drawing": [16, 24, 32, 48, 48], "spread": 0.06,
}  # fmt: skip


class FDP(NetworkMethod[FDPSettings]):
    """Recognise and draw at once."""

    name = "fdp"
    origin = "code"
    Settings = FDPSettings
    presets: ClassVar = {
        "book": {
            **SMALL, "shrink": 2, "centred": True, "drawing_weight": 1.0, "epochs": 30, "batch": 8, "rate": 2e-3,
            "schedule": "one-cycle", "channels_last": True, "augment": {"flip": True},
        },
        "paper": {
            "epochs": 125, "batch": 36, "rate": 1e-4, "decay": 1e-3, "optimiser": "adam", "balance": False,
        },
    }  # fmt: skip
    kinds: ClassVar = {"x": "image", "dynamic_image": "map"}

    @property
    def view(self) -> View:
        size = self.settings.size * self.settings.shrink
        return View(frames=FRAMES, size=size, align=self.settings.align, landmarks=False)

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        frames = _ordered(clips, self.settings.order)  # (N, 8, H, W)
        if self.settings.light == "equal":
            frames = _equally_bright(frames)
        grey = torch.from_numpy(frames).float() / 255
        x = F.avg_pool2d((grey - 0.5) / 0.5, self.settings.shrink)
        return {"x": self._seen(x, clips), "dynamic_image": self._target(frames)}

    def _seen(self, x: Tensor, clips: ClipSet) -> Tensor:  # (N, 8, S, S)
        if self.settings.sees == "dynamic image":
            return torch.from_numpy(dynamic_image(x.numpy(), of="means")).float()[:, None].expand_as(x)
        if self.settings.sees == "difference":
            apex = x[torch.arange(len(x)), self.view.apex_moment(clips.clips)]
            return (apex - x[:, 0])[:, None].expand_as(x)
        if self.settings.centred:  # the weights of rank pooling add up to 0: the dynamic image stays the same
            return x - x.mean(dim=1, keepdim=True)
        return x

    def _target(self, frames: np.ndarray) -> Tensor:  # (N, S, S)
        """Rank-pooled from the clip's own frames, stretched to 0 … 1: exact, and known for any clip."""
        images = torch.from_numpy(dynamic_image(frames, of="means"))
        images = F.adaptive_avg_pool2d(images, self.settings.side)
        stretch = unit_range if self.settings.target == "extremes" else even_range
        return torch.from_numpy(stretch(images.numpy())).float()

    def network(self, n_classes: int) -> nn.Module:
        return FDPNet(self.settings, n_classes)

    def losses(self, outputs: dict[str, Tensor], batch: dict[str, Tensor], stage: Stage) -> dict[str, Tensor]:
        error = F.mse_loss(outputs["dynamic_image"].float(), batch["dynamic_image"])
        terms = super().losses(outputs, batch, stage)
        terms["dynamic_image"] = self.settings.drawing_weight * error
        if self.settings.ranking:
            how = self.settings.rank_pairs, self.settings.rank_form
            terms["rank"] = self.settings.ranking * rank_loss(outputs["rank"].float(), *how)
        return terms

    def guess(self, train: dict[str, Tensor]) -> dict[str, Tensor]:
        """The mean image; frames that can't be told apart."""
        return {"dynamic_image": train["dynamic_image"].mean(dim=0), "rank": torch.zeros(FRAMES)}


def _ordered(clips: ClipSet, order: str) -> np.ndarray:  # (N, 8, H, W)
    frames = np.array(clips.frames)
    if order == "still":
        return np.repeat(frames[:, :1], FRAMES, axis=1)
    if order == "shuffled":  # each clip in its own order, by its name: one order for all could be learnt
        draws = [np.random.default_rng(crc32(name.encode())) for name in clips.clips["clip"]]
        return np.stack([one[draw.permutation(FRAMES)] for one, draw in zip(frames, draws, strict=True)])
    return frames[:, ::-1].copy() if order == "reversed" else frames


def _equally_bright(frames: np.ndarray) -> np.ndarray:  # (N, 8, H, W)
    """As bright as the clip is on average."""
    grey = torch.from_numpy(frames).float()
    return (equal_light(grey) * grey.mean(dim=(1, 2, 3), keepdim=True)).numpy()
