"""The printed commands that take minutes, in a copy of the book with its true data: `make commands`."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.book.printed import as_printed, assert_computed_otherwise, executed
from tests.book.tiny import ROOT

pytestmark = [pytest.mark.minutes, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    here = tmp_path_factory.mktemp("copied") / "book"
    shutil.copytree(ROOT, here, ignore=shutil.ignore_patterns(".venv", "_build", "runs", "*cache*"))
    (here / ".venv").mkdir()
    (here / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (here / ".venv" / "installed").touch()  # so that `make` does not install the copy
    return here


@pytest.mark.parametrize("command", executed("papermill", takes="minutes"))
def test_the_assignment_computes_another_chapter(command, copied):
    chapter = next(ROOT.glob(f"chapters/**/{Path(shlex.split(command)[1]).name}"))
    is_from_the_top = command.startswith(".venv")  # else from the chapter's own folder
    here = copied if is_from_the_top else copied / chapter.parent.relative_to(ROOT)
    _, out = as_printed(command, here)
    assert_computed_otherwise(chapter, here / out)


@pytest.mark.parametrize(
    "command", [it for it in executed("mer", "make", takes="minutes") if " run " not in it]
)
def test_the_command_does_its_work(command, copied):
    as_printed(command, copied)
