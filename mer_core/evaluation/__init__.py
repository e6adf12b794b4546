"""Scores, and later: statistics, reported figures, claims, tables."""

from mer_core.evaluation.metrics import Scores, scores

__all__ = ["Scores", "scores"]
