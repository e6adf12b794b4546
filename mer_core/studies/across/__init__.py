"""The chapter "Across corpora": learnt on one, asked on another.

`corpora` is what differs, `runs` what was stored, `crossings` and `mixes` are the arithmetic.
"""

from mer_core.studies.across.chapter import Chapter
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
    says_amount,
    says_classes,
    says_composite,
    says_floor,
    says_losses,
    says_mix,
    says_overlap,
    says_settings,
)

__all__ = [
    "CLASSES",
    "CORPORA",
    "PLACES",
    "WAYS",
    "Chapter",
    "Runs",
    "answers",
    "at_other_mixes",
    "cards",
    "composite",
    "composites",
    "crossing_map",
    "crossing_table",
    "first_faces",
    "kept_orders",
    "knowing_the_corpus",
    "learnt_clips",
    "learnt_elsewhere",
    "loss_forest",
    "lost",
    "matrix",
    "method_runs",
    "mix",
    "more_is_better",
    "on_the_floor",
    "order_lines",
    "overlaps",
    "published_floors",
    "recall_changes",
    "recalls",
    "remixed",
    "reweighted",
    "says_amount",
    "says_classes",
    "says_composite",
    "says_floor",
    "says_losses",
    "says_mix",
    "says_overlap",
    "says_settings",
    "short",
    "units",
    "units_by_class",
    "units_map",
]  # fmt: skip
