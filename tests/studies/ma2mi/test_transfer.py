from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mer_core import open_corpus
from mer_core.clips import View
from mer_core.methods.ma2mi import MA2MI, MA2MISettings
from mer_core.methods.ma2mi.pretraining import identity_probe
from mer_core.methods.ma2mi.reconstruction import Reconstruction
from mer_core.scoring.statistics import Interval
from mer_core.studies.attribution import moving_region
from mer_core.studies.ma2mi.transfer import (
    BLUR,
    Lens,
    answers,
    as_rows,
    borrowed,
    error_on_face,
    identity_probes,
    known_pairs,
    likeness,
    ratio_interval,
    shares_by_place,
    swapped,
    swaps,
    tells,
)

FRAMED = View(frames=4, size=48, colour=True, align="frame", landmarks=True)


@pytest.fixture(scope="module")
def mini():
    return open_corpus("synth-mini")


def lens(mini, row=0, view=FRAMED):
    return Lens(mini, mini.clips["clip"][row], view)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Exact pictures


@pytest.mark.parametrize("align", ["clip", "frame"])
@pytest.mark.parametrize("span", ["onset-offset", "onset-apex"])
def test_a_lens_shows_what_the_corpus_shows(mini, align, span):
    view = FRAMED.replace(align=align, span=span, frames=2)
    shown, seen = mini.clipset(view, limit=2, workers=1), None
    for row, clip in enumerate(shown.clips["clip"]):
        seen = Lens(mini, clip, view)
        for moment in range(2):
            np.testing.assert_array_equal(seen.picture(seen.state(moment)), shown.frames[row, moment])


def test_the_peak_is_the_moment_nearest_to_the_apex(mini):
    seen = lens(mini, view=FRAMED.replace(frames=12))
    times = np.linspace(seen.spec.onset, seen.spec.offset, 12)
    assert seen.peak == np.abs(times - seen.spec.apex).argmin()
    assert lens(mini, view=FRAMED.replace(span="onset-apex")).peak == 3


def test_a_frame_that_is_moved_by_no_motion_is_itself(mini):
    seen = lens(mini)
    frame = seen.picture(seen.state(1))
    np.testing.assert_array_equal(seen.moved(frame, 1, 1), frame)


def test_on_the_face_exact_motion_brings_a_frame_nearer_to_the_later_one(mini):
    row = int(mini.clips["peak_pixels"].argmax())
    seen = lens(mini, row, FRAMED.replace(size=96, frames=9))
    first, last = (seen.state(moment, {"noise", "light"}) for moment in (0, seen.peak))
    now, later = (seen.picture(state).astype(float) for state in (first, last))
    moved, face = seen.moved(now.astype(np.uint8), 0, seen.peak).astype(float), seen.face(last)
    errors = [np.abs(made - later)[face].mean() for made in (moved, now)]
    assert errors[0] < 0.75 * errors[1]


def test_a_face_lies_inside_its_outline(mini):
    seen = lens(mini, view=FRAMED.replace(align="clip"))
    state = seen.state(0)
    whole = mini.mask(seen.spec.clip, seen.spec.onset, 48)
    np.testing.assert_array_equal(seen.face(state, margin=0), whole)
    inner = seen.face(state)
    assert inner.any()
    assert not (inner & ~whole).any()
    assert inner.sum() < whole.sum()


def test_whoever_borrows_its_own_movement_ends_where_it_would_have_ended(mini):
    seen = lens(mini)
    before, after = borrowed(seen, 0, seen, 0, 2)
    wanted = replace(seen.state(2, {"noise"}), gain=before.gain, noise_seed=before.noise_seed)
    np.testing.assert_allclose(after.action, wanted.action, atol=1e-12)
    np.testing.assert_array_equal(seen.picture(after), seen.picture(wanted))


def test_a_movement_that_is_borrowed_backwards_relaxes_no_unit_beyond_rest(mini):
    taker, giver = lens(mini, 0), lens(mini, 1)
    _, after = borrowed(taker, 0, giver, giver.peak, 0)
    assert after.action.min() >= 0


def test_two_moments_of_a_growing_movement_end_at_its_peak(mini):
    seen = lens(mini, view=FRAMED.replace(frames=24))
    assert seen.rising == (seen.peak - 3, seen.peak)
    assert lens(mini, view=FRAMED.replace(frames=3)).rising[0] == 0


def test_the_labelled_movement_alone_is_what_the_corpus_says_of_it(mini):
    seen = lens(mini, view=FRAMED.replace(align="clip"))
    times = np.linspace(seen.spec.onset, seen.spec.offset, 4)
    cause = mini.flow_parts(seen.spec.clip, times[0], times[1], 48)
    np.testing.assert_allclose(seen.acting(0, 1), cause["action"], atol=0.02)


# All that is known of a later frame


def tiny_settings(**changes):
    small = {"stem": 4, "widths": [4, 4, 8, 8], "depth": 1, "drop_path": 0.0, "decoder_width": 16}
    small |= {"decoder_depth": 1, "decoder_heads": 2, "bottleneck": 4}
    return MA2MISettings.parse({"size": 32, **small, **changes})


@pytest.fixture(scope="module")
def known(mini):
    method, clips = MA2MI(tiny_settings(size=48)), list(mini.clips["clip"][:2])
    return method, known_pairs(method, mini, FRAMED, [(clips[0], 0, 1), (clips[1], 1, 3)])


def test_pairs_hold_what_the_lens_shows_in_units_of_the_network(mini, known):
    method, made = known
    seen = lens(mini, 1)
    now, later = (seen.picture(seen.state(moment)) for moment in (1, 3))
    torch.testing.assert_close(made.pair[1], method.scaled(np.stack([now, later])[None])[0])
    frames = {
        "blurred": cv2.GaussianBlur(now, (0, 0), BLUR),
        "moved": seen.moved(now, 1, 3),
        "noiseless": seen.picture(seen.state(3, {"noise"})),
    }
    for name, frame in frames.items():
        torch.testing.assert_close(getattr(made, name)[1], method.scaled(frame[None, None])[0, 0])
    np.testing.assert_array_equal(made.face[1], seen.face(seen.state(3)))


def test_every_answer_is_what_its_name_says(known):
    _, made = known
    torch.manual_seed(0)
    model = Reconstruction(tiny_settings(size=48)).eval()
    torch.nn.init.normal_(model.decode.draw.weight, std=0.1)
    said = answers(model, made, np.array(["a", "b"]))
    x, stranger = made.pair, made.pair.flip(0)
    with torch.no_grad():
        torch.testing.assert_close(said["drawn"], model(x))
    torch.testing.assert_close(said["drawn, a stranger's action"], swapped(model, x, stranger))
    torch.testing.assert_close(
        said["drawn, all of a stranger"], swapped(model, x, stranger, 1, ("action", "position"))
    )
    torch.testing.assert_close(said["drawn, no action"], swapped(model, x, x, 0))
    assert said["copy of the current frame"] is made.now
    assert said["oracle: no noise"] is made.noiseless


def test_the_error_on_the_face_equals_its_loops(known):
    _, made = known
    expected = []
    for drawn, true, face in zip(made.now, made.later, made.face, strict=True):
        off = [(drawn[:, y, x] - true[:, y, x]).abs().mean().item() for y, x in face.nonzero()]
        expected.append(np.mean(off))
    np.testing.assert_allclose(error_on_face(made.now, made), expected, rtol=1e-4)


def test_everybody_lends_its_rising_movement_to_its_partner(mini):
    lenses = [lens(mini, row, FRAMED.replace(frames=12)) for row in (0, 1, 9)]
    assert lenses[0].rising != lenses[2].rising
    made = swaps(lenses, np.array([1, 2, 0]))
    taker, giver = lenses[2], lenses[0]
    first, last = borrowed(taker, taker.rising[0], giver, *giver.rising)
    np.testing.assert_array_equal(made.exact[2], [taker.picture(first), taker.picture(last)])
    np.testing.assert_array_equal(made.own[2, 1], taker.picture(taker.state(taker.peak)))
    np.testing.assert_array_equal(made.face[2], taker.face(first) & taker.face(last))
    acting = torch.from_numpy(taker.acting(*taker.rising))[None]
    assert torch.equal(made.skin[2], moving_region(acting)[0] & made.face[2])


# Drawing with another's action


def tiny():
    torch.manual_seed(0)
    model = Reconstruction(tiny_settings()).eval()
    torch.nn.init.normal_(model.decode.draw.weight, std=0.1)
    return model


def test_whoever_is_given_its_own_action_is_drawn_as_always():
    model, x = tiny(), noise(3, 2, 3, 32, 32)
    torch.testing.assert_close(swapped(model, x, x), model(x))


def test_of_the_giver_only_the_change_counts_unless_its_position_is_asked_for():
    model, taker, giver = tiny(), noise(2, 2, 3, 32, 32), noise(2, 2, 3, 32, 32, seed=1)
    shifted = giver + noise(2, 1, 3, 32, 32, seed=2)  # another face, the same change
    torch.testing.assert_close(
        swapped(model, taker, giver), swapped(model, taker, shifted), atol=1e-4, rtol=1e-4
    )
    both = ("action", "position")
    far = swapped(model, taker, giver, 1, both) - swapped(model, taker, shifted, 1, both)
    assert far.abs().max() > 1e-3


def test_without_strength_nobody_gives_anything():
    model, taker = tiny(), noise(2, 2, 3, 32, 32)
    still = taker[:, :1].expand_as(taker)
    drawn = swapped(model, taker, noise(2, 2, 3, 32, 32, seed=1), strength=0)
    torch.testing.assert_close(drawn, model(taker, model.encode(still)))


# Likeness and intervals


def literal_likeness(one, other, where, side):
    """Cell by cell."""
    size = one.shape[-1] // side
    values = []
    for change in (one, other):
        grey = change.mean(dim=0)
        grey = torch.where(where, grey - grey[where].mean(), 0.0)
        cells = [
            grey[i * size : (i + 1) * size, j * size : (j + 1) * size].mean()
            for i in range(side)
            for j in range(side)
        ]
        values.append(torch.stack(cells))
    return (values[0] * values[1]).sum() / (values[0].norm() * values[1].norm())


def test_likeness_equals_its_literal_reference():
    one, other = noise(2, 3, 16, 16), noise(2, 3, 16, 16, seed=1)
    where = noise(2, 16, 16, seed=2) > 0
    made = likeness(one, other, where, side=4)
    expected = [literal_likeness(*parts, side=4) for parts in zip(one, other, where, strict=True)]
    torch.testing.assert_close(made, torch.stack(expected))


def test_likeness_knows_the_sign_and_nothing_outside_the_region():
    one, where = noise(1, 3, 16, 16), torch.zeros(1, 16, 16, dtype=torch.bool)
    where[:, 4:12] = True
    other = torch.where(where[:, None], -2 * one + 5, 100.0)
    torch.testing.assert_close(likeness(one, other, where), torch.tensor([-1.0]))


def test_what_changes_everywhere_alike_is_like_nothing():
    one, where = noise(1, 3, 16, 16), torch.ones(1, 16, 16, dtype=torch.bool)
    assert likeness(one, torch.ones_like(one), where).abs() < 1e-3


def test_the_value_is_the_ratio_and_few_people_have_a_wide_interval():
    subjects = np.repeat(np.arange(20), 5)
    part = np.random.RandomState(0).randn(20).repeat(5)
    many, few = ratio_interval(part, 1, subjects), ratio_interval(part[:15], 1, subjects[:15])
    assert many.value == pytest.approx(part.mean())
    assert few.high - few.low > many.high - many.low


def test_a_ratio_weighs_what_is_large():
    made = ratio_interval([1, 30], [2, 100], ["a", "b"])
    assert made.value == pytest.approx(31 / 102)
    assert (made.low, made.high) == pytest.approx((0.3, 0.5))


@pytest.mark.parametrize(
    ("part", "subjects", "message"),
    [([1.0, float("nan")], ["a", "b"], "NaN"), ([1.0, 2.0], ["a", "a"], "two subjects")],
)
def test_what_has_no_interval_is_refused(part, subjects, message):
    with pytest.raises(ValueError, match=message):
        ratio_interval(part, 1, subjects)


def test_the_shares_by_place_by_hand():
    change = torch.zeros(2, 3, 2, 2)
    change[:, :, 0, 0], change[:, :, 1, 1] = torch.tensor([3.0, 1.0])[:, None], -1.0
    corner = torch.tensor([[True, False], [False, False]]).expand(2, 2, 2)
    shares = shares_by_place(change, {"corner": corner, "rest": ~corner}, np.array(["a", "b"]))
    assert shares["corner"].value == pytest.approx(4 / 6)
    assert shares["rest"].value == pytest.approx(2 / 6)


def test_probes_are_asked_several_times_and_their_range_is_kept():
    random = np.random.RandomState(0)
    subjects = np.repeat(["a", "b", "c"], 8)
    features = {"noise": random.randn(24, 3), "known": np.repeat(np.eye(3), 8, axis=0)}
    made = identity_probes(features, subjects, halvings=3)
    hits = [identity_probe(features["noise"], subjects, seed)["accuracy"] for seed in range(3)]
    assert made.loc["noise", ["value", "low", "high"]].tolist() == [np.mean(hits), min(hits), max(hits)]
    assert made.loc["known", "value"] == 1
    assert made["chance"].tolist() == pytest.approx([1 / 3] * 2)


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.3, "above"), (-0.3, -0.1, "below"), (-0.1, 0.3, "neither")]
)
def test_an_interval_is_put_into_words(low, high, word):
    assert tells(Interval(0.0, low, high, 0.95, 10), "above", "below", "neither") == word


def test_intervals_become_rows():
    rows = as_rows({"one": Interval(0.2, 0.1, 0.3, 0.95, 10)})
    assert rows.loc["one"].to_dict() == {"value": 0.2, "low": 0.1, "high": 0.3}
