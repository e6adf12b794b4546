import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.mol import (
    literal_ccc,
    literal_correlation,
    literal_fcc,
    literal_flow,
    literal_mol,
    overlapping,
)
from mer_core import open_corpus
from mer_core.methods import Stage, count_parameters, create_method, create_model
from mer_core.methods.mol import (
    CCC,
    F5C,
    FCC,
    FRAMES,
    MOL,
    PAIRS,
    Correlation,
    FlowNet,
    MOLNet,
    MOLSettings,
    convolution_stack,
    landmark_loss,
    middle,
    nearest,
)
from mer_core.settings import SettingsError
from mer_core.vision.augment import augment

TINY = {"size": 64, "stack": [3, 4, 5, 6], "redirect": 3, "encoder": [4, 5, 6, 7, 8, 9], "decoder": [8, 7, 6, 5, 4, 3],
        "landmark_widths": [3, 5], "classifier_widths": [3, 5]}  # fmt: skip
VARIANTS = [{"variant": v, "graph": g} for v in ("paper", "released") for g in ("channels", "positions")]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def settings(**changes):
    return MOLSettings.parse({**TINY, **changes})


def unsettled(model):
    """In evaluation mode, with statistics that are not those of the start."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def same(model, fast, slow, *inputs):
    """Equal outputs, and equal gradients of every parameter and input."""
    made = []
    for function in (fast, slow):
        copies = [x.clone().requires_grad_() for x in inputs]
        model.zero_grad()
        out = function(*copies)
        (out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum().backward()
        grads = [p.grad.clone() for p in (*copies, *model.parameters()) if p.grad is not None]
        made.append([out.detach(), *grads])
    assert len(made[0]) == len(made[1])
    for mine, expected in zip(*made, strict=True):
        scale = expected.abs().max().clamp(min=1)
        torch.testing.assert_close(mine / scale, expected / scale, **CLOSE)


# Each block against its literal reference, which benchmarks/mol.py holds


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_fcc_equals_its_loops(variant):
    torch.manual_seed(0)
    fcc = unsettled(FCC(settings(variant=variant)))
    same(fcc, fcc, lambda x: literal_fcc(fcc, x), random(2, 6, 8, 8))


@pytest.mark.parametrize("changes", VARIANTS)
def test_ccc_equals_going_node_by_node_and_neighbour_by_neighbour(changes):
    torch.manual_seed(0)
    ccc = CCC(settings(**changes, neighbours=3))
    same(ccc, ccc, lambda x: literal_ccc(ccc, x), random(2, 6, 8, 8))


def test_the_correlation_equals_moving_the_map_by_every_displacement():
    correlate = Correlation(side=8)
    here, there = random(2, 3, 8, 8), random(2, 3, 8, 8, seed=1)
    same(correlate, correlate, lambda a, b: literal_correlation(a, b)[:, overlapping(8)], here, there)
    elsewhere = [i for i in range(441) if i not in overlapping(8)]
    assert literal_correlation(here, there)[:, elsewhere].abs().max() == 0


def test_225_of_the_441_displacements_can_overlap_in_the_papers_size():
    assert Correlation(side=16).displacements == len(overlapping(16)) == 225


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_the_flow_network_on_all_pairs_equals_one_pair_after_the_other(variant):
    torch.manual_seed(0)
    net = unsettled(FlowNet(settings(variant=variant)))

    def by_pairs(frames, first, second):
        pairs = zip(frames[:-1, None], frames[1:, None], first[:, None], second[:, None], strict=True)
        return torch.cat([literal_flow(net, *pair) for pair in pairs])

    same(net, net, by_pairs, random(3, 1, 64, 64), random(2, 6, 8, 8), random(2, 6, 8, 8, seed=1))


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_network_equals_its_loops(changes):
    """In double precision: a gradient is the sum of 60,000 terms."""
    torch.manual_seed(0)
    net = unsettled(MOLNet(settings(**changes), 3)).double()

    def flat(said):
        return torch.cat([said[name].flatten() for name in ("emotion", "flow", "landmarks")])

    same(net, lambda x: flat(net(x)), lambda x: flat(literal_mol(net, x)), random(2, FRAMES, 64, 64).double())


@pytest.mark.parametrize("graph", ["channels", "positions"])
def test_as_released_a_training_step_is_that_of_a_loop_over_pairs(graph):
    torch.manual_seed(0)
    net = MOLNet(settings(variant="released", graph=graph, dropout=0), 3).double().train()
    loop, x = copy.deepcopy(net), random(2, FRAMES, 64, 64).double()
    expected = literal_mol(loop, x)
    for name, values in net(x).items():
        torch.testing.assert_close(values, expected[name])
    for (name, mine), other in zip(net.named_buffers(), loop.buffers(), strict=True):
        torch.testing.assert_close(mine, other, msg=name)
    seen = {"pairs": net.first.fcc.first.norm, "frames": net.flow.conv1[1]}
    updates = {name: int(norm.num_batches_tracked) for name, norm in seen.items()}
    assert updates == {"pairs": PAIRS, "frames": 2 * PAIRS}


def test_in_the_paper_batch_norm_meets_all_pairs_at_once():
    net = MOLNet(settings(), 3).train()
    net(random(2, FRAMES, 64, 64))
    assert int(net.first.fcc.first.norm.num_batches_tracked) == 1


# Sizes


@pytest.mark.parametrize(("n_classes", "expected"), [(5, 44_105_379), (3, 44_104_865)])
def test_as_released_there_are_as_many_parameters_as_published(n_classes, expected):
    net = create_model("mol", n_classes, preset="paper", variant="released")
    assert count_parameters(net) == expected
    parts = {name: count_parameters(part) for name, part in net.named_children()}
    assert parts["stack"] == 19_048
    assert parts["first"] == parts["second"] == 17_794 + 131_584
    assert parts["flow"] == 39_730_282
    assert parts["landmarks"] == 3_318_440


def test_the_papers_network_has_no_dead_weights():
    torch.manual_seed(0)
    net = MOLNet(settings(), 3)
    said = net(random(2, FRAMES, 64, 64))
    sum(values.square().sum() for values in said.values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert count_parameters(create_model("mol", 5, preset="paper")) == 43_622_559


def test_as_released_half_of_the_kernels_and_of_the_embeddings_and_a_block_never_learn():
    torch.manual_seed(0)
    fcc = FCC(settings(variant="released"))
    fcc(random(2, 6, 8, 8)).square().sum().backward()
    assert all(p.grad is None for p in fcc.unused.parameters())
    for values in (fcc.first.kernel, fcc.first.place):
        assert (values.grad[..., :8] != 0).all()
        assert (values.grad[..., 8:] == 0).all()


def multiply_adds(preset):
    method = create_method("mol", preset=preset)
    net, size = method.network(3).eval(), method.settings.size
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, FRAMES, size, size))
    return counter.get_total_flops() / 2


def test_a_clip_costs_what_the_file_says():
    assert multiply_adds("paper") == pytest.approx(13.5e9, rel=0.01)
    assert multiply_adds("book") < 0.25e9


# What the blocks promise


def reach(block, x):
    """How many positions of the input have a say in one position of the output."""
    x = x.requires_grad_()
    block(x)[0, :, 3, 3].sum().backward()
    return int((x.grad[0].abs().sum(dim=0) > 0).sum())


def test_fcc_sees_the_whole_map_where_a_convolution_sees_nine_positions():
    torch.manual_seed(0)
    assert reach(FCC(settings()).eval(), random(1, 6, 8, 8)) == 64
    assert reach(nn.Conv2d(6, 6, 3, padding=1), random(1, 6, 8, 8)) == 9


def test_the_convolution_stack_is_linear():
    torch.manual_seed(0)
    stack = convolution_stack(settings())
    x, y, nothing = random(1, 1, 64, 64), random(1, 1, 64, 64, seed=1), torch.zeros(1, 1, 64, 64)
    torch.testing.assert_close(stack(x + y) + stack(nothing), stack(x) + stack(y), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("begin", "expected"), [("even", 1.0), ("torch", 1 / 9)])
def test_first_weights_keep_the_size_of_the_input_or_make_it_nine_times_as_small(begin, expected):
    torch.manual_seed(0)
    stack = convolution_stack(settings(begin=begin, stack=[64, 64, 64, 64]))
    x = random(4, 1, 64, 64)
    seen = stack(x) - stack(torch.zeros_like(x))
    assert seen[:, :, 1:-1, 1:-1].std().item() == pytest.approx(expected, rel=0.2)


def test_a_node_is_its_own_nearest_neighbour_unless_it_is_left_out():
    nodes = random(2, 7, 5)
    itself = torch.arange(7).expand(2, 7)
    assert torch.equal(nearest(nodes, 3, keep_self=True)[:, :, 0], itself)
    assert not (nearest(nodes, 6, keep_self=False) == itself[:, :, None]).any()


def test_with_the_node_as_its_only_neighbour_the_graph_carries_nothing():
    """Both linear maps then see one position of the graph only: neighbours change nothing."""
    torch.manual_seed(0)
    ccc = CCC(settings(variant="released", neighbours=1))
    x = random(1, 6, 8, 8)
    maps = x.flatten(2)
    alone = (ccc.own(maps) + ccc.other(-maps)).relu()  # x_j − 2 x = −x
    torch.testing.assert_close(ccc(x).flatten(2), alone, **CLOSE)


@pytest.mark.parametrize("blocks", ["both", "fcc", "ccc", "none"])
def test_the_ablation_has_the_blocks_that_it_says(blocks):
    parts = {type(module) for module in F5C(settings(blocks=blocks)).modules()}
    assert (FCC in parts, CCC in parts) == (blocks in ("both", "fcc"), blocks in ("both", "ccc"))


def test_without_a_weight_for_flow_there_is_no_flow_network():
    method = MOL(settings(flow_weight=0.0))
    said = method.network(3)(random(2, FRAMES, 64, 64))
    assert set(said) == {"emotion", "landmarks"}


# The network and its inputs


def test_a_larger_frame_is_seen_by_its_middle():
    torch.manual_seed(0)
    net, x = MOLNet(settings(), 3).eval(), random(2, FRAMES, 72, 72)
    whole, cut = net(x), net(x[:, :, 4:68, 4:68])
    assert whole["flow"].shape == (2, PAIRS, 2, 64, 64)
    assert whole["landmarks"].shape == (2, PAIRS, 68, 2)
    for name in whole:
        torch.testing.assert_close(whole[name], cut[name], rtol=0, atol=0)


@pytest.mark.parametrize(
    "shape", [(2, 7, 64, 64), (2, 8, 32, 32), (2, 8, 64, 72), (2, 8, 65, 65), (2, 1, 8, 64, 64)]
)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"Expected 8 grey frames a clip, \(B, 8, 64, 64\).*got \(2, "):
        MOLNet(settings(), 3)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "figure"}, "variant = 'figure': Input should be 'paper' or 'released'"),
        ({"neighbours": 6}, "at most 5 neighbours of a node, among 6 channels, got neighbours=6"),
        ({"neighbours": 65, "variant": "released"}, "at most 64 neighbours of a node, among 64 positions"),
        ({"size": 96}, "size = 96"),
        ({"stack": [3, 4, 5, 7]}, "an even last width of the stack.*got 7"),
        ({"augment": {"crop": 128}}, "crop of 64 pixels, the size of a frame, or none; got 128"),
        ({"shared_landmarks": True}, "shared_landmarks needs crops"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        settings(**changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def batch_of(method, folder, n=2):
    clips = open_corpus("synth-mini", folder).clipset(method.view, limit=n)
    inputs = {name: values.float() for name, values in method.inputs(clips).items()}
    return {**inputs, "label": torch.zeros(n, dtype=torch.long), "class_weight": None}, clips


EXACT = {"flow": "exact", "align": "clip"}


def test_sub_clips_interleave_and_each_flow_goes_to_the_next_frame_of_its_own(folder):
    batch, clips = batch_of(MOL(settings(**EXACT, subclips=2)), folder)
    assert batch["x"].shape == (2, 2, FRAMES, 72, 72)
    assert batch["flow"].shape == (2, 2, PAIRS, 2, 72, 72)
    flow, points = np.array(clips.flow), np.array(clips.landmarks)
    torch.testing.assert_close(batch["flow"][1, 1, 3], torch.tensor(flow[1, 7]).float())  # from moment 7 to 9
    landmarks = (batch["landmarks"][1, 1, 4] + 1) * 36 - 0.5
    torch.testing.assert_close(landmarks, torch.tensor(points[1, 9]), atol=1e-4, rtol=0)


def test_amplified_changes_leave_the_mean_frame_and_the_targets_alone(folder):
    plain, more = (batch_of(MOL(settings(**EXACT, amplify=a)), folder)[0] for a in (1.0, 5.0))
    still = [b["x"].mean(dim=1) for b in (plain, more)]
    moving = [b["x"] - mean[:, None] for b, mean in zip((plain, more), still, strict=True)]
    scale = still[0].std() / still[1].std()  # both are scaled to a spread of 1 in the end
    ratios = [
        (moving[1][i] / moving[0][i].where(moving[0][i].abs() > 1e-3, torch.nan)).nanmedian() for i in (0, 1)
    ]
    assert [r.item() * scale.item() for r in ratios] == pytest.approx([5.0, 5.0], rel=0.1)
    torch.testing.assert_close(more["flow"], plain["flow"])


# Losses


def test_the_landmark_loss_is_a_sum_over_frames_of_city_block_distances_over_the_eyes():
    target, points = random(2, PAIRS, 68, 2), random(2, PAIRS, 68, 2, seed=1)
    expected = 0.0
    for clip in range(2):
        for k in range(PAIRS):
            left, right = target[clip, k, 36:42].mean(dim=0), target[clip, k, 42:48].mean(dim=0)
            error = sum((points[clip, k, i] - target[clip, k, i]).abs().sum() for i in range(68))
            expected += error / (right - left).square().sum().sqrt()
    torch.testing.assert_close(landmark_loss(points, target), expected / (68 * 2))


def test_targets_are_those_of_the_second_frames_in_pixels_of_the_middle(folder):
    method = MOL(settings(**EXACT))
    batch, clips = batch_of(method, folder)
    exact = torch.tensor(np.array(clips.landmarks))[:, 1:] - 4  # 72 → 64: four pixels on each side
    flow = torch.tensor(np.array(clips.flow)).float()[..., 4:68, 4:68]
    said = {"emotion": torch.zeros(2, 3), "flow": flow + 0.1, "landmarks": exact}
    losses = method.losses(said, batch, Stage("all", 1))
    assert losses["landmarks"].item() == pytest.approx(0, abs=1e-5)
    assert losses["flow"].item() == pytest.approx(0.1**2 * method.settings.flow_weight, rel=1e-3)


def test_landmarks_of_a_crop_are_those_of_the_picture_less_its_own_corner(folder):
    method = MOL(settings(**EXACT, augment={"crop": 64}))
    batch, clips = batch_of(method, folder)
    cut = augment(batch, method.kinds, method.settings.augment, torch.Generator().manual_seed(1))
    corner = corners(batch["x"], cut["x"])
    assert corner.unique(dim=0).shape[0] == 2  # another one for each clip
    expected = torch.tensor(np.array(clips.landmarks)) - corner[:, None, None]
    torch.testing.assert_close((cut["landmarks"] + 1) * 32 - 0.5, expected, atol=1e-4, rtol=0)


def corners(pictures, cuts):
    """Where each cut lies in its picture, x first: searched for."""
    places = [(x, y) for x in range(9) for y in range(9)]
    found = [
        [(x, y) for x, y in places if torch.equal(picture[..., y : y + 64, x : x + 64], cut)]
        for picture, cut in zip(pictures, cuts, strict=True)
    ]
    return torch.tensor([place for (place,) in found])


def test_with_the_released_mistake_landmarks_are_shifted_by_five_corners_instead_of_one(folder):
    """A corner is 4 pixels on average, so that four more are 16: crops of 64 of 72."""
    torch.manual_seed(0)
    wrong = MOL(settings(**EXACT, augment={"crop": 64}, shared_landmarks=True))
    batch, _ = batch_of(wrong, folder)
    batch = {
        name: values[:1].expand(300, *values.shape[1:])
        for name, values in batch.items()
        if values is not None
    }
    cut = augment(batch, wrong.kinds, wrong.settings.augment, torch.Generator().manual_seed(1))
    right = MOL(settings(**EXACT, augment={"crop": 64})).landmark_targets(cut)
    shifts = (right - wrong.landmark_targets(cut))[:, 0, 0]  # (300, 2)
    assert shifts.mean(dim=0).tolist() == pytest.approx([16, 16], abs=1)
    assert (shifts == shifts.round()).all()
    assert shifts.min() >= 0
    assert shifts.max() <= 32


def test_presets_crop_to_the_size_of_a_frame():
    for preset in ("book", "paper"):
        method = create_method("mol", preset=preset)
        assert method.settings.augment.crop == method.settings.size
        assert method.view.size * 8 == method.settings.size * 9


def test_the_middle_is_the_crop_of_the_test():
    assert middle(torch.arange(72).expand(72, 72), 64)[0, 0] == 4
