import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core import open_corpus
from mer_core.action_units import LARGEST, SIDES, ActionUnit, read_action_units, to_text
from mer_core.protocols import parse_action_units


def said(cell):
    """Units in a short form: those of one group carry its number."""
    return [
        f"{unit}#{unit.alternative}" if unit.alternative else str(unit) for unit in parse_action_units(cell)
    ]


CELLS = [
    ("4+L10", ["4", "L10"]),
    ("R12A", ["R12A"]),
    ("A14C", ["A14C"]),
    ("12 or 14", ["12#1", "14#1"]),
    ("(R6 or R12)+R15", ["R6#1", "R12#1", "R15"]),
    ("(R6 or R12) + R15", ["R6#1", "R12#1", "R15"]),
    ("R14A or 17A or 24A", ["R14A#1", "17A#1", "24A#1"]),
    ("1 or 2+4 or 5", ["1#1", "2#1", "4#2", "5#2"]),
    ("10A/B", ["10A#1", "10B#1"]),
    ("A/L12", ["A12#1", "L12#1"]),
    ("10or11", ["10#1", "11#1"]),
    ("B18", ["B18"]),
    ("T18", ["T18"]),
    ("12+15 ", ["12", "15"]),
    ("L12 + 61", ["L12", "61"]),
    ("4+6,24", ["4", "6", "24"]),
    ("1，2", ["1", "2"]),
    (4, ["4"]),
    (4.0, ["4"]),
    (np.int64(12), ["12"]),
]


@pytest.mark.parametrize(("cell", "expected"), CELLS)
def test_a_cell_is_read_as_coders_mean_it(cell, expected):
    assert said(cell) == expected


@pytest.mark.parametrize("cell", ["", " ", "?", "NULL", "null", None, np.nan, pd.NA, float("nan")])
def test_an_empty_cell_has_no_unit(cell):
    assert read_action_units(cell) == ([], [])


def test_sides_and_intensities_have_names():
    assert parse_action_units("A14C") == [ActionUnit(14, "asymmetric", "C")]
    assert [unit.side for unit in parse_action_units("L1+R2+T18+B18+4")] == [
        "left",
        "right",
        "top",
        "bottom",
        None,
    ]


@pytest.mark.parametrize(
    ("cell", "units", "remarks"),
    [
        ("R14+17+soft focus", ["R14", "17"], ["soft focus"]),
        ("7B+ ref(43)", ["7B"], ["ref(43)"]),
        ("612", [], ["612"]),
        ("0+4", ["4"], ["0"]),
        ("4 or smile", [], ["4 or smile"]),
        ("4 5", [], ["4 5"]),
    ],
)
def test_what_is_no_unit_is_a_remark(cell, units, remarks):
    found, rest = read_action_units(cell)
    assert ([str(unit) for unit in found], rest) == (units, remarks)


def test_neither_text_nor_number_is_refused():
    with pytest.raises(TypeError, match=r"text or a number with action units, got \[4, 5\]"):
        parse_action_units([4, 5])


units = st.builds(
    ActionUnit,
    st.integers(1, LARGEST),
    st.none() | st.sampled_from(sorted(SIDES.values())),
    st.none() | st.sampled_from("ABCDE"),
)
choices = st.lists(units, min_size=1, max_size=3)


@given(
    st.lists(choices, max_size=5),
    st.sampled_from(["+", " + ", ",", "，"]),
    st.sampled_from([" or ", "or", "/", " / "]),
)
def test_whatever_is_written_is_read_back(groups, plus, either):
    pieces = [either.join(map(str, group)) for group in groups]
    found, remarks = read_action_units(plus.join(pieces))
    assert remarks == []
    assert [str(unit) for unit in found] == [str(unit) for group in groups for unit in group]
    numbered = [len(group) > 1 for group in groups for _ in group]
    assert [unit.alternative is not None for unit in found] == numbered
    assert parse_action_units(to_text(found)) == found


@given(st.text())
def test_no_text_raises_and_no_digits_melt_into_a_unit(cell):
    found, _ = read_action_units(cell)
    assert all(str(unit.number) in cell.replace("0", "") or str(unit.number) in cell for unit in found)


def test_synthetic_labels_are_read_by_the_same_parser():
    cells = open_corpus("synth").clips["action_units"]
    assert all(read_action_units(cell)[1] == [] and parse_action_units(cell) for cell in cells)
