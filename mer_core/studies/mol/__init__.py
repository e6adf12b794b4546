"""The chapter "MOL: expression, optical flow and landmarks at once".

`material` is what it works with, `blocks` the network in pieces, `live` what is trained and stored, `estimates` what a
trained network draws and looks at, `released` what the published code does otherwise.
"""

from mer_core.studies.mol.blocks import (
    best_at_rest,
    cosines,
    drawn,
    frames_to_compare,
    literal_ccc,
    literal_correlation,
    multiply_adds,
    networks,
    patterns,
    positions_shared,
    reach,
    says_terms,
    says_weights,
    shared_neighbours,
    stack_gains,
    terms_before_training,
    untrained,
    weights_by_part,
)
from mer_core.studies.mol.estimates import Estimates, says_flow, says_landmarks, says_maps
from mer_core.studies.mol.figures import OVERVIEW, dotted, grids, pairs, progress
from mer_core.studies.mol.live import (
    answers,
    errors,
    fit,
    learning,
    live_scores,
    mean_face,
    says_amplified,
    says_live,
    says_results,
)
from mer_core.studies.mol.material import SIZES, Chapter, ExactMotion, exact_flow, exact_motion, material
from mer_core.studies.mol.released import (
    batches_seen,
    change_by_company,
    clips_of_half,
    counted_once_and_as_released,
    graph_as_released,
    never_learnt,
    times_counted,
)
from mer_core.studies.papers import departures, references, says_agreement, says_rows, verdict_table

__all__ = [
    "OVERVIEW", "SIZES", "Chapter", "Estimates", "ExactMotion", "answers", "batches_seen", "best_at_rest",
    "change_by_company", "clips_of_half", "cosines", "counted_once_and_as_released",
    "departures", "dotted", "drawn", "errors", "exact_flow", "exact_motion", "fit", "frames_to_compare",
    "graph_as_released", "grids", "learning", "literal_ccc", "literal_correlation", "live_scores",
    "material", "mean_face", "multiply_adds", "networks", "never_learnt", "pairs", "patterns",
    "positions_shared", "progress", "reach", "references", "says_agreement", "says_amplified", "says_flow",
    "says_landmarks", "says_live", "says_maps", "says_results", "says_rows", "says_terms", "says_weights",
    "shared_neighbours", "stack_gains", "terms_before_training", "times_counted", "untrained",
    "verdict_table", "weights_by_part",
]  # fmt: skip
