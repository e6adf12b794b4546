"""Tables of runs: scores with intervals, and two runs side by side."""

import pandas as pd

from mer_core.protocols import folds_in_words
from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import (
    classes_known,
    paired,
    permutation_test,
    same_seeds,
    seeds_interval,
)
from mer_core.training.runs import Run

SCORES = {"UF1": "uf1", "UAR": "uar", "accuracy": "accuracy", "weighted F1": "weighted_f1"}


def headline(run: Run) -> str:
    """What the numbers of a run are numbers of, in one line; what spoils them is always said."""
    settings, table = run.settings, run.predictions()
    changed = "".join(f", {name}={value}" for name, value in settings.settings.items())
    words = [
        f"{settings.method} ({settings.preset}{changed}) on {settings.corpus}, {settings.classes}",
        f"{table['clip'].nunique()} clips of {table['subject'].nunique()} subjects",
        f"{folds_in_words(settings.groups)}, seeds {', '.join(map(str, settings.seeds))}",
    ]
    return "; ".join([*words, *warnings(run)])


def warnings(run: Run) -> list[str]:
    """What must be said beside every number of a run."""
    said = []
    if run.settings.selection == "test-peek":
        said.append("EPOCH CHOSEN ON THE TEST CLIPS: not a result")
    elif run.settings.selection == "inner":
        said.append("epoch chosen on held-out training subjects")
    parts = len(run.parts())
    if missing := len(run.missing()):
        damaged = f", {len(run.damaged())} of them damaged" if run.damaged() else ""
        said.append(f"INCOMPLETE: {missing} of {parts} parts missing{damaged}")
    if stale := len(run.stale()):
        said.append(
            f"{stale} of {parts} parts computed by other code than today's: `mer resume` computes them anew"
        )
    if (several := run.notes()["numerics"].nunique()) > 1:
        said.append(f"COMPUTED BY {several} VERSIONS of numerics")
    return said


def score_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row a score: pooled over folds, mean over seeds, its interval over subjects, and the spread of seeds."""
    n_classes = classes_known(predictions)
    by_seed = [scores(rows["truth"], rows["predicted"], n_classes) for _, rows in predictions.groupby("seed")]
    made = {}
    for title, name in SCORES.items():
        values = pd.Series([getattr(one, name) for one in by_seed])
        row = {"mean": values.mean(), "seeds ±": values.std()}  # one seed has no spread: NaN
        if len(set(predictions["subject"])) > 1:
            interval = seeds_interval(predictions, name)
            row |= {"95 % low": interval.low, "95 % high": interval.high}
        made[title] = row
    return pd.DataFrame(made).T


def comparison(first: Run, second: Run) -> pd.DataFrame:
    """Two runs on the same clips and seeds, with the chance of such a difference if the methods were equal."""
    one, other = same_seeds(first.predictions(), second.predictions())
    asked = {**paired(one, other), "n_classes": classes_known(one)}
    made = {title: permutation_test(**asked, score=name) for title, name in SCORES.items()}
    names = {
        "first": str(first.folder),
        "second": str(second.folder),
        "difference": "difference",
        "p_value": "p",
    }
    rows = {
        title: {label: getattr(one, name) for name, label in names.items()} for title, one in made.items()
    }
    return pd.DataFrame(rows).T
