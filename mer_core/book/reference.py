"""A Sphinx extension: the package's reference, from docstrings that are written as chapters are.

Formulas stand between dollars and code between backticks there; Sphinx reads them otherwise. Under each function and
class stand the chapters that use it.
"""

import ast
import importlib
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import nbformat
from sphinx.application import Sphinx

from mer_core.book.contents import chapters, without_magics
from mer_core.settings import Settings, valid

REFERENCE = "chapters/reference/api/"
ARRAYS = re.compile(r"~?[\w.]*_Buffer \|.*?_NestedSequence\[complex \| bytes \| str\]")


def import_all(app: Sphinx, pages: list[str]) -> None:
    """Before any page is read: autodoc annotates base classes anew, and pydantic's can't be derived from after that."""
    texts = [Path(app.env.doc2path(page)).read_text() for page in pages if page.startswith(REFERENCE)]
    for name in re.findall(r"automodule:: (\S+)", "".join(texts)):
        importlib.import_module(name)


def finish(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Called by autodoc for every docstring, which may be changed in its place."""
    lines[:] = as_sphinx_reads("\n".join(lines)).splitlines()
    if _is_settings(thing) and (fields := valid(thing)):
        lines += ["", "::", "", *(f"   {field}" for field in fields), ""]
    if what in ("class", "function") and (pages := users(Path(app.srcdir)).get(name.rpartition(".")[2])):
        lines += ["", "In the book: " + ", ".join(f":doc:`/{page}`" for page in pages), ""]


def as_sphinx_reads(text: str) -> str:
    """Formulas, code and tables of a docstring, marked as in reStructuredText.

    >>> as_sphinx_reads("`n` frames of $T$")
    '``n`` frames of :math:`T`'
    """
    return "\n\n".join(_paragraph(paragraph) for paragraph in text.split("\n\n"))


def _paragraph(text: str) -> str:
    if re.fullmatch(r"( +.*\n?|\n)+", text):  # indented: a table, to be left as it is
        return f"::\n\n{text}"
    text = re.sub(r"\$\$(.+?)\$\$", lambda found: _block(found[1]), text, flags=re.DOTALL)
    text = re.sub(r"(?<![`:])`([^`\n]+)`(?!`)", r"``\1``", text)
    return re.sub(r"\$([^$]+)\$", lambda found: f":math:`{' '.join(found[1].split())}`", text)


def _block(formula: str) -> str:
    return "\n\n.. math::\n\n   " + " ".join(formula.split()) + "\n\n"


def shorten(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str, returned: str
) -> object:
    """Called by autodoc for every signature: what NumPy takes as an array has half a line of names."""
    if _is_settings(thing):
        return "", returned  # below, a line each
    return signature and ARRAYS.sub("ArrayLike", signature), returned


def _is_settings(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Settings)


@cache
def users(root: Path) -> dict[str, list[str]]:
    """Names of the package and the pages of the chapters that import them."""
    found = defaultdict(list)
    for chapter in chapters(root):
        cells = nbformat.read(root / chapter, as_version=4).cells
        names = {name for cell in cells if cell.cell_type == "code" for name in imported(cell.source)}
        for name in sorted(names):
            found[name].append(chapter.removesuffix(".ipynb"))
    return dict(found)


def imported(source: str) -> set[str]:
    """What a cell takes from `mer_core`."""
    nodes = [node for node in ast.walk(ast.parse(without_magics(source))) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in nodes if node.module and node.module.split(".")[0] == "mer_core"]
    return {alias.name for node in ours for alias in node.names}


def setup(app: Sphinx) -> dict[str, object]:
    """Called by Sphinx."""
    app.connect("env-before-read-docs", lambda app, env, pages: import_all(app, pages))
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-process-docstring", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
