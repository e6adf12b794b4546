"""What the files of a run must hold: its record, its predictions, its networks. They may come from somebody else."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from mer_core.protocols import class_map
from mer_core.reading import FileError, Form, read_parquet
from mer_core.training.parts import RunSettings

TEXTS, NUMBERS = ("clip", "subject", "fold"), ("seed", "truth", "predicted")


class Data(Form):
    """The clips of a run."""

    clips: int
    sha256: dict[str, str]


class Environment(Form):
    """Versions."""

    python: str
    torch: str


class Hardware(Form):
    """The machine."""

    machine: str
    gpu: str | None


class Code(Form):
    """The package."""

    mer_core: str
    sha256: str


class Record(Form):
    """The record of a run."""

    settings: dict[str, Any]
    method: dict[str, Any]
    folds: list[str] = Field(min_length=1)
    data: Data
    numerics: str
    code: Code
    environment: Environment
    hardware: Hardware
    started: str


class Card(Form):
    """The card of a network."""

    method: str
    settings: dict[str, Any]
    classes: list[str] = Field(min_length=2)
    sha256: str


class Detections(NamedTuple):
    """What was said of the action units of clips by networks that never saw their subjects."""

    truth: np.ndarray  # (N, A) of 0 and 1; NaN where it is not known
    probabilities: np.ndarray  # (N, A)
    units: tuple[int, ...]  # (A,)

    @property
    def table(self) -> pd.DataFrame:
        """A row a clip: AU4 …, p_AU4 …"""
        shown, likely = _unit_columns(self.units)
        return pd.DataFrame(np.hstack([self.truth, self.probabilities]), columns=[*shown, *likely])


def read_detections(file: Path) -> Detections:
    """A row a clip: AU4 …, p_AU4 …; whatever else is refused."""
    table = read_parquet(file)
    units = tuple(int(name[2:]) for name in table if re.fullmatch(r"AU\d+", name))
    shown, likely = _unit_columns(units)
    if not units or {*shown, *likely} != {*table}:
        raise FileError(f"{file}: expected columns AU4 …, p_AU4 … for action units, got {list(table)}.")
    return Detections(table[shown].to_numpy(), table[likely].to_numpy(), units)


def _unit_columns(units: tuple[int, ...]) -> tuple[list[str], list[str]]:
    return [f"AU{unit}" for unit in units], [f"p_AU{unit}" for unit in units]


def read_settings(record: dict[str, Any], file: Path) -> RunSettings:
    """What a run was asked for."""
    try:
        settings = RunSettings.parse(record["settings"])
        class_map(settings.classes)
    except ValueError as error:
        raise FileError(f"{file}: expected the settings of a run. {error}") from None
    return settings


def read_predictions(file: Path) -> pd.DataFrame:
    """A row a clip: clip, subject, fold, seed, truth, predicted, p_<class> …; whatever else is refused."""
    table = read_parquet(file)
    if wrong := _flaw(table):
        raise FileError(f"{file}: expected predictions, {wrong}.")
    return table


def _flaw(table: pd.DataFrame) -> str | None:
    """What is wrong with predictions, in words."""
    classes = [name for name in table if str(name).startswith("p_")]
    if missing := {*TEXTS, *NUMBERS} - set(table):
        return f"but there is no column {min(missing)}"
    if table.empty or len(classes) < 2:
        return f"got {len(table)} rows with the probabilities of {len(classes)} classes"
    for name in table:
        fits = _is_text if name in TEXTS else _is_whole if name in NUMBERS else _is_number
        if not fits(table[name]):
            return f"but the column {name} does not hold {fits.__doc__}"
    for name in ("truth", "predicted"):
        if not table[name].between(0, len(classes) - 1).all():
            return f"but {name} is not always from 0 to {len(classes) - 1}, one of its {len(classes)} classes"
    return None


def _is_text(column: pd.Series) -> bool:
    """text"""
    return pd.api.types.is_string_dtype(column) and bool(column.notna().all())


def _is_whole(column: pd.Series) -> bool:
    """whole numbers"""
    return pd.api.types.is_integer_dtype(column)


def _is_number(column: pd.Series) -> bool:
    """finite numbers"""
    return pd.api.types.is_float_dtype(column) and bool(np.isfinite(column).all())
