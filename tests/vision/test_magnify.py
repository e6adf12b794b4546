import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.vision.magnify import magnify, magnify_flow

STILL = {"head", "distractors", "blink", "gaze", "light", "noise"}


def waves(moved, wavelength=32, size=64):
    """Stripes that have moved to the right by each of these pixels: (T, H, W)."""
    x = np.tile(np.arange(size), (size, 1))
    return np.stack([128 + 50 * np.sin(2 * np.pi * (x - shift) / wavelength) for shift in moved])


def shift_of(picture, wavelength=32):
    """How far the stripes have moved, by the phase of their wave."""
    turns = np.exp(2j * np.pi * np.arange(picture.shape[1]) / wavelength)
    return -np.angle(1j * (picture.mean(axis=0) * turns.conj()).sum()) * wavelength / (2 * np.pi)


def test_the_shift_of_stripes_is_measured_exactly():
    assert [shift_of(picture) for picture in waves([0, 0.3, -1])] == pytest.approx([0, 0.3, -1])


@pytest.mark.parametrize("factor", [0, 2, 5, 10])
def test_a_small_movement_is_seen_that_many_times_as_large(factor):
    shifts = np.array([0, 0.1, -0.2])
    seen = [shift_of(picture) for picture in magnify(waves(shifts), factor, largest=0.01)]
    turned = 1 + factor * (np.exp(2j * np.pi * shifts / 32) - 1)  # what the linear model makes of a wave
    assert seen == pytest.approx(np.angle(turned) * 32 / (2 * np.pi), abs=1e-4)
    assert seen == pytest.approx(factor * shifts, rel=0.05, abs=1e-6)


def test_beyond_its_bound_a_pattern_is_not_amplified_further():
    clip = waves([0, 0.5], wavelength=4)
    fine = shift_of(magnify(clip, 10, largest=0.5)[1], 4)
    coarse = shift_of(magnify(waves([0, 0.5]), 10, largest=0.5)[1])
    assert fine == pytest.approx(0.5, rel=0.1)  # 4 / (8 · 0.5) = once
    assert coarse > 2


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_factor_one_changes_nothing_and_factor_zero_stops_the_clip(dtype):
    clip = np.random.RandomState(0).uniform(0, 255, (4, 33, 47, 3)).astype(dtype)
    np.testing.assert_allclose(magnify(clip, 1), clip, rtol=1e-6)
    np.testing.assert_allclose(magnify(clip, 0), np.repeat(clip[:1], 4, axis=0), atol=1e-4)
    assert magnify(clip, 3).dtype == dtype


def test_only_what_swings_within_the_band_is_magnified():
    t = np.arange(40)
    slow, fast = 0.1 * np.sin(2 * np.pi * t / 20), 0.1 * np.sin(2 * np.pi * t / 5)
    clip = waves(slow + fast)
    seen = [shift_of(picture) for picture in magnify(clip, 4, largest=0.01, band=(0.15, 0.25))]
    assert seen == pytest.approx(slow + 4 * fast, abs=0.03)
    with pytest.raises(ValueError, match=r"none lies in \(0.3, 0.31\)"):
        magnify(clip[:4], 4, band=(0.3, 0.31))


def test_flow_carries_stripes_as_far_as_it_is_told():
    (still,) = waves([0])
    flow = np.stack([np.full((64, 64), 0.7), np.zeros((64, 64))])
    for factor in (0, 1, 4):
        moved = magnify_flow(still, flow, factor)
        np.testing.assert_allclose(moved[:, 8:-8], waves([0.7 * factor])[0][:, 8:-8], atol=0.3)
    np.testing.assert_array_equal(magnify_flow(still, flow, 0), still)


def test_flow_says_where_pixels_go_not_where_they_come_from():
    y, x = np.mgrid[:64, :64].astype(float)
    stretch = np.stack(
        [0.1 * (x - 32), 0.1 * (y - 32)]
    )  # every place goes to 1 + 0.1 · factor of its distance
    dot = 255 * np.exp(-((x - 42) ** 2 + (y - 32) ** 2) / 18)
    moved = magnify_flow(dot, stretch, 3)
    assert (moved * x).sum() / moved.sum() == pytest.approx(32 + 1.3 * 10, abs=0.2)


@pytest.mark.parametrize("row", [7, 13])
def test_a_magnified_clip_is_nearer_to_the_magnified_rendering(row):
    corpus = open_corpus("synth-mini")
    clip = corpus.clips["clip"][row]
    spec = corpus.spec(clip)
    factor, times = min(3, spec.largest_magnification), (spec.onset, spec.apex)
    plain, exact = (
        corpus.frames(clip, times, 128, colour=False, without=STILL, magnify=times_larger)
        for times_larger in (1, factor)
    )
    flow = corpus.flow(clip, *times, 128, without=STILL)
    made = {
        "nothing": plain[1],
        "eulerian": magnify(plain, factor)[1],
        "lagrangian": magnify_flow(plain[0], flow, factor),
    }
    error = {
        kind: np.sqrt(((picture.astype(float) - exact[1]) ** 2).mean()) for kind, picture in made.items()
    }
    assert error["eulerian"] < 0.95 * error["nothing"]
    assert error["lagrangian"] < 0.6 * error["nothing"]


def test_wrong_factors_and_flows_are_refused():
    frames = np.zeros((2, 16, 16))
    with pytest.raises(ValueError, match="by 0 or more; not by -1"):
        magnify(frames, -1)
    with pytest.raises(ValueError, match="above 0 pixels"):
        magnify(frames, 2, largest=0)
    with pytest.raises(ValueError, match=r"got \(2, 8, 8\)"):
        magnify_flow(frames[0], np.zeros((2, 8, 8)), 2)
