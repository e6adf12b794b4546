import numpy as np

from mer_core.figures.lines import curves
from mer_core.studies.motion.figures import flow_over, played

TWO = {"noisy": {"dis": [0.51239, 0.25], "exact": [0, 0]}, "calm": {"dis": [0.1, 0.2]}}


def test_curves_keep_their_names_and_points_and_say_what_they_show():
    figure = curves([1, 2], TWO, "alt", across="x", up="y")
    assert [trace.name for trace in figure.data] == ["dis", "exact", "dis"]
    assert figure.data[0].x == (1.0, 2.0)
    assert figure.data[0].y == (0.5124, 0.25)
    assert figure.layout.meta["alt"] == "alt"


def test_a_name_has_one_colour_and_one_place_in_the_legend():
    first, other, again = curves([1, 2], TWO, "alt", across="x", up="y").data
    assert first.line.color == again.line.color != other.line.color
    assert (first.showlegend, again.showlegend) == (True, False)


def test_every_panel_shows_what_to_compare_with():
    shapes = curves([1, 2], TWO, "alt", across="x", up="y", reference=1.0).layout.shapes
    assert [shape.y0 for shape in shapes] == [1.0, 1.0]


def test_only_the_axes_that_were_named_count_in_powers():
    layout = curves([1, 2], TWO, "alt", across="x", up="y", log="x").layout
    assert (layout.xaxis.type, layout.xaxis2.type, layout.yaxis.type) == ("log", "log", "linear")


def test_a_face_that_does_not_move_stays_grey_and_one_that_does_gets_the_colour_of_its_direction():
    frame, flow = np.full((1, 2), 200, np.uint8), np.zeros((2, 1, 2))
    flow[0, 0, 1] = 1.0
    still, moves = flow_over(frame, flow, largest=1.0)[0].tolist()
    assert still == [200, 200, 200]
    assert moves == [200, 0, 0]  # to the right is red


def player():
    picture = np.zeros((4, 4), np.uint8)
    steps = {"0": [picture, picture], "20": [picture + 9, picture], "40": [picture, picture]}
    lines = {"skin": [0, 2, 0], "head": [0, 1, 1.5]}
    return played(steps, ["a", "b"], lines, "alt", label="ms:", up="px", marks={"onset": 0, "apex": 20})


def test_the_dots_go_along_the_lines_as_the_pictures_change():
    figure = player()
    assert [frame.name for frame in figure.frames] == ["0", "20", "40"]
    assert [frame.data[-1].y for frame in figure.frames] == [(0, 0), (2, 1), (0, 1.5)]
    assert all(list(frame.traces) == [0, 1, 4] for frame in figure.frames)
    assert [trace.name for trace in figure.data[2:4]] == ["skin", "head"]
    assert {trace.xaxis for trace in figure.data[2:]} == {"x3"}


def test_it_begins_where_the_first_line_is_highest_and_names_its_times():
    figure = player()
    assert figure.layout.sliders[0].active == 1
    assert figure.data[0].source == figure.frames[1].data[0].source != figure.frames[0].data[0].source
    assert figure.data[-1].x == (20, 20)
    assert [shape.x0 for shape in figure.layout.shapes] == [0, 20]
    assert {"onset", "apex"} < {annotation.text for annotation in figure.layout.annotations}
    assert figure.layout.updatemenus[0].buttons[0].label == "play"
