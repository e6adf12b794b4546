import math

import numpy as np
import pytest

from mer_core.studies.auxiliary import endpoint_error, image_scores, landmark_error, ssim


def noise(*shape, seed=0):
    return np.random.RandomState(seed).rand(*shape)


def literal_ssim(x, y):
    """One pair of pictures, window by window."""
    distance = np.arange(-5, 6)
    window = np.exp(-(distance[:, None] ** 2 + distance[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = (image[top : top + 11, left : left + 11] for image in (x, y))
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            spread_a, spread_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            both = (window * (a - mean_a) * (b - mean_b)).sum()
            above = (2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)
            values.append(above / ((mean_a**2 + mean_b**2 + 1e-4) * (spread_a + spread_b + 9e-4)))
    return np.mean(values)


def test_similarity_equals_its_literal_reference():
    x, y = noise(3, 16, 13), noise(3, 16, 13, seed=1)
    y[1] = 0.7 * x[1] + 0.1
    np.testing.assert_allclose(
        ssim(x, y), [literal_ssim(*pair) for pair in zip(x, y, strict=True)], atol=1e-12
    )


def test_equal_pictures_are_as_similar_as_can_be_and_noise_is_not():
    x, y = noise(2, 24, 24), noise(2, 24, 24, seed=1)
    np.testing.assert_allclose(ssim(x, x), 1)
    assert (ssim(x, y) < 0.2).all()


def test_scores_of_pictures_computed_by_hand():
    target = np.zeros((2, 16, 16))
    predicted = np.stack([np.full((16, 16), 0.1), np.full((16, 16), 0.01)])
    made = image_scores(predicted, target)
    assert made["mse"] == pytest.approx((0.01 + 0.0001) / 2)
    assert made["psnr"] == pytest.approx((20 + 40) / 2)
    assert made["ssim"] == pytest.approx((1e-4 / (0.01 + 1e-4) + 1e-4 / (1e-4 + 1e-4)) / 2)


def test_a_picture_that_is_hit_exactly_has_no_end_of_decibels():
    assert image_scores(noise(1, 16, 16), noise(1, 16, 16))["psnr"] == math.inf


def test_end_point_error_computed_by_hand():
    exact = np.zeros((1, 2, 2, 3))
    flow = exact.copy()
    flow[0, :, 0, 0] = 3, 4
    flow[0, :, 1, 2] = 0, -1
    assert endpoint_error(flow, exact) == 1
    mask = np.zeros((1, 2, 3), bool)
    mask[0, 1, 1:] = True
    assert endpoint_error(flow, exact, mask) == 0.5


def test_end_point_error_equals_its_literal_reference():
    flow, exact = noise(2, 3, 2, 4, 5), noise(2, 3, 2, 4, 5, seed=1)
    places = [(n, i, y, x) for n in range(2) for i in range(3) for y in range(4) for x in range(5)]
    distances = [math.dist(flow[n, i, :, y, x], exact[n, i, :, y, x]) for n, i, y, x in places]
    assert endpoint_error(flow, exact) == pytest.approx(np.mean(distances))


def test_landmark_error_equals_its_literal_reference():
    points, exact = noise(2, 3, 68, 2), noise(2, 3, 68, 2, seed=1)
    pairs = zip(points.reshape(-1, 2), exact.reshape(-1, 2), strict=True)
    assert landmark_error(points, exact) == pytest.approx(np.mean([math.dist(*pair) for pair in pairs]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: image_scores(noise(2, 16, 16), noise(2, 16, 15)), r"same shape.*\(2, 16, 15\)"),
        (lambda: image_scores(noise(16, 16), noise(16, 16)), r"pictures \(N, H, W\)"),
        (lambda: ssim(noise(1, 10, 16), noise(1, 10, 16)), "11 × 11"),
        (lambda: endpoint_error(noise(1, 3, 4, 4), noise(1, 3, 4, 4)), "x first"),
        (lambda: endpoint_error(noise(2, 4, 4), noise(2, 4, 4), np.zeros((4, 4))), "no pixel"),
        (lambda: landmark_error(noise(68, 3), noise(68, 3)), "x first"),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
