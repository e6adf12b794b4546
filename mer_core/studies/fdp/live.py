"""The networks that are trained on the page, and what the stored runs say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.methods.fdp import FDPSettings
from mer_core.protocols import Fold
from mer_core.scoring import paired, permutation_test, scores
from mer_core.scoring.statistics import Comparison, classes_known
from mer_core.studies import papers
from mer_core.studies.attribution import still
from mer_core.studies.fdp.figures import learning
from mer_core.studies.papers import Fitted, Material
from mer_core.training import Examples, Run, predict_outputs

TRAINED_ON, NEVER_SEEN = "trained on", "never seen"

Outputs = dict[str, dict[str, Tensor]]  # of the clips that were trained on and of those that were never seen


def fit(given: Material, fold: Fold) -> Fitted:
    """Train, and keep after each epoch what is said of the tested clips and of about as many training clips."""
    every = max(1, len(fold.train) // len(fold.test))

    def look(network: nn.Module, train: Examples, test: Examples) -> Outputs:
        some = train.take(np.arange(len(train.labels))[::every])
        return {TRAINED_ON: _asked(network, some), NEVER_SEEN: _asked(network, test)}

    return papers.fit_fold(given, fold, look)


def _asked(network: nn.Module, part: Examples) -> dict[str, Tensor]:
    outputs = predict_outputs(network, part.inputs)
    return {**outputs, "label": part.labels, "target": part.inputs["dynamic_image"]}


def last_outputs(trained: Sequence[Fitted]) -> dict[str, Tensor]:
    """What is said of all tested clips after the last epoch."""
    outputs = [fitted.epochs[-1][NEVER_SEEN] for fitted in trained]
    return {name: torch.cat([of[name] for of in outputs]) for name in outputs[0]}


def answers(trained: Sequence[Fitted]) -> np.ndarray:  # (n,)
    """The class that is named for each tested clip."""
    return last_outputs(trained)["emotion"].softmax(1).argmax(1).numpy()


def mean_picture(fitted: Fitted) -> Tensor:  # (S, S)
    """Of the training clips' targets: what the simplest artist draws for everybody."""
    return fitted.train.inputs["dynamic_image"].mean(dim=0)


@dataclass(frozen=True)
class Curves:
    """After each epoch, means over folds: accuracy and the drawing's error on both kinds of clips; and the rival's."""

    accuracy: dict[str, list[float]]
    error: dict[str, list[float]]
    mean_picture: float

    def figure(self) -> go.Figure:
        """Both, beside what the mean training picture has."""
        constant = {"mean training picture": [self.mean_picture] * len(self.error[NEVER_SEEN])}
        return learning(self.accuracy, self.error | constant)

    @property
    def gap(self) -> float:
        """In accuracy, at the end."""
        return self.accuracy[TRAINED_ON][-1] - self.accuracy[NEVER_SEEN][-1]

    @property
    def less_error(self) -> float:
        """The drawing's error less the rival's, as a share of that, at the end and on clips never seen."""
        return self.error[NEVER_SEEN][-1] / self.mean_picture - 1


def curves(trained: Sequence[Fitted]) -> Curves:
    """Of the networks that were trained here."""
    rival = np.mean(
        [
            ((fitted.test.inputs["dynamic_image"] - mean_picture(fitted)) ** 2).mean().item()
            for fitted in trained
        ]
    )
    return Curves(_by_epoch(trained, is_right), _by_epoch(trained, drawing_error), float(rival))


def _by_epoch(trained: Sequence[Fitted], what: object) -> dict[str, list[float]]:
    return {
        name: [
            float(np.mean([what(epoch[name]) for epoch in of_folds]))
            for of_folds in zip(*(fitted.epochs for fitted in trained), strict=True)
        ]
        for name in (TRAINED_ON, NEVER_SEEN)
    }


def is_right(outputs: Mapping[str, Tensor]) -> float:
    """The share of clips whose class is named."""
    return (outputs["emotion"].argmax(1) == outputs["label"]).float().mean().item()


def drawing_error(outputs: Mapping[str, Tensor]) -> float:
    """Mean squared error of the pictures."""
    return F.mse_loss(outputs["dynamic_image"], outputs["target"]).item()


def live_scores(given: Material, predicted: np.ndarray) -> pd.DataFrame:
    """UF1 and accuracy on the tested clips, of the network and of the commonest class."""
    commonest = np.full(len(predicted), np.bincount(given.labels).argmax())
    named = {"FDP": predicted, "always the commonest class": commonest}
    rows = {name: scores(given.labels[given.tested], of, given.n_classes) for name, of in named.items()}
    return pd.DataFrame({name: {"UF1": row.uf1, "accuracy": row.accuracy} for name, row in rows.items()}).T


def says_live(curves: Curves) -> str:
    """Whether the network does on clips never seen what it does on those it learnt from; and whether it can draw."""
    better = curves.less_error < -0.05
    return (
        f"Trained on and never seen are {abs(curves.gap):.2f} apart in accuracy. Drawing subjects never seen, the "
        f"error of the network is {abs(curves.less_error):.2f} {'below' if curves.less_error < 0 else 'above'} that of "
        "the mean training picture, as a share of it: "
        + (
            "it has learnt to draw."
            if better
            else "whoever draws the mean picture for everybody does as well."
        )
    )


# Results


def says_corpus(rows: pd.DataFrame, guess: float) -> str:
    """Why most experiments are on `synth-easy`: what the same network reaches on `synth`."""
    if not {"paper", "synth"} <= set(rows.index):
        return ""
    uf1, low = (float(rows.loc["synth", name]) for name in ("UF1", "low"))
    learns = (
        "its interval reaches down to the commonest class, so that variants could not be told apart there"
        if low <= guess
        else f"more than the commonest class has, {guess:.3f}"
    )
    harder = "less" if uf1 < float(rows.loc["paper", "UF1"]) else "no less"
    return f"On `synth` the same network scores {harder}, {uf1:.3f}: {learns}."


def says_centred(settings: FDPSettings) -> str:
    """Whether the network sees frames as they are."""
    if settings.centred:
        return (
            "And look at `centred` among its settings: it takes each clip's mean frame away. What frames as they are "
            "reach, stands in the line `whole`."
        )
    return "Frames are taken as they are: no clip's mean frame is taken away."


def says_against(row: pd.Series, references: Mapping[str, float]) -> str:
    """Where the paper's network stands beside what costs nothing and beside the baseline, and how sure that is."""
    lines = []
    for name, value in references.items():
        word = "above" if row["UF1"] > value else "not above"
        is_sure = not row["low"] <= value <= row["high"]
        lines.append(f"It is {word} {name}; its interval {'excludes' if is_sure else 'includes'} that value.")
    return f"The paper's network has a UF1 of {row['UF1']:.3f}. {' '.join(lines)}"


def pooled_scores(run: Run) -> pd.Series:
    """Of a stored run's first seed, each clip tested once."""
    table = first_seed(run)
    whole = scores(table["truth"], table["predicted"], classes_known(table))
    names = ("uf1", "uar", "accuracy", "weighted_f1")
    return pd.Series({name: getattr(whole, name) for name in names}, name=f"{len(table)} clips")


def first_seed(run: Run) -> pd.DataFrame:
    """The predictions of the first training."""
    return run.predictions.query("seed == seed.min()")


def compared(run: Run, baseline: Run) -> Comparison:
    """Two stored runs on the same clips, by a permutation test over subjects."""
    first, second = first_seed(run), first_seed(baseline)
    return permutation_test(**paired(first, second), n_classes=classes_known(first))


def says_key_frames(both: Comparison) -> str:
    """What it costs, or brings, to be given neither the apex nor the motion."""
    text = (
        f"FDP has {both.first:.3f}, STSTNet {both.second:.3f}: a difference of {both.difference:+.3f}, p = "
    )
    text += f"{both.p_value:.3f}. "
    if both.p_value >= 0.05:
        return f"{text}These clips can't tell which is better."
    if both.difference > 0:
        return f"{text}Nothing was lost by seeing frames only."
    return f"{text}Whoever is given apex and flow does better here."


def other_orders(given: Material, trained: Sequence[Fitted]) -> pd.DataFrame:
    """The trained networks, asked about their tested clips in other orders: accuracy, and answers that change."""
    generator = torch.Generator().manual_seed(given.settings.seed)
    orders = {
        "as recorded": lambda x: x,
        "backwards": lambda x: x.flip(1),
        "shuffled": lambda x: x[:, torch.randperm(8, generator=generator)],
        "held still": still,
    }
    named = {
        name: np.concatenate([_named(fitted, reorder(fitted.test.inputs["x"])) for fitted in trained])
        for name, reorder in orders.items()
    }
    truth, usual = given.labels[given.tested], named["as recorded"]
    rows = {
        name: {"accuracy": np.mean(of == truth), "answers changed": np.mean(of != usual)}
        for name, of in named.items()
    }
    return pd.DataFrame(rows).T


def _named(fitted: Fitted, x: Tensor) -> np.ndarray:
    return predict_outputs(fitted.network, {"x": x})["emotion"].argmax(1).numpy()
