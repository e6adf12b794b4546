from dataclasses import replace

import cv2
import numpy as np
import pytest

from mer_core.faces.expression import State
from mer_core.faces.head import load_head
from mer_core.faces.identity import draw_identity
from mer_core.faces.render import project
from mer_core.faces.scene import Scene

HEAD = load_head()


REST = State(np.zeros(52), np.zeros(52), np.array([0.03, -0.08, 0.02]), np.zeros(3))
APEX = State(  # a micro-expression of about a pixel at 128, a glance, and as much head motion
    HEAD.weights(browDownLeft=0.25, browDownRight=0.25, mouthSmileLeft=0.1, mouthSmileRight=0.08),
    HEAD.weights(eyeLookOutLeft=0.2, eyeLookInRight=0.2, noseSneerLeft=0.2),
    np.array([0.035, -0.075, 0.02]),
    np.array([0.01, 0.005, 0.0]),
)


@pytest.fixture(scope="module", params=[4, 11])
def scene(request):
    return Scene(draw_identity(request.param))


def test_pictures_have_the_shape_that_was_asked_for(scene):
    assert scene.frame(REST, 32).shape == (32, 32, 3)
    assert scene.frame(REST, 32, colour=False).shape == (32, 32)
    assert scene.frames([REST, APEX], 48, colour=False).shape == (2, 48, 48)
    assert scene.frame(REST, 32).dtype == np.uint8


def test_warping_the_apex_back_removes_the_difference_to_the_onset(scene):
    size = 256
    onset, apex = (scene.frame(state, size).astype(np.float32) for state in (REST, APEX))
    flow, mask = scene.flow(REST, APEX, size), scene.mask(REST, size) & scene.mask(APEX, size)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    maps = ((x + flow[0]).astype(np.float32), (y + flow[1]).astype(np.float32))
    warped = cv2.remap(apex, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    before, after = (np.abs(picture - onset)[mask].mean() for picture in (apex, warped))
    assert after < 0.3 * before


def test_landmarks_move_with_the_triangles_that_carry_them(scene):
    triangles, corners = HEAD.landmark_triangles, project(scene.points(APEX), 128)[HEAD.triangles, :2]
    for landmark, triangle, weights in zip(
        scene.landmarks(APEX, 128), triangles, HEAD.landmark_weights, strict=True
    ):
        np.testing.assert_allclose(landmark, weights @ corners[triangle], atol=1e-9)


def test_flow_at_a_landmark_is_the_landmark_s_displacement(scene):
    size = 128
    before, after = scene.landmarks(REST, size), scene.landmarks(APEX, size)
    flow = scene.flow(REST, APEX, size)
    for point in (19, 24, 29, 51):  # brows, nose, lip: well inside the face
        x, y = np.rint(before[point]).astype(int)
        np.testing.assert_allclose(flow[:, y, x], (after - before)[point], atol=0.15)


def test_parts_of_the_flow_add_up(scene):
    parts = scene.flow_parts(REST, APEX, 64)
    assert list(parts) == ["action", "distractor", "head"]
    np.testing.assert_allclose(sum(parts.values()), scene.flow(REST, APEX, 64), atol=1e-10)
    assert all(np.abs(part).max() > 0.05 for part in parts.values())


@pytest.mark.parametrize("part", ["action", "distractor", "head"])
def test_a_part_is_nothing_where_its_cause_is_absent(scene, part):
    changes = {"action": {"action": REST.action}, "distractor": {"distractor": REST.distractor}}
    changes["head"] = {"rotation": REST.rotation, "translation": REST.translation}
    assert not scene.flow_parts(REST, replace(APEX, **changes[part]), 64)[part].any()


def test_flow_is_nothing_on_the_wall(scene):
    assert not scene.flow(REST, APEX, 64)[:, ~scene.mask(REST, 64)].any()


def test_flow_grows_with_the_picture(scene):
    small, large = scene.flow(REST, APEX, 64), scene.flow(REST, APEX, 128)
    halved = large.reshape(2, 64, 2, 64, 2).mean((2, 4)) / 2
    inside = cv2.erode(scene.mask(REST, 64).astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert np.abs(small - halved)[:, inside].mean() < 0.01


def test_a_smaller_picture_shows_the_same_scene(scene):
    small, large = scene.frame(REST, 64).astype(float), scene.frame(REST, 128).astype(float)
    assert np.abs(small - large.reshape(64, 2, 64, 2, 3).mean((1, 3))).mean() < 1.5  # grey levels


def test_closing_the_eyes_hides_them_and_little_else(scene):
    closed = replace(REST, action=HEAD.weights(eyeBlinkLeft=1, eyeBlinkRight=1))
    visible, material = scene.visibility(REST, closed, 128), scene.material(REST, 128)
    assert visible[material == 1].mean() < 0.35
    assert visible[material == 0].mean() > 0.97
    assert not visible[~scene.mask(REST, 128)].any()


def test_all_that_is_seen_stays_seen_when_nothing_moves(scene):
    mask = scene.mask(REST, 64)
    assert (
        scene.visibility(REST, REST, 64)[mask].mean() > 0.97
    )  # the picture's last row and column cannot be told


def test_the_nose_is_nearer_than_the_ears(scene):
    depth, points = scene.depth(REST, 128), scene.landmarks(REST, 128).astype(int)
    assert depth[points[30, 1], points[30, 0]] > depth[points[3, 1], points[3, 0]] + 0.3


def test_the_same_seed_gives_the_same_bytes():
    first, second = (
        Scene(draw_identity(4)).frame(replace(APEX, noise=2.5, noise_seed=9), 64) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_a_frame_alone_equals_the_frame_in_its_clip(scene):
    states = [replace(APEX, noise=2.0, noise_seed=seed) for seed in range(3)]
    np.testing.assert_array_equal(scene.frames(states, 48)[1], scene.frame(states[1], 48))


def test_noise_is_as_strong_as_told_and_new_in_every_frame(scene):
    clean = scene.frame(REST, 128).astype(float)
    first, second = (scene.frame(replace(REST, noise=3.0, noise_seed=seed), 128) - clean for seed in (1, 2))
    expected = 3.0 * np.sqrt(np.mean(0.4 + 0.6 * clean / 128))
    assert first.std() == pytest.approx(expected, rel=0.03)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_a_darker_lamp_darkens_all(scene):
    ratio = scene.frame(replace(REST, gain=0.9), 64).astype(float).mean() / scene.frame(REST, 64).mean()
    assert ratio == pytest.approx(0.9, abs=0.005)


@pytest.mark.parametrize("size", [0, 15, 5000, 64.0, "64"])
def test_an_impossible_size_is_refused(scene, size):
    with pytest.raises(ValueError, match="16 to 1024 pixels"):
        scene.frame(REST, size)


@pytest.mark.parametrize(
    ("name", "shape"), [("action", 51), ("distractor", 3), ("rotation", 2), ("translation", 1)]
)
def test_a_state_of_wrong_shape_is_refused(scene, name, shape):
    with pytest.raises(
        ValueError, match=rf"state's {name} has shape \(\d+,\); what came has shape \({shape},\)"
    ):
        scene.frame(replace(REST, **{name: np.zeros(shape)}), 64)
