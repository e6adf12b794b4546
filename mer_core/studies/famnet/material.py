"""What the chapter works with: its parameters, the clips and folds, and three branches that see them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from mer_core.clips import ClipSet
from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.methods import NetworkMethod, create_method
from mer_core.methods.famnet import changed
from mer_core.protocols import Fold, class_map, subject_groups
from mer_core.studies.known import KnownClasses
from mer_core.studies.parameters import Parameters
from mer_core.training import Device, Examples, examples

BRANCHES = {  # what each is, and what it is set to beside the preset
    "apex frame": ("amnet2d", {}),
    "change at apex": ("amnet2d", {"difference": "both"}),
    "clip": ("amnet3d", {}),
}


class Chapter(Parameters):
    """Parameters of the chapter."""

    corpus: Literal["synth", "synth-easy", "synth-hard"] = Field(description="synthetic corpus")
    classes: KnownClasses = Field(description="class map")
    preset: Literal["book", "paper"] = Field(description="book for a CPU, paper for a GPU")
    groups: int = Field(ge=2, le=26, description="groups of subjects; each would be tested once")
    folds: int = Field(ge=1, le=26, description="how many of the groups are tested")
    epochs: int = Field(ge=0, description="passes over the training clips; 0: as the preset says")
    seed: int = Field(ge=0, description="of the first weights and the order of clips")
    device: Device = Field(description="cpu, cuda, mps, or auto for the fastest")


@dataclass(frozen=True)
class Material:
    """The clips of the chapter, with their labels, and the folds of which the tested clips are asked about."""

    settings: Chapter
    faces: Corpus
    branches: dict[str, NetworkMethod]
    clips: ClipSet
    label: np.ndarray  # (N,)
    n_classes: int
    folds: list[Fold]

    @property
    def table(self) -> pd.DataFrame:
        """A row a clip."""
        return self.clips.clips

    @property
    def subjects(self) -> np.ndarray:  # (N,)
        """Of each clip."""
        return self.table["subject"].to_numpy()

    @property
    def tested(self) -> np.ndarray:  # (n,)
        """Positions of the tested clips, fold by fold."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def most(self) -> int:
        """The tested clip whose skin moves most."""
        return self.tested[np.argmax(self.table["peak_pixels"].to_numpy()[self.tested])]

    @property
    def commonest(self) -> int:
        """The class that most clips have of those to train on."""
        return int(np.bincount(self.label[self.folds[0].train]).argmax())

    @cached_property
    def examples(self) -> dict[str, Examples]:
        """The clips as each branch sees them."""
        return {
            name: examples(branch, self.clips, self.label, self.n_classes)
            for name, branch in self.branches.items()
        }


def material(settings: Chapter) -> Material:
    """Open the corpus, label its clips, and make the branches and folds that the parameters ask for."""
    asked = {"preset": settings.preset} | ({"epochs": settings.epochs} if settings.epochs else {})
    branches = {name: create_method(of, **changes, **asked) for name, (of, changes) in BRANCHES.items()}
    mapping, faces = class_map(settings.classes), open_corpus(settings.corpus)
    clips = faces.clipset(branches["clip"].view)
    label = mapping.label(clips.clips)
    clips, label = clips.select(label.notna()), label.dropna().to_numpy(int)
    folds = subject_groups(clips.clips["subject"].to_numpy(), k=settings.groups)[: settings.folds]
    return Material(settings, faces, branches, clips, label, len(mapping.classes), folds)


def nearest_neighbours(given: Material) -> pd.DataFrame:
    """How often the clip whose picture differs least shows the same subject, and the same class; and any other clip."""
    apexes = given.branches["apex frame"].inputs(given.clips)["x"]  # (N, 2, C, S, S): apex and onset
    pictures = {"apex frame": apexes[:, 0], "change from onset to apex": changed(apexes.flip(1))[:, 1]}
    whose = {"same subject": given.subjects, "same class": given.label}
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


def set_otherwise(here: dict, there: dict) -> dict[str, tuple[object, object]]:
    """The settings, plain, that have another value there; those of settings inside settings beside the others."""
    other = {}
    for name in sorted(here):
        if isinstance(here[name], dict):
            other |= set_otherwise(here[name], there[name])
        elif here[name] != there[name]:
            other[name] = here[name], there[name]
    return other
