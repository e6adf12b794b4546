import cv2
import numpy as np
import pytest

from mer_core.faces.head import load_head
from mer_core.faces.identity import draw_identity
from mer_core.faces.paint import eye_centres, paint, texture_coordinates, unroll
from mer_core.faces.render import project, rasterise

DENSITY = 40  # texels a decimetre: small, for speed


def test_the_same_person_is_painted_the_same():
    np.testing.assert_array_equal(paint(draw_identity(3), DENSITY), paint(draw_identity(3), DENSITY))


def test_colours_are_possible():
    for seed in range(3):
        picture = paint(draw_identity(seed), DENSITY)
        assert picture.dtype == np.float32
        assert np.isfinite(picture).all()
        assert picture.min() >= 0
        assert np.quantile(picture[..., :3], 0.99) < 1  # skin sends back less light than it gets


def test_another_density_shows_the_same_portrait():
    identity = draw_identity(3)
    coarse, fine = paint(identity, 80), paint(identity, 160)
    shrunk = cv2.resize(fine, coarse.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(coarse - shrunk)[..., :3].mean() < 0.01
    assert np.corrcoef(coarse[..., 0].ravel(), shrunk[..., 0].ravel())[0, 1] > 0.97


def test_all_that_the_camera_sees_lies_on_the_paper():
    head = load_head()
    height, width = paint(draw_identity(3), DENSITY).shape[:2]
    seen = np.unique(rasterise(project(head.mean, 128), head.triangles, (128, 128)).triangle)
    x, y = texture_coordinates(head, DENSITY)[:, seen]
    assert -0.5 <= x.min() <= x.max() <= width - 0.5
    assert -0.5 <= y.min() <= y.max() <= height - 0.5


def test_paper_is_nearly_true_to_scale_on_the_face():
    np.testing.assert_allclose(unroll(np.array([[0.1, -0.3, 0.05]]))[0], [0.1, -0.3], atol=0.01)


def test_eyes_are_where_people_have_them():
    right, left = eye_centres()
    np.testing.assert_allclose(right * [-1, 1, 1], left, atol=0.01)
    assert left[0] == pytest.approx(0.3, abs=0.03)
