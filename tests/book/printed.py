"""The commands that the book and the README print, and how a test executes one."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
from typer.testing import CliRunner

from mer_core.book.comparison import shown
from mer_core.book.contents import chapters
from mer_core.cli import app
from mer_core.corpora.command import run_script
from tests.book.tiny import ROOT
from tests.corpora.test_scripts import CASES

SPAN = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(
    r"^(?P<marks>`{3,})(?P<kind>[^`\n]*)\n(?P<inside>.*?)^(?P=marks)", re.MULTILINE | re.DOTALL
)
TOOL = re.compile(r"^(?:\.venv/bin/)?(mer|papermill|make|python(?= data_scripts/)) ")
OPEN = ("…", "METHOD", "[")  # a template and not a command
SCRIPTS = {script.__module__.rpartition(".")[2]: script for script, _, _ in CASES.values()}
HOURS = (  # what a command says that takes hours, or asks for more than this machine may have
    r"--device cuda",
    r"--preset paper",
    r"mer table",
    r"mer reproduce --main",
    r"mer reproduce( --only (fdp|famnet|ma2mi|five))?$",
    r"mer run fdp --corpus synth-large",
    r"--official",
    r"--landmarks dlib",
)
MINUTES = (
    r"mer (book|review|print|verify --force)",
    r"mer reproduce --(only fdp/mean|sample)",
    r"mer run fdp",
    r"papermill .*/(scores|motion|expressions|methods)\.ipynb",
    r"papermill .*/papers/",
    r"chapters/out\.ipynb",
    r"papermill scores",
    r"make (lint|chapters|book)",
)
SERVES = (r"make (serve|lab)",)  # and does not end


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
    return frozenset(line.split(" #")[0].strip() for line in lines if TOOL.match(line))


def printed(*tools):
    found = [command for command in commands() if TOOL.match(command)[1] in tools]
    return sorted(command for command in found if not any(mark in command for mark in OPEN))


def says(command, patterns):
    return any(re.search(pattern, command) for pattern in patterns)


def executed(*tools, takes="seconds"):
    """Those that take seconds, minutes or hours. `mer keep` in a sentence is no command to type."""
    return [
        command
        for command in printed(*tools)
        if _takes(command) == takes and (takes == "hours" or not _is_only_named(command))
    ]


def _takes(command):
    return "hours" if says(command, HOURS) else "minutes" if says(command, MINUTES) else "seconds"


def _is_only_named(command):
    return len(shlex.split(command)) == 2 and not command.startswith((".venv", "make"))


def execute(command):
    """A command of `mer` or a script, in this process; what it says."""
    tool, first, *words = shlex.split(command)
    if tool.endswith("python"):
        return run_script(SCRIPTS[Path(first).stem], words)
    made = CliRunner().invoke(app, [first, *words])
    assert made.exit_code == 0, made.exception or made.output
    return made.output


def as_printed(command, folder):
    """A command in a process of its own, with the tools of this environment; its first two arguments."""
    tools = str(Path(sys.executable).parent)
    calm = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    tool, *words = shlex.split(command)
    place = tool if tool == "make" else f"{tools}/{Path(tool).name}"
    subprocess.run([place, *words], cwd=folder, env=calm, check=True)
    return words[:2]


def assert_computed_otherwise(chapter, made):
    """What is shown is not what the chapter holds: the parameter did something."""
    stored, now = _shown_by(chapter), _shown_by(made)
    assert now != stored, "the parameter changed nothing that is shown"
    assert len(now) == len(stored)


def _shown_by(notebook):
    """What the cells show; but the cells of the parameters, those that papermill adds, and the settings."""
    code = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    code = [cell for cell in code if "injected-parameters" not in cell.metadata.get("tags", [])][2:]
    return [shown(cell.outputs) for cell in code]
