"""The recipes of CONTRIBUTING.md and the script of the front page work as they are printed."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mer_core
from mer_core import RunSettings, labelled, run
from mer_core.corpora.command import run_script
from mer_core.corpora.sources import find_source
from mer_core.methods import create_method, create_model
from mer_core.training import Run, RunError, examples, fit_network, predict
from tests.corpora import imitate_own

ROOT = Path(mer_core.__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
METHOD, CORPUS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
LINEAR = "mypkg.mine:LinearFlow"
PLAIN = {"method": LINEAR, "corpus": "synth-mini", "groups": 3, "settings": {"epochs": 2}}


@pytest.fixture
def mypkg(at_home):
    """A folder of one's own with both recipes, as the page says."""
    folder = at_home / "mypkg"
    folder.mkdir()
    (folder / "mine.py").write_text(METHOD, encoding="utf-8")
    (folder / "lab.py").write_text(CORPUS, encoding="utf-8")
    return folder


def test_a_method_of_ones_own_is_the_same_in_two_workers_and_in_none(mypkg):
    assert sum(p.numel() for p in create_model(LINEAR, n_classes=3).parameters()) == 387
    alone, two = (run(RunSettings(**PLAIN), f"runs/{n}", workers=n).predictions for n in (1, 2))
    assert len(alone) == 18
    assert np.isfinite(alone[["p_negative", "p_positive", "p_surprise"]]).all(axis=None)
    pd.testing.assert_frame_equal(alone, two)


def test_its_code_is_in_the_identity_of_the_run(mypkg):
    made = run(RunSettings(**PLAIN), "runs/mine")
    assert not made.stale()
    (mypkg / "mine.py").write_text(METHOD.replace("x.flatten(1)", "2 * x.flatten(1)"), encoding="utf-8")
    assert len(Run.open("runs/mine").stale()) == 3
    assert not run(RunSettings(**PLAIN), "runs/mine").stale()


def test_it_learns_what_it_is_trained_on(mypkg):
    method = create_method(LINEAR, epochs=60, rate=0.01)
    clips, labels, classes = labelled("synth-mini", method.view)
    data = examples(method, clips, labels, len(classes))
    predicted = predict(fit_network(method, data, seed=0), data.inputs).argmax(dim=1)
    assert (predicted == data.labels).float().mean() > 0.9


def test_what_is_typed_into_a_script_can_not_go_to_a_cluster(mypkg, monkeypatch):
    import __main__

    kind = type("Typed", (type(create_method(LINEAR)),), {"__module__": "__main__"})
    monkeypatch.setattr(__main__, "Typed", kind, raising=False)
    with pytest.raises(RunError, match="write it into a module, and name it module:Class"):
        run(RunSettings(**{**PLAIN, "method": "__main__:Typed"}), "runs/typed", engine="ray")


def test_a_corpus_of_ones_own_is_prepared_and_run(mypkg, capsys):
    Path("LAB").mkdir()
    imitate_own.imitate(Path("LAB"))
    run_script(
        find_source("mypkg.lab:Lab"), ["--root", "LAB", "--out", "lab", "--workers", "1"], "mer prepare"
    )
    assert "lab: 3 clips" in capsys.readouterr().out
    assert len(run(RunSettings(method="majority", corpus="lab", groups=2), "runs/lab").predictions) == 3


def test_the_script_of_the_front_page_prints_a_score(capsys):
    (script,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    exec(script, {})  # noqa: S102 (our own page)
    assert capsys.readouterr().out == "(18, 2, 48, 48) 1.0\n"


def test_guides_name_only_what_is_there():
    named = re.findall(r"`((?:mer_core|tests|chapters|data_scripts|tools)/[\w/.-]+)`", GUIDE)
    assert named
    assert not [name for name in named if not (ROOT / name).exists() and "STEM" not in name]
