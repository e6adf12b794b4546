import hashlib
import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet18, video

from mer_core import open_corpus
from mer_core.methods import Stage, count_parameters, create_method, create_model
from mer_core.methods.famnet import (
    CBAM,
    CLIP,
    PICTURE,
    AMNet2D,
    AMNet3D,
    FAMNet,
    Fusion,
    Scale,
    Task,
    Trunk,
    changed,
    unit_loss,
    unit_targets,
    unit_weights,
)
from mer_core.settings import SettingsError
from mer_core.training import Examples, fit_and_predict, fit_network, load_network, predict_outputs

TINY = {"width": 4, "frames": 4, "size": 32, "colour": False, "channels": 1, "units": [1, 4, 12], "epochs": 1,
        "batch": 4}  # fmt: skip
METHODS = {"amnet2d": AMNet2D, "amnet3d": AMNet3D, "famnet": FAMNet}
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


def tiny(name, **changes):
    return METHODS[name](METHODS[name].Settings.parse({**TINY, **changes}))


def network(name, **changes):
    torch.manual_seed(0)
    return tiny(name, **changes).network(3)


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def frames(name, n=3):
    return random(n, {"amnet2d": 2, "amnet3d": 4, "famnet": 5}[name], 1, 32, 32)


def unsettled(model):
    """In evaluation mode, with statistics that are not those of the start."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


def toy(name, n=8, **changes):
    """Clips of noise with labels, as examples of a method."""
    inputs = {"x": frames(name, n), "action_units": (random(n, 3, seed=1) > 0.5).float()}
    inputs["action_unit_weight"] = torch.ones(n, 3)
    return tiny(name, **changes), Examples(
        inputs, torch.arange(n) % 3, np.array([f"toy/s{i}" for i in range(n)]), 3
    )


# Sizes


@pytest.mark.parametrize(
    ("changes", "flat", "solid"),
    [
        ({}, 13_259_279, 38_345_615),
        ({"passing": "convolved"}, 13_259_279, 38_345_615),
        ({"au_weight": 0.0}, 12_990_627, 38_076_963),
        ({"attention": "none"}, 11_184_207, 33_173_967),
        ({"attention": "cbam"}, 11_228_119, 33_220_231),
        ({"attention": "none", "au_weight": 0.0}, 11_178_051, 33_167_811),
        ({"width": 32}, 3_323_151, 9_599_439),
        ({"width": 16}, 834_959, 2_406_383),
        ({"weighting": "learned"}, 13_259_281, 38_345_617),
    ],
)
def test_the_branches_have_as_many_parameters_as_was_computed_for_them(changes, flat, solid):
    with torch.device("meta"):
        made = [
            count_parameters(create_model(name, 3, "paper", **changes)) for name in ("amnet2d", "amnet3d")
        ]
    assert made == [flat, solid]


def test_parts_have_as_many_parameters_as_was_computed_for_them():
    with torch.device("meta"):
        whole = create_model("famnet", 3, "paper")
        grey = create_model("famnet", 3, "paper", channels=1, colour=False)
    assert count_parameters(whole) == 51_604_894
    for branch, trunk, encoders in (
        (whole.amnet2d, 11_176_512, 1_550_080),
        (whole.amnet3d, 33_166_272, 4_646_656),
    ):
        assert count_parameters(branch.trunk.encoders) == encoders
        assert count_parameters(branch.trunk) == trunk + encoders
        assert (
            count_parameters(branch.emotion.masks) == count_parameters(branch.action_units.masks) == 262_496
        )
        assert [count_parameters(mask) for mask in branch.emotion.masks] == [2_208, 12_608, 49_792, 197_888]
        assert count_parameters(branch.emotion.head) + count_parameters(branch.action_units.head) == 7_695
    assert count_parameters(grey.amnet2d.trunk) == 11_170_240 + 1_550_080
    assert count_parameters(grey.amnet3d.trunk) == 33_147_456 + 4_646_656


def multiply_adds(name, preset, **changes):
    method = create_method(name, preset, **changes)
    chosen, n = method.settings, {"amnet2d": 2, "amnet3d": 0, "famnet": 1}[name]
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        shape = (1, n if name == "amnet2d" else n + chosen.frames, chosen.channels, chosen.size, chosen.size)
        method.network(3).eval()(torch.zeros(shape))
    return counter.get_total_flops() / 2


def test_a_clip_costs_what_the_file_says():
    assert multiply_adds("amnet3d", "paper") == pytest.approx(46e9, rel=0.02)
    assert multiply_adds("amnet3d", "paper", passing="convolved") == pytest.approx(80e9, rel=0.02)
    assert multiply_adds("famnet", "book") < 0.25e9


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    "changes", [{}, {"attention": "cbam", "width": 32}, {"attention": "none"}, {"trunks": "separate"}]
)
def test_every_parameter_learns(name, changes):
    net, (method, data) = network(name, **changes).train(), toy(name, 4, **changes)
    batch = {**data.inputs, "label": data.labels, "class_weight": None}
    said = net(batch["x"])
    sum(values.square().sum() for values in said.values()).backward()
    assert said["emotion"].shape == (4, 3)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters() if p.requires_grad)
    assert sum(method.losses(said, batch, Stage("all", 1)).values()).isfinite()


# The trunk is torchvision's


@pytest.mark.parametrize(("form", "name"), [(PICTURE, "amnet2d"), (CLIP, "amnet3d")])
def test_begun_with_torchvisions_weights_the_trunk_says_what_torchvision_says(form, name, tmp_path):
    torch.manual_seed(0)
    theirs = unsettled(resnet18() if form is PICTURE else video.r3d_18())
    save_file(theirs.state_dict(), file := tmp_path / "weights.safetensors")
    ours = tiny(name, width=64, channels=3, weights=str(file), attention="none").network(3).eval()
    theirs.fc = nn.Identity()
    x = random(1, 3, 32, 32) if form is PICTURE else random(1, 3, 2, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours.trunk(x)[-1][1].flatten(2).mean(dim=2), theirs(x), **CLOSE)


def test_each_trunk_begins_with_the_weights_from_old_files_too(tmp_path):
    torch.manual_seed(0)
    weights = resnet18().state_dict()
    old = {key: values for key, values in weights.items() if not key.endswith("batches_tracked")}
    save_file(old, tmp_path / "weights.safetensors")
    net = tiny(
        "amnet2d", width=64, channels=3, trunks="separate", weights=str(tmp_path / "weights.safetensors")
    ).network(3)
    for trunk in (net.trunk, net.apart):
        torch.testing.assert_close(trunk.stem[0].weight, weights["conv1.weight"])


def test_a_kept_network_needs_no_more_the_file_it_began_with(tmp_path):
    save_file(resnet18().state_dict(), file := tmp_path / "begun.safetensors")
    method = tiny("amnet2d", width=64, channels=3, weights=str(file))
    save_file(method.network(3).state_dict(), kept := tmp_path / "kept.safetensors")
    about = {"method": "amnet2d", "settings": method.settings.plain(), "classes": ["a", "b", "c"]}
    about["sha256"] = hashlib.sha256(kept.read_bytes()).hexdigest()
    kept.with_suffix(".json").write_text(json.dumps(about))
    file.unlink()
    assert not load_network(kept).training


# Attention, literally


def literal_conv(conv, x):
    """Place by place: the kernel times the window."""
    sides = [k // 2 for k in conv.kernel_size]
    around = nn.functional.pad(x, [side for side in reversed(sides) for _ in (0, 1)])
    out = x.new_zeros(len(x), conv.out_channels, *x.shape[2:])
    for place in np.ndindex(*x.shape[2:]):
        window = around[(..., *[slice(p, p + k) for p, k in zip(place, conv.kernel_size, strict=True)])]
        out[(..., *place)] = window.flatten(1) @ conv.weight.flatten(1).T
    return out


def literal_norm(norm, x):
    shape = (-1, *[1] * (x.dim() - 2))
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (x - norm.running_mean.view(shape)) * scale.view(shape) + norm.bias.view(shape)


def literal_pool(x, size):
    """Window by window, which may overlap where the sizes don't divide."""
    out = x.new_zeros(*x.shape[:2], *size)
    for place in np.ndindex(*size):
        ends = [
            slice(p * old // new, -(-(p + 1) * old // new))
            for p, old, new in zip(place, x.shape[2:], size, strict=True)
        ]
        out[(..., *place)] = x[(..., *ends)].flatten(2).amax(dim=2)
    return out


def literal_attention(task, trunk, levels, passing):
    passed = None
    for i, (u, w) in enumerate(levels):
        query = u if passed is None else torch.cat([u, passed], dim=1)
        first, norm1, _, second, norm2, _ = task.masks[i]
        hidden = literal_norm(norm1, literal_conv(first, query)).clamp(min=0)
        seen = w / (1 + (-literal_norm(norm2, literal_conv(second, hidden))).exp())
        if i == 3:
            return task.head[1].weight @ seen.flatten(2).mean(dim=2).T + task.head[1].bias[:, None]
        size, (conv, norm, _) = levels[i + 1][0].shape[2:], trunk.encoders[i].encode
        if passing == "pooled":
            passed = literal_norm(norm, literal_conv(conv, literal_pool(seen, size))).clamp(min=0)
        else:
            passed = literal_pool(literal_norm(norm, literal_conv(conv, seen)).clamp(min=0), size)


@pytest.mark.parametrize("passing", ["pooled", "convolved"])
@pytest.mark.parametrize(
    ("form", "sizes"),
    [(PICTURE, [(7, 7), (4, 4), (2, 2), (1, 1)]), (CLIP, [(3, 5, 5), (2, 3, 3), (1, 2, 2), (1, 1, 1)])],
)
def test_hierarchical_attention_equals_its_literal_reference(form, sizes, passing):
    """An odd map among them: there a pool of two by two would not meet the next level."""
    torch.manual_seed(0)
    settings = tiny("amnet2d", passing=passing).settings
    trunk, task = unsettled(Trunk(form, settings)), unsettled(Task(form, settings, 3))
    levels = [
        (random(2, width, *size, seed=width), random(2, width, *size, seed=width + 1))
        for width, size in zip(settings.widths, sizes, strict=True)
    ]
    with torch.no_grad():
        expected = literal_attention(task, trunk, levels, passing).T
        torch.testing.assert_close(task(trunk, levels), expected, **CLOSE)


def literal_cbam(block, x):
    """Clip by clip: a weight for each channel, then one for each place."""
    first, _, second = block.channels
    done = []
    for clip in x:
        flat = clip.flatten(1)
        told = [
            second.weight @ (first.weight @ summary).clamp(min=0)
            for summary in (flat.mean(dim=1), flat.amax(dim=1))
        ]
        clip = torch.stack([c * torch.sigmoid(t) for c, t in zip(clip, sum(told), strict=True)])
        places = torch.stack([clip.mean(dim=0), clip.amax(dim=0)])[None]
        done.append(clip * torch.sigmoid(literal_conv(block.places, places)[0]))
    return torch.stack(done)


@pytest.mark.parametrize(("form", "size"), [(PICTURE, (5, 4)), (CLIP, (3, 5, 4))])
def test_cbam_equals_its_literal_reference(form, size):
    torch.manual_seed(0)
    block, x = CBAM(form, 32), random(2, 32, *size) - 0.5
    with torch.no_grad():
        torch.testing.assert_close(block(x), literal_cbam(block, x), **CLOSE)


def test_cbam_stands_after_every_level_of_the_trunk():
    net = network("amnet3d", attention="cbam")
    assert sum(isinstance(module, CBAM) for module in net.modules()) == 4
    levels = net.trunk(net.seen(frames("amnet3d")))
    torch.testing.assert_close(
        net.trunk.layer3[0](levels[1][1]), levels[2][0]
    )  # what it gives is what goes on
    plain = net.trunk.layer2[1](levels[1][0])
    torch.testing.assert_close(net.trunk.attend[1](plain), levels[1][1])


def test_a_mask_lets_between_nothing_and_all_of_the_shared_map_through():
    net = unsettled(network("amnet2d"))
    u, w = net.trunk(net.seen(frames("amnet2d")))[0]
    mask = net.emotion.masks[0](u)
    assert ((mask > 0) & (mask < 1)).all()
    assert mask.shape == w.shape


# The loss on action units


def literal_unit_loss(scores, targets, known, fewest, most):
    """Label by label."""
    terms = []
    for a in range(targets.shape[1]):
        clips = [n for n in range(len(targets)) if known[n, a]]
        shown = sum(targets[n, a].item() for n in clips)
        if shown < fewest:
            continue
        weight = min((len(clips) - shown) / shown, most)
        for n in clips:
            p = 1 / (1 + math.exp(-scores[n, a].item()))
            terms.append(-weight * math.log(p) if targets[n, a] else -math.log(1 - p))
    return sum(terms) / len(terms)


def test_the_loss_on_action_units_equals_its_literal_reference():
    targets = torch.zeros(12, 4)
    targets[:1, 0] = targets[:2, 1] = targets[:7, 2] = targets[:1, 3] = 1
    targets[11, 0] = 1
    known = torch.ones(12, 4)
    known[5, 2] = known[11, 0] = 0  # one that would count is not known
    scores = 4 * random(12, 4) - 2
    for fewest, most in ((1, 10.0), (2, 10.0), (2, 3.0)):
        weights = unit_weights(targets, known, fewest, most)
        expected = literal_unit_loss(scores, targets, known, fewest, most)
        assert unit_loss(scores, targets, weights).item() == pytest.approx(expected, rel=1e-5)


def test_weights_of_action_units_computed_by_hand():
    targets = torch.tensor([[1.0, 1, 0], [0, 1, 1], [0, 1, 0], [0, 0, 0]])
    weights = unit_weights(targets, torch.ones(4, 3), fewest=1, most=2.0)
    torch.testing.assert_close(
        weights, torch.tensor([[2, 1 / 3, 1], [1, 1 / 3, 2], [1, 1 / 3, 1], [1, 1, 1]])
    )
    rare = unit_weights(targets, torch.ones(4, 3), fewest=2, most=2.0)
    assert rare[:, [0, 2]].abs().max() == 0  # shown once each
    torch.testing.assert_close(rare[:, 1], weights[:, 1])


def test_nothing_that_counts_costs_nothing():
    assert unit_loss(torch.ones(2, 3), torch.ones(2, 3), torch.zeros(2, 3)).item() == 0


def test_losses_computed_by_hand():
    batch = {"label": torch.tensor([1]), "class_weight": None, "action_units": torch.tensor([[1.0, 0, 0]]),
             "action_unit_weight": torch.tensor([[3.0, 1, 0]])}  # fmt: skip
    said = {"emotion": torch.zeros(1, 3), "action_units": torch.zeros(1, 3)}
    made = tiny("amnet2d", au_weight=0.5).losses(said, batch, Stage("all", 1))
    assert made["emotion"].item() == pytest.approx(math.log(3))
    assert made["action_units"].item() == pytest.approx(0.5 * (3 + 1) * math.log(2) / 2)
    learned = tiny("amnet2d", weighting="learned")
    s = torch.tensor([[0.5, -1.0]])
    made = learned.losses({**said, "log_variances": s}, batch, Stage("all", 1))
    assert made["emotion"].item() == pytest.approx(math.exp(-0.5) * math.log(3) + 0.5)
    assert made["action_units"].item() == pytest.approx(math.exp(1) * 2 * math.log(2) - 1, rel=1e-5)


class Table:
    """Clips of which only the labels are looked at."""

    def __init__(self, **columns):
        self.clips = pd.DataFrame(columns)


def test_targets_are_the_units_of_a_cell_and_a_missing_cell_is_unknown():
    clips = Table(action_units=pd.array(["4+L12", "", pd.NA, "R1 or 4", "12B+17"], dtype="string"))
    targets, known = unit_targets(clips, (1, 4, 12))
    assert targets.tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert known.tolist() == [[1] * 3, [1] * 3, [0] * 3, [1] * 3, [1] * 3]


# Fusion


def test_scores_are_scaled_by_all_that_was_seen_in_training():
    scale, first, second = Scale(), 5 * random(4, 3), 5 * random(2, 3, seed=1) - 1
    torch.testing.assert_close(scale.eval()(first), first)  # nothing was seen yet
    scale.train()(first)
    scale(second)
    every = torch.cat([first, second])
    made = scale.eval()(first)
    torch.testing.assert_close(made, (first - every.mean()) / every.std(correction=0), **CLOSE)


def test_fused_scores_are_shares_of_the_scaled_scores_of_both_branches():
    fuse, a, b = Fusion("fixed", 0.3, 3), random(6, 3), 100 * random(6, 3, seed=1) + 7
    fuse.train()(a, b)
    expected = 0.3 * (a - a.mean()) / a.std(correction=0) + 0.7 * (b - b.mean()) / b.std(correction=0)
    torch.testing.assert_close(fuse.eval()(a, b), expected, **CLOSE)
    assert count_parameters(fuse) == 0


def test_raw_scores_leave_a_quiet_branch_quiet():
    fuse, a, b = Fusion("fixed", 0.5, 3, scale="raw"), 0.01 * random(6, 3), random(6, 3, seed=1)
    torch.testing.assert_close(fuse.train()(a, b), (a + b) / 2)
    torch.testing.assert_close(fuse.eval()(a, b), (a + b) / 2)


@pytest.mark.parametrize(("form", "parameters"), [("learned", 1), ("linear", 3 * 6 + 3)])
def test_a_learned_fusion_begins_as_the_fixed_one(form, parameters):
    a, b = random(6, 3), random(6, 3, seed=1)
    made = [Fusion(f, 0.3, 3) for f in ("fixed", form)]
    torch.testing.assert_close(made[0](a, b), made[1](a, b), **CLOSE)
    assert count_parameters(made[1]) == parameters


def test_a_learned_fusion_draws_nothing_so_that_branches_learn_as_with_a_fixed_one():
    states = []
    for form in ("fixed", "linear"):
        torch.manual_seed(0)
        Fusion(form, 0.5, 3)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("famnet", {"fusion": "learned"}),
        ("famnet", {"fusion": "linear"}),
        ("amnet3d", {"weighting": "learned"}),
    ],
)
def test_what_weighs_branches_or_losses_goes_farther_than_the_rest(name, changes):
    method = tiny(name, **changes)
    part = method.network(3).get_submodule(method.stages()[-1].part)
    weighing = method.groups(part)[-1]
    assert sum(p.numel() for p in weighing["params"]) in (1, 2, 3 * 6 + 3)
    assert weighing["lr"] > 10 * method.settings.rate
    assert weighing["weight_decay"] == 0


def test_what_is_fused_are_the_scores_of_the_branches_on_their_own_frames():
    net, x = unsettled(network("famnet")), frames("famnet")
    said = net(x)
    apex, clip = net.amnet2d(x[:, :2]), net.amnet3d(x[:, 1:])
    torch.testing.assert_close(said["emotion_2d"], apex["emotion"])
    torch.testing.assert_close(said["action_units_3d"], clip["action_units"])
    torch.testing.assert_close(said["emotion"], (apex["emotion"] + clip["emotion"]) / 2)
    torch.testing.assert_close(said["action_units"], (apex["action_units"] + clip["action_units"]) / 2)


# Training in stages


@pytest.mark.parametrize("fusion", ["fixed", "learned", "linear"])
def test_each_stage_moves_its_own_part_and_nothing_else(fusion):
    method, data = toy("famnet", fusion=fusion)
    stages = method.stages()
    assert [stage.part for stage in stages] == ["amnet2d", "amnet3d", "fuse"]
    states = []
    for n in range(4):
        part = type("Part", (FAMNet,), {"stages": lambda self, n=n: stages[:n]})(method.settings)
        torch.manual_seed(0)
        states.append(fit_network(part, data, seed=0).state_dict() if n else part.network(3).state_dict())
    for stage, (before, after) in zip(stages, itertools.pairwise(states), strict=True):
        moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
        assert moved == {stage.part}


def test_while_one_branch_learns_the_other_is_not_asked():
    net, asked = network("famnet").eval(), []
    for name in ("amnet2d", "amnet3d"):
        net.get_submodule(name).register_forward_hook(lambda *_, name=name: asked.append(name))
    net.amnet2d.train()
    assert set(net(frames("famnet"))) == {"emotion", "action_units"}
    net.amnet2d.eval()
    net.amnet3d.train()
    net(frames("famnet"))
    assert asked == ["amnet2d", "amnet3d"]


def test_the_fusion_learns_from_the_fused_expression_alone():
    method, data = toy("famnet")
    batch = {**data.inputs, "label": data.labels, "class_weight": None}
    assert set(method.losses(network("famnet")(batch["x"]), batch, Stage("fusion", 1))) == {"emotion"}


def test_after_training_the_scales_are_those_of_the_training_clips():
    method, data = toy("famnet")
    net = fit_network(method, data, seed=0)
    said = predict_outputs(net, data.inputs)
    for scale, name in zip(net.fuse.scales, ("emotion_2d", "emotion_3d"), strict=True):
        assert scale.count == 8 * 3
        assert scale.total.item() / 24 == pytest.approx(said[name].mean().item(), abs=1e-4)


def test_what_is_counted_over_clips_is_counted_over_the_training_clips_alone():
    seen = []

    class Watched(AMNet2D):
        def fold(self, inputs):
            seen.append(inputs["x"])
            return super().fold(inputs)

    method, data = toy("amnet2d")
    fit_and_predict(Watched(method.settings), data.take(np.arange(6)), data.take(np.arange(6, 8)), seed=0)
    assert len(seen) == 1
    torch.testing.assert_close(seen[0], data.inputs["x"][:6])


def test_the_heads_have_a_rate_of_their_own_and_the_fusion_has_no_heads():
    method = tiny("famnet", head_rate=0.5)
    net = method.network(3)
    rest, heads = method.groups(net.amnet3d)
    assert heads["lr"] == 0.5
    assert "lr" not in rest
    expected = {*net.amnet3d.emotion.head.parameters(), *net.amnet3d.action_units.head.parameters()}
    assert set(heads["params"]) == expected
    assert len(heads["params"]) + len(rest["params"]) == len(list(net.amnet3d.parameters()))
    assert [group["params"] for group in method.groups(net.fuse)] == [list(net.fuse.parameters())]
    assert all("lr" not in group for group in tiny("amnet2d").groups(net.amnet2d))


def test_the_same_seed_gives_the_same_network():
    method, data = toy("amnet3d")
    first, second, other = (fit_network(method, data, seed=s).state_dict() for s in (3, 3, 4))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


# Controls


def test_without_a_weight_there_is_no_task_for_action_units():
    said = network("famnet", au_weight=0.0)(frames("famnet"))
    assert set(said) == {"emotion", "emotion_2d", "emotion_3d"}
    assert set(tiny("famnet", au_weight=0.0).fold({"x": frames("famnet")})) == {"x"}


@pytest.mark.parametrize(("trunks", "is_touched"), [("shared", True), ("separate", False)])
def test_action_units_teach_the_trunk_of_the_expression_only_if_it_is_shared(trunks, is_touched):
    net = network("amnet2d", trunks=trunks)
    net(frames("amnet2d"))["action_units"].square().sum().backward()
    touched = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in net.trunk.parameters()]
    assert all(touched) if is_touched else not any(touched)
    assert all(p.grad is None for p in net.emotion.parameters())


def test_shuffled_action_units_are_those_of_other_training_clips():
    method, data = toy("amnet2d", n=40, au_shuffle=1, au_fewest=1)
    made, own = method.fold(data.inputs), tiny("amnet2d", au_fewest=1).fold(data.inputs)
    assert torch.equal(made["x"], data.inputs["x"])
    assert torch.equal(own["action_units"], data.inputs["action_units"])
    assert sorted(made["action_units"].tolist()) == sorted(own["action_units"].tolist())
    assert (made["action_units"] != own["action_units"]).any(dim=1).float().mean() > 0.5
    assert torch.equal(made["action_units"], method.fold(data.inputs)["action_units"])
    other = tiny("amnet2d", au_shuffle=2).fold(data.inputs)
    assert not torch.equal(made["action_units"], other["action_units"])
    counted = [sorted(some["action_unit_weight"].tolist()) for some in (made, own)]
    assert counted[0] == counted[1]  # as many show each


def test_a_rare_action_unit_is_left_out_of_the_fold():
    method, data = toy("amnet2d", n=10, au_fewest=5)
    data.inputs["action_units"][:, 0] = torch.tensor([1.0] * 4 + [0] * 6)
    weights = method.fold(data.inputs)["action_unit_weight"]
    assert weights[:, 0].abs().max() == 0
    assert (weights[:, 1:] > 0).any()


# What is seen of a clip


class Numbered:
    """Three clips of eleven frames whose grey is their number; the last has no apex."""

    frames = np.broadcast_to((20 * np.arange(11, dtype=np.uint8))[None, :, None, None], (3, 11, 32, 32))
    clips = pd.DataFrame(
        {"onset": [0, 100, 0], "apex": pd.array([4, 160, pd.NA], dtype="Int64"), "offset": [10, 200, 30]}
    )


@pytest.mark.parametrize(
    ("shift", "expected"), [(0, [4, 6, 5]), (2, [6, 8, 7]), (-5, [0, 1, 0]), (30, [10, 10, 10])]
)
def test_the_apex_is_the_frame_nearest_to_it_or_to_the_middle_and_can_be_missed_on_purpose(shift, expected):
    apex = tiny("famnet", frames=11, apex_shift=shift).apex(Numbered)
    assert (apex[:, 0, 0, 0, 0] * 255 / 20).round().tolist() == expected
    assert apex[:, 1].abs().max() == 0


def test_the_network_gets_apex_and_onset_the_clip_or_the_apex_before_the_clip():
    pictures = {name: tiny(name, frames=11).pictures(Numbered)[0, :, 0, 0, 0] * 255 / 20 for name in METHODS}
    assert pictures["amnet2d"].round().tolist() == [4, 0]
    assert pictures["amnet3d"].round().tolist() == list(range(11))
    assert pictures["famnet"].round().tolist() == [4, *range(11)]


def test_grey_frames_are_repeated_in_three_channels_and_finer_ones_averaged():
    method = tiny("amnet3d", channels=3, shrink=2)
    assert method.view.size == 64
    x = method.shrunk(np.arange(2 * 4 * 64 * 64, dtype=np.uint8).reshape(2, 4, 64, 64))
    assert x.shape == (2, 4, 3, 32, 32)
    assert torch.equal(x[:, :, 0], x[:, :, 2])
    assert x[0, 0, 0, 0, 0].item() * 255 == pytest.approx((0 + 1 + 64 + 65) / 4)


def test_raw_frames_are_normalised_as_those_that_torchvisions_weights_saw():
    x = random(2, 2, 3, 32, 32)
    seen = network("amnet2d", channels=3).seen(x)
    expected = (x[1, 0, 2] - 0.406) / 0.225
    torch.testing.assert_close(seen[1, 2], expected)
    clip = network("amnet3d", channels=3).seen(random(2, 4, 3, 32, 32))
    assert clip.shape == (2, 3, 4, 32, 32)


def test_nothing_changes_in_a_still_clip_though_the_light_flickers():
    still = random(2, 1, 1, 32, 32) * torch.tensor([1.0, 0.98, 1.05, 1.01]).view(1, 4, 1, 1, 1)
    assert changed(still).abs().max() < 1e-6
    still[:, 2, :, 5, 5] += 1
    assert changed(still)[:, 2, :, 5, 5].min() > 0.5


@pytest.mark.parametrize(
    ("difference", "sees"), [("none", (True, True)), ("clip", (True, False)), ("both", (False, False))]
)
def test_what_never_changes_is_seen_only_where_raw_frames_are(difference, sees):
    """The same face in another place, in all frames: what changes is nothing in both."""
    net, face = unsettled(network("famnet", difference=difference)), random(1, 1, 1, 32, 32)
    first, second = (net(f.expand(-1, 5, -1, -1, -1)) for f in (face, face.roll(7, dims=4)))
    differs = [
        not torch.allclose(first[f"emotion_{b}"], second[f"emotion_{b}"], atol=1e-4) for b in ("2d", "3d")
    ]
    assert tuple(differs) == sees


def test_clips_of_a_corpus_become_frames_and_targets(tmp_path):
    method = tiny("famnet")
    clips = open_corpus("synth-mini", tmp_path).clipset(method.view, limit=2)
    made = method.inputs(clips)
    assert made["x"].shape == (2, 5, 1, 32, 32)
    assert made["action_units"].shape == made["action_unit_weight"].shape == (2, 3)
    for cell, row in zip(clips.clips["action_units"], made["action_units"].tolist(), strict=True):
        assert row == [
            float(str(unit) in cell.replace("L", "").replace("R", "").split("+")) for unit in (1, 4, 12)
        ]


def test_noise_in_the_apex_frame_s_place_is_of_the_clip_s_name_alone(tmp_path):
    clips = open_corpus("synth-mini", tmp_path).clipset(tiny("famnet").view, limit=2)
    one, other, again = (
        tiny("famnet", apex_frame=kind).pictures(clips) for kind in ("labelled", "noise", "noise")
    )
    assert torch.equal(other, again)
    assert torch.equal(one[:, 1:], other[:, 1:])  # the clip is what it was
    first, second, seen = other[0, 0].flatten(), other[1, 0].flatten(), one[0, 0].flatten()
    for pair in ((first, second), (first, seen)):  # it looks like no other clip's, and like no frame
        assert abs(torch.corrcoef(torch.stack(pair))[0, 1]) < 0.15


# What does not fit


@pytest.mark.parametrize("name", METHODS)
def test_other_shapes_are_refused(name):
    wrong = frames(name)[..., :16, :16]
    with pytest.raises(
        ValueError, match=r"expected frames \(B, .*32, 32\), got \(3, .*16, 16\): prepare the clips"
    ):
        network(name)(wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "mtan"}, "attention = 'mtan'"),
        ({"colour": True}, r"expected channels=3 for frames in colour, got 1: set colour=false"),
        ({"weighting": "learned", "au_weight": 0.0}, "needs two losses, got au_weight=0"),
        ({"channels_last": True}, "expected channels_last=false"),
        ({"units": [1, 4, 1]}, r"each action unit once, got units=\[1, 4, 1\]"),
        ({"weight_2d": "x"}, r"(?s)weight_2d: there is no such setting.*weights_2d"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        tiny("famnet", **changes)


@pytest.mark.parametrize(
    "clips", [Table(clip=["a"]), Table(action_units=pd.array([pd.NA, pd.NA], dtype="string"))]
)
def test_a_corpus_without_action_units_is_refused_and_the_way_out_is_named(clips):
    with pytest.raises(ValueError, match=r"clips with action units, got a corpus.*au_weight=0\.0"):
        unit_targets(clips, (1, 4))


def test_weights_that_are_not_there_or_of_another_shape_are_refused(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"none\.safetensors: expected torchvision's weights of resnet18"
    ):
        network("amnet2d", weights=str(tmp_path / "none.safetensors"))
    save_file(resnet18().state_dict(), file := tmp_path / "weights.safetensors")
    with pytest.raises(
        ValueError, match=r"expected the weights of torchvision's resnet18, .*width=64 and channels=3"
    ):
        network("amnet2d", weights=str(file))
    with pytest.raises(ValueError, match=r"of torchvision's r3d_18"):
        network("amnet3d", width=64, channels=3, weights=str(file))


def test_what_freezes_a_network_after_an_epoch_is_not_for_one_that_learns_in_stages():
    with pytest.raises(SettingsError, match="famnet has several"):
        tiny("famnet", released={"frozen_after_first_epoch": True})


def test_weights_that_would_have_to_be_unpickled_are_refused_and_the_way_out_is_named(tmp_path):
    torch.save(resnet18().state_dict(), tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"expected safetensors.*save_file\(torchvision\.models\.resnet18"):
        network("amnet2d", weights=str(tmp_path / "weights.pth"))
