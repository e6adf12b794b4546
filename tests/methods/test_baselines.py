import math

import numpy as np
import pytest
import torch

from mer_core.methods import (
    count_parameters,
    create_method,
    create_model,
)
from mer_core.methods.hoof import oriented_flow_histograms
from mer_core.methods.lbptop import UNIFORM, lbp_top
from mer_core.settings import SettingsError

INPUTS = {"ststnet": (3, 28, 28), "offapex": (2, 28, 28), "apexframe": (1, 64, 64)}


@pytest.mark.parametrize("name", INPUTS)
def test_a_network_scores_every_class_and_every_parameter_learns(name):
    torch.manual_seed(0)
    model = create_model(name, n_classes=5)
    emotion = model(torch.randn(4, *INPUTS[name]))["emotion"]
    assert emotion.shape == (4, 5)
    emotion.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "expected"), [("ststnet", 1_683), ("offapex", 2_664_475), ("apexframe", 25_059)]
)
def test_parameters_are_as_many_as_the_file_says(name, expected):
    assert count_parameters(create_model(name, n_classes=3)) == expected


def literal_hoof(flow, blocks, bins):
    """One clip, vector by vector."""
    _, height, width = flow.shape
    counts = np.zeros((blocks, blocks, bins))
    for y in range(height):
        for x in range(width):
            u, v = flow[:, y, x].tolist()
            place = (math.atan2(v, u) % (2 * math.pi)) * bins / (2 * math.pi)
            low, part = math.floor(place), place - math.floor(place)
            block = counts[y * blocks // height, x * blocks // width]
            block[low % bins] += math.hypot(u, v) * (1 - part)
            block[(low + 1) % bins] += math.hypot(u, v) * part
    return counts.ravel() / (height * width / blocks**2)


def test_histograms_of_flow_equal_their_literal_reference():
    flow = np.random.RandomState(0).randn(3, 2, 12, 15).astype(np.float32)
    expected = [literal_hoof(clip, blocks=3, bins=8) for clip in flow]
    np.testing.assert_allclose(oriented_flow_histograms(flow, 3, 8), expected, atol=1e-5)


def literal_lbp_top(frames, blocks):
    """Pixel by pixel, plane by plane."""
    ring = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
    length, height, width = frames.shape
    counts = np.zeros((3, blocks, blocks, 59))
    for plane, axes in enumerate([(1, 2), (0, 2), (0, 1)]):
        for t in range(1, length - 1):
            for y in range(1, height - 1):
                for x in range(1, width - 1):
                    pattern = 0
                    for bit, steps in enumerate(ring):
                        place = [t, y, x]
                        for axis, step in zip(axes, steps, strict=True):
                            place[axis] += step
                        pattern |= int(frames[tuple(place)] >= frames[t, y, x]) << bit
                    row, column = (y - 1) * blocks // (height - 2), (x - 1) * blocks // (width - 2)
                    counts[plane, row, column, UNIFORM[pattern]] += 1
    return (counts / counts.sum(axis=3, keepdims=True)).ravel()


def test_lbp_top_equals_its_literal_reference():
    frames = np.random.RandomState(0).randint(0, 256, (4, 9, 8)).astype(np.uint8)
    np.testing.assert_allclose(lbp_top(frames, blocks=2), literal_lbp_top(frames, blocks=2), atol=1e-12)


def test_there_are_58_uniform_patterns_and_one_code_for_the_rest():
    assert np.bincount(UNIFORM).tolist() == [1] * 58 + [256 - 58]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: create_method("mol2"), ValueError, "there are majority, apexframe"),
        (lambda: create_method("hoof", preset="huge"), ValueError, "it has book, paper"),
        (
            lambda: create_method("hoof", bin=3),
            SettingsError,
            r"(?s)bin: there is no such setting.*bins: int",
        ),
        (lambda: create_model("hoof", 3), ValueError, "no network"),
        (lambda: create_model("ststnet", 1), ValueError, "at least two classes"),
    ],
)
def test_what_does_not_exist_is_refused_and_the_valid_names_are_listed(call, error, message):
    with pytest.raises(error, match=message):
        call()
