import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.scoring import scores


def from_matrix(matrix):
    """Labels and predictions that give this confusion matrix."""
    cells = [(t, p) for t, row in enumerate(matrix) for p, n in enumerate(row) for _ in range(n)]
    return np.array(cells).T


def literal(matrix):
    """UF1 and UAR as their formulas read, a class with an empty denominator counting as 0."""
    f1 = recall = 0.0
    n_classes = len(matrix)
    for c in range(n_classes):
        tp = matrix[c][c]
        fn = sum(matrix[c]) - tp
        fp = sum(row[c] for row in matrix) - tp
        f1 += 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0
        recall += tp / (tp + fn) if tp + fn else 0.0
    return f1 / n_classes, recall / n_classes


def test_scores_of_a_matrix_computed_by_hand():
    made = scores(*from_matrix([[3, 1, 0], [1, 1, 0], [0, 1, 3]]), n_classes=3)
    assert made.uf1 == pytest.approx((6 / 8 + 2 / 5 + 6 / 7) / 3, abs=1e-9)
    assert made.uar == pytest.approx((3 / 4 + 1 / 2 + 3 / 4) / 3, abs=1e-9)
    assert made.accuracy == pytest.approx(7 / 10, abs=1e-9)
    assert made.weighted_f1 == pytest.approx((4 * 6 / 8 + 2 * 2 / 5 + 4 * 6 / 7) / 10, abs=1e-9)


def test_rows_of_the_confusion_matrix_are_the_truth():
    assert scores([0, 0, 1], [1, 1, 1], n_classes=2).confusion.tolist() == [[0, 2], [0, 1]]


def test_a_class_that_nobody_has_or_predicts_counts_as_zero():
    assert scores([0, 1], [0, 1], n_classes=3).uf1 == pytest.approx(2 / 3)
    assert scores([0, 1], [0, 1], n_classes=3).uar == pytest.approx(2 / 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_scores_equal_their_formulas(pairs):
    truth, predicted = np.array(pairs).T
    made = scores(truth, predicted, n_classes=4)
    assert (made.uf1, made.uar) == pytest.approx(literal(made.confusion.tolist()), abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([0, 1], [0], "one prediction a clip"),
        ([0, 3], [0, 1], r"labels 0 to 2, got \[3\]"),
        ([0, -1], [0, 1], r"labels 0 to 2, got \[-1\]"),
        ([0.0, 1.0], [0, 1], "integer labels"),
        ([], [], "integer labels"),
    ],
)
def test_wrong_labels_are_refused(truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        scores(truth, predicted, n_classes=3)
