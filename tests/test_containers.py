"""The container and the devcontainer do what the README says, and nothing else: nobody has to trust a third recipe."""

import json
import re
from pathlib import Path

import mer_core

ROOT = Path(mer_core.__file__).parents[1]
DOCKERFILE, README, CI = ((ROOT / name).read_text() for name in ("Dockerfile", "README.md", ".ci/run"))
DEVCONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())


def test_they_install_by_the_commands_of_the_readme():
    installs = [*re.findall(r"RUN (make .*)", DOCKERFILE), DEVCONTAINER["postCreateCommand"]]
    for command in installs:
        what, backend = command.split(" TORCH_BACKEND=")
        assert f"`{what}`" in README
        assert f"TORCH_BACKEND={backend}`" in README
    assert len(set(installs)) == 1


def test_the_image_has_what_the_readme_and_the_tests_ask_for():
    packages = set(re.search(r"--no-install-recommends \\\n(.*?)&&", DOCKERFILE, re.DOTALL)[1].split())
    asked = set(re.search(r"`sudo apt install (.*?)`", README)[1].split()) - {
        "python3-venv"
    }  # the image's own
    asked |= set(re.search(r"--no-install-recommends (\w+)", CI)[1].split())
    assert asked <= packages


def test_the_image_has_a_python_that_the_package_takes():
    found = re.search(r"^FROM python:3\.(\d+)", DOCKERFILE, re.MULTILINE)
    least = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert int(found[1]) >= int(least[1])


def test_what_it_starts_is_what_a_reader_may_give():
    assert ".venv/bin/mer book --stored" in README
    assert ".venv/bin/mer book --stored" in DOCKERFILE
    assert (ROOT / ".devcontainer" / DEVCONTAINER["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
