import pandas as pd
import pytest

from mer_core.scoring import scores, seeds_interval
from mer_core.scoring.statistics import Paired
from mer_core.scoring.tables import difference_table, pairs_table, score_table

TRUTH = [0, 0, 1, 2, 2, 1]
GOOD, BAD = [0, 0, 1, 2, 2, 0], [1, 1, 0, 2, 2, 0]


def table(*answers, clips=6):
    """Predictions of two clips a subject, one list of answers a seed."""
    subjects = [f"s{number // 2}" for number in range(clips)]
    rows = {"clip": [f"c{number}" for number in range(clips)], "subject": subjects, "truth": TRUTH[:clips]}
    seeds = [{**rows, "seed": seed, "predicted": given[:clips]} for seed, given in enumerate(answers)]
    return pd.concat(map(pd.DataFrame, seeds), ignore_index=True).assign(p_a=0.0, p_b=0.0, p_c=0.0)


def test_scores_are_of_the_pooled_clips_and_the_mean_over_seeds():
    made, both = (
        score_table(table(GOOD, BAD)),
        [scores(TRUTH, answers, n_classes=3) for answers in (GOOD, BAD)],
    )
    assert made.loc["UF1", "mean"] == pytest.approx((both[0].uf1 + both[1].uf1) / 2)
    assert made.loc["accuracy", "mean"] == pytest.approx((5 / 6 + 2 / 6) / 2)
    assert made.loc["accuracy", "seeds ±"] == pytest.approx(0.5 / 2**0.5)
    interval = seeds_interval(table(GOOD, BAD))
    assert interval.low < made.loc["UF1", "mean"] < interval.high
    assert (made.loc["UF1", "95 % low"], made.loc["UF1", "95 % high"]) == (interval.low, interval.high)


def test_one_seed_has_no_spread_and_one_subject_no_interval():
    assert score_table(table(GOOD))["seeds ±"].isna().all()
    assert "95 % low" not in score_table(table(GOOD, clips=2))


def test_two_methods_are_compared_on_the_same_clips_score_by_score():
    made = difference_table(Paired.of(table(GOOD), table(BAD)))
    assert made.loc["accuracy", "difference"] == pytest.approx(3 / 6)
    assert made.loc["accuracy", ["first", "second"]].tolist() == pytest.approx([5 / 6, 2 / 6])
    assert made.loc["accuracy", "95 % low"] <= 3 / 6 <= made.loc["accuracy", "95 % high"]
    assert 0 < made.loc["accuracy", "p"] <= 1
    with pytest.raises(ValueError, match="same clips"):
        Paired.of(table(GOOD), table(BAD, clips=4))


def test_every_pair_counts_when_one_is_called_better():
    """Each subject is answered right by one and wrong by the other: alone sure, among many pairs not."""
    truth, clips = [0, 1, 2] * 6, range(18)
    rows = {
        "clip": [f"c{n}" for n in clips],
        "subject": [f"s{n // 3}" for n in clips],
        "truth": truth,
        "seed": 0,
    }
    right = pd.DataFrame({**rows, "predicted": truth, "p_a": 0.0, "p_b": 0.0, "p_c": 0.0})
    wrong = right.assign(predicted=(right["truth"] + 1) % 3)
    alone = pairs_table({"right": right, "wrong": wrong}, [("wrong", "right")])
    assert alone.loc[0, "p"] == alone.loc[0, "corrected"] == 2 / 2**6
    assert (alone.loc[0, "better"], alone.loc[0, "difference"]) == ("right", -1)
    among = pairs_table(
        {"right": right, "wrong": wrong, "too": right}, [("right", "wrong"), ("right", "too")]
    )
    assert among["corrected"].tolist() == [4 / 2**6, 1.0]
    assert among["better"].tolist() == ["undecided", "undecided"]
