"""Every command that the book or the README prints: parsed and executed.

They run as printed. Those that end within seconds run in a folder that looks like the book's and has small data:
`synth` has the clips of `synth-mini`, licensed corpora are imitations, and there is one core. `make commands` executes
the others: those that take minutes with the book's true data (test_long_commands.py), those that take hours in short
(test_short_commands.py). `.ci/run` begins with `make .venv/installed` and `make ray`, and ends with `make test`.
"""

import re
import shlex
import subprocess
from pathlib import Path

import nbformat
import pytest
import typer

from mer_core.book.contents import chapters
from mer_core.cli import app
from mer_core.corpora.command import _parser
from mer_core.studies.parameters import INJECTED
from tests.book.printed import (
    HOURS,
    MINUTES,
    SCRIPTS,
    as_printed,
    assert_computed_otherwise,
    execute,
    executed,
    printed,
)
from tests.book.tiny import ROOT

FIRST = {"mer show": "--seeds 0,1,2", "mer predict": "--keep-weights"}  # the run that a command asks for


# Parsed


@pytest.mark.parametrize("command", printed("mer"))
def test_mer_knows_the_command_and_its_options(command):
    _, name, *words = shlex.split(command)
    known = typer.main.get_command(app).commands
    assert name in known
    if words not in ([], ["--help"]):  # else it is only named
        known[name].make_context(name, words)


@pytest.mark.parametrize("command", printed("papermill"))
def test_the_chapter_takes_these_parameters(command):
    _, chapter, out, *words = shlex.split(command)
    (place,) = [name for name in chapters(ROOT) if name.endswith(chapter)]
    assert out.endswith(".ipynb")
    assert words[::3] == ["-p"] * (len(words) // 3)
    given = dict(zip(words[1::3], words[2::3], strict=True))
    defaults, check = [
        cell.source for cell in nbformat.read(ROOT / place, as_version=4).cells if cell.cell_type == "code"
    ][:2]
    names = {}
    before, taken = check.split("settings =")
    exec(f"{defaults}\n{before}", names)  # noqa: S102
    known = eval(taken.strip().removesuffix(".from_notebook()"), names)  # noqa: S307
    names |= {name: _value(text) for name, text in given.items()}
    known.from_namespace({**names, "In": [f"{INJECTED}{name} = 0" for name in given]})


def _value(text):
    """As papermill reads it."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


@pytest.mark.parametrize("command", printed("python"))
def test_the_script_of_a_corpus_takes_these_options(command):
    _, script, *words = shlex.split(command)
    _parser(SCRIPTS[Path(script).stem]).parse_args(words)


@pytest.mark.parametrize("command", printed("make"))
def test_make_would_know_what_to_do(command):
    said = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout


def test_there_are_commands_of_each_kind():
    assert all(len(printed(tool)) >= 3 for tool in ("mer", "papermill", "make", "python"))


@pytest.mark.parametrize("pattern", [*HOURS, *MINUTES])
def test_what_is_an_exception_is_printed_somewhere(pattern):
    assert any(re.search(pattern, command) for command in printed("mer", "papermill", "python", "make"))


# Executed


def _run_before(command):
    """The printed command that makes the run which this one asks for."""
    options = [option for start, option in FIRST.items() if start in command]
    return next((run for option in options for run in executed("mer") if option in run), None)


@pytest.mark.parametrize("command", executed("mer"))
def test_the_command_does_its_work(command, book):
    if run := _run_before(command):
        execute(run)
    assert execute(command).strip()


@pytest.mark.minutes
@pytest.mark.parametrize("command", [run for run in executed("mer", takes="minutes") if " run " in run])
def test_the_network_of_a_paper_learns_from_small_data(command, book):
    assert execute(command).strip()


@pytest.mark.parametrize("command", executed("python"))
def test_the_script_does_its_work(command, book, capsys):
    execute(command)
    assert "clips" in capsys.readouterr().out


@pytest.mark.parametrize("command", executed("papermill"))
def test_the_assignment_computes_another_chapter(command, book):
    chapter, out = as_printed(f"{command} --no-progress-bar", book)
    assert_computed_otherwise(ROOT / chapter, book / out)
