import hashlib
import json
import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet18
from typer.testing import CliRunner

from mer_core import open_corpus
from mer_core.cli import app
from mer_core.faces.corpus import CARDS
from mer_core.faces.plan import subject_seed
from mer_core.ledger.experiments import load_paper
from mer_core.methods import count_parameters, create_method
from mer_core.methods.base import StartError
from mer_core.methods.ma2mi.network import (
    MA2MI,
    ActionBranch,
    Attention,
    ContinuousAttention,
    Encoder,
    MA2MISettings,
    MIACNet,
    Projection,
    ResNetBranch,
)
from mer_core.methods.ma2mi.pretraining import (
    Videos,
    branch_features,
    count_pairs,
    find_pairs,
    identity_probe,
    pretrain,
    strangers,
)
from mer_core.methods.ma2mi.reconstruction import (
    Autoencoder,
    DiT,
    FrameDecoder,
    Reconstruction,
    gain,
    motion_weights,
    sizes,
)
from mer_core.reading import FileError
from mer_core.settings import SettingsError
from mer_core.training import Examples, RunSettings, fit_network, run
from mer_core.training.starts import first_weights, keep_start, read_start

TINY = {"size": 32, "stem": 4, "widths": [4, 4, 8, 8], "depth": 1, "drop_path": 0.0, "decoder_width": 16,
        "decoder_depth": 1, "decoder_heads": 2, "bottleneck": 4, "compressor": 4, "moments": 4, "macro_steps": 3,
        "macro_batch": 4, "macro": "synth-mini", "epochs": 1}  # fmt: skip
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def settings(**changes):
    return MA2MISettings.parse({**TINY, **changes})


def network(n_classes=3, **changes):
    """In evaluation mode, with statistics that are not those of the start."""
    torch.manual_seed(0)
    return unsettled(MIACNet(settings(**changes), n_classes))


def unsettled(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def clips(n=2, size=32, seed=0):
    return torch.randn(n, 2, 3, size, size, generator=torch.Generator().manual_seed(seed))


def empty(build, *more, **changes):
    """The paper's size, without numbers."""
    with torch.device("meta"):
        return build(MA2MISettings.parse(changes), *more)


# The sizes of the sheet.


@pytest.mark.parametrize(
    ("changes", "n_classes", "expected"),
    [({}, 3, 8_942_199), ({"head": "flatten"}, 3, 9_241_719), ({"head": "flatten"}, 5, 9_442_425)],
)
def test_the_whole_network_has_as_many_parameters_as_was_counted(changes, n_classes, expected):
    assert count_parameters(empty(MIACNet, n_classes, **changes)) == expected


def test_so_has_each_of_its_parts():
    encoder = empty(Encoder)
    assert count_parameters(encoder.action) == 2_528_884
    assert count_parameters(encoder.position) == 6_411_776
    assert count_parameters(encoder) == 8_940_660
    patches = empty(Encoder, position="patches")
    assert count_parameters(patches.position) == 6_803_456
    assert count_parameters(patches) == 9_332_340
    assert count_parameters(empty(ResNetBranch, 3)) == 11_176_512


def test_so_have_the_decoders():
    assert count_parameters(empty(FrameDecoder, 3, 224)) == 7_779_600
    with torch.device("meta"):
        assert count_parameters(DiT(4, 0, 28, MA2MISettings(decoder_depth=12))) == 32_474_512
        assert count_parameters(DiT(4, 4, 28, MA2MISettings(decoder_depth=6))) == 16_520_848


def test_the_sizes_of_all_parts_are_those_of_the_networks():
    made = sizes(MA2MISettings(), 3)
    assert made["action branch"] == 2_528_884
    assert made["decoder"] == 7_779_600
    assert made["recognition, in all"] == sum(made[part] for part in list(made)[:3]) == 8_942_199


def test_so_has_the_network_for_a_processor():
    small = {
        "size": 64,
        "stem_stride": 1,
        "stem": 48,
        "widths": [32, 32, 64, 128],
        "depth": 2,
        "bottleneck": 8,
    }
    model = empty(Reconstruction, **small, decoder_width=128, decoder_depth=3, decoder_heads=4)
    parts = (model.encode.action, model.encode.position, model.decode)
    assert [count_parameters(part) for part in parts] == [161_152, 273_920, 654_920]
    assert model(torch.empty(1, 2, 3, 64, 64, device="meta")).shape == (1, 3, 64, 64)


# Each block against its literal reference.


def literal_attention_block(block, x, seen):
    """Convolutions of PyTorch; everything about the map by hand, place by place."""
    x = F.relu(block.convolve(x) + block.shortcut(x))
    weight, norm = block.look[0].weight.flatten(), block.look[1]
    looks = torch.empty(len(x), 1, *x.shape[2:])
    for b in range(len(x)):
        for i in range(x.shape[2]):
            for j in range(x.shape[3]):
                here = weight[0] * x[b, :, i, j].mean() + weight[1] * x[b, :, i, j].max()
                here = (here - norm.running_mean) / (
                    norm.running_var + norm.eps
                ).sqrt() * norm.weight + norm.bias
                looks[b, 0, i, j] = 1 / (1 + math.exp(-here.item()))
                if seen is not None:
                    s = block.stride
                    rows, columns = (slice(max(0, s * n - 1), s * n + 2) for n in (i, j))
                    looks[b, 0, i, j] *= seen[b, 0, rows, columns].max()
    return x * looks, looks


@pytest.mark.parametrize("stride", [1, 2])
def test_the_attention_block_equals_its_literal_reference(stride):
    torch.manual_seed(0)
    block = unsettled(ContinuousAttention(3, 5, stride))
    x, seen = torch.randn(2, 3, 6, 6), torch.rand(2, 1, 6, 6)
    with torch.no_grad():
        for before in (None, seen):
            for made, expected in zip(
                block(x, before), literal_attention_block(block, x, before), strict=True
            ):
                torch.testing.assert_close(made, expected, **CLOSE)


def test_attention_equals_its_literal_reference():
    torch.manual_seed(0)
    block, x, asked = Attention(8, 2), torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    for b in range(2):
        for n in range(3):
            heads = []
            for head in (slice(0, 4), slice(4, 8)):
                query = block.query(x[b, n])[head]
                scores = torch.stack([query @ block.key(token)[head] / 2 for token in asked[b]]).softmax(0)
                heads.append(sum(s * block.value(t)[head] for s, t in zip(scores, asked[b], strict=True)))
            torch.testing.assert_close(block(x, asked)[b, n], block.out(torch.cat(heads)), **CLOSE)


def test_each_token_of_the_decoder_draws_its_own_patch():
    torch.manual_seed(0)
    model = FrameDecoder(settings(), 3, 32).eval()
    nn.init.normal_(model.draw.weight)
    now, features = torch.randn(1, 3, 32, 32), torch.randn(1, 8, 2, 2)
    tokens = torch.stack([
        model.embed(now[:, :, 16 * i : 16 * i + 16, 16 * j : 16 * j + 16])[0, :, 0, 0]
        + model.narrow(features)[0, :, i, j]
        for i in range(2) for j in range(2)
    ])  # fmt: skip
    drawn = model.draw(model.blocks(tokens[None] + model.place))[0].view(2, 2, 3, 16, 16)
    made = model(now, features) - now
    for i in range(2):
        for j in range(2):
            torch.testing.assert_close(
                made[0, :, 16 * i : 16 * i + 16, 16 * j : 16 * j + 16], drawn[i, j], **CLOSE
            )


def test_whoever_knows_the_noise_gets_the_latent_out_of_it():
    torch.manual_seed(0)
    model = DiT(4, 4, 4, settings())
    z, noise = torch.randn(2, 4, 4, 4), torch.randn(2, 4, 4, 4)

    def knows(noisy, given, t, features):
        kept = model.kept[t].view(-1, 1, 1, 1)
        return (noisy - kept.sqrt() * z) / (1 - kept).sqrt()

    model.forward = knows
    torch.testing.assert_close(model.sample(z, noise, noise), z, atol=1e-3, rtol=1e-3)
    kept = math.prod(1 - (1e-4 + (0.02 - 1e-4) * t / 999) for t in range(500))
    made = model.noised(z, noise, torch.tensor([499, 499]))
    torch.testing.assert_close(made, math.sqrt(kept) * z + math.sqrt(1 - kept) * noise, **CLOSE)


# Losses and scores.


def literal_weights(now, later, beta):
    """A Gaussian of sigma 2 over 13 × 13 pixels, edges mirrored, one pixel at a time."""
    moved = (later - now).abs().mean(dim=1).double().numpy()
    padded = np.pad(moved, ((0, 0), (6, 6), (6, 6)), mode="reflect")
    bell = np.exp(-(np.arange(-6, 7) ** 2) / 8)
    bell = np.outer(bell, bell) / bell.sum() ** 2
    blurred = np.empty_like(moved)
    for b, i, j in np.ndindex(*moved.shape):
        blurred[b, i, j] = (padded[b, i : i + 13, j : j + 13] * bell).sum()
    return torch.tensor(1 + beta * np.minimum(blurred / blurred.mean(), 5))[:, None].float()


def test_motion_weights_equal_their_literal_reference():
    x = clips(3, 16) * torch.rand(3, 1, 1, 16, 16).pow(
        8
    )  # little moves, here and there: some weights are clipped
    made = motion_weights(x[:, 0], x[:, 1], beta=0.7)
    torch.testing.assert_close(made, literal_weights(x[:, 0], x[:, 1], 0.7), **CLOSE)


def test_without_beta_every_pixel_weighs_the_same_and_a_still_pair_has_no_weight_of_its_own():
    x = clips()
    assert (motion_weights(x[:, 0], x[:, 1], beta=0.0) == 1).all()
    assert (motion_weights(x[:, 0], x[:, 0], beta=1.0) == 1).all()


def test_the_gain_over_a_copy_computed_by_hand():
    assert gain(torch.tensor([1.0, 0.5]), torch.tensor([2.0, 1.0])) == pytest.approx(0.5)
    assert gain(torch.tensor([3.0]), torch.tensor([2.0])) == pytest.approx(-0.5)


def test_the_loss_of_a_fresh_decoder_is_that_of_a_copy_and_its_gain_is_zero():
    torch.manual_seed(0)
    model, x = Reconstruction(settings()).eval(), clips()
    weights = literal_weights(x[:, 0], x[:, 1], 1.0)
    assert model.loss(x).item() == pytest.approx(
        (weights * (x[:, 1] - x[:, 0]).abs()).mean().item(), rel=1e-4
    )
    assert gain(*model.errors(x)) == 0


def test_the_loss_of_the_diffusion_decoder_is_the_error_in_the_noise():
    torch.manual_seed(0)
    model, x = Reconstruction(settings(decoder="diffusion")).eval(), clips()
    torch.manual_seed(1)
    noise = torch.randn_like(model.frames(x)[1])
    torch.manual_seed(1)
    assert model.loss(x).item() == pytest.approx(
        noise.square().mean().item(), rel=1e-5
    )  # it begins with saying 0


# What may be seen where.


def test_the_action_branch_sees_nothing_but_the_difference_and_the_position_branch_only_the_first_frame():
    encoder, x = network().encode, clips()
    brighter, other = x + 1, torch.stack([x[:, 0], x[:, 0]], dim=1)
    with torch.no_grad():
        made, moved, still = (encoder.branches(pair) for pair in (x, brighter, other))
    torch.testing.assert_close(made["action"], moved["action"], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(made["position"], still["position"])
    assert (made["position"] - moved["position"]).abs().max() > 1e-3
    assert (made["action"] - still["action"]).abs().max() > 1e-3


@pytest.mark.parametrize("decoder", ["direct", "latent", "diffusion"])
def test_the_later_frame_reaches_the_decoder_through_the_encoder_alone(decoder):
    torch.manual_seed(0)
    model = Reconstruction(settings(decoder=decoder)).eval()
    for layer in (model.decode.draw, getattr(model.decode, "steer", model.decode.draw)):
        nn.init.normal_(layer.weight)
    x, other = clips(), clips(seed=1)
    changed = torch.stack([x[:, 0], other[:, 1]], dim=1)
    with torch.no_grad():
        features = model.encode(x)
        torch.testing.assert_close(model(x, features), model(changed, features))
        assert (model(x) - model(changed)).abs().max() > 1e-4


def test_the_attention_maps_only_shrink():
    branch = unsettled(ActionBranch(settings(), 3))
    _, maps = branch.attended(torch.randn(2, 3, 32, 32))
    assert [m.shape[-1] for m in maps] == [16, 8, 4, 2]
    assert all(m.min() > 0 and m.max() < 1 for m in maps)
    for before, after in pairwise(maps):
        assert (after <= F.max_pool2d(before, 3, 2, padding=1)).all()


def test_attention_begins_open():
    torch.manual_seed(0)
    _, maps = ActionBranch(settings(), 3).train().attended(torch.randn(8, 3, 32, 32))
    assert maps[-1].mean() > 0.3  # with zero for a first bias it would be a sixteenth


@pytest.mark.parametrize(
    ("branches", "names"),
    [
        ("both", ["action", "position"]),
        ("action", ["action"]),
        ("position", ["position"]),
        ("stacked", ["action"]),
    ],
)
def test_the_ablation_has_the_branches_that_it_says(branches, names):
    model = network(branches=branches)
    assert list(model.encode.branches(clips())) == names
    assert model(clips())["emotion"].shape == (2, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"fusion": "concat"},
        {"fusion": "attention"},
        {"encoder": "resnet18"},
        {"position": "patches"},
        {"stem_stride": 1},
    ],
)
def test_every_switch_gives_a_map_of_the_same_kind_and_every_parameter_learns(changes):
    torch.manual_seed(0)
    model = MIACNet(settings(**changes, head="flatten"), 3).train()
    made = model(clips(4))["emotion"]
    F.cross_entropy(made, torch.tensor([0, 1, 2, 1])).backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in still if "key.bias" not in name] == []  # softmax forgets what all keys share
    side = 4 if "stem_stride" in changes else 2
    assert model.encode(clips(4)).shape == (4, 8, side, side)


def test_a_mean_over_places_does_not_know_what_is_where_and_a_flattened_map_does():
    features = torch.randn(1, 8, 2, 2)
    for head, is_known in (("gap", False), ("flatten", True)):
        classify = network(head=head).classify
        assert torch.allclose(classify(features), classify(features.flip(2)), atol=1e-5) != is_known


@pytest.mark.parametrize("decoder", ["direct", "diffusion"])
def test_pooled_features_have_lost_their_place_before_they_reach_the_decoder(decoder):
    for condition, is_lost in (("pooled", True), ("tokens", False)):
        torch.manual_seed(0)
        model = Reconstruction(settings(decoder=decoder, condition=condition)).eval()
        for layer in (model.decode.draw, getattr(model.decode, "steer", model.decode.draw)):
            nn.init.normal_(layer.weight, std=0.1)
        for block in model.decode.blocks:
            nn.init.normal_(getattr(block, "steer", nn.Linear(1, 1)).weight, std=0.1)
        x, features = clips(), torch.randn(2, 8, 2, 2)
        with torch.no_grad():
            assert torch.allclose(model(x, features), model(x, features.flip(2)), atol=1e-5) == is_lost


def test_the_other_encoder_takes_the_weights_of_its_namesake():
    ours, theirs = empty(ResNetBranch, 3), resnet18(weights=None)
    named = {
        name: tuple(values.shape)
        for name, values in theirs.state_dict().items()
        if not name.startswith("fc.")
    }
    assert {name: tuple(values.shape) for name, values in ours.state_dict().items()} == named


@pytest.mark.parametrize("step", [1, 2])
def test_a_projection_is_a_strided_convolution(step):
    torch.manual_seed(0)
    made, expected = Projection(3, 5, step), nn.Conv2d(3, 5, 1, stride=step, bias=False)
    expected.load_state_dict(made.state_dict())
    torch.testing.assert_close(made(x := torch.randn(2, 3, 6, 6)), expected(x), **CLOSE)


def test_channels_last_computes_the_same_and_can_be_trained():
    model, x = network(), clips()
    usual = model(x)["emotion"]
    model = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x)["emotion"], usual, **CLOSE)
    for _ in range(5):
        model(x)["emotion"].sum().backward()


def test_an_autoencoder_keeps_the_size_of_a_frame():
    model = Autoencoder(4)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 4, 4, 4)
    assert model.restore(torch.randn(2, 4, 4, 4)).shape == (2, 3, 32, 32)


# What the method makes of clips, and its settings.


def test_frames_come_in_units_of_imagenets_colours_and_grey_ones_are_repeated():
    frames = np.random.RandomState(0).randint(256, size=(2, 2, 4, 4, 3), dtype=np.uint8)
    made = MA2MI(settings()).scaled(frames)
    assert made.shape == (2, 2, 3, 4, 4)
    assert made[1, 0, 2, 3, 1].item() == pytest.approx(
        (frames[1, 0, 3, 1, 2] / 255 - 0.406) / 0.225, abs=1e-5
    )
    grey = MA2MI(settings(colour=False)).scaled(frames[..., 0])
    torch.testing.assert_close(grey[:, :, 1] * 0.224 + 0.456, grey[:, :, 2] * 0.225 + 0.406, **CLOSE)


def test_what_was_scaled_can_be_looked_at_again():
    frames = np.random.RandomState(0).randint(256, size=(2, 2, 4, 4, 3), dtype=np.uint8)
    method = MA2MI(settings())
    np.testing.assert_array_equal(method.pictures(method.scaled(frames)), frames)


def test_even_frames_have_the_light_of_the_first_one():
    frames = np.random.RandomState(0).randint(50, 100, size=(1, 1, 8, 8, 3), dtype=np.uint8)
    brighter = np.concatenate([frames, 2 * frames], axis=1)
    made = MA2MI(settings(even=True)).scaled(brighter)
    torch.testing.assert_close(made[:, 0], made[:, 1], **CLOSE)
    assert (MA2MI(settings()).scaled(brighter).diff(dim=1) > 0.5).all()


def test_what_was_learnt_before_moves_more_slowly_than_a_fresh_classifier():
    method = MA2MI(settings(start="ma2mi", slower=0.5, rate=0.01))
    slow, fresh = method.groups(model := network())
    assert slow["lr"] == 0.005
    assert "lr" not in fresh
    assert sum(map(len, (slow["params"], fresh["params"]))) == len(list(model.parameters()))
    assert len(MA2MI(settings()).groups(model)) == 1


def test_a_linear_probe_moves_nothing_but_the_classifier():
    (stage,) = MA2MI(settings(start="ma2mi", tune="classifier")).stages()
    assert stage.part == "classify"
    assert MA2MI(settings()).stages()[0].part == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: network()(torch.zeros(2, 3, 32, 32)), r"onset and apex \(B, 2, 3, 32, 32\), got \(2, 3, 32, 32\)"),
        (lambda: network()(torch.zeros(1, 2, 3, 64, 64)), "prepare the clips with the method's own `view`"),
        (lambda: settings(start="imagenet"), "scratch, ma2mi, supervised or a .safetensors file, got 'imagenet'"),
        (lambda: settings(heads=3), "heads that divide a width of 8, got 3"),
        (lambda: settings(tune="classifier"), "set start"),
        (lambda: settings(size=40), "multiple of 16"),
        (lambda: settings(decoder="gan"), "'direct', 'latent' or 'diffusion'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_what_fits_is_said(call, message):
    with pytest.raises((ValueError, SettingsError), match=message):
        call()


# Pairs of frames.


def made_clips(n=4, moments=6, size=32, seed=0):
    """Faces of noise that stand still: landmarks, frames and a table, as a ClipSet has them."""
    random = np.random.RandomState(seed)
    frames = np.repeat(random.randint(60, 200, (n, 1, size, size, 3), dtype=np.uint8), moments, axis=1)
    points = np.repeat(random.uniform(5, 27, (n, 1, 68, 2)), moments, axis=1).astype(np.float32)
    table = pd.DataFrame({"subject": [f"toy/s{i // 2}" for i in range(n)], "emotion": ["a", "b"] * (n // 2)})
    table = table.assign(onset=0, apex=2, offset=5)
    return SimpleNamespace(frames=frames, landmarks=points, clips=table)


def test_every_gap_gives_its_pairs():
    pairs = find_pairs(made_clips(), MA2MI(settings(moments=6, gaps=[1, 3], still_below=0.0)))
    assert pairs.groupby(pairs["later"] - pairs["now"]).size().to_dict() == {1: 4 * 5, 3: 4 * 3}
    assert pairs["now"].min() == 0
    assert pairs["later"].max() == 5
    assert (pairs["left_out"] == "").all()


def test_a_moving_head_a_cut_and_most_still_pairs_are_left_out_and_counted():
    clips, chosen = made_clips(), MA2MI(settings(moments=6, gaps=[1], still_share=0.25))
    clips.landmarks[0, 3:] += 5  # all points of one face between two moments
    clips.frames[1, 2:] = 255 - clips.frames[1, 2:]
    clips.landmarks[3, :, 48:60] += 0.5 * np.arange(6)[:, None, None]  # a mouth, little by little
    pairs = find_pairs(clips, chosen)
    assert pairs.loc[pairs["left_out"] == "the head moves", ["clip", "now"]].to_numpy().tolist() == [[0, 2]]
    assert pairs.loc[pairs["left_out"] == "a cut or a flash", ["clip", "now"]].to_numpy().tolist() == [[1, 1]]
    kept = pairs[pairs["left_out"] == ""]
    moving = kept["motion"] > 0.1
    assert (kept.loc[moving, "clip"] == 3).all()
    assert (moving.sum(), (~moving).sum()) == (5, 1)  # a quarter of the kept may be still: 1 of 6
    assert count_pairs(pairs) == {"kept": 6, "still": 12, "the head moves": 1, "a cut or a flash": 1}
    assert kept.loc[moving, "motion"].to_numpy() == pytest.approx(math.hypot(0.5, 0.5), rel=1e-3)


def toy_videos(n=12):
    """An edge across a face moves in its upper or in its lower half: which one, the first moment does not tell."""
    frames = np.full((n, 2, 32, 32, 3), 100, np.uint8)
    frames[:, :, :, 12:] = 200
    frames[::2, 1, :16, 12:20] = 100
    frames[1::2, 1, 16:, 12:20] = 100
    pairs = pd.DataFrame({"clip": range(n), "now": 0, "later": 1})
    subjects = np.array([f"toy/s{clip // 2}" for clip in range(n)])
    chosen = settings(start="ma2mi", macro_augment={}, macro_steps=150, macro_batch=8, macro_rate=1e-2)
    return Videos(MA2MI(chosen), frames, subjects, np.arange(n) % 2, np.ones(n, int), pairs)


def test_both_frames_of_a_pair_are_varied_alike_and_either_may_come_first():
    videos = toy_videos()
    still = videos.pairs.assign(later=videos.pairs["now"])
    method = MA2MI(settings(macro_augment={"flip": True, "rotate": 4.0, "shift": 0.1}))
    varied = replace(videos, method=method, pairs=still)
    x, _ = varied.batch(np.arange(8), torch.Generator().manual_seed(0))
    torch.testing.assert_close(x[:, 0], x[:, 1])
    there, _ = videos.batch(np.zeros(32, int))
    made, _ = videos.batch(np.zeros(32, int), torch.Generator().manual_seed(0))
    is_back = [torch.equal(pair.flip(0), first) for pair, first in zip(made, there, strict=True)]
    assert 5 < sum(is_back) < 27
    assert all(
        torch.equal(pair, first) for pair, first, back in zip(made, there, is_back, strict=True) if not back
    )


def test_a_stranger_is_somebody_else():
    who = np.array(["a", "a", "b", "a", "c"])
    assert strangers(who).tolist() == [2, 2, 3, 4, 0]


# The stage.


def test_it_learns_to_draw_a_movement_and_needs_the_right_action_for_it():
    videos = toy_videos()
    scores = pretrain(videos.method, videos, seed=0).scores
    assert scores["R"] > 0.2
    assert scores["R, another's action"] < 0
    assert scores["R, no action"] < 0.1
    assert scores["swapped action, like the giver's"] > scores["swapped action, like the taker's"] + 0.2


def test_the_same_seed_learns_the_same_and_leaves_other_random_numbers_alone():
    videos = toy_videos()
    short = replace(videos, method=MA2MI(videos.method.settings.replace(macro_steps=2)))
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, again, other = (pretrain(short.method, short, seed).network.state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


OTHER_KINDS = [
    {"decoder": "latent"},
    {"decoder": "diffusion"},
    {"actions": "shuffled"},
    {"start": "supervised"},
]


@pytest.mark.parametrize("changes", OTHER_KINDS)
def test_every_kind_of_learning_gives_an_encoder_and_finite_scores(changes):
    videos = toy_videos()
    method = MA2MI(videos.method.settings.replace(macro_steps=2, **changes))
    learnt = pretrain(method, replace(videos, method=method), seed=0)
    assert np.isfinite(list(learnt.scores.values())).all()
    assert ("accuracy" in learnt.scores) == (changes.get("start") == "supervised")
    learnt.network.encode(clips())
    if learnt.network.__class__ is Reconstruction and learnt.network.compress:
        assert not any(p.requires_grad for p in learnt.network.compress.parameters())
        assert learnt.network.compress.scale != 1


def test_an_identity_that_stands_in_the_features_is_found_and_one_that_does_not_is_not():
    random = np.random.RandomState(0)
    subjects = np.repeat([f"toy/s{i}" for i in range(5)], 12)
    noise = random.normal(size=(60, 10))
    known = noise + np.repeat(3 * random.normal(size=(5, 10)), 12, axis=0)
    assert identity_probe(known, subjects)["accuracy"] > 0.9
    assert identity_probe(noise, subjects)["accuracy"] < 0.45
    assert identity_probe(noise, subjects)["chance"] == 0.2
    with pytest.raises(ValueError, match="two subjects at least that have two clips each"):
        identity_probe(noise[:3], subjects[[0, 1, 12]])


def test_each_branch_has_its_features_for_a_probe():
    made = branch_features(network().encode, clips(3), side=2)
    assert {name: values.shape for name, values in made.items()} == {"action": (3, 32), "position": (3, 32)}


# Kept weights.


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Nothing is made in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def starts(cache, tmp_path_factory):
    """A folder in which one start has been made."""
    folder = tmp_path_factory.mktemp("starts")
    first_weights(MA2MI(settings(start="ma2mi")), {"other/s1"}, cache=folder)
    return folder


def only(folder):
    (file,) = folder.glob("*.safetensors")
    return file


def copied(starts, folder, **changes):
    """The start elsewhere, with another card."""
    file = folder / "copy.safetensors"
    file.write_bytes(only(starts).read_bytes())
    card = json.loads(only(starts).with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps({**card, **changes}))
    return file


def test_a_start_is_made_once_for_a_corpus_and_a_seed(starts):
    file, method = only(starts), MA2MI(settings(start="ma2mi", epochs=7, head="flatten"))
    before = file.stat().st_mtime_ns
    one = first_weights(method, {"other/s1"}, cache=starts)  # what is learnt afterwards does not matter
    assert only(starts).stat().st_mtime_ns == before
    model = network(head="flatten")
    method.begin(model, one)
    assert one.weights.keys() == model.encode.state_dict().keys()
    for name, values in one.weights.items():
        assert torch.equal(model.encode.state_dict()[name], values)


def test_its_card_says_from_whom_and_with_which_gain(starts):
    card = json.loads(only(starts).with_suffix(".json").read_text())
    assert card["subjects"] == sorted(set(open_corpus("synth-mini").clips["subject"]))
    assert card["sha256"] == hashlib.sha256(only(starts).read_bytes()).hexdigest()
    assert {"R", "R, another's action", "R, no action", "R, no position"} < set(card["scores"])
    assert card["pairs"]["kept"] > 0
    assert card["settings"]["decoder"] == "direct"
    assert card["seed"] == 0


def test_whoever_is_tested_is_left_out(tmp_path):
    people = sorted(set(open_corpus("synth-mini").clips["subject"]))
    first_weights(MA2MI(settings(start="ma2mi")), people[:2], cache=tmp_path)
    assert json.loads(only(tmp_path).with_suffix(".json").read_text())["subjects"] == people[2:]
    with pytest.raises(StartError, match="synth-mini has 1 subjects who are not tested"):
        first_weights(MA2MI(settings(start="ma2mi")), people[1:], cache=tmp_path)


def test_weights_that_knew_a_test_subject_are_refused(starts, tmp_path):
    file = copied(starts, tmp_path)
    method = MA2MI(settings(start=str(file)))
    assert first_weights(method, {"synth/s01"}).part == "encode"
    with pytest.raises(StartError, match=r"learnt from 1 subjects who would be tested, synth-mini/s03 among"):
        first_weights(method, {"synth/s01", "synth-mini/s03"})


def test_damaged_weights_are_refused(starts, tmp_path):
    file = copied(starts, tmp_path)
    packed = bytearray(file.read_bytes())
    packed[-1] ^= 1
    file.write_bytes(packed)
    with pytest.raises(StartError, match="damaged"):
        read_start(file)
    nonsense = b"no weights at all"
    copied(starts, tmp_path, sha256=hashlib.sha256(nonsense).hexdigest()).write_bytes(nonsense)
    with pytest.raises(FileError, match="expected safetensors"):
        read_start(file)


def test_weights_of_other_settings_are_refused_and_nothing_is_changed(starts):
    start, _ = read_start(only(starts))
    model = network(widths=[4, 4, 8, 16])
    before = {name: values.clone() for name, values in model.state_dict().items()}
    with pytest.raises(
        ValueError, match=r"don't fit 'encode' of the network.*has the shape \(.*\) here, \(.*\) there"
    ):
        start.load(model)
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())


def test_weights_without_a_card_or_without_a_file_are_refused(tmp_path):
    with pytest.raises(StartError, match="has no card"):
        read_start(tmp_path / "none.safetensors")
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(FileError, match="expected the card of first weights; part: Field required"):
        read_start(tmp_path / "none.safetensors")
    (tmp_path / "none.json").write_text(json.dumps({"part": "", "subjects": [], "sha256": ""}))
    with pytest.raises(StartError, match="There are no weights"):
        read_start(tmp_path / "none.safetensors")


def test_weights_of_other_pictures_start_one_branch(tmp_path):
    """As those of ImageNet would."""
    branch = network(encoder="resnet18").encode.action
    file = tmp_path / "pictures.safetensors"
    named = {f"encode.action.{name}": values for name, values in branch.state_dict().items()}
    keep_start(file, named, "encode.action", subjects=[], about="pictures of things")
    method = MA2MI(settings(encoder="resnet18", start=str(file)))
    torch.manual_seed(7)
    model = method.network(3)
    place = model.encode.position.place.clone()
    method.begin(model, first_weights(method, {"synth/s01"}))
    assert torch.equal(model.encode.action.conv1.weight, branch.conv1.weight)
    assert torch.equal(model.encode.position.place, place)


def test_only_who_asks_for_a_start_gets_one_and_whoever_asks_must_get_one(starts):
    assert first_weights(MA2MI(settings()), {"a/b"}) is None
    assert first_weights(create_method("majority"), {"a/b"}) is None
    data = Examples({"x": clips(4)}, torch.tensor([0, 1, 2, 0]), np.array(["a/1"] * 4), 3)
    with pytest.raises(ValueError, match=r"set to start='ma2mi' and was given no weights"):
        fit_network(MA2MI(settings(start="ma2mi")), data, seed=0)
    start, _ = read_start(only(starts))
    with pytest.raises(ValueError, match="set to start='scratch' and was given weights"):
        fit_network(MA2MI(settings()), data, seed=0, start=start)
    with pytest.raises(ValueError, match="ststnet begins at random"):
        create_method("ststnet").begin(nn.Linear(1, 1), start)
    fit_network(MA2MI(settings(start="ma2mi")), data, seed=0, start=start)


def test_the_faces_of_the_macro_corpus_are_nobody_of_the_others():
    faces = {
        name: {subject_seed(card.number, f"{name}/s{n:02d}") for n in range(1, card.subjects + 1)}
        for name, card in CARDS.items()
    }
    assert len(faces["synth-macro"]) == 60
    assert all(not faces["synth-macro"] & others for name, others in faces.items() if name != "synth-macro")


def test_a_run_begins_where_it_is_told_and_its_record_names_the_weights(tmp_path):
    plain = {**TINY, "start": "ma2mi", "batch": 16, "channels_last": False}
    asked = {
        "method": "miacnet",
        "corpus": "synth",
        "limit": 14,
        "groups": 2,
        "seeds": [0, 1],
        "settings": plain,
    }
    made = run(RunSettings.parse(asked), tmp_path / "run")
    data = made.record["data"]["sha256"]
    assert len({data["start of seed 0"], data["start of seed 1"]}) == 2
    again = run(RunSettings.parse(asked), tmp_path / "again")
    pd.testing.assert_frame_equal(made.predictions(), again.predictions())
    with pytest.raises(StartError, match="synth-mini has 0 subjects who are not tested"):
        run(RunSettings.parse({**asked, "corpus": "synth-mini"}), tmp_path / "leak")


def test_the_command_learns_and_says_what_it_is_worth():
    short = [f"--set={name}={json.dumps(value)}" for name, value in TINY.items() if name != "macro"]
    made = CliRunner().invoke(app, ["pretrain", "synth-mini", "--tested", "synth", *short])
    assert "learnt from 6 subjects of synth-mini" in made.output
    assert "R, another's action" in made.output
    wrong = CliRunner().invoke(app, ["pretrain", "synth-mini", "--start", "scratch"])
    assert isinstance(wrong.exception, StartError)


def test_every_experiment_of_the_paper_can_be_set():
    paper = load_paper("ma2mi")
    made = {name: experiment.run.create_method() for name, experiment in paper.experiments.items()}
    trunks = [
        count_parameters(made[name].network(3).encode)
        for name in ("scratch", "action", "position", "stacked")
    ]
    assert trunks == [110_664, 109_352, 103_104, 110_000]


def test_the_book_preset_costs_little_and_has_the_size_that_the_list_says():
    method = create_method("miacnet")
    with torch.device("meta"), FlopCounterMode(display=False) as counted:
        method.network(3).eval()(torch.empty(1, 2, 3, 96, 96))
    assert counted.get_total_flops() / 2 < 0.025e9
