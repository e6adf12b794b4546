"""What a reader may choose."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mer_core.studies.curves.runs import FLOOR, row_names
from mer_core.studies.parameters import Parameters


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
