"""A stored run is whole, old or new, at whatever moment its keeper is killed; and it lies in `results/`."""

import shutil

import pytest
from typer.testing import CliRunner

from mer_core import atomic
from mer_core.cli import app
from mer_core.ledger import stored
from mer_core.ledger.stored import keep
from mer_core.training import Run, run
from tests.kills import kills
from tests.training.tools import mini


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(mini("majority", groups=2), tmp_path_factory.mktemp("runs") / "made")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else None


@pytest.mark.parametrize("is_new", [True, False])
def test_killed_at_any_call_the_old_run_is_whole_or_the_new_one(made, tmp_path, monkeypatch, is_new):
    monkeypatch.setattr(stored, "readable", lambda predictions: {})  # intervals take their time
    (before := tmp_path / "before").mkdir()
    new, old = content(keep(made, tmp_path / "other" / "it").folder), None
    if not is_new:
        shutil.copytree(tmp_path / "other" / "it", before / "it")
        (before / "it" / "run.json").write_text("an older one")
        old = content(before / "it")
    for kill in kills(before, tmp_path / "work", lambda folder: keep(made, folder / "it")):
        listed = [path.parent.name for path in kill.folder.glob("*/run.json")]
        assert listed in ([], ["it"]), kill  # nobody takes what is half-done for a run
        shutil.copytree(kill.folder, twin := tmp_path / "twin")
        atomic.recover(twin / "it")
        assert content(twin / "it") in (old, new), kill
        assert [path.name for path in twin.iterdir()] in ([], ["it"]), kill
        shutil.rmtree(twin)
        assert content(keep(made, kill.folder / "it").folder) == new, kill
        assert [path.name for path in kill.folder.iterdir()] == ["it"], kill


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped",
        "/tmp/escaped",
        "",
        ".",
        "..",
        ".hidden",
        "a/b/c",
        "a/",
        "/b",
        "a/..",
        "a\\b",
        "a\n",
        "-x/..",
        "deep/../..",
    ],
)
def test_only_a_name_is_kept_in_results(made, tmp_path, monkeypatch, name):
    (tmp_path / "book").mkdir()
    monkeypatch.chdir(tmp_path / "book")
    told = CliRunner().invoke(app, ["keep", str(made.folder), "--", name])
    assert isinstance(told.exception, ValueError)
    assert "Expected a name in results/, such as inflate/ststnet" in str(told.exception)
    assert [*tmp_path.rglob("*")] == [tmp_path / "book"]
    assert CliRunner().invoke(app, ["keep", str(made.folder), "mine-1.0"]).exit_code == 0
    assert len(Run(tmp_path / "book" / "results" / "own" / "mine-1.0").predictions) == 18


def test_a_name_that_is_taken_is_refused(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "own").mkdir(parents=True)
    (tmp_path / "results" / "own" / "it").symlink_to(tmp_path / "nowhere")
    told = CliRunner().invoke(app, ["keep", str(made.folder), "it"])
    assert "choose another, or delete it" in str(told.exception)


def test_a_run_by_several_codes_is_not_stored(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    record.write_text(record.read_text().replace(made.record["code"]["sha256"], "another"))
    with pytest.raises(ValueError, match="computed by other code than the rest: `mer resume` it first"):
        keep(type(made)(tmp_path / "run"), tmp_path / "it")
