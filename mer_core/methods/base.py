"""The contract of a method: what it wants to see, how it is set, what is fitted, and what it is asked to minimise.

There are two kinds. A `NetworkMethod` brings a network and its losses; a `FeatureMethod` brings numbers that describe
a clip and an estimator of scikit-learn. Folds, seeds, the optimiser's loop, precision, resuming and scoring are the
same for all and live in `mer_core.training`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.base import ClassifierMixin
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.clips import ClipSet, View
from mer_core.settings import Settings
from mer_core.vision.augment import Augment, Kind


class Method(ABC):
    """A way to recognise expressions."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    presets: ClassVar[dict[str, dict]] = {"book": {}, "paper": {}}  # what differs from the settings' defaults
    files: ClassVar[tuple[str, ...]] = ()  # settings that name a file of first weights
    # What its file was written after: a paper's abstract (a reconstruction), its code, or nothing but itself.
    origin: ClassVar[Literal["abstract", "code", "itself"]] = "itself"
    draws: ClassVar[bool] = True  # first weights, an order, a sample: with another seed it is another result
    before: ClassVar[str] = (
        ""  # `module:function` of its `Lesson`, imported only where something is learnt before
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    @abstractmethod
    def view(self) -> View:
        """What it wants to see of a clip."""

    @property
    def start(self) -> str:
        """What it begins with: at random (`scratch`), a .safetensors file, or what its lesson of this name teaches."""
        return "scratch"

    @property
    def action_units(self) -> tuple[int, ...]:
        """Those that its network scores beside the classes, as `action_units` (B, A)."""
        return ()


class FeatureMethod(Method):
    """Numbers that describe a clip, and an estimator that learns from them; if that one draws, its method says so."""

    draws = False

    @abstractmethod
    def features(self, clips: ClipSet) -> np.ndarray:  # (N, D)
        """One row a clip; a clip's row must depend on that clip alone."""

    @abstractmethod
    def estimator(self, seed: int) -> ClassifierMixin:
        """A fresh estimator of scikit-learn."""


class Released(Settings):
    """What released code of several papers does otherwise. Each is one switch, and off unless it is studied."""

    frozen_after_first_epoch: bool = Field(
        False,
        description="training goes on in evaluation mode: batch norm keeps its first statistics, nothing is dropped",
    )
    normalise: Literal["clip", "train", "fold"] = Field(
        "clip",
        description="mean and maximum that the input is scaled by: of no other clip; of the training clips for all; of "
        "the training clips for them and of the test clips for these, as FDP's code does (MOL's: each subject by its "
        "own, in training too)",
    )
    score: Literal["clips", "subclips"] = Field(
        "clips",
        description="what is counted: a clip, by the mean of what is said of its sub-clips; or each sub-clip, of "
        "which a long clip has more, as released (MOL's code: each of them five times, as crops)",
    )


class NetworkSettings(Settings):
    """What every network is trained by. The paper's own settings come on top, beside its network."""

    epochs: int = Field(40, ge=1, description="passes over the training clips")
    batch: int = Field(16, ge=1, description="clips a step")
    optimiser: Literal["adamw", "adam"] = Field(
        "adamw", description="Adam adds the decay to the gradient, AdamW takes it from the weight"
    )
    rate: float = Field(1e-3, gt=0, description="learning rate")
    decay: float = Field(1e-2, ge=0, description="weight decay")
    schedule: Literal["constant", "cosine", "one-cycle"] = Field(
        "constant", description="of the learning rate; one-cycle: up to it and down again"
    )
    balance: bool = Field(True, description="each class weighs the same in the loss")
    precision: Literal["float32", "bf16"] = Field("float32", description="bf16 is for a GPU, and another run")
    channels_last: bool = Field(False, description="the order in memory that fast convolutions like")
    compile: bool = Field(False, description="by torch.compile: minutes at the start, faster steps after")
    augment: Augment = Augment()
    released: Released = Released()


class StartError(ValueError):
    """Weights that were learnt before can't be made or used; the message says why and what to do."""


@dataclass(frozen=True)
class Start:
    """Weights that were learnt before, for one sub-module of a network, by their names in it."""

    part: str
    weights: Mapping[str, Tensor]
    sha256: str

    def load(self, network: nn.Module) -> None:
        """Put them into a network; an error that says what doesn't fit, and nothing is put."""
        part = network.get_submodule(self.part)
        here = {name: tuple(values.shape) for name, values in part.state_dict().items()}
        there = {name: tuple(values.shape) for name, values in self.weights.items()}
        wrong = sorted(name for name in {*here, *there} if here.get(name) != there.get(name))
        if wrong:
            shapes = [sizes.get(wrong[0], "none at all") for sizes in (here, there)]
            raise ValueError(
                f"The weights that were learnt before don't fit {self.part!r} of the network: {len(wrong)} differ. "
                f"{wrong[0]} has the shape {shapes[0]} here, {shapes[1]} there. They were learnt with other settings: "
                "set those, or learn them again."
            )
        part.load_state_dict(self.weights)


@dataclass(frozen=True)
class Lesson:
    """What a network learns before it learns from a fold: once for all folds, from people whom none of them tests."""

    corpus: str
    limit: int | None  # clips, at most
    view: View
    settings: Mapping[str, object]  # all that it depends on
    part: str  # sub-module that begins with it
    learn: Callable[
        [ClipSet, int, str], tuple[nn.Module, dict]
    ]  # clips, seed, device → network, what is said of it


@dataclass(frozen=True)
class Stage:
    """Some epochs in which one sub-module learns, `part`; the others are in evaluation mode. Empty: all learn."""

    name: str
    epochs: int
    part: str = ""


class NetworkMethod(Method):
    """A network, its losses, and the stages of its training."""

    kinds: ClassVar[Mapping[str, Kind]] = {"x": "image"}  # how augmentation moves each input

    @abstractmethod
    def inputs(self, clips: ClipSet) -> dict[str, Tensor]:
        """`x`, what the network takes, and further targets; the first axis is the clip.

        With sub-clips in the view, each is seen on its own: the second axis is the sub-clip, (N, J, …).
        A clip's values must depend on that clip alone: statistics over clips would leak from test to training.
        """

    def fold(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The inputs of a fold's training clips, once it is known which they are: what is counted over clips, here."""
        return inputs

    @abstractmethod
    def network(self, n_classes: int) -> nn.Module:
        """A fresh network: takes `x`, returns named outputs, `emotion` (B, C) among them."""

    def begin(self, network: nn.Module, start: Start | None) -> None:
        """Put weights that were learnt before into a fresh network. Most methods have none and begin at random."""
        if start is not None:
            raise ValueError(
                f"{self.name} begins at random: it has no setting for weights that were learnt before."
            )

    def groups(self, part: nn.Module) -> list[dict]:
        """What the optimiser moves; a group may have a rate `lr` of its own."""
        return [{"params": list(part.parameters())}]

    def stages(self) -> tuple[Stage, ...]:
        """One, unless the paper trains in several."""
        return (Stage("all", self.settings.epochs),)

    def losses(self, outputs: dict[str, Tensor], batch: dict[str, Tensor], stage: Stage) -> dict[str, Tensor]:
        """Named terms, already weighted: their sum is minimised. `batch` holds the inputs, `label`, `class_weight`."""
        return {"emotion": F.cross_entropy(outputs["emotion"], batch["label"], weight=batch["class_weight"])}

    def guess(self, train: dict[str, Tensor]) -> dict[str, Tensor]:
        """The best that can be said of every clip alike, (…) for each output of a second task: what it is held against.

        `train` are the training clips' inputs, as `fold` returned them.
        """
        return {}

    def unseen(self, inputs: dict[str, Tensor], train: dict[str, Tensor]) -> dict[str, Tensor]:
        """The inputs of other clips, with what `fold` counted over the training clips: their losses can be compared."""
        return inputs


def count_parameters(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
