import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mer_core.scoring import bootstrap_interval, scores
from mer_core.scoring.conventions import CONVENTIONS, Predictions, best_epoch
from mer_core.studies.protocol import (
    Habits,
    as_sub_clips,
    chosen_by_others,
    comparisons,
    every_number,
    flips,
    interval,
    margins,
    misleading,
    one_a_fold,
    one_for_all,
    pooled,
    printed_by_seed,
    trainings,
)
from mer_core.training import Run
from tests.training.tools import mini, record

seeds = pytest.mark.parametrize("seed", range(4))


def random_predictions(seed, epochs=6, clips=48, folds=8):
    """Folds 0, 2, … lie in group 0, the others in group 1."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, clips)
    predicted = np.where(rng.random((epochs, clips)) < 0.5, truth, rng.integers(0, 3, (epochs, clips)))
    return Predictions(truth, predicted, rng.permutation(clips) % folds, rng.integers(1, 9, clips), 3)


def right(p, epoch, rows):
    return sum(p.predicted[epoch, i] == p.truth[i] for i in rows)


def latest_best(values):
    best = 0
    for i, value in enumerate(values):
        best = i if value >= values[best] - 1e-12 else best
    return best


@seeds
def test_each_folds_epoch_is_the_one_that_a_walk_through_its_clips_finds(seed):
    p = random_predictions(seed)
    made = one_a_fold(p, "uf1").predicted[0]
    for fold in set(p.folds):
        rows = [i for i, of in enumerate(p.folds) if of == fold]
        epoch = latest_best([right(p, epoch, rows) for epoch in range(6)])
        assert made[rows].tolist() == p.predicted[epoch, rows].tolist()
    assert pooled(one_a_fold(p, "uf1"), "uf1") == pytest.approx(best_epoch(p).f1)


@seeds
def test_one_epoch_for_all_has_the_highest_score_of_all_epochs(seed):
    p = random_predictions(seed)
    values = [scores(p.truth, said, 3).uar for said in p.predicted]
    assert pooled(one_for_all(p, "uar"), "uar") == pytest.approx(max(values))


@seeds
def test_what_the_others_choose_is_found_without_a_look_at_the_folds_own_clips(seed):
    p = random_predictions(seed)
    groups = p.folds % 2
    made = chosen_by_others(p, groups).predicted[0]
    for fold in set(p.folds):
        others = [i for i, of in enumerate(p.folds) if of != fold and groups[i] == fold % 2]
        epoch = latest_best([right(p, epoch, others) for epoch in range(6)])
        rows = p.folds == fold
        assert made[rows].tolist() == p.predicted[epoch, rows].tolist()


def test_a_choice_by_others_gains_nothing_from_random_answers():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 1200)
    p = Predictions(truth, rng.integers(0, 3, (40, 1200)), np.arange(1200) % 200, np.ones(1200, int), 3)
    assert pooled(one_a_fold(p, "uf1"), "uf1") > 0.7
    assert pooled(chosen_by_others(p, p.folds % 5), "uf1") == pytest.approx(1 / 3, abs=0.04)


def test_a_fold_in_two_groups_is_refused():
    p = random_predictions(0)
    with pytest.raises(ValueError, match="each fold to lie in one group"):
        chosen_by_others(p, np.arange(48) // 24)


@seeds
def test_sub_clips_count_as_the_convention_says(seed):
    p = random_predictions(seed)
    assert pooled(as_sub_clips(p), "uf1") == pytest.approx(CONVENTIONS["sub-clips"](p).f1)
    assert len(as_sub_clips(p).truth) == p.pieces.sum()


@pytest.mark.parametrize("score", ["uf1", "uar", "accuracy", "weighted_f1"])
def test_the_honest_number_is_the_mean_of_the_books_own_scores(score):
    several = [random_predictions(seed) for seed in range(3)]
    expected = [getattr(scores(p.truth, p.predicted[-1], 3), score) for p in several]
    numbers = every_number(several, score)
    assert next(iter(numbers)) == Habits()
    assert numbers[Habits()] == pytest.approx(np.mean(expected))
    assert numbers[Habits(seeds="best")] == pytest.approx(max(expected))
    assert printed_by_seed(several, Habits(), score) == pytest.approx(expected)


def test_the_interval_of_one_training_is_the_books_own():
    p = random_predictions(0)
    known = bootstrap_interval(p.truth, p.predicted[-1], p.folds, 3)
    assert interval([p, p]) == known


def test_every_combination_of_habits_has_its_number():
    numbers = every_number([random_predictions(0), random_predictions(1)])
    assert len(numbers) == 3 * 2 * 3 * 2
    peeked = Habits(epoch="fold", scored="fold-weighted")
    by_hand = [CONVENTIONS["fold-mean-weighted"](one_a_fold(random_predictions(s), "uf1")).f1 for s in (0, 1)]
    assert numbers[peeked] == pytest.approx(np.mean(by_hand))
    assert numbers[replace(peeked, seeds="best")] == pytest.approx(max(by_hand))


def test_an_unknown_habit_is_refused_by_name():
    with pytest.raises(ValueError, match="epoch: expected one of last, one, fold, got 'first'"):
        Habits(epoch="first")


def stored(folder, epochs=None):
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(record(mini("majority"))))
    rows = {"clip": ["a", "b"] * 2, "subject": ["s", "t"] * 2, "fold": ["g"] * 4, "seed": [1, 1, 0, 0],
            "truth": [0, 1, 0, 1], "predicted": [0, 0, 1, 1], "p_no": 0.5, "p_yes": 0.5}  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    if epochs is not None:
        pd.DataFrame(np.transpose(epochs)).add_prefix("epoch ").to_parquet(folder / "epochs.parquet")
    return Run(folder)


def test_a_stored_run_is_taken_apart_seed_by_seed(tmp_path):
    run = stored(tmp_path / "run", epochs=[[1, 1, 0, 0], [0, 0, 1, 1]])
    first, second = trainings(run, "fold", pieces={"a": 3, "b": 1})
    assert (first.predicted.tolist(), second.predicted.tolist()) == ([[0, 0], [1, 1]], [[1, 1], [0, 0]])
    assert (list(first.folds), list(first.pieces), first.n_classes) == (["g", "g"], [3, 1], 2)


def test_a_run_without_epochs_has_its_last(tmp_path):
    first, _ = trainings(stored(tmp_path / "run"))
    assert first.predicted.tolist() == [[1, 1]]
    assert list(first.folds) == ["s", "t"]


def test_two_methods_are_compared_once_and_corrected_for_all():
    truth = np.tile([0, 1], 20)
    subjects = np.repeat(np.arange(10), 4)
    answers = {"right": truth, "wrong": 1 - truth, "also right": truth}
    made = comparisons(answers, truth, subjects, 2).set_index(["first", "second"])
    assert made.loc[("right", "wrong"), "difference"] == 1
    assert made.loc[("right", "wrong"), "p"] == pytest.approx(3 * 2 / 2**10)  # both extremes of all swaps
    assert made.loc[("right", "also right"), "p"] == 1


def test_flips_are_counted_by_hand():
    before = pd.DataFrame({"difference": [0.3, 0.2, 0.1, -0.1], "p": [0.01, 0.01, 0.5, 0.5]})
    after = pd.DataFrame({"difference": [0.3, 0.1, -0.2, -0.1], "p": [0.01, 0.2, 0.01, 0.04]})
    assert flips(before, after) == {
        "pairs": 4, "before": 2, "after": 3, "appear": 2, "vanish": 1, "turn": 1,
    }  # fmt: skip


def test_margins_hold_every_training_that_is_printed_above_one_of_another_method():
    shown, honest = {"a": [0.7, 0.5], "b": [0.6]}, {"a": [0.3, 0.3], "b": [0.4]}
    made = margins(shown, honest, shown)
    rows = Counter((w, o, round(p, 3), round(h, 3)) for w, o, p, h in made.itertuples(index=False))
    assert rows == Counter({("a", "b", 0.1, -0.1): 1, ("b", "a", 0.1, 0.1): 1})


def test_a_margin_misleads_as_far_as_wrong_winners_reach():
    pairs = pd.DataFrame({"printed": [0.4, 0.3, 0.25, 0.1], "honest": [0.1, -0.1, 0.0, -0.1]})
    assert misleading(pairs, share=1) == 0.3
    assert misleading(pairs, share=0.5) == 0.25
    assert np.isnan(misleading(pairs[pairs["honest"] > 0]))
