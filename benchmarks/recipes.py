"""Which recipe trains a network well: tried on people of `synth-dev-a`, scored on those of `synth-dev-b`, logged.

    python benchmarks/recipes.py                    what trials/recipes.toml asks for and trials/log.csv lacks
    python benchmarks/recipes.py --only fdp --minutes 30
    python benchmarks/recipes.py --table            what was tried, best first, and how much effort each network got

A trial trains on four fifths of `synth-dev-a`'s subjects, one fold and one seed, and is scored on all clips of
`synth-dev-b`: no corpus that a score is reported on has a part in it. The log is appended to after every trial, so that
an interrupted search goes on; the list is read again each time. Every row of the table, baselines included, gets as
many recipes: the log says how many.
"""

import mer_core.pinned

import argparse
import csv
import json
import os
import time
import tomllib
from pathlib import Path

import pandas as pd

from mer_core import open_corpus
from mer_core.methods import create_method
from mer_core.methods.base import NetworkMethod
from mer_core.protocols import class_map, subject_groups
from mer_core.scoring import scores
from mer_core.training import examples, fit_and_predict, fold_seed
from mer_core.training.learnt import above_shuffle, judge, warnings
from mer_core.training.provenance import code_of

TRIALS = Path(__file__).parents[1] / "trials"
TRAINED, SCORED = "synth-dev-a", "synth-dev-b"
COLUMNS = (
    "network", "recipe", "fold", "seed", "train_uf1", "unseen_uf1", "unseen_uar", "above_shuffle", "explained",
    "losses", "warnings", "steps", "seconds", "code", "settings",
)  # fmt: skip


def listed(only: str | None) -> list[dict]:
    """Each recipe, fold and seed that the list asks for, in its order."""
    with (TRIALS / "recipes.toml").open("rb") as file:
        recipes = tomllib.load(file)["recipe"]
    return [
        {**recipe, "fold": fold, "seed": seed}
        for recipe in recipes
        if only in (None, recipe["network"])
        for fold, seed in recipe.get("parts", [[0, 0]])
    ]


def logged() -> set[tuple]:
    """What was tried before: a trial is the network, its settings, a fold and a seed."""
    if not (TRIALS / "log.csv").exists():
        return set()
    table = pd.read_csv(TRIALS / "log.csv")
    return {*table[["network", "settings", "fold", "seed"]].itertuples(index=False, name=None)}


def key(trial: dict) -> tuple:
    """What makes a trial another one."""
    settings = json.dumps(trial.get("settings", {}), sort_keys=True)
    return trial["network"], settings, trial["fold"], trial["seed"]


def data(method: object, corpus: str) -> tuple:
    """The clips of a class, as the method sees them, and the number of their classes."""
    classes = class_map("megc2019-3class")
    table = open_corpus(corpus).clips
    labels = classes.label(table)
    chosen = table[labels.notna()]
    clips = open_corpus(corpus).clipset(method.view).select(chosen.index)
    return examples(method, clips, labels.dropna().to_numpy(int), len(classes.classes))


def attempt(trial: dict) -> dict:
    """One row of the log."""
    method = create_method(trial["network"], "book", **trial.get("settings", {}))
    source, test = data(method, TRAINED), data(method, SCORED)
    train = source.take(subject_groups(source.subjects, 5)[trial["fold"]].train)
    history, start = [], time.monotonic()
    seed = fold_seed(f"group{trial['fold'] + 1}", trial["seed"])
    fitted = fit_and_predict(method, train, test, seed, record=history.append)
    seconds = time.monotonic() - start
    predicted = fitted.probabilities.argmax(axis=1)
    truth = fitted.test.labels.numpy() if fitted.test else test.labels.numpy()
    score = scores(truth, predicted, train.n_classes)
    row = {"unseen_uf1": round(score.uf1, 3), "unseen_uar": round(score.uar, 3)}
    row["above_shuffle"] = above_shuffle(truth, predicted, train.n_classes)
    if isinstance(method, NetworkMethod):
        row |= _learnt(method, fitted, pd.DataFrame(history))
        row["steps"] = len(history) * -(-len(train.labels) // method.settings.batch)
    return {**row, "seconds": round(seconds, 1), "code": code_of(method)[:12]}


def _learnt(method: NetworkMethod, fitted: object, history: pd.DataFrame) -> dict:
    found = judge(method, fitted.network, fitted.train, fitted.test, fitted.probabilities)
    rounded = {
        side: {name: round(value, 4) for name, value in terms.items()}
        for side, terms in found["losses"].items()
    }
    return {
        "train_uf1": round(found["train_uf1"], 3),
        "explained": json.dumps({name: round(share, 3) for name, share in found["explained"].items()}),
        "losses": json.dumps(rounded),
        "warnings": "; ".join(text.partition(":")[0] for text in warnings(found, history)),
    }


def note(trial: dict, row: dict) -> None:
    """Append to the log."""
    file, (network, settings, fold, seed) = TRIALS / "log.csv", key(trial)
    whole = {
        "network": network,
        "recipe": trial["name"],
        "fold": fold,
        "seed": seed,
        "settings": settings,
        **row,
    }
    is_new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as log:
        writer = csv.DictWriter(log, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(whole)


def search(only: str | None, minutes: float) -> None:
    """Trial by trial, until the list or the time is at its end."""
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        todo = [trial for trial in listed(only) if key(trial) not in logged()]
        if not todo:
            return
        note(trial := todo[0], row := attempt(todo[0]))
        about = f"{trial['network']} {trial['name']} fold {trial['fold']} seed {trial['seed']}"
        print(
            f"{about}: train {row.get('train_uf1')}, unseen {row['unseen_uf1']}, {row['seconds']} s",
            flush=True,
        )


def table() -> str:
    """The log as a reader sees it."""
    tried = pd.read_csv(TRIALS / "log.csv").sort_values(["network", "unseen_uf1"], ascending=[True, False])
    effort = tried.groupby("network").agg(
        recipes=("settings", "nunique"), trials=("seed", "size"), seconds=("seconds", "sum")
    )
    columns = [
        "network",
        "recipe",
        "fold",
        "seed",
        "train_uf1",
        "unseen_uf1",
        "explained",
        "warnings",
        "seconds",
    ]
    return f"{tried[columns].to_string(index=False)}\n\n{effort.to_string()}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="a network")
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--table", action="store_true", help="show the log, try nothing")
    asked = parser.parse_args()
    if asked.table:
        print(table())
    else:
        os.nice(19)
        search(asked.only, asked.minutes)
