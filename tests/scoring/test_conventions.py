from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from mer_core.scoring import scores
from mer_core.scoring.conventions import CONVENTIONS, Predictions, audit

# STSTNet's published answers on the 442 clips of MEGC 2019 (STSTNet_logfile.txt of its repository).
STSTNET = [[219, 22, 9], [40, 62, 7], [21, 3, 59]]

zero = partial(f1_score, average="macro", labels=range(3), zero_division=0)
skip = partial(f1_score, average="macro", zero_division=0)


def predictions(truth, predicted, folds=None, pieces=None, n_classes=3):
    truth, predicted = np.asarray(truth), np.atleast_2d(predicted)
    folds = np.zeros(len(truth), int) if folds is None else np.asarray(folds)
    pieces = np.ones(len(truth), int) if pieces is None else np.asarray(pieces)
    return Predictions(truth, predicted, folds, pieces, n_classes)


def from_matrix(matrix):
    return predictions(
        *np.array([(t, p) for t, row in enumerate(matrix) for p, n in enumerate(row) for _ in range(n)]).T
    )


def random_predictions(seed, epochs=6, clips=40, folds=8):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, clips)
    predicted = np.where(rng.random((epochs, clips)) < 0.5, truth, rng.integers(0, 3, (epochs, clips)))
    return predictions(truth, predicted, rng.integers(0, folds, clips), rng.integers(1, 9, clips))


def by_fold(p, predicted):
    return [(p.truth[p.folds == fold], predicted[p.folds == fold]) for fold in np.unique(p.folds)]


def latest_best(p, score):
    """The answers of each fold's epoch with the highest score, found by walking through the epochs."""
    chosen = np.empty_like(p.truth)
    for fold in np.unique(p.folds):
        best, rows = -1.0, p.folds == fold
        for epoch in p.predicted:
            if (made := score(p.truth[rows], epoch[rows])) >= best - 1e-12:
                best, chosen[rows] = made, epoch[rows]
    return chosen


seeds = pytest.mark.parametrize("seed", range(5))


@seeds
def test_pooled_is_the_books_own_score(seed):
    p = random_predictions(seed)
    made, expected = CONVENTIONS["pooled"](p), scores(p.truth, p.predicted[-1], 3)
    assert (made.f1, made.uar, made.accuracy) == pytest.approx(
        (expected.uf1, expected.uar, expected.accuracy), abs=1e-12
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@seeds
@pytest.mark.parametrize(
    ("name", "f1", "recall"),
    [
        ("fold-mean-zero", zero, partial(recall_score, average="macro", labels=range(3), zero_division=0)),
        ("fold-mean-skip", skip, partial(recall_score, average="macro", zero_division=0)),
        ("fold-mean-weighted", partial(f1_score, average="weighted", zero_division=0), None),
    ],
)
def test_fold_means_equal_a_loop_over_folds_with_scikit_learn(name, f1, recall, seed):
    p = random_predictions(seed)
    made, folds = CONVENTIONS[name](p), by_fold(p, p.predicted[-1])
    assert made.f1 == pytest.approx(np.mean([f1(t, a) for t, a in folds]), abs=1e-12)
    assert made.accuracy == pytest.approx(np.mean([accuracy_score(t, a) for t, a in folds]), abs=1e-12)
    expected = np.mean([recall(t, a) for t, a in folds]) if recall else np.nan
    assert made.uar == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_an_absent_class_makes_073_of_a_fold_or_049():
    fold = predictions([0, 0, 1, 1], [0, 0, 0, 1])
    assert CONVENTIONS["fold-mean-skip"](fold).f1 == pytest.approx(0.7333, abs=1e-4)
    assert CONVENTIONS["fold-mean-zero"](fold).f1 == pytest.approx(0.4889, abs=1e-4)


def test_a_fold_of_one_class_is_a_third_or_all_and_one_slip_halves_it():
    perfect, slip = predictions([0] * 9, [0] * 9), predictions([0] * 9, [0] * 8 + [1])
    assert CONVENTIONS["fold-mean-zero"](perfect).f1 == pytest.approx(1 / 3)
    assert CONVENTIONS["fold-mean-skip"](perfect).f1 == 1.0
    assert CONVENTIONS["fold-mean-skip"](slip).f1 == pytest.approx(8 / 17)


@seeds
def test_sub_clips_equal_clips_written_down_once_a_piece(seed):
    p = random_predictions(seed)
    rows = [i for i, times in enumerate(p.pieces) for _ in range(times)]
    made, expected = CONVENTIONS["sub-clips"](p), scores(p.truth[rows], p.predicted[-1][rows], 3)
    assert (made.f1, made.uar, made.accuracy) == pytest.approx(
        (expected.uf1, expected.uar, expected.accuracy), abs=1e-12
    )


@seeds
def test_the_best_epoch_equals_a_walk_through_the_epochs(seed):
    p = random_predictions(seed)
    made, expected = CONVENTIONS["best-epoch"](p), scores(p.truth, latest_best(p, accuracy_score), 3)
    assert (made.f1, made.uar, made.accuracy) == pytest.approx(
        (expected.uf1, expected.uar, expected.accuracy), abs=1e-12
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@seeds
def test_mixed_epochs_take_f1_and_accuracy_from_different_answers(seed):
    p = random_predictions(seed)
    made = CONVENTIONS["mixed-epochs"](p)
    assert made.f1 == pytest.approx(zero(p.truth, latest_best(p, skip)), abs=1e-12)
    assert made.accuracy == pytest.approx(accuracy_score(p.truth, latest_best(p, accuracy_score)), abs=1e-12)


def test_mixed_epochs_report_a_pair_that_no_epoch_had():
    truth = [0, 0, 0, 0, 0, 1]
    most_right, best_f1 = [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]
    made = CONVENTIONS["mixed-epochs"](predictions(truth, [best_f1, most_right], n_classes=2))
    assert made.accuracy == pytest.approx(5 / 6)
    assert made.f1 == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert made.f1 > zero(truth, most_right)


@given(st.integers(0, 10_000))
@settings(max_examples=50)
def test_choosing_the_epoch_by_the_test_never_lowers_accuracy(seed):
    p = random_predictions(seed, clips=20, folds=4)
    assert CONVENTIONS["best-epoch"](p).accuracy >= CONVENTIONS["pooled"](p).accuracy


def test_noise_gains_from_the_best_epoch():
    rng = np.random.default_rng(0)
    p = predictions(rng.integers(0, 3, 200), rng.integers(0, 3, (50, 200)), np.repeat(np.arange(40), 5))
    assert CONVENTIONS["pooled"](p).accuracy == pytest.approx(1 / 3, abs=0.1)
    assert CONVENTIONS["best-epoch"](p).accuracy > 0.7


@pytest.mark.parametrize(
    ("name", "column", "printed"),
    [
        ("pooled", "f1", 0.7353),
        ("pooled", "uar", 0.7186),
        ("harmonic", "f1", 0.7389),
        ("precision-as-uar", "uar", 0.7605),
    ],
)
def test_ststnets_published_answers_give_the_known_figures(name, column, printed):
    assert getattr(CONVENTIONS[name](from_matrix(STSTNET)), column) == pytest.approx(printed, abs=5e-5)


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3).filter(np.any))
def test_the_harmonic_mean_is_never_below_uf1(matrix):
    p = from_matrix(matrix)
    assert CONVENTIONS["harmonic"](p).f1 >= CONVENTIONS["pooled"](p).f1 - 1e-12


@seeds
def test_other_averages_equal_scikit_learn(seed):
    p = random_predictions(seed)
    last = p.predicted[-1]
    assert CONVENTIONS["weighted-f1"](p).f1 == pytest.approx(
        f1_score(p.truth, last, average="weighted"), abs=1e-12
    )
    assert CONVENTIONS["micro-f1"](p).f1 == pytest.approx(f1_score(p.truth, last, average="micro"), abs=1e-12)
    precision = precision_score(p.truth, last, average="macro", labels=range(3), zero_division=0)
    assert CONVENTIONS["precision-as-uar"](p).uar == pytest.approx(precision, abs=1e-12)


def test_a_perfect_model_is_perfect_under_all_but_the_fold_mean_with_zeros():
    truth = np.tile([0, 1, 2], 4)
    table = audit(predictions(truth, truth, folds=truth))
    assert table.drop(index="fold-mean-zero")["f1"].tolist() == [1.0] * (len(CONVENTIONS) - 1)
    assert table.loc["fold-mean-zero", "f1"] == pytest.approx(1 / 3)


def test_the_audit_has_a_row_a_convention_and_says_what_each_adds():
    p = random_predictions(0)
    table = audit(p)
    assert list(table.index) == list(CONVENTIONS)
    assert table.loc["best-epoch", "adds"] == pytest.approx(
        CONVENTIONS["best-epoch"](p).f1 - CONVENTIONS["pooled"](p).f1
    )


@pytest.mark.parametrize("convention", CONVENTIONS.values())
def test_every_convention_says_where_it_is_met_or_whose_it_is(convention):
    assert len(convention.__doc__.strip().splitlines()) >= 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"predicted": np.array([0, 1, 2])},
            r"\(E, 3\), got shape \(3,\); one epoch alone is predicted\[None\]",
        ),
        ({"predicted": np.array([[0, 1]])}, r"\(E, 3\), got shape \(1, 2\)"),
        ({"folds": np.array([0])}, "folds: expected one value a clip"),
        ({"pieces": np.array([1, 0, 2])}, "whole numbers from 1 on"),
        ({"pieces": np.array([1.0, 1.5, 2.0])}, "whole numbers from 1 on"),
        ({"n_classes": 2}, r"labels 0 to 1, got \[2\]"),
    ],
)
def test_wrong_predictions_are_refused(change, message):
    labels = np.array([0, 1, 2])
    given = {
        "truth": labels,
        "predicted": labels[None],
        "folds": labels,
        "pieces": labels + 1,
        "n_classes": 3,
    }
    with pytest.raises(ValueError, match=message):
        audit(Predictions(**{**given, **change}))
