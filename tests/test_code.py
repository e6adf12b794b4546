"""What code something depends on: which files count, and what of them."""

from pathlib import Path

import pytest

from mer_core import code
from mer_core.code import closure, code_key, commit, data_files, homes_of, read

PLAIN = """
def double(x):
    return 2 * x
"""


@pytest.mark.parametrize(
    "other",
    [
        PLAIN.replace("def", '"""What it is for."""\n# a comment\ndef'),
        PLAIN.replace("):", '):\n    """Twice as much."""'),
        PLAIN.replace("2 * x", "(2\n        *    x)  # twice"),
        PLAIN.replace("def", "\n\n\ndef").replace("    return", "\treturn"),
    ],
)
def test_what_changes_no_result_changes_no_hash(other):
    assert read(other.encode()).sha256 == read(PLAIN.encode()).sha256


@pytest.mark.parametrize(("old", "new"), [("2", "0"), ("x", "y"), ("double", "twice"), ("2 * x", '"2 * x"')])
def test_what_could_change_a_result_changes_the_hash(old, new):
    assert read(PLAIN.replace(old, new).encode()).sha256 != read(PLAIN.encode()).sha256


@pytest.fixture
def package(tmp_path):
    """Two methods that share a layer, and a table of contents that names both."""
    texts = {
        "__init__.py": "from toy import pin\nfrom toy.one import One\nfrom .two import Two\nKNOWN = 2\n",
        "pin.py": "",
        "one.py": "from toy import layers as shared\nONE = open('one.toml')\n",
        "two.py": "def late():\n    from . import layers\n",
        "layers.py": "import numpy\n",
        "data/deep/two.csv": "1",
        "one.toml": "1",
    }
    for name, text in texts.items():
        (file := tmp_path / "toy" / name).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "toy"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from toy import One", "layers one"),
        ("from toy import Two as Other", "layers two"),
        ("from toy import pin", "pin"),
        ("import toy.two as two", "layers two"),
        ("from toy import KNOWN", "__init__ layers one pin two"),
        ("from toy import *", "__init__ layers one pin two"),
        ("import toy", "__init__ layers one pin two"),
        ("import numpy", ""),
    ],
)
def test_a_table_of_contents_is_looked_through(package, line, expected):
    (start := package.parent / "start.py").write_text(line)
    found = closure([start], {"toy": package.parent}) - {start}
    assert " ".join(sorted(file.stem for file in found)) == expected


def test_data_beside_a_module_count_with_it(package):
    one = package / "one.py"
    assert data_files(one) == {package / "one.toml"}
    before = code_key([one])
    (package / "one.toml").write_text("2")
    assert code_key([one]) != before
    one.write_text("from pathlib import Path\nALL = Path(__file__).parent / 'data'\n")
    assert data_files(one) == {package / "data" / "deep" / "two.csv"}
    one.write_text("WORD = 'data'; ROOT = '/'; UP = '..'; HERE = '.'\n")
    assert not data_files(one)


def test_where_files_lie_changes_no_key(package, tmp_path):
    there = (tmp_path / "elsewhere" / "deeper").resolve()
    there.parent.mkdir()
    package.rename(there)
    moved = code_key(there.glob("*.py"))
    there.rename(package)
    assert code_key(package.glob("*.py")) == moved


def test_a_single_file_has_its_neighbours_as_its_home(package):
    assert homes_of("toy.one", package / "one.py") == {"toy": package.parent}
    assert homes_of("toy", package / "__init__.py") == {"toy": package.parent}
    (package.parent / "mine.py").write_text("import toy\n")
    assert homes_of("mine", package.parent / "mine.py") == dict.fromkeys(("mine", "toy"), package.parent)
    installed = package.parent / "site-packages"
    installed.mkdir()
    assert homes_of("mine", installed / "mine.py") == {"mine": installed}


def test_outside_a_repository_no_commit_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    assert commit() == {"commit": None, "clean": None}
    monkeypatch.setenv("PATH", str(tmp_path))  # no Git at all
    assert commit() == {"commit": None, "clean": None}


def test_the_commit_is_known_where_there_is_a_repository():
    if not any((folder / ".git").exists() for folder in Path(code.__file__).parents):
        pytest.skip("these files are in no repository")
    known = commit()
    assert len(known["commit"]) == 40
    assert isinstance(known["clean"], bool)
