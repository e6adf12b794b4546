import numpy as np
import pandas as pd
import pytest

from mer_core import open_corpus
from mer_core.protocols import class_map
from mer_core.scoring.metrics import scores
from mer_core.studies.across import (
    answers,
    crossing_table,
    lost,
    recalls,
    remixed,
    reweighted,
    units_by_class,
)


class Stored:
    """What a stored run says, without files."""

    def __init__(self, corpus, groups, predictions):
        self.record = {"settings": {"corpus": corpus, "groups": groups}}
        self.predictions = predictions


def table(corpora, wrong=0, seeds=(0,)):
    """Four subjects a corpus with three clips each, one of each class; `wrong` of the subjects are answered wrongly."""
    rows = [
        {"clip": f"{c}/s{s}/{n}", "subject": f"{c}/s{s}", "seed": seed, "truth": n, "predicted": (n + (s < wrong)) % 3}
        for seed in seeds for c in corpora for s in range(4) for n in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(p_a=0.2, p_b=0.3, p_c=0.5)


def places(said):
    return {(learnt, asked) for learnt, asked in zip(said["learnt"], said["asked"], strict=True)}


def test_whoever_holds_out_a_corpus_learnt_on_the_others():
    said = answers(Stored("a+b+c", "corpus", table("abc")))
    assert places(said) == {("b+c", "a"), ("a+c", "b"), ("a+b", "c")}


@pytest.mark.parametrize("groups", [5, None])
def test_whoever_holds_out_persons_learnt_on_all_corpora(groups):
    assert places(answers(Stored("a+b", groups, table("ab")))) == {("a+b", "a"), ("a+b", "b")}


def test_only_the_first_seed_answers():
    said = answers(Stored("a+b", "corpus", table("ab", seeds=(3, 1))))
    assert set(said["seed"]) == {1}
    assert len(said) == len(table("ab"))


def test_a_cell_is_the_score_of_its_clips_alone():
    said = pd.concat([answers(Stored("a+b", "corpus", part)) for part in [table("ab", wrong=1)]])
    made = crossing_table(said, 3).loc[("b", "a")]
    mine = said[said["asked"] == "a"]
    assert made["score"] == pytest.approx(scores(mine["truth"], mine["predicted"], 3).uf1)
    assert made["low"] <= made["score"] <= made["high"]
    assert (made["clips"], made["subjects"]) == (12, 4)


def both(home_wrong, away_wrong):
    """A method at home on `a`, and asked on `a` after learning on `b`."""
    away = answers(Stored("a+b", "corpus", table("ab", wrong=away_wrong)))
    return pd.concat([answers(Stored("a", 5, table("a", wrong=home_wrong))), away])


def test_what_crossing_costs_is_the_score_away_less_that_at_home():
    made = lost({"one": both(0, 2)})
    assert made.index.tolist() == [("one", "b", "a")]  # at home on `b` nobody answered
    row = made.iloc[0]
    assert (row["home"], row["away"]) == (1.0, pytest.approx(0.5))
    assert row["difference"] == pytest.approx(-0.5)
    assert row["low"] <= row["difference"] <= row["high"]


def test_every_comparison_counts_in_the_correction():
    alone = lost({"one": both(0, 4)})
    among = lost({name: both(0, 4) for name in ("one", "two", "three")})
    assert among["corrected"].iloc[0] == pytest.approx(3 * alone["corrected"].iloc[0])


def test_without_a_crossing_nothing_is_lost():
    assert lost({"one": answers(Stored("a", 5, table("a")))}).empty


def test_recall_is_by_class():
    said = answers(Stored("a+b", "corpus", table("ab").assign(predicted=0)))
    assert recalls(said, "xyz").loc[("b", "a")].tolist() == [1.0, 0.0, 0.0]


def literal_remix(table, counts):
    """The same clips, each as often as it takes; 140 can be divided by the size of every class."""
    truth, predicted = [], []
    for label, n in enumerate(counts):
        rows = table[table["truth"] == label]
        truth += [label] * n * 140
        predicted += rows["predicted"].tolist() * (n * 140 // len(rows))
    return scores(truth, predicted, len(counts)).uf1


def test_another_mix_is_what_copies_of_clips_would_score():
    draw = np.random.default_rng(0)
    made = pd.DataFrame({"truth": np.repeat(range(3), [4, 7, 10]), "predicted": draw.integers(0, 3, 21)})
    for counts in ([1, 1, 1], [9, 2, 1], [1, 5, 20]):
        assert remixed(made, counts) == pytest.approx(literal_remix(made, counts))


def test_a_class_that_was_never_asked_can_not_be_remixed():
    with pytest.raises(ValueError, match="all 3 classes"):
        remixed(pd.DataFrame({"truth": [0, 1], "predicted": [0, 1]}), [1, 1, 1])


def test_the_mix_that_was_learnt_is_divided_out():
    made = table("a")[:1].assign(p_a=0.6, p_b=0.3, p_c=0.1)
    assert reweighted(made, [6, 3, 1], [6, 3, 1])["predicted"].item() == 0
    assert reweighted(made, [6, 3, 1], [1, 1, 1.1])["predicted"].item() == 2


def test_units_are_shares_of_the_clips_of_a_class():
    corpus, three = open_corpus("synth-mini"), class_map("megc2019-3class")
    made = units_by_class(corpus, three)
    clips = corpus.clips[three.label(corpus.clips) == three.classes.index("positive")]
    smiles = clips["action_units"].map(lambda cell: "12" in cell)
    assert made.loc["positive", "AU12"] == pytest.approx(smiles.mean())
    assert set(made.index) == {"negative", "positive", "surprise"}
