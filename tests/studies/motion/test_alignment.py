import cv2
import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.figures.images import flow_colours, picture
from mer_core.studies.motion.alignment import (
    SPANS,
    TRANSFORMS,
    aligned,
    by_box,
    cropped_twice,
    left_by_error,
    left_over,
    moved_between,
    moves,
    other_motion,
    other_motion_curves,
    own_motion,
    seen_at,
)
from mer_core.studies.motion.measures import length
from mer_core.vision import face_square, move_points, warp


@pytest.fixture(scope="module")
def rising():
    corpus = open_corpus("synth-mini")
    spec = corpus.spec(corpus.clips["clip"][0])
    return moved_between(corpus, spec.clip, spec.onset, spec.apex, 48), corpus.mask(spec.clip, spec.onset, 48)


def literal_aligned(flow, matrix):
    """Pixel by pixel."""
    made = np.empty_like(flow)
    for y, x in np.ndindex(flow.shape[1:]):
        there = matrix[:, :2] @ [x + flow[0, y, x], y + flow[1, y, x]] + matrix[:, 2]
        made[:, y, x] = there - [x, y]
    return made


def test_aligned_motion_equals_its_loops():
    random = np.random.RandomState(0)
    flow, matrix = random.randn(2, 5, 4), random.randn(2, 3)
    np.testing.assert_allclose(aligned(flow, matrix), literal_aligned(flow, matrix))


def test_a_motion_that_alignment_knows_is_taken_away(rising):
    move, _ = rising
    turn = cv2.getRotationMatrix2D((20, 20), 3, 1.02)
    y, x = np.mgrid[:48, :48]
    flow = np.moveaxis(move_points(np.stack([x, y], -1).astype(float), turn), -1, 0) - [x, y]
    for name in ("box of 5 points", "8 steady points", "all 68 points"):
        matrix = TRANSFORMS[name](move_points(move.now, turn), move.now)
        np.testing.assert_allclose(aligned(flow, matrix), 0, atol=1e-6)
    np.testing.assert_array_equal(aligned(flow, TRANSFORMS["one a clip"](move.later, move.now)), flow)


def test_the_box_is_one_crop_and_the_way_back_from_the_other(rising):
    move, _ = rising
    picture = cv2.GaussianBlur((255 * np.random.RandomState(0).rand(48, 48)).astype(np.uint8), (0, 0), 3)
    crop, back = face_square(move.later, 64), cv2.invertAffineTransform(face_square(move.now, 64))
    whole = np.vstack([back, [0, 0, 1]]) @ np.vstack([crop, [0, 0, 1]])
    np.testing.assert_allclose(by_box(move.later, move.now), whole[:2], atol=1e-9)
    np.testing.assert_array_equal(warp(picture, by_box(move.now, move.now), 48), picture)


def test_motion_is_the_skins_own_and_the_heads(rising):
    move, _ = rising
    corpus = open_corpus("synth-mini")
    spec = corpus.spec(corpus.clips["clip"][0])
    np.testing.assert_allclose(move.flow, corpus.flow(spec.clip, spec.onset, spec.apex, 48), atol=1e-9)
    assert np.abs(move.flow - move.skin).max() > 0.01


def test_what_is_left_over_equals_its_loops(rising):
    move, face = rising
    made = list(left_over([move], [face], by_box, 0.5, np.random.RandomState(3), draws=2))
    random = np.random.RandomState(3)
    for value in made:
        points = [p + 0.5 * random.randn(68, 2) for p in (move.later, move.now)]
        rest = literal_aligned(move.flow, by_box(*points)) - move.skin
        assert value == pytest.approx(np.mean([np.hypot(*rest[:, y, x]) for y, x in np.argwhere(face)]))


def test_exact_landmarks_have_no_error_and_the_same_seed_draws_the_same(rising):
    move, face = rising
    np.testing.assert_array_equal(seen_at(move.now, 0, np.random.RandomState(0)), move.now)
    one, again = (left_by_error([move], [face], (0, 1), np.random.RandomState(5)) for _ in range(2))
    assert one == again
    assert list(one) == list(TRANSFORMS)
    assert one["one a clip"][0] == one["one a clip"][1]
    assert one["box of 5 points"][0] < one["box of 5 points"][1]


# In the chapter


def test_exact_landmarks_make_two_crops_of_a_still_face_one(studio, clip):
    figure = cropped_twice(studio, clip, (0, 2), np.random.RandomState(0))
    still, shaken = (frame.data[2].source for frame in figure.frames)
    white = flow_colours(np.zeros((2, studio.size, studio.size)))
    assert still == picture(white).source != shaken


def test_motion_is_told_in_pixels_of_128_and_a_row_an_error(studio, clip):
    rising, masks = moves(studio, [clip], "onset to apex"), studio.masks([clip])
    left = other_motion(studio, rising, masks, (0, 1), np.random.RandomState(5))
    units = 128 / studio.size
    expected = left_by_error(rising, masks, (0, 1 / units), np.random.RandomState(5))
    assert list(left.index) == ["0 px", "1 px"]
    np.testing.assert_allclose(left, units * np.transpose([*expected.values()]))
    own = units * length(rising[0].skin)[masks[0]].mean()
    assert own_motion(studio, rising, masks) == pytest.approx(own)
    assert len(other_motion_curves((0, 1), {"onset to apex": left}).data) == len(TRANSFORMS)


def test_a_span_begins_at_the_onset_and_neighbours_are_nearer_than_the_apex(studio, clip):
    (whole,), (part,) = (moves(studio, [clip], span) for span in SPANS)
    np.testing.assert_array_equal(whole.now, part.now)
    assert np.abs(part.later - part.now).mean() < np.abs(whole.later - whole.now).mean()
