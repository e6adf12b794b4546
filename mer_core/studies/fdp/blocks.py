"""The blocks in numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import nn

from mer_core.methods import count_parameters
from mer_core.methods.fdp import Attention, FDPNet, FDPSettings, LocalAggregator
from mer_core.studies import papers
from mer_core.studies.papers import Material

PARTS_OF_THE_NETWORK = {
    "encode": "frame encoder",
    "pool": "rank pooling",
    "recognise": "recognition head",
    "draw": "drawing head",
    "rank": "rank scorer",
}


def reached(block: nn.Module, channels: int, side: int = 7) -> np.ndarray:  # (side, side)
    """Which pixels of the output depend on the middle one of the input."""
    x = torch.randn(1, channels, side, side, dtype=torch.double)
    other = x.clone()
    other[0, :, side // 2, side // 2] += 1
    block = block.double().eval()
    with torch.no_grad():
        changed = (block(other) - block(x)).abs() > 1e-9
    return changed.any(dim=1)[0].int().numpy()


def stages(settings: FDPSettings) -> tuple[list[int], list[int]]:
    """The sides of each stage's maps, and how many pixels share a key there."""
    return [settings.size // 4 // 2**stage for stage in range(4)], [r * r for r in settings.reduce]


def comparisons(settings: FDPSettings) -> pd.DataFrame:
    """A row a stage: what a head of its attention compares, and what it would without sharing keys."""
    rows = {
        f"stage {n}": {
            "pixels": side**2, "keys": side**2 // group, "comparisons": side**4 // group, "unreduced": side**4
        }
        for n, (side, group) in enumerate(zip(*stages(settings), strict=True), start=1)
    }  # fmt: skip
    return pd.DataFrame(rows).T


def networks(given: Material) -> dict[str, FDPSettings]:
    """Both variants at the paper's size, the local blocks as the text has them, and the network of the page."""
    full = {"released": FDPSettings(variant="released"), "paper": FDPSettings()}
    return {**full, "paper, grouped": FDPSettings(local="grouped"), "here": given.method.settings}


def _without_numbers(settings: FDPSettings, n_classes: int = 5) -> FDPNet:
    with torch.device("meta"):
        return FDPNet(settings, n_classes).eval()


def weights_by_part(networks: Mapping[str, FDPSettings]) -> pd.DataFrame:
    """A row a part, a column a network, for five classes."""
    models = {name: _without_numbers(settings) for name, settings in networks.items()}
    counts = {
        name: {
            PARTS_OF_THE_NETWORK[part]: count_parameters(module) for part, module in model.named_children()
        }
        for name, model in models.items()
    }
    return pd.DataFrame(counts).fillna(0).astype(int)


def says_weights(counts: pd.DataFrame) -> str:
    """How much of the paper's network is there to draw."""
    share = counts["paper"]["drawing head"] / counts["paper"].sum()
    return (
        f"The paper's network begins at random and has a few hundred clips to learn from. {share:.0%} of it draws, and "
        "is thrown away when a clip is only to be recognised."
    )


def described(networks: Mapping[str, FDPSettings]) -> pd.DataFrame:
    """A row a network: its blocks, weights and thousands of millions of multiply-adds a clip."""
    return pd.DataFrame({name: _described(settings) for name, settings in networks.items()}).T


def _described(settings: FDPSettings) -> dict[str, object]:
    model = _without_numbers(settings)
    kinds = [type(module) for module in model.modules()]
    return {
        "local blocks": kinds.count(LocalAggregator),
        "attention": kinds.count(Attention),
        "parameters": f"{count_parameters(model):,}",
        "G multiply-adds": f"{multiply_adds(settings):.2f}",
    }


def multiply_adds(settings: FDPSettings) -> float:
    """Of a clip, in thousands of millions, for five classes."""
    with torch.device("meta"):
        return papers.multiply_adds(FDPNet(settings, 5), 8, settings.size, settings.size)
