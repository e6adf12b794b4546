"""One table for every result: aligned, sortable, an interval as a bar in its cell, a verdict as a coloured chip."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd
from IPython.display import HTML
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

EMPTY = "–"


def prose(text: str) -> Markup:
    """Text as HTML, what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


PAGES = Environment(
    loader=PackageLoader("mer_core.figures", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
PAGES.filters["prose"] = prose
TEMPLATE = PAGES.get_template("table.html")


class Span(NamedTuple):
    """A number's interval as a bar; all bars of a column share one scale."""

    low: float
    at: float
    high: float
    start: float
    end: float


class Cell(NamedTuple):
    """What stands in one place of the table."""

    text: str
    kind: str  # name, text, number or chip
    link: str = ""
    span: Span | None = None


def table(
    rows: pd.DataFrame,
    caption: str,
    *,
    intervals: Mapping[str, tuple[str, str]] | None = None,
    chips: Collection[str] = (),
    links: Mapping[str, Collection[str]] | None = None,
    signed: Collection[str] = (),
    digits: int = 3,
) -> HTML:
    """Rows as HTML, the index as their names.

    `intervals`: of a column, the two columns that hold its ends; they become a bar in its cell. `chips`: columns of
    verdicts. `links`: of a column (or of the index, by its name), an address a row; an empty one is none. `signed`:
    columns of differences, written with their sign and a line at zero.

    >>> rows = pd.DataFrame({"UF1": [0.61], "low": [0.5], "high": [0.7]}, index=pd.Index(["HOOF"], name="method"))
    >>> "0.610 [0.500, 0.700]" in table(rows, "What is reached.", intervals={"UF1": ("low", "high")}).data
    True
    """
    intervals, links = intervals or {}, links or {}
    ends = {end for pair in intervals.values() for end in pair}
    shown = rows.infer_objects().reset_index(names=rows.index.name or "name")
    columns = {
        name: _column(shown, name, intervals.get(name), digits, name in signed, name in chips)
        for name in shown
        if name not in ends
    }
    for name, addresses in links.items():
        columns[name] = [
            cell._replace(link=link) for cell, link in zip(columns[name], addresses, strict=True)
        ]
    first = next(iter(columns))
    columns[first] = [cell._replace(kind="name") for cell in columns[first]]
    heads = [(name, cells[0].kind if cells else "text") for name, cells in columns.items()]
    lines = list(zip(*columns.values(), strict=True))
    return HTML(TEMPLATE.render(heads=heads, rows=lines, caption=caption))


def _column(
    rows: pd.DataFrame, name: str, ends: tuple[str, str] | None, digits: int, signed: bool, chip: bool
) -> list[Cell]:
    values = rows[name]
    if chip:
        return [Cell(str(value), "chip") for value in values]
    if not pd.api.types.is_numeric_dtype(values):
        return [Cell(EMPTY if pd.isna(value) else str(value), "text") for value in values]
    form = f"{'+' if signed else ''}.{digits}f" if pd.api.types.is_float_dtype(values) else ",d"
    if not ends:
        return [Cell(_number(value, form), "number") for value in values]
    low, high = (rows[end] for end in ends)
    return [
        Cell(_with_interval(a, at, b, form), "number", span=span)
        for a, at, b, span in zip(low, values, high, _spans(low, values, high, signed), strict=True)
    ]


def _number(value: float, form: str) -> str:
    """As it is written; what is too small for its digits is said to be less than the last of them."""
    if pd.isna(value):
        return EMPTY
    written = format(value, form)
    if value <= 0 or float(written.replace(",", "")) != 0:
        return written
    return f"< {written.lstrip('+-')[:-1]}1"


def _with_interval(low: float, at: float, high: float, form: str) -> str:
    if pd.isna(at) or pd.isna(low):
        return _number(at, form)
    return f"{at:{form}} [{low:{form}}, {high:{form}}]"


def _spans(low: pd.Series, at: pd.Series, high: pd.Series, signed: bool) -> list[Span | None]:
    """One a row; of differences the scale reaches zero."""
    start, end = low.min(), high.max()
    if signed:
        start, end = min(start, 0.0), max(end, 0.0)
    ends = round(float(start), 3), round(float(end), 3)
    spans = (
        Span(*(round(float(value), 3) for value in row), *ends) for row in zip(low, at, high, strict=True)
    )
    return [None if pd.isna(span.low) or start == end else span for span in spans]
