"""The chapter "How much data would it take": scores against the number of labelled clips.

`runs` is what was stored, `laws` the arithmetic of curves and of the laws through them.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mer_core.studies.curves.figures import (
    END,
    clips_said,
    clips_until,
    law_bands,
    learning_curves,
)
from mer_core.studies.curves.laws import (
    LAWS,
    Curve,
    Fit,
    Law,
    ahead,
    crossing,
    curve,
    fit,
    fits,
    gains,
    hindsight,
    misses,
    times_as_many,
)
from mer_core.studies.curves.runs import (
    FLOOR,
    after_steps,
    curve_runs,
    learnt_from,
    points,
    pretraining_pairs,
    real_corpora,
    row_names,
    see_frames,
    sizes,
    small_curve,
    steps,
    stored_curves,
)
from mer_core.studies.curves.sentences import (
    compared_told,
    doubling_told,
    hindsight_told,
    hundredths_told,
    leaders_told,
    saved_told,
    seeds_told,
    steps_told,
    target_told,
    times_told,
)
from mer_core.studies.parameters import Parameters

__all__ = [
    "END", "FLOOR", "LAWS", "Chapter", "Curve", "Fit", "Law", "after_steps", "ahead", "clips_said", "clips_until",
    "compared_told", "crossing", "curve", "curve_runs", "doubling_told", "fit", "fits", "gains", "hindsight",
    "hindsight_told", "hundredths_told", "law_bands", "leaders_told", "learning_curves", "learnt_from", "misses",
    "points", "pretraining_pairs", "real_corpora", "row_names", "saved_told", "see_frames", "seeds_told", "sizes",
    "small_curve", "steps", "steps_told", "stored_curves", "target_told", "times_as_many", "times_told",
]  # fmt: skip


def _method(label: str) -> str:
    names = [name for name in row_names() if name != FLOOR]
    if label not in names:
        raise ValueError(f"There is no curve of {label!r}; there are curves of {', '.join(names)}.")
    return label


class Chapter(Parameters):
    """Parameters of the chapter."""

    law: Literal["logarithm", "power"] = Field(description="how the score grows")
    method: Annotated[str, AfterValidator(_method)] = Field(description="whose curve is continued")
    target: float = Field(gt=0.5, lt=1, description='UF1 of the question "how many clips"')
