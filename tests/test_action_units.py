import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core import open_corpus
from mer_core.action_units import CODES, SIDES, ActionUnit, read_action_units, resolve, to_text
from mer_core.protocols import parse_action_units


def said(units):
    """Units in a short form: those of one group carry its number."""
    return [f"{unit}#{unit.alternative}" if unit.alternative else str(unit) for unit in units]


CELLS = [
    ("4+L10", ["4", "L10"]),
    ("R12A", ["R12A"]),
    ("A14C", ["A14C"]),
    ("12 or 14", ["12#1", "14#1"]),
    ("12 OR 14", ["12#1", "14#1"]),
    ("(R6 or R12)+R15", ["R6#1", "R12#1", "R15"]),
    ("(R6 or R12) + R15", ["R6#1", "R12#1", "R15"]),
    ("（R6 or R12）＋R15", ["R6#1", "R12#1", "R15"]),
    ("R14A or 17A or 24A", ["R14A#1", "17A#1", "24A#1"]),
    ("1 or 2+4 or 5", ["1#1", "2#1", "4#2", "5#2"]),
    ("10A/B", ["10A/B"]),
    ("10A or B + 4", ["10A/B", "4"]),
    ("10A/B or L12", ["10A/B#1", "L12#1"]),
    ("10A/B18", ["10A#1", "B18#1"]),
    ("A/L12", ["A/L12"]),
    ("ref(7B)+43", ["7B", "43"]),
    ("7B+ ref(43)", ["7B", "43"]),
    ("4+Ref (6 or 12, L7)", ["4", "6#1", "12#1", "L7"]),
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
    (np.float32(12), ["12"]),
]


@pytest.mark.parametrize(("cell", "expected"), CELLS)
def test_a_cell_is_read_as_coders_mean_it(cell, expected):
    found, remarks = read_action_units(cell)
    assert (said(found), remarks) == (expected, [])


@pytest.mark.parametrize("cell", ["", " ", "?", "NULL", "null", None, np.nan, pd.NA, pd.NaT, float("nan")])
def test_an_empty_cell_has_no_unit(cell):
    assert read_action_units(cell) == ([], [])


def test_sides_and_intensities_have_names():
    assert parse_action_units("A14C") == [ActionUnit(14, "asymmetric", "C")]
    sides = [unit.side for unit in parse_action_units("L1+R2+T18+B18+4")]
    assert sides == ["left", "right", "top", "bottom", None]
    assert parse_action_units("A/L12C/D") == [ActionUnit(12, "asymmetric/left", "C/D")]


@pytest.mark.parametrize(
    ("cell", "units", "remarks"),
    [
        ("R14+17+soft focus", ["R14", "17"], ["soft focus"]),
        ("7B+ref(soft focus+43)", ["7B", "43"], ["soft focus"]),
        ("ref()+4", ["4"], ["ref()"]),
        ("ref(4", [], ["ref(4"]),
        ("612", [], ["612"]),
        ("1214+4", ["4"], ["1214"]),
        (141724, [], ["141724"]),
        (1e22, [], ["1" + "0" * 22]),  # no 1e+22, whose 22 is a unit
        ("0+4+79", ["4"], ["0", "79"]),  # no such codes
        ("4 or smile", [], ["4 or smile"]),
        ("4 5", [], ["4 5"]),
        ("4L10", [], ["4L10"]),
        ("(R6 or R12", [], ["(R6 or R12"]),
    ],
)
def test_what_is_no_unit_is_a_remark(cell, units, remarks):
    found, rest = read_action_units(cell)
    assert ([str(unit) for unit in found], rest) == (units, remarks)


@pytest.mark.parametrize("cell", [[4, 5], True, b"4", pd.Timestamp("2004-05-01"), {"4": 1}])
def test_neither_text_nor_number_is_refused(cell):
    with pytest.raises(TypeError, match="Expected text or a number with action units, got"):
        parse_action_units(cell)


def either(letters, most):
    """So many of them that a coder left open, or none."""
    drawn = st.lists(st.sampled_from(letters), min_size=1, max_size=most, unique=True)
    return st.none() | drawn.map("/".join)


def units(most=1):
    numbers = st.sampled_from(sorted(CODES))
    return st.builds(ActionUnit, numbers, either(sorted(SIDES.values()), most), either("ABCDE", most))


# Beside another unit an open letter could be read as that one's: 10A/B18 is 10A or B18.
choices = st.lists(units(), min_size=1, max_size=3) | units(most=2).map(lambda unit: [unit])
blanks = st.sampled_from(["", " ", "  "])


@given(st.lists(choices, max_size=5), st.sampled_from("+,，"), st.sampled_from(["or", "/"]), st.data())
def test_whatever_is_written_is_read_back(groups, plus, either, data):
    def spaced(text):
        return data.draw(blanks) + text + data.draw(blanks)

    pieces = [spaced(either).join(map(str, group)) for group in groups]
    found, remarks = read_action_units(spaced(plus).join(pieces))
    assert remarks == []
    assert [str(unit) for unit in found] == [str(unit) for group in groups for unit in group]
    numbered = [len(group) > 1 for group in groups for _ in group]
    assert [unit.alternative is not None for unit in found] == numbered
    assert parse_action_units(to_text(found)) == found


@given(st.lists(choices, min_size=1, max_size=4), st.integers(0, 3))
def test_what_a_coder_refers_to_is_there_as_well(groups, place):
    pieces = [" or ".join(map(str, group)) for group in groups]
    referred = [f"ref({piece})" if i == place else piece for i, piece in enumerate(pieces)]
    assert read_action_units("+".join(referred)) == read_action_units("+".join(pieces))


@given(st.text() | st.text("0123456789LRTBAErefo +,/()", max_size=30))
def test_no_text_raises_and_every_unit_stands_in_it_digit_by_digit(cell):
    found, remarks = read_action_units(cell)
    numbers = {int(digits[-2:]) for digits in re.findall("[0-9]+|[０-９]+", cell) if len(digits) <= 2}
    assert {unit.number for unit in found} <= numbers
    assert found or remarks or not re.search("[0-9]", cell)  # no number is lost


@given(st.floats() | st.integers() | st.booleans().map(np.float64))
def test_no_number_raises_and_only_a_whole_one_is_a_unit(number):
    assert said(parse_action_units(number)) == ([str(int(number))] if number in CODES else [])


# Alternatives


EITHER = parse_action_units("(R6 or R12)+R15+(4 or 7)")


def test_alternatives_are_settled_by_order_or_by_name():
    assert to_text(resolve(EITHER)) == "R6+R15+4"
    assert to_text(resolve(EITHER, "all")) == "R6+R12+R15+4+7"
    assert to_text(resolve(EITHER, {1: "R12", 2: "7"})) == "R12+R15+7"


@pytest.mark.parametrize("choose", [{}, {1: "R12"}, {1: "R12", 2: "9"}, {1: "R12", 2: "7", 3: "4"}])
def test_a_choice_that_does_not_fit_the_alternatives_is_refused(choose):
    with pytest.raises(ValueError, match=r"each alternative \(1: R6 or R12; 2: 4 or 7\), got"):
        resolve(EITHER, choose)


def test_an_unknown_way_to_choose_is_refused():
    with pytest.raises(ValueError, match="Expected first, all, or a unit for each alternative, got 'last'"):
        resolve(EITHER, "last")


@given(st.lists(choices, max_size=4))
def test_settled_units_are_certain_and_one_of_each_choice(groups):
    found = parse_action_units("+".join(" or ".join(map(str, group)) for group in groups))
    settled = resolve(found)
    assert [str(unit) for unit in settled] == [str(group[0]) for group in groups]
    assert all(unit.alternative is None for unit in [*settled, *resolve(found, "all")])


def test_the_labels_of_the_synthetic_corpora_are_read_by_the_same_parser():
    corpus = open_corpus("synth-mini")
    for row in corpus.clips.itertuples():
        movements = corpus.spec(row.clip).movements
        found, remarks = read_action_units(row.intensities)
        assert [unit.number for unit in found] == [movement.number for movement in movements]
        assert [unit.intensity for unit in found] == [movement.intensity for movement in movements]
        assert to_text(parse_action_units(row.action_units)) == row.action_units
        assert remarks == []
