"""Nothing that is executed waits for ever: a control asks for a reader where there is one, all else has a limit."""

from types import SimpleNamespace

import ipywidgets
import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook

from mer_core.book import build, controls, live
from mer_core.book.contents import chapters
from tests.book.tiny import ROOT


@pytest.fixture
def asked_by(monkeypatch):
    """A cell as a front end sends it; what is displayed comes back."""

    def ask(**content):
        kernel = SimpleNamespace(get_parent=lambda channel: {"content": content})
        shown = []
        monkeypatch.setattr(live, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
        monkeypatch.setattr(live, "display", lambda *things: shown.extend(things))
        monkeypatch.setattr(ipywidgets, "interact", lambda show, **values: shown.append(values))
        controls(lambda k=2: f"k is {k}", k=(0, 3))
        return shown

    return ask


@pytest.mark.parametrize("content", [{"allow_stdin": False}, {}])
def test_without_a_reader_a_control_is_its_first_picture_and_a_note(asked_by, content):
    picture, note = asked_by(**content)
    assert picture == "k is 2"
    assert "make lab" in note.data


def test_before_a_reader_a_control_is_live(asked_by):
    assert asked_by(allow_stdin=True) == [{"k": (0, 3)}]


def test_a_kernel_knows_who_asks():
    manager, client = start_new_kernel(cwd=str(ROOT))
    try:
        said = "from mer_core.book import controls\ncontrols(lambda k=2: print('k is', k), k=(0, 3))"
        for allowed in (False, True):
            messages = []
            client.execute_interactive(said, allow_stdin=allowed, output_hook=messages.append, timeout=300)
            assert any(one["msg_type"] == "comm_open" for one in messages) == allowed
            assert ("make lab" in str(messages)) == (not allowed)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("chapter", chapters(ROOT))
def test_no_chapter_sends_the_messages_of_a_widget_when_it_is_executed(chapter):
    cells = nbformat.read(ROOT / chapter, as_version=4).cells
    assert not [cell.source for cell in cells if cell.cell_type == "code" and "ipywidgets" in cell.source]
    assert "jupyter.widget" not in (ROOT / chapter).read_text(encoding="utf-8")


def test_a_cell_that_never_ends_is_stopped_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "CELL_SECONDS", 2)
    waits = new_code_cell("import threading\n\nthreading.Event().wait()")
    chapter = tmp_path / "waits.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1"), waits, new_code_cell("2 + 2")]), chapter)
    problem, _ = build._execute(chapter, tmp_path / "made" / "waits.ipynb")
    assert problem.startswith("code cell 2: not done after 2 s")
    assert not (tmp_path / "made" / "waits.ipynb").exists()


def test_a_kernel_that_does_not_start_is_started_once_again_and_then_said(tmp_path, monkeypatch):
    asked = []

    def silent(*_, start_timeout, **options):
        asked.append(start_timeout)
        raise RuntimeError("Kernel didn't respond in time")  # as jupyter_client says it

    monkeypatch.setattr(build.papermill, "execute_notebook", silent)
    problem, _ = build._execute(tmp_path / "one.ipynb", tmp_path / "made.ipynb")
    assert asked == [build.START_SECONDS] * 2
    assert problem.startswith("its kernel gave no answer: Kernel didn't respond in time")


def test_notebook_tests_have_limits_for_kernels_and_cells_and_pytest_waits_longer(request):
    assert f"--nbval-cell-timeout={build.CELL_SECONDS}" in build.NBVAL
    assert f"--nbval-kernel-startup-timeout={build.START_SECONDS}" in build.NBVAL
    assert float(request.config.getini("timeout")) > build.CELL_SECONDS
