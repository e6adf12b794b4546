"""What of the package a chapter names: read from its cells, which are parsed and not executed.

A chapter *explains* what it shows with `source(...)`, and *uses* whatever else of `mer_core` it names.
"""

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import nbformat

from mer_core.book.contents import chapters, without_magics

PACKAGE = "mer_core"


@dataclass
class Uses:
    """Full names, such as `mer_core.scoring.metrics.scores`, and what each is called in the chapter."""

    names: dict[str, object] = field(default_factory=dict)  # scores → the function
    explained: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Users:
    """The pages of the chapters that explain and that use a thing, in reading order."""

    explained: tuple[str, ...] = ()
    used: tuple[str, ...] = ()


@cache
def users(root: Path) -> dict[str, Users]:
    """Everything that a chapter names, by its full name."""
    found: dict[str, Users] = {}
    for chapter in chapters(root):
        page, uses = chapter.removesuffix(".ipynb"), chapter_uses(root / chapter)
        for name in uses.explained | uses.used:
            before = found.get(name, Users())
            explained = (*before.explained, page) if name in uses.explained else before.explained
            used = (*before.used, page) if name in uses.used else before.used
            found[name] = Users(explained, used)
    return found


@cache
def chapter_uses(notebook: Path) -> Uses:
    """What a notebook names, cell by cell: an import counts from its cell on."""
    uses = Uses()
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            read(cell.source, uses)
    return uses


def read(source: str, uses: Uses) -> Uses:
    """Add what a cell imports and names."""
    tree = ast.parse(without_magics(source))
    uses.names.update(imported(tree))
    for thing, shown in _mentions(tree, uses.names):
        if name := full_name(thing):
            (uses.explained if shown else uses.used).add(name)
    return uses


def imported(tree: ast.AST) -> dict[str, object]:
    """What is imported from the package, under the name that it has there."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            for alias in node.names:
                found[alias.asname or alias.name] = member(importlib.import_module(node.module), alias.name)
    return found


def member(thing: object, name: str) -> object | None:
    """What a module or a class calls by this name, if anything; a module may not have been imported yet."""
    if isinstance(thing, ModuleType) and not hasattr(thing, name):
        path = f"{thing.__name__}.{name}"
        return importlib.import_module(path) if hasattr(thing, "__path__") and find_spec(path) else None
    return getattr(thing, name, None) if isinstance(thing, ModuleType | type) else None


def full_name(thing: object) -> str | None:
    """Where a function, class or method of the package is defined; None of anything else.

    >>> from mer_core.scoring import scores
    >>> full_name(scores)
    'mer_core.scoring.metrics.scores'
    """
    module, name = getattr(thing, "__module__", None) or "", getattr(thing, "__qualname__", "")
    return f"{module}.{name}" if name and module.split(".")[0] == PACKAGE else None


def _mentions(
    node: ast.AST, names: Mapping[str, object], shown: bool = False
) -> Iterator[tuple[object, bool]]:
    """Every imported thing that stands in the code, and whether it stands in `source(...)`."""
    if (thing := resolve(_dotted(node), names)) is not None:
        yield thing, shown
        return
    shown = shown or (isinstance(node, ast.Call) and _dotted(node.func) == ["source"])
    children = node.args if shown and isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in children:
        yield from _mentions(child, names, shown)


def _dotted(node: ast.AST) -> list[str]:
    """`a.b.c` as its parts; nothing if it is something else."""
    if isinstance(node, ast.Name):
        return [node.id]
    inner = _dotted(node.value) if isinstance(node, ast.Attribute) else []
    return [*inner, node.attr] if inner else []


def resolve(parts: list[str], names: Mapping[str, object]) -> object | None:
    """What `figures.fdp.steps` stands for, if `figures` is one of the names."""
    if not parts or parts[0] not in names:
        return None
    thing = names[parts[0]]
    for part in parts[1:]:
        if (found := member(thing, part)) is None:
            break
        thing = found
    return thing
