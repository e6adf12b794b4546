"""A Sphinx extension: the package's reference, from docstrings that are written as chapters are.

Formulas stand between dollars and code between backticks there; Sphinx reads them otherwise. Under each function,
class and method stand the chapters that explain it, because they show its code, and those that only use it.
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from mer_core.book.uses import Users, full_name, users
from mer_core.settings import Settings, valid

REFERENCE = "chapters/reference/api/"
MODULES = re.compile(r"^```\{modules\} (\S+)\n```\n", re.MULTILINE)
ARRAYS = re.compile(r"~?[\w.]*_Buffer \|.*?_NestedSequence\[complex \| bytes \| str\]")


def expand(app: Sphinx, page: str, source: list[str]) -> None:
    """Called by Sphinx for every page that it has read, and may change it."""
    source[0] = expanded(source[0])


def expanded(text: str) -> str:
    """Each `{modules}` of a page is a section a module of that package, without those that have one on the page."""
    listed = re.findall(r"automodule:: (\S+)", text)
    return MODULES.sub(lambda found: "\n".join(map(_section, _others(found[1], listed))), text)


def _others(package: str, listed: list[str]) -> list[str]:
    """A package among the modules stands for its own: it is a table of contents."""
    names: list[str] = []
    for one in iter_modules(importlib.import_module(package).__path__):
        name = f"{package}.{one.name}"
        names += _others(name, listed) if one.ispkg else [name]
    return [name for name in names if name not in listed]


def _section(module: str) -> str:
    return f"## `{module}`\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"


def import_all(app: Sphinx, pages: list[str]) -> None:
    """Before any page is read: autodoc annotates base classes anew, and pydantic's can't be derived from after that."""
    texts = [
        expanded(Path(app.env.doc2path(page)).read_text(encoding="utf-8"))
        for page in pages
        if page.startswith(REFERENCE)
    ]
    for name in re.findall(r"automodule:: (\S+)", "".join(texts)):
        importlib.import_module(name)


def follow_chapters(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """When a chapter changed, others may be those that use a function: the reference is read again."""
    notebooks = [page for page in added | changed | removed if env.doc2path(page).endswith(".ipynb")]
    return [page for page in env.found_docs if page.startswith(REFERENCE)] if notebooks else []


def finish(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Called by autodoc for every docstring, which may be changed in its place."""
    lines[:] = as_sphinx_reads("\n".join(lines)).splitlines()
    if _is_settings(thing) and (fields := valid(thing)):
        lines += ["", "::", "", *(f"   {field}" for field in fields), ""]
    found = users(Path(app.srcdir)).get(full_name(thing) or "", Users())
    lines += [line for sentence in _backlinks(found) for line in ("", sentence, "")]


def _backlinks(found: Users) -> Iterator[str]:
    """A chapter that explains a thing is not named again as one that uses it."""
    used = [page for page in found.used if page not in found.explained]
    for verb, pages in (("Explained in", found.explained), ("Used in", used)):
        if pages:
            yield f"*{verb}:* " + ", ".join(f":doc:`/{page}`" for page in pages)


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


def setup(app: Sphinx) -> dict[str, object]:
    """Called by Sphinx."""
    app.connect("env-before-read-docs", lambda app, env, pages: import_all(app, pages))
    app.connect("source-read", expand)
    app.connect("env-get-outdated", follow_chapters)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-process-docstring", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
