from mer_core.figures.motion import curves


def test_a_curve_has_its_name_its_points_and_what_it_is_compared_with():
    figure = curves([1, 2], {"dis": [0.51239, 0.25], "exact": [0, 0]}, "alt", across="x", up="y", reference=1.0)
    assert [trace.name for trace in figure.data] == ["dis", "exact"]
    assert figure.data[0].y == (0.512, 0.25)
    assert figure.layout.shapes[0].y0 == 1.0
    assert figure.layout.meta["alt"] == "alt"
