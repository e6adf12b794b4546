import cv2
import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.studies.alignment import (
    TRANSFORMS,
    aligned,
    by_box,
    left_by_error,
    left_over,
    moved_between,
    seen_at,
)
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
