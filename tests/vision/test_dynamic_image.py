import numpy as np
import pytest

from mer_core.vision.dynamic_image import dynamic_image, rank_weights, unit_range

EIGHT = [-8.4607, -1.4607, 1.0393, 2.0393, 2.2893, 2.0893, 1.5893, 0.8750]  # Bilen et al. 2016, for T = 8


def literal_weights(frames):
    """Each running mean V_i counts 2i - T - 1, and each frame is in V_i with 1 / i: a double sum."""
    weights = np.zeros(frames)
    for i in range(1, frames + 1):
        for t in range(1, i + 1):
            weights[t - 1] += (2 * i - frames - 1) / i
    return weights


def test_weights_of_frames_rise_evenly():
    assert rank_weights(4).tolist() == [-3, -1, 1, 3]
    assert rank_weights(8).tolist() == rank_weights(8, of="frames").tolist() == [-7, -5, -3, -1, 1, 3, 5, 7]


def test_weights_of_means_are_the_published_ones():
    np.testing.assert_allclose(rank_weights(8, of="means"), EIGHT, atol=5e-5)


@pytest.mark.parametrize("frames", [2, 3, 8, 61])
def test_weights_of_means_equal_their_literal_double_sum(frames):
    weights = rank_weights(frames, of="means")
    np.testing.assert_allclose(weights, literal_weights(frames), atol=1e-9)
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, frames + 1))])
    closed = [
        2 * (frames - t + 1) - (frames + 1) * (harmonic[frames] - harmonic[t - 1])
        for t in range(1, frames + 1)
    ]
    np.testing.assert_allclose(weights, closed, atol=1e-9)


@pytest.mark.parametrize("of", ["frames", "means"])
def test_a_still_clip_has_an_empty_dynamic_image(of):
    assert rank_weights(9, of).sum() == pytest.approx(0)
    still = np.repeat(np.random.RandomState(0).randint(0, 255, (1, 5, 5)), 9, axis=0)
    np.testing.assert_allclose(dynamic_image(still, of), 0, atol=1e-9)


def test_a_dynamic_image_of_means_is_the_weighted_sum_in_grey_levels():
    clip = np.random.RandomState(0).uniform(0, 255, (2, 8, 4, 3))
    weights = np.array(EIGHT) / sum(weight for weight in EIGHT if weight > 0)
    expected = sum(weight * clip[:, t] for t, weight in enumerate(weights))
    np.testing.assert_allclose(dynamic_image(clip, of="means"), expected, atol=0.02)


def test_other_weights_are_refused():
    with pytest.raises(ValueError, match="'frames' or 'means', not 'ranks'"):
        rank_weights(8, of="ranks")


def test_each_picture_is_stretched_to_the_whole_range():
    images = np.array([[[1.0, 3.0], [5.0, 2.0]], [[-10.0, 0.0], [10.0, 5.0]]])
    expected = [[[0, 0.5], [1, 0.25]], [[0, 0.5], [1, 0.75]]]
    np.testing.assert_allclose(unit_range(images), expected)
    np.testing.assert_allclose(unit_range(np.array([[0, 51], [255, 102]], np.uint8)), [[0, 0.2], [1, 0.4]])


def test_a_picture_of_rounding_errors_becomes_mid_grey():
    noise = 1e-13 * np.random.RandomState(0).randn(2, 6, 6)
    np.testing.assert_array_equal(unit_range(noise), 0.5)
    assert np.ptp(unit_range(noise, least=1e-14)) == 1
