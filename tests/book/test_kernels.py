"""What `mer kernels` makes of chapters and tests that fail under other kernels."""

import subprocess
from pathlib import Path

import pytest

from mer_core.book import kernels
from mer_core.book.contents import BookError
from mer_core.book.kernels import Item, examine, failures, old_and_new

REPORT = """<testsuites><testsuite>
<testcase classname="" name="Cell 3"><failure message="m">Cell outputs differ
tiny.ipynb, cell 3: the stored output is not what the code computes.
UF1 stored 0.733, computed 0.700, tolerance 0.01
</failure></testcase>
<testcase classname="tests.vision.test_flow" name="test_a"><failure message="m">
&gt;   assert made == 1
E   assert 2 == 1
</failure></testcase>
<testcase classname="tests.vision.test_flow" name="test_b" />
</testsuite></testsuites>"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A place of tests whose run is played: each call of pytest is noted, with its environment, and fails twice."""
    calls = []

    def play(call, env, **rest):
        calls.append(env)
        report = next(word for word in call if word.startswith("--junitxml=")).partition("=")[2]
        Path(report).write_text(REPORT)
        return subprocess.CompletedProcess(call, 1, "", "")

    for name in ("mer_core", "tests/vision", "results"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text("root: index\n")
    (tmp_path / "index.md").write_text("# A book\n")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setattr(kernels.subprocess, "run", play)
    return tmp_path, calls


def test_a_failure_shows_its_old_and_its_new_value():
    assert dict(failures(REPORT)) == {
        "Cell 3": "UF1 stored 0.733, computed 0.700, tolerance 0.01",
        "tests/vision/test_flow test_a": "E   assert 2 == 1",
    }
    assert old_and_new("text\n  - a 0.7\n  ?  ^\n  + a 0.8\n") == "computed a 0.7\nstored   a 0.8"


def test_each_setting_runs_in_its_environment_and_the_table_names_what_fails_where(book):
    root, calls = book
    made = examine(root, 1, ["tests/vision"], ["threads", "pinned"])
    assert [call.get("MKL_NUM_THREADS") for call in calls] == ["2", None]
    assert "2 cells and tests fail" in made
    assert "tests/vision, Cell 3\n  under threads, pinned:\n    UF1 stored 0.733, computed 0.700" in made


def test_an_interrupted_call_goes_on_and_a_changed_test_runs_again(book):
    root, calls = book
    examine(root, 1, ["tests/vision"], ["threads"])
    examine(root, 1, ["tests/vision"], ["threads", "pinned"])
    assert len(calls) == 2
    (root / "tests" / "vision" / "test_new.py").write_text("")
    assert Item(root, "tests/vision", "threads").known() is None
    examine(root, 1, ["tests/vision"], ["threads"])
    assert len(calls) == 3


def test_unknown_kernels_and_places_are_refused_by_name(book):
    with pytest.raises(BookError, match="no kernels 'z80'; there are threads, avx2"):
        examine(book[0], 1, (), ["z80"])
    with pytest.raises(BookError, match="got 'mole'"):
        examine(book[0], 1, ["mole"])
