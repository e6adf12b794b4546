import numpy as np
import pandas as pd
import pytest

from mer_core.scoring import CONVENTIONS, Predictions
from mer_core.studies import inflate

CLIPS = pd.DataFrame({"clip": ["a", "b", "c"], "onset": [0, 10, 5], "offset": [7, 26, 30]})
TWICE = inflate.Copies(
    features=np.array([[0.0], [0.1], [1.0], [1.1]]),
    label=np.array([0, 0, 1, 1]),
    clip=np.array([0, 0, 1, 1]),
    subject=np.array(["s1", "s1", "s2", "s2"]),
    n_classes=2,
)
FIGURES = {
    "epochs": lambda: inflate.epoch_curve([0.4, 0.5], 0.7),
    "audit": lambda: inflate.audit_bars(pd.DataFrame({"f1": [0.6, 0.8]}, index=["pooled", "best-epoch"])),
    "luck": lambda: inflate.luck(pd.DataFrame({"best": [0.3, 0.8], "last": [0.3, 0.3]}, index=[1, 100])),
}


def predictions(n=60):
    truth = np.arange(n) % 3
    return Predictions(truth, truth[None], np.arange(n) // 6, np.ones(n, int), 3)


def test_a_clip_is_cut_into_pieces_of_eight_frames_and_a_short_one_is_one():
    assert inflate.pieces(CLIPS) == {"a": 1, "b": 2, "c": 3}


def test_among_more_epochs_of_random_answers_there_is_a_better_one_and_the_last_is_none():
    uf1 = inflate.random_answers(predictions(), seed=0)
    assert uf1["best epoch"].loc[[1, 10, 200]].is_monotonic_increasing
    assert uf1.loc[1, "best epoch"] == uf1.loc[1, "last epoch"]
    assert uf1.loc[200, "best epoch"] > 2 * uf1.loc[200, "last epoch"]


def test_every_convention_is_explained_in_one_line():
    table = inflate.meanings()
    assert list(table.index) == list(CONVENTIONS)
    assert not table["convention"].str.contains("\n").any()


def test_a_copy_of_a_tested_clip_gives_its_label_away():
    leaks = np.array([True, False, True, False])
    assert (TWICE.on_both_sides(leaks), TWICE.uf1(leaks)) == (2, 1.0)


def test_with_whole_subjects_held_out_nothing_is_given_away():
    held_out = TWICE.subject == "s1"
    assert (TWICE.on_both_sides(held_out), TWICE.uf1(held_out)) == (0, 0.0)


def test_half_of_the_copies_are_drawn_to_be_tested():
    many = inflate.Copies(np.zeros((1000, 1)), *[np.zeros(1000, int)] * 3, n_classes=2)
    assert many.split_at_random(seed=0).mean() == pytest.approx(0.5, abs=0.05)


def test_a_clip_is_copied_with_noise_and_keeps_its_label_and_subject():
    made = inflate.copies("synth-mini", "megc2019-3class", times=3, seed=0)
    first = made.clip == 0
    assert first.sum() == 3
    assert len(set(made.label[first])) == len(set(made.subject[first])) == 1
    assert len(np.unique(made.features[first], axis=0)) == 3


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_in_words_what_it_shows_and_is_small(name):
    figure = FIGURES[name]()
    assert figure.layout.meta["alt"]
    assert len(figure.to_json()) < 30_000


def test_the_honest_score_has_its_own_colour_and_a_line():
    (bars,) = FIGURES["audit"]().data
    assert (bars.y, bars.x) == (("best-epoch", "pooled"), (0.8, 0.6))
    assert bars.marker.color[1] != bars.marker.color[0]
    assert FIGURES["audit"]().layout.shapes[0].x0 == 0.6
