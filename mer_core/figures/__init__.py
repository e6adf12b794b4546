"""The figures that chapters show."""

from mer_core.figures.scores import clips_per_subject, confusion, pooling

__all__ = ["clips_per_subject", "confusion", "pooling"]
