import numpy as np
import pandas as pd
import pytest

from mer_core.scoring import scores
from mer_core.studies.famnet import complementarity, who_is_right
from mer_core.studies.famnet.complementarity import (
    averaged,
    mean_interval,
    oracle,
    overlap_counts,
    overlap_table,
)


def table(predicted, truth=(0, 0, 1, 1, 2, 2), subjects=("a", "b") * 3):
    probabilities = np.eye(3)[list(predicted)] * 0.7 + 0.1
    made = pd.DataFrame({"clip": [f"c{i}" for i in range(len(truth))], "subject": subjects, "seed": 0,
                         "truth": truth, "predicted": predicted})  # fmt: skip
    made[[f"p_{i}" for i in range(3)]] = probabilities
    return made


def drawn(seed, n=120):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n)
    guess = np.where(random.random(n) < 0.6, truth, random.integers(0, 3, n))
    people = [f"s{i % 10}" for i in range(n)]
    return table(guess, truth, people)


FIRST, SECOND = table((0, 0, 0, 0, 2, 0)), table((0, 1, 1, 0, 2, 2))


def test_counts_are_those_of_a_literal_loop():
    first, second = drawn(0), drawn(0).assign(predicted=drawn(1)["predicted"])
    counts = overlap_counts(first, second, 3)
    expected = np.zeros((10, 3, 2, 2), int)
    for one, other in zip(first.itertuples(), second.itertuples(), strict=True):
        subject = int(one.subject[1:])
        expected[subject, one.truth, int(one.predicted == one.truth), int(other.predicted == one.truth)] += 1
    np.testing.assert_array_equal(counts, expected)


def test_shares_are_means_over_the_classes():
    made = overlap_table(FIRST, SECOND, 3)["value"]
    assert made["first"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert made["second"] == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert made["either"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert made["by chance"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert made["gain"] == pytest.approx(2.5 / 3 - 2 / 3)


def test_a_method_shares_all_its_errors_with_itself_and_gains_nothing():
    one = drawn(3)
    made = overlap_table(one, one, 3)
    assert made.loc["gain"].tolist() == pytest.approx([0, 0, 0])
    assert made.loc["shared", "low"] > 0


def test_errors_that_never_meet_are_shared_less_than_by_chance():
    truth = np.tile([0, 1, 2], 20)
    people = np.repeat([f"s{i}" for i in range(6)], 10)
    wrong = (truth + 1) % 3
    half = np.arange(60) // 3 % 2 == 0
    pair = (table(np.where(where, truth, wrong), truth, people) for where in (half, ~half))
    made = overlap_table(*pair, 3)
    assert made.loc["either", "value"] == 1
    assert made.loc["shared", "high"] < 0


def test_a_class_that_a_draw_lacks_does_not_count_in_it():
    truth = (0, 0, 1, 1)
    one = table((0, 0, 1, 0), truth, ("a", "a", "b", "b"))
    assert not overlap_table(one, one, 3).isna().any(axis=None)


def test_the_oracle_takes_whichever_is_right():
    best = oracle(FIRST, SECOND)
    assert best["predicted"].tolist() == [0, 0, 1, 0, 2, 2]
    uar = scores(best["truth"], best["predicted"], 3).uar
    assert uar == pytest.approx(overlap_table(FIRST, SECOND, 3).loc["either", "value"])


def test_order_of_rows_does_not_matter():
    other = SECOND.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(overlap_table(FIRST, other, 3), overlap_table(FIRST, SECOND, 3))
    pd.testing.assert_frame_equal(averaged(FIRST, other), averaged(FIRST, SECOND))


def test_a_mean_of_probabilities_follows_the_surer_one():
    sure, unsure = table((0,) * 6), table((1,) * 6)
    names = ["p_0", "p_1", "p_2"]
    unsure[names] = [0.3, 0.4, 0.3]
    made = averaged(sure, unsure)
    assert made["predicted"].eq(0).all()
    np.testing.assert_allclose(made[names].to_numpy()[0], [0.55, 0.25, 0.2])


def test_a_mean_is_over_clips_and_its_interval_over_people():
    values, people = np.array([1.0, 1, 1, 0, np.nan]), np.array(["a", "a", "a", "b", "b"])
    made = mean_interval(values, people)
    assert made.value == 0.75
    assert (made.low, made.high) == (0, 1)  # both draws of one person twice are likely
    assert mean_interval(np.full(4, 0.3), people[1:]).high == pytest.approx(0.3)


def test_other_clips_and_single_subjects_are_refused():
    with pytest.raises(ValueError, match="same clips"):
        overlap_table(FIRST, SECOND.iloc[:4], 3)
    with pytest.raises(ValueError, match="at least two subjects"):
        overlap_table(FIRST.assign(subject="a"), SECOND.assign(subject="a"), 3)


def test_who_is_right_is_all_of_the_clips():
    parts = who_is_right(overlap_table(FIRST, SECOND, 3))
    assert sum(parts.values()) == pytest.approx(1)
    assert list(parts) == ["both", "only the first", "only the second", "neither"]


def test_an_equal_budget_is_compared_with_the_better_one_alone():
    pairs = {complementarity.DIFFERENT: (FIRST, SECOND), complementarity.SAME: (FIRST, FIRST)}
    rows = complementarity.equal_budget(pairs)
    assert (
        rows.loc[complementarity.SAME, "difference"] == 0
    )  # the mean of a network and itself is that network
    assert list(rows.index)[-1] == "change and clip, less clip and clip"
    assert list(complementarity.equal_budget({"one": pairs[complementarity.SAME]}).index) == ["one"]


def test_only_pairs_that_are_stored_are_compared(monkeypatch):
    monkeypatch.setattr(complementarity, "find_run", lambda name: None)
    assert complementarity.stored_pairs() == {}
