"""Metrics, statistics, the conventions in the wild; tables of runs and stored runs have modules of their own."""

from mer_core.evaluation.conventions import CONVENTIONS, Predictions, audit
from mer_core.evaluation.metrics import Scores, scores
from mer_core.evaluation.statistics import (
    block_scores,
    bootstrap_interval,
    columns,
    critical_differences,
    difference_interval,
    holm,
    paired,
    per_class,
    per_subject,
    permutation_test,
    same_seeds,
    seeds_interval,
)

__all__ = [
    "CONVENTIONS", "Predictions", "Scores", "audit", "block_scores", "bootstrap_interval", "columns",
    "critical_differences", "difference_interval", "holm", "paired", "per_class", "per_subject", "permutation_test",
    "same_seeds", "scores", "seeds_interval",
]  # fmt: skip
