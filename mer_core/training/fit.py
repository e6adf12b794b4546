"""Fit one fold: all its clips lie on the device, and no file is opened inside a step."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from mer_core.clips import ClipSet
from mer_core.methods import FeatureMethod, Method, NetworkMethod, Stage
from mer_core.protocols import Fold, subject_groups
from mer_core.training.augment import augment

Selection = Literal["last", "inner", "test-peek"]


@dataclass(frozen=True)
class Examples:
    """Clips as a method sees them, with what is to be learnt of them."""

    inputs: dict[str, Tensor]  # each (N, …)
    labels: Tensor  # (N,)
    subjects: np.ndarray  # (N,)
    n_classes: int

    def take(self, rows: np.ndarray) -> "Examples":
        """Some of the clips."""
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        return Examples(inputs, self.labels[rows], self.subjects[rows], self.n_classes)

    def to(self, device: str) -> "Examples":
        """The same clips elsewhere."""
        inputs = {name: values.to(device) for name, values in self.inputs.items()}
        return Examples(inputs, self.labels.to(device), self.subjects, self.n_classes)


def examples(method: Method, clips: ClipSet, labels: np.ndarray, n_classes: int) -> Examples:
    """The clips as this method sees them."""
    if isinstance(method, NetworkMethod):
        inputs = method.inputs(clips)
    else:
        inputs = {"x": torch.from_numpy(method.features(clips))}
    subjects = clips.clips["subject"].to_numpy()
    return Examples(inputs, torch.tensor(labels, dtype=torch.long), subjects, n_classes)


def fit_and_predict(
    method: Method,
    train: Examples,
    test: Examples,
    seed: int,
    device: str = "cpu",
    selection: Selection = "last",
    every_epoch: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:  # (n, C), (E, n, C)
    """Probabilities of the test clips at the selected epoch, and after every epoch if asked for.

    `last` looks at nothing. `inner` chooses by subjects that are taken out of training for it. `test-peek` chooses by
    the very clips that it is tested on: it is here to show what that does to a score.
    """
    if isinstance(method, FeatureMethod):
        return fit_features(method, train, test, seed), None  # an estimator has no epochs
    watched = test
    if selection == "inner":
        inner = subject_groups(train.subjects, k=min(5, len(set(train.subjects))), seed=seed)[0]
        train, watched = train.take(inner.train), train.take(inner.test)
    watch = _Watch(watched, test)
    model = fit_network(
        method, train, seed, device, watch if every_epoch or selection != "last" else _nothing
    )
    chosen = predict(model, test.inputs).numpy() if selection == "last" else watch.best()
    return chosen, np.stack(watch.made) if every_epoch else None


def predict_folds(
    method: Method, data: Examples, folds: Iterable[Fold], seed: int, device: str = "cpu"
) -> np.ndarray:  # (N, C)
    """Class probabilities of every clip, each by a model that never saw its subject."""
    pooled = np.zeros((len(data.labels), data.n_classes))
    for number, fold in enumerate(folds):
        train, test = data.take(fold.train), data.take(fold.test)
        pooled[fold.test], _ = fit_and_predict(method, train, test, 1000 * seed + number, device)
    return pooled


class _Watch:
    """Remembers after each epoch what the network says of the test clips, and how well it does on the watched."""

    def __init__(self, watched: Examples, test: Examples) -> None:
        self.watched, self.test = watched, test
        self.uf1: list[float] = []
        self.made: list[np.ndarray] = []

    def __call__(self, model: nn.Module) -> None:
        truth, predicted = self.watched.labels, predict(model, self.watched.inputs).argmax(dim=1)
        every_class = {"labels": range(self.watched.n_classes), "zero_division": 0}
        self.uf1.append(f1_score(truth, predicted, average="macro", **every_class))
        self.made.append(predict(model, self.test.inputs).numpy())

    def best(self) -> np.ndarray:  # (n, C)
        return self.made[int(np.argmax(self.uf1))]


def _nothing(model: nn.Module) -> None:
    pass


def fit_features(method: FeatureMethod, train: Examples, test: Examples, seed: int) -> np.ndarray:  # (n, C)
    """Fit an estimator of scikit-learn. Where it has no probabilities, the softmax of its decision stands for them."""
    estimator = method.estimator(seed).fit(train.inputs["x"].numpy(), train.labels.numpy())
    features = test.inputs["x"].numpy()
    if hasattr(estimator, "predict_proba"):
        known = estimator.predict_proba(features)
    else:
        decision = estimator.decision_function(features)
        decision = decision if decision.ndim == 2 else np.stack([-decision, decision], axis=1)
        known = torch.from_numpy(decision).softmax(dim=1).numpy()
    made = np.zeros((len(features), train.n_classes))
    made[:, estimator.classes_] = known  # a class that was not in training can't be predicted
    return made


def fit_network(
    method: NetworkMethod,
    train: Examples,
    seed: int,
    device: str = "cpu",
    after_epoch: Callable[[nn.Module], None] = _nothing,
) -> nn.Module:
    """A trained network. The seed sets its first weights, the order of the clips and their augmentation."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        model = method.network(train.n_classes).to(device)
        train = train.to(device)
        for stage in method.stages():
            _run_stage(method, model, train, stage, after_epoch)
    return model.eval()


def _run_stage(
    method: NetworkMethod,
    model: nn.Module,
    train: Examples,
    stage: Stage,
    after_epoch: Callable[[nn.Module], None],
) -> None:
    settings, device = method.settings, train.labels.device
    part = [p for name, p in model.named_parameters() if name.startswith(stage.part)]
    optimiser = torch.optim.AdamW(part, lr=settings.rate, weight_decay=settings.decay)
    batches_an_epoch = -(-len(train.labels) // settings.batch)
    schedule = _schedule(optimiser, settings.schedule, stage.epochs * batches_an_epoch)
    generator = torch.Generator().manual_seed(int(torch.randint(2**31, (1,))))
    weight = class_weights(train.labels, train.n_classes) if settings.balance else None
    use_bf16 = settings.precision == "bf16"
    for _ in range(stage.epochs):
        model.train()
        for rows in torch.randperm(len(train.labels), generator=generator).to(device).split(settings.batch):
            batch = {name: values[rows] for name, values in train.inputs.items()}
            batch |= {"label": train.labels[rows], "class_weight": weight}
            batch = augment(batch, method.kinds, settings.augment, generator)
            with torch.autocast(device.type, torch.bfloat16, enabled=use_bf16):
                loss = sum(method.losses(model(batch["x"]), batch, stage).values())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        model.eval()
        after_epoch(model)


def _schedule(
    optimiser: torch.optim.Optimizer, name: str, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if name == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)


@torch.no_grad()
def predict(model: nn.Module, inputs: dict[str, Tensor], batch: int = 64) -> Tensor:  # (n, C)
    """Class probabilities, on the CPU, of clips that may lie anywhere."""
    device = next(model.parameters()).device
    made = [model(x.to(device))["emotion"].float().softmax(dim=1).cpu() for x in inputs["x"].split(batch)]
    return torch.cat(made)


def class_weights(labels: Tensor, n_classes: int) -> Tensor:  # (C,)
    """Each class weighs the same in the loss, however many clips it has; an absent one weighs nothing."""
    counts = labels.bincount(minlength=n_classes).float()
    return torch.where(counts > 0, counts.sum() / (counts * (counts > 0).sum()).clamp(min=1), 0.0)
