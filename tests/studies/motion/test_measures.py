import numpy as np
import pytest

from mer_core.studies.motion.measures import (
    around_eyes,
    correlation,
    eroded,
    error_shares,
    errors_and_motion,
    errors_halfway,
    grey_levels_off,
    length,
    magnified,
    mean_correlation,
    slope,
    strength_and_likeness,
    stripes_error,
    worth_it_from,
)
from mer_core.vision import blend, estimate_flow, tim


def drawn(*shape, seed=0):
    return np.random.RandomState(seed).rand(*shape)


def pictures(*shape, seed=0):
    return (255 * drawn(*shape, seed=seed)).astype(np.uint8)


def test_the_length_of_a_motion_by_hand():
    flow = np.array([[[3.0, 0.0]], [[4.0, -2.0]]])
    assert length(flow).tolist() == [[5, 2]]


# Regions


def test_an_eroded_region_keeps_what_is_far_enough_from_its_rim():
    mask = drawn(12, 12) > 0.2
    for y, x in np.ndindex(12, 12):
        around = mask[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        assert eroded(mask, 2)[y, x] == around.all()


def test_brightness_that_rises_evenly_has_one_slope():
    y, x = np.mgrid[:40, :40]
    np.testing.assert_allclose(slope(3 * x + 4 * y)[10:-10, 10:-10], 5, rtol=1e-3)


def test_the_discs_lie_around_the_eyes():
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = (10, 12), (30, 12)
    where = around_eyes(points, 40)
    for y, x in np.ndindex(40, 40):
        assert where[y, x] == (min(np.hypot(x - 10, y - 12), np.hypot(x - 30, y - 12)) < 5)


# An estimate and none


def literal_sums(pairs, exact, face, kind):
    """Pair by pair and pixel by pixel."""
    made = np.zeros((2, 2, len(pairs)))  # (face and skin, missed and moved, P)
    for p, (pair, true) in enumerate(zip(pairs, exact, strict=True)):
        found = estimate_flow(*pair, kind)
        far = [np.hypot(*true[:, y, x]) * face[y, x] for y, x in np.ndindex(face.shape)]
        for y, x in np.argwhere(face):
            wrong, moves = np.hypot(*(found - true)[:, y, x]), np.hypot(*true[:, y, x])
            for region in (0, 1) if moves > max(far) / 4 else (0,):
                made[region, :, p] += wrong, moves
    return made


def test_sums_of_errors_and_of_motion_equal_their_loops():
    pairs, exact = pictures(2, 2, 32, 32), drawn(2, 2, 32, 32) ** 3
    face = drawn(32, 32, seed=1) > 0.3
    made = errors_and_motion(pairs, exact, face, ["farneback"])
    expected = literal_sums(pairs, exact, face, "farneback")
    np.testing.assert_allclose([made["farneback", "face"], made["farneback", "skin"]], expected, rtol=1e-4)


def test_over_several_clips_errors_and_motion_are_added_before_they_are_divided():
    one, other = np.array([[1.0, 2.0], [1.0, 8.0]]), np.array([[3.0, 0.0], [1.0, 8.0]])
    shares = error_shares([{("dis", "face"): one}, {("dis", "face"): other}])
    assert shares["dis", "face"].tolist() == [2, 0.125]


def test_an_estimate_is_worth_it_from_where_its_error_is_as_large_as_the_motion():
    sizes = np.array([0.1, 0.4, 1.6])
    assert worth_it_from(sizes, np.array([4.0, 1.0, 0.2])) == pytest.approx(0.4)
    assert worth_it_from(sizes, np.array([4.0, 2.0, 0.5])) == pytest.approx(0.8)  # halfway in logarithms


# Likeness


def test_the_correlation_by_hand_and_of_what_is_flat():
    one = np.array([0.0, 1.0, 2.0])
    assert correlation(one, -3 * one + 1) == pytest.approx(-1)
    assert correlation(one, np.ones(3)) == 0
    assert correlation(one, np.array([1.0, 0.0, 2.0])) == pytest.approx(0.5)


def test_the_mean_correlation_takes_each_picture_inside_its_region():
    one, where = drawn(2, 4, 4), np.zeros((2, 4, 4), bool)
    where[0, :2], where[1, 1:] = True, True
    other = np.where(where, np.array([2, -2])[:, None, None] * one, 77.0)
    assert mean_correlation(one, other, where) == pytest.approx(0)  # 1 and -1
    assert mean_correlation(one, np.abs(other), where) == pytest.approx(1)


def test_every_form_is_compared_with_its_own_clean_picture():
    clean, other = drawn(3, 3), drawn(3, 3, seed=1)
    images = {"noisy": {"a": 2 * clean, "b": -other}, "alone": {"a": clean, "b": other}}
    where = np.ones((3, 3), bool)
    rows = strength_and_likeness(images, "alone", where).set_index(["clip", "form"])
    assert rows["alike"].to_list() == pytest.approx([1, -1, 1, 1])
    assert rows["strength"]["noisy", "a"] == pytest.approx(2 * clean.mean())


# Magnification


def test_stripes_magnified_once_are_right_and_the_error_by_hand():
    assert stripes_error(1, 16) == pytest.approx(0)
    x, turn = np.arange(1024), 2 * np.pi / 16
    made = [np.sin(turn * at) + 4 * (np.sin(turn * (at - 0.25)) - np.sin(turn * at)) for at in x]
    off = np.array(made) - np.sin(turn * (x - 1))
    assert stripes_error(4, 16) == pytest.approx(off.std() / np.sin(turn * x).std())


def test_every_way_to_magnify_is_there_and_without_motion_nothing_happens():
    pair = np.repeat(pictures(1, 24, 24), 2, axis=0)
    made = magnified(pair, {"none": np.zeros((2, 24, 24))}, 3)
    assert list(made) == ["unmagnified", "Eulerian", "along none"]
    for picture in made.values():
        np.testing.assert_array_equal(picture, pair[0])


def test_grey_levels_do_not_wrap_round():
    made, wanted = np.full((2, 2), 250, np.uint8), np.full((2, 2), 5, np.uint8)
    assert grey_levels_off(made, wanted, np.eye(2, dtype=bool)) == 245


# Interpolation


def literal_errors(given, exact, count):
    """Frame by frame: the frames halfway between the given ones."""
    step = (len(given) - 1) // (count - 1)
    few = given[::step]
    squares = {"nearest": [], "blend": [], "TIM": []}
    for k in range(count - 1):
        right = exact[k * step + step // 2].astype(float)
        ways = {
            "nearest": few[k + 1],
            "blend": blend(few, np.array([k + 0.5]))[0],
            "TIM": tim(few, 2 * count - 1)[2 * k + 1],
        }
        for name, made in ways.items():
            squares[name] += [(float(made[i]) - right[i]) ** 2 for i in np.ndindex(right.shape)]
    return {name: np.mean(values) ** 0.5 for name, values in squares.items()}


def test_errors_halfway_equal_their_literal_reference():
    given, exact = pictures(9, 4, 3), pictures(9, 4, 3, seed=1)
    made = errors_halfway(given, exact, (3, 5))
    for count in (3, 5):
        assert made.loc[count].to_dict() == pytest.approx(literal_errors(given, exact, count))


@pytest.mark.parametrize("count", [4, 9])
def test_without_a_frame_halfway_nothing_can_be_compared(count):
    with pytest.raises(ValueError, match=f"Of 9 frames no {count} have a frame halfway"):
        errors_halfway(pictures(9, 2, 2), pictures(9, 2, 2), (count,))
