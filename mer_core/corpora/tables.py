"""Label tables: columns found by name, cells read for what they are, and messages that name the row."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd
from xlrd import XLRDError
from xlrd.compdoc import CompDocError

HEADER_WITHIN = 40  # rows: a table may open with a preamble


class TableError(ValueError):
    """A label table can't be used; the message says which one and why."""


def read_table(
    path: Path,
    columns: Mapping[str, Sequence[str]],
    *,
    optional: Sequence[str] = (),
    sheet: str | None = None,
) -> pd.DataFrame:
    """The rows of a spreadsheet or CSV file, its columns found by name wherever they stand.

    `columns` gives each column's name here and its names there; capitals, blanks and underscores don't matter. The
    header is the first row that holds all columns that are not `optional`, in the named sheet or in any. Further
    columns: `row`, its number in the sheet. Rows without any value are passed over.
    """
    sheets = _read(path)
    if sheet is not None:
        sheets = {name: cells for name, cells in sheets.items() if _plain(name) == _plain(sheet)} or sheets
    required = {name: names for name, names in columns.items() if name not in optional}
    for cells in sheets.values():
        for start in range(min(HEADER_WITHIN, len(cells))):
            if _places(cells.iloc[start], required).keys() == required.keys():
                places = _places(cells.iloc[start], columns)
                return _rows(cells.iloc[start + 1 :], places, list(columns))
    raise TableError(_no_header(path, sheets, required))


def read_plain_table(path: Path, columns: Sequence[str], *, sheet: str | int = 0) -> pd.DataFrame:
    """The same of a table that has no header: the columns are these, in this order."""
    sheets = _read(path)
    names = {_plain(name): cells for name, cells in sheets.items()}
    cells = list(sheets.values())[sheet] if isinstance(sheet, int) else names.get(_plain(sheet))
    if cells is None:
        raise TableError(f"{path.name} has no sheet {sheet!r}; it has {', '.join(sheets)}.")
    if cells.shape[1] < len(columns):
        raise TableError(
            f"{path.name}: expected {len(columns)} columns ({', '.join(columns)}), got {cells.shape[1]}."
        )
    return _rows(cells, {name: place for place, name in enumerate(columns)}, columns)


def _read(path: Path) -> dict[str, pd.DataFrame]:
    """Every sheet as it is: no header, numbers as numbers, text as text."""
    if not path.is_file():
        raise TableError(f"There is no label table {path}.")
    try:
        if path.suffix.lower() in (".csv", ".txt", ".tsv"):
            return {path.stem: _read_text(path)}
        return pd.read_excel(path, sheet_name=None, header=None, dtype=object, na_filter=False)
    except (BadZipFile, XLRDError, CompDocError, ValueError, KeyError, OSError) as error:
        raise TableError(
            f"{path.name} can't be read as a table ({error}). Is it the file as it was sent?"
        ) from None


def _read_text(path: Path) -> pd.DataFrame:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")  # what a Chinese spreadsheet saves
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    return pd.DataFrame(
        list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)), dtype=object
    ).fillna("")


def _places(header: pd.Series, columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Where each column stands in this row, as far as it does."""
    cells = [_plain(cell) for cell in header]
    known = {name: [_plain(n) for n in names] for name, names in columns.items()}
    found = {name: [i for i, cell in enumerate(cells) if cell in names] for name, names in known.items()}
    return {name: places[0] for name, places in found.items() if places}


def _rows(cells: pd.DataFrame, places: Mapping[str, int], columns: Sequence[str]) -> pd.DataFrame:
    made = {name: cells.iloc[:, places[name]] if name in places else None for name in columns}
    table = pd.DataFrame(made, index=cells.index, dtype=object)
    filled = table.map(lambda cell: text(cell) != "").any(axis=1)
    return table.assign(row=cells.index + 1)[filled].reset_index(drop=True)


def _no_header(path: Path, sheets: Mapping[str, pd.DataFrame], required: Mapping[str, Sequence[str]]) -> str:
    """The row that comes nearest says best what is missing."""
    candidates = [cells.iloc[i] for cells in sheets.values() for i in range(min(HEADER_WITHIN, len(cells)))]
    best = max(candidates, key=lambda row: len(_places(row, required)), default=pd.Series(dtype=object))
    held = [text(cell) for cell in best if text(cell)]
    missing = [names[0] for name, names in required.items() if name not in _places(best, required)]
    where = f"sheet{'s' if len(sheets) > 1 else ''} {', '.join(sheets)}"
    return f"{path.name} ({where}) lacks the columns {missing}; the nearest to a header is {held}."


def _plain(cell: object) -> str:
    return re.sub(r"[\s_]+", "", text(cell)).lower()


def text(cell: object) -> str:
    """A cell as text: 6.0 is "6", nothing is ""."""
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def whole_number(cell: object) -> int | None:
    """A cell as a whole number, however it is stored: 46, 46.0, "46", " 046 "; None where there is none.

    >>> whole_number("46.0"), whole_number("/")
    (46, None)
    """
    match = re.fullmatch(r"(-?[0-9]+)(\.0*)?", text(cell))
    return int(match[1]) if match else None


def padded(cell: object, width: int) -> str:
    """A number with zeros before it, as folders are named: 6 is "06"; what is no number stays as it is."""
    number = whole_number(cell)
    return text(cell) if number is None else f"{number:0{width}d}"
