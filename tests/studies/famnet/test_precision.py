import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mer_core.studies.famnet.precision import average_precision, precision_interval, precision_test


def drawn(n=40, units=3):
    random = np.random.default_rng(0)
    truth = (random.random((n, units)) < 0.3).astype(float)
    return truth, random.random((n, units)), np.array([f"s{i % 5}" for i in range(n)])


def test_it_is_the_one_of_scikit_learn_also_with_clips_counted_several_times():
    truth, said, _ = drawn()
    weights = np.stack([np.ones(40), np.arange(40) % 3])
    made = average_precision(truth[:, 0], said[:, 0], weights)
    again = np.repeat(np.arange(40), (np.arange(40) % 3))
    assert made[0] == pytest.approx(average_precision_score(truth[:, 0], said[:, 0]))
    assert made[1] == pytest.approx(average_precision_score(truth[again, 0], said[again, 0]))


def test_who_knows_it_is_above_guessing_by_all_that_is_left():
    truth, _, people = drawn()
    made = precision_interval(truth, truth, people)
    assert made.value == pytest.approx(1 - truth.mean())
    assert made.low <= made.value <= made.high


def test_who_guesses_is_not_above_guessing_for_certain():
    made = precision_interval(*drawn(n=400))
    assert made.low < 0.05
    assert abs(made.value) < 0.1


def test_chance_reaches_more_than_the_share_of_few_clips_and_a_guess_no_more_than_chance():
    truth, said, _ = drawn(n=20)
    made = precision_test(truth, said)
    assert made.by_chance > truth.mean() + 0.03
    assert made.p_value > 0.05
    assert 0 < precision_test(truth, truth).p_value < 0.003  # as it is said counts as a draw
    assert precision_test(truth, truth).value == 1


def test_a_unit_that_nobody_shows_does_not_count():
    truth, said, people = drawn()
    nobody = np.zeros((40, 1))
    more = precision_interval(np.hstack([truth, nobody]), np.hstack([said, nobody]), people)
    assert more == precision_interval(truth, said, people)
    assert precision_test(np.hstack([truth, nobody]), np.hstack([said, nobody])) == precision_test(
        truth, said
    )
    with pytest.raises(ValueError, match="an action unit that is shown"):
        precision_test(nobody, nobody)
    with pytest.raises(ValueError, match="labels that are known"):
        precision_test(truth, said * np.nan)


def test_wrong_shapes_and_single_subjects_are_refused():
    truth, said, people = drawn()
    with pytest.raises(ValueError, match="40 clips and 5 subjects"):
        precision_interval(truth, said, people[:5])
    with pytest.raises(ValueError, match="two subjects"):
        precision_interval(truth, said, np.full(40, "s0"))
