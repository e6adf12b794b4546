import numpy as np
import pandas as pd

from mer_core.figures.style import FOR, QUIET
from mer_core.studies.ma2mi.figures import OVERVIEW, change, dots, lines, overview


def alt(figure):
    return figure.layout.meta["alt"]


def rows(**more):
    return pd.DataFrame(
        {"value": [0.5, 0.7], "low": [0.4, 0.6], "high": [0.8, 0.75], **more}, index=[10, 100]
    )


def test_every_box_is_drawn_once_and_both_stages_hang_on_the_fusion():
    figure = overview()
    assert sum(shape.type == "rect" for shape in figure.layout.shapes) == len(OVERVIEW.boxes)
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert all(any(name in text for text in texts) for name, *_ in OVERVIEW.boxes)
    assert "as it is" in texts


def test_a_change_is_grey_where_only_the_light_changed_and_brighter_where_more_did():
    now = np.full((2, 2, 3), 100, np.uint8)
    assert (change(now, now + 9) == 128).all()
    later = now + np.array([[[4], [0]], [[0], [0]]], np.uint8)
    assert change(now, later, times=6)[0, 0] == round(127.5 + 6 * (4 - 1))
    assert change(now, later).argmax() == 0


def test_dots_have_their_intervals_and_the_references_their_lines():
    figure = dots(rows().set_axis(["action", "position"]), {"chance": 0.1}, "accuracy")
    assert figure.data[0].error_x.array == (0.3, 0.05)
    assert figure.data[0].error_x.arrayminus == (0.1, 0.1)
    assert figure.layout.shapes[0].x0 == 0.1
    assert "action 0.500 [0.400, 0.800]; position 0.700 [0.600, 0.750]; chance 0.100" in alt(figure)


def test_lines_with_intervals_say_all_their_points():
    figure = lines({"scratch": rows(), "ma2mi": rows()}, "labels", "UF1", {"guess": 0.2})
    first, second = figure.data
    assert (first.line.color, second.line.color) == (QUIET, FOR)
    assert first.x == (10.0, 100.0)
    assert first.error_y.array == (0.3, 0.05)
    assert "scratch at 10: 0.500 [0.400, 0.800], at 100: 0.700 [0.600, 0.750]" in alt(figure)
    assert "guess 0.200" in alt(figure)


def test_lines_without_intervals_say_their_ends():
    figure = lines({"two": rows()[["value"]]}, "epoch", "accuracy")
    assert figure.data[0].error_y.array is None
    assert not figure.data[0].showlegend
    assert "two from 0.500 to 0.700" in alt(figure)


def test_a_point_says_which_run_it_is():
    figure = lines({"gain": rows(name=["near", "far"])}, "ratio", "gain")
    assert figure.data[0].customdata == ("near", "far")
