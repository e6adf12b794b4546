"""Methods by name: imported when they are asked for, so that an edit of one concerns those alone that name it."""

from pathlib import Path

import pytest

import mer_core
from mer_core.book.contents import inputs
from mer_core.code import HOMES, closure
from mer_core.methods import METHODS, create_method
from mer_core.methods.registry import BOOK, Registry

ROOT = Path(mer_core.__file__).parents[1]
METHOD_FILES = {place.partition(":")[0].rpartition(".")[2] for place in BOOK.values()}


@pytest.mark.parametrize("name", BOOK)
def test_a_class_stands_where_the_table_says_and_under_its_own_name(name):
    assert METHODS[name].name == name
    assert type(create_method(name)) is METHODS[name]


def test_a_method_is_imported_when_it_is_asked_for():
    registry = Registry({"here": "mer_core.methods.majority:Majority", "nowhere": "no.such.module:Method"})
    assert list(registry) == ["here", "nowhere"]
    assert "nowhere" in registry
    assert registry["here"].name == "majority"
    with pytest.raises(ModuleNotFoundError):
        registry["nowhere"]


def test_a_method_of_ones_own_can_be_put_beside_them_and_taken_away():
    registry = Registry({})
    registry["mine"] = METHODS["majority"]
    assert registry["mine"] is METHODS["majority"]
    del registry["mine"]
    assert "mine" not in registry
    assert len(registry) == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("from mer_core.methods import create_method\ncreate_method('mol')", "mol"),
        ("from mer_core.methods import create_method\nlive = 'hoof ststnet'", "hoof ststnet"),
        ("from mer_core.training import RunSettings\nRunSettings(method='fdp')", "fdp"),
        ("from mer_core.methods import METHODS\nMETHODS['amnet2d']", "famnet"),
        ("from mer_core.methods import create_method\ncreate_method('mer_core.methods.mol:MOL')", "mol"),
        ("from mer_core.methods import METHODS\nlist(METHODS)", " ".join(sorted(METHOD_FILES))),
        ("from mer_core.methods import create_method\nabout = 'MOL, the mol of all methods'", ""),
        ("from mer_core.vision import ESTIMATORS\nname = 'mol'", ""),  # nobody there makes a method of it
    ],
)
def test_a_text_depends_on_the_methods_that_it_names(text, named):
    files = {file.stem for file in closure([], HOMES, texts=[text.encode()])}
    assert files & METHOD_FILES == {*named.split()}


@pytest.mark.parametrize(("chapter", "uses"), [("papers/mol", True), ("foundations/scores", False)])
def test_a_chapter_depends_on_the_methods_that_it_names(chapter, uses):
    assert ("mer_core/methods/mol.py" in inputs(ROOT, f"chapters/{chapter}.ipynb")) is uses


def test_a_chapter_that_makes_methods_depends_on_those_of_its_stored_runs():
    """By the names in their records, which stand in no cell."""
    used = {name.removeprefix("results/by ") for name in inputs(ROOT, "chapters/evidence/methods.ipynb")}
    assert "mer_core/methods/ma2mi/network.py" in used
    assert not any(name.startswith("results/by ") for name in inputs(ROOT, "chapters/evidence/curves.ipynb"))
