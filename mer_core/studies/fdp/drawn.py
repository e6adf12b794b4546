"""What the trained networks draw, and what a picture alone is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from sklearn.svm import LinearSVC

from mer_core.figures.images import slideshow
from mer_core.protocols import subject_groups
from mer_core.scoring import scores
from mer_core.studies.auxiliary import image_scores
from mer_core.studies.fdp.live import last_outputs, mean_picture
from mer_core.studies.fdp.material import DynamicImages, by_motion, grey, likenesses, short
from mer_core.studies.papers import Fitted, Material


@dataclass(frozen=True)
class Drawings:
    """What the trained networks draw of the tested clips, with rivals, against the target and the expression alone."""

    given: Material
    trained: Sequence[Fitted]
    images: DynamicImages

    @cached_property
    def target(self) -> np.ndarray:  # (n, S, S)
        """What was to be drawn."""
        return last_outputs(self.trained)["target"].numpy()

    @cached_property
    def rivals(self) -> dict[str, np.ndarray]:  # (n, S, S) each
        """The drawings, the mean training picture, an even grey, and the target itself."""
        average = [mean_picture(one).expand_as(one.test.inputs["dynamic_image"]) for one in self.trained]
        return {
            "drawn": last_outputs(self.trained)["dynamic_image"].numpy(),
            "mean training picture": torch.cat(average).numpy(),
            "even grey": np.full_like(self.target, 0.5),
            "target itself": self.target,
        }

    def table(self) -> pd.DataFrame:
        """A row a rival and what it is compared with: mean squared error, PSNR, SSIM and likeness."""
        goals = {"the target": self.target, "the expression alone": self.images.expression}
        rows = {
            (f"against {goal}", rival): image_scores(made, of) | {"likeness": likenesses(made, of).mean()}
            for goal, of in goals.items()
            for rival, made in self.rivals.items()
        }
        return pd.DataFrame(rows).T

    def pictures(self, clips: int = 6) -> go.Figure:
        """Of the clips that move most: drawn, target, expression alone and mean picture."""
        shown = [
            self.rivals["drawn"], self.target, self.images.expression, self.rivals["mean training picture"]
        ]  # fmt: skip
        return slideshow(
            {
                short(self.given, self.given.tested[i]): [grey(made[i]) for made in shown]
                for i in by_motion(self.given)[:clips]
            },
            titles=["drawn", "target", "expression alone", "mean picture"],
            label="clip",
            alt="For six clips of subjects never seen: the dynamic image that the network draws, its target, the exact "
            "picture of the expression, and the mean training picture.",
            width=190,
        )


def says_drawings(table: pd.DataFrame) -> str:
    """Whether the drawing beats the mean picture, shows the expression, and whether its target does."""
    target, expression = table.loc["against the target"], table.loc["against the expression alone"]
    nearer = target["mse"]["drawn"] < target["mse"]["mean training picture"]
    more_like = expression["likeness"]["drawn"] > expression["likeness"]["target itself"]
    larger = expression["mse"]["target itself"] > expression["mse"]["even grey"]
    return (
        f"What is drawn is {'nearer' if nearer else 'not nearer'} to the target than the mean training picture, and "
        f"{'more' if more_like else 'not more'} like the expression than the target is. The target's own error against "
        f"the expression is {'larger' if larger else 'not larger'} than that of an even grey."
    )


def linear_rule(given: Material) -> dict[str, float]:
    """UF1 of a linear rule that is given the target pictures of all clips, in the same groups; and of the guess."""
    pictures, labels = given.examples.inputs["dynamic_image"].flatten(1).numpy(), given.labels
    answered = np.zeros_like(labels)
    for fold in subject_groups(given.subjects, k=given.settings.groups):
        mean = pictures[fold.train].mean(axis=0)
        rule = LinearSVC(C=1e-3, class_weight="balanced", random_state=0)
        rule.fit(pictures[fold.train] - mean, labels[fold.train])
        answered[fold.test] = rule.predict(pictures[fold.test] - mean)
    commonest = np.full_like(labels, np.bincount(labels).argmax())
    named = {"linear rule on target pictures": answered, "commonest class": commonest}
    return {name: scores(labels, of, given.n_classes).uf1 for name, of in named.items()}


def says_linear(uf1: Mapping[str, float], rows: pd.DataFrame) -> str:
    """What a fixed picture is worth, to a linear rule and to a network, beside frames."""
    linear = uf1["linear rule on target pictures"]
    gain = linear - uf1["commonest class"]
    text = f"A linear rule gets {linear:.3f} out of the picture, {gain:+.3f} beside the commonest class. "
    if not {"paper", "dynamic-image"} <= set(rows.index):
        return text.strip()
    paper, picture = float(rows["UF1"]["paper"]), float(rows["UF1"]["dynamic-image"])
    text += f"A network that sees nothing but the picture has {picture:.3f} (row `dynamic-image`), FDP {paper:.3f}: "
    if paper > picture:
        return f"{text}what it reaches beyond that row, it owes to looking at frames."
    return f"{text}looking at frames adds nothing to it."
