"""Label tables: columns found by name, cells read for what they are, and messages that name the row."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import numpy as np
import openpyxl
import pandas as pd
import xlrd

HEADER_WITHIN = 40  # rows: a table may open with a preamble
# No real corpus comes near: the longest table, of CAS(ME)³, has 4,206 rows. A crafted file may ask for all memory.
ROWS, COLUMNS = 100_000, 200
EXCEL_ROWS = 2**20  # and none of its sheets has more, were they empty
BYTES = 32 * 2**20
TEXTS = (".csv", ".txt", ".tsv")
SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", *TEXTS)
UNSEEN = {0xA0: " ", 0x3000: " ", 0x200B: None, 0xFEFF: None}
ENCODINGS = ("utf-8-sig", "gb18030")  # the second is what a Chinese spreadsheet saves


class TableError(ValueError):
    """A label table can't be used; the message says which one and why."""


@dataclass(frozen=True)
class Sheet:
    """Cells as they are: numbers as numbers, text as text. `cells` is indexed by the row in the file, from 0."""

    name: str
    cells: pd.DataFrame
    hidden: bool = False

    def __str__(self) -> str:
        return f"{self.name} (hidden)" if self.hidden else self.name


def read_table(
    path: Path,
    columns: Mapping[str, Sequence[str]],
    *,
    optional: Sequence[str] = (),
    sheet: str | Sequence[str] | None = None,
    never: Sequence[str] = (),
    note: Callable[[str], None] = lambda said: None,
) -> pd.DataFrame:
    """The rows of a spreadsheet or CSV file, its columns found by name wherever they stand.

    `columns` gives each column's name here and its names there; capitals, blanks and underscores don't matter. The
    header is the first row that holds all columns that are not `optional`. Of several sheets that have one, it is the
    one called `sheet`, else the first that is not hidden; one of `never` is another table. `note` is told what was
    taken and what else could be meant. Further column: `row`, its number in the sheet. Rows without any value are
    passed over.
    """
    sheets = [made for made in _read(path) if _plain(made.name) not in map(_plain, never)]
    required = {name: names for name, names in columns.items() if name not in optional}
    headers = [(made, start) for made in sheets if (start := _header(made.cells, required)) is not None]
    if not headers:
        raise TableError(_no_header(path, sheets, required))
    headers.sort(key=lambda found: _rank(*found, [sheet] if isinstance(sheet, str) else sheet or ()))
    (chosen, start), *others = headers
    places = _places(chosen.cells.iloc[start], columns)
    note(_of_sheets(path, chosen, [made for made, _ in others]))
    for found in places.values():
        if len(found) > 1:
            note(_of_columns(chosen, start, found))
    first = {name: found[0] for name, found in places.items()}
    return _rows(chosen.cells.iloc[start + 1 :], first, list(columns))


def read_plain_table(
    path: Path,
    columns: Sequence[str],
    *,
    sheet: str | None = None,
    note: Callable[[str], None] = lambda said: None,
) -> pd.DataFrame:
    """The same of a table that has no header: the columns are these, in this order; of the first sheet or the named."""
    sheets = _read(path)
    chosen = next((made for made in sheets if sheet is None or _plain(made.name) == _plain(sheet)), None)
    if chosen is None:
        raise TableError(f"{path.name} has no sheet {sheet!r}; it has {', '.join(map(str, sheets))}.")
    if (width := chosen.cells.shape[1]) < len(columns):
        raise TableError(f"{path.name}: expected {len(columns)} columns ({', '.join(columns)}), got {width}.")
    note(_of_sheets(path, chosen, []))
    return _rows(chosen.cells, {name: place for place, name in enumerate(columns)}, columns)


def _rank(sheet: Sheet, header: int, wanted: Sequence[str]) -> tuple[int, bool, bool]:
    """By name, then those with rows, then those that are shown; sorting keeps the order of the file."""
    names = [_plain(name) for name in wanted]
    place = names.index(_plain(sheet.name)) if _plain(sheet.name) in names else len(names)
    return place, header + 1 == len(sheet.cells), sheet.hidden


def _of_sheets(path: Path, chosen: Sheet, others: Sequence[Sheet]) -> str:
    also = f"; also possible: {', '.join(map(str, others))}" if others else ""
    return f"table {path.name}, sheet {chosen}{also}"


def _of_columns(sheet: Sheet, start: int, found: Sequence[int]) -> str:
    first, *others = (f"{_letters(place)} ({text(sheet.cells.iloc[start, place])})" for place in found)
    return f"column {first} of sheet {sheet.name}; also possible: {', '.join(others)}"


def _letters(place: int) -> str:
    """Columns as a spreadsheet calls them: A, B, … Z, AA."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


# Files


def _read(path: Path) -> list[Sheet]:
    """Every sheet, by what the file is and not by what it is called."""
    if not path.is_file():
        raise TableError(f"There is no label table {path}.")
    _bounded(path, path.stat().st_size)
    with path.open("rb") as file:
        start = file.read(8)
    try:
        return _reader(path, start)(path)
    except TableError:
        raise
    except Exception as error:  # what a damaged file makes a parser raise has no end
        why = " ".join(f"{error or type(error).__name__}".split())[:120]
        raise TableError(
            f"{path.name} can't be read as a table ({why}). Is it the file as it was sent?"
        ) from None


def _reader(path: Path, start: bytes) -> Callable[[Path], list[Sheet]]:
    if start.startswith(b"PK"):
        return _read_xlsx
    if start.startswith(b"\xd0\xcf\x11\xe0") or path.suffix.lower() == ".xls":
        return _read_xls
    if path.suffix.lower() in TEXTS:
        return _read_text
    raise TableError(
        f"{path.name} can't be read as a table (neither .xlsx nor .xls nor .csv). Is it the file as it was sent?"
    )


def _bounded(path: Path, size: int) -> None:
    if size > BYTES:
        raise TableError(
            f"{path.name} has {size >> 20} MiB unpacked: a label table has at most {BYTES >> 20}."
        )


def _read_xlsx(path: Path) -> list[Sheet]:
    """Row by row, since a single cell can stand anywhere in a sheet of sixteen thousand million."""
    if not is_zipfile(path):
        raise ValueError("cut off")
    with ZipFile(path) as packed:
        names = packed.namelist()
        _bounded(path, sum(item.file_size for item in packed.infolist() if "/media/" not in item.filename))
    if "xl/workbook.xml" not in names:
        raise TableError(f"{path.name} is no Excel workbook: save it as .xlsx or .csv.")
    with path.open("rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        sheets = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a sheet says of its size may be wrong
            rows = enumerate(sheet.iter_rows(values_only=True))
            sheets.append(Sheet(sheet.title, _cells(path, rows), sheet.sheet_state != "visible"))
    return sheets


def _read_xls(path: Path) -> list[Sheet]:
    with xlrd.open_workbook(path, logfile=io.StringIO(), ragged_rows=True) as book:
        return [
            Sheet(sheet.name, _cells(path, _xls_rows(sheet, book.datemode)), sheet.visibility != 0)
            for sheet in book.sheets()
        ]


def _xls_rows(sheet: xlrd.sheet.Sheet, datemode: int) -> Iterator[tuple[int, list[object]]]:
    for number in range(sheet.nrows):
        yield number, [_xls_cell(cell, datemode) for cell in sheet.row(number)]


def _xls_cell(cell: xlrd.sheet.Cell, datemode: int) -> object:
    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate_as_datetime(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value


def _read_text(path: Path) -> list[Sheet]:
    data = path.read_bytes()
    said = _decoded(data)
    separator = max(",;\t", key=said[:10_000].count)
    rows = enumerate(csv.reader(io.StringIO(said, newline=""), delimiter=separator))
    return [Sheet(path.stem, _cells(path, rows))]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def _cells(path: Path, rows: Iterable[tuple[int, Sequence[object]]]) -> pd.DataFrame:
    """The rows that hold anything, by their place in the file; within the bounds."""
    held: dict[int, Sequence[object]] = {}
    for number, row in rows:
        if number < EXCEL_ROWS and row.count(None) == len(row):
            continue
        last = next((place for place in range(len(row), 0, -1) if text(row[place - 1])), 0)
        if last > COLUMNS or (number >= ROWS and (last or number >= EXCEL_ROWS)):
            raise TableError(
                f"{path.name}: row {number + 1} reaches column {_letters(max(last, 1) - 1)}: a label table has at "
                f"most {ROWS:,} rows and {COLUMNS} columns."
            )
        if last:
            held[number] = row[:last]
    width = max(map(len, held.values()), default=0)
    cells = np.full((len(held), width), "", dtype=object)
    for place, row in enumerate(held.values()):
        cells[place, : len(row)] = ["" if cell is None else cell for cell in row]
    return pd.DataFrame(cells, index=pd.Index(held, dtype=int))


# Headers and rows


def _header(cells: pd.DataFrame, required: Mapping[str, Sequence[str]]) -> int | None:
    """Which row names all columns."""
    starts = range(min(HEADER_WITHIN, len(cells)))
    return next((i for i in starts if _places(cells.iloc[i], required).keys() == required.keys()), None)


def _places(header: pd.Series, columns: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Where each column stands in this row, as far as it does."""
    cells = [_plain(cell) for cell in header]
    known = {name: [_plain(n) for n in names] for name, names in columns.items()}
    found = {name: [i for i, cell in enumerate(cells) if cell in names] for name, names in known.items()}
    return {name: places for name, places in found.items() if places}


def _rows(cells: pd.DataFrame, places: Mapping[str, int], columns: Sequence[str]) -> pd.DataFrame:
    made = {name: cells.iloc[:, places[name]] if name in places else None for name in columns}
    table = pd.DataFrame(made, index=cells.index, dtype=object)
    return table.assign(row=cells.index + 1).reset_index(drop=True)


def _no_header(path: Path, sheets: Sequence[Sheet], required: Mapping[str, Sequence[str]]) -> str:
    """The row that comes nearest says best what is missing."""
    candidates = [made.cells.iloc[i] for made in sheets for i in range(min(HEADER_WITHIN, len(made.cells)))]
    best = max(candidates, key=lambda row: len(_places(row, required)), default=pd.Series(dtype=object))
    held = [text(cell)[:40] for cell in best if text(cell)][:20]
    missing = [names[0] for name, names in required.items() if name not in _places(best, required)]
    where = f"sheet{'s' if len(sheets) > 1 else ''} {', '.join(map(str, sheets)) or 'none'}"
    return f"{path.name} ({where}) lacks the columns {missing}; the nearest to a header is {held}."


def _plain(cell: object) -> str:
    return re.sub(r"[\s_]+", "", text(cell)).lower()


def text(cell: object) -> str:
    """A cell as text: 6.0 is "6", nothing is ""; blanks that can't be seen are taken away."""
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).translate(UNSEEN).strip()


def whole_number(cell: object) -> int | None:
    """A cell as a whole number, however it is stored: 46, 46.0, "46", " 046 "; None where there is none.

    >>> whole_number("46.0"), whole_number("/")
    (46, None)
    """
    match = re.fullmatch(r"(-?[0-9]{1,18})(\.(?!000$)0*)?", text(cell))  # 12.000 may be twelve thousand
    return int(match[1]) if match else None


def padded(cell: object, width: int) -> str:
    """A number with zeros before it, as folders are named: 6 is "06"; what is no number stays as it is."""
    number = whole_number(cell)
    return text(cell) if number is None else f"{number:0{width}d}"
