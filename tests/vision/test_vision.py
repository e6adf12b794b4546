import cv2
import numpy as np
import pytest

from mer_core.vision import ESTIMATORS, dynamic_image, estimate_flow, optical_strain


def textured(size=96, seed=0):
    noise = np.random.RandomState(seed).rand(size, size).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


def moved(image, u, v):
    matrix = np.array([[1, 0, u], [0, 1, v]], np.float32)
    return cv2.warpAffine(image, matrix, image.shape[::-1], borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_shift_of_less_than_a_pixel_is_found(kind):
    image = textured()
    flow = estimate_flow(image.astype(np.uint8), moved(image, 0.7, -0.4).astype(np.uint8), kind)
    assert flow.shape == (2, 96, 96)
    np.testing.assert_allclose(np.median(flow[:, 16:-16, 16:-16], axis=(1, 2)), [0.7, -0.4], atol=0.08)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_still_face_does_not_move(kind):
    image = textured().astype(np.uint8)
    assert np.abs(estimate_flow(image, image, kind)).mean() < 0.01


def test_wrong_frames_and_kinds_are_refused():
    grey = np.zeros((8, 8), np.uint8)
    with pytest.raises(ValueError, match="there are dis, farneback"):
        estimate_flow(grey, grey, "raft")
    with pytest.raises(ValueError, match=r"got \(8, 8\) of uint8 and \(9, 8\)"):
        estimate_flow(grey, np.zeros((9, 8), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        estimate_flow(grey.astype(float), grey)


def literal_strain(flow):
    _, height, width = flow.shape
    strain = np.zeros((height, width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            du_dx = (flow[0, y, x + 1] - flow[0, y, x - 1]) / 2
            du_dy = (flow[0, y + 1, x] - flow[0, y - 1, x]) / 2
            dv_dx = (flow[1, y, x + 1] - flow[1, y, x - 1]) / 2
            dv_dy = (flow[1, y + 1, x] - flow[1, y - 1, x]) / 2
            shear = (du_dy + dv_dx) / 2
            strain[y, x] = (du_dx**2 + dv_dy**2 + shear**2 + shear**2) ** 0.5
    return strain


def test_strain_equals_its_literal_reference():
    flow = np.random.RandomState(0).randn(2, 7, 9)
    np.testing.assert_allclose(optical_strain(flow)[1:-1, 1:-1], literal_strain(flow)[1:-1, 1:-1], atol=1e-12)
    np.testing.assert_array_equal(optical_strain(np.stack([flow, flow]))[1], optical_strain(flow))


def test_a_turn_stretches_nothing_and_a_stretch_does():
    y, x = np.mgrid[:9, :9].astype(float)
    assert np.abs(optical_strain(0.01 * np.stack([-y, x]) + 3)).max() < 1e-12
    np.testing.assert_allclose(optical_strain(0.01 * np.stack([x, 0 * y])), 0.01)


def test_dynamic_image_equals_its_sum():
    clip = np.random.RandomState(0).randint(0, 255, (5, 4, 3)).astype(np.uint8)
    expected = sum((2 * t - 5 - 1) * clip[t - 1].astype(float) for t in range(1, 6)) / (2 + 4)
    np.testing.assert_allclose(dynamic_image(clip), expected)
    np.testing.assert_allclose(dynamic_image(np.stack([clip, clip]))[1], expected)
    np.testing.assert_allclose(dynamic_image(np.repeat(clip[:1], 6, axis=0)), 0, atol=1e-9)
