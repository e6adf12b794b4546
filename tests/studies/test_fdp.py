from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from mer_core.figures.images import signed_grey
from mer_core.figures.style import AGAINST, FOR
from mer_core.methods.fdp import FDPSettings, LocalAggregator
from mer_core.scoring.statistics import Comparison
from mer_core.studies import fdp
from mer_core.studies.fdp import (
    Curves,
    frame_layout,
    key_groups,
    learning,
    parameter_bars,
    pooled_so_far,
    weight_bars,
)
from mer_core.studies.papers import Fitted
from mer_core.training import Examples
from mer_core.vision.dynamic_image import rank_weights, unit_range


def noise(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def alt(figure):
    return figure.layout.meta["alt"]


# Figures


def test_frames_that_count_against_have_another_colour_and_all_are_said():
    figure = weight_bars([-2.0, 0.5, 1.5])
    assert figure.data[0].marker.color == (AGAINST, FOR, FOR)
    assert figure.data[0].y == (-2.0, 0.5, 1.5)
    assert "-2.00, +0.50, +1.50" in alt(figure)


def test_the_slider_begins_with_nothing_and_ends_with_the_whole_sum(monkeypatch):
    shown = {}
    monkeypatch.setattr("mer_core.studies.fdp.figures.slideshow", lambda steps, **_: shown.update(steps))
    frames, weights = noise(3, 4, 5), [-1.0, 0.25, 0.75]
    pooled_so_far(frames, weights, largest=50)
    assert list(shown) == ["1", "2", "3"]
    np.testing.assert_array_equal(shown["1"][1], signed_grey(np.zeros((4, 5)), 50))
    whole = sum(w * frame for w, frame in zip(weights, frames.astype(float), strict=True))
    np.testing.assert_array_equal(shown["3"][1], signed_grey(whole, 50))
    np.testing.assert_array_equal(shown["2"][0], frames[1])


def test_pixels_that_follow_each_other_share_a_key():
    figure = key_groups([4, 2], [2, 1])
    assert figure.data[0].z[0] == [1, 1, 2, 2]
    assert list(figure.data[1].z) == [[1, 2], [3, 4]]
    assert "4 × 4, 8 keys" in alt(figure)


def test_the_layout_says_whether_a_row_is_one_frame():
    rows = np.repeat(np.arange(4), 4).reshape(4, 4)
    said = alt(frame_layout({"rows": rows, "mixed": rows.T, "one": np.full((4, 4), 2)}))
    assert "rows: each row one frame; mixed: several frames in every row; one: all of it frame 3" in said


def test_parts_add_up_to_the_network():
    figure = parameter_bars(pd.DataFrame({"a": [1e6, 2e6], "b": [3e6, 0]}, index=["encoder", "drawing"]))
    assert [trace.x for trace in figure.data] == [(1.0, 3.0), (2.0, 0.0)]
    assert "a 3.0 million, b 3.0 million" in alt(figure)


def test_what_no_epoch_changes_is_dotted_and_a_name_has_one_colour():
    figure = learning({"test": [0.2, 0.6]}, {"test": [0.3, 0.1], "mean image": [0.2, 0.2]})
    first, again, constant = figure.data
    assert first.line.color == again.line.color == FOR
    assert (first.line.dash, constant.line.dash) == ("solid", "dot")
    assert (first.showlegend, again.showlegend) == (True, False)
    assert "test 0.300 to 0.100; mean image 0.200 to 0.200" in alt(figure)


# What is to be drawn


def test_the_target_is_a_weighted_sum_of_frames_stretched():
    frames = noise(2, 8, 4, 4)
    pooled = np.tensordot(frames.astype(float), rank_weights(8, of="means"), axes=(1, 0))
    np.testing.assert_allclose(fdp.stretched(frames, 4), unit_range(pooled), atol=1e-4)
    assert fdp.stretched(frames, 2).shape == (2, 2, 2)


def test_likeness_asks_for_the_pattern_only():
    picture = noise(4, 4).astype(float)
    assert fdp.likeness(picture, 3 * picture + 7) == pytest.approx(1)
    assert fdp.likeness(picture, -picture) == pytest.approx(-1)
    assert fdp.likeness(picture, np.full((4, 4), 5.0)) == 0


@pytest.mark.parametrize(("median", "expected"), [(0.3, "a small part"), (0.8, "the larger part")])
def test_how_much_of_the_target_is_the_expression_is_said(median, expected):
    text = fdp.says_targets(np.array([0.1, median, 0.9]))
    assert f"is {median:.2f} in the median clip, from 0.10 to 0.90" in text
    assert f"the expression is {expected} of that" in text


# The blocks in numbers


def test_a_local_block_reaches_the_neighbours_of_a_pixel():
    torch.manual_seed(0)
    block = LocalAggregator(24, 24, 1, FDPSettings(), drop=0.1)
    expected = np.zeros((7, 7), int)
    expected[2:5, 2:5] = 1
    np.testing.assert_array_equal(fdp.reached(block, 24), expected)


def test_a_head_compares_pixels_with_keys():
    table = fdp.comparisons(FDPSettings())
    assert (table["pixels"] * table["keys"] == table["comparisons"]).all()
    assert (table["pixels"] ** 2 == table["unreduced"]).all()


def test_the_network_of_the_code_has_no_attention_and_that_of_the_paper_has():
    table = fdp.described({"released": FDPSettings(variant="released"), "paper": FDPSettings()})
    assert table["attention"].tolist() == [0, 4]
    assert table["parameters"].tolist() == ["85,304,206", "96,251,342"]


@pytest.mark.parametrize(("drawing", "expected"), [(1, "25% of it draws"), (3, "50% of it draws")])
def test_how_much_of_the_network_draws_is_said(drawing, expected):
    counts = pd.DataFrame({"paper": {"frame encoder": 3, "drawing head": drawing}})
    assert expected in fdp.says_weights(counts)


# What is trained


def outputs(named, label, drawn):
    emotion = torch.eye(2)[torch.tensor(named)]
    target = torch.zeros(len(label), 2, 2)
    return {
        "emotion": emotion,
        "label": torch.tensor(label),
        "dynamic_image": target + drawn,
        "target": target,
    }


def fitted():
    """A fold of two epochs, two clips tested: none right, then one; drawings off by 1, then by a half."""
    epochs = [
        {
            "trained on": outputs(named, [0, 1], drawn),
            "never seen": outputs(named, [1, 1], drawn),
        }
        for named, drawn in (([0, 0], 1.0), ([0, 1], 0.5))
    ]
    pictures = {"dynamic_image": torch.zeros(2, 2, 2)}
    clips = Examples(pictures, torch.tensor([1, 1]), np.array(["a", "b"]), 2)
    train = Examples({"dynamic_image": torch.ones(2, 2, 2)}, torch.tensor([0, 1]), np.array(["c", "d"]), 2)
    return Fitted(torch.nn.Identity(), train, clips, epochs)


def test_curves_are_means_over_folds_after_each_epoch():
    curves = fdp.curves([fitted(), fitted()])
    assert curves.accuracy == {"trained on": [0.5, 1.0], "never seen": [0.0, 0.5]}
    assert curves.error["never seen"] == [1.0, 0.25]
    assert curves.mean_picture == 1
    assert (curves.gap, curves.less_error) == (0.5, -0.75)
    assert "mean training picture 1.000 to 1.000" in alt(curves.figure())
    assert fdp.answers([fitted(), fitted()]).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(0.5, "0.50 below that of the mean training picture, as a share of it: it has learnt to draw"),
     (0.98, "0.02 below that of the mean training picture, as a share of it: whoever draws"),
     (1.1, "0.10 above that of the mean training picture")],
)  # fmt: skip
def test_a_drawing_is_judged_by_what_the_mean_picture_costs(error, expected):
    curves = Curves({"trained on": [0.9], "never seen": [0.7]}, {"never seen": [error]}, 1.0)
    text = fdp.says_live(curves)
    assert "0.20 apart in accuracy" in text
    assert expected in text


def test_the_best_epoch_of_each_subject_is_never_worse_than_the_best_of_all():
    given = SimpleNamespace(tested=np.arange(2), subjects=np.array(["a", "b"]))
    chosen = fdp.by_epoch_chosen(given, [fitted()])
    assert chosen["last epoch"] == chosen["best epoch for all of them"] == 0.5
    turned = fitted()
    turned.epochs[0]["never seen"] = outputs([1, 0], [1, 1], 1.0)  # the first epoch is right about the other
    chosen = fdp.by_epoch_chosen(given, [turned])
    assert chosen == {
        "last epoch": 0.5, "best epoch for all of them": 0.5, "each subject's own best epoch": 1.0,
    }  # fmt: skip


# Results


ROWS = pd.DataFrame({"UF1": [0.7, 0.4, 0.5], "low": [0.6, 0.3, 0.4], "high": [0.8, 0.5, 0.6]},
                    index=["paper", "synth", "dynamic-image"])  # fmt: skip


@pytest.mark.parametrize(
    ("uf1", "guess", "expected"),
    [(0.4, 0.35, ["scores less, 0.400", "reaches down to the commonest class"]),
     (0.4, 0.2, ["scores less, 0.400", "more than the commonest class has, 0.200"]),
     (0.7, 0.2, ["scores no less, 0.700"])],
)  # fmt: skip
def test_what_the_network_reaches_on_the_harder_corpus_is_said(uf1, guess, expected):
    rows = ROWS.copy()
    rows.loc["synth", "UF1"] = uf1
    assert all(part in fdp.says_corpus(rows, guess) for part in expected)
    assert fdp.says_corpus(ROWS.drop("synth"), guess) == ""


@pytest.mark.parametrize(("centred", "expected"), [(True, "look at `centred`"), (False, "as they are")])
def test_whether_frames_are_centred_is_said(centred, expected):
    assert expected in fdp.says_centred(FDPSettings(centred=centred))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "above it; its interval excludes"), (0.65, "above it; its interval includes"),
     (0.75, "not above it; its interval includes"), (0.9, "not above it; its interval excludes")],
)  # fmt: skip
def test_a_row_is_above_a_reference_or_not_and_that_is_sure_or_not(value, expected):
    assert expected in fdp.says_against(ROWS.loc["paper"], {"it": value})


@pytest.mark.parametrize(
    ("difference", "p", "expected"),
    [
        (-0.1, 0.01, "is given apex and flow does better"),
        (0.1, 0.01, "Nothing was lost"),
        (0.1, 0.2, "can't tell"),
    ],
)
def test_what_key_frames_are_worth_is_said_by_the_test(difference, p, expected):
    both = Comparison(0.5 + difference, 0.5, p, draws=100, is_exact=True)
    assert expected in fdp.says_key_frames(both)
    assert f"{difference:+.3f}, p = {p:.3f}" in fdp.says_key_frames(both)


def test_a_run_is_compared_by_its_first_training():
    table = pd.DataFrame({"seed": [1, 2], "truth": [0, 0], "predicted": [0, 1], "p_a": 0.5, "p_b": 0.5})
    run = SimpleNamespace(predictions=table)
    assert fdp.first_seed(run)["seed"].tolist() == [1]
    assert fdp.pooled_scores(run)["accuracy"] == 1
    assert fdp.pooled_scores(run).name == "1 clips"


# The paper and its code


def test_the_reshape_puts_each_frame_into_rows_of_its_own():
    paper, released = fdp.layout("time"), fdp.layout("rows")
    assert [set(channel.ravel()) for channel in paper] == [{t} for t in range(8)]
    np.testing.assert_array_equal(released[0], np.repeat(np.arange(8), 8 * 64).reshape(64, 64))
    assert (released == released[0]).all()


def test_over_time_nothing_is_pooled_as_released():
    assert fdp.frames_met("time", side=16).to_dict() == {8: 16}
    met = fdp.frames_met("rows", side=16)
    assert set(met.index) == {1, 2} or set(met.index) == {2}
    assert met.sum() == 16


def test_each_update_leaves_nine_tenths_of_the_start():
    assert fdp.left_of_the_start(3) == pytest.approx(0.9**3)


def test_the_released_sampling_never_sees_the_end():
    clips = pd.DataFrame({"onset": [0, 0], "apex": [14, 8], "offset": [14, 15]})
    taken = fdp.sampled_as_released(clips)
    assert taken.length.tolist() == [15, 16]
    assert taken.seen.tolist() == [7 / 14, 14 / 15]
    assert taken.apex_is_later.tolist() == [True, False]


# What is drawn, and where it looks


def drawn_table(drawn, like, grey):
    rivals = ["drawn", "mean training picture", "even grey", "target itself"]
    target = pd.DataFrame({"mse": [drawn, 0.5, 0.6, 0.0], "likeness": [0.1, 0.1, 0.0, 1.0]}, index=rivals)
    expression = pd.DataFrame({"mse": [0.7, 0.7, grey, 0.5], "likeness": [like, 0.1, 0.0, 0.3]}, index=rivals)
    return pd.concat({"against the target": target, "against the expression alone": expression})


@pytest.mark.parametrize(
    ("values", "expected"),
    [((0.4, 0.4, 0.3), ["is nearer to", "more like", "is larger than"]),
     ((0.6, 0.2, 0.6), ["is not nearer", "not more like", "is not larger"])],
)  # fmt: skip
def test_drawings_are_judged_by_their_rivals(values, expected):
    assert all(part in fdp.says_drawings(drawn_table(*values)) for part in expected)


@pytest.mark.parametrize(("random", "expected"), [(0.1, "looks more at"), (0.4, "looks no more at")])
def test_a_map_is_judged_by_that_of_random_weights(random, expected):
    table = pd.DataFrame({"share inside": {"gradient": 0.3, "random weights": random}})
    assert expected in fdp.says_looks(table)


@pytest.mark.parametrize(
    ("paper", "expected"), [(0.7, "it owes to looking at frames"), (0.5, "looking at frames adds nothing")]
)
def test_what_a_picture_alone_is_worth_is_said(paper, expected):
    rows = ROWS.copy()
    rows.loc["paper", "UF1"] = paper
    uf1 = {"linear rule on target pictures": 0.38, "commonest class": 0.26}
    assert expected in fdp.says_linear(uf1, rows)
    assert "+0.120 beside the commonest class" in fdp.says_linear(uf1, rows)
    assert fdp.says_linear(uf1, rows.drop("paper")).endswith("beside the commonest class.")
