"""The chapter "MA2MI: from macro- to micro-expressions": both stages live, and what the stored runs say."""

from mer_core.studies.ma2mi.chapter import (
    Chapter,
    counted,
    counted_others,
    gaps_in_words,
    material,
    measure_gaps,
    pair_pictures,
    thumbnails,
)
from mer_core.studies.ma2mi.drawing import (
    BLURRED,
    CLEAN,
    DRAWN,
    MOVED,
    STRANGE,
    exchange,
    exchange_in_words,
    exchange_pictures,
    handed_over,
    judge_both,
    likenesses,
    quality_in_words,
    quality_table,
    shares_in_words,
    strength_pictures,
    unseen,
    where_it_changes,
)
from mer_core.studies.ma2mi.figures import dots, overview
from mer_core.studies.ma2mi.recognition import (
    CHANGE,
    EVEN,
    codes,
    contest,
    contest_in_words,
    contest_table,
    identity_in_words,
    learning_curves,
    look_pictures,
    looks,
    looks_in_words,
)
from mer_core.studies.ma2mi.results import (
    differences,
    label_curves,
    label_table,
    probe_in_words,
    row_intervals,
    row_table,
    seed_table,
    summary,
    sweep,
    sweep_curve,
    sweep_in_words,
    sweep_table,
    verdicts_in_words,
)
from mer_core.studies.ma2mi.transfer import (
    answers,
    as_rows,
    borrowed,
    identity_probes,
    likeness,
    ratio_interval,
    swapped,
)

__all__ = [
    "BLURRED", "CHANGE", "CLEAN", "DRAWN", "EVEN", "MOVED", "STRANGE", "Chapter", "answers", "as_rows",
    "borrowed", "codes", "contest", "contest_in_words", "contest_table", "counted",
    "counted_others", "differences", "dots", "exchange", "exchange_in_words", "exchange_pictures",
    "gaps_in_words", "handed_over", "identity_in_words", "identity_probes", "judge_both", "label_curves",
    "label_table", "learning_curves", "likeness", "likenesses", "look_pictures", "looks", "looks_in_words",
    "material", "measure_gaps", "overview", "pair_pictures", "probe_in_words",
    "quality_in_words", "quality_table", "ratio_interval", "row_intervals", "row_table", "seed_table",
    "shares_in_words", "strength_pictures", "summary", "swapped", "sweep", "sweep_curve",
    "sweep_in_words", "sweep_table", "thumbnails", "unseen", "verdicts_in_words", "where_it_changes",
]  # fmt: skip
