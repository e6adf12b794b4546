"""A run is as old as its code: what other code computed is said to be so, and is computed anew."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import mer_core
from mer_core.methods import METHODS, create_method
from mer_core.training import Run, RunError, engines, parts, provenance, run, runs
from mer_core.training.parts import material
from mer_core.training.provenance import code_of, processor
from tests.training.tools import mini, times

EDITS = {  # file, what stands there, what then, and whose runs are by other code
    "a comment": ("faces/hair.py", "import numpy", "# hair\nimport numpy", ""),
    "a docstring": ("methods/hoof.py", '"""Where the face moves', '"""Where it moves', ""),
    "a figure": ("figures/style.py", "\n\n\ndef", "\n\n\nMORE = 1\n\n\ndef", ""),
    "the command": ("cli/runs.py", 'help="Class map."', 'help="Classes."', ""),
    "the list of methods": ("methods/registry.py", '"majority": ', '"most": ', ""),
    "hoof × 0": ("methods/hoof.py", "return (below", "return 0 * (below", "hoof lbptop"),  # both take its SVM
    "mol": ("methods/mol.py", "torch.", "torch . ", ""),
    "layers": ("methods/layers.py", "return ", "return 1 * ", "mol ststnet fdp"),
    "dynamic image": ("vision/dynamic_image.py", "return ", "return 1 * ", "fdp"),
    "training": ("training/fit.py", '"""The clips as this method sees them."""', "pass; 1", "all"),
    "learning before": ("methods/ma2mi/pretraining.py", "steps // 20", "steps // 10", "miacnet"),
}
SCRIPT = """
import json, sys
from pathlib import Path
from mer_core.methods import create_method
from mer_core.training.provenance import code_of
package, edits, names = Path("mer_core"), *json.load(sys.stdin)
def keys():
    return {name: code_of(create_method(name, **({"start": "ma2mi"} if name == "miacnet" else {}))) for name in names}
before, changed = keys(), {}
for what, (file, old, new, _) in edits.items():
    text = (package / file).read_text()
    assert old in text, what
    (package / file).write_text(text.replace(old, new))
    changed[what] = [name for name, key in keys().items() if key != before[name]]
    (package / file).write_text(text)
print(json.dumps(changed))
"""


def test_an_edit_makes_those_runs_old_that_it_could_change(tmp_path):
    shutil.copytree(Path(mer_core.__file__).parent, tmp_path / "mer_core")
    names = ["hoof", "lbptop", "mol", "ststnet", "fdp", "miacnet"]
    asked = {"input": json.dumps([EDITS, names]), "env": {**os.environ, "PYTHONPATH": str(tmp_path)}}
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, **asked
    )
    assert made.returncode == 0, made.stderr
    expected = {what: names if who == "all" else who.split() for what, (*_, who) in EDITS.items()}
    assert json.loads(made.stdout) == expected


@pytest.fixture
def by_other_code(monkeypatch):
    """Everything from now on is computed by code that has another key, wherever that is asked for."""

    def edit(key="b"):
        for module in (runs, parts, provenance):
            monkeypatch.setattr(module, "code_of", lambda method: f"{key}-{method.name}")

    return edit


@pytest.fixture
def finished(tmp_path):
    return run(mini("majority"), tmp_path / "run")


def test_what_other_code_computed_is_computed_anew(finished, by_other_code):
    before = times(finished.folder)
    assert not finished.stale()
    by_other_code()
    assert finished.stale() == finished.todo() == finished.parts()
    assert not finished.missing()
    again = run(mini("majority"), finished.folder)
    assert not again.stale()
    assert {*times(again.folder).values()}.isdisjoint(before.values())
    assert again.record["code"]["sha256"] == "b-majority"
    assert {*again.notes()["code"]} == {"b-majority"}


def test_only_the_parts_by_other_code_are_computed_anew(finished, by_other_code):
    first, *rest = finished.parts()
    finished.file(first).unlink()
    by_other_code()
    run(mini("majority", seeds=(0,)), finished.folder)
    before = times(finished.folder)
    finished.file(first).unlink()
    run(mini("majority"), finished.folder)
    after = times(finished.folder)
    assert [name for name in before if before[name] != after[name]] == [finished.file(first).name]
    assert len(rest) == 5


def test_a_run_older_than_checksums_is_shown_and_computed_anew(finished, by_other_code):
    shutil.rmtree(finished.folder / "checksums")
    by_other_code()
    older = finished.predictions
    assert len(finished.stale()) == 6
    pd.testing.assert_frame_equal(run(mini("majority"), finished.folder).predictions, older)
    assert len([*(finished.folder / "checksums").iterdir()]) == 6


def test_a_run_whose_files_had_other_names_is_computed_anew(finished):
    for file in (finished.folder / "predictions").iterdir():
        file.rename(file.with_name(file.name.replace("+", "-")))
    assert len(finished.missing()) == finished.unread() == 6
    with pytest.raises(
        RunError, match=r"no predictions yet: `mer resume .*6 files are there, damaged or of an older version"
    ):
        finished.predictions  # noqa: B018
    assert len(run(mini("majority"), finished.folder).predictions) == 18
    assert finished.unread() == 0


def test_code_that_is_edited_while_it_runs_is_no_part_of_the_run(finished, by_other_code):
    plain = finished.settings.model_dump_json()
    shared, part = material(plain), finished.parts()[0]
    by_other_code()
    with pytest.raises(RunError, match="by other code than this run began with"):
        finished.keep(part, engines.compute(plain, part), shared)


def test_a_run_of_a_method_that_is_not_here_can_be_looked_at(finished, monkeypatch):
    monkeypatch.delitem(METHODS, "majority")
    again = Run.open(finished.folder)
    assert len(again.predictions) == 18
    assert len(again.stale()) == 6


def test_a_method_outside_the_package_counts_with_the_files_beside_it(tmp_path, monkeypatch):
    (tmp_path / "mine_layers.py").write_text("FACTOR = 1\n")
    (tmp_path / "mine.py").write_text(
        "from mine_layers import FACTOR\nfrom mer_core.methods.hoof import HOOF\n\n\n"
        "class Mine(HOOF):\n    name = 'mine'\n\n    def features(self, clips):\n"
        "        return FACTOR * super().features(clips)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(METHODS, "mine", importlib.import_module("mine").Mine)
    before, hoof = code_of(create_method("mine")), code_of(create_method("hoof"))
    (tmp_path / "mine_layers.py").write_text("FACTOR = 1  # for now\n")
    assert code_of(create_method("mine")) == before
    (tmp_path / "mine_layers.py").write_text("FACTOR = 0\n")
    assert code_of(create_method("mine")) != before
    assert code_of(create_method("hoof")) == hoof


def test_a_method_without_a_file_counts_by_its_functions():
    def typed(factor):
        space = {"HOOF": METHODS["hoof"], "__name__": "typed"}
        exec(f"class Mine(HOOF):\n    def features(self, clips):\n        return {factor}", space)  # noqa: S102
        return code_of(space["Mine"](create_method("hoof").settings))

    assert typed(0) == typed(0) != typed(1)


def test_the_record_says_the_commit_and_the_processor(finished):
    assert {"sha256", "commit", "clean"} <= set(finished.record["code"])
    assert finished.record["hardware"]["processor"] == processor()
    assert finished.record["hardware"]["gpu"] is None or isinstance(finished.record["hardware"]["gpu"], str)
