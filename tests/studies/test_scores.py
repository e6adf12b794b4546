import numpy as np
import pandas as pd
import pytest

from mer_core.scoring import scores as scores_of
from mer_core.studies import scores

CLASSES = ("negative", "positive", "surprise")
TRUTH = np.repeat([0, 1, 2], [60, 20, 20])
FLOOR = scores_of(TRUTH, np.zeros_like(TRUTH), 3)  # accuracy 0.6


def right_in(clips):
    """The scores of a network that names the class of so many of a hundred clips."""
    return scores_of(TRUTH, np.where(np.arange(100) < clips, TRUTH, (TRUTH + 1) % 3), 3)


def test_the_scores_have_the_names_of_tables():
    assert list(scores.four_scores(FLOOR).index) == ["UF1", "UAR", "accuracy", "weighted F1"]
    assert scores.four_scores(FLOOR)["UAR"] == pytest.approx(1 / 3)


def test_an_absent_class_counts_as_nothing_or_not_at_all():
    truth, subjects = np.array([0, 1, 2, 2]), pd.Series(["a", "a", "b", "b"])
    pooled, left_out, as_zero = scores.by_convention(truth, truth, subjects).values()
    assert (pooled, left_out) == (1, 1)
    assert as_zero == pytest.approx((2 / 3 + 1 / 3) / 2)


@pytest.mark.parametrize(
    ("clips", "says"),
    [
        (72, "visible in both"),
        (68, "whoever looks at accuracy alone hardly sees the network"),
        (60, "whoever looks at accuracy alone hardly sees the network"),
        (59, "by accuracy alone one would take the model that never looks"),
    ],
)
def test_how_far_it_is_above_the_floor_decides_what_is_said(clips, says):
    assert f": {says}. " in scores.beside_the_floor(right_in(clips), FLOOR, CLASSES)


def test_the_class_that_is_missed_most_is_named():
    made = scores_of([0, 1, 2, 2], [0, 1, 2, 0], 3)
    assert scores.beside_the_floor(made, FLOOR, CLASSES).endswith("of *surprise* it misses 50%.")
