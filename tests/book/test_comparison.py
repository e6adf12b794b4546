"""What a cell shows is compared with what it computes: every number, wherever it stands."""

import base64
import copy

import cv2
import numpy as np
import pytest

from mer_core.book.comparison import PLOTLY, Tolerance, differences

TRAINED = Tolerance(absolute=0.01)


def printed(*texts):
    return [{"output_type": "stream", "name": "stdout", "text": text} for text in texts]


def displayed(kind, data):
    return [{"output_type": "display_data", "metadata": {}, "data": {kind: data}}]


def picture(square=0, at=20):
    pixels = np.full((40, 40), 128, np.uint8)
    pixels[at : at + 6, at : at + 6] += square
    return "data:image/webp;base64," + base64.b64encode(cv2.imencode(".webp", pixels)[1]).decode()


def typed(*numbers):
    return {"dtype": "f4", "bdata": base64.b64encode(np.array(numbers, "f4")).decode()}


def figure(**changed):
    parts = {
        "y": [0.25, 100.0],
        "x": [1, 2],
        "text": "UF1 0.25",
        "source": picture(),
        "array": typed(0.25, 9),
    }
    parts |= changed
    trace = {name: parts[name] for name in ("x", "y", "text", "source")} | {
        "error_y": {"array": parts["array"]}
    }
    layout = {"annotations": [{"text": parts.get("note", "n = 24"), "y": parts.get("height", 0.5)}]}
    return displayed(PLOTLY, {"data": [trace], "layout": layout})


@pytest.mark.parametrize(
    ("computed", "stored", "moved"),
    [
        ("UF1 0.531", "UF1 0.529", 0),
        ("UF1 0.631", "UF1 0.529", 1),
        ("a 0.50\nb 0.51", "a 0.51\nb 0.51", 0),
        ("folds 5", "folds 4", 1),  # a count is exact
        ("UAR 0.531", "UF1 0.531", 1),  # and so are words
        ("x -1.0e-3", "x 0.001", 0),
        ("a  0.470   -0.004  b", "a  0.470    0.004  b", 0),  # a column moves with the sign
        ("loss nan", "loss 0.1", 1),
        ("it finds 39% of 0.5.", "it finds 38% of 0.51.", 0),  # a percent is a hundredth, a full stop no digit
        ("it finds 40% of 0.5.", "it finds 38% of 0.57.", 2),
        ("version 1.2.4", "version 1.2.3", 1),
        ("-0.5 and -0.75", "−0.5 and +0.75", 1),
        ("one\ntwo", "one", 1),
    ],
)  # fmt: skip
def test_numbers_may_move_within_the_tolerance_and_nothing_else(computed, stored, moved):
    assert len(differences(printed(computed), printed(stored), TRAINED)) == moved


@pytest.mark.parametrize(
    ("computed", "stored"),
    [("a 0.50", "a 0.51"), ("a 3", "a 2"), ("a 41%", "a 42%"), ("p 1.0e-9", "p 1.1e-9")],
)
def test_without_a_tolerance_every_digit_counts(computed, stored):
    assert differences(printed(computed), printed(stored), Tolerance())


def test_without_a_tolerance_the_sign_of_a_zero_is_no_difference():
    assert not differences(printed("a  -0.00"), printed("a +0.00"), Tolerance())


@pytest.mark.parametrize("kind", ["text/plain", "text/markdown", "text/html", "text/latex"])
def test_a_number_is_compared_in_whatever_it_is_shown(kind):
    old, new = "<td>UF1 0.50</td>", "<td>UF1 0.60</td>"
    assert not differences(displayed(kind, old), displayed(kind, old), TRAINED)
    (line,) = differences(displayed(kind, new), displayed(kind, old), TRAINED)
    assert "UF1 stored 0.50, computed 0.60, tolerance 0.01" in line


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"y": [0.35, 100.0]}, "data[0].y[0] stored 0.25, computed 0.35"),
        ({"y": [0.25]}, "data[0].y[1]"),
        ({"x": [1, 3]}, "data[0].x[1] stored 2, computed 3"),
        ({"array": typed(0.35, 9)}, "data[0].error_y.array[0] stored 0.25, computed 0.35"),
        ({"text": "UF1 0.27"}, "UF1 stored 0.25, computed 0.27"),
        ({"note": "n = 23"}, "n = stored 24, computed 23"),
        ({"height": 0.6}, "annotations[0].y stored 0.5, computed 0.6"),
        ({"source": picture(60)}, "data[0].source picture 1"),
        ({"source": "data:image/webp;base64,AAAA"}, "data[0].source picture 1"),
    ],
)
def test_a_figure_is_compared_in_all_that_it_holds(changed, said):
    (line,) = differences(figure(**changed), figure(), TRAINED)
    assert said in line


def test_a_picture_is_compared_by_its_pixels():
    old, same, other = (displayed("image/webp", picture(by).partition(",")[2]) for by in (0, 2, 60))
    assert not differences(same, old, Tolerance())
    (line,) = differences(other, old, Tolerance())
    assert line.startswith("output 1, image/webp picture 1: ")


def test_a_figures_numbers_may_differ_by_rounding_and_a_tolerance_that_is_stated():
    moved = figure(
        y=[0.25 + 1e-9, 100.00001], array=[0.25, 9.0], source=picture(2)
    )  # a list, or a typed array
    assert not differences(moved, figure(), Tolerance())
    assert differences(figure(y=[0.26, 100.0]), figure(), Tolerance())
    assert differences(figure(y=[0.25] * 99 + [0.2501]), figure(y=[0.25] * 100), Tolerance())
    assert not differences(figure(y=[0.26, 101.0]), figure(), Tolerance(absolute=0.001, relative=0.01))


def test_pieces_of_a_stream_and_warnings_are_no_difference_and_a_missing_output_is_one():
    assert not differences(printed("a\n", "b\n"), printed("a\nb\n"), Tolerance())
    warned = [*printed("a"), {"output_type": "stream", "name": "stderr", "text": "of this machine"}]
    assert not differences(warned, printed("a"), Tolerance())
    (line,) = differences([], printed("a"), Tolerance())
    assert line == "stored are stdout; computed none"


def test_words_that_a_training_decides_stand_for_each_other_and_others_do_not():
    free = Tolerance(words=(("better", "worse"),))
    assert not differences(printed("it is better"), printed("it is worse"), free)
    assert differences(printed("it is equal"), printed("it is worse"), free)


def test_where_a_training_decides_what_is_said_its_numbers_are_compared():
    free = Tolerance(absolute=0.1, any_words=True)
    assert not differences(printed("best is *flow*, by 0.15"), printed("best is *strain*, by 0.11"), free)
    assert not differences(printed("none"), printed("a, b: 0.2"), free)
    assert differences(printed("best is *flow*, by 0.35"), printed("best is *strain*, by 0.11"), free)


def test_what_is_compared_is_left_as_it_was():
    outputs = printed("a\n", "b\n")
    before = copy.deepcopy(outputs)
    differences(outputs, outputs, Tolerance())
    assert outputs == before


def test_a_tolerance_of_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="A tolerance has no \\['absolut'\\]; it may state"):
        Tolerance.stated({"tolerance": {"absolut": 0.1, "reason": "none"}})
