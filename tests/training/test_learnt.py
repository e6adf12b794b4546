"""What is kept and said of a training: its history, what it learnt, warnings; and none of it changes a number."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from mer_core.ledger.learning import NO_HISTORY, curves, parts_that_learnt, sparkline, summary
from mer_core.methods import Stage, create_method
from mer_core.training import Examples, Run, fit_and_predict, fit_network, run
from mer_core.training.events import EventWriter
from mer_core.training.learnt import _beside_guesses, above_shuffle, falls, judge, warnings
from tests.training.tools import _cache, cache, mini  # noqa: F401 (fixtures)

EMOTION = {"train": {"emotion": 0.3}, "train_guess": {"emotion": 1.1}, "unseen": {"emotion": 0.9}}
GOOD = {
    "train_uf1": 0.9, "spread": 0.3, "largest_share": 0.5, "largest_class": 0.5, "above_shuffle": True,
    "losses": {**EMOTION, "unseen_guess": {"emotion": 1.1}}, "explained": {"flow": 0.4},
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, _cache):  # noqa: F811
    """AMNet3D, whose loss has two terms, in two folds of the tiny corpus."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        asked = mini("amnet3d", groups=2, settings={"epochs": 2, "au_fewest": 1})
        return run(asked, tmp_path_factory.mktemp("runs") / "run", log=tmp_path_factory.mktemp("log"))


def history(*emotion, stage="all"):
    return pd.DataFrame({"stage": stage, "epoch": range(1, len(emotion) + 1), "emotion": emotion})


# The history


def test_a_run_holds_a_row_an_epoch_and_part(trained):
    table = pd.read_parquet(trained.folder / "history.parquet")
    terms = ["emotion", "action_units"]
    assert list(table) == ["fold", "seed", "stage", "epoch", *terms, "accuracy", "gradient_norm", "rate"]
    assert table[["fold", "epoch"]].to_numpy().tolist() == [[f"group{g}", e] for g in (1, 2) for e in (1, 2)]
    assert table[[*terms, "gradient_norm", "rate"]].gt(0).all().all()
    pd.testing.assert_frame_equal(table, trained.history)


class Toy(nn.Module):
    """A layer that says two classes of two numbers."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return {"emotion": self.layer(x)}


def toy(n=12, **changes):
    random = torch.Generator().manual_seed(0)
    method = create_method("ststnet", **{"epochs": 3, "batch": 4, "augment": {}, **changes})
    method.network = lambda n_classes: Toy()
    labels = torch.arange(n) % 2
    x = torch.randn(n, 2, generator=random) + labels[:, None]
    return method, Examples({"x": x}, labels, np.array([f"s{i}" for i in range(n)]), 2)


def test_the_history_is_what_a_loop_by_hand_sees():
    method, data = toy(batch=12, rate=0.1)  # a step an epoch: all clips at once
    rows, states = [], []
    torch.manual_seed(0)

    def watch(model):
        states.append({name: value.clone() for name, value in model.state_dict().items()})

    fit_network(method, data, 1, watch, record=rows.append)
    model = Toy()
    for row, state in zip(rows[1:], states, strict=False):  # an epoch begins where the one before ended
        model.load_state_dict(state)
        model.zero_grad()
        scores = model(data.inputs["x"])["emotion"]
        loss = nn.functional.cross_entropy(scores, data.labels)
        loss.backward()
        norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
        assert row["emotion"] == pytest.approx(loss.item(), rel=1e-5)
        assert row["accuracy"] == pytest.approx((scores.argmax(1) == data.labels).float().mean().item())
        assert row["gradient_norm"] == pytest.approx(norm.item(), rel=1e-5)
        assert row["rate"] == pytest.approx(0.1)


def test_whether_anybody_looks_on_changes_no_bit():
    method, data = toy()
    bits = []
    for look in (False, True):
        fitted = fit_and_predict(method, data, data, 3, record=[].append if look else None)
        before = torch.random.get_rng_state()
        if look:
            judge(method, fitted.network, fitted.train, fitted.test, fitted.probabilities)
        assert torch.equal(before, torch.random.get_rng_state())
        again = fit_and_predict(method, data, data, 3)
        assert np.array_equal(fitted.probabilities, again.probabilities)
        bits.append(fitted.probabilities)
    assert np.array_equal(*bits)


def test_an_interrupted_run_keeps_its_histories_and_ends_with_the_same(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained.folder, folder)
    part = trained.parts()[1]
    for file in (Run(folder).file(part), Run(folder).history_of(part), folder / "history.parquet"):
        file.unlink()
    assert Run.open(folder).todo() == [part]
    again = run(trained.settings, folder)
    pd.testing.assert_frame_equal(again.history, trained.history)
    assert again.record["learnt"] == trained.record["learnt"]
    assert (folder / "history.parquet").exists()


def test_a_run_from_before_there_were_histories_can_be_read_and_says_so(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained.folder, folder)
    for part in trained.parts():
        old = Run(folder)
        sums = old.checksums(part).read_text().splitlines()
        old.checksums(part).write_text("".join(f"{line}\n" for line in sums if "histories/" not in line))
    shutil.rmtree(folder / "histories")
    old = Run.open(folder)
    assert not old.missing()
    assert old.history is None
    assert curves(old.history, {}) == NO_HISTORY
    assert summary(old.predictions, {})[0].startswith("parts that learnt")


# What was learnt


def test_the_record_says_what_each_part_learnt(trained):
    record = json.loads((trained.folder / "run.json").read_text())["learnt"]
    assert list(record) == ["group1-seed0", "group2-seed0"]
    for part in record.values():
        assert 0 <= part["train_uf1"] <= 1
        assert part["above_shuffle"] is None  # nine clips
        losses = part["losses"]
        share = 1 - losses["unseen"]["action_units"] / losses["unseen_guess"]["action_units"]
        assert part["explained"]["action_units"] == pytest.approx(share, abs=1e-3)
        assert any("plateau" in text or "one class" in text for text in part["warnings"])


@pytest.mark.parametrize("name", ["fdp", "mol", "amnet3d"])
def test_no_constant_is_better_than_the_constant_guess(name):
    """On the training clips, each guess is the best of its kind, or nothing moves."""
    changes = {"fdp": {"variant": "figure"}, "mol": {}, "amnet3d": {"au_fewest": 1, "au_most": 3.0}}[name]
    method, random = create_method(name, "book", **changes), torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.rand(6, *shape, generator=random)

    inputs = {
        "fdp": {"x": draw(8, 64, 64), "dynamic_image": draw(32, 32)},
        "mol": {"x": draw(8, 72, 72), "flow": draw(7, 2, 72, 72), "landmarks": draw(8, 68, 2)},
        "amnet3d": {
            "x": draw(8, 1, 32, 32), "action_units": draw(12).round(), "action_unit_weight": torch.ones(6, 12),
        },
    }[name]  # fmt: skip
    guess = {"emotion": torch.zeros(3), **method.guess(folded := method.fold(inputs))}
    batch = {**folded, "label": torch.tensor([0, 1, 2, 0, 1, 2]), "class_weight": None}

    def losses(outputs):
        said = {task: value.expand(6, *value.shape) for task, value in outputs.items()}
        return method.losses(said, batch, Stage("all", 1))

    best = losses(guess)
    for task in {"emotion", "dynamic_image", "action_units"} & {
        *guess
    }:  # of the others it is the natural one
        for step in (-0.1, 0.1):
            moved = guess[task] + step * torch.rand(guess[task].shape, generator=random)
            assert losses({**guess, task: moved})[task] >= best[task] - 1e-6, task
    if name == "mol":
        still = inputs["flow"][..., 4:68, 4:68].square().mean()
        assert best["flow"] == pytest.approx(method.settings.flow_weight * still)


def test_unseen_action_units_weigh_what_they_weighed_in_training():
    method = create_method("amnet3d", "book", units=[1, 2, 4], au_fewest=2)
    shown = torch.tensor([[1.0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]])
    train = method.fold({"action_units": shown, "action_unit_weight": torch.ones(5, 3)})
    again = method.unseen({"action_units": shown, "action_unit_weight": torch.ones(5, 3)}, train)
    assert torch.equal(train["action_unit_weight"], again["action_unit_weight"])
    assert (again["action_unit_weight"][:, 1] == 0).all()  # one training clip shows it: it was left out


def test_a_network_that_says_the_guess_explains_nothing():
    method, data = toy(balance=False)
    model = Toy().eval()
    nn.init.zeros_(model.layer.weight)
    nn.init.zeros_(model.layer.bias)
    losses = _beside_guesses(method, model, data, data)["losses"]
    assert losses["train"] == losses["train_guess"] == {"emotion": pytest.approx(np.log(2), abs=1e-4)}


def test_above_a_shuffle_is_told_from_chance_and_from_too_few_clips():
    truth = np.arange(30) % 3
    assert above_shuffle(truth, truth, 3) is True
    assert above_shuffle(truth, np.zeros(30, int), 3) is False
    assert above_shuffle(truth, np.roll(truth, 1), 3) is False
    assert above_shuffle(truth[:9], truth[:9], 3) is None


def told(falling=(1.0, 0.3, 0.3, 0.3, 0.3, 0.3), **changes):
    return [text.partition(":")[0] for text in warnings({**GOOD, **changes}, history(*falling))]


def losses(side, value):
    return {**GOOD["losses"], side: {"emotion": value}}


def test_a_good_training_is_not_warned_of():
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"losses": losses("train", 1.09)}, "on the plateau"),
        ({"spread": 0.01}, "on the plateau"),
        ({"largest_share": 0.99}, "one class"),
        ({"train_uf1": 0.7, "falling": (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)}, "stopped on the slope"),
        ({"above_shuffle": False}, "by heart"),
        ({"losses": losses("unseen", 1.2)}, "by heart"),
        ({"explained": {"flow": 0.04}}, "second task not learnt"),
        ({"explained": {"flow": float("nan")}}, "second task not learnt"),
    ],
)
def test_each_failure_has_its_warning(changes, warning):
    assert told(**changes) == [warning]


def test_a_large_class_may_be_all_that_is_predicted():
    assert told(largest_share=1.0, largest_class=0.95) == []


def test_only_the_end_of_a_curve_says_whether_it_still_falls():
    assert falls([1, 0.9, 0.8, 0.7, 0.6, 0.5])
    assert not falls([1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert not falls([1.0, 0.5])  # too short to say


# What a reader sees


def test_curves_stand_beside_their_constant_guess(trained):
    text = curves(trained.history, trained.learnt)
    assert "constant guess" in text
    assert all(name in text for name in ("emotion", "action_units", "accuracy", "gradient_norm", "rate"))


def test_a_sparkline_goes_from_the_least_to_the_largest_and_fits_in_a_line():
    assert sparkline(pd.Series([0.0, 7.0, 3.5])) == "▁█▅"
    assert sparkline(pd.Series([2.0, 2.0])) == "▁▁"
    assert len(sparkline(pd.Series(np.arange(1000.0)))) == 40


def test_parts_that_learnt_are_counted_by_their_predictions():
    truth = np.arange(30) % 3
    part = pd.DataFrame({"truth": truth, "predicted": truth, "fold": "a", "seed": 0})
    table = pd.concat([part, part.assign(fold="b", predicted=0)]).assign(p_a=0.0, p_b=0.0, p_c=0.0)
    assert parts_that_learnt(table) == (1, 2)
    learnt = {"a": {**GOOD, "warnings": []}, "b": {**GOOD, "train_uf1": 0.3, "warnings": ["one class: x"]}}
    assert summary(table, learnt) == [
        "parts that learnt: 1/2",
        "train UF1 0.30 to 0.90",
        "flow: 40% explained on unseen people (40% to 40%)",
        "1/2 parts one class: x",
    ]


# TensorBoard


def records(file):
    """The events of a file, as the format says; checksums are compared with ones made bit by bit."""
    data, events = file.read_bytes(), []
    while data:
        length = int.from_bytes(data[:8], "little")
        assert int.from_bytes(data[8:12], "little") == masked(data[:8])
        event, check = data[12 : 12 + length], data[12 + length : 16 + length]
        assert int.from_bytes(check, "little") == masked(event)
        events.append(event)
        data = data[16 + length :]
    return events


def masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_the_checksum_is_crc_32c():
    crc = (masked(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (crc << 15 | crc >> 17) & 0xFFFFFFFF == 0xE3069283  # the check value of the standard


def test_events_are_as_tensorboard_reads_them(tmp_path):
    writer = EventWriter(tmp_path)
    writer.row({"stage": "all", "epoch": 300, "emotion": 0.5})
    version, event = records(writer.file)
    assert version[9:] == b"\x1a\x0dbrain.Event:2"
    tag = b"\x0a\x0ball/emotion\x15" + np.float32(0.5).tobytes()
    assert event[9:] == b"\x10\xac\x02" + b"\x2a" + bytes([len(tag) + 2]) + b"\x0a" + bytes([len(tag)]) + tag


def test_a_run_writes_the_curves_of_every_part(trained, tmp_path):
    asked = trained.settings.replace(settings={"epochs": 1})
    run(asked, tmp_path / "run", workers=2, log=tmp_path / "log")
    written = sorted(path.parent.name for path in (tmp_path / "log").glob("*/events*"))
    assert written == ["group1-seed0", "group2-seed0"]
