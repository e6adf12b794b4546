import numpy as np
import pandas as pd
import pytest

from mer_core.scoring.conventions import Predictions
from mer_core.studies import protocol
from mer_core.studies.protocol.sentences import says_misleading

CLIPS, SUBJECTS = 24, 6


def training(seed, right, epochs):
    """Answers after each epoch, of which a share is right; six subjects, each with four clips."""
    rng = np.random.default_rng(seed)
    truth = np.arange(CLIPS) % 3
    answers = np.where(rng.random((epochs, CLIPS)) < right, truth, rng.integers(0, 3, (epochs, CLIPS)))
    return Predictions(truth, answers, np.arange(CLIPS) // 4, np.ones(CLIPS, int), 3)


def two_groups(one):
    return Predictions(one.truth, one.predicted, one.folds % 2, one.pieces, 3)


@pytest.fixture(scope="module")
def methods():
    """A network that works, one that guesses, and a rule without epochs."""
    kinds = {"good": (0.8, 8), "poor": (0.1, 8), "majority": (0.0, 1)}
    trained = {name: [training(seed, *kind) for seed in (0, 1)] for name, kind in kinds.items()}
    groups = {name: [two_groups(one) for one in seeds] for name, seeds in trained.items()}
    return protocol.Methods("uf1", trained, groups)


def test_who_has_no_epochs_is_no_network_and_gains_nothing_by_choosing(methods):
    assert methods.networks == ["good", "poor"]
    assert list(methods.adds.index) == ["good", "poor"]
    assert protocol.added(methods).loc["majority", "own epoch"] == 0
    assert protocol.kept_answers(methods).loc["good"].tolist() == [2, 8]


def test_the_gain_is_what_the_best_epoch_of_each_subject_adds(methods):
    told = protocol.says_peek(methods)
    adds = [
        np.mean([protocol.pooled(protocol.one_a_fold(one, ""), "uf1") for one in methods.by_subject[name]])
        - methods.honest[name]
        for name in methods.networks
    ]
    assert f"adds {np.mean(adds):.3f} on the mean of 2 networks" in told
    assert f"{max(adds):+.3f} (*poor*)" in told


def test_every_habit_is_told_and_who_lowers_the_score_is_named():
    added = pd.DataFrame({"own epoch": [0.2, 0.0], "FDP": [0.3, 0.3], "mean": [-0.1, 0.1], "at most": [0.4, 0.3]},
                         index=["net", "majority"])  # fmt: skip
    told = protocol.says_habits(added, pd.Series({"net": 0.5, "majority": 0.2}), ["net"], 36)
    assert "*FDP* +0.300, *own epoch* +0.200, *mean* -0.100. Those that lower the score: *mean*." in told
    assert "is printed with 0.500" in told
    assert "always names" not in protocol.says_habits(added[:1], pd.Series({"net": 0.5}), ["net"], 36)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (0.59, "much of the gain"),
        (0.53, "a little of the gain"),
        (0.5, "all of the gain is luck"),
        (0.4, "even costs"),
    ],
)
def test_what_others_gain_by_choosing_is_no_luck(others, words):
    table = pd.DataFrame({"honest": [0.5], "others": [others], "own": [0.6]}, index=["net"])
    assert words in protocol.says_luck(table)


@pytest.mark.parametrize(
    ("adds", "words"),
    [([0.1, 0.2, 0.3, 0.4, 0.5], "the less a method knows"), ([0.5, 0.4, 0.3, 0.2, 0.1], "does not gain more here"),
     ([0.1, 0.2], "too few methods")],
)  # fmt: skip
def test_whether_luck_needs_room_is_said_of_enough_methods(adds, words):
    table = pd.DataFrame(
        {"honest": np.linspace(0.9, 0.5, len(adds)), "adds": adds}, index=list("abcde")[: len(adds)]
    )
    chance = pd.DataFrame({"honest": [0.3], "adds": [0.45]})
    told = protocol.says_room(table, chance)
    assert words in told
    assert ("drawn anew" in told) == (max(adds) <= 0.45)


@pytest.mark.parametrize(("peek", "words"), [(0.02, "smaller"), (0.04, "about the same"), (0.06, "larger")])
def test_peeking_hides_or_adds_unsteadiness(peek, words):
    table = pd.DataFrame({"spread, honest": [0.04], "spread, PEEK": [peek], "PEEK adds": [0.12]})
    assert words in (told := protocol.says_seeds(table))
    assert "3.0 times as much" in told


def test_only_what_is_significant_after_peeking_alone_is_named():
    before = pd.DataFrame(
        {"first": list("aab"), "second": list("bcc"), "difference": [0.1, 0.1, 0.1], "p": [0.2, 0.01, 1]}
    )
    after = before.assign(difference=[-0.2, 0.2, 0.2], p=[0.01, 0.01, 0.2])
    pairs = {("last", 0): before, ("last", 1): before, ("fold", 0): after, ("fold", 1): before}
    flipped = protocol.flipped(pairs)
    assert list(flipped.index) == ["peek, seed 0", "peek, seed 1", "seed 0 to 1"]
    assert protocol.says_turned(flipped, pairs, 0).endswith("with seed 0: *b* over *a*.")
    assert protocol.says_turned(flipped, pairs, 1).endswith("with seed 1: none.")


def says_test_a_wrong_winner_is_counted_and_its_margin(methods):
    won = pd.DataFrame({"winner": ["poor", "good"], "other": ["good", "poor"], "printed": [0.1, 0.3],
                        "honest": [-0.2, 0.2]})  # fmt: skip
    told = protocol.says_margins({"both peek": won})
    assert "worse: 50% if *both peek*" in told
    assert "reaches: 0.10 if *both peek*" in told
    assert "apart by 0.00 if" in told
    assert says_misleading(won[1:]) == "0 (none is wrong)"
    assert protocol.says_wrong_winner(methods, won).startswith(
        "The clearest case: if both peek, *poor* is printed"
    )
    assert protocol.says_wrong_winner(methods, won[1:]).startswith(
        "If both peek, a part of the margin is luck."
    )
    squeezed = won[1:].assign(printed=0.1)
    assert protocol.says_wrong_winner(methods, squeezed).startswith("If both peek, the field is squeezed")


def test_gains_stand_for_both_ways_to_train_only_if_they_are_alike(methods):
    good, poor = (methods.by_subject[name] for name in ("good", "poor"))
    same = protocol.LeftOut(good, good, methods.by_group["good"], "uf1")
    assert "nearly the same" in protocol.says_left_out(same)
    assert "lies within" in protocol.says_left_out(same)
    other = protocol.LeftOut(good, poor, methods.by_group["poor"], "uf1")
    assert "do not stand for both" in protocol.says_left_out(other)
    assert "lies outside" in protocol.says_left_out(other)
    assert len(same.table()) == 4


def test_the_rule_tells_methods_that_work_from_those_that_guess(methods):
    pairs = protocol.all_pairs(methods)
    told = protocol.says_rule(methods, protocol.wins(methods), protocol.flipped(pairs))
    assert "methods that work" in told
    assert f"{SUBJECTS} subjects and 4 clips each" in told
    assert "of 3 pairs turned" in told


def test_answers_at_random_gain_more_the_more_epochs_there_are(methods):
    methods = protocol.Methods(
        "uf1", {**methods.by_subject, "short": [training(0, 0.5, 2)]}, methods.by_group
    )
    made = protocol.at_random(methods, seed=0)
    assert list(made.index) == ["2 epochs", "8 epochs"]
    assert made.loc["8 epochs", "adds"] > made.loc["2 epochs", "adds"] > 0


def test_with_fewer_epochs_there_is_less_to_choose_from(methods):
    best = protocol.fewer_epochs(methods.by_subject["poor"], "uf1")
    assert best[1] == pytest.approx(methods.honest["poor"])
    assert best.iloc[-1] == pytest.approx(methods.scores["printed"]["poor"])


def test_a_parameter_names_a_main_row():
    asked = {"score": "uf1", "seed": 0}
    assert protocol.Chapter(method="HOOF", **asked).method == "HOOF"
    with pytest.raises(ValueError, match="no main row 'Hoof'; there are apex frame"):
        protocol.Chapter(method="Hoof", **asked)


def test_what_could_not_be_read_of_a_protocol_is_not_guessed():
    known = protocol.known_protocols().set_index("paper")
    assert known.loc["ma2mi", "epoch"] == "not known"
    assert known.loc["mol", "epoch"] == "last"


def test_a_method_that_moves_two_places_is_counted():
    ranks = pd.DataFrame({"honest": [0.9, 0.8, 0.7], "peek": [0.7, 0.8, 0.9]}, index=list("abc"))
    moved = protocol.moves(ranks).loc["peek"]
    assert moved.tolist() == [pytest.approx(-1), 2]
