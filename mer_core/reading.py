"""Files that somebody else may have made: read as what they must be, or refused by name and reason.

Nothing is unpickled or executed, and a small file can't ask for all of the memory.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as unpack
from torch import Tensor

MOST_ROWS = 10_000_000  # of a table: no run of any corpus comes near


class FileError(ValueError):
    """A file has another form than it must have; the message says which file, what was expected and what came."""


class Form(BaseModel):
    """What a JSON file must hold at least; it may hold more."""

    model_config = ConfigDict(extra="allow", strict=True)


def read_json(file: Path, form: type[Form]) -> dict:
    """A JSON file of that form, as plain data; the form's docstring says what it is."""
    data = file.read_bytes()
    try:
        form.model_validate_json(data)
        return json.loads(data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        reason = f"{where}: {problem['msg']}" if where else problem["msg"]
    except ValueError as error:  # a number of thousands of digits
        reason = str(error)
    raise FileError(f"{file}: expected {form.__doc__.splitlines()[0].rstrip('.').lower()}; {reason}.")


def read_parquet(file: Path) -> pd.DataFrame:
    """A table of plain columns; a part's, a stored run's."""
    data = file.read_bytes()
    try:
        stored = pq.ParquetFile(pa.BufferReader(data))
        if stored.metadata.num_rows <= MOST_ROWS:
            return stored.read().to_pandas(ignore_metadata=True)
    except Exception as error:  # of whatever kind: a damaged file makes a parser say many things
        raise FileError(f"{file}: expected a Parquet table, got something else ({_first(error)}).") from None
    raise FileError(f"{file}: expected at most {MOST_ROWS} rows, got {stored.metadata.num_rows}.")


def read_weights(data: bytes, file: Path) -> dict[str, Tensor]:
    """The numbers of a safetensors file, all of them finite."""
    try:
        weights = unpack(data)
        wrong = [name for name, values in weights.items() if not bool(values.isfinite().all())]
    except (SafetensorError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise FileError(f"{file}: expected safetensors, got something else ({_first(error)}).") from None
    if wrong:
        raise FileError(f"{file}: expected numbers, but {wrong[0]} holds some that are not finite.")
    return weights


def same_shapes(file: Path, expected: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Refuse weights that are not the expected network's: their names, shapes or kinds of number."""
    wanted, found = ({name: _kind(values) for name, values in held.items()} for held in (expected, weights))
    for name in sorted({*wanted, *found}):
        if wanted.get(name) != found.get(name):
            raise FileError(
                f"{file}: for {name} expected {wanted.get(name, 'nothing')}, got {found.get(name, 'nothing')}: "
                "these are weights of another network."
            )


def _kind(values: Tensor) -> str:
    return f"{'×'.join(map(str, values.shape)) or 'one'} {str(values.dtype).removeprefix('torch.')}"


def _first(error: BaseException) -> str:
    """The first line of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0]
