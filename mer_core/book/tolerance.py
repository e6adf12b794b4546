"""A pytest plugin: nbval compares everything that a cell shows, as `comparison.py` says.

nbval knows equality only, skips pictures, and has no idea of the numbers in a figure.
"""

import mer_core.pinned

import pytest
from nbval.plugin import IPyNbCell

from mer_core.book.comparison import Tolerance, differences

LINES = 20  # of a cell; who has read these will look at the notebook


def pytest_configure(config: pytest.Config) -> None:
    """Put our comparison in the place of nbval's; there is no lax one, in which cells would go unchecked."""
    if getattr(config.option, "nbval_lax", False):
        config.option.nbval, config.option.nbval_lax = True, False
    IPyNbCell.compare_outputs = compare_outputs


def compare_outputs(cell: IPyNbCell, test: list[dict], ref: list[dict], skip_compare: tuple = ()) -> bool:
    """Whether a cell computes what it shows; if not, its `comparison_traceback` says what is otherwise."""
    lines = differences(test, ref, Tolerance.stated(cell.cell.metadata))
    if lines:
        head = (
            f"{cell.parent.path.name}, cell {cell.cell_num}: the stored output is not what the code computes."
        )
        more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
        cell.comparison_traceback = [head, *lines[:LINES], *more]
    return not lines
