"""A paper's own table: what it reports beside what was computed, how each was scored, and where the two differ."""

import numpy as np
import pandas as pd

from mer_core.corpora.prepared import PreparedCorpus
from mer_core.ledger import reported as figures
from mer_core.ledger.compare import warnings
from mer_core.ledger.experiments import load_paper
from mer_core.ledger.licensed import Column, Computed, Protocol
from mer_core.ledger.reported import Figure, reported
from mer_core.protocols import class_map, folds_in_words, published_selections
from mer_core.scoring.conventions import Predictions, fold_mean_weighted
from mer_core.scoring.statistics import Interval, seeds_interval
from mer_core.scoring.tables import SCORES

UNKNOWN, OTHERWISE = "not known", " ≠"  # the mark of what is otherwise than in the paper
BY_FOLD = "weighted F1, mean of folds"  # what released code prints where nothing is pooled
TITLES = {
    "n_classes": "classes", "folds": "folds", "epoch": "epoch", "scored": "scored", "counted": "counted",
    "clips": "clips", "subjects": "subjects",
}  # fmt: skip


def text(made: Computed) -> str:
    """The whole table as a terminal shows it."""
    parts = [headline(made), table(made).to_string(), *notes(made)]
    return "\n".join(parts) + "\n"


def headline(made: Computed) -> str:
    """Which paper, corpus, classes and size this is."""
    asked, protocol = made.asked, made.protocol
    changed = "".join(f", {name}={value}" for name, value in asked.settings.items())
    size = f"preset {asked.preset}{changed}, on {made.columns[0].run.settings.device}"
    return f"\n{load_paper(asked.paper).title}\n{protocol.named}, classes as in {protocol.classes}; {size}"


def table(made: Computed) -> pd.DataFrame:
    """How it is scored, then the scores: what the paper says, then a column a run, with intervals over subjects."""
    protocol, known = made.protocol, {figure.score: figure for figure in figures_of(made)}
    says = {title: _said(getattr(protocol, fact)) for fact, title in TITLES.items()}
    says |= {score: _said(_share(known.get(score))) for score in SCORES}
    says |= {BY_FOLD: UNKNOWN} if _is_by_fold(protocol) else {}
    others = {name: figure for name, figure in known.items() if _share(figure) is None}
    says |= {name: f"{figure.value:g} {figure.unit}" for name, figure in others.items()}
    shown = {"the paper": says} | {column.title: _computed(column, protocol) for column in made.columns}
    return pd.DataFrame(shown, index=list(says)).fillna("–")


def _said(value: object) -> str:
    return UNKNOWN if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def figures_of(made: Computed) -> list[Figure]:
    """What the paper reports of itself on this corpus."""
    if not (figures.REPORTED / f"{made.asked.paper}.toml").exists():
        return []
    return [figure for figure in reported(made.asked.paper) if figure.corpus == made.protocol.named]


def _share(figure: Figure | None) -> float | None:
    """A reported score between 0 and 1; None where it is no score of ours."""
    if figure is None or figure.score not in SCORES or figure.unit != "%":
        return None
    return figure.value / 100


def _computed(column: Column, protocol: Protocol) -> dict[str, str]:
    marked = {
        TITLES[fact]: f"{value}{OTHERWISE if getattr(protocol, fact) not in (None, value) else ''}"
        for fact, value in _facts(column).items()
    }
    scores = {title: str(score_interval(column, title)) for title in SCORES}
    return marked | scores | ({BY_FOLD: f"{by_fold(column):.3f}"} if _is_by_fold(protocol) else {})


def _is_by_fold(protocol: Protocol) -> bool:
    return protocol.scored == "each fold for itself"


def by_fold(column: Column) -> float:
    """Weighted F1 of every fold, averaged: for the audit only."""
    table = column.run.predictions
    truth, predicted, fold = (table[name].to_numpy() for name in ("truth", "predicted", "fold"))
    once = np.ones(len(table), int)
    return fold_mean_weighted(Predictions(truth, predicted[None], fold, once, _n_classes(column))).f1


def score_interval(column: Column, title: str) -> Interval:
    """A score of this run, and the range it would fall in with other people."""
    return seeds_interval(column.run.predictions, SCORES[title])


def _n_classes(column: Column) -> int:
    return len(class_map(column.run.settings.classes).classes)


def _facts(column: Column) -> dict[str, object]:
    """How this run is scored, as a protocol says it."""
    predictions, released = column.run.predictions, column.run.settings.create_method().settings.released
    return {
        "n_classes": _n_classes(column),
        "folds": folds_in_words(None),
        "epoch": column.selection,
        "scored": "all folds pooled",
        "counted": "clips" if released.score == "clips" else "sub-clips",
        "clips": predictions["clip"].nunique(),
        "subjects": predictions["subject"].nunique(),
    }  # fmt: skip


def notes(made: Computed) -> list[str]:
    """What must be said beside the numbers."""
    protocol, known = made.protocol, figures_of(made)
    said = [f"known from: {protocol.where}", f"not known: {protocol.unknown}"]
    said += [_reported_note(made, figure) for figure in known]
    said += [] if known else [f"No score that the paper reports on {protocol.named} is known to us."]
    said += [f"preset {made.asked.preset} is not the paper's size"] if made.asked.preset != "paper" else []
    said += [f"{column.title}: {warning}" for column in made.columns for warning in warnings(column.run)]
    said += [line for corpus in made.corpora for line in _label_notes(corpus, protocol)]
    return [*said, "≠ is otherwise than in the paper; in brackets: 95 % intervals over subjects"]


def _reported_note(made: Computed, figure: Figure) -> str:
    """Where the figure stands, and whether it lies in the intervals."""
    unknown = f"; not known of it: {figure.unknown}" if figure.unknown else ""
    if (share := _share(figure)) is None:
        return f"{figure.score} ({figure.where}): nothing that is computed here can stand beside it{unknown}"
    verdicts = [
        f"{verdict(share, score_interval(c, figure.score))} the interval of {c.title}" for c in made.columns
    ]
    return f"{figure.score} ({figure.where}): {', '.join(verdicts)}{unknown}"


def verdict(share: float, found: Interval) -> str:
    """Where a reported score lies."""
    if share > found.high:
        return "above"
    return "below" if share < found.low else "inside"


def _label_notes(corpus: PreparedCorpus, protocol: Protocol) -> list[str]:
    """How many clips the label table is known to hold in these classes."""
    card = corpus.card
    asked = (card.name, card.version, protocol.classes)
    known = [one for one in published_selections() if (one.corpus, one.version, one.classes) == asked]
    return [
        f"published of {card.name}'s label table ({one.version}) in these classes: {one.clips} clips"
        + (f" of {one.subjects} subjects" if one.subjects else "")
        + (f" ({one.about})" if one.about else "")
        + f"; what is not here stands in {corpus.folder / 'report.parquet'}"
        for one in known
    ]
