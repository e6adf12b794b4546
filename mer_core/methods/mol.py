"""Expression, optical flow and landmarks at once (MOL): raw frames in, no key frame, no prepared features.

Z. Shao et al., "MOL: Joint Estimation of Micro-Expression, Optical Flow, and Landmark via Transformer-Graph-Style
Convolution", TPAMI 47(10), 2025 (arXiv 2506.14511). Not its official code. The network sees eight frames. From each two
neighbours it estimates the motion between them and the 68 landmarks of the second; the features of all of them
together tell the expression.

The abstract, the overview figure and the released code are known to us, the paper's text is not. Figure and code
differ, so there are two variants:

                     paper                                      released
    nodes of CCC     channels                                   positions
    neighbours       others only                                the node itself is the first
    an edge holds    neighbour − node                           neighbour − 2 node: it is subtracted twice
    after the graph  a 1 × 1 convolution                        nothing
    batch norm       over all pairs of a step                   in training, over one pair after the other
    dead weights     none                                       half of FCC's kernels, 216 displacements, …
    parameters       43,622,559                                 44,105,379 (five classes)

All frames of all clips pass at once: what belongs to a frame is computed once, what belongs to a pair of neighbours
is folded into the batch. That changes no number of the released network, in which batch norm is told where a pair ends.
13.5 G multiply-adds a clip, 13.8 G as released; the released loops need 16.1 G for the same outputs.
"""

from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.clips import ClipSet, Flow, View
from mer_core.methods.base import NetworkMethod, NetworkSettings, Stage
from mer_core.methods.layers import BatchNorm2d, equal_light, one_by_one

FRAMES, PAIRS = 8, 7
MEETINGS = (1, 2, 2, 2, 2, 2, 2, 1)  # in how many pairs each frame is
REACH = 20  # of the released correlation, in positions

# F5C, the block that the paper is named after: it sees the whole face at once, then how its features correspond.


def convolution_stack(settings: "MOLSettings") -> nn.Sequential:
    """(N, 1, H, W) → (N, C, n, n) with n = H / 8: no norm, no activation, so it is linear.

    PyTorch's first weights make its output nine times as small as its input, and FCC adds embeddings of size 1: as
    released, little of a face is left beside them. `even` first weights keep the size.
    """
    a, b, c, d = settings.stack
    layers = (
        nn.Conv2d(1, a, 4, stride=2),
        nn.Conv2d(a, b, 3, stride=2),
        nn.Conv2d(b, c, 2, stride=2, padding=1),
        nn.Conv2d(c, d, 1),
    )
    if not settings.begins_as_torch:
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    return nn.Sequential(*layers)


class CircularPass(nn.Module):
    """Down every column, then along every row: each position has then seen the whole map, (N, C, n, n).

    A circular convolution as long as the map is a product with a circulant matrix, one a channel.
    """

    ahead: Tensor

    def __init__(self, width: int, n: int, length: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(2, width, length))  # embeddings of rows and of columns
        self.kernel = nn.Parameter(torch.empty(2, width, length).uniform_(-1, 1) / (2 * n) ** 0.5)
        self.bias = nn.Parameter(torch.randn(2, width, 1, 1))
        self.norm = BatchNorm2d(width)
        ahead = (torch.arange(n) - torch.arange(n)[:, None]) % n  # (n, n): from an output on to an input
        self.register_buffer("ahead", ahead, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        n = len(self.ahead)
        down, along = self.kernel[:, :, self.ahead]  # (C, n, n) each
        row, column = self.place[0, :, :n, None], self.place[1, :, None, :n]
        x = torch.einsum("cij,ncjw->nciw", down, self.norm(x + row)) + self.bias[0]
        return torch.einsum("cij,nchj->nchi", along, x + column) + self.bias[1]


class FCC(nn.Module):
    """Fully-connected convolution: half of the channels go down and then along, half along and then down."""

    def __init__(self, settings: "MOLSettings") -> None:
        super().__init__()
        width, n = settings.stack[-1], settings.side
        length = 2 * n if settings.is_released else n  # n of them act
        self.first, self.second = CircularPass(width // 2, n, length), CircularPass(width // 2, n, length)
        self.unused = feed_forward(width) if settings.is_released else None

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x.chunk(2, dim=1)
        return torch.cat([x1 + self.first(x1), x2 + self.second(x2.mT).mT], dim=1)


def feed_forward(width: int) -> nn.Sequential:
    """Built but never called, as released: 898 parameters that don't learn."""
    return nn.Sequential(
        nn.BatchNorm2d(width), nn.Conv2d(width, 2, 1), nn.Hardswish(), nn.Conv2d(2, width, 1), nn.Dropout(0.1)
    )


class CCC(nn.Module):
    """Channel correspondence convolution: each node looks at those most like it, (N, C, n, n) → (N, C, n, n).

    With x a node, x_j its neighbours, A and B two linear maps: y = max over j of ReLU(A x + B (x_j − x)). What does
    not depend on j leaves the maximum: y = ReLU((A − B) x + max over j of B x_j).
    """

    def __init__(self, settings: "MOLSettings") -> None:
        super().__init__()
        width, positions = settings.stack[-1], settings.side**2
        self.over_channels, self.released = settings.nodes == "channels", settings.is_released
        self.neighbours = settings.neighbours
        self.own, self.other = nn.Linear(positions, positions), nn.Linear(positions, positions)  # A, B
        self.mix = nn.Identity() if self.released else nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = x.flatten(2)  # (N, C, P): channels by positions
        told = self._by_channels(maps) if self.over_channels else self._by_positions(maps)
        centres = 2 if self.released else 1  # how often the node is subtracted from its neighbour
        alone = F.linear(maps, self.own.weight - centres * self.other.weight, self.own.bias + self.other.bias)
        return self.mix(F.relu(alone + told).view_as(x))

    def _by_channels(self, maps: Tensor) -> Tensor:  # (N, C, P)
        """B is applied to every node once; then the neighbours' results are chosen."""
        near = nearest(maps, self.neighbours, keep_self=self.released)  # (N, C, k)
        return pick(F.linear(maps, self.other.weight), near).amax(dim=2)

    def _by_positions(self, maps: Tensor) -> Tensor:  # (N, C, P)
        """A and B mix positions: here that is the nodes themselves, so that the neighbours are chosen first."""
        near = nearest(maps.mT, self.neighbours, keep_self=self.released)  # (N, P, k)
        seen = pick(maps.mT, near).permute(0, 2, 3, 1)  # (N, k, C, P)
        return F.linear(seen, self.other.weight).amax(dim=1)


def nearest(nodes: Tensor, k: int, *, keep_self: bool) -> Tensor:  # (N, R, k)
    """The `k` of the nodes (N, R, D) that are most like each, by cosine; the likest of all is the node itself."""
    nodes = F.normalize(nodes.detach(), dim=2)
    alike = nodes @ nodes.mT  # (N, R, R)
    if not keep_self:
        alike.diagonal(dim1=1, dim2=2).fill_(-2)
    return alike.topk(k, dim=2).indices


def pick(nodes: Tensor, index: Tensor) -> Tensor:  # (N, R, k, D)
    """The nodes (N, R, D) that an index (N, R, k) names."""
    start = torch.arange(len(nodes), device=nodes.device)[:, None, None] * nodes.shape[1]
    return F.embedding(index + start, nodes.flatten(0, 1))


class F5C(nn.Module):
    """The whole face by FCC, then its patterns by CCC, each with a residual; `blocks` leaves one or both out."""

    def __init__(self, settings: "MOLSettings") -> None:
        super().__init__()
        has_fcc, has_ccc = settings.blocks in ("both", "fcc"), settings.blocks in ("both", "ccc")
        self.fcc = FCC(settings) if has_fcc else nn.Identity()
        self.ccc = CCC(settings) if has_ccc else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.fcc(x)
        return x + self.ccc(x) if self.ccc else x


# The flow network: FlowNetC (arXiv 1504.06852) with batch norm, the features of both frames beside the correlation.


def conv_norm(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """What the encoder is made of."""
    conv = nn.Conv2d(before, after, kernel, stride, padding=(kernel - 1) // 2, bias=False)
    return nn.Sequential(conv, BatchNorm2d(after), nn.LeakyReLU(0.1))


def enlarge(before: int, after: int) -> nn.Module:
    """Twice as high and wide."""
    return nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)


class Correlation(nn.Module):
    """How alike a position is to those around it in the next frame: (N, C, n, n) twice → (N, D, n, n).

    Displacements go in steps of two, so that a position only ever meets those of its own parity in row and column:
    four matrix products, of which every number is wanted. Beyond the map it meets nothing, which is 0.
    """

    place: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.near = side // 2
        self.displacements = (2 * self.near - 1) ** 2  # those that can overlap
        self.register_buffer("place", self._places(), persistent=False)

    def _places(self) -> Tensor:
        """Where each number of the four products stands in (D, n, n)."""
        m = self.near
        odd_y, odd_x, y, x, to_y, to_x = torch.meshgrid(
            *(torch.arange(n) for n in (2, 2, m, m, m, m)), indexing="ij"
        )
        displacement = (to_y - y + m - 1) * (2 * m - 1) + (to_x - x + m - 1)
        return ((displacement * 2 * m + 2 * y + odd_y) * 2 * m + 2 * x + odd_x).flatten()

    def forward(self, here: Tensor, there: Tensor) -> Tensor:
        products = self._by_parity(here) @ self._by_parity(there).mT / here.shape[1]  # (N, 4, m², m²)
        empty = products.new_zeros(len(here), self.displacements * 4 * self.near**2)
        return empty.index_copy(1, self.place, products.flatten(1)).view(len(here), -1, *here.shape[2:])

    def _by_parity(self, maps: Tensor) -> Tensor:  # (N, 4, m², C)
        apart = maps.unflatten(3, (self.near, 2)).unflatten(2, (self.near, 2))  # (N, C, m, 2, m, 2)
        return apart.permute(0, 3, 5, 2, 4, 1).reshape(len(maps), 4, self.near**2, -1)


class Nearby(nn.Module):
    """The same close by, and fine: cosine with each position up to two away, (N, C, h, w) twice → (N, 25, h, w).

    Ours: at an eighth of the size and in steps of two positions, a tenth of a pixel can't be seen.
    """

    reach = 2
    displacements = (2 * reach + 1) ** 2

    def forward(self, here: Tensor, there: Tensor) -> Tensor:
        here, there = F.normalize(here, dim=1), F.pad(F.normalize(there, dim=1), 4 * [self.reach])
        h, w = here.shape[2:]
        steps = range(2 * self.reach + 1)
        return torch.stack(
            [(here * there[:, :, y : y + h, x : x + w]).sum(dim=1) for y in steps for x in steps], dim=1
        )


def overlapping(side: int) -> Tensor:
    """Which of the 21 × 21 released displacements, −20, −18 … 20 each way, can overlap on a map: all others give 0."""
    steps = torch.arange(-REACH, REACH + 1, 2)
    is_inside = steps.abs() < side
    return (is_inside[:, None] & is_inside).flatten().nonzero().flatten()  # (D,)


class FlowNet(nn.Module):
    """Frames (8B, 1, H, W), one moment after the other, features (7B, C, n, n) twice → flow (7B, 2, H, W)."""

    kept: Tensor | None

    def __init__(self, settings: "MOLSettings") -> None:
        super().__init__()
        a, b, c, d, e, f = settings.encoder
        self.conv1, self.conv2, self.conv3 = (
            conv_norm(1, a, 6, 2),
            conv_norm(a, b, 4, 2),
            conv_norm(b, c, 2, 2),
        )
        self.near = Nearby() if settings.correlation == "fine" else None
        fine = self.near.displacements if self.near else 0
        self.redirect, self.correlate = conv_norm(c, settings.redirect, 1), Correlation(settings.side)
        live = overlapping(settings.side)
        places = (2 * REACH // 2 + 1) ** 2 if settings.is_released else len(live)
        before, after = torch.arange(settings.redirect), torch.arange(2 * settings.stack[-1])
        kept = torch.cat([before, settings.redirect + live, settings.redirect + places + after])
        self.register_buffer("kept", kept if settings.is_released else None, persistent=False)
        self.conv3_1 = conv_norm(settings.redirect + places + 2 * settings.stack[-1] + fine, c, 3)
        self.conv4 = nn.Sequential(conv_norm(c, d, 3, 2), conv_norm(d, d, 3))
        self.conv5 = nn.Sequential(conv_norm(d, e, 3, 2), conv_norm(e, e, 3))
        self.conv6 = nn.Sequential(conv_norm(e, f, 3, 2), conv_norm(f, f, 3))
        self._build_decoder(settings.decoder, skips=(e, d, c, b, a + fine, 2 if fine else 1), deepest=f)
        self.apply(_kaiming)

    @property
    def of_frames(self) -> tuple[nn.Module, ...]:
        """What describes each frame alone; all other layers describe pairs."""
        return self.conv1, self.conv2, self.conv3

    def _build_decoder(self, widths: tuple[int, ...], skips: tuple[int, ...], deepest: int) -> None:
        joined = [deepest, *[skip + width + 2 for skip, width in zip(skips, widths, strict=True)]]
        self.predict = nn.ModuleList(nn.Conv2d(width, 2, 3, padding=1, bias=False) for width in joined)
        self.enlarge_flow = nn.ModuleList(enlarge(2, 2) for _ in widths)
        self.enlarge = nn.ModuleList(enlarge(*pair) for pair in zip(joined[:-1], widths, strict=True))

    def forward(self, frames: Tensor, first: Tensor, second: Tensor) -> Tensor:
        edges = self.conv1(frames)  # (8B, a, H/2, W/2)
        parts = self.conv2(edges)  # (8B, b, H/4, W/4)
        maps = self.conv3(parts)  # (8B, c, n, n)
        n = len(first)  # the first 7 of 8 moments are those of the pairs' first frames
        here, there = maps[:n], maps[-n:]
        alike = F.leaky_relu(self.correlate(here, there), 0.1)
        seen, fine, picture = [self.redirect(here), alike, first, second], edges[:n], frames[:n]
        if self.near:
            near = self.near(edges[:n], edges[-n:])  # (7B, 25, H/2, W/2)
            seen.append(F.adaptive_avg_pool2d(near, here.shape[2:]))
            fine = torch.cat([fine, near], dim=1)
            picture = torch.cat([picture, frames[-n:]], dim=1)  # both: what changes between them
        deep3 = self._join(torch.cat(seen, dim=1))  # (7B, c, n, n)
        deep4 = self.conv4(deep3)
        deep5 = self.conv5(deep4)
        return self._decode(self.conv6(deep5), (deep5, deep4, deep3, parts[:n], fine, picture))

    def _join(self, x: Tensor) -> Tensor:
        """As released, the weights of displacements that never overlap are there too: here they are left out."""
        _, norm, act = self.conv3_1
        every = self.conv3_1.get_parameter("0.weight")
        weight = every if self.kept is None else every[:, self.kept]
        return act(norm(F.conv2d(x, weight, padding=1)))

    def _decode(self, x: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """From 1/64 of the size to the whole: at each level a flow, enlarged, is a hint for the next."""
        for level, skip in enumerate(skips):
            flow = self.enlarge_flow[level](self.predict[level](x))
            x = torch.cat([skip, F.leaky_relu(self.enlarge[level](x), 0.1), flow], dim=1)
        return self.predict[-1](x)


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, a=0.1)


# Two heads.


def landmark_head(settings: "MOLSettings") -> nn.Sequential:
    """Features of the pair's second frame (N, C, n, n) → (N, 136): x and y of 68 points."""
    narrow, hidden = settings.landmark_widths
    return nn.Sequential(
        nn.Conv2d(settings.stack[-1], narrow, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(narrow * (settings.side - 2) ** 2, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 2 * 68),
    )


def classifier(settings: "MOLSettings", n_classes: int) -> nn.Sequential:
    """Features of both frames of the 7 pairs (B, C, 14, n, n) → (B, classes)."""
    narrow, hidden = settings.classifier_widths
    return nn.Sequential(
        nn.Conv3d(settings.stack[-1], narrow, (5, 2, 2), stride=(1, 2, 2)),  # (B, 32, 10, n/2, n/2)
        nn.MaxPool3d(2),  # (B, 32, 5, n/4, n/4)
        nn.Dropout(settings.dropout),
        nn.Flatten(),
        nn.Linear(narrow * 5 * (settings.side // 4) ** 2, hidden),
        nn.ReLU(),
        nn.Dropout(settings.dropout),
        nn.Linear(hidden, n_classes),
    )


# The whole network.


class MOLNet(nn.Module):
    """Frames (B, 8, H, W) → emotion (B, C), flow (B, 7, 2, H, W) and landmarks (B, 7, 68, 2), both in pixels.

    Of larger frames it takes the middle. Flow i goes from frame i to the next, landmarks i are those of the next.
    Where flow has no weight in the loss there is no flow network.
    """

    def __init__(self, settings: "MOLSettings", n_classes: int) -> None:
        super().__init__()
        self.is_released = settings.is_released
        self.size, self.unit = settings.size, settings.size if settings.landmark_unit == "crop" else 1
        self.stack = convolution_stack(settings)
        self.first, self.second = F5C(settings), F5C(settings)
        self.flow = FlowNet(settings) if settings.flow_weight else None
        self.amplified = settings.amplify if settings.flow_sees == "raw" else 1.0
        self.landmarks = landmark_head(settings)
        self.classify = classifier(settings, n_classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if not self.is_released:
            return self._all_pairs(x)
        of_frames = self.flow.of_frames if self.flow else ()
        with one_by_one(PAIRS * (1,), self), one_by_one(MEETINGS, *of_frames):
            return self._all_pairs(x)

    def _all_pairs(self, x: Tensor) -> dict[str, Tensor]:
        frames = middle(self._checked(x), self.size).transpose(0, 1).flatten(0, 1)[:, None]  # (8B, 1, H, W)
        features = self.stack(frames)  # (8B, C, n, n)
        first, second = self.first(features[: -len(x)]), self.second(features[len(x) :])  # (7B, C, n, n) each
        pairs = torch.stack([first.unflatten(0, (PAIRS, -1)), second.unflatten(0, (PAIRS, -1))], dim=1)
        outputs = {
            "emotion": self.classify(pairs.flatten(0, 1).permute(1, 2, 0, 3, 4)),
            "landmarks": self.unit * self.landmarks(second).view(PAIRS, -1, 68, 2).transpose(0, 1),
        }
        if self.flow:
            flow = self.flow(self._less_amplified(frames), first, second)
            outputs["flow"] = flow.unflatten(0, (PAIRS, -1)).transpose(0, 1)
        return outputs

    def _less_amplified(self, frames: Tensor) -> Tensor:  # (8B, 1, H, W)
        """What changes in a clip is as small again as in its raw frames, beside a face of unit contrast."""
        if self.amplified == 1:
            return frames
        clips = frames.unflatten(0, (FRAMES, -1))  # (8, B, 1, H, W)
        still = clips.mean(dim=0)
        raw = still + (clips - still) / self.amplified
        return (raw / raw.std(dim=(0, 2, 3, 4), keepdim=True).clamp(min=1e-6)).flatten(0, 1)

    def _checked(self, x: Tensor) -> Tensor:
        side = x.shape[-1]
        if x.dim() != 4 or x.shape[1:3] != (FRAMES, side) or side < self.size or (side - self.size) % 2:
            raise ValueError(
                f"Expected {FRAMES} grey frames a clip, (B, {FRAMES}, {self.size}, {self.size}) or a larger even size "
                f"to take the middle of, got {tuple(x.shape)}: ask the corpus for the method's own view."
            )
        return x


def middle(images: Tensor, size: int) -> Tensor:
    """The middle (…, size, size) of (…, H, W)."""
    edge = (images.shape[-1] - size) // 2
    return images[..., edge : edge + size, edge : edge + size]


# Losses.


def landmark_loss(points: Tensor, target: Tensor) -> Tensor:
    """(B, 7, 68, 2) twice: city-block distance over the eyes' distance, a mean over points but a sum over frames."""
    left, right = target[..., 36:42, :].mean(dim=-2), target[..., 42:48, :].mean(dim=-2)  # (B, 7, 2)
    error = (points - target).abs().sum(dim=(2, 3)) / (right - left).norm(dim=-1)  # (B, 7)
    return error.sum(dim=1).mean() / 68


class MOLSettings(NetworkSettings):
    """Two readings of one paper, and the sizes of everything."""

    variant: Literal["paper", "released"] = Field(
        "paper", description="as the figure shows it, or as the code does it"
    )
    graph: Literal["channels", "positions"] | None = Field(
        None, description="nodes of CCC; none: channels in the paper, positions as released"
    )
    neighbours: int = Field(4, ge=1, description="of a node of CCC")
    blocks: Literal["both", "fcc", "ccc", "none"] = Field("both", description="what F5C is made of")
    size: int = Field(
        128, ge=64, le=128, multiple_of=64, description="side of a frame, cut out of one 9/8 as wide"
    )
    stack: tuple[int, int, int, int] = Field((8, 32, 64, 128), description="widths of the convolution stack")
    redirect: int = Field(32, ge=1, description="width of what goes round the correlation")
    encoder: tuple[int, int, int, int, int, int] = Field(
        (64, 128, 256, 512, 512, 1024), description="widths of the flow network on its way down"
    )
    decoder: tuple[int, int, int, int, int, int] = Field(
        (512, 256, 128, 128, 64, 32), description="its widths on the way up"
    )
    landmark_widths: tuple[int, int] = Field((32, 512), description="of the landmark head")
    classifier_widths: tuple[int, int] = Field((32, 256), description="of the classifier")
    dropout: float = Field(0.5, ge=0, lt=1, description="of the classifier; a narrow one bears less")
    flow: Flow = Field("tvl1", description="the motion to learn, between neighbouring frames")
    flow_weight: float = Field(
        10 / 7, ge=0, description="of its mean squared error; released: 10, and a mean over 7 twice"
    )
    correlation: Literal["released", "fine"] = Field(
        "released",
        description="of neighbouring frames: at 1/8 of the size in steps of two positions; or also at half of it in "
        "steps of one, and both frames side by side: ours",
    )
    flow_sees: Literal["frames", "raw"] = Field(
        "frames", description="what flow is estimated from; raw: changes that are not amplified"
    )
    landmark_weight: float = Field(0.1, ge=0, description="of the landmark loss")
    landmark_unit: Literal["pixels", "crop"] = Field(
        "pixels",
        description="what the landmark head speaks in: pixels, or sides of the frame, easier to learn",
    )
    shared_landmarks: bool = Field(
        False,
        description="landmarks of a training crop are shifted by five crops' corners, not by its own: a mistake of "
        "the released code, whose crops shared one array",
    )
    begin: Literal["even", "torch"] | None = Field(
        None,
        description="first weights of the stack; none: PyTorch's as released, else such as keep the size",
    )
    amplify: float = Field(
        1.0,
        ge=1,
        description="times that what changes in a clip is larger, pixel by pixel; the paper sees raw frames",
    )
    light: Literal["offset", "gain"] = Field(
        "offset",
        description="how all frames of a clip are made as bright: less their mean, after changes are amplified and a "
        "flicker of the contrast with them; or also divided by it before",
    )
    subclips: int = Field(
        1, ge=1, le=64, description="interleaved sub-clips of 8 frames that a clip is cut into"
    )
    align: Literal["clip", "frame"] = Field("clip", description="as in a View")

    @property
    def is_released(self) -> bool:
        """As the code does it."""
        return self.variant == "released"

    @property
    def nodes(self) -> str:
        """What the graph of CCC connects."""
        return self.graph or ("positions" if self.is_released else "channels")

    @property
    def begins_as_torch(self) -> bool:
        """Whether the stack begins small."""
        return self.begin == "torch" or (self.begin is None and self.is_released)

    @property
    def side(self) -> int:
        """Of the features: n."""
        return self.size // 8

    @model_validator(mode="after")
    def _check(self) -> Self:
        width, crop = self.stack[-1], self.augment.crop
        if width % 2:
            raise ValueError(
                f"expected an even last width of the stack, FCC halves the channels; got {width}"
            )
        nodes = width if self.nodes == "channels" else self.side**2
        if self.neighbours > (most := nodes - (not self.is_released)):
            among = f"among {nodes} {self.nodes}"
            raise ValueError(
                f"expected at most {most} neighbours of a node, {among}, got neighbours={self.neighbours}"
            )
        if crop not in (None, self.size):
            raise ValueError(
                f"expected a crop of {self.size} pixels, the size of a frame, or none; got {crop}"
            )
        if self.correlation == "fine" and self.is_released:
            raise ValueError(
                "correlation='fine' is ours: the released network has its own, leave one of them out"
            )
        if self.shared_landmarks and crop is None:
            raise ValueError("shared_landmarks needs crops: set augment.crop to the size of a frame")
        return self


SMALL = {
    "size": 64, "stack": [8, 16, 32, 64], "redirect": 8, "encoder": [4, 8, 16, 16, 24, 32],
    "decoder": [16, 16, 8, 8, 4, 4], "landmark_widths": [16, 64], "classifier_widths": [32, 128],
    "dropout": 0.2, "landmark_unit": "crop", "flow": "exact", "begin": "even", "align": "frame", "amplify": 50.0,
}  # fmt: skip


class MOL(NetworkMethod[MOLSettings]):
    """Recognise, and say what moved where."""

    name = "mol"
    origin = "code"
    Settings = MOLSettings
    presets: ClassVar = {
        "book": {
            **SMALL, "epochs": 25, "batch": 8, "rate": 2e-3, "schedule": "cosine",
            "augment": {"crop": 64, "flip": True},
        },
        "paper": {
            "epochs": 125, "batch": 32, "rate": 1e-4, "decay": 1e-3, "balance": False, "augment": {"crop": 128},
        },
    }  # fmt: skip
    kinds: ClassVar = {"x": "image", "flow": "flow", "landmarks": "points"}

    @property
    def view(self) -> View:
        chosen = self.settings
        return View(
            frames=FRAMES, subclips=chosen.subclips, size=9 * chosen.size // 8, align=chosen.align, flow=chosen.flow,
            flow_between="neighbours",
        )  # fmt: skip

    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        grey = torch.from_numpy(np.array(clips.frames)).float() / 255  # (N, 8 J, H, W)
        flow = torch.from_numpy(np.array(clips.flow)).float()  # (N, 7 J, 2, H, W)
        points = torch.from_numpy(np.array(clips.landmarks))  # (N, 8 J, 68, 2)
        units = (points + 0.5) / (grey.shape[-1] / 2) - 1  # of half the width, from the middle
        arrays = {"x": self._scaled(grey), "flow": flow, "landmarks": units}
        return {name: self._subclips(values) for name, values in arrays.items()}

    def _scaled(self, grey: Tensor) -> Tensor:
        """By the clip alone, all frames as bright: the light flickers. Who scales by other clips gets the greys."""
        grey = equal_light(grey) if self.settings.light == "gain" else grey
        still = grey.mean(dim=1, keepdim=True)
        grey = still + self.settings.amplify * (grey - still)
        if self.settings.released.normalise != "clip":
            return grey
        even = equal_light(grey, by="offset")
        return even / even.std(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)

    def _subclips(self, values: Tensor) -> Tensor:  # (N, J, 8 or 7, …)
        """Sub-clips interleave: moment t belongs to sub-clip t mod J."""
        n = self.settings.subclips
        return values if n == 1 else values.unflatten(1, (-1, n)).transpose(1, 2)

    def network(self, n_classes: int) -> nn.Module:
        return MOLNet(self.settings, n_classes)

    def losses(self, outputs: dict[str, Tensor], batch: dict[str, Tensor], stage: Stage) -> dict[str, Tensor]:
        chosen, terms = self.settings, super().losses(outputs, batch, stage)
        if chosen.flow_weight:
            error = F.mse_loss(outputs["flow"].float(), middle(batch["flow"], chosen.size))
            terms["flow"] = chosen.flow_weight * error
        if chosen.landmark_weight:
            error = landmark_loss(outputs["landmarks"].float(), self.landmark_targets(batch))
            terms["landmarks"] = chosen.landmark_weight * error
        return terms

    def landmark_targets(self, batch: dict[str, Tensor]) -> Tensor:  # (B, 7, 68, 2)
        """In pixels of the middle, of each pair's second frame."""
        size = self.settings.size
        points = batch["landmarks"][:, 1:] * batch["x"].shape[-1] / 2 + size / 2 - 0.5
        return points - self._other_corners(points) if self.settings.shared_landmarks else points

    def guess(self, train: dict[str, Tensor]) -> dict[str, Tensor]:
        """Nothing moves; the mean face."""
        size = self.settings.size
        return {
            "flow": torch.zeros(PAIRS, 2, size, size),
            "landmarks": self.landmark_targets(train).mean(dim=0),
        }

    def _other_corners(self, points: Tensor) -> Tensor:  # (B, 1, 1, 2)
        """The corners of the four other crops that shared an array with this one, added up."""
        corners = torch.randint(self.settings.size // 8 + 1, (len(points), 4, 2))
        return corners.sum(dim=1)[:, None, None].to(points)
