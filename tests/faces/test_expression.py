import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.faces.action_units import RECIPES, unit_weights
from mer_core.faces.expression import LARGEST_MAGNIFIED, PARTS, Movement, rise
from mer_core.faces.plan import STANDARD, plan_clip

# A clip in which everything happens, and a hundred ordinary ones.
BUSY = plan_clip(
    "busy", "x/s01", "disgust", 5, STANDARD.replace(distractor=1.0, blink=1.0, gaze=1.0), fps=200
)
PLANS = [
    plan_clip(f"c{i}", "x/s01", emotion, i, STANDARD, 200) for emotion in RECIPES["micro"] for i in range(11)
]


def changed(a, b):
    return {name for name in vars(a) if not np.array_equal(getattr(a, name), getattr(b, name))}


# Time


def test_the_rise_is_the_smoothest():
    t = np.linspace(0, 1, 1001)
    jerk = np.diff(rise(t), 3) * 1000**3
    assert (rise(0.0), rise(0.5), rise(1.0)) == (0, 0.5, 1)
    np.testing.assert_allclose(jerk, (60 - 360 * t + 360 * t**2)[1:-2] * 1.0, atol=0.6)  # a parabola


def test_the_expression_is_nothing_outside_onset_and_offset_and_whole_at_the_apex():
    for plan in PLANS:
        outside = (0.0, plan.onset, plan.offset, plan.seconds)
        assert not any(plan.state(t).action.any() for t in outside)
        apex = plan.state(plan.apex).action
        np.testing.assert_allclose(apex, sum(unit_weights(m.number, m.left, m.right) for m in plan.movements))
        assert all((plan.state(t).action <= apex + 1e-12).all() for t in np.linspace(0, plan.seconds, 40))


def test_a_state_depends_on_nothing_but_its_time():
    assert not changed(BUSY.state(0.2), BUSY.state(0.2))
    assert BUSY.state(0.2).noise_seed != BUSY.state(0.2001).noise_seed


def test_no_two_frames_of_a_corpus_share_their_noise():
    corpus = open_corpus("synth-mini")
    plans = [corpus.spec(outline.clip) for outline in corpus.outline]
    frames = [(plan, n / plan.fps) for plan in plans for n in range(round(plan.seconds * plan.fps) + 1)]
    assert len({plan.state(t).noise_seed for plan, t in frames}) == len(frames)


# Size


def test_a_movement_is_magnified_as_a_whole():
    plan = PLANS[1]
    twice = [plan.state(t, magnify=2).action for t in (0.15, plan.apex)]
    np.testing.assert_allclose(twice, [2 * plan.state(t).action for t in (0.15, plan.apex)])
    held = plan.state(plan.apex, magnify=1000).action
    assert held.max() == pytest.approx(LARGEST_MAGNIFIED)
    np.testing.assert_allclose(held / held.max(), twice[1] / twice[1].max())
    assert not plan.state(plan.apex, magnify=0).action.any()
    with pytest.raises(ValueError, match="not by -1"):
        plan.state(plan.apex, magnify=-1)


def test_intensity_grows_with_the_weight():
    letters = [Movement(4, "", weight, 0.05, 0, 1, 2).intensity for weight in (0.05, 0.2, 0.4, 0.6, 0.9)]
    assert "".join(letters) == "ABCDE"
    assert PLANS[0].intensities == "+".join(f"{m}{m.intensity}" for m in PLANS[0].movements)


# Disturbances


@pytest.mark.parametrize(
    ("part", "fields"),
    {
        "action": {"action"}, "head": {"rotation", "translation"}, "distractors": {"distractor"},
        "blink": {"distractor"}, "gaze": {"distractor"}, "light": {"gain"}, "noise": {"noise"},
    }.items(),
)  # fmt: skip
def test_a_part_that_is_switched_off_takes_nothing_else_with_it(part, fields):
    times = np.linspace(0, BUSY.seconds, 60)
    found = set().union(*(changed(BUSY.state(t), BUSY.state(t, {part})) for t in times))
    assert found == fields


def test_without_everything_a_clip_stands_still():
    first, last = (BUSY.state(t, PARTS) for t in (0.0, BUSY.apex))
    assert changed(first, last) <= {"noise_seed"}
    assert not changed(BUSY.state(BUSY.onset), BUSY.state(BUSY.onset, {"head"})), "held as the onset shows it"


# Bad requests


def test_an_unknown_part_is_answered_with_the_valid_ones():
    with pytest.raises(ValueError, match=r"action, head, distractors, .*; not \['hair'\]"):
        BUSY.state(0.1, without={"hair"})
    with pytest.raises(ValueError, match="is a set of action, head"):
        BUSY.state(0.1, without="head")


@pytest.mark.parametrize("t", [-0.001, 9.0, float("nan")])
def test_a_time_outside_the_clip_is_refused(t):
    with pytest.raises(ValueError, match=r"busy lasts from 0 to 0\.\d+ s; there is nothing at"):
        BUSY.state(t)
