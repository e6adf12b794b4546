import base64

import cv2
import numpy as np
import pandas as pd

from mer_core.figures.baselines import pattern_panels, seen_parts, slices, spokes

CLIP = np.arange(4 * 6 * 8).reshape(4, 6, 8).astype(np.uint8)
FACE = np.full((50, 50), 128, np.uint8)


def star(row, column, direction, value=1.0):
    values = np.zeros((5, 5, 8))
    values[row, column, direction] = value
    return values.ravel()


def test_a_slice_through_time_is_one_row_or_one_column_of_each_frame():
    made = slices(CLIP, row=2, column=5)
    assert (made["XY"] == CLIP[2]).all()
    assert made["XT"][3].tolist() == CLIP[3, 2].tolist()
    assert made["YT"][:, 1].tolist() == CLIP[1, :, 5].tolist()


def test_patterns_are_black_where_all_neighbours_are_darker_and_white_where_none_is():
    none, all_eight = np.zeros((2, 4, 6), np.uint8), np.full((2, 4, 6), 8, np.uint8)
    figure = pattern_panels(CLIP, [none, all_eight, none], row=2, column=3)
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["XY", "XY patterns", "XT", "XT patterns", "YT", "YT patterns"]
    means = [_decoded(figure.data[k].source).mean() for k in (1, 3)]
    assert means[0] < 3
    assert means[1] > 252


def _decoded(source):
    return cv2.imdecode(np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), 0)


def test_a_spoke_starts_in_its_block_and_points_where_the_motion_goes():
    figure = spokes(FACE, {"down": star(1, 3, 2)}, 5, 8, "One.")
    line = figure.data[1]
    assert (line.x[0], line.y[0]) == (34.5, 14.5)  # the middle of row 2, column 4
    assert (line.x[1], line.y[1]) == (34.5, 19.3)  # direction 2 of 8 is a quarter of a turn: down
    assert "row 2, column 4, 90 degrees clockwise" in figure.layout.meta["alt"]


def test_what_speaks_against_a_class_is_orange():
    figure = spokes(FACE, {"one": star(0, 0, 0), "other": star(0, 0, 0, -1.0)}, 5, 8, "Two.")
    _, blue, none, hidden_blue, orange = figure.data
    assert (len(blue.x), len(none.x), len(hidden_blue.x), len(orange.x)) == (3, 0, 0, 3)
    assert (blue.line.color, orange.line.color) == ("#0072B2", "#D55E00")
    assert [blue.visible, orange.visible] == [True, False]
    assert figure.layout.updatemenus[0].buttons[1].args[1] == (True, False, False, True, True)


def test_each_cause_has_a_bar_for_each_feature():
    shares = pd.DataFrame({"HOOF": [0.2, 0.9], "LBP-TOP": [0.1, 0.3]}, index=["action", "head"])
    figure = seen_parts(shares)
    assert [(bar.name, bar.y) for bar in figure.data] == [("action", (0.2, 0.1)), ("head", (0.9, 0.3))]
    assert "HOOF: action 0.20, head 0.90" in figure.layout.meta["alt"]
