import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.faces.action_units import RECIPES, peak_displacement, recipes
from mer_core.faces.expression import PARTS
from mer_core.faces.plan import EASY, HARD, LARGE_MOVEMENTS, STANDARD, outline_corpus, plan_clip
from mer_core.faces.render import project


def plan(emotion, seed, difficulty=STANDARD, fps=200, kind="micro"):
    return plan_clip("c", "x/s01", emotion, seed, difficulty, fps, kind)


# Who shows what


@pytest.mark.parametrize(("subjects", "counts"), [(26, (("others", 99), ("fear", 2))), (5, (("anger", 5),))])
def test_everybody_has_a_clip_and_every_emotion_its_number(subjects, counts):
    outlines = outline_corpus("x", 70, subjects, counts)
    shown = [outline.emotion for outline in outlines]
    assert {emotion: shown.count(emotion) for emotion in set(shown)} == dict(counts)
    assert len({outline.subject for outline in outlines}) == subjects
    assert len({outline.clip for outline in outlines}) == len(outlines)


def test_outlines_come_by_subject():
    """A worker then paints few portraits."""
    subjects = [outline.subject for outline in open_corpus("synth").outline]
    assert subjects == sorted(subjects)


def test_another_corpus_has_other_clips():
    first, second = (outline_corpus("x", number, 4, (("fear", 20), ("anger", 20))) for number in (70, 71))
    assert [o.emotion for o in first] != [o.emotion for o in second]
    assert not {o.seed for o in first} & {o.seed for o in second}


def test_every_clip_of_a_corpus_plans_alike_alone():
    corpus = open_corpus("synth-mini")
    assert str(corpus.spec("synth-mini/s03/02")) == str(open_corpus("synth-mini").spec("synth-mini/s03/02"))


# When


@pytest.mark.parametrize("fps", [30, 100, 200])
def test_labels_fall_on_frames(fps):
    for seed, emotion in enumerate(RECIPES["micro"]):
        made = plan(emotion, seed, fps=fps)
        times = np.array([made.onset, made.apex, made.offset, made.seconds])
        np.testing.assert_array_equal(np.rint(times * fps) / fps, times)
        assert 0 < made.onset < made.apex < made.offset < made.seconds


def test_the_first_unit_keeps_the_labelled_times_and_the_others_lie_inside():
    for seed in range(40):
        made = plan("happiness", seed)
        first, *others = made.movements
        assert (first.start, first.apex, first.end) == (made.onset, made.apex, made.offset)
        for other in others:
            assert 0 <= other.start - made.onset <= 0.03
            assert 0 <= made.offset - other.end <= 0.03
            assert other.apex == made.apex


def test_micro_expressions_are_short_and_macro_expressions_long():
    micro, macro = (
        [made.offset - made.onset for made in (plan("anger", seed, hard, 200, kind) for seed in range(60))]
        for hard, kind in ((STANDARD, "micro"), (LARGE_MOVEMENTS, "macro"))
    )
    assert 0.19 < min(micro) < max(micro) < 0.51
    assert 0.49 < min(macro) < max(macro) < 4.01
    assert max(macro) > 3


# What


def test_recipes_are_drawn_as_often_as_they_say():
    drawn = [tuple(m.number for m in plan("repression", seed).movements) for seed in range(400)]
    for numbers, share in recipes("repression"):
        assert drawn.count(numbers) / 400 == pytest.approx(
            share, abs=0.07
        )  # three standard deviations at most


@pytest.mark.parametrize("difficulty", [EASY, STANDARD, HARD, LARGE_MOVEMENTS])
def test_the_peak_is_the_drawn_one_or_the_largest_that_the_units_allow(difficulty):
    wanted = difficulty.replace(peak_spread=0.0)  # every clip wants the median
    kind = "macro" if difficulty is LARGE_MOVEMENTS else "micro"
    for seed, emotion in enumerate(list(RECIPES[kind]) * 5):
        made = plan(emotion, seed, wanted, kind=kind)
        largest = made.state(made.apex).action.max()
        assert largest <= wanted.largest_weight + 1e-9
        if largest < wanted.largest_weight - 1e-9:
            assert made.peak_pixels == pytest.approx(wanted.peak, rel=0.02)
        else:
            assert made.peak_pixels <= wanted.peak * 1.02


def test_the_peak_holds_for_the_subject_s_own_face():
    """Labelled on the mean face, seen on faces of other shape, both from the front."""
    corpus = open_corpus("synth")
    for outline in corpus.outline[::40]:
        spec, scene = corpus.spec(outline.clip), corpus.scene(outline.subject)
        skin = np.flatnonzero(scene.head.material == 0)
        neutral = scene.neutral[skin]
        moved = neutral + scene.head.displacement(spec.state(spec.apex, set(PARTS) - {"action"}).action)[skin]
        lengths = np.linalg.norm((project(moved, 128) - project(neutral, 128))[:, :2], axis=1)
        assert np.sort(lengths)[-20:].mean() == pytest.approx(spec.peak_pixels, rel=0.02)


def test_peaks_are_spread_as_the_difficulty_says():
    hard = STANDARD.replace(peak_range=(0.01, 100.0), largest_weight=1.3)
    drawn = np.log([plan("disgust", seed, hard).peak_pixels for seed in range(300)])
    assert np.exp(np.median(drawn)) == pytest.approx(0.9, rel=0.08)
    assert drawn.std() == pytest.approx(0.4, rel=0.12)


def test_contempt_is_one_sided_and_others_as_often_as_told():
    plans = [plan("contempt", seed) for seed in range(20)]
    assert all(m.side for made in plans for m in made.movements)
    assert {m.side for made in plans for m in made.movements} == {"L", "R"}
    sides = [plan("disgust", seed).movements[0].side for seed in range(300)]
    assert np.mean([side != "" for side in sides]) == pytest.approx(0.2, abs=0.07)


def test_the_label_names_the_side_that_moves():
    for seed in range(60):
        for movement in plan("disgust", seed).movements:
            moving = {"L": movement.left > 0 == movement.right, "R": movement.right > 0 == movement.left}
            assert moving.get(movement.side, movement.left > 0 < movement.right)
            assert str(movement) == f"{movement.side}{movement.number}"


# Disturbances


def test_disturbances_are_as_frequent_and_as_large_as_told():
    plans = [plan("sadness", seed) for seed in range(400)]
    shares = [
        np.mean([getattr(p, part) is not None for p in plans]) for part in ("distractor", "blink", "glance")
    ]
    np.testing.assert_allclose(shares, [0.5, 0.15, 0.30], atol=0.07)
    motion = np.array([p.sway.at(0.2) - p.sway.rest for p in plans])
    np.testing.assert_allclose(motion.std(0), [0.006] * 3 + [0.010] * 3, rtol=0.15)


def test_a_distractor_is_no_unit_of_the_label_and_smaller_than_it():
    for seed, emotion in enumerate(list(RECIPES["micro"]) * 8):
        made = plan(emotion, seed, STANDARD.replace(distractor=1.0))
        other = made.distractor
        assert other.number not in {m.number for m in made.movements}
        assert peak_displacement(other.weights(other.apex)) <= 0.7 * 1.02 * made.peak_pixels


def test_one_stream_a_purpose():
    """Another noise, other distractors, no blink: the rest of the plan stays."""
    loud = plan("disgust", 5, STANDARD.replace(distractor=1.0, blink=1.0, gaze=1.0))
    calm = plan("disgust", 5, STANDARD.replace(noise=9.0, distractor=0.0, blink=0.0, gaze=1.0))
    assert calm.movements == loud.movements
    assert calm.glance == loud.glance
    np.testing.assert_array_equal(calm.sway.phase, loud.sway.phase)
    assert (calm.distractor, calm.blink) == (None, None)
