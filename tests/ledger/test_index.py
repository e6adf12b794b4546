"""`results/index.csv` says what is stored, and a stored run has a short name."""

import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.ledger.experiments import listed
from mer_core.ledger.index import COLUMNS, write_index
from mer_core.ledger.reproduction import reproduce
from mer_core.ledger.results import RESULTS, open_run
from mer_core.training import Run, RunError


@pytest.fixture
def made(toy, monkeypatch):
    """A list of two experiments, both stored, in a book."""
    list(reproduce(listed("toy"), toy / "runs", toy / "results", workers=1))
    (toy / "_toc.yml").touch()
    monkeypatch.chdir(toy)
    return toy


def rows(folder):
    return pd.read_csv(folder / "results" / "index.csv", dtype=str).set_index(["list", "experiment"])


def mer(*words):
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, result.exception
    return result.output


def test_what_stores_a_run_indexes_it(made):
    assert rows(made).index.tolist() == [("toy", "flow"), ("toy", "guess")]
    mer("keep", "runs/toy/flow", "mine")
    assert rows(made).index.tolist() == [("own", "mine"), ("toy", "flow"), ("toy", "guess")]
    row, stored = rows(made).loc[("own", "mine")], Run(made / "results" / "own" / "mine")
    assert row.index.tolist() == list(COLUMNS[2:])
    assert float(row["UF1"]) == stored.record["scores"]["UF1"]["mean"]
    assert stored.record["code"]["sha256"].startswith(row["code"])
    assert (row["seeds"], row["date"]) == ("0", stored.record["started"][:10])


def test_an_index_that_came_apart_is_written_anew(made):
    whole = (made / "results" / "index.csv").read_bytes()
    shutil.move(made / "results" / "toy" / "guess", made / "guess")
    assert mer("index").strip() == str(made / "results" / "index.csv")
    assert rows(made).index.tolist() == [("toy", "flow")]
    shutil.move(made / "guess", made / "results" / "toy" / "guess")
    assert write_index(made / "results").read_bytes() == whole


def test_a_stored_run_is_shown_by_its_short_name_from_any_folder_of_the_book(made, monkeypatch):
    (made / "chapters" / "deep").mkdir(parents=True)
    monkeypatch.chdir(made / "chapters" / "deep")
    shown = mer("show", "toy/flow")
    assert shown == mer("show", made / "results" / "toy" / "flow")
    assert "hoof (book) on synth-mini" in shown
    assert "2 of 2 parts" in mer("status", "toy/flow")
    compared = mer("compare", "toy/flow", made / "runs" / "toy" / "guess")
    assert "toy/flow: hoof" in compared
    assert "paired permutation test" in compared


def test_the_books_own_runs_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_run("fdp/mean").folder == RESULTS / "fdp" / "mean"


def test_a_name_that_nothing_has_says_where_it_was_looked_for(made):
    with pytest.raises(
        RunError, match=r"There is no run toy/gess: neither a folder with a run.json, nor in .*results"
    ):
        open_run("toy/gess")
