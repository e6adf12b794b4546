"""The branches taken apart: sizes, costs, parameters, and which loss moves what."""

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.methods import NetworkMethod, count_parameters, create_method
from mer_core.methods.famnet import Task, Trunk
from mer_core.studies import papers
from mer_core.studies.famnet.material import Material

FULL = {"AMNet2D": "amnet2d", "AMNet3D": "amnet3d"}  # both at their own size: preset `paper`
READINGS = {
    "one task, no attention": {"attention": "none", "au_weight": 0.0},
    "two tasks, no attention": {"attention": "none"},
    "two tasks, cbam": {"attention": "cbam"},
    "one task, hier": {"au_weight": 0.0},
    "two tasks, hier": {},
    "two trunks, hier": {"trunks": "separate"},
}
KNOWN_CLASSES = {"amnet2d": 1000, "amnet3d": 400}  # of ImageNet and of Kinetics
HEAD = 513  # numbers a class: 512 weights and a bias


def full_network(name: str, **changes: object) -> nn.Module:
    """Of three classes and full size, without numbers."""
    with torch.device("meta"):
        return create_method(name, "paper", **changes).network(3)


def level_table(given: Material) -> pd.DataFrame:
    """The sizes of W on each level: channels, frames of a clip, height and width."""
    branches = {
        "AMNet2D, 112 pixels": create_method("amnet2d", "paper"),
        "AMNet3D, 16 × 112": create_method("amnet3d", "paper"),
        "AMNet2D, here": given.networks["apex frame"].method,
        "AMNet3D, here": given.method,
    }
    rows = {name: _level_sizes(branch, given.n_classes) for name, branch in branches.items()}
    return pd.DataFrame(rows, index=range(1, 5)).T


def _level_sizes(method: NetworkMethod, n_classes: int) -> list[str]:
    chosen = method.settings
    with torch.device("meta"):
        branch = method.network(n_classes).eval()
        x = torch.empty(1, branch.frames, chosen.channels, chosen.size, chosen.size)
        return [" × ".join(map(str, w.shape[1:])) for _, w in branch.trunk(branch.seen(x))]


def by_the_equations(task: Task, trunk: Trunk, levels: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The scores of a task of AMNet2D: one level after the other, one equation a line."""
    passed = None
    for i, (u, w) in enumerate(levels):
        q = u if passed is None else torch.cat([u, passed], dim=1)
        m = task.masks[i](q)
        a = m * w
        if i < 3:
            size = levels[i + 1][0].shape[2:]
            pooled = F.adaptive_max_pool2d(a, size)
            conv, norm, relu = trunk.encoders[i].encode
            passed = relu(norm(conv(pooled)))
    return task.head(a.mean(dim=(2, 3)))


def multiply_adds(name: str, **changes: object) -> float:
    """Of one clip at full size, in thousands of millions."""
    network, chosen = full_network(name, **changes), create_method(name, "paper").settings
    return papers.multiply_adds(network, network.frames, chosen.channels, chosen.size, chosen.size)


def pulls(method: NetworkMethod, trunks: str, seed: int) -> pd.DataFrame:
    """Whether the loss of a task moves a part of a branch: a row a part, a column a task."""
    torch.manual_seed(seed)
    network = type(method)(method.settings.replace(trunks=trunks)).network(3).eval()
    size = method.settings.size
    x, y = torch.rand(4, 2, 1, size, size), torch.tensor([0, 1, 2, 0])
    outputs = network(x)
    losses = {
        "emotion": F.cross_entropy(outputs["emotion"], y),
        "action units": F.softplus(outputs["action_units"]).mean(),
    }
    lengths = {}
    for task, loss in losses.items():
        network.zero_grad()
        loss.backward(retain_graph=True)
        lengths[task] = {"trunk": _gradient(network.trunk), "emotion": _gradient(network.emotion)}
    return pd.DataFrame(lengths).map(lambda length: "yes" if length > 1e-6 else "no")


def _gradient(part: nn.Module) -> float:
    squares = [p.grad.square().sum().item() for p in part.parameters() if p.grad is not None]
    return sum(squares) ** 0.5


def parameter_table() -> pd.DataFrame:
    """Parameters of both branches at full size: the trunk, the trunk as it is known, and each reading of the paper."""
    trunks = {name: count_parameters(full_network(name, attention="none").trunk) for name in FULL.values()}
    rows = {
        "trunk": list(trunks.values()),
        "trunk, its own classes": [n + HEAD * KNOWN_CLASSES[name] for name, n in trunks.items()],
    }
    for reading, changes in READINGS.items():
        rows[reading] = [count_parameters(full_network(name, **changes)) for name in FULL.values()]
    return pd.DataFrame(rows, index=list(FULL)).T


def part_table() -> pd.DataFrame:
    """Parameters of a branch's parts: one task's mask on each level, the encoders, and the heads of both tasks."""
    rows = {}
    for title, name in FULL.items():
        branch = full_network(name)
        masks = {f"mask, level {i}": mask for i, mask in enumerate(branch.emotion.masks, start=1)}
        heads = {"head, emotion": branch.emotion.head, "head, action units": branch.action_units.head}
        parts = {**masks, "encoders": branch.trunk.encoders, **heads}
        rows[title] = {part: count_parameters(module) for part, module in parts.items()}
    return pd.DataFrame(rows)
