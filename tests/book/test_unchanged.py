"""A test file of which nothing changed since it passed is left out, and none other."""

import subprocess
import sys

import pytest

from mer_core.book.unchanged import test_inputs as inputs_of
from tests.book.tiny import edit

FILES = {
    "mer_core/__init__.py": "",
    "mer_core/one.py": '"""One."""\n\nNUMBER = 1  # a comment\n',
    "mer_core/two.py": "NUMBER = 2\n",
    "mer_core/numerics.py": "",
    "requirements.lock": "",
    "results/run.json": "{}",
    "tests/__init__.py": "",
    "tests/conftest.py": "",
    "tests/test_one.py": "from mer_core.one import NUMBER\n\n\ndef test_one():\n    assert NUMBER == 1\n",
    "tests/test_two.py": "from mer_core.two import NUMBER\n\n\ndef test_two():\n    assert NUMBER == 2\n",
    "tests/test_all.py": "ROOT = 'here'\n\n\ndef test_all():\n    pass\n",
    "tests/test_runs.py": "READS = ('results',)\nROOT = 'here'\n\n\ndef test_runs():\n    pass\n",
}
# Our plugin, and then the package that lies in the project.
RUN = """
import sys
import pytest
from mer_core.book import unchanged
del sys.modules["mer_core"]
sys.path.insert(0, "")
sys.exit(pytest.main(sys.argv[1:], plugins=[unchanged]))
"""


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def changed(project, path, old, new):
    """Which test files depend on an edit."""
    names = [name for name in FILES if "test_" in name]
    before = {name: inputs_of(project, project / name) for name in names}
    edit(project / path, old, new)
    return {name[11:-3] for name in names if inputs_of(project, project / name) != before[name]}


def test_an_edit_matters_to_the_files_that_import_it_and_to_those_that_read_everything(project):
    assert changed(project, "mer_core/one.py", "NUMBER = 1", "NUMBER = 3") == {"one", "all"}


def test_a_comment_matters_only_to_who_reads_everything(project):
    assert changed(project, "mer_core/one.py", "a comment", "another") == {"all"}


def test_who_says_what_he_reads_depends_on_that_alone(project):
    assert changed(project, "results/run.json", "{}", "[]") == {"all", "runs"}


def test_what_every_test_begins_with_matters_to_all(project):
    (project / "tests" / "conftest.py").write_text("A = 1\n")
    assert changed(project, "tests/conftest.py", "A = 1", "A = 2") == {"one", "two", "all", "runs"}


def test_what_passed_is_left_out_until_it_changes_and_what_failed_is_not(project):
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    edit(project / "tests" / "test_two.py", "== 2", "== 0")

    def run(*options):
        call = [sys.executable, "-P", "-c", RUN, "-p", "no:cacheprovider", "--changed", "-q", *options]
        made = subprocess.run(call, cwd=project, capture_output=True, text=True, check=False)
        return made.stdout.splitlines()[-1]

    assert run("-k", "one").startswith("1 passed")  # a part of the tests is no reason to leave the rest out
    assert run().startswith("1 failed, 3 passed")
    assert run().startswith("1 failed in")
    edit(project / "tests" / "test_two.py", "== 0", "== 2")
    assert run().startswith("2 passed in")  # the one that reads everything, too
    assert "no tests ran" in run()
