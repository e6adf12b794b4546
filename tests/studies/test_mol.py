import numpy as np
import pandas as pd
import pytest
import torch

from mer_core.figures.boxes import overview
from mer_core.figures.style import SEQUENTIAL
from mer_core.methods import create_method
from mer_core.methods.mol import CCC, Correlation, MOLSettings, overlapping
from mer_core.studies import mol
from mer_core.studies.mol import OVERVIEW, dotted, grids, pairs, progress

SMALL = MOLSettings.parse({"size": 64, "stack": [3, 4, 5, 6]})


# Figures


def test_every_box_of_the_overview_is_named_and_joined_to_another():
    shown = " ".join(note.text for note in overview(OVERVIEW).layout.annotations)
    assert all(f"<b>{name}</b>" in shown for name, *_ in OVERVIEW.boxes)
    assert {end for arrow in OVERVIEW.arrows for end in arrow} == set(range(len(OVERVIEW.boxes)))
    assert OVERVIEW.note[0] in shown


def test_the_slider_has_a_step_for_every_pair_of_neighbours():
    frames, points = np.zeros((3, 8, 8), np.uint8), np.zeros((3, 68, 2))
    figure = pairs(frames, points, np.zeros((2, 2, 8, 8)))
    assert [frame.name for frame in figure.frames] == ["1 → 2", "2 → 3"]
    assert "2 pairs" in figure.layout.meta["alt"]


def test_a_point_in_the_middle_of_a_pixel_is_drawn_in_the_middle_of_its_square():
    image = dotted(np.zeros((8, 8), np.uint8), [(5, 2)])
    assert image.shape == (24, 24, 3)
    y, x = np.nonzero(image.any(axis=2))
    assert (x.mean(), y.mean()) == (16, 7)  # pixel 5 covers 15, 16 and 17


def test_only_a_matrix_with_a_value_below_0_has_two_colours():
    plain, signed = grids({"a": np.eye(2), "b": -np.eye(2)}, "two matrices").data
    assert [tuple(pair) for pair in plain.colorscale] == [tuple(pair) for pair in SEQUENTIAL]
    assert (plain.zmin, plain.zmax) == (0, 1)
    assert (signed.zmin, signed.zmax) == (-1, 1)


def test_numbers_stand_in_the_cells_only_if_asked_for():
    assert grids({"a": np.eye(2)}, "a matrix").data[0].texttemplate is None
    assert grids({"a": np.eye(2)}, "a matrix", digits=1).data[0].texttemplate == "%{z:.1f}"


def test_a_matrix_of_zeros_can_be_drawn():
    assert grids({"a": np.zeros((2, 2))}, "a matrix").data[0].zmax == 1


def test_each_task_stands_beside_what_it_is_compared_with():
    figure = progress({"flow": ([0.5, 0.25], 0.3, "zero flow"), "faces": ([1.0, 0.5], 0.7, "mean face")})
    assert [trace.y for trace in figure.data] == [(0.5, 0.25), (1.0, 0.5)]
    assert [(shape.y0, shape.yref) for shape in figure.layout.shapes] == [(0.3, "y"), (0.7, "y2")]
    assert "flow: from 0.500 to 0.250, zero flow 0.300" in figure.layout.meta["alt"]


@pytest.mark.parametrize("figure", [overview(OVERVIEW), grids({"a": np.eye(2)}, "a matrix of two rows")])
def test_every_figure_says_in_words_what_it_shows(figure):
    assert len(figure.layout.meta["alt"]) > 10


# The blocks


def test_the_literal_graph_and_the_literal_correlation_are_those_of_the_package():
    torch.manual_seed(0)
    block, x = CCC(SMALL), mol.drawn(1, 6, 8, 8)
    with torch.no_grad():
        slow = block.mix(mol.literal_ccc(block, x).view(1, 6, 8, 8))
        torch.testing.assert_close(slow, block(x))
    a, b = mol.drawn(2, 3, 8, 8), mol.drawn(2, 3, 8, 8, seed=1)
    moved = mol.literal_correlation(a, b)
    torch.testing.assert_close(moved[:, overlapping(8)], Correlation(8)(a, b))
    lost = mol.positions_shared(8).flatten() == 0
    assert not moved[:, lost].any()


def test_a_convolution_reaches_nine_positions():
    convolution = torch.nn.Conv2d(2, 2, 3, padding=1)
    assert (mol.reach(convolution, 2, 16) > 0).sum() == 9


def test_all_neighbours_of_a_frame_are_its_own():
    torch.manual_seed(0)
    network = create_method("mol", "book").network(3).eval()
    frames = {"one": mol.drawn(64, 64), "other": mol.drawn(64, 64, seed=1)}
    shares = mol.shared_neighbours(network, frames)
    assert shares["one"] == 1
    assert 0 < shares["by chance"] < shares["one"]
    assert 0 <= shares["other"] < 1


@pytest.mark.parametrize(
    ("flow", "expected"),
    [(0.04, "28 times that of the flow"), (0.5, "costs 0.5 times as much"), (0.0, "no weight in the loss")],
)
def test_the_terms_of_the_loss_are_compared(flow, expected):
    terms = {
        "emotion, all classes equally likely": 1.1,
        "flow, none": flow,
        "landmarks, all at the corner": 2.2,
    }
    text = mol.says_terms(terms)
    assert text.startswith("The largest is *landmarks, all at the corner*, the smallest *flow, none*.")
    assert expected in text
    assert ("loses next to nothing" in text) == (flow == 0.04)


@pytest.mark.parametrize(
    ("in_all", "expected"), [(44_105_379, "has as many as"), (44_105_380, "has another number")]
)
def test_our_count_is_held_against_the_released_one(in_all, expected):
    counts = pd.DataFrame(
        {"paper": {"first": 1, "second": 1, "flow": 8, "in all": 10}, "released": {"in all": in_all}}
    )
    text = mol.says_weights(counts)
    assert "80% are in `flow`" in text
    assert "have 20.0%" in text
    assert expected in text


# Training and results


@pytest.mark.parametrize(
    ("network", "above", "recognises"),
    [(0.5, "0.20 above", True), (0.35, "0.05 above", False), (0.2, "0.10 below", False)],
)
def test_a_score_near_the_guess_is_no_recognition(network, above, recognises):
    text = mol.says_live({"network": network, "the most frequent class": 0.3})
    assert above in text
    assert ("nothing that one would call recognition" not in text) == recognises


@pytest.mark.parametrize(("amplify", "expected"), [(50.0, "50 times as large"), (1.0, "not amplified")])
def test_whether_frames_are_amplified_is_said(amplify, expected):
    assert expected in mol.says_amplified(SMALL.replace(amplify=amplify))


ROWS = pd.DataFrame({"about": ["one", "two"], "UF1": [0.5, 0.3], "low": [0.4, 0.2]}, index=["a", "b"])


def judged(corrected):
    verdict = "supported" if corrected < 0.05 else "undecided"
    return pd.DataFrame({"claim": ["it helps"], "corrected": [corrected], "verdict": [verdict]}, index=["c"])


@pytest.mark.parametrize(
    ("guess", "corrected", "expected"),
    [
        (
            0.25,
            0.01,
            ["*one* with a UF1 of 0.500", "down to that guess: b. Of this one", "p-value is 0.010. "],
        ),
        (0.1, 0.2, ["p-value is 0.200: no difference survives"]),
        (0.45, 0.01, ["down to that guess: a, b. Of these one"]),
    ],
)
def test_the_best_row_the_weak_ones_and_the_claims_are_told(guess, corrected, expected):
    text = mol.says_results(ROWS, guess, judged(corrected))
    assert all(part in text for part in expected)
    assert ("that guess" in text) == (guess > 0.2)
    assert "it helps" in text


def test_without_a_run_no_claim_was_tested():
    assert "No run" in mol.says_results(ROWS.iloc[:0], 0.3, judged(0.5))
    assert "No claim was tested yet" in mol.says_results(ROWS, 0.1, judged(float("nan")))


# What is estimated


def flow_errors(network):
    values = {"nothing moved": [0.1, 0.2], "TV-L1": [0.08, 0.1], "network": network}
    return pd.DataFrame(values, index=["face", "moving skin"]).T


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ([0.12, 0.2], "has not learnt to estimate motion"),
        ([0.12, 0.19], "hardly better than none"),
        ([0.12, 0.1], "has learnt something of motion, most on the moving skin"),
    ],
)
def test_flow_is_judged_by_what_no_motion_costs(network, expected):
    text = mol.says_flow(flow_errors(network))
    assert expected in text
    assert "On the face the network's error is 1.20 times that of the guess that nothing moves" in text
    assert "no flow" in mol.says_flow(flow_errors(network).drop(index="network"))


@pytest.mark.parametrize(
    ("network", "first", "expected"),
    [
        (
            0.2,
            0.01,
            [
                "2.00 times that of the mean face: no better.",
                "less than the network's",
                "landmarks hardly move",
            ],
        ),
        (0.095, 0.01, ["0.95 times that of the mean face: hardly better."]),
        (0.05, 0.01, ["0.50 times that of the mean face. Taking"]),
        (0.005, 0.01, ["Even that is more than the network's 0.005", "than its neighbours are"]),
    ],
)
def test_landmarks_are_judged_by_a_mean_face_and_by_the_first_frame(network, first, expected):
    text = mol.says_landmarks({"network": network, "mean face": 0.1, "first frame": first})
    assert all(part in text for part in expected)


@pytest.mark.parametrize(
    ("motion", "expected"), [(0.3, ["into", "more than by chance"]), (0.1, ["out of", "no evidence"])]
)
def test_maps_are_judged_by_the_area_and_by_random_weights(motion, expected):
    inside = pd.DataFrame(
        {"frame": {"trained": 0.2, "untrained": 0.2}, "motion": {"trained": motion, "untrained": 0.15}}
    )
    text = mol.says_maps(inside, of_face=0.18)
    assert all(part in text for part in expected)


# The paper and its code


def test_the_weights_that_never_learn_are_counted():
    never = mol.never_learnt(SMALL)
    assert never["FCC: kernels"] == never["FCC: embeddings"] == 2 * 2 * 8 * 3  # half of both, down and along
    assert never["displacements"] == (441 - 49) * SMALL.encoder[2] * 9


def test_the_released_graph_has_no_say_with_one_neighbour_and_one_with_four():
    with_one, with_four = mol.graph_as_released(SMALL)
    assert with_one < 1e-5 < with_four


def test_a_clip_counts_as_often_as_eight_frames_go_into_it():
    counts = mol.times_counted(pd.DataFrame({"onset": [1, 1, 10], "offset": [8, 23, 97]}))
    assert counts.tolist() == [5, 10, 55]
    assert mol.clips_of_half(counts) == 1
