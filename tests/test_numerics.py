"""Kernels are pinned at the doors and nowhere else, and what is recorded is what computes."""

import ast
import json
import os
import subprocess
import sys

import nbformat
import pytest
import torch

from mer_core import open_corpus
from mer_core.book.contents import chapters
from mer_core.clips import View
from mer_core.numerics import PINNED, handed_on, numerics_class, picture_kernels, processor, take_over
from mer_core.training import RunSettings, run
from mer_core.training.engines import _compute_elsewhere
from tests.book.tiny import ROOT

VARIABLES = {name for settings in PINNED.values() for name in settings}
SCRIPTS = [
    path for name in ("data_scripts", "tools", "benchmarks") for path in sorted((ROOT / name).glob("*.py"))
]

PINS = pytest.mark.skipif("avx2" not in processor(), reason="nothing is pinned on this processor")

OUTSIDER = """
import json, os, sys
import torch

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # kernels that are never the pinned ones
torch.conv2d(torch.randn(1, 8, 8, 8).exp(), torch.randn(8, 8, 3, 3))
torch.set_num_threads(3)
del os.environ["ATEN_CPU_CAPABILITY"]

before = dict(os.environ)
import mer_core
seen = {"same": dict(os.environ) == before}
import mer_core.training
from mer_core import open_corpus
from mer_core.cli import app
from mer_core.scoring import scores
from mer_core.numerics import handed_on, numerics_class

seen |= {"set": sorted(os.environ.keys() - before.keys())}  # by other packages, such as KMP_… of scikit-learn
seen |= {"threads": torch.get_num_threads(), "class": numerics_class()}
import mer_core.pinned

late = {"threads late": torch.get_num_threads(), "class late": numerics_class(), "handed on": handed_on()}
print(json.dumps(seen | late))
"""


@pytest.fixture(scope="module")
def outsider():
    """A script that used torch before it imported the package, and then imported the door too late."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    call = [sys.executable, "-c", OUTSIDER]
    made = subprocess.run(
        call, env=environment, capture_output=True, text=True, cwd=ROOT, timeout=300, check=True
    )
    return json.loads(made.stdout) | {"stderr": made.stderr}


def test_importing_the_package_changes_neither_environment_nor_threads(outsider):
    assert outsider["same"]
    assert not VARIABLES & set(outsider["set"])
    assert outsider["threads"] == 3


def test_the_record_says_what_torch_took_and_not_what_was_asked_for(outsider):
    assert "ATEN_CPU_CAPABILITY=default" in outsider["class"]
    assert "OMP_NUM_THREADS=3" in outsider["class"]
    assert "ATEN_CPU_CAPABILITY=default" in outsider["class late"]


@PINS
def test_a_door_that_comes_too_late_says_so_in_a_line_and_sets_what_it_can(outsider):
    assert outsider["stderr"].count("\n") == 1
    assert "too late" in outsider["stderr"]
    assert "ATEN_CPU_CAPABILITY=default" in outsider["stderr"]
    assert outsider["threads late"] == 1


@PINS
def test_workers_of_a_late_door_take_the_kernels_of_their_parent(outsider):
    assert "ATEN_CPU_CAPABILITY" not in outsider["handed on"]
    assert outsider["handed on"]["OMP_NUM_THREADS"] == "1"


def test_pinned_kernels_are_those_of_the_stored_runs():
    if any(os.environ.get(name) != value for name, value in PINNED["torch"].items()):
        pytest.skip("not pinned: another processor, or the environment asks for other kernels")
    stored = {json.loads(path.read_text())["numerics"] for path in (ROOT / "results").glob("*/*/run.json")}
    assert [text for text in stored if numerics_class().startswith(text)]


def test_more_threads_are_recorded_and_handed_on(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before + 1)
        assert f"OMP_NUM_THREADS={before + 1}" in numerics_class()
        assert handed_on()["OMP_NUM_THREADS"] == str(before + 1)
    finally:
        take_over({"OMP_NUM_THREADS": str(before)})
    assert torch.get_num_threads() == before


def test_a_node_of_a_cluster_computes_with_the_kernels_that_it_is_handed(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, ""))  # put back afterwards
    before, handed = torch.get_num_threads(), {"MKL_CBWR": "AVX", "OMP_NUM_THREADS": "2"}
    try:
        seen = _compute_elsewhere(
            lambda *_: (os.environ["MKL_CBWR"], torch.get_num_threads()), handed, ({}, {}, {}), "", None
        )
    finally:
        torch.set_num_threads(before)
    assert seen == ("AVX", 2)


def test_a_part_that_a_worker_computes_has_the_numerics_of_its_run(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        settings = RunSettings(method="majority", corpus="synth-mini", groups=2, limit=6)
        made = run(settings, tmp_path / "run", workers=2)
        assert "OMP_NUM_THREADS=2" in made.record["numerics"]
        assert set(made.notes()["numerics"]) == {made.record["numerics"]}
    finally:
        torch.set_num_threads(before)


def test_other_kernels_make_another_clipset(tmp_path, monkeypatch):
    corpus, view = open_corpus("synth-mini", tmp_path), View(frames=2, size=16, landmarks=False)
    made = corpus.clipset(view, limit=1, workers=1)
    assert made.provenance["kernels"] == picture_kernels()
    monkeypatch.setattr("mer_core.faces.corpus.picture_kernels", lambda flow: "others")
    assert corpus.clipset(view, limit=1, workers=1).folder != made.folder


@pytest.mark.parametrize("place", [*chapters(ROOT), *SCRIPTS], ids=str)
def test_the_first_import_is_the_door(place):
    if isinstance(place, str):
        cells = nbformat.read(ROOT / place, as_version=4).cells
        source = "\n".join(
            cell.source for cell in cells if cell.cell_type == "code" and "import " in cell.source
        )
    else:
        source = place.read_text()
    first = next(node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom))
    assert ast.unparse(first) in ("import mer_core.pinned", "from mer_core.start import script")
