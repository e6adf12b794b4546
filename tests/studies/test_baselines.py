import base64

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_core.corpora.catalogue import open_corpus
from mer_core.methods import create_method
from mer_core.settings import SettingsError
from mer_core.studies import baselines
from mer_core.studies.baselines import pattern_panels, seen_parts, slices, spokes

CLIP = np.arange(4 * 6 * 8).reshape(4, 6, 8).astype(np.uint8)
FACE = np.full((50, 50), 128, np.uint8)

ASKED = {"clip": "synth/s17/12", "group": 1, "live": "majority hoof", "seed": 0}
MINI = open_corpus("synth-mini")
SPEC = MINI.spec("synth-mini/s01/01")


@pytest.fixture(scope="module")
def given():
    """Some clips, with two classes that nothing in them tells."""
    faces = open_corpus("synth")
    table = faces.clips.iloc[:40].reset_index(drop=True)
    return baselines.Material(faces, ("negative", "positive"), table, (np.arange(40) % 3 == 0).astype(int))


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
    figure = spokes(FACE, {"down": star(1, 3, 2)}, "One.")
    line = figure.data[1]
    assert (line.x[0], line.y[0]) == (34.5, 14.5)  # the middle of row 2, column 4
    assert (line.x[1], line.y[1]) == (34.5, 19.3)  # direction 2 of 8 is a quarter of a turn: down
    assert "row 2, column 4, 90 degrees clockwise" in figure.layout.meta["alt"]


def test_what_speaks_against_a_class_is_orange():
    figure = spokes(FACE, {"one": star(0, 0, 0), "other": star(0, 0, 0, -1.0)}, "Two.")
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


@pytest.mark.parametrize("wrong", [{"clip": "synth/s99/01"}, {"live": "majority nobody"}, {"group": 6}])
def test_a_clip_or_method_that_there_is_not_is_refused(wrong):
    baselines.Chapter(**ASKED)
    with pytest.raises(SettingsError):
        baselines.Chapter(**ASKED | wrong)


def test_the_clips_of_the_classes_are_those_that_methods_see():
    made = baselines.material()
    clips = baselines.clips_of(create_method("hoof").view)
    assert made.table["clip"].tolist() == clips.clips["clip"].tolist()
    assert len(made.folds) == baselines.GROUPS
    assert set(made.label) == set(range(len(made.classes)))


def test_a_pattern_counts_the_neighbours_that_are_not_darker():
    even = np.full((3, 5, 5), 90, np.uint8)
    assert all((plane == 8).all() for plane in baselines.not_darker(even))
    even[1, 2, 2] = 91
    assert [plane[0, 1, 1] for plane in baselines.not_darker(even)] == [0, 0, 0]


def test_patterns_follow_the_sensor_more_than_the_expression():
    same = baselines.same_codes(MINI, SPEC)
    assert list(same.index) == [f"same without {cause}" for cause in ("action", "head", "noise")]
    assert (same.loc["same without noise"] < same.loc["same without action"]).all()


def test_a_feature_changes_by_nothing_to_all():
    changes = baselines.changes(MINI, SPEC)
    assert changes.shape == (3, 4)
    assert ((changes > 0) & (changes < 2)).all(axis=None)
    assert changes["LBP-TOP"].idxmax() == "noise"


def test_motion_of_the_whole_head_leaves_no_histogram():
    assert baselines.histogram(np.ones((2, 40, 40))).max() == 0


def test_the_flow_of_the_expression_is_like_itself_alone():
    found = baselines.flows(MINI, SPEC)
    assert list(found) == ["estimated", "exact", "alone"]
    assert {flow.shape for flow in found.values()} == {(2, 128, 128)}
    assert -1 <= baselines.likeness(MINI, SPEC) <= 1
    assert [frame.name for frame in baselines.flow_film(found).frames] == list(found)


def test_full_layers_are_a_part_of_the_network():
    sizes = baselines.network_sizes(3)
    assert sizes.loc["ststnet"].tolist() == [1683, 1203]
    assert (sizes["in full layers"] < sizes["in all"]).all()


def test_a_feature_that_is_the_label_is_learnt_and_noise_is_not(given):
    draw = np.random.default_rng(0)
    assert baselines.pooled_uf1(given, given.label[:, None].astype(float), seed=0) == 1
    assert baselines.pooled_uf1(given, draw.normal(size=(40, 3)), seed=0) < 0.8


def test_answers_are_compared_only_with_a_run_of_that_seed():
    made = baselines.material()
    fold = made.folds[0]
    always = {"majority": np.zeros(len(fold.test), int)}
    assert baselines.answers_as_stored(made, always, fold, seed=0) == {"majority": 1.0}
    assert baselines.answers_as_stored(made, always, fold, seed=99) == {}


def test_a_stored_rule_of_one_class_finds_that_class():
    assert baselines.recalls(["majority"], ("a", "b", "c")).loc["majority"].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("low", "says"), [(0.26, "of 0.260: net; that do not: none"), (0.27, "none; that do not: net")]
)
def test_an_interval_reaches_the_floor_or_does_not(low, says):
    scored = pd.DataFrame({"low": [0.1, low]}, index=["majority", "net"])
    assert says in baselines.who_reaches_the_floor(scored, floor=0.26)


@pytest.mark.parametrize(
    ("control", "network", "says"),
    [
        ("supported", "supported", ["the corpus leaks", "better than the histograms"]),
        ("undecided", "undecided", ["as it should be", "can't be told from the histograms"]),
        ("not supported", "not supported", ["which is no leak", "worse than the histograms"]),
        ("not computed", "not computed", ["the control is not computed", "network and histograms are not"]),
    ],
)
def test_verdicts_are_said_in_words(control, network, says):
    text = baselines.in_words(pd.DataFrame({"verdict": [control, network]}, index=["faces", "flow"]))
    assert all(part in text for part in says)
