"""What the chapter works with: its parameters, the clips and folds, and the networks that see them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mer_core.methods.famnet import changed
from mer_core.studies import papers

BRANCHES = {  # what each is, and what it is set to beside the preset
    "apex frame": ("amnet2d", {}),
    "change at apex": ("amnet2d", {"difference": "both"}),
    "clip": ("amnet3d", {}),
}
CONTROL = "change at apex, other seed"
NETWORKS = {**BRANCHES, CONTROL: BRANCHES["change at apex"]}


class Chapter(papers.PaperChapter):
    """Parameters of the chapter."""


@dataclass(frozen=True)
class Material(papers.Material):
    """The labelled clips as AMNet3D sees them; and as each network of the chapter does."""

    @cached_property
    def networks(self) -> dict[str, papers.Material]:
        """By name; the control differs from its branch by the seed."""
        return {name: self._seen_by(name, *what) for name, what in NETWORKS.items()}

    def _seen_by(self, name: str, method: str, changes: dict[str, object]) -> papers.Material:
        settings = self.settings.model_copy(update={"seed": self.settings.seed + (name == CONTROL)})
        usual = settings.method(method)
        changed = type(usual)(usual.settings.replace(**changes))
        return papers.Material(
            settings, changed, self.faces, self.clips, self.labels, self.mapping, self.folds
        )

    @property
    def commonest(self) -> int:
        """The class that most clips have of those to train on."""
        return int(np.bincount(self.labels[self.folds[0].train]).argmax())


def material(settings: Chapter) -> Material:
    """Of the corpus, the classes and the folds that are asked for."""
    return Material(**vars(papers.material(settings, settings.method("amnet3d"))))


def nearest_neighbours(given: Material) -> pd.DataFrame:
    """How often the clip whose picture differs least shows the same subject, and the same class; and any other clip."""
    apexes = given.networks["apex frame"].examples.inputs["x"]  # (N, 2, C, S, S): apex and onset
    pictures = {"apex frame": apexes[:, 0], "change from onset to apex": changed(apexes.flip(1))[:, 1]}
    whose = {"same subject": given.subjects, "same class": given.labels}
    rows = {
        name: {column: _alike(seen, of) for column, of in whose.items()} for name, seen in pictures.items()
    }
    rows["any other clip"] = {column: _alike_by_chance(of) for column, of in whose.items()}
    return pd.DataFrame(rows).T.rename_axis("the nearest neighbour in")


def _alike(pictures: Tensor, of: np.ndarray) -> float:
    flat = pictures.flatten(1)
    far = torch.cdist(flat, flat).fill_diagonal_(torch.inf)
    return float(np.mean(of[far.argmin(dim=1).numpy()] == of))


def _alike_by_chance(of: np.ndarray) -> float:
    same = of[:, None] == of
    return float((same.sum() - len(of)) / (same.size - len(of)))
