"""The networks that the chapter trains, and what they say of clips of subjects that they never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from mer_core.ledger.results import find_run
from mer_core.methods.famnet import Fusion
from mer_core.scoring import bootstrap_interval, columns, scores
from mer_core.studies import papers
from mer_core.studies.famnet.material import BRANCHES, CONTROL, Material
from mer_core.training import Examples, predict_outputs

FUSIONS = {
    "fused: apex frame + clip": ("apex frame", "clip"),
    "fused: change + clip": ("change at apex", "clip"),
    "fused: change, two seeds": ("change at apex", CONTROL),
}
# In which stored runs; the apex frame's network guesses, and on another machine otherwise.
STORED = {"change at apex": "apex-changes", "clip": "clip"}

Outputs = list[dict[str, Tensor]]  # of each fold


def how_often_right(network: nn.Module, train: Examples, test: Examples) -> tuple[float, float]:
    """On as many of the clips that were trained on as are tested, and on the tested ones."""
    some = np.arange(len(train.labels))[:: max(1, len(train.labels) // len(test.labels))]
    return right_in(network, train.take(some)), right_in(network, test)


def right_in(network: nn.Module, part: Examples) -> float:
    """The share of clips of which a network names the class."""
    answers = predict_outputs(network, part.inputs)["emotion"].argmax(dim=1)
    return (answers == part.labels).float().mean().item()


@dataclass(frozen=True)
class Live:
    """Trained branches: by name, then by fold."""

    given: Material
    fitted: dict[str, list[papers.Fitted]]

    @cached_property
    def train(self) -> dict[str, Outputs]:
        """What each network says of the clips that it was trained on."""
        return {
            name: [predict_outputs(one.network, one.train.inputs) for one in folds]
            for name, folds in self.fitted.items()
        }

    @cached_property
    def test(self) -> dict[str, Outputs]:
        """What each network says of the tested clips."""
        return {
            name: [predict_outputs(one.network, one.test.inputs) for one in folds]
            for name, folds in self.fitted.items()
        }

    def accuracies(self, name: str) -> list[np.ndarray]:  # (E, 2) each
        """Of each fold, how often a network was right after each epoch: `how_often_right`."""
        return [np.array(one.epochs) for one in self.fitted[name]]

    def fused(self, first: str, second: str, share: float = 0.5) -> list[Tensor]:
        """Late fusion of two branches, fold by fold: the scales are those of training clips."""
        vectors, pair = [], (first, second)
        for i in range(len(self.given.folds)):
            fuse = Fusion("fixed", share, self.given.n_classes)
            fuse(*[self.train[name][i]["emotion"] for name in pair])  # in training mode: it remembers
            vectors.append(fuse.eval()(*[self.test[name][i]["emotion"] for name in pair]).detach())
        return vectors

    def predictions(self, vectors: Sequence[Tensor]) -> pd.DataFrame:
        """Score vectors of the tested clips, fold by fold, as a run keeps predictions."""
        given = self.given
        p = torch.cat(list(vectors)).softmax(dim=1).numpy()
        table = given.table.iloc[given.tested][["clip", "subject"]].reset_index(drop=True)
        table["truth"], table["predicted"] = given.labels[given.tested], p.argmax(axis=1)
        table[[f"p_{i}" for i in range(given.n_classes)]] = p
        return table

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Predictions of each network, of each fusion, and of whoever names the commonest class."""
        vectors = {name: [fold["emotion"] for fold in outputs] for name, outputs in self.test.items()}
        vectors |= {name: self.fused(*pair) for name, pair in FUSIONS.items()}
        tables = {name: self.predictions(of) for name, of in vectors.items()}
        return {**tables, "commonest class": tables["clip"].assign(predicted=self.given.commonest)}

    @cached_property
    def uf1(self) -> dict[str, float]:
        """Of each of the tables."""
        return {name: uf1_of(table, self.given.n_classes) for name, table in self.tables.items()}


def train_branches(given: Material) -> Live:
    """Train every branch, and the control, in every fold."""
    return Live(
        given,
        {
            name: [papers.fit_fold(seen, fold, how_often_right) for fold in given.folds]
            for name, seen in given.networks.items()
        },
    )


def uf1_of(predictions: pd.DataFrame, n_classes: int) -> float:
    """Of one table of predictions."""
    return scores(predictions["truth"], predictions["predicted"], n_classes).uf1


def mean_within(predictions: pd.DataFrame, column: str) -> float:
    """Macro F1 inside each fold or subject, over the classes that are there; then the mean."""
    values = [
        f1_score(
            rows["truth"], rows["predicted"], average="macro", labels=rows["truth"].unique(), zero_division=0
        )
        for _, rows in predictions.groupby(column)
    ]
    return float(pd.Series(values).mean())


def score_table(live: Live) -> pd.DataFrame:
    """A row a network, fusion or rule; one subject alone has no interval."""
    n_classes, rows = live.given.n_classes, {}
    has_several = len(set(live.given.subjects[live.given.tested])) > 1
    for name, table in live.tables.items():
        made = scores(table["truth"], table["predicted"], n_classes)
        uf1 = bootstrap_interval(**columns(table), n_classes=n_classes) if has_several else f"{made.uf1:.3f}"
        rows[name] = {"accuracy": f"{made.accuracy:.2f}", "UAR": f"{made.uar:.2f}", "UF1, 95 %": str(uf1)}
    return pd.DataFrame(rows).T


def best_epochs(live: Live) -> pd.DataFrame:
    """The accuracy of each branch at its last epoch, and at each fold's best one."""
    sizes = [len(fold.test) for fold in live.given.folds]
    rows = {}
    for name in BRANCHES:
        by_fold = [curve[:, 1] for curve in live.accuracies(name)]
        rows[name] = {
            "last epoch": np.average([curve[-1] for curve in by_fold], weights=sizes),
            "best epoch": np.average([curve.max() for curve in by_fold], weights=sizes),
        }
    return pd.DataFrame(rows).T


def answers_as_stored(live: Live) -> dict[str, float]:
    """How often a branch answers here as in its stored run, of those that were asked for the same."""
    shares = {}
    for name, experiment in STORED.items():
        run, given = find_run(f"famnet/{experiment}"), live.given.networks[name]
        if run and papers.is_same_run(run, given):
            shares[name] = papers.agreement(run, given, live.tables[name]["predicted"].to_numpy())
    return shares
