"""The chapter "Across corpora": learnt on one, asked on another.

`corpora` is what differs, `runs` what was stored, `crossings` and `mixes` are the arithmetic.
"""

from typing import Literal

from pydantic import Field

from mer_core.studies.across.corpora import (
    CLASSES,
    CORPORA,
    cards,
    first_faces,
    mix,
    overlaps,
    short,
    units,
    units_by_class,
)
from mer_core.studies.across.crossings import (
    PLACES,
    answers,
    crossing_table,
    kept_orders,
    learnt_clips,
    learnt_elsewhere,
    lost,
    matrix,
    more_is_better,
    on_the_floor,
    recall_changes,
    recalls,
)
from mer_core.studies.across.figures import crossing_map, loss_forest, order_lines, units_map
from mer_core.studies.across.mixes import (
    at_other_mixes,
    composite,
    knowing_the_corpus,
    published_floors,
    remixed,
    reweighted,
)
from mer_core.studies.across.runs import WAYS, Runs, composites, method_runs
from mer_core.studies.across.sentences import (
    amount_told,
    classes_told,
    composite_told,
    floor_told,
    losses_told,
    mix_told,
    overlap_told,
    settings_told,
)
from mer_core.studies.parameters import Parameters

__all__ = [
    "CLASSES", "CORPORA", "PLACES", "WAYS", "Chapter", "Runs", "amount_told", "answers", "at_other_mixes", "cards",
    "classes_told", "composite", "composite_told", "composites", "crossing_map", "crossing_table", "first_faces",
    "floor_told", "kept_orders", "knowing_the_corpus", "learnt_clips", "learnt_elsewhere", "loss_forest", "losses_told",
    "lost", "matrix", "method_runs", "mix", "mix_told", "more_is_better", "on_the_floor", "order_lines", "overlap_told",
    "overlaps", "published_floors", "recall_changes", "recalls", "remixed", "reweighted", "settings_told", "short",
    "units", "units_by_class", "units_map",
]  # fmt: skip


class Chapter(Parameters):
    """Parameters of the chapter."""

    score: Literal["uf1", "uar", "accuracy", "weighted_f1"] = Field(description="what is compared")
    level: float = Field(gt=0, lt=1, description="a smaller p-value counts, once it is corrected")
    asked: Literal["synth", "samm", "smic"] = Field(
        description="the corpus where the order of methods is drawn"
    )
