"""The figures that chapters show."""

from mer_core.figures.images import flow_colours, panels, seen_on, signed_grey, slideshow
from mer_core.figures.ranking import critical_differences
from mer_core.figures.scores import clips_per_subject, confusion, intervals, pooling

__all__ = [
    "clips_per_subject", "confusion", "critical_differences", "flow_colours", "intervals", "panels", "pooling",
    "seen_on", "signed_grey", "slideshow",
]  # fmt: skip
