import numpy as np
import pandas as pd
import pytest

from mer_core import open_corpus
from mer_core.studies import faces
from mer_core.studies.known import find_clip
from mer_core.vision import dynamic_image

CLIP = "synth-mini/s01/01"


@pytest.fixture(scope="module")
def clip():
    return find_clip(CLIP)


def alt(figure):
    return figure.layout.meta["alt"]


def test_a_clip_that_no_corpus_has_is_refused():
    with pytest.raises(ValueError, match="99"):
        faces.Chapter(clip="synth-mini/s01/99", size=64)
    assert faces.Chapter(clip=CLIP, size=64).clip == CLIP


# Who, and what


def test_of_a_face_only_the_coefficient_that_is_set_changes():
    as_drawn = faces.draw_identity(3).coefficients[1]
    one, same, other = (faces.with_coefficient(3, 1, value, 32) for value in (as_drawn, as_drawn, 2.0))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_pose_has_the_unit_and_the_turn_that_were_asked_for():
    state = faces.acting(12, 0.5, yaw=0.2)
    np.testing.assert_array_equal(state.action, 0.5 * faces.unit_weights(12))
    assert state.rotation.tolist() == [0, 0.2, 0]


def test_figures_of_faces_have_a_step_for_each_value_and_say_what_they_show():
    assert len(faces.portraits((1, 2), 24).data) == 2
    assert [frame.name for frame in faces.shapes(1, 24).frames] == [
        "-1.5",
        "-1.0",
        "-0.5",
        "+0.0",
        "+0.5",
        "+1.0",
        "+1.5",
    ]
    figure = faces.action_units(1, 24)
    assert len(figure.frames) == len(faces.ACTION_UNITS)
    assert "each action unit in turn" in alt(figure)
    assert alt(faces.poser(1, 24)()) == "The face you asked for."


def test_the_timeline_names_the_moments_of_the_clip(clip):
    _, spec = clip
    assert f"to the apex at {spec.apex:.3f} s" in alt(faces.timeline(spec))


def test_a_clip_is_shown_through_time_and_by_strength(clip):
    assert len(faces.film(*clip, 24).frames) == 17
    assert [frame.name for frame in faces.apexes(*clip, 24).frames] == ["0", "1", "2", "4", "6", "8"]


# Why


def test_causes_add_up_to_the_whole_motion(clip):
    *parts, total = faces.causes(*clip, 32).values()
    np.testing.assert_allclose(sum(parts), total, atol=1e-9)


def literal_errors(flow, exact, where):
    off = [np.hypot(*(flow - exact)[:, y, x]) for y, x in np.argwhere(where)]
    return np.mean(off) * 128 / len(where)


def test_errors_equal_their_loops():
    random = np.random.RandomState(0)
    action, total, estimate = random.randn(3, 2, 8, 8)
    face = random.rand(8, 8) > 0.3
    errors = faces.flow_errors({"dis": estimate}, {"action": action, "total": total}, face)
    length = np.hypot(*action)
    places = face, face & (length > length.max() / 4), face & ~(length > length.max() / 4)
    for name, flow in {"no motion at all": 0 * total, "dis": estimate}.items():
        assert errors.loc[name].tolist() == pytest.approx([literal_errors(flow, total, on) for on in places])


@pytest.mark.parametrize(("moving", "where"), [(0.3, "worst where it matters"), (0.1, "evenly")])
def test_a_sentence_says_where_an_estimate_is_worst(moving, where):
    rows = {"no motion at all": [1, 1, 1], "dis": [0.5, moving, 0.2], "farneback": [0.25, 0.1, 0.1]}
    columns = ["on the face", "where the expression moves it", "elsewhere on it"]
    text = faces.estimates_in_words(pd.DataFrame(rows, index=columns).T)
    assert "dis leaves 50%, farneback leaves 25%" in text
    assert text.endswith(
        f"by {moving:.2f} pixels where the expression moves the skin and by 0.20 elsewhere on the face: {where}."
    )


# What disturbs


def test_disturbances_are_switched_on_one_after_the_other(clip):
    corpus, spec = clip
    images = faces.disturbed(corpus, spec, 24)
    assert list(images) == [faces.ALONE, *(f"+ {name}" for name in faces.DISTURBANCES)]
    times = np.linspace(spec.onset, spec.offset, 17)
    whole = dynamic_image(corpus.frames(spec.clip, times, 24, colour=False))
    np.testing.assert_array_equal(images["+ head"], whole)


def test_likeness_is_the_correlation_with_the_first_picture_on_the_face():
    first, other = np.random.RandomState(0).randn(2, 6, 6)
    face = np.eye(6, dtype=bool)
    alike = faces.likeness({"first": first, "other": other}, face)
    assert alike.tolist() == pytest.approx([1, np.corrcoef(first.diagonal(), other.diagonal())[0, 1]])


@pytest.mark.parametrize(("last", "rises"), [(0.32, True), (0.305, False)])
def test_a_sentence_says_what_is_lost_and_whether_anything_seems_to_be_won(last, rises):
    alike = pd.Series({faces.ALONE: 1.0, "+ noise": 0.5, "+ head": 0.3, "+ light": last})
    text = faces.losses_in_words(alike)
    assert text.startswith("Most is lost with *noise* (-0.50), then with *head* (-0.20).")
    assert ("With *light* the likeness rises" in text) == rises


# The corpora


def test_every_corpus_has_its_row():
    table = faces.corpora()
    assert table.loc["synth-mini", "clips"] == len(open_corpus("synth-mini").clips)
    assert list(table.columns) == ["clips", "subjects", "frames a second", "drawn peak, px", "about"]
