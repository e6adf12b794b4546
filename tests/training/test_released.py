"""What released code does otherwise, switch by switch, and what each of them changes."""

import numpy as np
import pytest
import torch
from torch import nn

from mer_core import open_corpus
from mer_core.clips import View
from mer_core.methods import METHODS, NetworkMethod, NetworkSettings, create_method
from mer_core.methods.base import Released
from mer_core.settings import SettingsError
from mer_core.training import (
    Examples,
    RunSettings,
    examples,
    fit_and_predict,
    fit_network,
    predict,
    predict_clips,
    predict_folds,
    predict_outputs,
    run,
)
from mer_core.training.fit import normalised
from tests.training.test_fit import Toy, toy_examples
from tests.training.tools import mini


def toy(method=Toy, released=None, **settings):
    settings = {"epochs": 4, "batch": 8, "rate": 0.02, "released": Released(**(released or {})), **settings}
    return method(NetworkSettings(**settings))


class OneStage(Toy):
    """All parts learn, in every epoch."""

    stages = NetworkMethod.stages


@pytest.fixture
def sides():
    data = toy_examples(noise=1.0)
    return data.take(np.arange(20, 60)), data.take(np.arange(20))


# Training goes on in evaluation mode.


def statistics(method, train):
    """The mean that batch norm keeps, after every epoch."""
    kept = []
    fit_network(method, train, 0, lambda net: kept.append(net.encode[1].running_mean.clone()))
    return kept


def test_as_released_batch_norm_keeps_what_the_first_epoch_left_in_it(sides):
    usual = statistics(toy(OneStage), sides[0])
    frozen = statistics(toy(OneStage, {"frozen_after_first_epoch": True}), sides[0])
    torch.testing.assert_close(frozen[0], usual[0], rtol=0, atol=0)
    assert all(torch.equal(later, frozen[0]) for later in frozen)
    assert not any(torch.equal(later, usual[0]) for later in usual[1:])


def test_as_released_nothing_is_dropped_after_the_first_epoch(sides):
    class Mode(nn.Module):
        def __init__(self):
            super().__init__()
            self.seen, self.classify = [], nn.Linear(4, 3)

        def forward(self, x):
            self.seen += [self.training] * torch.is_grad_enabled()
            return {"emotion": self.classify(x)}

    class Watched(OneStage):
        def network(self, n_classes):
            return Mode()

    steps = 5  # an epoch: 40 clips by 8
    usual = fit_network(toy(Watched), sides[0], 0).seen
    frozen = fit_network(toy(Watched, {"frozen_after_first_epoch": True}), sides[0], 0).seen
    assert usual == [True] * 4 * steps
    assert frozen == [True] * steps + [False] * 3 * steps


# Normalised by the test subject's own clips.


def test_the_input_is_scaled_by_the_statistics_that_are_asked_for():
    train, test = toy_examples(seed=1), toy_examples(seed=2)
    x, y = train.inputs["x"].numpy(), test.inputs["x"].numpy()
    expected = {
        "clip": (x, y),
        "train": tuple((values - x.mean()) / (x.max() - x.mean()) for values in (x, y)),
        "fold": tuple((values - values.mean()) / (values.max() - values.mean()) for values in (x, y)),
    }
    for by, sides in expected.items():
        for made, values in zip(normalised(train, test, by), sides, strict=True):
            np.testing.assert_allclose(made.inputs["x"], values, atol=1e-6)


@pytest.mark.parametrize(("by", "is_touched"), [("clip", False), ("train", False), ("fold", True)])
def test_only_as_released_do_the_other_clips_of_a_subject_touch_what_is_said_of_one(sides, by, is_touched):
    train, test = sides
    method = toy(released={"normalise": by})
    all_of_them = fit_and_predict(method, train, test, 0).probabilities
    alone = fit_and_predict(method, train, test.take(np.arange(3)), 0).probabilities
    assert (abs(all_of_them[:3] - alone).max() > 1e-3) == is_touched


def test_normalising_takes_away_what_a_whole_subject_has_in_common(sides):
    """A brighter recording of the test subject: by its own statistics it looks like any other."""
    train, test = sides
    brighter = Examples({"x": test.inputs["x"] + 5}, test.labels, test.subjects, test.n_classes)
    said = {by: [fit_and_predict(toy(released={"normalise": by}), train, side, 0).probabilities for side in
                 (test, brighter)] for by in ("train", "fold")}  # fmt: skip
    np.testing.assert_allclose(*said["fold"], atol=1e-4)
    assert abs(said["train"][0] - said["train"][1]).max() > 0.1


# Sub-clips.


class Pooled(nn.Module):
    """Means of the frames, and a line between them."""

    def __init__(self, n_classes):
        super().__init__()
        self.classify = nn.Linear(8, n_classes)

    def forward(self, x):  # (B, 8, H, W)
        means = x.mean(dim=(2, 3))
        return {"emotion": self.classify(means), "means": means}


class Interleaved(NetworkMethod):
    """Sees a clip as nine sub-clips of eight frames."""

    name = "interleaved"
    Settings = NetworkSettings
    view = View(frames=8, subclips=9, size=16, landmarks=False)

    def inputs(self, clips):
        x = torch.tensor(clips.frames).float() / 255  # (N, 72, 16, 16)
        return {"x": x.unflatten(1, (8, 9)).transpose(1, 2)}  # (N, 9, 8, 16, 16)

    def network(self, n_classes):
        return Pooled(n_classes)


@pytest.fixture(scope="module")
def interleaved(_cache):
    method = Interleaved(NetworkSettings(epochs=2))
    clips = open_corpus("synth-mini", _cache / "mer_core").clipset(method.view, limit=8)
    return examples(method, clips, np.arange(8) % 3, 3)


def test_a_sub_clip_is_every_so_manyth_frame(interleaved):
    clips = open_corpus("synth-mini").clipset(Interleaved.view, limit=8)
    apart = interleaved.apart().inputs["x"]  # (8 · 9, 8, 16, 16)
    for clip, number in [(0, 0), (5, 8)]:
        expected = np.asarray(clips.frames[clip, number::9]) / 255
        np.testing.assert_allclose(apart[9 * clip + number], expected, atol=1e-6)


def test_a_clip_is_the_mean_of_its_sub_clips(interleaved):
    model = fit_network(Interleaved(NetworkSettings(epochs=2)), interleaved, 0)
    apart = predict(model, interleaved.apart().inputs).reshape(8, 9, 3)
    torch.testing.assert_close(predict_clips(model, interleaved), apart.mean(dim=1))
    made = fit_and_predict(Interleaved(NetworkSettings(epochs=2)), interleaved, interleaved, 0)
    np.testing.assert_allclose(made.probabilities, apart.mean(dim=1), atol=1e-6)


def test_training_sees_every_sub_clip_with_the_label_of_its_clip(interleaved):
    apart = interleaved.apart()
    assert len(apart.labels) == len(apart.inputs["x"]) == 72
    assert apart.labels.reshape(8, 9).unique(dim=1).shape == (8, 1)
    assert (apart.subjects.reshape(8, 9) == interleaved.subjects[:, None]).all()


def test_as_released_a_long_clip_counts_more(tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS, "interleaved", Interleaved)
    counted = {"epochs": 2, "released": {"score": "subclips"}}
    clips = run(mini("interleaved", settings={"epochs": 2}, limit=8), tmp_path / "clips").predictions
    apart = run(mini("interleaved", settings=counted, every_epoch=True, limit=8), tmp_path / "apart")
    rows = apart.predictions
    table = open_corpus("synth-mini").clips.set_index("clip").loc[clips["clip"]]
    expected = ((table["offset"] - table["onset"] + 1) // 8).clip(1, 9)
    names = rows["clip"].str.split("#").str[0]
    assert names.value_counts().to_dict() == expected.to_dict()
    assert expected.nunique() > 1
    assert not rows["clip"].duplicated().any()
    assert rows["clip"].iloc[0].endswith("#1")
    whole = clips.set_index("clip")
    assert (rows["truth"].to_numpy() == whole.loc[names, "truth"].to_numpy()).all()
    epochs = [np.load(path).shape[1] for path in sorted((apart.folder / "epochs").iterdir())]
    assert sum(epochs) == len(rows)  # epochs tell of the same rows


def test_sub_clips_are_counted_only_where_there_are_some(interleaved):
    counted = {"released": {"score": "subclips"}}
    with pytest.raises(ValueError, match="ststnet sees a clip as a whole"):
        RunSettings(method="ststnet", corpus="synth-mini", settings=counted).checked()
    method = Interleaved(NetworkSettings(released=Released(score="subclips")))
    with pytest.raises(ValueError, match="several rows"):
        predict_folds(method, interleaved, [], 0)


# All of it, and none of it.


def test_every_switch_is_off_unless_asked_for():
    for name, method in METHODS.items():
        for preset in method.presets:
            settings = create_method(name, preset).settings
            assert getattr(settings, "released", Released()) == Released()


def test_all_switches_work_together_and_with_the_choice_of_the_epoch_on_the_test_clips(interleaved):
    released = Released(frozen_after_first_epoch=True, normalise="fold", score="subclips")
    method = Interleaved(NetworkSettings(epochs=3, released=released))
    train, test = interleaved.take(np.arange(5)), interleaved.take(np.arange(5, 8))
    made = fit_and_predict(method, train, test, 0, selection="test-peek", every_epoch=True)
    assert made.epochs.shape == (3, int(test.subclips.sum()), 3)
    assert any(np.array_equal(made.probabilities, epoch) for epoch in made.epochs)


def test_an_unknown_switch_is_an_error_that_names_the_valid_ones():
    with pytest.raises(
        SettingsError, match=r"(?s)freeze: there is no such setting.*frozen_after_first_epoch"
    ):
        Released(freeze=True)


# How the engine computes.


def test_adam_and_adamw_differ_in_the_decay_alone(sides):
    said = {
        (name, decay): fit_and_predict(toy(optimiser=name, decay=decay), *sides, 0).probabilities
        for name in ("adam", "adamw")
        for decay in (0.0, 0.3)
    }
    np.testing.assert_array_equal(said["adam", 0.0], said["adamw", 0.0])
    assert abs(said["adam", 0.3] - said["adamw", 0.3]).max() > 1e-3


def test_a_compiled_network_is_the_same_network(sides, monkeypatch):
    compiled, compile_it = [], nn.Module.compile

    def without_a_compiler(self):
        compiled.append(self)
        compile_it(self, backend="eager")

    monkeypatch.setattr(nn.Module, "compile", without_a_compiler)
    one, other = (fit_and_predict(toy(compile=c), *sides, 0) for c in (False, True))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
    assert list(one.network.state_dict()) == list(other.network.state_dict())
    assert len(compiled) == 1


def test_all_outputs_are_predicted_by_their_names(interleaved):
    x = interleaved.apart().inputs["x"]
    model = Pooled(3).eval()
    made, whole = predict_outputs(model, {"x": x}, batch=7), model(x)
    assert list(made) == ["emotion", "means"]
    for name, values in made.items():
        torch.testing.assert_close(values, whole[name])
        assert not values.requires_grad
