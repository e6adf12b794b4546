import pytest
import torch

from mer_core.methods import create_method
from mer_core.studies.famnet import (
    by_the_equations,
    level_table,
    multiply_adds,
    parameter_table,
    part_table,
    pulls,
)

SMALL = create_method("amnet2d", width=8, size=32, channels=1, colour=False)


def test_a_level_is_half_as_large_as_the_one_before(given):
    table = level_table(given)
    assert table.loc["AMNet3D, 16 × 112"].tolist()[:2] == ["64 × 16 × 56 × 56", "128 × 8 × 28 × 28"]
    assert table.loc["AMNet2D, here", 1] == "8 × 8 × 8"


@pytest.mark.parametrize("name", ["emotion", "action_units"])
def test_the_equations_are_what_the_package_computes(name):
    network = SMALL.network(3).eval()
    levels, task = network.trunk(torch.rand(2, 1, 32, 32)), getattr(network, name)
    assert torch.allclose(
        by_the_equations(task, network.trunk, levels), task(network.trunk, levels), atol=1e-5
    )


def test_pooling_first_is_cheaper():
    assert multiply_adds("amnet2d", passing="pooled") < multiply_adds("amnet2d", passing="convolved")


def test_action_units_move_the_trunk_of_the_emotion_only_if_it_is_shared():
    shared, separate = (pulls(SMALL, trunks, seed=0) for trunks in ("shared", "separate"))
    assert (shared.loc["trunk"] == "yes").all()
    assert separate.loc["trunk"].tolist() == ["yes", "no"]
    assert shared.loc["emotion"].tolist() == ["yes", "no"]


def test_the_trunks_are_the_known_networks():
    sizes = parameter_table()
    assert sizes.loc["trunk, its own classes"].tolist() == [11_689_512, 33_371_472]
    assert sizes["AMNet2D"].drop(["trunk, its own classes"]).is_monotonic_increasing


def test_the_parts_of_attention_are_what_it_adds():
    sizes, parts = parameter_table(), part_table()
    masks = parts.filter(like="mask", axis=0).sum()
    added = sizes.loc["two tasks, hier"] - sizes.loc["two tasks, no attention"]
    assert (2 * masks + parts.loc["encoders"] == added).all()
