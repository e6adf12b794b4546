import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.evaluation.experiments import listed, load_paper, uf1
from mer_core.evaluation.reproduction import (
    TIMES,
    Clock,
    Reproduced,
    changed,
    conclusion,
    differences,
    measured_tolerance,
    reproduce,
)
from mer_core.evaluation.stored import StoredRun
from mer_core.training import RunSettings
from tests.evaluation.conftest import TOY


def again(toy, **options):
    return list(reproduce(listed("toy"), toy / "runs", toy / "results", workers=1, **options))


def change(path, n):
    """Other answers for the first clips of a stored run."""
    table = pd.read_parquet(path / "predictions.parquet")
    table.loc[: n - 1, "predicted"] = (table.loc[: n - 1, "truth"] + 1) % 3
    table.to_parquet(path / "predictions.parquet")


def test_what_is_not_stored_yet_is_kept_and_then_compared_answer_by_answer(toy):
    assert [row.verdict for row in again(toy)] == ["new", "new"]
    assert [row.verdict for row in again(toy)] == ["identical", "identical"]
    stored = StoredRun(toy / "results" / "toy-flow").predictions
    change(toy / "results" / "toy-flow", len(stored))
    rows = again(toy)
    assert [row.verdict for row in rows] == ["DRIFTED", "identical"]
    assert rows[0].clips_that_differ == (stored["predicted"] != (stored["truth"] + 1) % 3).sum()
    assert [row.verdict for row in again(toy, store=True)] == ["DRIFTED", "identical"]
    assert [row.verdict for row in again(toy)] == ["identical", "identical"]


@pytest.mark.parametrize(
    ("stored", "differ", "verdict"),
    [(0.50, 0, "identical"), (0.53, 3, "reproduced"), (0.56, 3, "DRIFTED"), (float("nan"), 0, "new")],
)
def test_a_score_may_move_as_far_as_the_tolerance(stored, differ, verdict):
    assert Reproduced("it", 0.5, stored, differ, tolerance=0.05).verdict == verdict


def test_the_tolerance_is_the_spread_over_seeds_of_the_stored_runs(toy):
    (toy / "toy.toml").write_text(TOY.replace('method = "hoof"', 'method = "ststnet"\nseeds = [0, 1]'))
    assert measured_tolerance(toy / "results").uf1 == 0
    again(toy)
    stored = StoredRun(toy / "results" / "toy-flow")
    change(stored.folder, 5)  # of the first seed
    table = StoredRun(stored.folder).predictions
    one, other = (uf1(table[table["seed"] == seed]) for seed in (0, 1))
    assert measured_tolerance(toy / "results").uf1 == pytest.approx(TIMES * abs(one - other) / 2**0.5)


def test_a_run_with_other_settings_is_neither_compared_nor_kept(toy):
    again(toy)
    before = (toy / "results" / "toy-flow" / "run.json").read_bytes()
    rows = again(toy, changes={"preset": "paper"})
    assert [row.verdict for row in rows] == ["not comparable", "not comparable"]
    assert rows[0].otherwise == ("preset is paper, not book",)
    assert (toy / "results" / "toy-flow" / "run.json").read_bytes() == before
    assert [row.verdict for row in again(toy)] == ["identical", "identical"]  # it had a folder of its own
    assert "toy-flow" in (said := conclusion(rows, measured_tolerance(toy / "results")))
    assert "not comparable; preset is paper, not book" in said


def test_a_run_with_other_settings_is_not_kept_as_new(toy):
    assert [row.verdict for row in again(toy, changes={"preset": "paper"})] == ["not comparable"] * 2
    assert not (toy / "results").exists()
    with pytest.raises(
        ValueError, match="--store keeps experiments as they are listed, not with preset changed"
    ):
        again(toy, store=True, changes={"preset": "paper"})


def test_what_is_stored_but_listed_otherwise_now_is_said(toy, monkeypatch):
    monkeypatch.setattr("mer_core.cli.find_root", lambda: toy)
    again(toy)
    (toy / "toy.toml").write_text(TOY.replace("groups = 2", "groups = 3"))
    load_paper.cache_clear()
    asked = ["reproduce", "--only", "toy-guess", "--out", str(toy / "other"), "--workers", "1"]
    result = CliRunner().invoke(app, asked)
    assert "groups is 3, not 2" in result.output
    assert "1 experiments are listed with other settings than results/ holds: toy-guess." in str(
        result.exception
    )
    assert CliRunner().invoke(app, [*asked, "--store"]).exit_code == 0
    assert CliRunner().invoke(app, asked).exit_code == 0


def test_another_preset_is_no_error(toy, monkeypatch):
    monkeypatch.setattr("mer_core.cli.find_root", lambda: toy)
    again(toy)
    asked = [
        "reproduce",
        "--only",
        "toy-guess",
        "--preset",
        "paper",
        "--out",
        str(toy / "runs"),
        "--workers",
        "1",
    ]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0
    assert "toy-guess: UF1" in result.output
    assert "not comparable; preset is paper, not book" in result.output


def test_another_device_alone_is_still_compared():
    listed_run = RunSettings(method="fdp", settings={"epochs": 2})
    assert differences(changed(listed_run, {"device": "cuda"}), listed_run) == ()
    other = changed(listed_run, {"settings": {"epochs": 3}})
    assert differences(other, listed_run) == ("settings is {'epochs': 3}, not {'epochs': 2}",)


def test_the_rest_takes_as_long_as_it_took_when_it_was_stored(toy):
    elsewhere = toy / "elsewhere"
    assert Clock(listed("toy"), toy / "results", 1, elsewhere).left() == ""
    again(toy)
    clock = Clock(listed("toy"), toy / "results", 2, elsewhere)
    clock.cost = {"toy-flow": 600.0, "toy-guess": 600.0}
    assert clock.left() == "about 10 min left"
    clock.begun -= 1200
    clock.finish("toy-flow")
    assert clock.left() == "about 20 min left"
    clock.finish("toy-guess")
    assert clock.left() == ""


def test_a_tiny_run_says_little_about_the_speed_of_this_machine(toy):
    clock = Clock(listed("toy"), toy / "results", 1, toy / "elsewhere")
    clock.cost = {"toy-flow": 0.1, "toy-guess": 6000.0}
    clock.begun -= 10
    clock.finish("toy-flow")
    assert clock.left() == "about 100 min left"


def test_what_is_there_already_takes_no_time(toy):
    again(toy)
    clock = Clock(listed("toy"), toy / "results", 1, toy / "runs")
    assert clock.left() == ""
    clock.finish("toy-flow")
    changes = {"settings": {"bins": 4}}
    assert set(Clock(listed("toy-flow"), toy / "results", 1, toy / "runs", changes).cost) == {"toy-flow"}


def test_what_drifted_is_named_at_the_end_with_its_tolerance(toy, monkeypatch):
    monkeypatch.setattr("mer_core.cli.find_root", lambda: toy)
    asked = ["reproduce", "--only", "toy", "--out", str(toy / "runs"), "--workers", "1"]
    assert "toy-guess: UF1" in CliRunner().invoke(app, asked).output
    change(toy / "results" / "toy-flow", 50)
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, RuntimeError)
    assert "1 experiments drifted: toy-flow." in str(result.exception)
    assert "every answer must be the same" in result.output
