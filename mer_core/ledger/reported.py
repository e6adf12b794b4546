"""Figures that a paper reports of itself, as data: each with its place in the paper and what is not known about it.

`papers/reported/fdp.toml` and its neighbours hold them. One that nobody could read is absent, never guessed.
"""

import tomllib
from pathlib import Path

import pandas as pd

from mer_core.settings import Settings

REPORTED = Path(__file__).parent / "lists" / "reported"


class Figure(Settings):
    """One number of a paper."""

    corpus: str
    score: str
    value: float
    unit: str
    where: str
    unknown: str = ""


def reported(paper: str) -> tuple[Figure, ...]:
    """All that is known of a paper's own numbers."""
    names = sorted(path.stem for path in REPORTED.glob("*.toml"))
    if paper not in names:
        raise ValueError(f"No figures are known of a paper {paper!r}; they are of {', '.join(names)}.")
    plain = tomllib.loads((REPORTED / f"{paper}.toml").read_text(encoding="utf-8"))
    return tuple(Figure.parse(figure) for figure in plain["figure"])


def reported_table(paper: str) -> pd.DataFrame:
    """The same, a row a figure."""
    return pd.DataFrame([figure.plain() for figure in reported(paper)]).set_index("corpus")
