"""What a reader may choose."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mer_core.studies.parameters import Parameters
from mer_core.studies.protocol.methods import main_names


def _main_row(label: str) -> str:
    if label not in main_names():
        raise ValueError(f"There is no main row {label!r}; there are {', '.join(main_names())}.")
    return label


class Chapter(Parameters):
    """Parameters of the chapter."""

    score: Literal["uf1", "uar", "accuracy", "weighted_f1"] = Field(description="what is compared")
    method: Annotated[str, AfterValidator(_main_row)] = Field(
        description="the main row that is looked at closely"
    )
    seed: int = Field(ge=0, le=2, description="which of the trainings is compared by name")
