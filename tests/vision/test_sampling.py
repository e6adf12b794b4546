import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.vision.sampling import INTERPOLATIONS, blend, even_moments, interpolate, nearest, subclips, tim


def clip(frames=6, seed=0):
    return np.random.RandomState(seed).rand(frames, 5, 4)


def test_moments_are_even_and_hold_both_ends():
    np.testing.assert_allclose(even_moments(10, 24, 5), [10, 13.5, 17, 20.5, 24])
    np.testing.assert_array_equal(even_moments(7, 7, 3), [7, 7, 7])


def test_halfway_between_two_frames_the_later_one_is_nearest():
    np.testing.assert_array_equal(nearest([0.5, 1.5, 2.5, 2.49, 2.51, 3]), [1, 2, 3, 2, 3, 3])
    assert nearest(even_moments(0, 9, 5)).tolist() == [0, 2, 5, 7, 9]


def test_a_blend_is_the_mean_of_both_neighbours_by_nearness():
    frames = np.array([0, 100, 50], np.uint8).reshape(3, 1, 1, 1)
    blended = blend(frames, np.array([0, 0.25, 1, 1.5, 2]))
    assert blended.ravel().tolist() == [0, 25, 100, 75, 50]
    assert (blended.dtype, blended.shape) == (np.uint8, (5, 1, 1, 1))


def test_a_blend_at_whole_moments_is_the_frames():
    np.testing.assert_array_equal(blend(clip(), np.array([5, 0, 3])), clip()[[5, 0, 3]])
    np.testing.assert_array_equal(blend(clip(1), np.zeros(2)), clip(1)[[0, 0]])


@pytest.mark.parametrize("moment", [-0.1, 5.1, np.nan])
def test_nothing_is_known_outside_the_clip(moment):
    with pytest.raises(ValueError, match="from 0 to 5, the last frame"):
        blend(clip(), np.array([1.0, moment]))


def literal_tim(frames, n):
    """Zhou et al. 2011, section 2: graph embedding, its linear extension by singular vectors, and the way back."""
    count, shape = len(frames), frames.shape[1:]
    mean = frames.reshape(count, -1).mean(axis=0)
    pixels = (frames.reshape(count, -1) - mean).T  # (D, T)
    neighbours = np.eye(count, k=1) + np.eye(count, k=-1)
    laplacian = np.diag(neighbours.sum(axis=1)) - neighbours
    left, sizes, right = np.linalg.svd(pixels, full_matrices=False)
    left, inner = left[:, : count - 1], (sizes[:, None] * right)[: count - 1]  # no frame mixes others
    gram = np.linalg.inv(inner @ inner.T)
    values, vectors = np.linalg.eig(inner @ laplacian @ inner.T @ gram)
    ways = left @ gram @ vectors.real[:, np.argsort(values.real)]  # (D, T - 1): pixels → curve

    def sines(t):
        return np.array([np.sin(np.pi * k * t + np.pi * (count - k) / (2 * count)) for k in range(1, count)])

    scale = sines(1 / count) / (ways.T @ pixels[:, 0])
    back = left @ np.linalg.inv(scale[:, None] * (ways.T @ left))  # curve → pixels
    return np.stack([(back @ sines(t) + mean).reshape(shape) for t in np.linspace(1 / count, 1, n)])


@pytest.mark.parametrize("n", [2, 6, 13])
def test_interpolation_equals_its_literal_reference(n):
    np.testing.assert_allclose(tim(clip(), n), literal_tim(clip(), n), atol=1e-10)


def test_interpolation_gives_the_original_frames_back_at_their_moments():
    np.testing.assert_allclose(tim(clip(), 6), clip())
    np.testing.assert_allclose(tim(clip(), 16)[::3], clip())
    grey = (255 * clip()).astype(np.uint8)
    np.testing.assert_array_equal(tim(grey, 6), grey)


def test_interpolation_keeps_a_still_clip_still():
    assert tim(np.full((7, 3, 3), 200, np.uint8), 20).tolist() == np.full((20, 3, 3), 200).tolist()
    np.testing.assert_array_equal(tim(clip(1), 3), np.repeat(clip(1), 3, axis=0))


def test_interpolation_stays_in_the_range_of_grey_levels():
    steps = np.array([0, 0, 255, 255, 0, 255], np.uint8).reshape(6, 1, 1)
    assert tim(steps.astype(float), 50).max() > 256  # it overshoots …
    between = tim(steps, 50).astype(int)  # … and must not wrap round to black
    assert np.abs(np.diff(between, axis=0)).max() < 60


def test_interpolated_frames_are_nearer_to_the_rendered_ones_than_repeated_frames():
    corpus = open_corpus("synth-mini")
    name = corpus.clips["clip"][0]
    spec, still = corpus.spec(name), {"noise", "light"}
    times = np.linspace(spec.onset, spec.offset, 17)
    frames = corpus.frames(name, times, 48, colour=False, without=still)
    moments = even_moments(0, 8, 17)
    made = {
        "tim": tim(frames[::2], 17),
        "blend": blend(frames[::2], moments),
        "nearest": frames[::2][nearest(moments)],
    }
    error = {kind: np.abs(clip.astype(float) - frames)[1::2].mean() for kind, clip in made.items()}
    assert max(error["tim"], error["blend"]) < 0.75 * error["nearest"]


def test_subclips_interleave():
    parts = subclips(np.arange(12).reshape(12, 1), 3)
    assert parts[..., 0].tolist() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert subclips(clip(7), 3).shape == (3, 2, 5, 4)
    np.testing.assert_array_equal(subclips(clip(7), 3)[2], clip(7)[[2, 5]])
    for k in (0, 8):
        with pytest.raises(ValueError, match=f"1 to 7 sub-clips, not {k}"):
            subclips(clip(7), k)


@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_every_interpolation_keeps_the_given_frames_and_comes_by_its_name(kind):
    made = interpolate(clip(), 11, kind)
    np.testing.assert_allclose(made[::2], clip())
    ways = {
        "nearest": clip()[[0, 1, 1, 2, 2]],
        "blend": blend(clip(), np.arange(5) / 2),
        "TIM": tim(clip(), 11)[:5],
    }
    np.testing.assert_array_equal(made[:5], ways[kind])


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match=r"no interpolation 'cubic'; there are nearest, blend, TIM"):
        interpolate(clip(), 11, "cubic")
