"""A pytest plugin: nbval compares numbers within the tolerance that their cell states.

nbval knows equality only. A cell whose numbers come out of a training run says in its metadata how far they may move,
and why::

    "tags": ["nbval-check-output"], "tolerance": {"absolute": 0.02, "reason": "spread over CPU kernels, 5 runs"}

Words must still be equal, and a number outside the tolerance fails with its old and its new value.
"""

import re
from collections.abc import Iterator

import pytest
from nbval.plugin import IPyNbCell

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:[eE][-+]?\d+)?(?![\w.])")  # decimals only: counts are exact
NOT_COMPARED = ("application/vnd.plotly.v1+json", "text/html")  # the same content stands in text/plain


def settle(text: str, stored: str, absolute: float) -> tuple[str, list[str]]:
    """`text` with every decimal that is near enough to its stored one replaced by it, and a line for each that isn't.

    >>> settle("UF1 0.531", "UF1 0.529", absolute=0.01)
    ('UF1 0.529', [])
    """
    if _words(text) != _words(stored):
        return text, []  # nbval's own comparison will say so
    expected = iter(NUMBER.findall(stored))
    moved: list[str] = []

    def nearest(match: re.Match[str]) -> str:
        before = next(expected)
        if abs(float(match[0]) - float(before)) <= absolute + 1e-9:  # 0.51 - 0.50 is above 0.01
            return before
        words = text[: match.start()].split("\n")[-1].strip()
        moved.append(f"{words} stored {before}, computed {match[0]}, tolerance {absolute}".strip())
        return match[0]

    settled = NUMBER.sub(nearest, text)
    return (settled if moved else stored), moved  # a sign or a digit more has moved the columns of a table


def _words(text: str) -> list[list[str]]:
    """What stands before, between and after the numbers, however far apart."""
    return [part.split() for part in NUMBER.split(text)]


def _texts(outputs: list[dict]) -> Iterator[tuple[dict, str]]:
    """Where each text of a cell's outputs stands: the dictionary that holds it, and its key."""
    for output in outputs:
        if "text" in output:
            yield output, "text"
        elif "text/plain" in output.get("data", {}):
            yield output["data"], "text/plain"


def pytest_configure(config: pytest.Config) -> None:
    """Put our comparison in front of nbval's."""
    if getattr(IPyNbCell.compare_outputs, "is_tolerant", False):
        return
    strict = IPyNbCell.compare_outputs

    def compare_outputs(cell: IPyNbCell, test: list[dict], ref: list[dict], skip_compare: tuple = ()) -> bool:
        moved: list[str] = []
        if tolerance := cell.cell.metadata.get("tolerance"):
            for (new, key), (old, old_key) in zip(_texts(test), _texts(ref), strict=False):
                new[key], lines = settle(new[key], old[old_key], tolerance["absolute"])
                moved += lines
        is_equal = strict(cell, test, ref, (skip_compare or cell.parent.skip_compare) + NOT_COMPARED)
        if not is_equal:
            head = f"{cell.parent.path.name}, cell {cell.cell_num}: the stored output is not what the code computes."
            cell.comparison_traceback[:0] = [head, *moved]
        return is_equal

    compare_outputs.is_tolerant = True
    IPyNbCell.compare_outputs = compare_outputs
