from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare
from scipy.stats import permutation_test as scipy_permutation_test
from sklearn.metrics import precision_recall_fscore_support

from mer_core.figures.ranking import critical_differences as picture
from mer_core.scoring import scores, statistics
from mer_core.scoring.statistics import (
    FORMULAS,
    block_scores,
    bootstrap_interval,
    columns,
    critical_differences,
    difference_interval,
    holm,
    paired,
    per_class,
    permutation_test,
    same_seeds,
    score_matrices,
    seeds_interval,
    subject_matrices,
)


def answers(rng, truth, right, n_classes=3):
    """Right with this probability (one a clip or one for all), else any class."""
    return np.where(rng.random(len(truth)) < right, truth, rng.integers(0, n_classes, len(truth)))


def crowd(seed, subjects=8, clips=5, right=0.6, n_classes=3):
    """Truth, the answers of two equally good methods, subjects."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, subjects * clips)
    first, second = answers(rng, truth, right, n_classes), answers(rng, truth, right, n_classes)
    return truth, first, second, np.repeat([f"s{i}" for i in range(subjects)], clips)


def table(truth, predicted, subjects, **more):
    clips = [f"c{i}" for i in range(len(truth))]
    return pd.DataFrame(
        {"clip": clips, "subject": subjects, "truth": truth, "predicted": predicted, **{"seed": 0, **more}}
    )


labelled = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 4)),
    min_size=2,
    max_size=30,
).filter(lambda clips: len({clip[3] for clip in clips}) > 1)


@pytest.mark.parametrize("score", FORMULAS)
@given(labelled)
def test_scores_of_matrices_equal_those_of_labels(score, clips):
    truth, predicted, _, subjects = np.array(clips).T
    _, matrices = subject_matrices(truth, predicted, subjects, 3)
    assert score_matrices(matrices.sum(0), score) == pytest.approx(
        getattr(scores(truth, predicted, 3), score), abs=1e-12
    )


def test_each_subject_has_its_own_matrix():
    truth, predicted, _, subjects = crowd(0)
    names, matrices = subject_matrices(truth, predicted, subjects, 3)
    for name, matrix in zip(names, matrices, strict=True):
        mine = subjects == name
        assert (matrix == scores(truth[mine], predicted[mine], 3).confusion).all()


# Bootstrap


@pytest.mark.parametrize("score", FORMULAS)
def test_the_interval_equals_a_loop_over_draws(score):
    truth, predicted, _, subjects = crowd(1)
    names = np.unique(subjects)
    times = np.random.default_rng(4).multinomial(8, [1 / 8] * 8, size=50)
    values = []
    for row in times:
        clips = np.concatenate(
            [np.tile(np.flatnonzero(subjects == n), k) for n, k in zip(names, row, strict=True)]
        )
        values.append(getattr(scores(truth[clips], predicted[clips], 3), score))
    made = bootstrap_interval(truth, predicted, subjects, 3, score=score, level=0.8, draws=50, seed=4)
    assert (made.low, made.high) == pytest.approx(np.quantile(values, [0.1, 0.9]), abs=1e-12)
    assert made.value == pytest.approx(getattr(scores(truth, predicted, 3), score), abs=1e-12)


def test_the_interval_of_one_clip_each_equals_the_binomial():
    truth = np.zeros(50, int)
    predicted = np.repeat([0, 1], [40, 10])
    made = bootstrap_interval(truth, predicted, np.arange(50), 2, score="accuracy", draws=20_000)
    half = 1.96 * np.sqrt(0.8 * 0.2 / 50)
    assert (made.low, made.high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.011)  # steps of 0.02


def hits(resampled, people=25, clips=8, worlds=150):
    """How often the interval holds the true accuracy, if people differ: some are half right, some all."""
    held = 0
    for world in range(worlds):
        rng = np.random.default_rng(world)
        subjects = np.repeat(np.arange(people), clips)
        truth = np.zeros(people * clips, int)
        right = np.where(rng.random(people) < 0.5, 0.4, 1.0)[subjects]
        predicted = (rng.random(len(truth)) > right).astype(int)
        unit = subjects if resampled == "subjects" else np.arange(len(truth))
        made = bootstrap_interval(truth, predicted, unit, 2, score="accuracy", draws=300, seed=world)
        held += made.low <= 0.7 <= made.high
    return held / worlds


def test_the_interval_over_subjects_covers_the_truth_and_one_over_clips_does_not():
    assert 0.88 <= hits("subjects") <= 0.99
    assert hits("clips") < 0.80


@given(labelled, st.sampled_from(list(FORMULAS)))
@settings(max_examples=50)
def test_the_interval_is_ordered_and_ignores_the_order_of_clips(clips, score):
    truth, predicted, _, subjects = np.array(clips).T
    made = bootstrap_interval(truth, predicted, subjects, 3, score, draws=30)
    assert 0 <= made.low <= made.high <= 1
    assert made == bootstrap_interval(truth[::-1], predicted[::-1], subjects[::-1], 3, score, draws=30)


def test_a_wider_level_gives_a_wider_interval_and_another_seed_another_one():
    truth, predicted, _, subjects = crowd(2)
    at = [bootstrap_interval(truth, predicted, subjects, 3, level=level) for level in (0.5, 0.95)]
    assert at[1].low < at[0].low < at[0].high < at[1].high
    assert at[1] != bootstrap_interval(truth, predicted, subjects, 3, seed=1)


def test_an_interval_reads_as_text():
    assert str(statistics.Interval(0.6123, 0.5, 0.7, 0.95, 10)) == "0.612 [0.500, 0.700]"


# Permutation


def swapped(truth, first, second, subjects, score, swap):
    """Difference of the two methods after the swap of these subjects, as it reads."""
    moved = np.isin(subjects, swap)
    a, b = np.where(moved, second, first), np.where(moved, first, second)
    return getattr(scores(truth, a, 3), score) - getattr(scores(truth, b, 3), score)


@pytest.mark.parametrize("score", FORMULAS)
def test_the_exact_p_value_equals_a_loop_over_all_swaps(score):
    truth, first, second, subjects = crowd(3, subjects=6, clips=4)
    names = np.unique(subjects)
    observed = abs(swapped(truth, first, second, subjects, score, []))
    ways = [names[np.array(which, bool)] for which in product([0, 1], repeat=6)]
    larger = [abs(swapped(truth, first, second, subjects, score, way)) >= observed - 1e-12 for way in ways]
    made = permutation_test(truth, first, second, subjects, 3, score=score)
    assert made.is_exact
    assert made.p_value == pytest.approx(np.mean(larger), abs=1e-12)


def test_the_random_p_value_equals_a_loop_over_draws_and_counts_the_observed_way():
    truth, first, second, subjects = crowd(4, subjects=8, clips=9)
    names = np.unique(subjects)  # each answered differently by the two methods, so that each is swapped
    swaps = np.random.default_rng(5).integers(0, 2, size=(40, 8)).astype(bool)
    observed = abs(swapped(truth, first, second, subjects, "uf1", []))
    larger = [
        abs(swapped(truth, first, second, subjects, "uf1", names[s])) >= observed - 1e-12 for s in swaps
    ]
    made = permutation_test(truth, first, second, subjects, 3, draws=40, seed=5)
    assert not made.is_exact
    assert made.p_value == pytest.approx((sum(larger) + 1) / 41, abs=1e-12)


def test_accuracy_is_tested_as_scipy_tests_paired_means():
    truth, first, second, subjects = crowd(5)
    _, a = subject_matrices(truth, first, subjects, 3)
    _, b = subject_matrices(truth, second, subjects, 3)
    right = [matrices.trace(axis1=1, axis2=2) for matrices in (a, b)]
    reference = scipy_permutation_test(
        right, lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", vectorized=True
    )
    made = permutation_test(truth, first, second, subjects, 3, score="accuracy")
    assert made.p_value == pytest.approx(reference.pvalue, abs=1e-12)


def test_random_swaps_come_close_to_all_swaps():
    truth, first, second, subjects = crowd(6, subjects=12)
    exact = permutation_test(truth, first, second, subjects, 3)
    random = permutation_test(truth, first, second, subjects, 3, draws=2000)
    assert exact.is_exact
    assert not random.is_exact
    assert random.p_value == pytest.approx(exact.p_value, abs=0.04)  # 4 standard errors of 2000 draws


def test_p_values_are_even_under_the_null():
    p = np.array([permutation_test(*crowd(seed, subjects=12), 3, draws=199).p_value for seed in range(300)])
    assert np.mean(p <= 0.05) <= 0.09  # 0.05 and three standard errors of 300
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.09)


def test_a_clear_effect_has_a_small_p_value():
    rng = np.random.default_rng(0)
    truth, _, _, subjects = crowd(7, subjects=20)
    made = permutation_test(
        truth, answers(rng, truth, 0.9), answers(rng, truth, 0.3), subjects, 3, draws=2000
    )
    assert made.p_value == pytest.approx(1 / 2001)
    assert made.difference > 0.3


def test_swapping_clips_instead_of_subjects_would_claim_too_much():
    truth, _, _, subjects = crowd(8, subjects=4, clips=20)
    lucky = np.where(subjects == "s0", truth, (truth + 1) % 3)  # better on one person only
    wrong = (truth + 1) % 3
    assert permutation_test(truth, lucky, wrong, subjects, 3).p_value == 1.0
    assert permutation_test(truth, lucky, wrong, np.arange(80), 3).p_value < 0.001


@given(labelled, st.sampled_from(list(FORMULAS)))
@settings(max_examples=50)
def test_the_test_is_symmetric_and_equal_methods_are_equal(clips, score):
    truth, first, second, subjects = np.array(clips).T
    there = permutation_test(truth, first, second, subjects, 3, score)
    back = permutation_test(truth, second, first, subjects, 3, score)
    assert there.p_value == back.p_value > 0
    assert there.difference == pytest.approx(-back.difference, abs=1e-12)
    assert permutation_test(truth, first, first, subjects, 3, score).p_value == 1.0


# Tables


def test_rows_are_paired_by_clip_and_seed_in_any_order():
    truth, first, second, subjects = crowd(9)
    shuffled = table(truth, second, subjects).sample(frac=1, random_state=0)
    made = paired(table(truth, first, subjects), shuffled)
    assert permutation_test(**made, n_classes=3) == permutation_test(truth, first, second, subjects, 3)


def in_two_seeds(seed):
    """Two methods with two trainings each, as tables."""
    truth, *said, subjects = crowd(seed, subjects=4)
    others = crowd(seed + 1, subjects=4)[1:3]
    return [
        pd.concat([table(truth, one, subjects, seed=0), table(truth, other, subjects, seed=1)])
        for one, other in zip(said, others, strict=True)
    ]


@pytest.mark.parametrize("score", FORMULAS)
def test_of_several_seeds_the_mean_scores_are_compared(score):
    first, second = in_two_seeds(3)
    asked = {**paired(first, second), "n_classes": 3, "score": score}
    test, people = permutation_test(**asked), sorted(set(first["subject"]))

    def mean(said):
        return np.mean(
            [getattr(scores(t["truth"], t["predicted"], 3), score) for _, t in said.groupby("seed")]
        )

    gaps = []
    for swapped in product([False, True], repeat=len(people)):
        swap = first["subject"].map(dict(zip(people, swapped, strict=True))).to_numpy()
        one = first.assign(predicted=np.where(swap, second["predicted"], first["predicted"]))
        other = second.assign(predicted=np.where(swap, first["predicted"], second["predicted"]))
        gaps.append(mean(one) - mean(other))
    assert test.difference == pytest.approx(mean(first) - mean(second))
    assert difference_interval(**asked).value == pytest.approx(test.difference)
    assert test.p_value == pytest.approx(np.mean(np.abs(gaps) > abs(test.difference) - 1e-12))


def test_a_seed_that_lacks_a_subject_is_scored_without_it():
    truth, first, second, subjects = crowd(9)
    one, other = seeds_of(truth, first, second, subjects)
    unfinished = pd.concat([one, other[other["subject"] != "s0"]])
    made = seeds_interval(unfinished, "accuracy")
    right = [(part["truth"] == part["predicted"]).mean() for _, part in unfinished.groupby("seed")]
    assert made.value == pytest.approx(np.mean(right))
    assert made.low < made.value < made.high


def test_runs_without_a_seed_in_common_are_refused():
    one, other = seeds_of(*crowd(9))
    with pytest.raises(ValueError, match=r"seeds \[0\] and \[1\]"):
        same_seeds(one, other)


def test_a_table_gives_the_same_interval_as_its_columns():
    truth, predicted, _, subjects = crowd(9)
    made = bootstrap_interval(**columns(table(truth, predicted, subjects)), n_classes=3)
    assert made == bootstrap_interval(truth, predicted, subjects, 3)


def seeds_of(truth, first, second, subjects):
    likely = dict.fromkeys(("p_a", "p_b", "p_c"), 0.0)
    return [table(truth, said, subjects, seed=seed, **likely) for seed, said in enumerate((first, second))]


@pytest.mark.parametrize("score", FORMULAS)
def test_the_interval_of_a_mean_over_seeds_equals_a_loop_over_draws(score):
    truth, first, second, subjects = crowd(9)
    names, values = np.unique(subjects), []
    for row in np.random.default_rng(4).multinomial(8, [1 / 8] * 8, size=50):
        clips = np.concatenate(
            [np.tile(np.flatnonzero(subjects == n), k) for n, k in zip(names, row, strict=True)]
        )
        both = [scores(truth[clips], said[clips], 3) for said in (first, second)]
        values.append(np.mean([getattr(one, score) for one in both]))
    made = seeds_interval(
        pd.concat(seeds_of(truth, first, second, subjects)), score, level=0.8, draws=50, seed=4
    )
    assert (made.low, made.high) == pytest.approx(np.quantile(values, [0.1, 0.9]), abs=1e-12)


def test_the_interval_of_one_seed_is_that_of_its_clips():
    made = crowd(9)
    assert seeds_interval(seeds_of(*made)[0]) == bootstrap_interval(made[0], made[1], made[3], 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.iloc[1:], r"1 stand in only one, such as \[\('c0', 0\)\]"),
        (lambda t: t.assign(seed=1), "80 stand in only one"),
        (lambda t: t.assign(truth=(t["truth"] + 1) % 3), "disagree on the truth of 40 clips"),
        (lambda t: t.assign(subject="x"), "disagree on the subject of 40 clips"),
        (lambda t: pd.concat([t, t.head(1)]), r"one prediction a clip and seed, but \['c0'\]"),
        (lambda t: t.drop(columns="truth"), r"lacks the columns \['truth'\]"),
    ],
)
def test_tables_that_differ_are_refused(change, message):
    truth, first, _, subjects = crowd(10)
    whole = table(truth, first, subjects)
    with pytest.raises(ValueError, match=message):
        paired(whole, change(whole))


# Holm


def test_holm_corrects_by_hand_computed_factors_in_the_given_order():
    made = holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.005})
    assert list(made) == ["a", "b", "c", "d"]
    assert list(made.values()) == pytest.approx([0.06, 0.03, 0.06, 0.02], abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_equals_its_definition(values):
    made = holm(dict(enumerate(values)))
    for i, p in enumerate(values):
        ranked = sorted(values)
        steps = [min(1, (len(values) - k) * q) for k, q in enumerate(ranked) if q <= p]
        assert made[i] == pytest.approx(max(steps), abs=1e-12)
        assert p <= made[i] <= 1


def test_holm_refuses_what_is_no_p_value():
    with pytest.raises(ValueError, match=r"p-values from 0 to 1, got something else for \['b', 'c'\]"):
        holm({"a": 0.1, "b": 1.2, "c": float("nan")})


# Ranks


def test_mean_ranks_by_hand():
    values = pd.DataFrame({"low": [1, 2, 1], "high": [3, 3, 2], "tied": [3, 1, 2]})
    made = critical_differences(values)
    assert made.ranks == pytest.approx(
        {"high": (1.5 + 1 + 1.5) / 3, "tied": (1.5 + 3 + 1.5) / 3, "low": 8 / 3}
    )
    assert list(made.ranks) == ["high", "tied", "low"]


@pytest.mark.parametrize(("methods", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_that_of_the_published_table(methods, q):
    values = pd.DataFrame(np.random.default_rng(0).random((14, methods)))
    expected = q * np.sqrt(methods * (methods + 1) / (6 * 14))  # Demšar (2006), table 5a and equation 7
    assert critical_differences(values).difference == pytest.approx(expected, rel=3e-4)


def test_friedman_is_scipys():
    values = pd.DataFrame(np.random.default_rng(1).integers(0, 4, (12, 4)))
    reference = friedmanchisquare(*values.to_numpy().T)
    made = critical_differences(values)
    assert (made.statistic, made.p_value) == pytest.approx(tuple(reference), abs=1e-12)


def test_methods_that_always_tie_are_one_group():
    made = critical_differences(pd.DataFrame(np.ones((9, 3)), columns=list("abc")))
    assert (made.statistic, made.p_value, made.groups) == (0.0, 1.0, [["a", "b", "c"]])


@given(st.lists(st.floats(1, 6), min_size=3, max_size=7), st.floats(0.1, 4))
def test_groups_join_exactly_the_pairs_closer_than_the_difference(ranks, difference):
    ranks = {f"m{i}": rank for i, rank in enumerate(sorted(ranks))}
    made = statistics.CriticalDifferences(ranks, difference, 0.0, 1.0, 9, 0.95)
    joined = {(a, b) for group in made.groups for a in group for b in group if a < b}
    assert joined == {
        (a, b) for a in ranks for b in ranks if a < b and ranks[b] < ranks[a] + difference - 1e-12
    }
    assert not any(set(a) < set(b) for a in made.groups for b in made.groups)


def test_block_scores_have_a_row_a_subject_and_a_column_a_method():
    truth, first, second, subjects = crowd(11)
    made = block_scores({"a": table(truth, first, subjects), "b": table(truth, second, subjects)}, 3)
    mine = subjects == "s3"
    assert made.shape == (8, 2)
    assert made.loc["s3", "b"] == pytest.approx((truth[mine] == second[mine]).mean())


def test_blocks_may_be_seeds():
    truth, first, second, subjects = crowd(11)
    tables = {
        name: table(truth, x, subjects, seed=np.arange(40) % 2) for name, x in (("a", first), ("b", second))
    }
    assert block_scores(tables, 3, by="seed").loc[1, "a"] == pytest.approx((truth == first)[1::2].mean())


def test_block_scores_refuse_other_folds():
    truth, first, second, subjects = crowd(11)
    tables = {
        "a": table(truth, first, subjects, fold=subjects),
        "b": table(truth, second, subjects, fold="all"),
    }
    with pytest.raises(ValueError, match="disagree on the fold of 40 clips"):
        block_scores(tables, 3, by="fold")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), "at least three methods.*got 2 and 2.*permutation_test"),
        (pd.DataFrame({"a": [1], "b": [1], "c": [2]}), "two subjects or folds"),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": [2, np.nan]}), r"gaps in \['c'\]"),
    ],
)
def test_too_few_methods_or_blocks_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        critical_differences(values)


def test_the_picture_says_ranks_groups_and_difference_in_words():
    result = statistics.CriticalDifferences({"best": 1.2, "mid": 2.0, "last": 2.8}, 1.0, 9.0, 0.01, 20, 0.95)
    figure = picture(result)
    for text in ("best 1.20, mid 2.00, last 2.80", "at least 1.00", "best, mid; mid, last"):
        assert text in figure.layout.meta["alt"]
    bars = [trace for trace in figure.data if "not told apart" in (trace.hovertemplate or "")]
    assert [tuple(np.round(bar.y)) for bar in bars] == [(0, 1), (1, 2)]


# Per class, per subject


def test_rows_by_class_equal_scikit_learn():
    truth, predicted, _, _ = crowd(12)
    expected = np.array(precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=0))
    made = per_class(truth, predicted, 4, classes=["negative", "positive", "surprise", "absent"])
    assert pytest.approx(expected, abs=1e-12) == made[["precision", "recall", "f1", "clips"]].to_numpy().T
    assert made.loc["absent", "f1"] == 0
    assert made["answered"].sum() == made["clips"].sum() == len(truth)


# Errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": "f1"}, "no score 'f1'; there are uf1, uar, accuracy, weighted_f1"),
        ({"subjects": ["a"] * 40}, "at least two subjects, got"),
        ({"subjects": ["a", "b"]}, "one subject a clip, got 2 for 40"),
        ({"predicted": [0, 1]}, "one prediction a clip"),
        ({"n_classes": 2}, r"labels 0 to 1, got \[2\]"),
        ({"level": 95}, "95 % is 0.95"),
        ({"draws": 0}, "at least one draw"),
    ],
)
def test_wrong_input_to_the_interval_is_refused(change, message):
    truth, predicted, _, subjects = crowd(14)
    given = {"truth": truth, "predicted": predicted, "subjects": subjects, "n_classes": 3}
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(**{**given, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": "macro"}, "no score 'macro'; there are uf1"),
        ({"subjects": ["a"] * 40}, "at least two subjects, got"),
        ({"second": [0, 1]}, "one prediction a clip"),
        ({"draws": 0}, "at least one draw"),
    ],
)
def test_wrong_input_to_the_test_is_refused(change, message):
    truth, first, second, subjects = crowd(14)
    given = {"truth": truth, "first": first, "second": second, "subjects": subjects, "n_classes": 3}
    with pytest.raises(ValueError, match=message):
        permutation_test(**{**given, **change})


def test_class_names_must_fit():
    with pytest.raises(ValueError, match="3 class names, got 2"):
        per_class([0, 1], [0, 2], 3, classes=["a", "b"])


def test_the_interval_of_a_difference_meets_the_same_subjects_in_both_methods():
    draw = np.random.default_rng(0)
    truth, subjects = draw.integers(0, 3, 60), np.repeat([f"s{i:02}" for i in range(12)], 5)
    first = np.where(draw.random(60) < 0.7, truth, draw.integers(0, 3, 60))
    second = draw.integers(0, 3, 60)
    made = difference_interval(truth, first, second, subjects, 3, draws=300, seed=4)
    times = np.random.default_rng(4).multinomial(12, np.full(12, 1 / 12), size=300)
    drawn = []
    for often in times:
        rows = np.repeat(np.arange(60), np.repeat(often, 5))
        drawn.append(scores(truth[rows], first[rows], 3).uf1 - scores(truth[rows], second[rows], 3).uf1)
    assert made.value == pytest.approx(scores(truth, first, 3).uf1 - scores(truth, second, 3).uf1)
    assert (made.low, made.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


def test_a_method_does_not_differ_from_itself():
    answers = [0, 1, 1, 0]
    made = difference_interval([0, 1, 0, 1], answers, answers, ["a", "a", "b", "b"], 2)
    assert (made.value, made.low, made.high) == (0, 0, 0)


def test_the_difference_to_a_constant_score_is_the_scores_own_interval():
    draw = np.random.default_rng(2)
    truth, subjects = draw.integers(0, 3, 60), np.tile([f"s{i}" for i in range(10)], 6)
    made = np.where(draw.random(60) < 0.6, truth, 0)
    own = bootstrap_interval(truth, made, subjects, 3, score="accuracy")
    gap = difference_interval(truth, made, truth, subjects, 3, score="accuracy")
    assert (gap.value, gap.low, gap.high) == pytest.approx((own.value - 1, own.low - 1, own.high - 1))
