import numpy as np
import pandas as pd
import pytest
import torch

from mer_core.scoring import scores
from mer_core.scoring.statistics import Interval
from mer_core.studies.attribution import share_inside
from mer_core.studies.ma2mi import recognition
from mer_core.studies.ma2mi.recognition import CHANGE, EVEN, FIRST, ONE, TWO, UNTRAINED

ABOVE, BELOW, AROUND = (Interval(v, v - 0.1, v + 0.1, 0.95, 10) for v in (0.3, -0.3, 0.0))


@pytest.fixture(scope="module")
def contest(given, drawer):
    return recognition.contest(given, drawer)


@pytest.fixture(scope="module")
def looks(contest):
    return recognition.looks(contest)


# Who is it?


def test_codes_are_those_of_both_branches_before_and_after_and_of_what_they_see(given, drawer):
    codes = recognition.codes(given, drawer)
    assert len(codes) == 6
    assert {len(values) for values in codes.values()} == {len(given.table)}
    onset = given.x[0, 0, :, :12, :12].mean(dim=(1, 2))
    np.testing.assert_allclose(codes["raw onset"][0].reshape(3, 4, 4)[:, 0, 0], onset, rtol=1e-4)


def probes(action, position, raw):
    rows = {"action, pre-trained": action, "position, pre-trained": position, "raw difference": raw}
    return pd.DataFrame({name: {"value": v, "low": v - 0.01, "high": v + 0.01} for name, v in rows.items()}).T


@pytest.mark.parametrize(
    ("action", "position", "raw", "says"),
    [
        (0.5, 0.9, 0.3, ["far above chance", "much more so", "edges that moved"]),
        (0.2, 0.2, 0.3, ["code is above chance", "about as much", "edges that moved"]),
        (0.1, 0.1, 0.1, ["is near chance", "about as much", "The raw difference"]),
    ],
)
def test_a_sentence_says_how_far_codes_give_their_owner_away(action, position, raw, says):
    text = recognition.identity_in_words(probes(action, position, raw), chance=0.1)
    assert all(one in text for one in says)


# Training


def test_all_three_are_trained_on_every_fold_and_one_begins_with_what_was_learnt(contest, given):
    assert list(contest.fitted) == [TWO, FIRST, ONE]
    for name in contest.fitted:
        assert contest.answers(name).shape == (2, len(given.tested))
        assert len(contest.networks[name]) == len(given.folds)
    assert contest.single.settings.branches == "stacked"
    first = [contest.fitted[name][0].epochs[0] for name in (TWO, FIRST)]
    assert (first[0] != first[1]).any()


def test_the_table_holds_the_scores_of_the_last_epoch(contest, given):
    table = recognition.contest_table(contest)
    last = contest.answers(ONE)[-1]
    assert contest.uf1(ONE).value == scores(given.goal, last, given.n_classes).uf1
    assert table.loc[ONE].tolist() == [str(contest.uf1(ONE)), f"{(last == given.goal).mean():.2f}"]
    assert len(recognition.learning_curves(contest).data) == 3


@pytest.mark.parametrize(
    ("two", "first", "one", "says"),
    [(0.5, 0.6, 0.3, ["adds 0.10", "0.20 above"]), (0.5, 0.4, 0.8, ["takes 0.10", "0.30 below"])],
)
def test_a_sentence_says_what_the_first_stage_and_the_second_branch_are_worth(two, first, one, says):
    text = recognition.contest_in_words(two, first, one, clips=32)
    assert all(each in text for each in [*says, "A fold of 32 clips"])


# Where they look


def test_maps_are_those_of_five_networks_and_of_the_change(looks, given):
    assert list(looks.maps) == [CHANGE, TWO, FIRST, ONE, *UNTRAINED.values()]
    x = given.x[given.tested]
    torch.testing.assert_close(looks.maps[CHANGE], (x[:, 1] - x[:, 0]).abs().sum(dim=1))
    assert looks.regions.shape == looks.maps[TWO].shape


def test_shares_are_means_over_sound_clips(looks):
    sound, focus = looks.sound, looks.focus()
    expected = share_inside(looks.maps[CHANGE], looks.regions)[sound].mean()
    assert focus[CHANGE].value == pytest.approx(float(expected), rel=1e-5)
    assert focus[EVEN].value == pytest.approx(looks.regions.float().mean(dim=(1, 2))[sound].mean().item())
    assert looks.table().loc[EVEN, "peak inside"] == ""
    off = focus[TWO].value - focus[ONE].value
    assert looks.differences()["two branches less one encoder"].value == pytest.approx(off, abs=1e-6)
    assert f"{sound.sum()} of {len(sound)} clips" in str(looks)
    assert len(recognition.look_pictures(looks).frames) == 5


@pytest.mark.parametrize(
    ("two_one", "training", "says"),
    [
        (ABOVE, ABOVE, ["look more at", "into the region"]),
        (BELOW, BELOW, ["look less at", "out of the region"]),
        (AROUND, AROUND, ["neither clearly more", "has not clearly moved"]),
    ],
)
def test_a_sentence_says_who_looks_where(two_one, training, says):
    text = recognition.looks_in_words(two_one, training, 0.1, 0.2)
    assert all(one in text for one in says)
    assert text.endswith("a share of 0.10 inside.")


def test_a_map_that_nobody_had_to_learn_may_be_better_than_any():
    text = recognition.looks_in_words(AROUND, AROUND, 0.2, 0.2)
    assert text.endswith("no evidence of anything learnt.")
