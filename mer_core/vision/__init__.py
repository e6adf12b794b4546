"""Motion and its representations: pure functions on arrays."""

from mer_core.vision.dynamic_image import dynamic_image, rank_weights
from mer_core.vision.flow import ESTIMATORS, estimate_flow, estimate_flows
from mer_core.vision.strain import optical_strain

__all__ = ["ESTIMATORS", "dynamic_image", "estimate_flow", "estimate_flows", "optical_strain", "rank_weights"]
