"""The printed commands that take minutes or don't end, in a copy of the book with its true data: `make commands`."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.book.printed import SERVES, as_printed, assert_computed_otherwise, executed, printed, says
from tests.book.tiny import ROOT

pytestmark = [pytest.mark.minutes, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    here = tmp_path_factory.mktemp("copied") / "book"
    shutil.copytree(ROOT, here, ignore=shutil.ignore_patterns(".venv", "_build", "runs", "*cache*"))
    link_environment(here)
    return here


def link_environment(folder):
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".venv" / "installed").touch()  # so that `make` does not install the copy


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


@pytest.mark.parametrize("command", [it for it in printed("make") if says(it, SERVES)])
def test_the_server_answers_at_the_address_that_it_prints(command, copied, tmp_path):
    own = {"ServerApp": {"allow_root": True, "open_browser": False}}  # as a container needs it
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(own))
    process = subprocess.Popen(
        shlex.split(command),
        cwd=copied,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = (re.search(r"http://\S+", line) for line in process.stdout)
        assert status_of(next(found[0] for found in said if found)) == 200
    finally:
        os.killpg(process.pid, signal.SIGTERM)


def status_of(address):
    """Jupyter prints its address a moment before it listens."""
    for _ in range(300):
        try:
            with urlopen(address) as page:
                return page.status
        except URLError:
            time.sleep(0.1)
    raise TimeoutError(f"nobody answers at {address}")


def test_versions_are_locked_again(tmp_path):
    for place in (*ROOT.glob("requirements*"), ROOT / "Makefile", ROOT / "pyproject.toml"):
        shutil.copy(place, tmp_path)
    (tmp_path / "requirements.lock").write_text("")
    link_environment(tmp_path)
    as_printed("make lock", tmp_path)
    assert "torch==" in (tmp_path / "requirements.lock").read_text()
