import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mer_core import open_corpus
from mer_core.methods import Augment
from mer_core.vision.augment import MIRRORED, augment

KINDS = {"frames": "image", "flow": "flow", "landmarks": "points"}
SIDE = 32


def dot_batch(n=8):
    """A clip whose one bright dot moves: frames, the flow of the dot, and 68 points that lie on it."""
    grid = torch.arange(SIDE) + 0.5
    start, move = torch.tensor([20.0, 12.0]), torch.tensor([3.0, -2.0])  # x, y in pixels

    def dot(centre):
        distance = (grid[None, :] - centre[0]) ** 2 + (grid[:, None] - centre[1]) ** 2
        return torch.exp(-distance / 8)

    frames = torch.stack([dot(start), dot(start + move)])
    flow = move[:, None, None].expand(2, SIDE, SIDE)
    points = torch.stack([start, start + move])[:, None].expand(2, 68, 2) / (SIDE / 2) - 1
    batch = {"frames": frames, "flow": flow, "landmarks": points, "label": torch.tensor(0)}
    return {name: values.expand(n, *values.shape).clone() for name, values in batch.items()}


def centres(frames):
    """Centre of mass in units of half the width from the middle, (…, 2)."""
    grid = (torch.arange(SIDE) + 0.5) / (SIDE / 2) - 1
    mass = frames / frames.sum(dim=(-1, -2), keepdim=True)
    return torch.stack([(mass.sum(dim=-2) * grid).sum(-1), (mass.sum(dim=-1) * grid).sum(-1)], dim=-1)


@pytest.mark.parametrize(
    "settings",
    [
        Augment(flip=True),
        Augment(rotate=30.0),
        Augment(shift=0.1),
        Augment(flip=True, rotate=20.0, shift=0.05),
    ],
)
def test_frames_flow_and_points_move_together(settings):
    made = augment(dot_batch(), KINDS, settings, torch.Generator().manual_seed(3))
    seen = centres(made["frames"])  # (B, 2, 2): two frames
    torch.testing.assert_close(made["landmarks"].mean(dim=2), seen, atol=0.02, rtol=0)
    middle = made["flow"][:, :, SIDE // 2, SIDE // 2]
    torch.testing.assert_close(middle, (seen[:, 1] - seen[:, 0]) * SIDE / 2, atol=0.3, rtol=0)
    assert (seen[:, 0] - seen[0, 0]).abs().max() > 0.02  # clips differ


def test_a_flip_mirrors_exactly_and_turns_the_motion_round():
    batch = dot_batch()
    made = augment(batch, KINDS, Augment(flip=True), torch.Generator().manual_seed(0))
    flipped = made["flow"][:, 0, 0, 0] < 0
    assert flipped.any()
    assert not flipped.all()
    torch.testing.assert_close(made["frames"][flipped], batch["frames"][flipped].flip(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(made["frames"][~flipped], batch["frames"][~flipped], atol=1e-5, rtol=0)


def test_a_picture_of_a_clip_moves_with_its_frames():
    batch = dot_batch()
    batch["picture"] = batch["frames"][:, 0]  # (B, H, W): no axis of frames
    kinds = {**KINDS, "picture": "image"}
    made = augment(batch, kinds, Augment(flip=True, shift=0.1), torch.Generator().manual_seed(3))
    torch.testing.assert_close(made["picture"], made["frames"][:, 0])


def test_without_settings_nothing_is_touched():
    batch = dot_batch()
    assert augment(batch, KINDS, Augment(), torch.Generator()) is batch


def test_light_changes_images_only():
    batch = dot_batch()
    made = augment(batch, KINDS, Augment(contrast=0.2, brightness=0.1), torch.Generator().manual_seed(0))
    assert (made["frames"] - batch["frames"]).abs().max() > 0.01
    torch.testing.assert_close(made["flow"], batch["flow"], atol=1e-5, rtol=0)
    still = augment(batch, {"frames": "map"}, Augment(contrast=0.2), torch.Generator().manual_seed(0))
    torch.testing.assert_close(still["frames"], batch["frames"], atol=1e-5, rtol=0)


def test_a_mirror_twice_is_none():
    assert np.array(MIRRORED)[MIRRORED].tolist() == list(range(68))


def test_in_a_mirror_left_and_right_change_places():
    corpus = open_corpus("synth-mini")
    points = corpus.landmarks(corpus.outline[0].clip, 0.0)  # (68, 2)
    middle = points[27:31, 0].mean()  # of the nose
    mirrored = points * [-1, 1] + [2 * middle, 0]
    assert np.abs(mirrored[MIRRORED] - points).mean() < 4 < np.abs(mirrored - points).mean()


def test_the_draw_is_that_of_the_seed():
    first, again, other = (
        augment(dot_batch(), KINDS, Augment(rotate=10.0), torch.Generator().manual_seed(seed))["frames"]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert F.mse_loss(first, other) > 1e-6


def test_a_crop_cuts_frames_flows_and_points_of_a_clip_at_one_place():
    frames = torch.arange(2 * 3 * 12 * 12, dtype=torch.float32).view(2, 3, 12, 12)
    flow = frames[:, :2, None].repeat(1, 1, 2, 1, 1)  # (2, 2, 2, 12, 12)
    place = torch.tensor([4.0, 7.0])  # pixels, x first
    points = ((place + 0.5) / 6 - 1).expand(2, 3, 68, 2)
    batch = {"x": frames, "flow": flow, "points": points, "label": torch.zeros(2)}
    kinds = {"x": "image", "flow": "flow", "points": "points"}
    cut = augment(batch, kinds, Augment(crop=8), torch.Generator().manual_seed(3))
    assert cut["x"].shape == (2, 3, 8, 8)
    assert cut["flow"].shape == (2, 2, 2, 8, 8)
    for clip in range(2):
        x, y = (((cut["points"][clip, 0, 0] + 1) * 4 - 0.5).round().long()).tolist()  # where (4, 7) has gone
        np.testing.assert_allclose(cut["x"][clip, :, y, x], frames[clip, :, 7, 4])
        np.testing.assert_allclose(cut["flow"][clip, :, :, y, x], flow[clip, :, :, 7, 4])
    with pytest.raises(ValueError, match="at least 20 pixels to crop, got 12"):
        augment(batch, kinds, Augment(crop=20), torch.Generator())
