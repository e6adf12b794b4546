import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.evaluation.experiments import listed, uf1
from mer_core.evaluation.reproduction import TIMES, Clock, Reproduced, measured_tolerance, reproduce
from mer_core.evaluation.stored import StoredRun
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


def test_the_rest_takes_as_long_as_it_took_when_it_was_stored(toy):
    assert Clock(listed("toy"), toy / "results", workers=1).left() == ""
    again(toy)
    clock = Clock(listed("toy"), toy / "results", workers=2)
    clock.cost = {"toy-flow": 600.0, "toy-guess": 600.0}
    assert clock.left() == "about 10 min left"
    clock.begun -= 1200
    clock.finish("toy-flow")
    assert clock.left() == "about 20 min left"
    clock.finish("toy-guess")
    assert clock.left() == ""


def test_what_drifted_is_named_at_the_end_with_its_tolerance(toy, monkeypatch):
    monkeypatch.setattr("mer_core.cli.find_root", lambda: toy)
    asked = ["reproduce", "--only", "toy", "--out", str(toy / "runs"), "--workers", "1"]
    assert "toy-guess: UF1" in CliRunner().invoke(app, asked).output
    change(toy / "results" / "toy-flow", 50)
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, RuntimeError)
    assert "1 experiments drifted: toy-flow." in str(result.exception)
    assert "every answer must be the same" in result.output
