"""Tables of runs: scores with intervals, and two runs side by side."""

import pandas as pd

from mer_core.evaluation.metrics import scores
from mer_core.evaluation.statistics import bootstrap_interval, paired, permutation_test
from mer_core.training.runs import Run

SCORES = {"UF1": "uf1", "UAR": "uar", "accuracy": "accuracy", "weighted F1": "weighted_f1"}


def headline(run: Run) -> str:
    """What the numbers of a run are numbers of; a selection that looks at the test clips is always said."""
    settings, table = run.settings, run.predictions()
    folds = "leave one subject out" if settings.groups is None else f"{settings.groups} subject groups"
    words = [
        f"{settings.method} ({settings.preset}) on {settings.corpus}, {settings.classes}",
        f"{table['clip'].nunique()} clips of {table['subject'].nunique()} subjects",
        f"{folds}, seeds {', '.join(map(str, settings.seeds))}",
    ]
    if missing := len(run.missing()):
        words.append(f"INCOMPLETE: {missing} parts missing")
    if settings.selection == "test-peek":
        words.append("EPOCH CHOSEN ON THE TEST CLIPS: not a result")
    elif settings.selection == "inner":
        words.append("epoch chosen on held-out training subjects")
    return "; ".join(words)


def score_table(run: Run) -> pd.DataFrame:
    """One row a score: pooled over folds, mean over seeds, the spread of seeds, and the first seed's interval."""
    table, n_classes = run.predictions(), _n_classes(run)
    by_seed = [scores(rows["truth"], rows["predicted"], n_classes) for _, rows in table.groupby("seed")]
    first = table[table["seed"] == table["seed"].min()]
    made = {}
    for title, name in SCORES.items():
        values = pd.Series([getattr(one, name) for one in by_seed])
        interval = bootstrap_interval(
            first["truth"], first["predicted"], first["subject"], n_classes, score=name
        )
        made[title] = {
            "mean": values.mean(),
            "seeds ±": values.std() if len(values) > 1 else float("nan"),
            "95 % low": interval.low,
            "95 % high": interval.high,
        }
    return pd.DataFrame(made).T


def comparison(first: Run, second: Run) -> pd.DataFrame:
    """Two runs on the same clips, with the chance of such a difference if the methods were equal."""
    pair, n_classes = paired(first.predictions(), second.predictions()), _n_classes(first)
    made = {
        title: permutation_test(**pair, n_classes=n_classes, score=name) for title, name in SCORES.items()
    }
    names = {"first": str(first.folder), "second": str(second.folder), "p_value": "p"}
    rows = {
        title: {label: getattr(one, name) for name, label in names.items()} for title, one in made.items()
    }
    return pd.DataFrame(rows).T


def _n_classes(run: Run) -> int:
    return sum(column.startswith("p_") for column in run.predictions().columns)
