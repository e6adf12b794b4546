import pytest
import torch
from torch import nn

from mer_core.methods import create_model
from mer_core.studies.attribution import (
    attribution,
    maps_of_folds,
    moving_region,
    occlusion,
    peak_inside,
    share_inside,
    still,
)


class Weighted(nn.Module):
    """Class c is the sum of all pixels, each times its weight: (C, T, H, W)."""

    def __init__(self, weights):
        super().__init__()
        self.weights, self.drop = weights, nn.Dropout(0.9)

    def forward(self, x):
        return {"emotion": torch.einsum("cthw,bthw->bc", self.weights, self.drop(x))}


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def setting():
    return Weighted(drawn(3, 4, 6, 5, seed=1)), drawn(2, 4, 6, 5), torch.tensor([2, 0])


def literal_map(weights, x, baseline):
    """Of a linear network the gradient is its weights: pixel by pixel."""
    _, height, width = x.shape
    made = torch.zeros(height, width)
    for t in range(len(x)):
        for i in range(height):
            for j in range(width):
                made[i, j] += abs(weights[t, i, j] * (x[t, i, j] - baseline[t, i, j]))
    return made


@pytest.mark.parametrize("is_still", [False, True])
def test_gradient_times_input_equals_its_loops(is_still):
    network, x, target = setting()
    baseline = still(x) if is_still else torch.zeros_like(x)
    maps = attribution(network, x, target, baseline if is_still else None)
    expected = [literal_map(network.weights[c], *pair) for c, *pair in zip(target, x, baseline, strict=True)]
    torch.testing.assert_close(maps, torch.stack(expected))


def test_a_clips_map_does_not_depend_on_its_neighbours():
    torch.manual_seed(0)
    network, x = create_model("ststnet", 3), drawn(4, 3, 28, 28)
    target = torch.tensor([0, 1, 2, 0])
    alone = attribution(network, x[1:2], target[1:2])
    torch.testing.assert_close(attribution(network, x, target)[1:2], alone, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("look", [attribution, occlusion])
def test_the_network_stays_as_it_was(look):
    network, x, target = setting()
    network.weights = nn.Parameter(network.weights)
    network.train()
    first, again = look(network, x, target), look(network, x, target)
    assert torch.equal(first, again)  # nothing was dropped
    assert network.training
    assert network.weights.grad is None
    assert not x.requires_grad


def test_every_clip_is_mapped_by_the_network_of_its_fold():
    network, x, target = setting()
    other, base = Weighted(drawn(3, 4, 6, 5, seed=7)), still(x)
    maps = maps_of_folds([other, network], torch.tensor([1, 0]), x, target, base)
    for clip, of in enumerate([network, other]):
        row = slice(clip, clip + 1)
        torch.testing.assert_close(maps[row], attribution(of, x[row], target[row], base[row]))


def test_occlusion_of_a_linear_network_is_what_the_patch_added():
    network, x, target = setting()
    falls = occlusion(network, x, target, patch=4)
    added = network.weights[target] * x  # (B, T, H, W)
    torch.testing.assert_close(falls[:, 1, 2], added[:, :, :4, :4].sum(dim=(1, 2, 3)))
    torch.testing.assert_close(falls[:, 5, 4], added[:, :, 4:, 4:].sum(dim=(1, 2, 3)))


@pytest.mark.parametrize("look", [attribution, occlusion])
def test_a_still_clip_owes_nothing_to_motion(look):
    network, x, target = setting()
    held = still(x)
    torch.testing.assert_close(look(network, held, target, baseline=still(held)), torch.zeros(2, 6, 5))


def test_pixels_move_from_a_quarter_of_the_largest_motion_on():
    flow = torch.zeros(2, 2, 1, 4)
    flow[0, 0, 0], flow[0, 1, 0] = torch.tensor([0, 0.2, 0.6, 2.4]), torch.tensor([0, 0, 0.8, 3.2])
    assert moving_region(flow).tolist() == [[[False, False, True, True]], [[False] * 4]]


def test_the_share_inside_computed_by_hand():
    maps = torch.tensor([[[3.0, 1.0], [-5.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [[0.0, -1.0], [0.0, 0.0]]])
    moving = torch.tensor([[True, False], [False, False]]).expand(3, 2, 2)
    shares = share_inside(maps, moving)
    assert shares[:2].tolist() == [0.75, 0.25]
    assert shares[2].isnan()


def literal_peak(one, region, width):
    """Of the mean around every place, the largest; what lies beyond the picture is 0."""
    best, inside, half = -1.0, None, width // 2
    for y in range(one.shape[0]):
        for x in range(one.shape[1]):
            around = one[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1].sum()
            if around > best:
                best, inside = around, bool(region[y, x])
    return inside


def test_the_pointing_game_equals_its_loops():
    maps, moving = drawn(20, 7, 6).abs(), drawn(20, 7, 6, seed=1) > 0
    expected = [literal_peak(*both, width=3) for both in zip(maps, moving, strict=True)]
    assert peak_inside(maps, moving, width=3).tolist() == expected
    assert len(set(expected)) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: share_inside(torch.zeros(2, 3, 3), torch.zeros(2, 4, 4)), r"same shape \(B, H, W\)"),
        (
            lambda: attribution(*setting()[:2], torch.tensor([1])),
            r"Expected one class a clip, \(2,\), got \(1,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
