import numpy as np
import pytest

from mer_core.faces.action_units import (
    ACTION_UNITS,
    DISTRACTORS,
    RECIPES,
    peak_displacement,
    recipes,
    unit_weights,
)
from mer_core.faces.corpus import CARDS
from mer_core.faces.head import UNITS, load_head
from mer_core.faces.render import DISTANCE, FOCAL

# Pixels that the full unit moves the skin, as the first prototype of these faces measured them: another mean face.
MEASURED_BEFORE = {
    1: 2.6,
    2: 3.5,
    4: 4.2,
    6: 5.5,
    9: 2.7,
    10: 3.7,
    12: 10.5,
    14: 4.1,
    15: 4.2,
    17: 3.2,
    20: 4.5,
    25: 1.7,
}


@pytest.mark.parametrize(("number", "pixels"), MEASURED_BEFORE.items())
def test_full_units_move_as_far_as_measured_before(number, pixels):
    assert peak_displacement(unit_weights(number)) == pytest.approx(pixels, rel=0.05)


def test_the_peak_equals_its_literal_definition():
    head, weights = load_head(), unit_weights(12, 0.2, 0.1) + unit_weights(4, 0.3, 0.3)

    def seen(point):  # a pinhole camera, 128 pixels wide
        return 128 * FOCAL * DISTANCE / (DISTANCE - point[2]) * np.array([point[0], -point[1]])

    lengths = []
    for vertex in np.flatnonzero(head.material == 0):
        moved = head.mean[vertex] + sum(w * unit[vertex] for w, unit in zip(weights, head.units, strict=True))
        lengths.append(np.linalg.norm(seen(moved) - seen(head.mean[vertex])))
    assert peak_displacement(weights) == pytest.approx(np.mean(sorted(lengths)[-20:]), abs=1e-9)


def test_nothing_moves_without_weights():
    assert peak_displacement(np.zeros(len(UNITS))) == 0


def test_a_one_sided_unit_moves_one_side():
    left = [name for name, weight in zip(UNITS, unit_weights(12, 0.3, 0.0), strict=True) if weight]
    assert left == ["mouthSmileLeft"]


def test_the_middle_of_the_face_moves_with_the_stronger_side():
    np.testing.assert_array_equal(unit_weights(17, 0.2, 0.5), unit_weights(17, 0.5, 0.5))
    sided = {number for number, unit in ACTION_UNITS.items() if unit.has_sides}
    assert {2, 4, 12, 14} <= sided
    assert not {1, 17, 18, 24, 26} & sided


@pytest.mark.parametrize("kind", RECIPES)
def test_recipes_are_whole_and_know_their_units(kind):
    for emotion in RECIPES[kind]:
        options = recipes(emotion, kind)
        assert sum(share for _, share in options) == pytest.approx(1)
        assert {number for numbers, _ in options for number in numbers} <= set(ACTION_UNITS)
        assert len({numbers for numbers, _ in options}) == len(options)


def test_what_may_disturb_is_known():
    assert set(DISTRACTORS) <= set(ACTION_UNITS)


def test_every_emotion_of_every_corpus_has_recipes():
    for card in CARDS.values():
        assert set(card.counts) <= set(RECIPES[card.kind]), card.name


def test_an_emotion_is_not_a_function_of_the_units():
    """Two combinations stand in two classes on purpose."""
    found = [{numbers for numbers, _ in recipes(emotion)} for emotion in ("others", "disgust", "repression")]
    assert found[0] & found[1] == {(4, 7)}
    assert found[0] & found[2] == {(14,)}


def test_unknown_names_are_answered_with_the_valid_ones():
    with pytest.raises(ValueError, match="no action unit 11; there are 1, 2, 4, 5"):
        unit_weights(11)
    with pytest.raises(ValueError, match="no micro emotion 'joy'; there are others, disgust, happiness"):
        recipes("joy")
    with pytest.raises(ValueError, match="'nano'; there are micro, macro"):
        recipes("disgust", "nano")
