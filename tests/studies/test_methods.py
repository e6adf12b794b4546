import numpy as np
import pandas as pd
import pytest

from mer_core.figures.looks import look
from mer_core.scoring import critical_differences, scores
from mer_core.studies import methods


class Stored:
    """What a stored run says, without files."""

    def __init__(self, predicted, seconds=12.0, seeds=(0,), truth=(0, 1, 2, 0)):
        rows = pd.DataFrame(
            {"clip": list("abcd"), "subject": ["c/s1", "c/s1", "c/s2", "c/s2"], "truth": truth}
        )
        self.predictions = pd.concat([rows.assign(predicted=predicted, seed=seed) for seed in seeds])
        self.predictions = self.predictions.assign(p_a=0.2, p_b=0.3, p_c=0.5)
        settings = {
            "corpus": "synth",
            "classes": "three",
            "groups": 2,
            "selection": "last",
            "seeds": list(seeds),
        }
        self.record = {"settings": settings, "seconds": seconds, "folds": ["g1", "g2"]}


RIGHT, LAZY = Stored([0, 1, 2, 0], seeds=(0, 1)), Stored([0, 0, 0, 0])


def table(**uf1):
    """Of methods with intervals of 0.05 to both sides."""
    rows = pd.DataFrame({"UF1": uf1})
    return rows.assign(low=rows["UF1"] - 0.05, high=rows["UF1"] + 0.05, spread=0.02, given="frames")


def test_a_method_stands_at_its_cost_and_its_score():
    rows = pd.DataFrame({"seconds": [2.0], "UF1": [0.5], "low": [0.4], "high": [0.7]}, index=["hoof"])
    figure = methods.cost_against_score(rows)
    assert (figure.data[0].x, figure.data[0].y, figure.data[0].text) == ((2.0,), (0.5,), ("hoof",))
    assert (figure.data[0].error_y.array, figure.data[0].error_y.arrayminus) == ((0.2,), (0.1,))
    assert "hoof 2.0 s, 0.50" in figure.layout.meta["alt"]


def test_the_easiest_subject_comes_first():
    accuracy = pd.DataFrame({"one": [0.2, 1.0], "two": [0.4, 0.8]}, index=["c/s1", "c/s2"])
    figure = methods.right_by_subject(accuracy)
    assert figure.data[0].x == ("s2", "s1")
    assert [list(row) for row in figure.data[0].z] == [[1.0, 0.2], [0.8, 0.4]]
    assert "from 0.90 for the easiest subject down to 0.30" in figure.layout.meta["alt"]


def test_a_method_has_its_own_look():
    rows = pd.DataFrame({"seconds": 2.0, "UF1": 0.5, "low": 0.4, "high": 0.7}, index=["HOOF", "MOL"])
    marker = methods.cost_against_score(rows).data[0].marker
    assert list(zip(marker.color, marker.symbol, strict=True)) == [look("HOOF"), look("MOL")]


def test_every_ranked_method_has_its_runs_with_three_and_five_classes():
    assert list(methods.runs()) == list(methods.five_runs())
    assert not {"AMNet2D", "MIACNet, supervised"} & set(methods.runs())  # parts and controls of others


def test_a_row_has_a_score_with_its_interval_and_the_spread_of_its_seeds():
    made = methods.score_table({"STSTNet": RIGHT, "majority": LAZY}, 3)
    assert made.loc["STSTNet", ["UF1", "seeds", "spread", "given"]].tolist() == [1.0, 2, 0.0, "apex, flow"]
    assert made.loc["majority", "UF1"] == pytest.approx(scores([0, 1, 2, 0], [0] * 4, 3).uf1)


def test_one_protocol_has_one_value_a_setting():
    assert methods.shared_settings({"a": RIGHT, "b": LAZY}).loc["all"].tolist() == [
        "synth",
        "three",
        "2",
        "last",
    ]


def test_the_best_is_named_with_whom_it_can_not_be_told_from():
    rows = table(one=0.7, other=0.65, weak=0.3, majority=0.26)
    told = methods.says_best(rows, {"other": 0.2, "weak": 0.01, "majority": 0.001})
    assert "that of *one*, 0.700" in told
    assert "for 3 comparisons: *other*. Intervals" in told
    assert "commonest class: *weak*." in told
    assert "comparisons: none." in methods.says_best(rows, {"other": 0.04})


def test_chances_are_corrected_for_their_number():
    made = methods.chances({"a": RIGHT, "b": LAZY, "c": LAZY}, "a", "uf1")
    assert set(made) == {"b", "c"}
    assert made["b"] == min(1, 2 * methods.chances({"a": RIGHT, "b": LAZY}, "a", "uf1")["b"])


def test_the_equation_gives_the_critical_difference_that_is_drawn():
    ranks = critical_differences(pd.DataFrame(np.random.default_rng(0).random((9, 4)), columns=list("abcd")))
    assert methods.by_hand(ranks) == pytest.approx(ranks.difference)


def test_equal_scores_may_find_other_classes():
    recall = pd.DataFrame(
        {"a": [0.9, 0.2, 0.5, 1], "b": [0.1, 0.8, 0.4, 0]}, index=["one", "other", "far", "majority"]
    )
    told = methods.says_classes(pd.Series({"one": 0.5, "other": 0.51, "far": 0.7, "majority": 0.5}), recall)
    assert told.startswith(
        "Of the 1 pairs whose scores differ by less than 0.02, *one* and *other* are least alike: 0.70"
    )
    assert "found least is *b* for 2 of the 3 methods" in told
    assert methods.says_classes(pd.Series({"one": 0.1, "far": 0.7}), recall).startswith(
        "The class that is found least"
    )


def test_the_hardest_and_the_easiest_subject_are_named():
    told = methods.says_subjects(pd.DataFrame({"m": [0.2, 1.0], "n": [0.4, 0.8]}, index=["c/s1", "c/s2"]))
    assert "from 0.30 (*s1*) to 0.90 (*s2*), over methods from 0.60 to 0.60" in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [([1, 2, 3], "scores higher"), ([3, 2, 1], "scores lower"), ([2, 1, 2], "buys little")],
)
def test_whether_time_buys_a_score(seconds, words):
    rows = table(a=0.3, b=0.5, c=0.7).assign(given=["apex, flow", "frames", "apex, flow"])
    told = methods.says_cost(
        rows, pd.DataFrame({"weights": [1.0, 2, 3], "seconds": seconds}, index=list("abc"))
    )
    assert words in told
    assert "reach 0.50 on the mean, all others 0.50" in told


def test_a_fold_takes_its_share_of_the_seconds():
    assert (methods.seconds(RIGHT), methods.seconds(LAZY)) == (3.0, 6.0)


def test_pairs_that_change_places_are_counted_and_those_that_intervals_show():
    three, five = table(a=0.7, b=0.5, c=0.4, majority=0.2), table(b=0.6, a=0.4, c=0.39, majority=0.1)
    told = methods.says_orders(three, five)
    assert "1 of 6 pairs change places, and of these 1 is apart" in told
    assert "three classes is *a*, first with five *b*" in told
    near = methods.says_orders(three, table(b=0.45, a=0.44, c=0.39, majority=0.1))
    assert "1 of 6 pairs change places, and of these 0 are apart" in near


@pytest.mark.parametrize(
    ("clips", "words"), [({"a": 1, "b": 9}, "rare and lost"), ({"a": 9, "b": 1}, "not the one")]
)
def test_the_class_that_is_found_least_is_the_rarest_or_not(clips, words):
    recall = pd.DataFrame({"a": [0.2, 1.0], "b": [0.8, 0.0]}, index=["m", "majority"])
    told = methods.says_lost_class(recall, clips, scores([0, 0, 0, 0, 1], [0, 1, 1, 1, 1], 2))
    assert "*a* is found least, 20% of its clips, and *b* most" in told
    assert words in told
    assert "finds 25% of *a*, and calls 75% of it *b*" in told


def test_as_many_seeds_are_told_as_there_are():
    assert "there is one seed" in methods.says_seeds({"a": LAZY})
    assert "up to 2 seeds" in methods.says_seeds({"a": LAZY, "b": RIGHT})


def test_five_probabilities_are_added_up_to_three():
    p = pd.DataFrame({"p_happiness": [0.3, 0.1], "p_disgust": [0.2, 0.1], "p_repression": [0.2, 0.1],
                      "p_surprise": [0.25, 0.3], "p_others": [0.05, 0.4]})  # fmt: skip
    assert [methods.THREE[answer] for answer in methods.merged(p)] == ["negative", "surprise"]


def test_the_best_of_many_that_guess_is_above_their_mean():
    uf1 = methods.guessing(np.arange(30) % 3, 3, methods=5, tables=20)
    assert uf1.shape == (20, 5)
    assert uf1.max(axis=1).mean() > uf1.mean() == pytest.approx(1 / 3, abs=0.03)
