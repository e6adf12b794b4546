"""The second stage: three networks are trained on the same folds. Who is known to their codes, and where they look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.faces.expression import PARTS
from mer_core.figures.images import seen_on, slideshow
from mer_core.ledger.experiments import load_paper
from mer_core.methods.base import Start
from mer_core.methods.ma2mi.network import MA2MI, Encoder, MA2MISettings
from mer_core.methods.ma2mi.pretraining import branch_features
from mer_core.methods.ma2mi.reconstruction import Reconstruction
from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import Interval, bootstrap_interval
from mer_core.studies.attribution import maps_of_folds, moving_region, peak_inside, share_inside
from mer_core.studies.ma2mi.chapter import Material
from mer_core.studies.ma2mi.figures import lines
from mer_core.studies.ma2mi.transfer import ratio_interval, tells
from mer_core.training import Examples, examples, find_device, fit_and_predict, fold_seed
from mer_core.training.fit import Fitted

TWO, FIRST, ONE = "two branches", "two, pre-trained", "one encoder"
UNTRAINED = {TWO: "two, untrained", ONE: "one, untrained"}
CHANGE, EVEN = "change itself", "even map"

# Who is it?


def coarse(x: Tensor) -> np.ndarray:  # (N, 3 · 16)
    """Pictures (N, 3, S, S) as their means over 4 × 4 places."""
    return F.adaptive_avg_pool2d(x, 4).flatten(1).numpy()


def codes(given: Material, drawer: Reconstruction) -> dict[str, np.ndarray]:  # (N, D) each
    """What each branch makes of the micro-expressions, before and after the first stage; and what it is given."""
    torch.manual_seed(given.settings.seed)
    encoders = {"untrained": Encoder(given.chosen).eval(), "pre-trained": drawer.encode}
    x = given.x
    made = {"raw difference": coarse(x[:, 1] - x[:, 0]), "raw onset": coarse(x[:, 0])}
    for name, encoder in encoders.items():
        made |= {f"{branch}, {name}": values for branch, values in branch_features(encoder, x).items()}
    return made


def identity_in_words(probed: pd.DataFrame, chance: float) -> str:
    """How far each code gives its owner away."""
    action, position, raw = (
        probed.loc[name] for name in ("action, pre-trained", "position, pre-trained", "raw difference")
    )
    far = "is above chance"
    if action["low"] > 3 * chance:
        far = "gives its owner away far above chance"
    elif action["low"] <= chance:
        far = "is near chance"
    more = "much more so" if position["low"] > action["high"] else "about as much"
    edges = f"he raw difference, averaged over 4 × 4 places, is at {raw['value']:.2f}."
    reason = (
        f"A difference of two frames shows edges that moved, and edges are those of somebody's face: already t{edges}"
        if raw["low"] > chance
        else f"T{edges}"
    )
    return (
        f"The action code {far} ({action['value']:.2f} against {chance:.2f}), and the position code {more} "
        f"({position['value']:.2f}). {reason} Nothing in the loss forbids the action branch to keep identity; the "
        "split is one of input and bandwidth, and the probe measures how far that goes."
    )


# Training


@dataclass(frozen=True)
class Contest:
    """Three ways to recognise, each trained on the same folds."""

    given: Material
    single: MA2MI  # one encoder in the place of two branches
    every: Examples
    fitted: Mapping[str, Sequence[Fitted]]  # a fit a fold, by name

    @property
    def networks(self) -> dict[str, list[nn.Module]]:
        """A network a fold, by name."""
        return {name: [fit.network.cpu() for fit in fits] for name, fits in self.fitted.items()}

    def answers(self, name: str) -> np.ndarray:  # (E, n)
        """The classes of the tested clips after each epoch."""
        return np.concatenate([fit.epochs.argmax(axis=2) for fit in self.fitted[name]], axis=1)

    def uf1(self, name: str) -> Interval:
        """At the last epoch, with the interval of other subjects."""
        given = self.given
        predicted = self.answers(name)[-1]
        return bootstrap_interval(given.goal, predicted, given.subjects[given.tested], given.n_classes)

    @property
    def commonest(self) -> np.ndarray:  # (n,)
        """What somebody says who always names the class that most clips have."""
        return np.full_like(self.given.goal, np.bincount(self.given.labels).argmax())


def contest(given: Material, drawer: Reconstruction) -> Contest:
    """Both branches from random weights, both after the first stage, and one encoder that sees both frames stacked."""
    listed = load_paper("ma2mi").experiments["stacked"].run.settings
    stacked = listed if given.settings.preset == "book" else {"branches": "stacked"}
    single = MA2MI(MA2MISettings.parse({**given.chosen.plain(), **stacked}))
    learnt = Start("encode", drawer.encode.state_dict(), "")
    every = examples(given.method, given.micro, given.labels, given.n_classes)
    ways = {TWO: (given.method, None), FIRST: (given.learner, learnt), ONE: (single, None)}
    fitted = {name: train(given, every, method, start) for name, (method, start) in ways.items()}
    return Contest(given, single, every, fitted)


def train(given: Material, every: Examples, method: MA2MI, start: Start | None) -> list[Fitted]:
    """One fit a fold, with what it said after each epoch."""
    device, seed = find_device(given.settings.device), given.settings.seed
    return [
        fit_and_predict(
            method,
            every.take(fold.train),
            every.take(fold.test),
            fold_seed(fold.name, seed),
            device,
            every_epoch=True,
            start=start,
        )
        for fold in given.folds
    ]


def learning_curves(contest: Contest) -> go.Figure:
    """Accuracy on the tested clips after each epoch."""
    curves = {}
    for name in contest.fitted:
        right = (contest.answers(name) == contest.given.goal).mean(axis=1)
        curves[name] = pd.DataFrame({"value": right}, index=range(1, len(right) + 1))
    lazy = float(np.mean(contest.commonest == contest.given.goal))
    return lines(curves, "epoch", "accuracy", {"commonest class": lazy})


def contest_table(contest: Contest) -> pd.DataFrame:
    """A row a network at its last epoch, and one for the commonest class."""
    goal, rows = contest.given.goal, {}
    for name in contest.fitted:
        right = np.mean(contest.answers(name)[-1] == goal)
        rows[name] = {"UF1 [interval]": str(contest.uf1(name)), "accuracy": f"{right:.2f}"}
    lazy = scores(goal, contest.commonest, contest.given.n_classes).uf1
    rows["commonest class"] = {"UF1 [interval]": f"{lazy:.3f}", "accuracy": ""}
    return pd.DataFrame(rows).T


def contest_in_words(two: float, first: float, one: float, clips: int) -> str:
    """What the first stage and the second branch are worth in UF1, on so many clips."""
    lift, split = first - two, two - one
    return (
        f"In this fold the first stage {'adds' if lift > 0 else 'takes'} {abs(lift):.2f} of UF1, and two branches are "
        f"{abs(split):.2f} {'above' if split > 0 else 'below'} one encoder. A fold of {clips} clips is an anecdote: "
        "look at the intervals, and at the stored runs below, in which every clip was tested."
    )


# Where they look


@dataclass(frozen=True)
class Looks:
    """Maps of the tested clips by who looks, and the region that moves."""

    given: Material
    maps: Mapping[str, Tensor]  # (n, S, S) each
    regions: Tensor  # (n, S, S) true or false

    @property
    def inside(self) -> dict[str, np.ndarray]:  # (n,) each
        """The share of each map that lies on moving skin."""
        return {name: share_inside(made, self.regions) for name, made in self.maps.items()}

    @property
    def sound(self) -> np.ndarray:  # (n,)
        """Clips in which something moves and every map marks something."""
        marks = torch.stack(list(self.inside.values())).isfinite().all(dim=0)
        return (marks & self.regions.any(dim=(1, 2))).numpy()

    @property
    def subjects(self) -> np.ndarray:
        """Of the sound clips."""
        return self.given.subjects[self.given.tested][self.sound]

    def focus(self) -> dict[str, Interval]:
        """Mean share inside, of an even map first."""
        shares = {EVEN: self.regions.float().mean(dim=(1, 2)), **self.inside}
        return {name: ratio_interval(share[self.sound], 1, self.subjects) for name, share in shares.items()}

    def table(self) -> pd.DataFrame:
        """A row a map: its share inside, and how often its peak is inside."""
        rows = {name: {"share inside": str(share), "peak inside": ""} for name, share in self.focus().items()}
        for name, made in self.maps.items():
            peak = peak_inside(made, self.regions)[self.sound].float().mean()
            rows[name]["peak inside"] = f"{peak:.2f}"
        return pd.DataFrame(rows).T

    def further(self, one: str, other: str) -> Interval:
        """How much more of the first map lies inside."""
        off = (self.inside[one] - self.inside[other])[self.sound]
        return ratio_interval(off, 1, self.subjects)

    def differences(self) -> dict[str, Interval]:
        """The comparisons that say something of the branches, of the first stage and of training."""
        return {
            "two branches less one encoder": self.further(TWO, ONE),
            "pre-trained less random start": self.further(FIRST, TWO),
            "two branches, training": self.further(TWO, UNTRAINED[TWO]),
            "one encoder, training": self.further(ONE, UNTRAINED[ONE]),
            "two branches less change itself": self.further(TWO, CHANGE),
        }

    def __str__(self) -> str:
        subjects = set(self.given.subjects[self.given.tested])
        clips = f"{self.sound.sum()} of {len(self.sound)} clips of {len(subjects)} subjects"
        return f"{clips}: something moves, every map marks"


def looks(contest: Contest) -> Looks:
    """Gradient × input with the onset as baseline, by trained networks and by untrained ones; and the change itself."""
    given = contest.given
    x, counts = contest.every.inputs["x"][given.tested], [len(fold.test) for fold in given.folds]
    fold = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    networks = contest.networks
    networks |= {
        UNTRAINED[TWO]: untrained(given, given.method),
        UNTRAINED[ONE]: untrained(given, contest.single),
    }
    maps = {CHANGE: (x[:, 1] - x[:, 0]).abs().sum(dim=1)}
    for name, nets in networks.items():
        maps[name] = maps_of_folds(nets, fold, x, torch.from_numpy(given.goal), x[:, :1].expand_as(x))
    movements = torch.stack([movement(given, row) for row in given.tested])
    return Looks(given, maps, moving_region(movements))


def untrained(given: Material, method: MA2MI) -> list[nn.Module]:
    """A network a fold, as it begins."""
    torch.manual_seed(given.settings.seed)
    return [method.network(given.n_classes).eval()] * len(given.folds)


def movement(given: Material, row: int) -> Tensor:  # (2, S, S)
    """What the labelled movement alone does to each pixel, onset to apex."""
    spec = given.faces.spec(given.table["clip"][row])
    others = set(PARTS) - {"action"}
    flow = given.faces.flow(spec.clip, spec.onset, spec.apex, given.chosen.size, without=others)
    return torch.from_numpy(np.asarray(flow)).float()


def look_pictures(looks: Looks) -> go.Figure:
    """What four networks mark on the clips that move most, and the outline of what moves."""
    given, names = looks.given, [TWO, FIRST, ONE, UNTRAINED[TWO]]
    largest, steps = np.argsort(-given.table["peak_pixels"].to_numpy()[given.tested])[:5], {}
    for number, row in enumerate(largest, 1):
        face = np.asarray(given.micro.frames[given.tested[row], 0]).mean(axis=-1).astype(np.uint8)
        region = looks.regions[row].numpy()
        steps[f"{number}"] = [seen_on(face, looks.maps[name][row].numpy(), region, times=2) for name in names]
    return slideshow(
        steps,
        titles=names,
        label="clip",
        alt="Five faces with what three trained networks and an untrained one mark in orange, and the outline of "
        "what the expression moves in white.",
        width=180,
    )


def looks_in_words(two_one: Interval, training: Interval, change: float, best: float) -> str:
    """Whether two branches look better than one, what training did; and the share of the change against the best's."""
    more = tells(two_one, "more", "less", "neither clearly more nor clearly less")
    moved = tells(
        training,
        "has moved the map into the region",
        "has moved the map out of the region",
        "has not clearly moved the map",
    )
    end = "."
    if change >= best:
        end = (
            ", more than any network: a heat map that lights up where something moves is no evidence of anything "
            "learnt."
        )
    return (
        f"Two branches look {more} at the moving skin than one encoder ({two_one}). Training {moved} ({training}). And "
        f"the plain change in the picture, which nobody had to learn, has a share of {change:.2f} inside{end}"
    )
