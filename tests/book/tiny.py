"""A book of one short chapter, with a copy of the package that a test may edit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mer_core.book.seal import seal

ROOT = Path(__file__).parents[2]
CHAPTER = "chapters/tiny.ipynb"

PARAMETERS = "offset: int = 0  # added to every prediction"
CHECK = """
from pydantic import Field

from mer_core.book import Parameters


class Chapter(Parameters):
    offset: int = Field(ge=0, le=1)


settings = Chapter.from_notebook()
"""
SCORE = """
from mer_core.scoring import scores

made = scores([0, 0, 1, 1], [0 + settings.offset, 0, 1, 0], n_classes=2)
print(f"UF1 {made.uf1:.3f}")
"""

CONTROL = """
from mer_core.book import controls

controls(lambda k=2: f"k is {k}", k=(0, 3))
"""


def make(folder: Path) -> Path:
    """The book, its chapter not yet executed."""
    shutil.copytree(ROOT / "mer_core", folder / "mer_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "references.bib", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: chapters/index\nchapters:\n  - file: chapters/tiny\n"
    )
    (folder / "chapters").mkdir()
    shutil.copytree(ROOT / "chapters" / "images", folder / "chapters" / "images")  # the logo
    (folder / "chapters" / "index.md").write_text("# A tiny book\n")
    check = {"tolerance": {"absolute": 0.01, "reason": "an example"}}
    cells = [
        new_markdown_cell("# Tiny\n\nMaths: $x^2$"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell(CHECK.strip()),
        new_code_cell(SCORE.strip(), metadata=check),
        new_code_cell(CONTROL.strip()),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / CHAPTER)
    return folder


def run(book: Path, *command: str) -> subprocess.CompletedProcess:
    """A command of the environment's, run in the book and with the book's own copy of the package."""
    environment = {**os.environ, "PYTHONPATH": str(book)}
    tool, *arguments = command
    call = [str(Path(sys.executable).parent / tool), *arguments]
    return subprocess.run(
        call, cwd=book, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def edit(path: Path, old: str, new: str, *, sealed: bool = False) -> None:
    """Replace a text that must be there, everywhere; `sealed`: as if it had been computed."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    if sealed:
        notebook = nbformat.read(path, as_version=4)
        seal(notebook)
        nbformat.write(notebook, path)


def append(path: Path, text: str) -> None:
    """Write more at the end of a file."""
    path.write_text(path.read_text() + text)
