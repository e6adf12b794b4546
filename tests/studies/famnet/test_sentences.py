"""What is said of a finding, on both sides of each threshold."""

import pandas as pd
import pytest

from mer_core.studies.famnet import (
    beside_the_floor,
    better_branches,
    is_it_the_apex,
    mean_within,
    what_attention_adds,
    what_is_found,
    what_units_hold,
    where_masks_are_open,
    which_claims_hold,
    who_errs_together,
    who_is_best,
    who_it_shows,
    whom_to_trust,
)


@pytest.mark.parametrize(
    ("share", "says"), [(0.51, "above all who it is"), (0.5, "Here a picture tells little of who")]
)
def test_a_picture_tells_who_it_is_if_most_neighbours_are_the_subject(share, says):
    alike = pd.DataFrame({"same subject": [share, 0.2]}, ["apex frame", "change from onset to apex"])
    assert says in who_it_shows(alike)


def test_attention_adds_its_share():
    sizes = pd.DataFrame(
        {"AMNet2D": [80, 100], "AMNet3D": [90, 100]}, ["two tasks, no attention", "two tasks, hier"]
    )
    assert "adds 20% of AMNet2D's parameters and 10% of AMNet3D's" in what_attention_adds(sizes)


@pytest.mark.parametrize(("fused", "says"), [(0.7, "0.10 above"), (0.5, "0.10 below")])
def test_a_fusion_is_compared_with_the_better_of_the_two(fused, says):
    uf1 = {"apex frame": 0.3, "change at apex": 0.4, "clip": 0.6, "fused: apex frame + clip": fused}
    text = who_is_best(uf1, clips=32)
    assert text.startswith("Best on its own is *clip*, last *apex frame*.")
    assert f"is {says} the better of the two. All this is about 32 clips" in text


@pytest.mark.parametrize(("alpha", "says"), [(0.49, "the *clip* more"), (0.5, "the *apex frame* more")])
def test_the_share_says_whom_it_trusts(alpha, says):
    assert says in whom_to_trust(alpha, "clip", "clip")


def test_who_knows_the_trained_clips_best_may_be_worse_elsewhere():
    assert "is also the better one elsewhere" in whom_to_trust(0.2, "clip", "clip")
    assert "is not the one to be trusted" in whom_to_trust(0.2, "clip", "apex frame")


def test_the_better_branch_is_named_for_both_kinds_of_clips(live):
    assert set(better_branches(live)) <= {"apex frame", "clip"}


def test_a_network_finds_units_if_shuffled_clips_hardly_reach_it():
    means = pd.DataFrame({"macro F1, never": [0.45]}, ["clip"])
    precision = pd.DataFrame({"p": [0.049, 0.05]}, ["clip", "apex frame"])
    text = what_is_found(precision, means)
    assert text.startswith("Better than shuffled clips: clip. ")
    assert "a macro F1 of 0.45" in text
    assert what_is_found(precision.iloc[1:], means).startswith("Better than shuffled clips: no network.")


@pytest.mark.parametrize(("low", "says"), [(0.3, "commonest class: weak. Of these"), (0.31, "class: none.")])
def test_a_row_whose_interval_reaches_the_floor_is_named(low, says):
    rows = pd.DataFrame({"about": ["it", "other"], "UF1": [0.6, 0.4], "low": [0.5, low]}, ["good", "weak"])
    text = beside_the_floor(rows, floor=0.3)
    assert "is *it* with 0.600." in text
    assert says in text


JUDGED = pd.DataFrame(
    {
        "claim": ["a", "b", "c"], "verdict": ["supported", "undecided", "not computed"],
        "difference": [0.2, 0.1, None], "low": [0.1, 0.0, None], "high": [0.3, 0.4, None],
        "p": [0.01, 0.2, None], "corrected": [0.02, 0.2, None],
    },
    ["one", "two", "three"],
)  # fmt: skip


def test_claims_are_listed_by_their_verdict_and_no_verdict_is_listed_without_one():
    text = which_claims_hold(JUDGED)
    assert "- supported, 1 of 3: *a*\n- undecided, 1 of 3: *b*\n- not computed, 1 of 3: *c*\n" in text
    assert "not supported" not in text
    assert "is 0.30 wide on average" in text
    assert "less than about 0.15 in UF1" in text


@pytest.mark.parametrize(
    ("exact", "says"), [(0.86, "*seeing* the units"), (0.85, "much of the emotion open")]
)
def test_what_exact_units_are_worth(exact, says):
    text = what_units_hold(exact, 0.66)
    assert f"worth {exact:.2f}, the best stored run has 0.66" in text
    assert says in text


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(0.01, 0.2, "share mistakes"), (0.0, 0.2, "may err together or apart"), (-0.2, -0.01, "err apart,"),
     (-0.2, 0.0, "may err together or apart")],
)  # fmt: skip
def test_networks_share_mistakes_if_the_interval_says_so(low, high, says):
    overlap = pd.DataFrame({"value": [0.1, 0.15], "low": [low, 0], "high": [high, 0.2]}, ["shared", "gain"])
    text = who_errs_together({"pair": overlap}, "Live")
    assert text.startswith("Live: *pair* ")
    assert says in text
    assert text.endswith("the oracle gains 0.15.")


@pytest.mark.parametrize(
    ("at_apex", "says"), [(0.4, "No other frame is better"), (0.3, "not even the best frame")]
)
def test_the_apex_is_the_best_frame_or_is_not(at_apex, says):
    missed = pd.DataFrame({"UF1": [0.1, 0.2, 0.3, at_apex, 0.4, 0.2, 0.3]}, range(-3, 4))
    text = is_it_the_apex(missed, frames=8)
    assert f"14% of the time from onset to offset. At the apex the UF1 is {at_apex:.2f}, " in text
    assert "one frame beside it 0.35, three frames beside it 0.20" in text
    assert says in text


def masks(low, high, random_high=0.0):
    index = pd.MultiIndex.from_product(
        [["level 1"], ["emotion"], ["trained", "random"]], names=["level", "task", "network"]
    )
    return pd.DataFrame({"contrast": [0.1, 0], "low": [low, 0], "high": [high, random_high]}, index)


def test_a_mask_is_open_where_it_moves_only_if_more_than_a_random_one():
    is_open = "random weights: level 1, emotion."
    assert is_open in where_masks_are_open(masks(0.1, 0.2))
    assert is_open not in where_masks_are_open(masks(0.0, 0.2))
    assert is_open not in where_masks_are_open(masks(0.1, 0.2, random_high=0.1))
    assert "than elsewhere: level 1, emotion." in where_masks_are_open(masks(-0.2, -0.1))
    assert "than elsewhere: no mask." in where_masks_are_open(masks(-0.2, 0.0))


def test_a_mean_over_subjects_counts_the_classes_that_each_has():
    table = pd.DataFrame({"subject": ["a", "a", "b"], "truth": [0, 1, 2], "predicted": [0, 0, 2]})
    assert mean_within(table, "subject") == pytest.approx(((2 / 3 + 0) / 2 + 1) / 2)
