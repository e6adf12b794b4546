import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.ledger.experiments import always_the_commonest, listed, load_paper, uf1
from mer_core.ledger.reproduction import (
    NAMED,
    TIMES,
    Clock,
    Reproduced,
    Spread,
    Tolerance,
    changed,
    conclusion,
    differences,
    reproduce,
    seed_spreads,
    tolerance,
)
from mer_core.methods import METHODS
from mer_core.methods.hoof import HOOF
from mer_core.methods.lbptop import LBPTOP
from mer_core.training import Run, RunSettings
from mer_core.training.parts import material
from tests.ledger.conftest import TOY


def again(toy, **options):
    return list(reproduce(listed("toy"), toy / "runs", toy / "results", workers=1, **options))


def rewrite(folder, **changes):
    """Another record: `settings={"method": …}` and the like."""
    record = json.loads((folder / "run.json").read_text())
    for name, value in changes.items():
        record[name] = {**record[name], **value} if isinstance(value, dict) else value
    (folder / "run.json").write_text(json.dumps(record))


def pretend_seeds(folder, method, n):
    """The stored run as one of two seeds, which answer the first `n` clips differently."""
    change(folder, n)
    other = Run(folder).predictions.assign(seed=1)
    other.loc[: n - 1, "predicted"] = other.loc[: n - 1, "truth"]
    both = pd.concat([Run(folder).predictions, other], ignore_index=True)
    both.to_parquet(folder / "predictions.parquet")
    rewrite(folder, settings={"method": method, "seeds": [0, 1]})


def change(path, n):
    """Other answers for the first clips of a stored run."""
    table = pd.read_parquet(path / "predictions.parquet")
    table.loc[: n - 1, "predicted"] = (table.loc[: n - 1, "truth"] + 1) % 3
    table.to_parquet(path / "predictions.parquet")


def test_what_is_not_stored_yet_is_kept_and_then_compared_answer_by_answer(toy):
    assert [row.verdict for row in again(toy)] == ["new", "new"]
    assert [row.verdict for row in again(toy)] == ["identical", "identical"]
    stored = Run(toy / "results" / "toy/flow").predictions
    change(toy / "results" / "toy/flow", len(stored))
    rows = again(toy)
    assert [row.verdict for row in rows] == ["DRIFTED", "identical"]
    assert len(rows[0].differ) == (stored["predicted"] != (stored["truth"] + 1) % 3).sum()
    assert [row.verdict for row in again(toy, store=True)] == ["DRIFTED", "identical"]
    assert [row.verdict for row in again(toy)] == ["identical", "identical"]


@pytest.mark.parametrize(
    ("stored", "differ", "verdict"),
    [(0.50, 0, "identical"), (0.53, 3, "reproduced"), (0.56, 3, "DRIFTED"), (float("nan"), 0, "new")],
)
def test_a_score_may_move_as_far_as_the_tolerance(stored, differ, verdict):
    rows = pd.DataFrame({"clip": ["a"] * differ})
    assert Reproduced("it", 0.5, stored, rows, Tolerance(0.05, "")).verdict == verdict


def test_nothing_is_reproduced_where_always_the_commonest_class_would_pass():
    rows = pd.DataFrame({"clip": ["a"]})
    allowed = Tolerance(0.3, "seeds", is_blind=True)
    assert Reproduced("it", 0.4, 0.5, rows, allowed).verdict == "undecided"
    assert Reproduced("it", 0.1, 0.5, rows, allowed).verdict == "DRIFTED"
    assert Reproduced("it", 0.5, 0.5, rows[:0], allowed).verdict == "identical"
    assert str(allowed).endswith("always naming the commonest class would pass, too")


def test_where_every_answer_must_be_the_same_an_equal_score_is_not_enough():
    rows = pd.DataFrame({"clip": ["a", "b"]})
    assert Reproduced("it", 0.5, 0.5, rows, Tolerance(None, "")).verdict == "DRIFTED"


# What draws nothing gives every answer again, however far the seeds of networks are apart.


def without_the_lower_half(features):
    def seen(self, clips):
        histograms = features(self, clips).reshape(len(clips), self.settings.blocks, -1)
        return np.where(np.arange(self.settings.blocks)[:, None] < 3, histograms, 0).reshape(len(clips), -1)

    return seen


BROKEN = {
    "hoof": (HOOF, "features", without_the_lower_half(HOOF.features)),
    "lbptop": (LBPTOP, "estimator", lambda self, seed: DummyClassifier(strategy="most_frequent")),
}


@pytest.mark.parametrize("method", BROKEN)
def test_a_broken_method_that_draws_nothing_drifts_and_its_clips_are_named(toy, monkeypatch, method):
    (toy / "toy.toml").write_text(TOY.replace('method = "hoof"', f'method = "{method}"'))
    monkeypatch.chdir(toy)
    again(toy)
    network = toy / "results" / "a-network"
    shutil.copytree(toy / "results" / "toy/flow", network)
    pretend_seeds(network, "ststnet", len(Run(network).predictions))  # any score is within its seeds
    monkeypatch.setattr(*BROKEN[method])
    material.cache_clear()
    asked = ["reproduce", "--only", "toy/flow", "--out", str(toy / "again"), "--workers", "1"]
    result = CliRunner().invoke(app, asked)
    material.cache_clear()
    assert "1 experiments drifted: toy/flow." in str(result.exception)
    assert f"DRIFTED; every answer must be the same: {method} draws nothing" in result.output
    differ = pd.read_csv(toy / "again" / "toy/flow.differ.csv")
    stored = Run(toy / "results" / "toy/flow").predictions
    now = Run.open(toy / "again" / "toy/flow").predictions
    both = stored.merge(now, on="clip")
    assert set(differ["clip"]) == set(both.loc[both["predicted_x"] != both["predicted_y"], "clip"])
    assert all(clip in result.output for clip in differ["clip"][:NAMED])


def test_the_list_of_clips_that_differ_goes_when_none_does(toy):
    again(toy)
    change(toy / "results" / "toy/flow", 50)
    assert [row.verdict for row in again(toy)] == ["DRIFTED", "identical"]
    assert (toy / "runs" / "toy/flow.differ.csv").exists()
    again(toy, store=True)
    again(toy)
    assert not list((toy / "runs").glob("*.differ.csv"))


def test_a_method_says_itself_whether_it_draws():
    assert {name for name, method in METHODS.items() if not method.draws} == {"majority", "hoof", "lbptop"}


# What draws may differ as its own seeds do, where the bits of another machine are not those of this one.


@pytest.fixture
def network(toy):
    """A run of HOOF that says of itself, as does the stored one, that it is a network's; of no known processor."""
    again(toy)
    for folder in (toy / "runs" / "toy/flow", toy / "results" / "toy/flow"):
        rewrite(folder, settings={"method": "ststnet"}, hardware={"processor": None})
    return Run.open(toy / "runs" / "toy/flow"), Run(toy / "results" / "toy/flow")


OWN, OTHER = Spread("own", ("ststnet", "book"), 0.0004, 2), Spread("other", ("mol", "book"), 0.01, 2)
FULL = Spread("full", ("ststnet", "paper"), 0.04, 2)


def test_the_seeds_of_a_methods_own_runs_say_how_far_its_score_may_move(network):
    allowed = tolerance(*network, [OWN, OTHER, FULL])
    assert allowed.uf1 == pytest.approx(TIMES * 0.02)
    assert "0.0200, the standard deviation over seeds of own" in str(allowed)


def test_those_of_all_networks_do_where_the_method_has_none(network):
    allowed = tolerance(*network, [OTHER, FULL])
    assert allowed.uf1 == pytest.approx(TIMES * 0.025**0.5)
    assert "2 runs of all networks, as no stored run of ststnet-book has several" in str(allowed)


def test_a_tolerance_that_reaches_down_to_the_commonest_class_says_so(network):
    stored = network[1].predictions
    above = uf1(stored) - always_the_commonest(stored)
    for deviation in (0.9 * above / TIMES, 1.1 * above / TIMES):
        spread = Spread("own", ("ststnet", "book"), deviation**2, 2)
        assert tolerance(*network, [spread]).is_blind == (TIMES * deviation > above)


def test_without_any_seeds_every_answer_must_be_the_same(network):
    assert tolerance(*network, []).uf1 is None


def test_a_mean_over_seeds_may_move_less(network):
    run, stored = network
    rewrite(stored.folder, settings={"seeds": [0, 1, 2, 3]})
    assert tolerance(run, Run(stored.folder), [OWN]).uf1 == pytest.approx(TIMES * 0.02 / 2)


SAME = {"hardware": {"processor": "this one"}}


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        (SAME, SAME, ""),
        (SAME, {}, "the stored run does not name its processor"),
        (SAME, {"hardware": {"processor": "that one"}}, "computed on another processor, that one"),
        (SAME, {**SAME, "numerics": "others"}, "computed by other kernels"),
        (SAME, {**SAME, "environment": {"torch": "1.0"}}, "computed by other versions of packages"),
        (SAME, {**SAME, "data": {"sha256": {"frames.npy": "others"}}}, "saw other data"),
        ({**SAME, "settings": {"device": "cuda"}}, SAME, "computed on cuda"),
    ],
)
def test_a_network_gives_every_answer_again_on_an_equal_machine_alone(network, here, there, why):
    for run, changes in zip(network, (here, there), strict=True):
        rewrite(run.folder, **changes)
    allowed = tolerance(Run.open(network[0].folder), Run(network[1].folder), [OWN])
    assert (allowed.uf1 is None) == (not why)
    assert allowed.reason.endswith(why or "the same processor, kernels and packages")


def test_the_spread_is_that_of_the_scores_of_several_seeds(toy):
    again(toy)
    assert seed_spreads(toy / "results") == []
    folder = toy / "results" / "toy/flow"
    pretend_seeds(folder, "ststnet", 5)
    table = Run(folder).predictions
    one, other = (uf1(rows) for _, rows in table.groupby("seed"))
    (found,) = seed_spreads(toy / "results")
    assert (found.run, found.family, found.freedom) == ("toy/flow", ("ststnet", "book"), 1)
    assert found.variance == pytest.approx((one - other) ** 2 / 2)
    rewrite(folder, settings={"method": "hoof"})
    assert seed_spreads(toy / "results") == []  # that one draws nothing


def test_equal_answers_with_other_probabilities_are_said(toy):
    again(toy)
    folder = toy / "results" / "toy/flow"
    table = Run(folder).predictions
    flat = {name: (table[name] + 0.2) / 1.6 for name in table if name.startswith("p_")}
    table.assign(**flat).to_parquet(folder / "predictions.parquet")
    row = again(toy)[0]
    assert row.verdict == "identical"
    assert "probabilities differ by up to 0." in str(row)


def test_a_run_with_other_settings_is_neither_compared_nor_kept(toy):
    again(toy)
    before = (toy / "results" / "toy/flow" / "run.json").read_bytes()
    rows = again(toy, changes={"preset": "paper"})
    assert [row.verdict for row in rows] == ["not comparable", "not comparable"]
    assert rows[0].otherwise == ("preset is paper, not book",)
    assert (toy / "results" / "toy/flow" / "run.json").read_bytes() == before
    assert [row.verdict for row in again(toy)] == ["identical", "identical"]  # it had a folder of its own
    assert "toy/flow" in (said := conclusion(rows, toy / "runs"))
    assert "not comparable; preset is paper, not book" in said


def test_a_run_with_other_settings_is_not_kept_as_new(toy):
    assert [row.verdict for row in again(toy, changes={"preset": "paper"})] == ["not comparable"] * 2
    assert not (toy / "results").exists()
    with pytest.raises(
        ValueError, match="--store keeps experiments as they are listed, not with preset changed"
    ):
        again(toy, store=True, changes={"preset": "paper"})


def test_what_is_stored_but_listed_otherwise_now_is_said(toy, monkeypatch):
    monkeypatch.chdir(toy)
    again(toy)
    (toy / "toy.toml").write_text(TOY.replace("groups = 2", "groups = 3"))
    load_paper.cache_clear()
    asked = ["reproduce", "--only", "toy/guess", "--out", str(toy / "other"), "--workers", "1"]
    result = CliRunner().invoke(app, asked)
    assert "groups is 3, not 2" in result.output
    assert "1 experiments are listed with other settings than results/ holds: toy/guess." in str(
        result.exception
    )
    assert CliRunner().invoke(app, [*asked, "--store"]).exit_code == 0
    assert CliRunner().invoke(app, asked).exit_code == 0


def test_another_preset_is_no_error(toy, monkeypatch):
    monkeypatch.chdir(toy)
    again(toy)
    asked = [
        "reproduce",
        "--only",
        "toy/guess",
        "--preset",
        "paper",
        "--out",
        str(toy / "runs"),
        "--workers",
        "1",
    ]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0
    assert "toy/guess: UF1" in result.output
    assert "not comparable; preset is paper, not book" in result.output


def test_another_device_alone_is_still_compared():
    listed_run = RunSettings(method="fdp", settings={"epochs": 2})
    assert differences(changed(listed_run, {"device": "cuda"}), listed_run) == ()
    other = changed(listed_run, {"settings": {"epochs": 3}})
    assert differences(other, listed_run) == ("settings.epochs is 3, not 2",)


def test_the_rest_takes_as_long_as_it_took_when_it_was_stored(toy):
    elsewhere = toy / "elsewhere"
    assert Clock(listed("toy"), toy / "results", 1, elsewhere).left() == ""
    again(toy)
    clock = Clock(listed("toy"), toy / "results", 2, elsewhere)
    clock.cost = {"toy/flow": 600.0, "toy/guess": 600.0}
    assert clock.left() == "about 10 min left"
    clock.begun -= 1200
    clock.finish("toy/flow")
    assert clock.left() == "about 20 min left"
    clock.finish("toy/guess")
    assert clock.left() == ""


def test_a_tiny_run_says_little_about_the_speed_of_this_machine(toy):
    clock = Clock(listed("toy"), toy / "results", 1, toy / "elsewhere")
    clock.cost = {"toy/flow": 0.1, "toy/guess": 6000.0}
    clock.begun -= 10
    clock.finish("toy/flow")
    assert clock.left() == "about 100 min left"


def test_what_is_there_already_takes_no_time(toy):
    again(toy)
    clock = Clock(listed("toy"), toy / "results", 1, toy / "runs")
    assert clock.left() == ""
    clock.finish("toy/flow")
    changes = {"settings": {"bins": 4}}
    assert set(Clock(listed("toy/flow"), toy / "results", 1, toy / "runs", changes).cost) == {"toy/flow"}


def test_what_drifted_is_named_at_the_end_with_its_tolerance(toy, monkeypatch):
    monkeypatch.chdir(toy)
    asked = ["reproduce", "--only", "toy", "--out", str(toy / "runs"), "--workers", "1"]
    assert "toy/guess: UF1" in CliRunner().invoke(app, asked).output
    change(toy / "results" / "toy/flow", 50)
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, RuntimeError)
    assert "1 experiments drifted: toy/flow." in str(result.exception)
    assert "every answer must be the same" in result.output
