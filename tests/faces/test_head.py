import runpy

import numpy as np
import pytest

from mer_core.faces import head as module
from mer_core.faces.head import ASSET, ASSET_SHA256, MATERIALS, UNITS, load_head, sha256


def test_the_asset_is_the_one_that_the_code_was_made_for():
    assert sha256(ASSET) == ASSET_SHA256


def test_a_damaged_asset_is_refused(tmp_path):
    damaged = tmp_path / "head.npz"
    damaged.write_bytes(ASSET.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"damaged or of another version.*expected"):
        load_head(damaged)


def test_the_notice_names_the_authors_and_the_licence():
    notice = ASSET.with_name("NOTICE").read_text()
    assert all(name in notice for name in ("MakeHuman", "Mika Suominen", "MPFB", "CC0 1.0 Universal"))


def test_arrays_fit_together():
    head = load_head()
    vertices = len(head.mean)
    assert head.identities.shape == (40, vertices, 3)
    assert head.units.shape == (len(UNITS), vertices, 3) == (52, vertices, 3)
    assert head.triangles.min() == 0
    assert head.triangles.max() == vertices - 1
    assert head.landmark_triangles.max() < len(head.triangles)
    np.testing.assert_allclose(head.landmark_weights.sum(1), 1, atol=1e-6)
    assert set(np.unique(head.material)) == set(range(len(MATERIALS) - 1))  # hair is no part of the head


def test_eyes_are_at_the_origin_and_one_interocular_distance_apart():
    head = load_head()
    eyes = head.mean[head.material == MATERIALS.index("eye")]
    assert np.abs(eyes[:, :2].mean(0)).max() < 0.01  # dm
    assert 0.55 < 2 * np.abs(eyes[:, 0]).mean() < 0.68  # people: 0.54–0.74 dm


def test_left_landmarks_mirror_right_ones():
    head = load_head()
    corners = head.mean[head.triangles[head.landmark_triangles]]
    points = (corners * head.landmark_weights[:, :, None]).sum(1)
    for right, left in ((0, 16), (17, 26), (36, 45), (39, 42), (31, 35), (48, 54), (60, 64)):
        np.testing.assert_allclose(points[right] * [-1, 1, 1], points[left], atol=0.02)


@pytest.mark.parametrize(("unit", "sign"), [("browInnerUp", 1), ("browDownLeft", -1), ("mouthSmileRight", 1)])
def test_units_move_the_face_as_their_names_say(unit, sign):
    head = load_head()
    height = head.displacement(head.weights(**{unit: 1.0}))[:, 1]
    assert height[np.abs(height).argmax()] * sign > 0.02  # dm


def test_left_is_the_side_of_positive_x():
    head = load_head()
    moved = np.abs(head.units[UNITS.index("mouthSmileLeft")]).sum(1)
    assert head.mean[moved.argmax(), 0] > 0.1


def test_displacements_add_up():
    head, random = load_head(), np.random.RandomState(0)
    a, b = random.uniform(0, 1, (2, 52))
    np.testing.assert_allclose(
        head.displacement(a + b), head.displacement(a) + head.displacement(b), atol=1e-12
    )


def test_the_mean_head_is_of_the_mean_age_and_sex():
    assert all(0.1 < trait < 0.9 for trait in load_head().guess_traits(np.zeros(40)))


def test_wrong_input_says_what_was_expected():
    head = load_head()
    with pytest.raises(
        ValueError, match=r"expression is 52 numbers, shape \(52,\); what came has shape \(51,\)"
    ):
        head.displacement(np.zeros(51))
    with pytest.raises(ValueError, match=r"no unit \['grin'\]; the units are .*mouthSmileLeft"):
        head.weights(grin=1)


def test_the_head_is_read_once_and_cannot_be_changed():
    assert module.load_head() is load_head()
    with pytest.raises(ValueError, match="read-only"):
        load_head().mean[0] = 0


def test_building_again_gives_the_same_bytes(tmp_path):
    script = ASSET.parents[2] / "tools" / "build_head.py"
    write = runpy.run_path(str(script))["write"]
    with np.load(ASSET) as stored:
        arrays = dict(stored)
    write(arrays, tmp_path / "once.npz")
    write(arrays, tmp_path / "again.npz")
    assert (tmp_path / "once.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
