"""The chapter "FAMNet: apex frame and clip"."""

from mer_core.studies.famnet.apex import missed_apex
from mer_core.studies.famnet.attention import (
    attention_masks,
    contrasts,
    films,
    moving_shares,
    moving_since_onset,
    pixels_inside,
    watch,
)
from mer_core.studies.famnet.coding import corpora_told_by_units, from_units, in_two_steps, told_by_units
from mer_core.studies.famnet.complementarity import (
    equal_budget,
    gap,
    live_pairs,
    overlap_table,
    overlaps,
    stored_pairs,
    who_is_right,
)
from mer_core.studies.famnet.detection import detection_means, detection_scores
from mer_core.studies.famnet.figures import (
    attention_film,
    clip_film,
    detection_bars,
    learning_curves,
    overlap_bars,
    overview,
    share_curves,
    shift_curve,
    unit_support,
)
from mer_core.studies.famnet.fusion import along_shares, learned_share, loudness
from mer_core.studies.famnet.live import (
    Live,
    answers_as_stored,
    best_epochs,
    how_often_right,
    mean_within,
    score_table,
    train_branches,
    uf1_of,
)
from mer_core.studies.famnet.material import Chapter, material, nearest_neighbours
from mer_core.studies.famnet.network import (
    by_the_equations,
    full_network,
    level_table,
    multiply_adds,
    parameter_table,
    part_table,
    pulls,
)
from mer_core.studies.famnet.sentences import (
    beside_the_floor,
    better_branches,
    is_it_the_apex,
    what_attention_adds,
    what_is_found,
    what_units_hold,
    where_masks_are_open,
    which_claims_hold,
    who_errs_together,
    who_is_best,
    who_it_shows,
    whom_to_trust,
)
from mer_core.studies.famnet.units import (
    AT_ONE_HALF,
    IN_ORDER,
    SHOWN,
    best_thresholds,
    detection_tables,
    f1_with,
    fewest,
    found_units,
    mean_table,
    precision_table,
    rarity,
    shown_units,
)

__all__ = [
    "AT_ONE_HALF", "IN_ORDER", "SHOWN", "Chapter", "Live", "along_shares", "answers_as_stored",
    "attention_film", "attention_masks", "beside_the_floor", "best_epochs", "best_thresholds",
    "better_branches", "by_the_equations", "clip_film", "contrasts", "corpora_told_by_units",
    "detection_bars", "detection_means", "detection_scores", "detection_tables", "equal_budget",
    "f1_with", "fewest", "films", "found_units", "from_units", "full_network", "gap", "how_often_right",
    "in_two_steps", "is_it_the_apex", "learned_share", "learning_curves", "level_table", "live_pairs",
    "loudness", "material", "mean_table", "mean_within", "missed_apex", "moving_shares",
    "moving_since_onset", "multiply_adds", "nearest_neighbours", "overlap_bars", "overlap_table",
    "overlaps", "overview", "parameter_table", "part_table", "pixels_inside", "precision_table", "pulls",
    "rarity", "score_table", "share_curves", "shift_curve", "shown_units", "stored_pairs",
    "told_by_units", "train_branches", "uf1_of", "unit_support", "watch", "what_attention_adds",
    "what_is_found", "what_units_hold", "where_masks_are_open", "which_claims_hold", "who_errs_together",
    "who_is_best", "who_is_right", "who_it_shows", "whom_to_trust",
]  # fmt: skip
