import numpy as np
import pytest

from mer_core.ledger.results import stored_run
from mer_core.ledger.stored import keep, readable
from mer_core.scoring import scores
from mer_core.training import Run, RunError, RunSettings, run
from mer_core.training.detections import detections


def settings(**changes):
    asked = {
        "method": "ststnet",
        "settings": {"epochs": 2},
        "corpus": "synth-mini",
        "groups": 2,
        "every_epoch": True,
    }
    return RunSettings(**{**asked, **changes})


def test_a_stored_run_says_what_the_run_says(tmp_path):
    made = run(settings(), tmp_path / "run")
    stored = keep(made, tmp_path / "stored")
    assert stored.predictions.equals(made.predictions)
    added = {
        "seconds": pytest.approx(made.notes()["seconds"].sum(), abs=0.1),
        "scores": readable(made.predictions),
    }
    assert stored.record == {**made.record, **added}
    assert stored.epochs.shape == (2, len(stored.predictions))
    assert np.array_equal(stored.epochs, made.epochs)
    assert np.array_equal(stored.epochs[-1], stored.predictions["predicted"])


def test_what_kept_networks_say_of_action_units_is_stored(tmp_path):
    asked = {"method": "amnet2d", "settings": {"epochs": 1, "width": 8}, "every_epoch": False}
    made = run(settings(**asked, keep_weights=True), tmp_path / "run")
    stored = keep(made, tmp_path / "stored").action_units
    for one, other in zip(stored, detections(made), strict=True):
        assert np.array_equal(one, other)


def test_an_unfinished_run_is_not_stored(tmp_path):
    made = run(settings(), tmp_path / "run")
    made.file(made.parts()[0]).unlink()
    with pytest.raises(ValueError, match="1 parts are missing"):
        keep(made, tmp_path / "stored")


def test_what_is_not_stored_is_said(tmp_path):
    with pytest.raises(RunError, match=r"is no run: it has no run\.json"):
        Run.open(tmp_path)
    with pytest.raises(ValueError, match=r"no stored run 'mol'; there are .*inflate/ststnet"):
        stored_run("mol")


def test_the_stored_runs_of_the_book_are_whole_and_honest():
    stored = stored_run("inflate/ststnet")
    assert not stored.predictions["clip"].duplicated().any()
    assert stored.record["settings"]["selection"] == "last"
    made = scores(stored.predictions["truth"], stored.predictions["predicted"], 3)
    assert np.array_equal(stored.epochs[-1], stored.predictions["predicted"])
    assert 0.5 < made.uf1 < 0.9
