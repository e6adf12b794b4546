import numpy as np
import pytest
import torch

from mer_core.methods import create_model
from mer_core.studies.famnet import contrasts, films, moving_shares, pixels_inside, watch
from mer_core.studies.famnet.attention import attention_masks, mask_contrast, mask_maps

TINY = {"width": 4, "frames": 4, "size": 32, "colour": False, "channels": 1, "units": (4, 12), "shrink": 1}


def branch(name, **changes):
    torch.manual_seed(0)
    return create_model(name, 3, "book", **{**TINY, **changes}).eval()


def random(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("name", "frames", "first"), [("amnet2d", 2, (8, 8)), ("amnet3d", 4, (4, 16, 16))])
def test_each_task_has_a_mask_on_every_level(name, frames, first):
    masks = attention_masks(branch(name), random(2, frames, 1, 32, 32))
    assert list(masks) == ["emotion", "action units"]
    for levels in masks.values():
        assert [mask.shape[1] for mask in levels] == [4, 8, 16, 32]
        assert levels[0].shape[2:] == first
        assert all(((mask >= 0) & (mask <= 1)).all() for mask in levels)


def test_masks_are_those_that_the_network_multiplies_by():
    network, x = branch("amnet3d"), random(2, 4, 1, 32, 32)
    mask = attention_masks(network, x)["emotion"][0]
    u, _ = network.trunk(network.seen(x))[0]
    torch.testing.assert_close(mask, network.emotion.masks[0](u))


def test_looking_leaves_no_hook_behind():
    network, x = branch("amnet2d"), random(2, 2, 1, 32, 32)
    first = attention_masks(network, x)["emotion"]
    network(x)
    assert len(first) == 4


def test_a_task_that_is_not_learnt_has_no_masks():
    assert list(attention_masks(branch("amnet2d", au_weight=0.0), random(1, 2, 1, 32, 32))) == ["emotion"]


@pytest.mark.parametrize("attention", ["cbam", "none"])
def test_attention_that_the_tasks_share_is_refused(attention):
    with pytest.raises(ValueError, match="hier"):
        attention_masks(branch("amnet2d", attention=attention), random(1, 2, 1, 32, 32))


def test_a_mean_is_spread_over_what_it_stands_for():
    mask = torch.tensor(
        [[[[[0.2]], [[0.6]]], [[[0.4]], [[0.8]]]]]
    )  # (1, 2, 2, 1, 1): two channels, two times
    maps = mask_maps(mask, frames=4, side=3)
    assert maps.shape == (1, 4, 3, 3)
    torch.testing.assert_close(maps[0, :, 0, 0], torch.tensor([0.3, 0.3, 0.7, 0.7]))
    assert mask_maps(mask[:, :, 0], frames=4, side=3).shape == (1, 4, 3, 3)


def test_an_even_map_has_no_contrast_and_the_background_does_not_count():
    moving = torch.zeros(1, 4, 4, dtype=torch.bool)
    moving[:, :2] = True
    face = torch.ones_like(moving)
    face[:, 3] = False
    maps = torch.full((1, 4, 4), 0.5)
    maps[:, 3] = 100
    assert mask_contrast(maps, moving, face).item() == 0
    maps[:, :2] = 0.7
    assert mask_contrast(maps, moving, face).item() == pytest.approx(0.2)
    with pytest.raises(ValueError, match="same shape"):
        mask_contrast(maps, moving[:, :2], face)


def test_the_clips_that_move_most_are_watched_at_their_apex(given):
    watched = watch(given, count=3)
    moves = given.table["peak_pixels"].to_numpy()
    assert (given.tested[watched.places] == watched.rows).all()
    assert moves[watched.rows].min() >= np.sort(moves[given.tested])[-3]
    assert watched.moving[np.arange(3), watched.apex].flatten(1).any(dim=1).all()
    assert not watched.moving[:, 0].any()  # nothing has moved at the onset
    picture, face = moving_shares(watched)
    assert 0 < picture < face < 1


def test_masks_are_compared_with_those_of_random_weights(live):
    watched = watch(live.given, count=3)
    table = contrasts(live, watched)
    assert table.index.names == ["level", "task", "network"]
    assert len(table) == 3 * 2 * 2
    assert (table["low"] <= table["high"]).all()
    assert set(pixels_inside(live, watched)) == {"trained", "random"}


def test_a_film_has_a_map_a_frame_for_each_task(live):
    maps = films(live, live.given.most)
    assert list(maps) == ["level 1", "level 2", "level 3"]
    for tasks in maps.values():
        assert {of.shape for of in tasks.values()} == {(8, 32, 32)}
