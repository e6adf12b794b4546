"""What a reader may choose."""

from typing import Literal

from pydantic import Field

from mer_core.studies.parameters import Parameters


class Chapter(Parameters):
    """Parameters of the chapter."""

    score: Literal["uf1", "uar", "accuracy", "weighted_f1"] = Field(description="what is compared")
    level: float = Field(gt=0, lt=1, description="a smaller p-value counts, once it is corrected")
    asked: Literal["synth", "samm", "smic"] = Field(
        description="the corpus where the order of methods is drawn"
    )
