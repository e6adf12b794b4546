"""A class by its name: the book's, an installed package's, or one in the working directory."""

import ast
import sys
from pathlib import Path

import pytest

import mer_core
from mer_core.corpora.sources import SOURCES, find_source, source_names
from mer_core.methods import METHODS, create_method, find_method, method_names
from mer_core.methods.majority import Majority
from mer_core.named import NamingError

MINE = """\
from mer_core.methods.majority import Majority
from ownpkg.said import NAME

class Mine(Majority):
    name = NAME
"""
HALF = """\
from mer_core import FeatureMethod

class Half(FeatureMethod):
    name = "half"
"""


@pytest.fixture
def ownpkg(at_home):
    """A package in the working directory."""
    folder = at_home / "ownpkg"
    folder.mkdir()
    (folder / "mine.py").write_text(MINE)
    (folder / "said.py").write_text("NAME = 'mine'\n")
    return folder


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_stands_where_the_table_says_under_the_name_of_its_script(name):
    assert find_source(name).name == name
    assert (Path(mer_core.__file__).parents[1] / "data_scripts" / f"{name}.py").exists()


def test_a_class_is_found_in_the_working_directory(ownpkg):
    assert create_method("ownpkg.mine:Mine").name == "mine"
    assert "ownpkg.mine:Mine" not in METHODS


def test_an_edit_is_seen_without_a_restart(ownpkg):
    assert find_method("ownpkg.mine:Mine") is find_method("ownpkg.mine:Mine")
    (ownpkg / "said.py").write_text("NAME = 'edited'\n")
    assert find_method("ownpkg.mine:Mine").name == "edited"
    (ownpkg / "said.py").write_text("NAME = \n")
    with pytest.raises(NamingError, match="SyntaxError"):
        find_method("ownpkg.mine:Mine")


def test_an_installed_package_publishes_names(ownpkg, monkeypatch):
    installed = ownpkg.parent / "ownpkg-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: ownpkg\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(
        "[mer_core.methods]\nmine = ownpkg.mine:Mine\n[mer_core.corpora]\nlab = mer_core.corpora.sources.own:Own\n"
    )
    monkeypatch.syspath_prepend(ownpkg.parent)
    assert method_names() == [*METHODS, "mine"]
    assert find_method("mine").name == "mine"
    assert source_names() == [*SOURCES, "lab"]
    assert find_source("lab") is find_source("own")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", r"There is no method 'mine'; there are majority, .*\. Your own is named module:Class\."),
        (
            "ownpkg.nowhere:Mine",
            r"no module 'ownpkg.nowhere': expected .*ownpkg/nowhere\.py, or an installed",
        ),
        ("ownpkg.mine:Other", r"There is no 'Other' in .*mine\.py\."),
        ("ownpkg.mine:NAME", "Expected ownpkg.mine:NAME to be a subclass of Method, got 'mine'"),
        ("ownpkg.half:Half", "ownpkg.half:Half can't be used yet: it lacks estimator, features, view"),
        ("ownpkg.broken:Mine", r"can't be imported: SyntaxError: invalid syntax \(broken\.py, line 1\)"),
    ],
)
def test_what_is_wrong_with_a_name_is_said_in_one_line(ownpkg, name, said):
    (ownpkg / "half.py").write_text(HALF)
    (ownpkg / "broken.py").write_text("x = = 1\n")
    with pytest.raises(NamingError, match=said) as error:
        find_method(name)
    assert "\n" not in str(error.value)


def test_a_package_that_a_method_needs_is_named_itself(ownpkg):
    (ownpkg / "needs.py").write_text("import no_such_package\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        find_method("ownpkg.needs:Mine")


# What `from mer_core import …` gives


def test_every_public_name_is_there_and_is_what_type_checkers_and_the_code_of_a_run_take_it_for():
    tree = ast.parse(Path(mer_core.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {
        one.name: node.module for node in imports for one in node.names if node.module.startswith("mer_core")
    }
    assert sorted(seen) == sorted(mer_core.__all__)
    given = {name: f"mer_core.{place}" for place, held in mer_core.PLACES.items() for name in held}
    assert given == seen
    assert all(getattr(mer_core, name) is getattr(sys.modules[place], name) for name, place in given.items())
    assert issubclass(Majority, mer_core.Method)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nix'"):
        _ = mer_core.nix
