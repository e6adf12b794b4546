"""FDP as the paper's overview figure draws it: `variant="figure"`, its blocks, its rank scorer and its third loss."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mer_core import open_corpus
from mer_core.methods import Stage, count_parameters, create_model
from mer_core.methods.fdp import (
    FDP,
    FRAMES,
    VARIANTS,
    FDPNet,
    FDPSettings,
    GlobalAggregator,
    LocalAggregator,
    SequentialAggregator,
    rank_loss,
)
from mer_core.methods.layers import equal_light
from mer_core.vision.dynamic_image import dynamic_image, even_range
from tests.methods.test_fdp import TINY, clips, literal_attention, network, same, settings, unsettled

FIGURE = {"variant": "figure"}


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    corpus = open_corpus("synth-mini", tmp_path_factory.mktemp("cache"))
    return corpus.clipset(FDP(settings(size=32)).view, limit=4)


# Sizes, counted from the figure by hand.


def encoder_parameters(widths, depths, reduce, stem=64, head=32, vector=4096):
    """One convolution; patch embedding, local blocks and a global one of each stage; the tail that scores."""

    def block(width):  # grouped convolution, batch norm, pointwise convolution; a layer of one convolution
        return 9 * width * head + 2 * width + width**2 + width**2 + width

    total, before = 9 * stem + 2 * stem, stem
    for width, depth, r in zip(widths, depths, reduce, strict=True):
        wide = 4 * width // 3
        total += before * width + 2 * width + depth * block(width)
        attention = 2 * wide + 4 * (wide**2 + wide) + (2 * wide if r > 1 else 0)
        total += width * wide + wide + attention + block(wide)
        before = wide
    return total + 2 * before + before * vector + vector


def test_the_full_network_has_as_many_parameters_as_the_file_says():
    with torch.device("meta"):
        model = FDPNet(FDPSettings(**FIGURE), n_classes=5)
    counted = encoder_parameters((96, 192, 384, 768), (3, 4, 10, 3), (8, 4, 2, 1))
    assert count_parameters(model.encode) == counted == 23_634_016
    assert count_parameters(model.rank) == 4096 + 1
    assert count_parameters(model.recognise) == 3528 * 5 + 5
    assert count_parameters(model) == 53_102_807
    assert "53,102,807" in inspect.getmodule(FDPNet).__doc__


# Blocks against literal references.


def literal_norm(norm, x):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (x - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]


def literal_convolution_block(mix, x):
    """Each group of channels by its own kernels; then batch norm, ReLU, and every pixel alone."""
    conv, norm, _, point = mix
    own, groups = x.shape[1] // conv.groups, range(conv.groups)
    kernels = conv.weight.split(own)
    x = torch.cat([F.conv2d(x[:, g * own : (g + 1) * own], kernels[g], padding=1) for g in groups], dim=1)
    return torch.einsum("oc,nchw->nohw", point.weight[:, :, 0, 0], literal_norm(norm, x).relu())


def literal_layer(mlp, x):
    return (torch.einsum("oc,nchw->nohw", mlp[0].weight[:, :, 0, 0], x) + mlp[0].bias[:, None, None]).relu()


def test_the_local_block_equals_its_literal_reference():
    torch.manual_seed(0)
    block = unsettled(LocalAggregator(96, 96, 1, settings(**FIGURE), drop=0.1))

    def literal(x):
        x = x + literal_convolution_block(block.mix, x)
        return x + literal_layer(block.mlp, x)

    same(block, block, literal, torch.randn(2, 96, 4, 3))


def test_the_global_block_goes_strictly_one_after_the_other():
    torch.manual_seed(0)
    block = unsettled(SequentialAggregator(24, 32, stride=1, group=4, settings=settings(**FIGURE), drop=0.1))

    def literal(x):
        point = block.embed[1]
        x = torch.einsum("oc,nchw->nohw", point.weight[:, :, 0, 0], x) + point.bias[:, None, None]
        x = x + literal_attention(block.attend[1], literal_norm(block.attend[0], x))
        x = x + literal_convolution_block(block.mix, x)
        return x + literal_layer(block.mlp, x)

    same(block, block, literal, torch.randn(2, 24, 4, 4))


def test_the_split_block_of_the_unused_code_is_a_setting():
    split = network(**FIGURE, aggregator="code")
    kinds = [type(block) for block in split.encode.stages]
    assert kinds.count(GlobalAggregator) == 4
    assert SequentialAggregator not in kinds
    assert SequentialAggregator in [type(block) for block in network(**FIGURE).encode.stages]


# What it says, and the third loss.


def test_it_says_an_emotion_an_image_and_a_score_a_frame():
    outputs = create_model("fdp", 3, variant="figure")(clips(2, 64))
    assert {name: tuple(values.shape) for name, values in outputs.items()} == {
        "emotion": (2, 3), "dynamic_image": (2, 32, 32), "rank": (2, FRAMES),
    }  # fmt: skip


def test_a_score_is_of_its_own_frame_alone():
    model, x = network(**FIGURE, spread=0.3), clips()
    changed = x.clone()
    changed[:, 3] += 1
    same_score = torch.isclose(model(x)["rank"], model(changed)["rank"], rtol=0, atol=1e-6)
    assert same_score.all(dim=0).tolist() == [t != 3 for t in range(FRAMES)]


def literal_rank_loss(scores, pairs, form):
    total, count = 0.0, 0
    for clip in scores.double():
        clip = (clip - clip.mean()) / clip.std(correction=0)
        for i in range(len(clip)):
            for j in range(i + 1, len(clip)):
                if pairs == "neighbours" and j > i + 1:
                    continue
                ahead = clip[j] - clip[i]
                short = max(0.0, 1 - ahead.item())
                total += {
                    "hinge": short, "squared hinge": short**2, "logistic": (1 + (-ahead).exp()).log().item(),
                }[form]  # fmt: skip
                count += 1
    return total / count


@pytest.mark.parametrize("pairs", ["all", "neighbours"])
@pytest.mark.parametrize("form", ["hinge", "squared hinge", "logistic"])
def test_the_rank_loss_equals_its_literal_reference(pairs, form):
    scores = torch.randn(3, FRAMES, generator=torch.Generator().manual_seed(0))
    assert rank_loss(scores, pairs, form).item() == pytest.approx(
        literal_rank_loss(scores, pairs, form), abs=1e-4
    )


def test_the_rank_loss_wants_time_to_go_on_whatever_the_scale():
    ascending = torch.arange(float(FRAMES))[None]
    assert rank_loss(ascending) < rank_loss(torch.randn(1, FRAMES)) < rank_loss(-ascending)
    torch.testing.assert_close(rank_loss(ascending), rank_loss(1000 * ascending))
    assert rank_loss(torch.zeros(2, FRAMES)).item() == 1  # a scorer that can't tell frames apart


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_rank_loss_of_weight_0_is_no_loss_and_teaches_nothing(weight):
    method = FDP(settings(**FIGURE, rank_weight=weight))
    model, x = method.network(3).eval(), clips()
    batch = {"label": torch.tensor([0, 1]), "class_weight": None, "dynamic_image": torch.rand(2, 32, 32)}
    terms = method.losses(model(x), batch, Stage("all", 1))
    sum(terms.values()).backward()
    assert ("rank" in terms) == (model.rank.weight.grad is not None) == (weight > 0)


@pytest.mark.parametrize("scorer", ["layer", "mean", "two layers"])
@pytest.mark.parametrize("pooling", ["time", "ranks", "mean", "max"])
def test_every_open_point_has_its_alternatives(scorer, pooling):
    changes = {
        "local": "mixed",
        "mlp_kernel": 3,
        "attending": [0, 1, 1, 2],
        "head_layers": 2,
        "stem_layers": 4,
    }
    model = network(**FIGURE, scorer=scorer, pooling=pooling, **changes)
    assert model(clips())["rank"].shape == (2, FRAMES)
    assert [type(block) for block in model.encode.stages].count(SequentialAggregator) == 4


def test_the_paper_s_variant_becomes_the_figure_s_by_one_line(monkeypatch):
    """Every setting that a variant sets is set by all of them."""
    assert {frozenset(chosen) for chosen in VARIANTS.values()} == {frozenset(VARIANTS["figure"])}
    monkeypatch.setitem(VARIANTS, "paper", VARIANTS["figure"])
    assert set(FDPNet(FDPSettings.parse(TINY), 3)(clips())) == {"emotion", "dynamic_image", "rank"}


# Equal light, and a target that two pixels don't decide.


def test_all_frames_of_a_clip_become_as_bright_as_each_other(mini):
    frames = np.array(mini.frames, float)
    frames[:, 3] *= 0.5  # the lamp flickers
    dimmed = SimpleNamespace(frames=frames.astype(np.uint8))
    x = FDP(settings(light="equal")).inputs(dimmed)["x"]
    levels = ((x + 1) / 2).mean(dim=(2, 3))
    torch.testing.assert_close(levels, levels[:, :1].expand_as(levels))
    assert not torch.allclose(FDP(settings()).inputs(dimmed)["x"][:, 3].mean(), x[:, 3].mean(), atol=0.02)


def test_a_flicker_leaves_nothing_behind_if_it_is_divided_away():
    face, lamp = torch.rand(2, 1, 5, 5) + 0.5, torch.rand(2, 8, 1, 1) + 0.5
    even, less = equal_light(face * lamp), equal_light(face * lamp, by="offset")
    torch.testing.assert_close(even, even[:, :1].expand_as(even))
    assert (less - less[:, :1]).abs().max() > 0.01


def test_outlying_pixels_do_not_decide_the_image_to_draw(mini):
    picture = np.linspace(-1, 1, 400).reshape(20, 20)
    spoilt = picture.copy()
    spoilt[0, 0], spoilt[19, 19] = -50, 40
    np.testing.assert_allclose(even_range(picture), even_range(spoilt), atol=0.02)
    assert even_range(np.zeros((4, 4))).tolist() == np.full((4, 4), 0.5).tolist()
    target = FDP(settings(target="percentiles")).inputs(mini)["dynamic_image"]
    still = np.abs(dynamic_image(np.array(mini.frames), of="means")) < 1e-9
    assert (target[torch.from_numpy(still)] == 0.5).all()
    assert target.min() >= 0 <= 1 >= target.max()
