"""Motion and its representations: pure functions on arrays."""

from mer_core.vision.align import eye_distance, face_square, move_points, similarity, warp
from mer_core.vision.dynamic_image import dynamic_image, rank_weights, unit_range
from mer_core.vision.flow import ESTIMATORS, estimate_flow, estimate_flows
from mer_core.vision.landmarks import Landmarks, eye_centres, read_landmarks
from mer_core.vision.magnify import magnify, magnify_flow
from mer_core.vision.sampling import blend, even_moments, nearest, subclips, tim
from mer_core.vision.strain import optical_strain

__all__ = [
    "ESTIMATORS", "Landmarks", "blend", "dynamic_image", "estimate_flow", "estimate_flows", "even_moments",
    "eye_centres", "eye_distance", "face_square", "magnify", "magnify_flow", "move_points", "nearest", "optical_strain",
    "rank_weights", "read_landmarks", "similarity", "subclips", "tim", "unit_range", "warp",
]  # fmt: skip
