"""Every command that the book or the README prints: parsed, all of them; executed, all that this machine can.

They run as printed. Those that end within seconds run in a folder that looks like the book's and has small data:
`synth` has the clips of `synth-mini`, licensed corpora are imitations, and there is one core. Those that take minutes
are run by `make commands` (see test_long_commands.py). What is only parsed says why.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mer_core import open_corpus
from mer_core.book.contents import chapters
from mer_core.book.parameters import INJECTED, Parameters
from mer_core.cli import app
from mer_core.corpora.command import _parser, run_script
from mer_core.faces.corpus import CARDS
from mer_core.training import parts
from tests.book.tiny import ROOT
from tests.corpora import imitate_casme2, imitate_own, imitate_samm, imitate_smic
from tests.corpora.points import write_still_landmarks
from tests.corpora.test_scripts import CASES

SPAN = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(
    r"^(?P<marks>`{3,})(?P<kind>[^`\n]*)\n(?P<inside>.*?)^(?P=marks)", re.MULTILINE | re.DOTALL
)
TOOL = re.compile(r"^(?:\.venv/bin/)?(mer|papermill|make|python(?= data_scripts/)) ")
OPEN = ("…", "METHOD", "[")  # a template and not a command
SCRIPTS = {script.__module__.rpartition(".")[2]: script for script, _, _ in CASES.values()}
IMITATIONS = {"casme2": imitate_casme2, "samm": imitate_samm, "smic": imitate_smic, "own": imitate_own}
ONLY_PARSED = {  # what a command says, and why it is not executed here
    r"--device cuda": "needs a GPU",
    r"--preset paper": "trains a network of a paper's own size: hours without a GPU",
    r"mer reproduce.* --(paper|main)": "hours; tests/evaluation runs it with fewer epochs",
    r"mer reproduce( --only (fdp|famnet|ma2mi|five))?$": "hours; tests/evaluation runs it with fewer epochs",
    r"mer run fdp --corpus synth-large": "hours",
    r"--official": "needs the organisers' list of all 442 clips, which is theirs",
    r"--landmarks dlib": "needs a detector, an extra; the folder is prepared without landmarks instead",
}
MINUTES = (  # what the commands say that `make commands` executes
    r"mer (book|review|print)",
    r"mer reproduce --only fdp-mean",
    r"mer run fdp",
    r"papermill .*/(scores|motion|expressions|methods)\.ipynb",
    r"papermill .*/papers/",
    r"chapters/out\.ipynb",
    r"papermill scores",
    r"make (lint|chapters|book)",
)
FIRST = {"mer show": "--seeds 0,1,2", "mer predict": "--keep-weights"}  # the run that a command asks for


def texts():
    yield from (path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "chapters").rglob("*.md"))))
    for chapter in chapters(ROOT):
        cells = nbformat.read(ROOT / chapter, as_version=4).cells
        yield from (cell.source for cell in cells if cell.cell_type == "markdown")


@cache
def commands():
    blocks = [block for text in texts() for block in BLOCK.finditer(text) if block["kind"] in ("", "bash")]
    lines = [line for block in blocks for line in block["inside"].splitlines()]
    lines += [span for text in texts() for span in SPAN.findall(text)]
    return frozenset(line.split("  #")[0].strip() for line in lines if TOOL.match(line))


def printed(*tools):
    found = [command for command in commands() if TOOL.match(command)[1] in tools]
    return sorted(command for command in found if not any(mark in command for mark in OPEN))


def says(command, patterns):
    return any(re.search(pattern, command) for pattern in patterns)


def executed(*tools, minutes=False):
    """Those that end within seconds, or those that take minutes."""
    possible = [command for command in printed(*tools) if not says(command, ONLY_PARSED)]
    return [
        command for command in possible if says(command, MINUTES) == minutes and not _is_only_named(command)
    ]


def _is_only_named(command):
    """`mer keep` in a sentence is no command to type; those in the environment's folder are."""
    return len(shlex.split(command)) == 2 and not command.startswith((".venv", "make"))


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
    exec(f"{defaults}\n{check.split('settings =')[0]}", names)  # noqa: S102
    (known,) = [kind for kind in names.values() if _is_parameters(kind)]
    names |= {name: _value(text) for name, text in given.items()}
    known.from_namespace({**names, "In": [f"{INJECTED}{name} = 0" for name in given]})


def _is_parameters(kind):
    return isinstance(kind, type) and issubclass(kind, Parameters) and kind is not Parameters


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


@pytest.mark.parametrize("pattern", [*ONLY_PARSED, *MINUTES])
def test_what_is_an_exception_is_printed_somewhere(pattern):
    assert any(re.search(pattern, command) for command in printed("mer", "papermill", "python", "make"))


# Executed


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A folder that looks like the book's, with small corpora in it; nothing is written outside of it."""
    here, patch = tmp_path_factory.mktemp("book"), pytest.MonkeyPatch()
    for place in ROOT.iterdir():
        if place.name in ("_toc.yml", "results", "data_scripts", "mer_core", "references.bib"):
            (here / place.name).symlink_to(place)
    shutil.copytree(ROOT / "chapters", here / "chapters")  # a command may write there
    patch.chdir(here)
    patch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    patch.setattr(os, "cpu_count", lambda: 1)  # so that all of it happens in this process
    patch.setitem(CARDS, "synth", CARDS["synth-mini"].replace(name="synth"))
    parts.material.cache_clear()
    _imitate()
    yield here
    patch.undo()
    parts.material.cache_clear()


def _imitate():
    """The folders that commands name: what owners hand out, what scripts made of it, and a clip."""
    for name, imitation in IMITATIONS.items():
        root = Path("MYCLIPS" if name == "own" else name.upper())
        root.mkdir()
        planted = imitation.imitate(root)
        out = ["--out", "mine", "--called", "mine", "--fps", "100"] if name == "own" else ["--out", name]
        if name == "casme2":
            write_still_landmarks("points.parquet", planted)
            out += ["--landmarks", "points.parquet"]
        run_script(SCRIPTS[name], ["--root", str(root), *out])
    frames = open_corpus("synth-mini").frames("synth-mini/s01/03", np.arange(60) / 200, 128)
    Path("myclip").mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(f"myclip/img{number}.png", frame[..., ::-1])


def execute(command):
    """A command of `mer` or a script, in this process; what it says."""
    tool, first, *words = shlex.split(command)
    if tool.endswith("python"):
        return run_script(SCRIPTS[Path(first).stem], words)
    made = CliRunner().invoke(app, [first, *words])
    assert made.exit_code == 0, made.exception or made.output
    return made.output


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
@pytest.mark.parametrize("command", [run for run in executed("mer", minutes=True) if " run " in run])
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


def as_printed(command, folder):
    """A command in a process of its own, with the tools of this environment; its first two arguments."""
    tools = str(Path(sys.executable).parent)
    calm = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    tool, *words = shlex.split(command)
    place = tool if tool == "make" else f"{tools}/{Path(tool).name}"
    subprocess.run([place, *words], cwd=folder, env=calm, check=True)
    return words[:2]


def assert_computed_otherwise(chapter, made):
    """What is printed and compared is not what the chapter holds: the parameter did something."""
    stored, now = _printed_by(chapter), _printed_by(made)
    assert now != stored, "the parameter changed nothing that is printed"
    assert len(now) == len(stored)


def _printed_by(notebook):
    """What the cells print that are compared."""
    cells = nbformat.read(notebook, as_version=4).cells
    checked = [cell for cell in cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in checked]
