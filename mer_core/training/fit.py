"""Fit a network to the clips of one fold, all of them on the device at once."""

from collections.abc import Callable, Iterable

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.progress import progress
from mer_core.protocols import Fold
from mer_core.settings import Settings


class FitSettings(Settings):
    """How a fold is trained. The last epoch is the one that counts: nothing is chosen by looking at the test clips."""

    epochs: int = Field(40, ge=1, description="passes over the training clips")
    batch: int = Field(16, ge=1, description="clips a step")
    rate: float = Field(1e-3, gt=0, description="learning rate of AdamW")
    decay: float = Field(1e-2, ge=0, description="weight decay")
    device: str = Field("cpu", description="where to compute")


def predict_folds(
    make_model: Callable[[], nn.Module],
    inputs: Tensor,  # (N, …)
    labels: Tensor,  # (N,)
    folds: Iterable[Fold],
    settings: FitSettings,
    seed: int,
) -> Tensor:  # (N, C)
    """Class probabilities of every clip, each by a network that never saw its subject."""
    pooled: dict[int, Tensor] = {}
    for number, fold in enumerate(progress(folds, desc="folds")):
        model = fit(make_model, inputs[fold.train], labels[fold.train], settings, seed=seed * 1000 + number)
        pooled.update(zip(fold.test.tolist(), predict(model, inputs[fold.test]), strict=True))
    return torch.stack([pooled[clip] for clip in range(len(labels))])


def fit(
    make_model: Callable[[], nn.Module], inputs: Tensor, labels: Tensor, settings: FitSettings, seed: int
) -> nn.Module:
    """A trained network. The seed sets its first weights and the order of the clips, and nothing else does."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = make_model().to(settings.device).train()
        inputs, labels = inputs.to(settings.device), labels.to(settings.device)
        weight = class_weights(labels)
        optimiser = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=settings.decay)
        for _ in range(settings.epochs):
            for batch in torch.randperm(len(labels)).split(settings.batch):
                loss = F.cross_entropy(model(inputs[batch]), labels[batch], weight=weight)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    return model.eval()


@torch.no_grad()
def predict(model: nn.Module, inputs: Tensor) -> Tensor:  # (N, C)
    """Class probabilities, on the CPU."""
    device = next(model.parameters()).device
    return torch.cat([model(batch.to(device)).softmax(dim=1).cpu() for batch in inputs.split(256)])


def class_weights(labels: Tensor) -> Tensor:  # (C,)
    """Each class weighs the same in the loss, however many clips it has; an absent one weighs nothing."""
    counts = labels.bincount().float()
    return torch.where(counts > 0, counts.sum() / (counts * (counts > 0).sum()).clamp(min=1), 0.0)
