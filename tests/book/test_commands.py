"""Every command that the book or the README prints would be understood: names, options, parameters and their ranges."""

import re
import shlex

import nbformat
import pytest
import typer

from mer_core.book.contents import chapters
from mer_core.book.parameters import INJECTED, Parameters
from mer_core.cli import app
from tests.book.tiny import ROOT

SPAN = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```(?:bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOOL = re.compile(r"^(?:\.venv/bin/)?(mer|papermill|make) ")
OPEN = ("…", "METHOD", "[")  # a template and not a command


def texts():
    yield from (path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "chapters").rglob("*.md"))))
    for chapter in chapters(ROOT):
        cells = nbformat.read(ROOT / chapter, as_version=4).cells
        yield from (cell.source for cell in cells if cell.cell_type == "markdown")


def commands():
    for text in texts():
        lines = [*SPAN.findall(text), *(line for block in BLOCK.findall(text) for line in block.splitlines())]
        yield from (line.split("  #")[0].strip() for line in lines if TOOL.match(line))


def printed(tool):
    words = {command for command in commands() if TOOL.match(command)[1] == tool}
    return sorted(command for command in words if not any(mark in command for mark in OPEN))


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


@pytest.mark.parametrize("command", printed("make"))
def test_make_knows_the_target(command):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert shlex.split(command)[1] in targets


def test_there_are_commands_of_each_kind():
    assert all(len(printed(tool)) >= 5 for tool in ("mer", "papermill", "make"))


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
