"""Arrays in, numbers out: metrics, statistics, the conventions in the wild, tables of scores."""

from mer_core.scoring import spotting
from mer_core.scoring.conventions import CONVENTIONS, Predictions, audit
from mer_core.scoring.metrics import Scores, scores
from mer_core.scoring.statistics import (
    block_scores,
    bootstrap_interval,
    columns,
    critical_differences,
    difference_interval,
    holm,
    paired,
    per_class,
    permutation_test,
    same_seeds,
    seeds_interval,
)

__all__ = [
    "CONVENTIONS", "Predictions", "Scores", "audit", "block_scores", "bootstrap_interval", "columns",
    "critical_differences", "difference_interval", "holm", "paired", "per_class", "permutation_test",
    "same_seeds", "scores", "seeds_interval", "spotting",
]  # fmt: skip
