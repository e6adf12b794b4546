import pandas as pd
import pytest

from mer_core.figures.looks import look
from mer_core.figures.style import AGAINST, FOR, QUIET
from mer_core.studies.across import crossing_map, loss_forest, order_lines, units_map

PLACES = pd.MultiIndex.from_tuples([("a", "a"), ("a+b", "b"), ("b", "a")], names=["learnt", "asked"])
TABLE = pd.DataFrame(
    {"score": [0.6, 0.5, 0.4], "low": [0.5, 0.4, 0.3], "high": [0.7, 0.6, 0.5], "clips": 12.0}, index=PLACES
)
LOST = pd.DataFrame(
    {
        "home": [0.6, 0.6, 0.6], "away": [0.4, 0.5, 0.8], "difference": [-0.2, -0.1, 0.2], "low": [-0.3, -0.2, 0.1],
        "high": [-0.1, 0.1, 0.3], "corrected": [0.01, 0.5, 0.02],
    },
    index=pd.MultiIndex.from_tuples([("m", "b", "a"), ("m", "c", "a"), ("n", "b", "a")]),
)  # fmt: skip


def test_a_cell_stands_at_what_was_learnt_and_what_was_asked_and_the_rest_is_empty():
    trace = crossing_map({"hoof": TABLE}).data[0]
    assert (trace.x, trace.y) == (("a", "b"), ("a", "b", "a+b"))
    assert [list(row) for row in trace.z] == [[0.6, None], [0.4, None], [None, 0.5]]
    assert trace.customdata[1][0] == "learnt on b<br>asked on a, 12 clips<br>UF1 0.400 [0.300, 0.500]"
    assert trace.customdata[0][1] == "not computed"


def test_the_menu_shows_one_method_at_a_time():
    figure = crossing_map({"one": TABLE, "two": TABLE[:1]})
    assert [trace.visible for trace in figure.data] == [True, False]
    buttons = figure.layout.updatemenus[0].buttons
    assert [(b.label, b.args[0]["visible"]) for b in buttons] == [
        ("one", [True, False]),
        ("two", [False, True]),
    ]
    assert "one from 0.40 to 0.60; two from 0.60 to 0.60" in figure.layout.meta["alt"]


def test_only_what_remains_after_correction_has_a_colour():
    figure = loss_forest(LOST)
    assert figure.data[0].marker.color == (AGAINST, QUIET, FOR)
    assert figure.data[0].marker.symbol == ("circle", "circle-open", "circle")
    assert figure.data[0].y[0] == "m: b → a"
    assert "3 times: 2 below zero, 1 above; 2 remain" in figure.layout.meta["alt"]


def test_intervals_reach_from_low_to_high():
    error = loss_forest(LOST).data[0].error_x
    assert (error.array[0], error.arrayminus[0]) == pytest.approx((0.1, 0.1))


def test_a_method_that_was_not_asked_leaves_a_gap_and_the_best_is_named():
    scores = pd.DataFrame({"a": [0.5, 0.6], "b": [0.7, float("nan")]}, index=["one", "two"])
    figure = order_lines(scores, "a")
    assert [trace.y for trace in figure.data] == [(0.5, 0.7), (0.6, None)]
    assert "a: two; b: one" in figure.layout.meta["alt"]


def test_a_method_has_the_look_that_it_has_everywhere():
    trace = order_lines(pd.DataFrame({"a": [0.5]}, index=["MOL"]), "a").data[0]
    assert (trace.line.color, trace.marker.symbol) == look("MOL") != look("nobody's method")


def test_units_are_named_with_their_share():
    figure = units_map(
        pd.DataFrame({"AU4": [0.8, 0.0], "AU12": [0.1, 0.9]}, index=["s: negative", "s: positive"])
    )
    assert [list(row) for row in figure.data[0].z] == [[0.8, 0.1], [0.0, 0.9]]
    assert "s: negative: AU4 in 80%; s: positive: AU12 in 90%" in figure.layout.meta["alt"]
