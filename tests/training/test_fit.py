import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch import nn

from mer_core import devices, open_corpus
from mer_core.methods import METHODS, NetworkMethod, NetworkSettings, Stage, create_method
from mer_core.protocols import leave_one_subject_out
from mer_core.training import (
    Examples,
    RunSettings,
    examples,
    fit,
    fit_and_predict,
    fit_network,
    predict,
    predict_folds,
)
from mer_core.training.fit import class_weights, fold_seed


class ToyNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2))
        self.classify = nn.Linear(8, n_classes)

    def forward(self, x):
        return {"emotion": self.classify(self.encode(x))}


class Toy(NetworkMethod):
    """Both parts learn, then the classifier alone."""

    name = "toy"
    Settings = NetworkSettings
    view = None
    kinds = {}  # noqa: RUF012
    last_part = "classify"

    def inputs(self, clips):
        raise NotImplementedError

    def network(self, n_classes):
        return ToyNet(n_classes)

    def stages(self):
        return Stage("both", self.settings.epochs), Stage("classifier", self.settings.epochs, self.last_part)


def toy(method=Toy, **settings):
    return method(NetworkSettings(**{"epochs": 8, "batch": 8, "rate": 0.02, **settings}))


def toy_examples(n=60, noise=0.3, n_classes=3, seed=0):
    """Five clips a subject; the class is where the numbers are large."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, n_classes, n)
    x = noise * rng.randn(n, 4) + np.eye(4)[labels]
    subjects = np.array([f"toy/s{i // 5}" for i in range(n)])
    return Examples({"x": torch.tensor(x, dtype=torch.float32)}, torch.tensor(labels), subjects, n_classes)


def relabelled(data, labels):
    return Examples(data.inputs, torch.as_tensor(labels), data.subjects, data.n_classes)


def uf1(data, probabilities):
    every_class = {"labels": range(data.n_classes), "zero_division": 0}
    return f1_score(data.labels, probabilities.argmax(axis=-1), average="macro", **every_class)


@pytest.fixture
def sides():
    """Training clips, and test clips of two other subjects: too noisy to be learnt well."""
    data = toy_examples(noise=2.0)
    return data.take(np.arange(10, 60)), data.take(np.arange(10))


def test_a_small_problem_is_learnt():
    train, test = toy_examples(), toy_examples(seed=1)
    assert uf1(test, fit_and_predict(toy(), train, test, seed=0).probabilities) > 0.9


def test_the_seed_decides_every_bit(sides):
    one, again, other = (fit_and_predict(toy(), *sides, seed=seed).probabilities for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_what_was_drawn_before_and_the_number_of_threads_change_nothing(sides):
    one, before = fit_and_predict(toy(), *sides, seed=3).probabilities, torch.get_num_threads()
    torch.set_num_threads(2)
    state = torch.manual_seed(99).get_state()
    try:
        np.testing.assert_array_equal(one, fit_and_predict(toy(), *sides, seed=3).probabilities)
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)  # and training draws nothing from others
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("selection", ["last", "inner"])
def test_an_honest_selection_looks_at_no_test_label_and_no_other_test_clip(sides, selection):
    train, test = sides
    made = fit_and_predict(toy(), train, test, 0, selection=selection).probabilities
    wrong = relabelled(test, test.labels.flip(0))
    np.testing.assert_array_equal(
        made, fit_and_predict(toy(), train, wrong, 0, selection=selection).probabilities
    )
    alone = fit_and_predict(toy(), train, test.take(np.arange(3)), 0, selection=selection).probabilities
    np.testing.assert_allclose(made[:3], alone, atol=1e-6)


def test_inner_selection_trains_without_the_subjects_it_chooses_by(sides, monkeypatch):
    seen, whole = {}, fit.fit_network

    def spy(method, train, seed, watch, *more):
        seen.update(train=set(train.subjects), watched=set(watch.watched.subjects))
        return whole(method, train, seed, watch, *more)

    monkeypatch.setattr(fit, "fit_network", spy)
    train, test = sides
    fit_and_predict(toy(), train, test, 0, selection="inner")
    assert seen["train"] | seen["watched"] == set(train.subjects)
    assert not seen["train"] & seen["watched"]
    assert seen["watched"]


def test_inner_selection_takes_the_epoch_that_is_best_on_the_held_out_subjects(sides):
    train, test = sides
    learnt, held_out = fit._inner(train, 0)
    at_held_out = fit_and_predict(toy(), learnt, held_out, 0, every_epoch=True).epochs
    at_test = fit_and_predict(toy(), learnt, test, 0, every_epoch=True).epochs
    best = int(np.argmax([uf1(held_out, epoch) for epoch in at_held_out]))
    chosen = fit_and_predict(toy(), train, test, 0, selection="inner").probabilities
    np.testing.assert_array_equal(chosen, at_test[best])


def test_peeking_is_as_good_as_the_best_epoch_and_better_than_the_last(sides):
    test, gains = sides[1], []
    for seed in range(4):
        made = fit_and_predict(toy(), *sides, seed, selection="test-peek", every_epoch=True)
        assert uf1(test, made.probabilities) == max(uf1(test, epoch) for epoch in made.epochs)
        gains.append(uf1(test, made.probabilities) - uf1(test, made.epochs[-1]))
    assert max(gains) > 0


def test_peeking_follows_the_test_labels(sides):
    train, test = sides
    relabellings = (relabelled(test, test.labels.roll(k)) for k in range(5))
    made = [fit_and_predict(toy(), train, t, 0, selection="test-peek").probabilities for t in relabellings]
    assert any((made[0] != other).any() for other in made[1:])


def test_the_last_of_every_epoch_is_what_last_reports(sides):
    kept = fit_and_predict(toy(), *sides, seed=0, every_epoch=True)
    assert kept.epochs.shape == (8, 10, 3)  # of the last stage
    np.testing.assert_array_equal(kept.epochs[-1], kept.probabilities)
    np.testing.assert_array_equal(kept.probabilities, fit_and_predict(toy(), *sides, seed=0).probabilities)


@pytest.mark.parametrize("selection", ["last", "inner", "test-peek"])
def test_the_network_is_the_one_that_predicted(sides, selection):
    train, test = sides
    made = fit_and_predict(toy(), train, test, 0, selection=selection)
    np.testing.assert_array_equal(fit.predict(made.network, test.inputs), made.probabilities)


def test_only_the_part_of_a_stage_moves_its_statistics_too(sides):
    states = []
    fit_network(
        toy(), sides[0], 0, lambda net: states.append({k: v.clone() for k, v in net.state_dict().items()})
    )
    moved = {name for name in states[0] if not torch.equal(states[0][name], states[-1][name])}
    assert moved == {"classify.weight", "classify.bias"}


def test_a_stage_whose_part_the_network_lacks_is_an_error_that_names_it(sides):
    class Wrong(Toy):
        last_part = "clasify"

    with pytest.raises(AttributeError, match="clasify"):
        fit_network(toy(Wrong), sides[0], 0)


def test_no_batch_is_a_single_clip(sides):
    train = sides[0].take(np.arange(17))  # 8 + 8 + 1, where batch statistics of one clip are an error
    assert np.isfinite(fit_and_predict(toy(), train, sides[1], 0).probabilities).all()


def test_half_precision_is_another_run_but_not_another_method(monkeypatch):
    monkeypatch.setattr(devices, "_has_fast_bf16", lambda: True)
    train, test = toy_examples(), toy_examples(seed=1)
    full, half = (
        fit_and_predict(toy(precision=p), train, test, 0).probabilities for p in ("float32", "bf16")
    )
    assert (full != half).any()
    assert uf1(test, half) > 0.9


def test_half_precision_is_refused_where_it_would_take_twenty_times_as_long(monkeypatch):
    asked = RunSettings(method="ststnet", corpus="synth-mini", settings={"precision": "bf16"})
    data = toy_examples()
    monkeypatch.setattr(devices, "_has_fast_bf16", lambda: False)
    for compute in (asked.checked, lambda: fit_and_predict(toy(precision="bf16"), data, data, 0)):
        with pytest.raises(ValueError, match="Expected precision=float32 on this CPU, got bf16"):
            compute()
    devices.check_precision("bf16", "cuda")
    monkeypatch.undo()
    assert devices._has_fast_bf16() in (True, False)  # torch can be asked


@pytest.mark.parametrize("method", ["mol", "fdp"])
def test_channels_last_is_another_order_in_memory_and_no_other_network(method):
    made = {}
    for order in (False, True):
        chosen = create_method(method, channels_last=order)
        torch.manual_seed(0)
        made[order] = fit._network(chosen, 3, None)
    weights = [model.state_dict() for model in made.values()]
    assert all(torch.equal(values, weights[1][name]) for name, values in weights[0].items())
    is_last = [
        w.is_contiguous(memory_format=fit.CHANNELS_LAST[w.dim()])
        for w in made[True].parameters()
        if w.dim() > 3
    ]
    assert all(is_last)


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_a_network_of_pictures_and_volumes_trains_with_channels_last(variant):
    method = create_method("mol", channels_last=True, variant=variant, epochs=1, batch=2, augment={})
    inputs = {
        "x": torch.rand(2, 8, 64, 64),
        "flow": torch.zeros(2, 7, 2, 64, 64),
        "landmarks": torch.rand(2, 8, 68, 2),
    }
    net = fit_network(method, Examples(inputs, torch.arange(2), np.arange(2), 2), seed=0)
    assert predict(net, inputs).isfinite().all()


def test_each_class_weighs_the_same_and_an_absent_one_nothing():
    labels = torch.tensor([0, 0, 0, 2])
    weights = class_weights(labels, n_classes=4)
    torch.testing.assert_close(weights, torch.tensor([4 / 6, 0, 2, 0]))
    assert weights[labels].mean() == 1


def test_balance_helps_the_rare_class():
    rare, test = toy_examples(n=200, noise=1.0), toy_examples(n=200, noise=1.0, seed=1)
    rare = rare.take(np.flatnonzero((rare.labels != 2) | (torch.arange(200) % 10 == 0)))
    said = {
        balance: fit_and_predict(toy(balance=balance), rare, test, 0).probabilities.argmax(axis=1)
        for balance in (True, False)
    }
    assert (said[True] == 2).sum() > 1.5 * (said[False] == 2).sum()


@pytest.mark.parametrize("method", [toy(), create_method("hoof"), create_method("majority")])
def test_a_class_that_is_absent_from_training_is_still_a_column(method):
    train, test = toy_examples(), toy_examples(seed=1)
    made = fit_and_predict(method, train.take(np.flatnonzero(train.labels != 2)), test, 0).probabilities
    assert made.shape == (60, 3)
    np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-5)
    assert not (made.argmax(axis=1) == 2).any()


def test_a_single_class_in_training_is_all_that_is_predicted():
    train = toy_examples()
    train = train.take(np.flatnonzero(train.labels == 1))
    assert (fit_and_predict(create_method("hoof"), train, train, 0).probabilities == [0, 1, 0]).all()


def test_an_estimator_has_no_epochs_to_select(sides):
    with pytest.raises(ValueError, match="hoof has no epochs"):
        fit_and_predict(create_method("hoof"), *sides, seed=0, selection="test-peek")


def test_inner_selection_needs_two_training_subjects(sides):
    with pytest.raises(ValueError, match="two training subjects at least"):
        fit_and_predict(toy(), sides[0].take(np.arange(5)), sides[1], 0, selection="inner")


def test_folds_are_predicted_alike_in_any_order_and_untested_clips_are_marked():
    data = toy_examples(n=20)
    folds = leave_one_subject_out(data.subjects)
    whole = predict_folds(toy(), data, folds, seed=1)
    some = predict_folds(toy(), data, [folds[3], folds[1]], seed=1)
    np.testing.assert_array_equal(whole[folds[3].test], some[folds[3].test])
    assert np.isnan(some[folds[0].test]).all()
    assert fold_seed("s1", 0) != fold_seed("s1", 1) != fold_seed("s2", 0)


@pytest.mark.parametrize("name", list(METHODS))
def test_a_clip_is_seen_the_same_whatever_others_there_are(name):
    method = create_method(name)
    clips = open_corpus("synth-mini").clipset(method.view)
    rows = np.array([17, 3, 4])
    whole = examples(method, clips, np.zeros(len(clips)), 3)
    some = examples(method, clips.select(rows), np.zeros(3), 3)
    assert some.subjects.tolist() == whole.subjects[rows].tolist()
    for key, values in some.inputs.items():
        torch.testing.assert_close(values, whole.inputs[key][rows], rtol=0, atol=0)
