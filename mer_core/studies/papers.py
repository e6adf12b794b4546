"""What the chapters of papers share: what may be asked for, the folds that they train, their stored runs and claims."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mer_core.clips import ClipSet
from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.ledger.experiments import Paper, always_the_commonest, score_rows, uf1
from mer_core.ledger.results import RESULTS
from mer_core.methods import NetworkMethod, create_method
from mer_core.protocols import ClassMap, Fold, class_map, subject_groups
from mer_core.settings import Settings
from mer_core.studies.known import KnownClasses
from mer_core.studies.parameters import Parameters
from mer_core.training import Device, Examples, Run, examples, fit_network, fold_seed
from mer_core.training.fit import normalised, one_thread

VERDICTS = ("supported", "not supported", "undecided", "not computed")


class PaperChapter(Parameters):
    """What a reader may choose in the chapter of a paper: on which clips which folds are trained, and how."""

    corpus: Literal["synth", "synth-easy", "synth-hard"] = Field(description="synthetic corpus")
    classes: KnownClasses = Field(description="class map")
    preset: Literal["book", "paper"] = Field(description="book for a CPU, paper for a GPU")
    groups: int = Field(ge=2, le=26, description="groups of subjects; each would be tested once")
    folds: int = Field(ge=1, le=26, description="how many of the groups are tested")
    epochs: int = Field(ge=0, description="passes over the training clips; 0: as the preset says")
    seed: int = Field(ge=0, description="of the first weights and the order of clips")
    device: Device = Field(description="cpu, cuda, mps, or auto for the fastest")

    def method(self, name: str) -> NetworkMethod:
        """A method in the preset, with as many epochs as are asked for."""
        return create_method(name, self.preset, **({"epochs": self.epochs} if self.epochs else {}))


# The clips, and the folds that are trained


@dataclass(frozen=True)
class Material:
    """The labelled clips of a chapter as a method sees them, and the folds that are trained in it."""

    settings: PaperChapter
    method: NetworkMethod
    faces: Corpus
    clips: ClipSet
    labels: np.ndarray  # (N,)
    mapping: ClassMap
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
    def n_classes(self) -> int:
        """Of the class map."""
        return len(self.mapping.classes)

    @property
    def tested(self) -> np.ndarray:  # (n,)
        """Positions of the tested clips, fold by fold."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def most(self) -> int:
        """The tested clip whose skin moves most."""
        return self.tested[np.argmax(self.table["peak_pixels"].to_numpy()[self.tested])]

    @cached_property
    def examples(self) -> Examples:
        """What the network takes and learns."""
        return examples(self.method, self.clips, self.labels, self.n_classes)

    def inputs_of(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """What the network takes of some clips."""
        return examples(self.method, self.clips.select(rows), self.labels[rows], self.n_classes).inputs

    def __str__(self) -> str:
        clip = self.table.iloc[self.most]
        folds = "one fold" if len(self.folds) == 1 else f"{len(self.folds)} folds"
        return (
            f"{len(self.table)} clips of {len(set(self.subjects))} subjects, seen as {self.method.view.name}\n"
            f"{len(self.tested)} of them are tested here, in {folds}\n"
            f"most movement: {clip['clip']}, {clip['emotion']}; "
            f"its skin moves by {clip['peak_pixels']:.2f} of 128 pixels"
        )


def material(settings: PaperChapter, method: NetworkMethod) -> Material:
    """Open the corpus, label its clips, and make the folds that are asked for."""
    mapping, faces = class_map(settings.classes), open_corpus(settings.corpus)
    clips = faces.clipset(method.view)
    labels = mapping.label(clips.clips)
    clips, labels = clips.select(labels.notna()), labels.dropna().to_numpy(int)
    folds = subject_groups(clips.clips["subject"].to_numpy(), k=settings.groups)[: settings.folds]
    return Material(settings, method, faces, clips, labels, mapping, folds)


@dataclass(frozen=True)
class Fitted:
    """The network of a fold, what it learnt from, whom it never saw, and what was noted after each epoch."""

    network: nn.Module
    train: Examples
    test: Examples
    epochs: list


def fit_fold(given: Material, fold: Fold, look: Callable[[nn.Module, Examples, Examples], object]) -> Fitted:
    """Train on the other subjects; `look` at the network, the training clips and the tested ones after each epoch."""
    train, test = given.examples.take(fold.train), given.examples.take(fold.test)
    train, test = normalised(train, test, given.method.settings.released.normalise)
    epochs = []
    with one_thread():
        network = fit_network(
            given.method,
            train.to(given.settings.device),
            fold_seed(fold.name, given.settings.seed),
            lambda network: epochs.append(look(network, train, test)),
        )
    return Fitted(network.cpu(), train, test, epochs)


# The network and its settings


def multiply_adds(network: nn.Module, *shape: int) -> float:
    """Of one clip (T, H, W), in thousands of millions."""
    x = torch.zeros(1, *shape, device=next(network.parameters()).device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(x)
    return counter.get_total_flops() / 2e9


def departures(here: Settings, usual: Settings, without: Collection[str] = ()) -> pd.DataFrame:
    """A row a setting that has another value here: both values, and what it means."""
    rows = {
        name: {"here": str(value), "paper": str(other), "meaning": _meaning(here, name)}
        for name, (value, other) in sorted(here.diff(usual).items())
        if name not in without
    }
    return pd.DataFrame(rows, index=["here", "paper", "meaning"]).T


def _meaning(settings: Settings, name: str) -> str:
    """Of a setting within settings, such as `augment.crop`, too."""
    *outer, last = name.split(".")
    for part in outer:
        settings = getattr(settings, part)
    return type(settings).model_fields[last].description or ""


# What is stored


def is_same_run(run: Run, given: Material) -> bool:
    """Whether a stored run was asked for what is trained here."""
    asked, here = run.record["settings"], given.settings
    is_usual = all(asked[name] == getattr(here, name) for name in ("corpus", "classes", "groups"))
    stored = create_method(asked["method"], asked["preset"], **asked["settings"])
    return (
        is_usual
        and here.seed in asked["seeds"]
        and stored.name == given.method.name
        and not stored.settings.diff(given.method.settings)
    )


def agreement(run: Run, given: Material, predicted: np.ndarray) -> float:
    """The share of the tested clips that the stored run answered as the networks that were trained here."""
    before = run.predictions[run.predictions["seed"] == given.settings.seed].set_index("clip")["predicted"]
    return float(np.mean(before.reindex(given.table["clip"][given.tested]).to_numpy() == predicted))


def says_agreement(run: Run | None, given: Material, predicted: np.ndarray) -> str:
    """How far what was trained here is what is stored, if it was asked for the same."""
    if run is None:
        return "No run of this network is stored yet: there is nothing to compare with."
    if not is_same_run(run, given):
        return "The stored run was trained with other settings: it is not compared."
    return f"Of the tested clips {agreement(run, given, predicted):.0%} are answered as in the stored run."


def says_rows(paper: Paper) -> str:
    """On which clips the experiments of a list were run; and which are not computed yet, if there are any."""
    runs = [experiment.run for experiment in paper.experiments.values()]
    corpora, classes = (sorted({getattr(run, name) for run in runs}) for name in ("corpus", "classes"))
    stored = score_rows(paper, RESULTS).index
    missing = [name for name in paper.experiments if name not in stored]
    text = f"{len(stored)} experiments on {_listed(corpora)}, {_listed(classes)}."
    return f"{text} Not computed yet: {_listed(missing)}." if missing else text


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def references(run: Run | None, baseline: Run) -> dict[str, float]:
    """UF1 to hold rows against: of the commonest class, and of a baseline if it was run on the same corpus."""
    first = run or baseline
    values = {"commonest class": always_the_commonest(first.predictions)}
    if baseline.record["settings"]["corpus"] == first.record["settings"]["corpus"]:
        values["STSTNet"] = uf1(baseline.predictions)
    return values


def verdict_table(paper: Paper, judged: pd.DataFrame) -> pd.DataFrame:
    """A row a claim: what the paper says and where, the difference of its two runs, its chance, and what follows."""
    numbers = judged[["difference", "low", "high", "p", "corrected"]].astype(float)
    signed = {name: numbers[name].map("{:+.3f}".format) for name in ("difference", "low", "high")}
    chances = {name: numbers[name].map("{:.3f}".format) for name in ("p", "corrected")}
    where = [paper.claims[name].where for name in judged.index]
    table = judged[["claim"]].assign(where=where, **signed, **chances, verdict=judged["verdict"])
    return table.mask(table.isin(["nan", "+nan"]), "–")


def says_verdicts(judged: pd.DataFrame) -> str:
    """Which claims are supported, which are contradicted, and which are left open: a list."""
    lines = []
    for verdict in VERDICTS:
        claims = judged.loc[judged["verdict"] == verdict, "claim"]
        if len(claims):
            lines.append(
                f"- {verdict}, {len(claims)} of {len(judged)}: {'; '.join(f'*{one}*' for one in claims)}"
            )
    return "\n".join(lines)
