"""The chapter "How to inflate a score": what choosing and leaking make of the score of one stored run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import getdoc

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pydantic import Field
from sklearn.neighbors import KNeighborsClassifier

from mer_core.corpora.labelled import labelled
from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled
from mer_core.methods import create_method
from mer_core.scoring import CONVENTIONS, Predictions, scores
from mer_core.scoring.conventions import best_epoch, pooled
from mer_core.studies.parameters import Parameters

SUB_CLIP = 8  # frames
EPOCHS = (1, 2, 5, 10, 20, 50, 100, 200)  # to choose from


class Chapter(Parameters):
    """Parameters of the chapter."""

    run: str = Field(description="which stored run, a folder of results/")
    draws: int = Field(ge=100, description="resampled corpora for an interval")
    seed: int = Field(ge=0, description="of resampling and of the random answers")


# The run


def pieces(clips: pd.DataFrame) -> dict[str, int]:
    """Into how many sub-clips of eight frames each clip of a corpus would be cut; a short one counts once."""
    length = clips.set_index("clip")["offset"] - clips.set_index("clip")["onset"]
    return (length // SUB_CLIP).clip(lower=1).astype(int).to_dict()


def random_answers(predictions: Predictions, seed: int) -> pd.DataFrame:
    """UF1 of answers drawn with the classes' frequencies, anew in every epoch, by the number of epochs."""
    clips, classes = len(predictions.truth), predictions.n_classes
    share = np.bincount(predictions.truth, minlength=classes) / clips
    answers = np.random.RandomState(seed).choice(classes, size=(max(EPOCHS), clips), p=share)  # (E, N)
    drawn = [replace(predictions, predicted=answers[:n]) for n in EPOCHS]
    uf1 = {
        "best epoch": [best_epoch(one).f1 for one in drawn],
        "last epoch": [pooled(one).f1 for one in drawn],
    }
    return pd.DataFrame(uf1, index=EPOCHS)


def meanings() -> pd.DataFrame:
    """What each convention does, in the words of its docstring."""
    about = {name: " ".join(getdoc(rule).split()) for name, rule in CONVENTIONS.items()}
    return pd.DataFrame({"convention": about})


# A leak


@dataclass(frozen=True)
class Copies:
    """Features of clips, each several times with a little noise: what an exercise splits wrongly and rightly."""

    features: np.ndarray  # (M, D)
    label: np.ndarray  # (M,)
    clip: np.ndarray  # (M,) the number of the clip that was copied
    subject: np.ndarray  # (M,)
    n_classes: int

    def split_at_random(self, seed: int) -> np.ndarray:  # (M,)
        """True for about half of the copies: the ones to test on."""
        return np.random.RandomState(seed).rand(len(self.label)) < 0.5

    def uf1(self, is_test: np.ndarray) -> float:
        """What a nearest-neighbour rule reaches on the copies marked in `is_test` (M,), given the others."""
        rule = KNeighborsClassifier(1).fit(self.features[~is_test], self.label[~is_test])
        answers = rule.predict(self.features[is_test])
        return scores(self.label[is_test], answers, self.n_classes).uf1

    def on_both_sides(self, is_test: np.ndarray) -> int:
        """How many clips have copies among the tested and among the others."""
        return len({*self.clip[is_test]} & {*self.clip[~is_test]})


def copies(corpus: str, classes: str, times: int, seed: int) -> Copies:
    """The clips of a corpus as HOOF describes them, copied."""
    method = create_method("hoof")
    clips, label, names = labelled(corpus, method.view, classes)
    clip = np.repeat(np.arange(len(label)), times)
    features = method.features(clips)[clip]
    noise = np.random.RandomState(seed).normal(size=features.shape)
    features = features + 0.1 * features.std(axis=0) * noise
    subject = clips.clips["subject"].to_numpy()[clip]
    return Copies(features, label[clip], clip, subject, len(names))


# Figures


def epoch_curve(uf1: Sequence[float], peeked: float) -> go.Figure:
    """UF1 after each epoch, and what it becomes when every subject's best epoch is taken."""
    epochs = list(range(1, len(uf1) + 1))
    figure = go.Figure(go.Scatter(x=epochs, y=rounded(uf1), name="all subjects, one epoch", line_color=FOR))
    figure.add_trace(
        go.Scatter(
            x=[1, len(uf1)], y=[round(peeked, 4)] * 2, name="each subject's best epoch", mode="lines",
            line={"color": AGAINST, "dash": "dash"},
        )
    )  # fmt: skip
    figure.update_layout(xaxis_title="epoch", yaxis={"title": "UF1", "range": [0, 1]})
    return styled(
        figure,
        f"UF1 rises over the epochs to {uf1[-1]:.3f}; choosing each subject's best epoch on its own test clips "
        f"gives {peeked:.3f}.",
    )


def audit_bars(table: pd.DataFrame) -> go.Figure:
    """What each convention prints as F1; the honest one in its own colour. `table` is that of `audit`."""
    table = table.sort_values("f1", ascending=False)
    figure = go.Figure(
        go.Bar(
            x=rounded(table["f1"]),
            y=list(table.index),
            orientation="h",
            text=[f"{value:.3f}" for value in table["f1"]],
            textposition="outside",
            marker_color=[FOR if name == "pooled" else QUIET for name in table.index],
        )
    )
    figure.add_vline(x=round(table.loc["pooled", "f1"], 4), line_color=FOR, line_dash="dot")
    figure.update_layout(xaxis={"title": "printed as F1", "range": [0, 1]}, yaxis_autorange="reversed")
    printed = ", ".join(f"{name} {value:.3f}" for name, value in table["f1"].items())
    return styled(figure, f"One model's predictions under eleven conventions: {printed}.", height=420)


def luck(uf1: pd.DataFrame) -> go.Figure:
    """UF1 of a model that knows nothing, by the number of epochs among which it may choose: `random_answers`."""
    figure = go.Figure(
        [
            go.Scatter(x=list(uf1.index), y=rounded(values), name=name, line_color=colour)
            for (name, values), colour in zip(uf1.items(), (AGAINST, FOR), strict=True)
        ]
    )
    figure.update_layout(
        xaxis={"title": "epochs to choose from", "type": "log"}, yaxis={"title": "UF1", "range": [0, 1]}
    )
    ends = "; ".join(
        f"{name}: from {values.iloc[0]:.2f} to {values.iloc[-1]:.2f}" for name, values in uf1.items()
    )
    return styled(figure, f"UF1 of random answers against the number of epochs. {ends}.")
