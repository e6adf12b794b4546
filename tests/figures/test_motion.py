from mer_core.figures.motion import curves

TWO = {"noisy": {"dis": [0.51239, 0.25], "exact": [0, 0]}, "calm": {"dis": [0.1, 0.2]}}


def test_curves_keep_their_names_and_points_and_say_what_they_show():
    figure = curves([1, 2], TWO, "alt", across="x", up="y")
    assert [trace.name for trace in figure.data] == ["dis", "exact", "dis"]
    assert figure.data[0].x == (1.0, 2.0)
    assert figure.data[0].y == (0.512, 0.25)
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
