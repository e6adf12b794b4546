"""The blocks small enough to follow, what the loss is worth before training, and the whole in numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.methods import count_parameters, create_model
from mer_core.methods.mol import (
    CCC,
    FRAMES,
    FlowNet,
    MOLNet,
    MOLSettings,
    convolution_stack,
    landmark_loss,
    middle,
    nearest,
    overlapping,
)
from mer_core.studies import papers
from mer_core.studies.papers import Material

AS_RELEASED = 44_105_379  # weights, counted in the released network


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Numbers of size 1, the same whenever the seed is."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def stack_gains(settings: MOLSettings) -> dict[str, float]:
    """How large features are beside the frames that they describe, under both kinds of first weights."""
    x, gains = drawn(1, 1, settings.size, settings.size).double(), {}
    for begin in ("torch", "even"):
        torch.manual_seed(0)
        stack = convolution_stack(settings.replace(begin=begin)).double()
        gains[begin] = ((stack(x) - stack(torch.zeros_like(x))).std() / x.std()).item()
    return gains


def reach(block: nn.Module, width: int, n: int) -> Tensor:  # (n, n)
    """How much each position of the input has a say in one of the output."""
    x = drawn(1, width, n, n).requires_grad_()
    block(x)[0, :, 5, 5].sum().backward()
    return x.grad[0].abs().sum(dim=0)


def literal_ccc(block: CCC, x: Tensor) -> Tensor:  # (C, P)
    """As the equation says it: every channel, every neighbour."""
    maps = x.flatten(2)[0]  # (C, P)
    near = nearest(maps[None], block.neighbours, keep_self=False)[0]
    edges = [
        [F.relu(block.own(node) + block.other(maps[j] - node)) for j in others]
        for node, others in zip(maps, near, strict=True)
    ]
    return torch.stack([torch.stack(of_node).amax(dim=0) for of_node in edges])


def literal_correlation(a: Tensor, b: Tensor) -> Tensor:  # (N, 441, n, n)
    """Move the next map over this one, displacement by displacement."""
    side, around = a.shape[-1], F.pad(b, [20] * 4)
    places = [(dy, dx) for dy in range(0, 41, 2) for dx in range(0, 41, 2)]
    moved = [around[:, :, dy : dy + side, dx : dx + side] for dy, dx in places]
    return torch.stack([(a * other).mean(dim=1) for other in moved], dim=1)


def positions_shared(n: int) -> Tensor:  # (21, 21)
    """How many positions two maps of n × n have in common, displacement by displacement."""
    common = (n - torch.arange(-20, 21, 2).abs()).clamp(min=0)
    return common[:, None] * common


@torch.no_grad()
def best_at_rest(given: Material, rows: np.ndarray) -> float:
    """In how many pairs of neighbours an untrained flow network finds its largest correlation at displacement 0."""
    torch.manual_seed(given.settings.seed)
    flownet = FlowNet(given.method.settings).eval()
    x = middle(given.inputs_of(rows)["x"], given.method.settings.size)  # (B, 8, H, W)
    deep = flownet.conv3(flownet.conv2(flownet.conv1(x.flatten(0, 1)[:, None])))
    deep = deep.unflatten(0, x.shape[:2])  # (B, 8, C, n, n)
    deep = deep - deep.mean(dim=(0, 1, 3, 4), keepdim=True)  # what varies
    alike = flownet.correlate(deep[:, :-1].flatten(0, 1), deep[:, 1:].flatten(0, 1)).mean(
        dim=(2, 3)
    )  # (7B, D)
    rest = int((overlapping(given.method.settings.side) == 220).nonzero())
    return (alike.argmax(dim=1) == rest).float().mean().item()


# Graphs of channels


def frames_to_compare(given: Material) -> dict[str, Tensor]:
    """A frame of the clip that moves most, a later one of the same subject, and one of another."""
    size, subjects = given.method.settings.size, given.subjects
    other = int(given.tested[subjects[given.tested] != subjects[given.most]][0])
    x = middle(given.inputs_of(np.array([given.most, other]))["x"], size)
    return {"a frame": x[0, 0], "the same subject later": x[0, FRAMES // 2], "another subject": x[1, 0]}


@torch.no_grad()
def patterns(network: MOLNet, frame: Tensor) -> Tensor:  # (1, C, P)
    """The nodes of the first graph: channels by positions."""
    return network.first.fcc(network.get_submodule("stack")(frame[None, None])).flatten(2)


def shared_neighbours(network: MOLNet, frames: Mapping[str, Tensor], k: int = 4) -> dict[str, float]:
    """Of the k neighbours of a node in the first frame, how many it has in each of the others, too; and by chance."""
    nodes = {name: patterns(network, frame) for name, frame in frames.items()}
    near = {name: nearest(of, k, keep_self=False)[0] for name, of in nodes.items()}
    first = next(iter(near.values()))
    shares = {
        name: (first[:, :, None] == other[:, None]).any(dim=2).float().mean().item()
        for name, other in near.items()
    }
    return {**shares, "by chance": k / (len(first) - 1)}


def cosines(network: MOLNet, frames: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """How alike the channels of a frame are, each with each."""
    nodes = {name: F.normalize(patterns(network, frame)[0], dim=1) for name, frame in frames.items()}
    return {name: (of @ of.T).numpy() for name, of in nodes.items()}


# The loss, before anything is learnt


def terms_before_training(given: Material) -> dict[str, float]:
    """The weighted terms of the loss, for answers that no network is needed for."""
    chosen, batch = given.method.settings, given.inputs_of(given.tested)
    target = given.method.landmark_targets(batch)  # (n, 7, 68, 2), pixels of the middle
    mean_face = target.mean(dim=(0, 1)).expand_as(target)
    flow = middle(batch["flow"].float(), chosen.size).square().mean().item()
    faces = {"all at the corner": torch.zeros_like(target), "the mean face": mean_face}
    return {
        "emotion, all classes equally likely": float(np.log(given.n_classes)),
        "flow, none": chosen.flow_weight * flow,
        **{
            f"landmarks, {name}": chosen.landmark_weight * landmark_loss(face, target).item()
            for name, face in faces.items()
        },
    }


def says_terms(terms: Mapping[str, float]) -> str:
    """Which term is the largest, and whether it costs anything to leave out the flow."""
    order = sorted(terms, key=terms.get)
    text = f"The largest is *{order[-1]}*, the smallest *{order[0]}*. "
    flow, emotion = terms["flow, none"], terms["emotion, all classes equally likely"]
    if not flow:
        return f"{text}Here the flow has no weight in the loss."
    ratio = emotion / flow
    if ratio > 5:
        return (
            f"{text}The term of the emotion is {ratio:.0f} times that of the flow when nothing is estimated at all: "
            "a network that ignores the flow loses next to nothing."
        )
    return (
        f"{text}When nothing is estimated at all, the flow costs {1 / ratio:.1f} times as much as the emotion: "
        "a network that ignores it pays for that."
    )


# The whole network


def networks(given: Material) -> dict[str, nn.Module]:
    """Both readings at the paper's size, for five classes, and the network of the page, all untrained."""
    full = {name: create_model("mol", 5, preset="paper", variant=name) for name in ("paper", "released")}
    return {**full, "here": untrained(given)}


def untrained(given: Material) -> nn.Module:
    """The network of the page, with its first weights."""
    torch.manual_seed(given.settings.seed)
    return given.method.network(given.n_classes).eval()


def weights_by_part(networks: Mapping[str, nn.Module]) -> pd.DataFrame:
    """A row a part and one for all of them, a column a network."""
    counts = {
        name: {part: count_parameters(module) for part, module in network.named_children()}
        | {"in all": count_parameters(network)}
        for name, network in networks.items()
    }
    return pd.DataFrame(counts).fillna(0).astype(int)


def multiply_adds(networks: Mapping[str, nn.Module]) -> dict[str, float]:
    """Of a clip, in thousands of millions."""
    return {name: papers.multiply_adds(net, FRAMES, net.size, net.size) for name, net in networks.items()}


def says_weights(counts: pd.DataFrame) -> str:
    """Where the weights of the paper's network are; and whether our count is that of the released code."""
    shares = counts["paper"] / counts["paper"]["in all"]
    largest = shares.drop("in all").idxmax()
    many = "as many as" if counts["released"]["in all"] == AS_RELEASED else "another number than"
    return (
        f"Of the paper's weights {shares[largest]:.0%} are in `{largest}`; both F5C blocks, which give the paper its "
        f"name, have {shares['first'] + shares['second']:.1%}. Our reading of the released code has {many} that code."
    )
