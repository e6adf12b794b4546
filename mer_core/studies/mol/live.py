"""The networks that are trained on the page, and what the stored runs say of the claims."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor, nn

from mer_core.methods.mol import PAIRS, MOLSettings, middle
from mer_core.protocols import Fold
from mer_core.scoring import scores
from mer_core.studies import papers
from mer_core.studies.auxiliary import endpoint_error, landmark_error
from mer_core.studies.mol.figures import progress
from mer_core.studies.papers import Fitted, Material
from mer_core.training import Examples, predict_outputs
from mer_core.vision import eye_distance


def errors(given: Material, outputs: Mapping[str, Tensor], test: Examples) -> tuple[float, float]:
    """Of landmarks, in eye distances, and of flow, in pixels; who estimates no flow says that nothing moves."""
    exact = given.method.landmark_targets(test.inputs)
    eyes = torch.tensor(eye_distance(exact.numpy()))[..., None, None]
    target = middle(test.inputs["flow"].float(), given.method.settings.size)
    flow = outputs.get("flow", torch.zeros_like(target))
    return landmark_error(outputs["landmarks"] / eyes, exact / eyes), endpoint_error(flow, target)


def fit(given: Material, fold: Fold) -> Fitted:
    """Train, and note after each epoch: accuracy, and the errors of landmarks and of flow, on clips never seen."""

    def look(network: nn.Module, train: Examples, test: Examples) -> tuple[float, float, float]:
        outputs = predict_outputs(network, test.inputs)
        right = (outputs["emotion"].argmax(dim=1) == test.labels).float().mean()
        return right.item(), *errors(given, outputs, test)

    return papers.fit_fold(given, fold, look)


def mean_face(given: Material, fitted: Fitted) -> Tensor:  # (68, 2)
    """Of the training clips."""
    return given.method.landmark_targets(fitted.train.inputs).mean(dim=(0, 1))


def learning(given: Material, fitted: Fitted) -> go.Figure:
    """What the network does after each epoch, beside what can be had for nothing."""
    accuracy, marks, flows = zip(*fitted.epochs, strict=True)
    labels = fitted.test.labels
    free = {"landmarks": mean_face(given, fitted).expand(len(labels), PAIRS, 68, 2)}
    face_error, no_motion = errors(given, free, fitted.test)
    commonest = (labels == fitted.train.labels.bincount().argmax()).float().mean().item()
    return progress(
        {
            "accuracy": (accuracy, commonest, "the most frequent class"),
            "landmarks, of the eyes": (marks, face_error, "mean face"),
            "flow, pixels": (flows, no_motion, "no motion"),
        }
    )


def answers(trained: Sequence[Fitted]) -> np.ndarray:  # (n,)
    """The class that is named for each tested clip."""
    outputs = [predict_outputs(fitted.network, fitted.test.inputs)["emotion"] for fitted in trained]
    return torch.cat(outputs).argmax(dim=1).numpy()


def live_scores(trained: Sequence[Fitted], predicted: np.ndarray) -> dict[str, float]:
    """UF1 of the networks that were trained here, and of the most frequent class of their training clips."""
    truth = torch.cat([fitted.test.labels for fitted in trained]).numpy()
    commonest = int(trained[0].train.labels.bincount().argmax())
    n_classes = trained[0].train.n_classes
    named = {"network": predicted, "the most frequent class": np.full(len(truth), commonest)}
    return {name: scores(truth, of, n_classes).uf1 for name, of in named.items()}


def says_live(uf1: Mapping[str, float]) -> str:
    """Whether the networks that were trained here recognise anything."""
    gain = uf1["network"] - uf1["the most frequent class"]
    text = f"On these clips the network is {abs(gain):.2f} {'above' if gain > 0 else 'below'} an answer that needs no"
    return f"{text} network{'.' if gain > 0.1 else ': nothing that one would call recognition.'}"


def says_amplified(settings: MOLSettings) -> str:
    """Whether the network sees frames as they are."""
    if settings.amplify > 1:
        return (
            f"Above all, look at `amplify`: what changes in a clip was made {settings.amplify:g} times as large, pixel "
            "by pixel, before the network saw it. The paper's network sees frames as they are; so a score of this "
            "preset is no evidence that raw frames suffice."
        )
    return "What changes in a clip is not amplified: like the paper's, this network sees frames as they are."


# Results


def says_results(rows: pd.DataFrame, guess: float, judged: pd.DataFrame) -> str:
    """Which row is best, which have learnt nothing that one could be sure of, and how the claims fare."""
    if not len(rows):
        return "No run is stored yet, so that no claim was tested."
    best = rows["UF1"].astype(float).idxmax()
    text = (
        f"The best row, on the mean over its seeds, is *{rows['about'][best]}* with a UF1 of {rows['UF1'][best]:.3f}; "
        f"always the most frequent class has {guess:.3f}. "
    )
    if weak := list(rows.index[rows["low"] <= guess]):
        text += (
            f"Intervals that reach down to that guess: {', '.join(weak)}. "
            f"Of {'this' if len(weak) == 1 else 'these'} one can't say that anything was learnt. "
        )
    least = judged["corrected"].min()
    text += f"The smallest corrected p-value is {least:.3f}" if pd.notna(least) else "No claim was tested yet"
    text += ". " if pd.isna(least) or least < 0.05 else ": no difference survives the number of claims. "
    return f"{text}The claims, by the corrected test:\n\n{papers.says_verdicts(judged)}"
