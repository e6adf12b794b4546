"""What folding buys MOL: a training step of the paper's size beside a literal one, pair by pair and node by node.

    python benchmarks/mol.py [--device cuda] [--batches 4]

Goals on two idle cores, with four clips a step: at least 2.5 times as fast, at most 1.2 times the memory. Both do the
same mathematics with the same weights (a test compares them). Expect four minutes.
"""

import mer_core.pinned

from collections.abc import Callable

import torch
from side_by_side import Case, main
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.methods import Stage, create_method
from mer_core.methods.mol import CCC, FCC, PAIRS, CircularPass, FlowNet, MOLNet

# The literal network: the weights of a MOLNet, in the order in which the released code goes.


def literal_mol(net: MOLNet, x: Tensor) -> dict[str, Tensor]:
    """Frames (B, 8, H, W), one pair of neighbours after the other."""
    features, flows, points = [], [], []
    for k in range(PAIRS):
        here, there = x[:, k : k + 1], x[:, k + 1 : k + 2]  # (B, 1, H, W)
        first, second = literal_f5c(net.first, net.stack(here)), literal_f5c(net.second, net.stack(there))
        features += [first, second]
        points.append(net.unit * net.landmarks(second).view(-1, 68, 2))
        flows.append(literal_flow(net.flow, here, there, first, second))
    return {
        "emotion": net.classify(torch.stack(features, dim=2)),
        "flow": torch.stack(flows, dim=1),
        "landmarks": torch.stack(points, dim=1),
    }


def literal_f5c(block: nn.Module, x: Tensor) -> Tensor:
    """A residual around each."""
    x = literal_fcc(block.fcc, x)
    return x + literal_ccc(block.ccc, x)


def literal_fcc(fcc: FCC, x: Tensor) -> Tensor:
    """Each half is continued by its own beginning, and convolved by kernels as long as the map."""
    x1, x2 = x.chunk(2, dim=1)
    y1 = literal_pass(fcc.first, x1, first_axis=2)
    y2 = literal_pass(fcc.second, x2, first_axis=3)
    return torch.cat([x1 + y1, x2 + y2], dim=1)


def literal_pass(circular: CircularPass, x: Tensor, first_axis: int) -> Tensor:
    """Along one axis (2: down, 3: along), then along the other."""
    n, width = x.shape[-1], x.shape[1]
    for step, axis in enumerate((first_axis, 5 - first_axis)):
        shape = (width, 1, n, 1) if axis == 2 else (width, 1, 1, n)
        x = x + circular.place[step, :, :n].reshape(1, *(shape[0], *shape[2:]))
        x = circular.norm(x) if step == 0 else x
        longer = torch.cat([x, x.narrow(axis, 0, n - 1)], dim=axis)
        kernel = circular.kernel[step, :, :n].reshape(shape)
        x = F.conv2d(longer, kernel, circular.bias[step].flatten(), groups=width)
    return x


def literal_ccc(ccc: CCC, x: Tensor) -> Tensor:
    """Channel by channel, neighbour by neighbour."""
    maps = x.flatten(2)  # (N, C, P)
    nodes = maps if ccc.over_channels else maps.mT
    unit = F.normalize(nodes.detach(), dim=2)
    alike = unit @ unit.mT
    if not ccc.released:
        alike = alike - 3 * torch.eye(alike.shape[-1])
    near = alike.topk(ccc.neighbours, dim=2).indices  # (N, R, k)
    clips, done = torch.arange(len(x))[:, None], []
    for c in range(maps.shape[1]):
        said = []
        for j in range(ccc.neighbours):
            by_node, by_place = (clips[:, 0], near[:, c, j]), (clips, near[:, :, j])
            neighbour = maps[by_node] if ccc.over_channels else maps[:, c][by_place]  # (N, P)
            edge = neighbour - maps[:, c]
            edge = edge - maps[:, c] if ccc.released else edge
            said.append(F.relu(ccc.own(maps[:, c]) + ccc.other(edge)))
        done.append(torch.stack(said).max(dim=0).values)
    return ccc.mix(torch.stack(done, dim=1).view_as(x))


def literal_flow(net: FlowNet, here: Tensor, there: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Both frames through the encoder, every displacement of the correlation in turn."""
    edges = net.conv1(here)
    parts = net.conv2(edges)
    maps = net.conv3(parts)
    alike = F.leaky_relu(literal_correlation(maps, net.conv3(net.conv2(net.conv1(there)))), 0.1)
    if net.kept is None:  # the paper's variant has no weights for what never overlaps
        alike = alike[:, overlapping(maps.shape[-1])]
    deep3 = net.conv3_1(torch.cat([net.redirect(maps), alike, first, second], dim=1))
    deep4 = net.conv4(deep3)
    deep5 = net.conv5(deep4)
    x = net.conv6(deep5)
    for level, skip in enumerate((deep5, deep4, deep3, parts, edges, here)):
        flow = net.enlarge_flow[level](net.predict[level](x))
        x = torch.cat([skip, F.leaky_relu(net.enlarge[level](x), 0.1), flow], dim=1)
    return net.predict[-1](x)


def literal_correlation(here: Tensor, there: Tensor) -> Tensor:
    """(N, C, n, n) twice → (N, 441, n, n): the next map is moved over this one, −20, −18 … 20 positions each way."""
    n, around = here.shape[-1], F.pad(there, [20] * 4)
    moved = [around[:, :, dy : dy + n, dx : dx + n] for dy in range(0, 41, 2) for dx in range(0, 41, 2)]
    return torch.stack([(here * other).mean(dim=1) for other in moved], dim=1)


def overlapping(n: int) -> list[int]:
    """Which of the 441 displacements move a map over itself."""
    steps = [(dy, dx) for dy in range(-20, 21, 2) for dx in range(-20, 21, 2)]
    return [i for i, (dy, dx) in enumerate(steps) if abs(dy) < n and abs(dx) < n]


def build(way: str, batch: int, device: str) -> Callable[[], Tensor]:
    """A forward pass on noise, and its loss."""
    method = create_method("mol", preset="paper", augment={})
    net = method.network(5).to(device)
    size = method.settings.size
    clips = {
        "x": torch.rand(batch, 8, size, size),
        "flow": torch.randn(batch, 7, 2, size, size),
        "landmarks": size * torch.rand(batch, 8, 68, 2),
        "label": torch.arange(batch) % 5,
    }
    clips = {**{name: values.to(device) for name, values in clips.items()}, "class_weight": None}
    outputs = net if way == "at once" else lambda x: literal_mol(net, x)
    return lambda: sum(method.losses(outputs(clips["x"]), clips, Stage("all", 1)).values())


if __name__ == "__main__":
    main(Case(__doc__, __file__, "mol", (8, 128, 128), ("at once", "pair by pair"), build, batches=(4,)))
