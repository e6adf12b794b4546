"""Fit one fold: all its clips lie on the device, and no file is opened inside a step."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from mer_core.clips import ClipSet, View
from mer_core.devices import check_precision, exact_convolutions, one_thread, seeded
from mer_core.methods import FeatureMethod, Method, NetworkMethod, Stage
from mer_core.methods.base import Start
from mer_core.protocols import Fold, subject_groups
from mer_core.vision.augment import augment

Selection = Literal["last", "inner", "test-peek"]
# Of a history: stage, epoch, each term of the loss, accuracy, gradient_norm, rate.
Row = dict[str, str | int | float]
Record = Callable[[Row], None]


@dataclass(frozen=True)
class Examples:
    """Clips as a method sees them, with what is to be learnt of them."""

    inputs: dict[str, Tensor]  # each (N, …), or (N, J, …) where a clip is seen as J sub-clips
    labels: Tensor  # (N,)
    subjects: np.ndarray  # (N,)
    n_classes: int
    subclips: np.ndarray | None = None  # (N,) how many of the J a clip has frames for; none: no sub-clips

    def take(self, rows: np.ndarray) -> "Examples":
        """Some of the clips."""
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        subclips = None if self.subclips is None else self.subclips[rows]
        return Examples(inputs, self.labels[rows], self.subjects[rows], self.n_classes, subclips)

    def to(self, device: str) -> "Examples":
        """The same clips elsewhere."""
        inputs = {name: values.to(device) for name, values in self.inputs.items()}
        return replace(self, inputs=inputs, labels=self.labels.to(device))

    def apart(self, by_length: bool = False) -> "Examples":
        """Each sub-clip as an example of its own: all J of a clip, or as many as it has frames for."""
        if self.subclips is None:
            return self
        most = self.inputs["x"].shape[1]
        taken = self.subclips if by_length else np.full(len(self.labels), most)
        clip, number = np.nonzero(np.arange(most) < taken[:, None])
        inputs = {name: values[clip, number] for name, values in self.inputs.items()}
        return Examples(inputs, self.labels[clip], self.subjects[clip], self.n_classes)


class Fitted(NamedTuple):
    """What came out of fitting one fold."""

    probabilities: np.ndarray  # (n, C) of the test clips, or of their sub-clips, at the selected epoch
    epochs: np.ndarray | None  # (E, n, C) after every epoch of the last stage, if asked for
    network: nn.Module | None  # at the selected epoch; an estimator of scikit-learn has none
    train: Examples | None = None  # what the network learnt from, and what it was tested on, as it sees them
    test: Examples | None = None


def examples(method: Method, clips: ClipSet, labels: np.ndarray, n_classes: int) -> Examples:
    """The clips as this method sees them."""
    with one_thread():
        if isinstance(method, NetworkMethod):
            inputs = method.inputs(clips)
        else:
            inputs = {"x": torch.from_numpy(method.features(clips))}
    subjects = clips.clips["subject"].to_numpy()
    subclips = _subclips(clips.clips, method.view) if method.view.subclips > 1 else None
    return Examples(inputs, torch.tensor(labels, dtype=torch.long), subjects, n_classes, subclips)


def _subclips(clips: pd.DataFrame, view: View) -> np.ndarray:  # (N,)
    """How many sub-clips can be cut from a clip's frames, each frame in one of them."""
    frames = (clips["offset"] - clips["onset"] + 1).astype(float).fillna(view.moments)
    return (frames // view.frames).clip(1, view.subclips).to_numpy(int)


def fold_seed(fold: str, seed: int) -> int:
    """A seed for this fold alone, so that neither the order of the folds nor their number matters."""
    return int.from_bytes(hashlib.sha256(f"{fold} {seed}".encode()).digest()[:4], "big") % 2**31


def predict_folds(
    method: Method,
    data: Examples,
    folds: Iterable[Fold],
    seed: int,
    device: str = "cpu",
    start: Start | None = None,
) -> np.ndarray:  # (N, C)
    """Class probabilities of every clip, each by a model that never saw its subject; as a run has them.

    A clip that no fold tests has none: its row is NaN.
    """
    if counts_subclips(method):
        raise ValueError("With score='subclips' a clip has several rows, which a run keeps: use `run`.")
    pooled = np.full((len(data.labels), data.n_classes), np.nan)
    for fold in folds:
        train, test = data.take(fold.train), data.take(fold.test)
        fitted = fit_and_predict(method, train, test, fold_seed(fold.name, seed), device, start=start)
        pooled[fold.test] = fitted.probabilities
    return pooled


def fit_and_predict(
    method: Method,
    train: Examples,
    test: Examples,
    seed: int,
    device: str = "cpu",
    selection: Selection = "last",
    every_epoch: bool = False,
    start: Start | None = None,
    record: Record | None = None,
) -> Fitted:
    """Train on one side of a fold, and say what the other side's clips are.

    `last` looks at nothing. `inner` chooses the epoch by subjects that are taken out of training for it. `test-peek`
    chooses it by the very clips that it is tested on: it is here to show what that does to a score. Both choose among
    the epochs of the last stage. The network of a fit whose settings normalise by other clips takes normalised ones.
    """
    with one_thread():
        if isinstance(method, FeatureMethod):
            _refuse_epochs(method, selection, every_epoch)
            return Fitted(fit_features(method, train, test, seed), None, None)
        train, test = normalised(train.to(device), test.to(device), method.settings.released.normalise)
        test = test.apart(by_length=True) if counts_subclips(method) else test
        watched = test if selection == "test-peek" else None
        if selection == "inner":
            train, watched = _inner(train, seed)
        watch = _Watch(test, watched)
        model = fit_network(method, train, seed, watch if every_epoch or watched else None, start, record)
        if watch.best_state:
            model.load_state_dict(watch.best_state)
        epochs = np.stack(watch.made) if every_epoch else None
        return Fitted(predict_clips(model, test).numpy(), epochs, model, train, test)


def _refuse_epochs(method: FeatureMethod, selection: Selection, every_epoch: bool) -> None:
    if selection != "last" or every_epoch:
        raise ValueError(f"{method.name} has no epochs: its selection can only be last, without every_epoch.")


def counts_subclips(method: Method) -> bool:
    """Whether a clip counts as its sub-clips; an error if that is asked of a method that sees none."""
    if isinstance(method, FeatureMethod) or method.settings.released.score == "clips":
        return False
    if method.view.subclips == 1:
        raise ValueError(
            f"{method.name} sees a clip as a whole, so that score='subclips' has nothing to count: leave it out."
        )
    return True


def normalised(train: Examples, test: Examples, by: str) -> tuple[Examples, Examples]:
    """What the network takes, less a mean and divided by a maximum; `by` is a choice of `Released.normalise`.

    By the `fold`, the test clips are scaled by what they have in common: no label is used, but what is said of a clip
    depends on the other clips of its subject.
    """
    if by == "clip":
        return train, test
    return _scaled(train, by=train), _scaled(test, by=test if by == "fold" else train)


def _scaled(data: Examples, by: Examples) -> Examples:
    mean = by.inputs["x"].mean()
    largest = (by.inputs["x"].max() - mean).clamp(min=1e-6)  # clips of one even grey stay what they are: 0
    return replace(data, inputs={**data.inputs, "x": (data.inputs["x"] - mean) / largest})


def _inner(train: Examples, seed: int) -> tuple[Examples, Examples]:
    """About a fifth of the training subjects is held out to choose the epoch by."""
    if len(subjects := set(train.subjects)) < 2:
        raise ValueError(f"selection=inner needs two training subjects at least, there is only {subjects}.")
    held_out = subject_groups(train.subjects, k=min(5, len(subjects)), seed=seed)[0]
    return train.take(held_out.train), train.take(held_out.test)


class _Watch:
    """After each epoch: what the network says of the test clips, and the best network so far on the watched ones."""

    def __init__(self, test: Examples, watched: Examples | None) -> None:
        self.test, self.watched = test, watched
        self.made: list[np.ndarray] = []  # (n, C) each
        self.best_score = -1.0
        self.best_state: dict[str, Tensor] = {}

    def __call__(self, model: nn.Module) -> None:
        said = predict_clips(model, self.test)
        self.made.append(said.numpy())
        if self.watched:
            seen = said if self.watched is self.test else predict_clips(model, self.watched)
            self._keep_if_best(model, seen.argmax(dim=1))

    def _keep_if_best(self, model: nn.Module, predicted: Tensor) -> None:
        every_class = {"labels": range(self.watched.n_classes), "zero_division": 0}
        score = f1_score(self.watched.labels.cpu(), predicted, average="macro", **every_class)
        if score > self.best_score:
            self.best_score = score
            self.best_state = {name: value.clone() for name, value in model.state_dict().items()}


def fit_features(method: FeatureMethod, train: Examples, test: Examples, seed: int) -> np.ndarray:  # (n, C)
    """Fit an estimator of scikit-learn. Where it has no probabilities, the softmax of its decision stands for them."""
    features, labels = test.inputs["x"].numpy(), train.labels.numpy()
    made = np.zeros((len(features), train.n_classes))
    if len(set(labels)) == 1:  # nothing to tell apart
        made[:, labels[0]] = 1
        return made
    estimator = method.estimator(seed).fit(train.inputs["x"].numpy(), labels)
    if hasattr(estimator, "predict_proba"):
        known = estimator.predict_proba(features)
    else:
        decision = estimator.decision_function(features)
        decision = decision if decision.ndim == 2 else np.stack([-decision, decision], axis=1)
        known = torch.from_numpy(decision).softmax(dim=1).numpy()
    made[:, estimator.classes_] = known  # a class that was not in training can't be predicted
    return made


def fit_network(
    method: NetworkMethod,
    train: Examples,
    seed: int,
    after_epoch: Callable[[nn.Module], None] | None = None,
    start: Start | None = None,
    record: Record | None = None,
) -> nn.Module:
    """A trained network, on the device of the clips; the seed sets its first weights, their order and augmentation.

    `after_epoch` is called with the network after every epoch of the last stage. `start` takes the place of some first
    weights; nobody who is tested may have had a part in it: `first_weights` makes sure of that. `record` is called with
    a row of the history after every epoch; whether it is or not changes no number.
    """
    device = train.labels.device
    check_precision(method.settings.precision, device)
    with seeded(seed, device):
        model, train = _network(method, train.n_classes, start).to(device), train.apart()
        train = replace(train, inputs=method.fold(train.inputs))
        *earlier, last = method.stages()
        for stage in earlier:
            _run_stage(method, model, train, stage, None, record)
        _run_stage(method, model, train, last, after_epoch, record)
    return model.eval()


def _network(method: NetworkMethod, n_classes: int, start: Start | None) -> nn.Module:
    model = method.network(n_classes)
    method.begin(model, start)
    if method.settings.channels_last:
        _put_channels_last(model)
    if method.settings.compile:
        model.compile()
    return model


CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the number of axes


def _put_channels_last(model: nn.Module) -> None:
    """Each weight as it has axes: `model.to` takes one format for all, and fails where pictures and volumes meet."""
    for values in (*model.parameters(), *model.buffers()):
        if values.dim() in CHANNELS_LAST:
            values.data = values.data.contiguous(memory_format=CHANNELS_LAST[values.dim()])


OPTIMISERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


def _run_stage(
    method: NetworkMethod,
    model: nn.Module,
    train: Examples,
    stage: Stage,
    after_epoch: Callable[[nn.Module], None] | None,
    record: Record | None,
) -> None:
    settings = method.settings
    moving = model.get_submodule(stage.part)
    create = OPTIMISERS[settings.optimiser]
    optimiser = create(method.groups(moving), lr=settings.rate, weight_decay=settings.decay)
    batches = -(-len(train.labels) // settings.batch)
    schedule = _schedule(optimiser, settings.schedule, stage.epochs * batches)
    generator = torch.Generator().manual_seed(int(torch.randint(2**31, (1,))))
    weight = class_weights(train.labels, train.n_classes) if settings.balance else None
    for epoch in range(stage.epochs):
        steps: list[tuple[int, dict[str, Tensor]]] = []
        model.eval()  # what does not move keeps its statistics too, and drops nothing
        moving.train(epoch == 0 or not settings.released.frozen_after_first_epoch)
        order = torch.randperm(len(train.labels), generator=generator).to(train.labels.device)
        for rows in order.tensor_split(batches):  # as even as can be: no last batch of a single clip
            batch = {name: values[rows] for name, values in train.inputs.items()}
            batch |= {"label": train.labels[rows], "class_weight": weight}
            batch = augment(batch, method.kinds, settings.augment, generator)
            terms, outputs = _step(method, model, batch, stage, optimiser)
            if record:
                steps.append(_noted(terms, outputs, batch["label"], optimiser))
            schedule.step()
        if record:
            record({"stage": stage.name, "epoch": epoch + 1, **_mean(steps)})
        if after_epoch:
            after_epoch(model.eval())


def _step(
    method: NetworkMethod,
    model: nn.Module,
    batch: dict[str, Tensor],
    stage: Stage,
    optimiser: torch.optim.Optimizer,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The terms of the loss, and what the network said."""
    use_bf16 = method.settings.precision == "bf16"
    with torch.autocast(batch["label"].device.type, torch.bfloat16, enabled=use_bf16):
        outputs = model(batch["x"])
        terms = method.losses(outputs, batch, stage)
        loss = sum(terms.values())
    model.zero_grad()
    loss.backward()
    optimiser.step()
    return terms, outputs


# The history: what happened in a step stays on the device until the epoch ends.


@torch.no_grad()
def _noted(
    terms: dict[str, Tensor], outputs: dict[str, Tensor], labels: Tensor, optimiser: torch.optim.Optimizer
) -> tuple[int, dict[str, Tensor]]:
    moved = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    right = outputs["emotion"].argmax(dim=1) == labels
    return len(labels), {
        **{name: term.detach().float() for name, term in terms.items()},
        "accuracy": right.float().mean(),
        "gradient_norm": torch.nn.utils.get_total_norm(moved) if moved else labels.new_zeros(()).float(),
        "rate": torch.as_tensor(optimiser.param_groups[0]["lr"]).to(labels.device),
    }


def _mean(steps: list[tuple[int, dict[str, Tensor]]]) -> dict[str, float]:
    """Over the clips of an epoch."""
    counts = torch.tensor([count for count, _ in steps], dtype=torch.float64)
    rows = torch.stack([torch.stack([*row.values()]) for _, row in steps]).double().cpu()  # (steps, K)
    return dict(zip(steps[0][1], (counts @ rows / counts.sum()).tolist(), strict=True))


def _schedule(
    optimiser: torch.optim.Optimizer, name: str, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if name == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    if name == "one-cycle":
        most = [group["lr"] for group in optimiser.param_groups]
        return torch.optim.lr_scheduler.OneCycleLR(optimiser, most, steps)
    return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)


def predict(model: nn.Module, inputs: dict[str, Tensor], batch: int = 64) -> Tensor:  # (n, C)
    """Class probabilities, on the CPU, of clips that may lie anywhere; `model` must be in evaluation mode."""
    return torch.cat([made["emotion"].softmax(dim=1) for made in _outputs(model, inputs, batch, {"emotion"})])


def predict_clips(model: nn.Module, data: Examples) -> Tensor:  # (n, C)
    """Class probabilities of each clip: the mean of what is said of its sub-clips, if it is seen as such."""
    said = predict(model, data.apart().inputs)
    return said if data.subclips is None else said.unflatten(0, (len(data.labels), -1)).mean(dim=1)


def predict_outputs(model: nn.Module, inputs: dict[str, Tensor], batch: int = 64) -> dict[str, Tensor]:
    """All that the network says, on the CPU and by its names: the scores of classes and whatever stands beside them."""
    made = list(_outputs(model, inputs, batch))
    return {name: torch.cat([part[name] for part in made]) for name in made[0]}


@torch.no_grad()
def _outputs(
    model: nn.Module, inputs: dict[str, Tensor], batch: int, names: Collection[str] = ()
) -> Iterator[dict[str, Tensor]]:
    device = next(model.parameters()).device
    for x in inputs["x"].split(batch):
        with exact_convolutions():
            made = model(x.to(device))
        yield {name: values.float().cpu() for name, values in made.items() if name in (names or made)}


def class_weights(labels: Tensor, n_classes: int) -> Tensor:  # (C,)
    """Each class weighs the same in the loss, however many clips it has; an absent one weighs nothing."""
    counts = labels.bincount(minlength=n_classes).float()
    return torch.where(counts > 0, counts.sum() / (counts * (counts > 0).sum()).clamp(min=1), 0.0)
