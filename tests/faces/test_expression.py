import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.faces.action_units import (
    ACTION_UNITS,
    DISTRACTORS,
    RECIPES,
    peak_displacement,
    recipes,
    unit_weights,
)
from mer_core.faces.expression import LARGEST_MAGNIFIED, PARTS, Movement, rise
from mer_core.faces.head import UNITS, load_head
from mer_core.faces.plan import EASY, HARD, LARGE_MOVEMENTS, STANDARD, plan_clip
from mer_core.faces.render import project

# A clip in which everything happens, and a hundred ordinary ones.
BUSY = plan_clip(
    "busy", "x/s01", "disgust", 5, STANDARD.replace(distractor=1.0, blink=1.0, gaze=1.0), fps=200
)
PLANS = [
    plan_clip(f"c{i}", "x/s01", emotion, i, STANDARD, 200) for emotion in RECIPES["micro"] for i in range(11)
]
GENTLE = {"12": 10.5, "4": 4.2, "1": 2.6, "10": 3.7, "25": 1.7, "17": 3.2, "20": 4.5}


def changed(a, b):
    return {name for name in vars(a) if not np.array_equal(getattr(a, name), getattr(b, name))}


# Action units


@pytest.mark.parametrize(("number", "pixels"), GENTLE.items())
def test_full_units_move_as_far_as_measured_before(number, pixels):
    assert peak_displacement(unit_weights(int(number))) == pytest.approx(pixels, rel=0.05)


def test_the_peak_equals_its_literal_definition():
    head, weights = load_head(), unit_weights(12, 0.2, 0.1) + unit_weights(4, 0.3, 0.3)
    lengths = []
    for vertex in np.flatnonzero(head.material == 0):
        moved = head.mean[vertex] + sum(w * unit[vertex] for w, unit in zip(weights, head.units, strict=True))
        lengths.append(np.hypot(*(project(moved, 128) - project(head.mean[vertex], 128))[:2]))
    assert peak_displacement(weights) == pytest.approx(np.mean(sorted(lengths)[-20:]), abs=1e-9)


def test_a_one_sided_unit_moves_one_side():
    left = [name for name, weight in zip(UNITS, unit_weights(12, 0.3, 0.0), strict=True) if weight]
    assert left == ["mouthSmileLeft"]


@pytest.mark.parametrize("kind", RECIPES)
def test_recipes_are_whole_and_know_their_units(kind):
    for emotion in RECIPES[kind]:
        options = recipes(emotion, kind)
        assert sum(share for _, share in options) == pytest.approx(1)
        assert {number for numbers, _ in options for number in numbers} <= set(ACTION_UNITS)
    assert set(DISTRACTORS) <= set(ACTION_UNITS)


def test_unknown_names_are_answered_with_the_valid_ones():
    with pytest.raises(ValueError, match="no action unit 11; there are 1, 2, 4, 5"):
        unit_weights(11)
    with pytest.raises(ValueError, match="no micro emotion 'joy'; there are others, disgust, happiness"):
        recipes("joy")
    with pytest.raises(ValueError, match="'nano'; there are micro, macro"):
        recipes("disgust", "nano")
    with pytest.raises(ValueError, match="not \\['hair'\\]"):
        BUSY.state(0.1, without={"hair"})
    with pytest.raises(ValueError, match="is a set of action, head"):
        BUSY.state(0.1, without="head")


# Time


def test_the_rise_is_the_smoothest():
    t = np.linspace(0, 1, 1001)
    jerk = np.diff(rise(t), 3) * 1000**3
    assert (rise(0.0), rise(0.5), rise(1.0)) == (0, 0.5, 1)
    np.testing.assert_allclose(jerk, (60 - 360 * t + 360 * t**2)[1:-2] * 1.0, atol=0.6)  # a parabola


def test_labels_fall_on_frames():
    for fps in (30, 100, 200):
        plan = plan_clip("c", "x/s01", "fear", 3, STANDARD, fps)
        frames = np.array([plan.onset, plan.apex, plan.offset, plan.seconds]) * fps
        np.testing.assert_allclose(frames, np.rint(frames), atol=1e-9)
        assert 0 < plan.onset < plan.apex < plan.offset < plan.seconds


def test_the_expression_is_nothing_at_onset_and_offset_and_largest_at_the_apex():
    for plan in PLANS:
        assert not plan.state(plan.onset).action.any()
        assert not plan.state(plan.offset).action.any()
        apex = plan.state(plan.apex).action
        assert all((plan.state(t).action <= apex + 1e-12).all() for t in np.linspace(0, plan.seconds, 40))


@pytest.mark.parametrize("t", [-0.001, 9.0, float("nan")])
def test_a_time_outside_the_clip_is_refused(t):
    with pytest.raises(ValueError, match=r"busy lasts from 0 to 0\.\d+ s; there is nothing at"):
        BUSY.state(t)


def test_a_state_depends_on_nothing_but_its_time():
    assert not changed(BUSY.state(0.2), BUSY.state(0.2))
    assert BUSY.state(0.2).noise_seed != BUSY.state(0.2001).noise_seed


# Size


@pytest.mark.parametrize("difficulty", [EASY, STANDARD, HARD, LARGE_MOVEMENTS])
def test_the_peak_is_the_drawn_one_or_the_largest_that_the_units_allow(difficulty):
    wanted = difficulty.replace(peak_spread=0.0)  # every clip wants the median
    kind = "macro" if difficulty is LARGE_MOVEMENTS else "micro"
    for seed, emotion in enumerate(list(RECIPES[kind]) * 5):
        plan = plan_clip("c", "x/s01", emotion, seed, wanted, 200, kind)
        largest = plan.state(plan.apex).action.max()
        assert largest <= wanted.largest_weight + 1e-9
        if largest < wanted.largest_weight - 1e-9:
            assert plan.peak_pixels == pytest.approx(wanted.peak, rel=0.02)
        else:
            assert plan.peak_pixels <= wanted.peak * 1.02


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


def test_disturbances_are_as_frequent_and_as_large_as_told():
    plans = [plan_clip("c", "x/s01", "sadness", seed, STANDARD, 200) for seed in range(400)]
    shares = [
        np.mean([getattr(p, part) is not None for p in plans]) for part in ("distractor", "blink", "glance")
    ]
    np.testing.assert_allclose(shares, [0.5, 0.15, 0.30], atol=0.07)
    motion = np.array([p.sway.at(0.2) - p.sway.rest for p in plans])
    np.testing.assert_allclose(motion.std(0), [0.006] * 3 + [0.010] * 3, rtol=0.15)
    ratio = [
        peak_displacement(p.distractor.weights(p.distractor.apex)) / p.peak_pixels
        for p in plans
        if p.distractor
    ]
    assert max(ratio) <= 0.7 * 1.02


def test_a_distractor_is_no_unit_of_the_label():
    for plan in PLANS:
        assert not plan.distractor or plan.distractor.number not in {m.number for m in plan.movements}


def test_one_seed_a_purpose():
    """Another noise, other distractors: the rest of the plan stays."""
    other = plan_clip(
        BUSY.clip, BUSY.subject, "disgust", 5, STANDARD.replace(noise=9.0, distractor=0.0), fps=200
    )
    assert other.movements == BUSY.movements
    assert np.array_equal(other.sway.phase, BUSY.sway.phase)


def test_contempt_is_one_sided():
    plans = [plan_clip("c", "x/s01", "contempt", seed, STANDARD, 200) for seed in range(20)]
    assert all(m.side in "LR" and m.side for p in plans for m in p.movements)


def test_every_clip_of_a_corpus_plans_alike_alone():
    corpus = open_corpus("synth-mini")
    assert str(corpus.spec("synth-mini/s03/02")) == str(open_corpus("synth-mini").spec("synth-mini/s03/02"))
