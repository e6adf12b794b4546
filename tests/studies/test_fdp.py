import numpy as np
import pandas as pd

from mer_core.figures.fdp import (
    AGAINST,
    FOR,
    frame_layout,
    key_groups,
    learning,
    parameter_bars,
    pooled_so_far,
    weight_bars,
)
from mer_core.figures.images import signed_grey


def noise(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def alt(figure):
    return figure.layout.meta["alt"]


def test_frames_that_count_against_have_another_colour_and_all_are_said():
    figure = weight_bars([-2.0, 0.5, 1.5])
    assert figure.data[0].marker.color == (AGAINST, FOR, FOR)
    assert figure.data[0].y == (-2.0, 0.5, 1.5)
    assert "-2.00, +0.50, +1.50" in alt(figure)


def test_the_slider_begins_with_nothing_and_ends_with_the_whole_sum(monkeypatch):
    shown = {}
    monkeypatch.setattr("mer_core.figures.fdp.slideshow", lambda steps, **_: shown.update(steps))
    frames, weights = noise(3, 4, 5), [-1.0, 0.25, 0.75]
    pooled_so_far(frames, weights, largest=50)
    assert list(shown) == ["1", "2", "3"]
    np.testing.assert_array_equal(shown["1"][1], signed_grey(np.zeros((4, 5)), 50))
    whole = sum(w * frame for w, frame in zip(weights, frames.astype(float), strict=True))
    np.testing.assert_array_equal(shown["3"][1], signed_grey(whole, 50))
    np.testing.assert_array_equal(shown["2"][0], frames[1])


def test_pixels_that_follow_each_other_share_a_key():
    figure = key_groups([4, 2], [2, 1])
    assert figure.data[0].z[0] == [1, 1, 2, 2]
    assert list(figure.data[1].z) == [[1, 2], [3, 4]]
    assert "4 × 4, 8 keys" in alt(figure)


def test_the_layout_says_whether_a_row_is_one_frame():
    rows = np.repeat(np.arange(4), 4).reshape(4, 4)
    said = alt(frame_layout({"rows": rows, "mixed": rows.T, "one": np.full((4, 4), 2)}))
    assert "rows: each row one frame; mixed: several frames in every row; one: all of it frame 3" in said


def test_parts_add_up_to_the_network():
    figure = parameter_bars(pd.DataFrame({"a": [1e6, 2e6], "b": [3e6, 0]}, index=["encoder", "drawing"]))
    assert [trace.x for trace in figure.data] == [(1.0, 3.0), (2.0, 0.0)]
    assert "a 3.0 million, b 3.0 million" in alt(figure)


def test_what_no_epoch_changes_is_dotted_and_a_name_has_one_colour():
    figure = learning({"test": [0.2, 0.6]}, {"test": [0.3, 0.1], "mean image": [0.2, 0.2]})
    first, again, constant = figure.data
    assert first.line.color == again.line.color == FOR
    assert (first.line.dash, constant.line.dash) == ("solid", "dot")
    assert (first.showlegend, again.showlegend) == (True, False)
    assert "test 0.300 to 0.100; mean image 0.200 to 0.200" in alt(figure)
