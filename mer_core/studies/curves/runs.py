"""The stored runs behind the curves: what each learnt from, and how many steps it made."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_core.corpora.catalogue import open_corpus
from mer_core.ledger.experiments import load_paper, main_label, stored_name
from mer_core.ledger.results import find_run
from mer_core.protocols import PublishedSelection, class_map, published_selections, split
from mer_core.scoring.statistics import classes_known
from mer_core.studies.curves.laws import Curve, curve
from mer_core.studies.rows import by_seed, first_seed, main_run, ranked_rows
from mer_core.training import Run, RunSettings
from mer_core.training.fit import fold_seed
from mer_core.training.parts import some_of_each

FLOOR = "majority"  # the rule that always names the commonest class
NAMED = {
    "SAMM": ("samm", "megc2019-3class"),
    "CASME II": ("casme2", "megc2019-3class"),
    "SMIC": ("smic", "megc2019-3class"),
    "MMEW": ("mmew", "mmew-3class"),
    "MEGC 2019": ("casme2+samm+smic", "megc2019-3class"),
    "CAS(ME)³": ("casme3", "casme3-3class"),
}
SMALL = {"MIACNet": "scratch", "MA2MI": "ma2mi"}  # rows of the list `ma2mi`, which has runs with fewer labels
LABELLED = ("-10", "-25", "-50", "")

Runs = dict[str, dict[str, Run]]  # by the label of the method and the column of the list: `half`


def row_names() -> list[str]:
    """The methods of the list `curves`, by label."""
    return list(dict.fromkeys(main_label(one) for one in load_paper("curves").experiments.values()))


def curve_runs() -> Runs:
    """Those that are stored."""
    runs: Runs = {}
    for name, experiment in load_paper("curves").experiments.items():
        if run := find_run(stored_name("curves", name)):
            runs.setdefault(main_label(experiment), {})[experiment.column] = run
    return runs


def learnt_from(settings: RunSettings) -> pd.DataFrame:
    """A row a fold: how many clips and subjects its first seed learnt from, as the run chose them.

    Of a synthetic corpus, whose outline says who shows what without planning a clip.
    """
    clips = pd.DataFrame(open_corpus(settings.corpus).outline)
    clips, labels = class_map(settings.classes).within(clips)
    clips = clips.reset_index(drop=True)
    rows = {}
    for fold in split(clips["subject"].to_numpy(), settings.groups):
        seed = fold_seed(fold.name, settings.seeds[0])
        learnt = some_of_each(fold.train, labels, settings.labelled, seed)
        rows[fold.name] = {"clips": len(learnt), "subjects": clips["subject"][learnt].nunique()}
    return pd.DataFrame(rows).T


def sizes() -> pd.DataFrame:
    """A row a share of the clips: how many clips and subjects are learnt from, mean of the folds."""
    experiments = load_paper("curves").experiments.values()
    learnt = {one.column: learnt_from(one.run).mean() for one in experiments if main_label(one) == FLOOR}
    return pd.DataFrame(learnt).T


def stored_curves(runs: Runs, sizes: pd.DataFrame) -> dict[str, Curve]:
    """A curve a method, a point a share of the clips."""
    return {
        label: _curve({sizes["clips"][at]: run.predictions for at, run in of.items()})
        for label, of in runs.items()
    }


def _curve(tables: Mapping[float, pd.DataFrame]) -> Curve:
    return curve(tables, n_classes=classes_known(next(iter(tables.values()))))


def points(curves: Mapping[str, Curve], sizes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A table a method, a row a point: clips, subjects, score, low, high."""
    subjects = sizes.set_index("clips")["subjects"]
    tables = {label: one.table() for label, one in curves.items()}
    return {label: table.assign(subjects=table["clips"].map(subjects)) for label, table in tables.items()}


def small_curve(label: str) -> Curve:
    """On `synth`: what a tenth, a quarter, half and all of the labels give, as the first seed says."""
    tables = {}
    for labelled in LABELLED:
        if run := find_run(stored_name("ma2mi", f"{SMALL[label]}{labelled}")):
            learnt = learnt_from(RunSettings.parse(run.record["settings"]))
            tables[learnt["clips"].mean()] = first_seed(run)
    return _curve(tables)


def pretraining_pairs(curves: Mapping[str, Curve]) -> dict[str, tuple[Curve, Curve]]:
    """Of each corpus the curves from random weights and after pre-training."""
    large = tuple(curves[label] for label in SMALL if label in curves)
    pairs = {"synth": tuple(small_curve(label) for label in SMALL), "synth-large": large}
    return {
        name: pair for name, pair in pairs.items() if len(pair) == 2 and min(len(c.clips) for c in pair) > 1
    }


def see_frames(labels: list[str]) -> list[str]:
    """Of these methods the ones that are given frames, not flow."""
    return [label for label in labels if "frames" in ranked_rows()[label].given]


def real_corpora() -> pd.DataFrame:
    """A row a real corpus in three classes: its clips and subjects, and how sure these are."""
    rows = {name: _largest(*asked) for name, asked in NAMED.items()}
    return pd.DataFrame(
        {
            name: {"clips": one.clips, "subjects": one.subjects or "?", "how sure": one.mark}
            for name, one in rows.items()
        }
    ).T


def _largest(corpus: str, classes: str) -> PublishedSelection:
    known = [one for one in published_selections() if (one.corpus, one.classes) == (corpus, classes)]
    return max(known, key=lambda one: one.clips)


# Steps


def steps(runs: Runs, sizes: pd.DataFrame) -> pd.DataFrame:
    """A row a network, a column a number of clips: how many steps its training made."""
    rows = {
        label: {f"{sizes['clips'][at]:.0f}": _steps(run, sizes["clips"][at]) for at, run in of.items()}
        for label, of in runs.items()
        if all("epochs" in run.record["method"] for run in of.values())
    }
    return pd.DataFrame(rows).T


def _steps(run: Run, clips: float, epochs: int | None = None) -> int:
    chosen = run.record["method"]
    return int((epochs or chosen["epochs"]) * np.ceil(clips / chosen["batch"]))


def after_steps(label: str) -> pd.DataFrame:
    """UF1 of a main row after a part of its training, and how many steps that were: the same clips, more and more."""
    run = main_run(label)
    table, epochs = run.predictions, len(run.epochs)
    clips = table["clip"].nunique() * (1 - 1 / len(run.record["folds"]))
    rows = {}
    for epoch in sorted({max(1, round(epochs * share)) for share in (1 / 12, 1 / 4, 1 / 2, 3 / 4, 1)}):
        answered = table.assign(predicted=run.epochs[epoch - 1])
        uf1 = by_seed(answered, classes_known(table)).mean()
        rows[epoch] = {"steps": _steps(run, clips, epoch), "clips": clips, "UF1": uf1}
    return pd.DataFrame(rows).T.astype({"steps": int}).rename_axis("epochs")
