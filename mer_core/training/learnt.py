"""What a network has learnt: of the clips that it trained on, and of second tasks on people whom it never saw.

A score alone can't tell a method that does not work from a training that did not happen. Each loss stands beside that
of a constant guess, the best that can be said of every clip alike, and what is conspicuous is said in words.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mer_core.methods.base import NetworkMethod, Stage
from mer_core.training.fit import Examples, class_weights, predict_clips, predict_outputs

EVERY_TASK = Stage("", 0)  # of no stage: all terms of the loss
MOST = 256  # clips whose second tasks are judged: their pictures are large, and more would not move the mean
SHUFFLES, CHANCE = 200, 0.05
FEWEST = (
    15  # clips: below that hardly any score is beyond the shuffles of its own labels, and nothing is said
)

# When a training is conspicuous; each number is one that told apart trainings known to have failed from good ones.
PLATEAU = (
    0.95  # of what a constant guess loses: a network that has begun to learn is below it on its own clips
)
SPREAD = 0.02  # of a class' probability over training clips, in which a network on the plateau hardly differs
ONE_CLASS, LARGE_CLASS = 0.95, 0.90  # share of what is predicted, where the class itself has less than that
LEARNT = 0.8  # train UF1 that every part should reach; a training that is not there yet should not be falling still
SLOPE, LAST = 0.10, 0.2  # falling: by a tenth within the last fifth of the epochs
BY_HEART = 0.7  # train UF1 from which it can't be said that nothing was learnt: if people are not told, it is by heart


def judge(
    method: NetworkMethod, model: nn.Module, train: Examples, test: Examples, probabilities: np.ndarray
) -> dict[str, object]:
    """A fitted network, in evaluation mode, on its training clips and on the tested ones: numbers, for `warnings`."""
    with torch.random.fork_rng(devices=[]):  # a loss may draw: whoever draws after this must not notice
        said = predict_clips(model, train)  # (n, C)
        labels, held_out = train.labels.cpu(), test.labels.cpu().numpy()
        return {
            "train_uf1": round(_uf1(labels.numpy(), said.argmax(dim=1).numpy(), train.n_classes), 4),
            "spread": round(said.std(dim=0, correction=0).max().item(), 4),
            "largest_share": round(said.argmax(dim=1).bincount().max().item() / len(said), 4),
            "largest_class": round(labels.bincount().max().item() / len(labels), 4),
            "above_shuffle": above_shuffle(held_out, probabilities.argmax(axis=1), train.n_classes),
            **_beside_guesses(method, model, train, test),
        }


def _uf1(truth: np.ndarray, predicted: np.ndarray, n_classes: int) -> float:
    counts = np.bincount(n_classes * truth + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    return float((2 * counts.diagonal() / (counts.sum(axis=0) + counts.sum(axis=1)).clip(min=1)).mean())


def above_shuffle(truth: np.ndarray, predicted: np.ndarray, n_classes: int) -> bool | None:
    """Whether UF1 is above 95 % of those of its own labels in another order; None: too few clips to tell."""
    if len(truth) < FEWEST or len(set(truth)) < 2:
        return None
    random = np.random.RandomState(0)
    shuffled = [_uf1(random.permutation(truth), predicted, n_classes) for _ in range(SHUFFLES)]
    at_least = sum(score >= _uf1(truth, predicted, n_classes) for score in shuffled)
    return bool((1 + at_least) / (1 + SHUFFLES) < CHANCE)


def _beside_guesses(
    method: NetworkMethod, model: nn.Module, train: Examples, test: Examples
) -> dict[str, dict]:
    """Each loss on training clips and on unseen ones, and what the constant guess loses on the latter."""
    train, test = train.apart(), test.apart()
    losses: dict[str, dict[str, float]] = {}
    folded = method.fold(train.inputs)
    weight = class_weights(train.labels, train.n_classes) if method.settings.balance else None
    guess = {"emotion": _class_guess(train, weight), **method.guess(folded)}
    sides = {"train": (folded, train.labels), "unseen": (method.unseen(test.inputs, folded), test.labels)}
    for side, (inputs, labels) in sides.items():
        few = {name: values[:MOST] for name, values in inputs.items()}
        batch: dict = {name: values.float().cpu() for name, values in few.items()}
        batch["label"] = labels[:MOST].cpu()
        batch["class_weight"] = None if weight is None else weight.cpu()
        outputs = predict_outputs(model, few)
        losses[side] = _terms(method, {name: outputs[name] for name in guess if name in outputs}, batch)
        constant = {
            name: value.cpu().expand(len(batch["label"]), *value.shape) for name, value in guess.items()
        }
        losses[f"{side}_guess"] = _terms(method, constant, batch)
    lost = {
        name: guessed for name, guessed in losses["unseen_guess"].items() if name != "emotion" and guessed > 0
    }
    explained = {name: round(1 - losses["unseen"][name] / guessed, 4) for name, guessed in lost.items()}
    return {"losses": losses, "explained": explained}


def _class_guess(train: Examples, weight: Tensor | None) -> Tensor:  # (C,)
    shares = train.labels.bincount(minlength=train.n_classes).float()
    return (shares * (1 if weight is None else weight)).clamp(min=1e-6).log()


def _terms(method: NetworkMethod, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> dict[str, float]:
    return {name: round(term.item(), 5) for name, term in method.losses(outputs, batch, EVERY_TASK).items()}


def warnings(learnt: dict, history: pd.DataFrame) -> list[str]:
    """What is conspicuous about a training, in words."""
    losses, uf1 = learnt["losses"], learnt["train_uf1"]
    on_plateau = losses["train"]["emotion"] > PLATEAU * losses["train_guess"]["emotion"]
    on_plateau |= learnt["spread"] < SPREAD
    one_class = learnt["largest_share"] > ONE_CLASS and learnt["largest_class"] < LARGE_CLASS
    told = (
        learnt["above_shuffle"] is not False
        and losses["unseen"]["emotion"] < losses["unseen_guess"]["emotion"]
    )
    still_falling = any(falls(losses) for _, losses in history.groupby("stage", sort=False)["emotion"])
    found = {
        "on the plateau: it has not begun to learn": on_plateau,
        "one class: nearly all of its training clips are in the same": one_class,
        "stopped on the slope: its loss was still falling": uf1 < LEARNT and still_falling,
        "by heart: it knows its training clips, and not the unseen people": uf1 > BY_HEART and not told,
    }
    tasks = [name for name, share in learnt["explained"].items() if not share > 1 - PLATEAU]
    second = [f"second task not learnt: {name} is no better than a constant guess" for name in tasks]
    return [*(words for words, is_so in found.items() if is_so), *second]


def falls(losses: Sequence[float]) -> bool:
    """Whether a loss (E,) fell by a tenth within the last fifth of its epochs: means of two halves of a fifth each."""
    known = np.asarray(losses, float)
    known = known[~np.isnan(known)]
    n = max(1, math.ceil(LAST * len(known) / 2))
    if len(known) < 3 * n:
        return False
    before, last = known[-3 * n : -2 * n].mean(), known[-n:].mean()
    return bool(last < (1 - SLOPE) * before)
