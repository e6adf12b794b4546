"""The chapter "Motion representations": forms of motion, held against faces whose exact motion is known."""

from mer_core.studies.motion.alignment import (
    TRANSFORMS,
    aligned,
    by_box,
    cropped_twice,
    moves,
    other_motion,
    other_motion_curves,
    own_motion,
    seen_at,
)
from mer_core.studies.motion.flow import (
    CONDITIONS,
    blink_errors,
    course,
    estimates_by_size,
    film,
    groups_of_pixels,
    share_curves,
    shares_by_size,
    worth_it,
)
from mer_core.studies.motion.forms import (
    dynamic_images,
    interpolation_curves,
    interpolation_errors,
    interpolations,
    magnification_curves,
    magnification_errors,
    magnifications,
    strain_likeness,
    strain_of_heads,
    strength_and_likeness_of,
    stripes_curves,
)
from mer_core.studies.motion.measures import eroded, stripes_error
from mer_core.studies.motion.studio import CALM, STILL_HEAD, Chapter, Studio

__all__ = [
    "CALM", "CONDITIONS", "STILL_HEAD", "TRANSFORMS", "Chapter", "Studio", "aligned", "blink_errors", "by_box",
    "course", "cropped_twice", "dynamic_images", "eroded", "estimates_by_size", "film", "groups_of_pixels",
    "interpolation_curves", "interpolation_errors", "interpolations", "magnification_curves",
    "magnification_errors", "magnifications", "moves", "other_motion", "other_motion_curves", "own_motion",
    "seen_at", "share_curves", "shares_by_size", "strain_likeness", "strain_of_heads", "strength_and_likeness_of",
    "stripes_curves", "stripes_error", "worth_it",
]  # fmt: skip
