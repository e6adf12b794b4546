import copy
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import StochasticDepth

from mer_core import open_corpus
from mer_core.methods import Augment, Stage, count_parameters
from mer_core.methods.fdp import (
    FDP,
    FRAMES,
    Attention,
    FDPNet,
    FDPSettings,
    GlobalAggregator,
    RankPooling,
    SegNet,
)
from mer_core.settings import SettingsError
from mer_core.training import Examples, fit_network
from mer_core.vision.dynamic_image import dynamic_image, unit_range

TINY = {"stem": 4, "depths": [1, 2, 1, 1], "widths": [24, 24, 24, 24], "side": 32, "hidden": 8, "size": 32,
        "drawing": [4, 4, 6, 6, 6]}  # fmt: skip
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def settings(**changes):
    return FDPSettings.parse({**TINY, **changes})


def network(n_classes=3, **changes):
    """In evaluation mode, with statistics and weights that are not those of the start."""
    torch.manual_seed(0)
    return unsettled(FDPNet(settings(**changes), n_classes))


def unsettled(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


ORDERS = ("forward", "reversed", "shuffled", "still")


def clips(n=2, size=32, seed=0):
    return torch.randn(n, FRAMES, size, size, generator=torch.Generator().manual_seed(seed))


def same(model, fast, slow, *inputs):
    """Equal outputs, and equal gradients of every parameter and input."""
    made = []
    for function in (fast, slow):
        copies = [x.clone().requires_grad_() for x in inputs]
        model.zero_grad()
        out = function(*copies)
        (out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum().backward()
        grads = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        made.append([out.detach(), *[x.grad for x in copies], *grads])
    assert len(made[0]) == len(made[1])
    for one, other in zip(*made, strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


# The size of the paper.


@pytest.mark.parametrize(
    ("changes", "whole", "encoder"),
    [
        ({"variant": "released"}, 85_304_206, 54_952_448),
        ({"variant": "paper"}, 96_251_342, 65_899_584),
        ({"variant": "paper", "local": "grouped"}, 70_986_254, 40_634_496),
    ],
)
def test_the_full_network_has_as_many_parameters_as_the_file_says(changes, whole, encoder):
    with torch.device("meta"):
        model = FDPNet(FDPSettings(**changes), n_classes=5)
    assert count_parameters(model) == whole
    assert count_parameters(model.encode) == encoder
    assert count_parameters(model.draw) == 29_446_465
    assert count_parameters(model.pool) + count_parameters(model.recognise) == 905_293


def test_its_parts_have_the_published_sizes():
    with torch.device("meta"):
        blocks = FDPNet(FDPSettings(), n_classes=5).encode.stages
    sizes = [count_parameters(block) for block in blocks if isinstance(block, GlobalAggregator)]
    assert sizes == [116_160, 461_696, 1_840_896, 7_350_272]
    assert [block.attend[1].group for block in blocks if isinstance(block, GlobalAggregator)] == [
        64,
        16,
        4,
        1,
    ]


@pytest.mark.parametrize(
    ("changes", "expected"), [({"variant": "released"}, 8.63e9), ({"variant": "paper"}, 9.49e9)]
)
def test_the_full_network_costs_as_much_as_the_file_says(changes, expected):
    with torch.device("meta"):
        model = FDPNet(FDPSettings(**changes), n_classes=5).eval()
        with FlopCounterMode(display=False) as counted:
            out = model(torch.empty(1, 8, 64, 64))
    assert counted.get_total_flops() / 2 == pytest.approx(expected, rel=1e-3)
    assert out["dynamic_image"].shape == (1, 64, 64)


def test_stochastic_depth_grows_from_block_to_block():
    with torch.device("meta"):
        blocks = FDPNet(FDPSettings(variant="released"), n_classes=5).encode.stages
    np.testing.assert_allclose(
        [block.drop.p for block in blocks], [0.1 * n / 19 for n in range(20)], atol=1e-6
    )


# Each fast block against its literal reference.


@pytest.mark.parametrize("changes", [{}, {"variant": "released"}, {"local": "grouped"}])
def test_frames_pass_at_once_as_they_would_one_by_one(changes):
    model = network(**changes)

    def one_by_one(x):
        vectors = [
            torch.cat([model.encode(x[b : b + 1, None, t]) for t in range(FRAMES)]) for b in range(len(x))
        ]
        dynamics = model.pool(torch.stack(vectors))
        return torch.cat([model.recognise(dynamics), model.draw(dynamics).sigmoid().flatten(1)], dim=1)

    def at_once(x):
        made = model(x)
        return torch.cat([made["emotion"], made["dynamic_image"].flatten(1)], dim=1)

    same(model, at_once, one_by_one, clips())


# Batch norm in training: as released it meets the frames one after the other.


@pytest.mark.parametrize(
    "changes", [{}, {"aggregators": "both", "local": "grouped"}], ids=["as released", "with every norm"]
)
def test_as_released_a_training_step_is_that_of_a_loop_over_frames(changes):
    torch.manual_seed(0)
    model = FDPNet(settings(variant="released", size=64, **changes), n_classes=3).double()
    for block in model.modules():
        if isinstance(block, StochasticDepth):
            block.p = 0
    loop, x = copy.deepcopy(model.train()), clips(3, size=64).double()
    vectors = torch.stack([loop.encode(frame[:, None]) for frame in x.unbind(1)], dim=1)
    dynamics = loop.pool(vectors)
    made = model(x)
    torch.testing.assert_close(made["emotion"], loop.recognise(dynamics))
    torch.testing.assert_close(made["dynamic_image"], loop.draw(dynamics).squeeze(1).sigmoid())
    same_statistics(model, loop)
    assert int(model.encode.norm.num_batches_tracked) == FRAMES
    assert int(model.draw.down[0][0][1].num_batches_tracked) == 1


def same_statistics(model, loop):
    for (name, mine), expected in zip(model.named_buffers(), loop.buffers(), strict=True):
        torch.testing.assert_close(mine, expected, msg=name)


def test_in_the_paper_batch_norm_meets_all_frames_at_once():
    model = FDPNet(settings(), n_classes=3).train()
    model(clips())
    assert int(model.encode.norm.num_batches_tracked) == 1


def test_as_released_the_first_epoch_leaves_little_of_the_start_in_the_frozen_statistics():
    method = FDP(
        settings(variant="released", size=64, epochs=3, batch=2, released={"frozen_after_first_epoch": True})
    )
    inputs = {"x": clips(8, size=64), "dynamic_image": torch.rand(8, 32, 32)}
    net = fit_network(method, Examples(inputs, torch.arange(8) % 2, np.arange(8), 2), seed=0)
    steps = 4  # of one epoch; the two that follow change no statistics
    assert int(net.encode.norm.num_batches_tracked) == FRAMES * steps
    assert int(net.draw.down[0][0][1].num_batches_tracked) == steps


def test_as_released_one_clip_a_step_is_refused_where_its_map_is_a_single_pixel():
    with pytest.raises(ValueError, match="Expected two clips a step or larger frames"):
        FDPNet(settings(variant="released"), n_classes=3).train()(clips(1))


@pytest.mark.parametrize("width", [24, 48, 120, 168, 240, 768])
def test_the_grouped_convolution_fits_every_width_and_the_published_ones_have_heads_of_32(width):
    mix = FDPNet(settings(local="grouped", widths=[width] * 4), n_classes=3).encode.stages[0].mix
    assert mix(torch.zeros(1, width, 2, 2)).shape == (1, width, 2, 2)
    assert mix[0].groups == {24: 1, 48: 1, 120: 3, 168: 4, 240: 6, 768: 24}[width]


def literal_attention(block, x):
    """Pixel by pixel, head by head, key by key."""
    clip_rows = []
    for picture in x:
        pixels = [picture[:, i, j] for i in range(x.shape[2]) for j in range(x.shape[3])]
        keys = [sum(pixels[i : i + block.group]) / block.group for i in range(0, len(pixels), block.group)]
        if block.group > 1:
            norm = block.norm
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            keys = [(key - norm.running_mean) * scale + norm.bias for key in keys]
        rows = []
        for pixel in pixels:
            heads = []
            for head in range(0, len(pixel), 8):
                part = slice(head, head + 8)
                query = block.query(pixel)[part]
                chances = torch.stack([query @ block.key(key)[part] / math.sqrt(8) for key in keys]).softmax(
                    0
                )
                heads.append(sum(c * block.value(key)[part] for c, key in zip(chances, keys, strict=True)))
            rows.append(block.out(torch.cat(heads)))
        clip_rows.append(torch.stack(rows, dim=1).view(x.shape[1:]))
    return torch.stack(clip_rows)


@pytest.mark.parametrize("group", [1, 4])
def test_attention_equals_its_literal_reference(group):
    torch.manual_seed(0)
    block = unsettled(Attention(16, group))
    same(block, block, lambda x: literal_attention(block, x), torch.randn(2, 16, 4, 2))


def literal_global_block(block, x):
    far = x + literal_attention(block.attend[1], block.attend[0](x))
    near = block.narrow(far)
    x = torch.cat([far, near + block.mix[0](near)], dim=1)
    return x + block.mlp[0](x)


def test_the_global_block_equals_its_literal_reference():
    torch.manual_seed(0)
    block = unsettled(GlobalAggregator(24, 32, stride=1, group=4, drop=0.1))
    same(block, block, lambda x: literal_global_block(block, x), torch.randn(2, 24, 4, 4))


def literal_pooling(weight, bias, vectors, time):
    """The 3-D convolution as it is published: a kernel of 3 × 3 × 8 over (S, S, 8), one clip and place at a time."""
    clip_maps, side = [], math.isqrt(vectors.shape[2])
    for clip in vectors:  # (8, S²)
        if time == "rows":
            volume = clip.reshape(side, side, FRAMES)
        else:
            volume = torch.stack([frame.reshape(side, side) for frame in clip], dim=2)
        volume = F.pad(volume, (0, 0, 1, 1, 1, 1))
        kernels = weight.permute(0, 2, 3, 1)  # (8, 3, 3, T)
        clip_maps.append(
            torch.stack([
                torch.stack([
                    torch.stack([(volume[i : i + 3, j : j + 3] * k).sum() for j in range(side)]) for i in range(side)
                ]) + b
                for k, b in zip(kernels, bias, strict=True)
            ])
        )  # fmt: skip
    return torch.stack(clip_maps)


@pytest.mark.parametrize("time", ["time", "rows"])
def test_pooling_over_time_equals_the_published_convolution(time):
    torch.manual_seed(0)
    block = RankPooling(side=8, time=time)
    same(
        block, block, lambda v: literal_pooling(*block.pool.parameters(), v, time), torch.randn(2, FRAMES, 64)
    )


def literal_up(x, largest, side):
    """Each value goes to the place that its maximum had; all others are 0."""
    up = x.new_zeros(*x.shape[:2], side * side)
    rows = []
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            row = list(up[n, c])
            for value, place in zip(x[n, c].flatten(), largest[n, c].flatten().tolist(), strict=True):
                row[place] = value
            rows.append(torch.stack(row))
    return torch.stack(rows).view(*x.shape[:2], side, side)


def literal_segnet(model, x):
    places, sides = [], []
    for stage in model.down:
        x = stage(x)
        side = x.shape[2]
        windows = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)  # (N, C, side / 2, side / 2, 4)
        x, best = windows.max(dim=4)
        i, j = torch.meshgrid(torch.arange(side // 2), torch.arange(side // 2), indexing="ij")
        places.append((2 * i + best // 2) * side + 2 * j + best % 2)
        sides.append(side)
    for k in range(4, -1, -1):
        x = model.up[k](literal_up(x, places[k], sides[k]))
    return x


def test_the_drawing_network_equals_its_literal_reference():
    torch.manual_seed(0)
    model = unsettled(SegNet((2, 2, 3, 3, 3)))
    same(model, model, lambda x: literal_segnet(model, x), torch.randn(1, 8, 32, 32))


# What the variants are.


def test_as_released_there_is_no_attention_and_the_paper_has_one_global_block_a_stage():
    released, paper = network(variant="released"), network()
    assert not any(isinstance(module, Attention) for module in released.modules())
    assert sum(isinstance(module, Attention) for module in paper.modules()) == 4


def test_as_released_a_frame_touches_its_own_rows_of_the_map_only():
    pool = RankPooling(side=64, time="rows")
    vectors = torch.randn(1, FRAMES, 4096)
    for t in range(FRAMES):
        changed = vectors.clone()
        changed[0, t] += 1
        rows = (pool.arrange(changed) != pool.arrange(vectors)).any(dim=3).any(dim=1)[0]  # (64,)
        assert rows.nonzero().flatten().tolist() == list(range(8 * t, 8 * t + 8))


def test_in_the_paper_a_frame_touches_every_row_and_its_own_channel_only():
    pool = RankPooling(side=8, time="time")
    vectors = torch.randn(1, FRAMES, 64)
    changed = vectors.clone()
    changed[0, 5] += 1
    touched = pool.arrange(changed) != pool.arrange(vectors)
    assert touched[0, 5].all()
    assert touched.sum() == 64


@pytest.mark.parametrize(("pooling", "is_lost"), [("mean", True), ("time", False), ("rows", False)])
def test_only_an_average_over_time_loses_the_order_of_frames(pooling, is_lost):
    pool, vectors = RankPooling(side=8, time=pooling), torch.randn(2, FRAMES, 64)
    assert torch.allclose(pool(vectors), pool(vectors.flip(1)), atol=1e-4) == is_lost


def test_the_encoder_begins_as_small_as_is_asked():
    for spread in (0.02, 0.06):
        weight = network(spread=spread).encode.stages[0].mix.weight
        assert weight.std().item() == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("aggregators", ["local", "global", "both"])
def test_the_ablation_has_the_blocks_that_it_says(aggregators):
    names = [type(block).__name__ for block in network(aggregators=aggregators).encode.stages]
    assert names.count("LocalAggregator") == (0 if aggregators == "global" else 5)
    assert names.count("GlobalAggregator") == (0 if aggregators == "local" else 4)
    assert network(aggregators=aggregators)(clips())["emotion"].shape == (2, 3)


# Inputs, losses, errors.


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    method = FDP(settings(size=64, align="clip"))
    return open_corpus("synth-mini", tmp_path_factory.mktemp("cache")).clipset(method.view, limit=4)


def test_frames_are_scaled_to_one_below_and_above_zero(mini):
    x = FDP(settings(size=64)).inputs(mini)["x"]
    np.testing.assert_allclose(x, mini.frames / 127.5 - 1, atol=1e-6)
    assert x.shape == (4, 8, 64, 64)


def test_the_image_to_draw_is_the_rank_pooled_clip(mini):
    weights = [-8.4607, -1.4607, 1.0393, 2.0393, 2.2893, 2.0893, 1.5893, 0.8750]
    made = FDP(settings(size=64, side=64)).inputs(mini)["dynamic_image"]
    for image, frames in zip(made, mini.frames.astype(float), strict=True):
        pooled = sum(weight * frame for weight, frame in zip(weights, frames, strict=True))
        np.testing.assert_allclose(image, (pooled - pooled.min()) / np.ptp(pooled), atol=1e-3)


def test_a_smaller_image_to_draw_is_the_mean_of_pixels_stretched_again(mini):
    made = FDP(settings(size=64, side=32)).inputs(mini)["dynamic_image"]
    assert made.shape == (4, 32, 32)
    torch.testing.assert_close(made.amin(dim=(1, 2)), torch.zeros(4))
    torch.testing.assert_close(made.amax(dim=(1, 2)), torch.ones(4))


def test_without_what_never_moves_the_image_to_draw_is_the_same(mini):
    usual, centred = (FDP(settings(size=64, centred=c)).inputs(mini) for c in (False, True))
    torch.testing.assert_close(centred["x"].mean(dim=1), torch.zeros(4, 64, 64), atol=1e-6, rtol=0)
    torch.testing.assert_close(centred["x"][:, 5] - centred["x"][:, 2], usual["x"][:, 5] - usual["x"][:, 2])
    again = unit_range(dynamic_image(centred["x"].numpy(), of="means"), least=1e-6)
    expected = unit_range(dynamic_image(usual["x"].numpy(), of="means"), least=1e-6)
    np.testing.assert_allclose(again, expected, atol=1e-4)


def test_a_finer_view_is_averaged(mini):
    method = FDP(settings(size=32, shrink=2))
    assert method.view.size == 64
    x = method.inputs(mini)["x"]
    np.testing.assert_allclose(x[1, 3, 4, 5], mini.frames[1, 3, 8:10, 10:12].mean() / 127.5 - 1, atol=1e-6)


def test_a_still_clip_has_an_even_grey_image(mini):
    class Still:
        frames = np.repeat(mini.frames[:, :1], 8, axis=1)

    assert (FDP(settings(size=64)).inputs(Still)["dynamic_image"] == 0.5).all()


def test_losses_computed_by_hand():
    outputs = {"emotion": torch.tensor([[0.0, 0.0, 0.0]]), "dynamic_image": torch.full((1, 4, 4), 0.6)}
    batch = {"label": torch.tensor([1]), "class_weight": None, "dynamic_image": torch.full((1, 4, 4), 0.5)}
    made = FDP(settings()).losses(outputs, batch, Stage("all", 1))
    assert made["emotion"].item() == pytest.approx(math.log(3))
    assert made["dynamic_image"].item() == pytest.approx(100 * 0.01, rel=1e-5)


def test_every_parameter_learns_and_without_the_drawing_its_network_does_not():
    model = network().train()
    batch = {
        "label": torch.tensor([0, 1, 2, 1]),
        "class_weight": None,
        "dynamic_image": torch.rand(4, 32, 32),
    }
    method = FDP(settings())
    sum(method.losses(model(clips(4)), batch, Stage("all", 1)).values()).backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: network()(torch.zeros(2, 7, 32, 32)),
            r"Expected grey frames \(B, 8, 32, 32\), got \(2, 7, 32, 32\)",
        ),
        (lambda: network()(torch.zeros(2, 8, 64, 64)), r"prepare the clips with the method's own `view`"),
        (lambda: network()(torch.zeros(2, 1, 8, 32, 32)), "Expected grey frames"),
        (lambda: settings(variant="official"), r"(?s)variant = 'official'.*'paper', 'released' or 'figure'"),
        (lambda: settings(widths=[24, 24, 24, 30]), "multiple of 24"),
        (lambda: settings(size=48), "multiple of 32"),
    ],
)
def test_what_does_not_fit_is_refused_and_what_fits_is_said(call, message):
    with pytest.raises((ValueError, SettingsError), match=message):
        call()


# How it is computed.


def test_channels_last_computes_the_same():
    model = network()
    one, other = model(clips()), model.to(memory_format=torch.channels_last)(clips())
    for name in one:
        torch.testing.assert_close(one[name], other[name], **CLOSE)


def test_half_precision_runs_and_says_about_the_same():
    model = network()
    with torch.autocast("cpu", torch.bfloat16):
        half = model(clips())
    for name, values in model(clips()).items():
        torch.testing.assert_close(half[name].float(), values, atol=0.05, rtol=0.05)


def test_the_image_is_moved_with_its_frames():
    assert FDP.kinds == {"x": "image", "dynamic_image": "map"}
    assert FDP(settings(augment=Augment(flip=True).plain())).settings.augment.flip


def test_frames_can_be_turned_round_shuffled_or_stand_still(mini):
    made = {order: FDP(settings(size=64, order=order)).inputs(mini)["x"] for order in ORDERS}
    forward = made["forward"]
    torch.testing.assert_close(made["reversed"], forward.flip(1))
    torch.testing.assert_close(made["still"], forward[:, :1].expand_as(forward))
    orders = [
        [int((forward[n] - frame).abs().sum(dim=(1, 2)).argmin()) for frame in clip]
        for n, clip in enumerate(made["shuffled"])
    ]
    assert all(sorted(order) == list(range(FRAMES)) for order in orders)
    assert len(set(map(tuple, orders))) == len(orders)  # each clip in an order of its own


def test_a_still_clip_has_nothing_to_draw(mini):
    assert (FDP(settings(size=64, order="still")).inputs(mini)["dynamic_image"] == 0.5).all()


def test_the_difference_is_that_of_the_frame_nearest_to_the_apex(mini):
    table = pd.DataFrame({"onset": [0, 0, 0, 0], "apex": [7, 3, 0, None], "offset": [7, 7, 7, 7]}).astype(
        "Int64"
    )
    clips = SimpleNamespace(frames=mini.frames, clips=table)
    made = FDP(settings(size=64, sees="difference")).inputs(clips)["x"]  # (4, 8, 64, 64)
    frames = torch.from_numpy(np.array(mini.frames)) / 127.5 - 1
    for n, apex in enumerate((7, 3, 0, 4)):  # without an apex: the middle
        torch.testing.assert_close(made[n, 0], frames[n, apex] - frames[n, 0])
    assert (made == made[:, :1]).all()


def test_a_fixed_dynamic_image_can_stand_for_the_frames(mini):
    made = FDP(settings(size=64, side=64, sees="dynamic image")).inputs(mini)
    stretched = unit_range(made["x"][:, 0].numpy())
    np.testing.assert_allclose(stretched, made["dynamic_image"], atol=1e-4)
