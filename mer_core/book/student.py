"""Chapters for a class: the same notebooks without outputs, and each solution replaced by a cell to fill in.

Only one copy of a chapter is kept, the one with its solutions; this one is made of it.
"""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from mer_core.book.contents import BookError, chosen
from mer_core.book.seal import SEAL

MARK = re.compile(r"^```{solution-(start|end)}[^`]*```\n?", re.MULTILINE)
ANSWER = "# Your answer\n"


def hand_out(root: Path, target: Path, names: tuple[str, ...] = ()) -> list[Path]:
    """Write the student's notebooks of these chapters (default: all) below `target`; return their places."""
    made = []
    for name in chosen(root, names):
        place = target / Path(name).relative_to("chapters")
        if place.resolve() == (root / name).resolve():
            raise BookError(f"{target} holds the chapters themselves: choose another folder.")
        place.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(without_solutions(nbformat.read(root / name, as_version=4), name), place)
        made.append(place)
    return made


def without_solutions(notebook: NotebookNode, name: str = "the notebook") -> NotebookNode:
    """What a student gets: from the opening of a solution to its end all is gone, and a cell waits for an answer."""
    kept: list[NotebookNode] = []
    inside = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            pieces, inside = _outside(cell, inside)
            kept += pieces
        elif not inside:
            metadata = {name: value for name, value in cell.metadata.items() if name != SEAL}
            kept.append(NotebookNode({**cell, "metadata": metadata, "outputs": [], "execution_count": None}))
    if inside:
        raise BookError(f"{name}: the last solution has no end; expected a cell with ```{{solution-end}}.")
    for number, cell in enumerate(kept):
        cell.id = f"cell-{number:02d}"
    return NotebookNode({**notebook, "cells": kept})


def _outside(cell: NotebookNode, inside: bool) -> tuple[list[NotebookNode], bool]:
    """The text around solutions, with a cell to fill in where one began; and whether one goes on after this cell."""
    made = []
    first, *rest = MARK.split(cell.source)  # text, mark, text, mark, text …
    for mark, text in [("start" if inside else "end", first), *zip(rest[::2], rest[1::2], strict=True)]:
        opens, inside = mark == "start" and not inside, mark == "start"
        made += [new_code_cell(ANSWER)] if opens else []
        made += [NotebookNode({**cell, "source": text})] if text.strip() and not inside else []
    return made, inside
