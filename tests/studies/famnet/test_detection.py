import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from mer_core.studies.famnet.detection import MEASURES, detection_means, detection_scores


def noise(*shape, seed=0):
    return np.random.RandomState(seed).rand(*shape)


def test_scores_computed_by_hand():
    truth = [[1], [1], [0], [0], [0]]
    row = detection_scores(truth, [[0.9], [0.2], [0.7], [0.1], [0.3]], [4]).loc[4]
    assert (row["clips"], row["support"]) == (5, 2)
    assert row["F1"] == pytest.approx(2 * 1 / (2 * 1 + 1 + 1))  # one found, one missed, one wrong
    assert row["macro F1"] == pytest.approx((0.5 + 2 * 2 / (2 * 2 + 1 + 1)) / 2)
    assert row["F1, never"] == 0
    assert row["macro F1, never"] == pytest.approx(2 * 3 / (2 * 3 + 2) / 2)
    assert row["AP"] == pytest.approx((1 / 1 + 2 / 4) / 2)  # in order of probability: shown, not, not, shown
    assert row["AP, guess"] == pytest.approx(2 / 5)


def test_scores_are_those_of_scikit_learn():
    truth, said = (noise(60, 3) > 0.7).astype(int), noise(60, 3, seed=1)
    table = detection_scores(truth, said, [1, 2, 4], threshold=0.6)
    found = (said >= 0.6).astype(int)
    for column, unit in enumerate(table.index):
        shown = truth[:, column]
        row = table.loc[unit]
        assert row["F1"] == pytest.approx(f1_score(shown, found[:, column]))
        assert row["macro F1"] == pytest.approx(f1_score(shown, found[:, column], average="macro"))
        assert row["AP"] == pytest.approx(average_precision_score(shown, said[:, column]))
        assert row["macro F1, never"] == pytest.approx(
            f1_score(shown, 0 * shown, average="macro", zero_division=0)
        )


def test_whoever_never_finds_any_looks_good_by_the_macro_f1_alone():
    truth = np.zeros((100, 1))
    truth[:5] = 1
    row = detection_scores(truth, np.zeros((100, 1)), [12]).loc[12]
    assert row["F1"] == row["F1, never"] == 0
    assert row["macro F1"] == row["macro F1, never"] > 0.48
    assert row["AP"] == row["AP, guess"] == 0.05


def test_what_is_not_known_is_not_counted():
    truth, said = (noise(40, 2) > 0.5).astype(float), noise(40, 2, seed=1)
    whole = detection_scores(truth, said, [1, 2])
    truth[30:, 0] = np.nan
    part = detection_scores(truth, said, [1, 2])
    assert part["clips"].tolist() == [30, 40]
    assert part.loc[2].equals(whole.loc[2])
    assert part.loc[1, "F1"] == detection_scores(truth[:30], said[:30], [1, 2]).loc[1, "F1"]


def test_one_that_no_clip_shows_has_no_scores_and_no_say_in_the_mean():
    truth = np.array([[1.0, 0, 1]] * 6 + [[0.0, 0, 0]] * 4)
    truth[1:, 2] = 0
    said = noise(10, 3)
    table = detection_scores(truth, said, [1, 2, 4])
    assert table.loc[2, "support"] == 0
    assert table.loc[2, MEASURES].isna().all()
    assert detection_means(table)["AP"] == table.loc[1, "AP"]
    assert detection_means(table, fewest=1)["F1"] == pytest.approx(table.loc[[1, 4], "F1"].mean())
    with pytest.raises(ValueError, match="No action unit is shown by 7 clips; the most is 6"):
        detection_means(table, fewest=7)


@pytest.mark.parametrize(
    ("truth", "said", "message"),
    [
        (np.zeros((4, 2)), np.zeros((4, 3)), r"\(N, 2\), a column for each of the action units \[1, 2\]"),
        (np.zeros((4, 3)), np.zeros((4, 3)), r"got \(4, 3\) and \(4, 3\)"),
        (np.full((4, 2), 2), np.zeros((4, 2)), r"0, 1 or NaN for unknown, got \[2.0\]"),
        (np.zeros((4, 2)), np.full((4, 2), -3.0), "pass scores through a sigmoid"),
        (np.zeros((4, 2)), np.full((4, 2), np.nan), "probabilities from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(truth, said, message):
    with pytest.raises(ValueError, match=message):
        detection_scores(truth, said, [1, 2])
