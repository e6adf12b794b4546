"""The commands of data_scripts/README.md and of the front page are ones that exist."""

import re
from pathlib import Path

import pytest

from mer_core.corpora import command
from mer_core.corpora.prepared import check_motion
from tests.corpora.test_scripts import CASES

ROOT = Path(__file__).parents[2]
SCRIPTS = {script.__module__.rpartition(".")[2]: script for script, _, _ in CASES.values()}
COMMANDS = [
    line.partition("#")[0].strip()
    for page in ("README.md", "data_scripts/README.md", "chapters/evidence/yours.md")
    for line in (ROOT / page).read_text().splitlines()
    if "python data_scripts/" in line
]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_printed_command_is_understood(line):
    script, words = re.fullmatch(r"\S*python data_scripts/(\w+)\.py (.*)", line).groups()
    asked = command._parser(SCRIPTS[script]).parse_args(words.split())
    check_motion(command._view(asked.view, asked.landmarks), script)


def test_every_script_stands_in_the_table():
    table = (ROOT / "data_scripts" / "README.md").read_text()
    assert all(f"`{name}.py`" in table for name in SCRIPTS)
    assert set(SCRIPTS) == {"casme2", "samm", "smic", "mmew", "casme_sq", "casme3", "macro", "own"}
