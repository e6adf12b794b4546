"""Which chapters there are, and what each one depends on.

What a chapter shows depends on its cells, on the modules of `mer_core` that it imports (directly or through each
other), on the data files of the package, on `results/` if one of these modules reads it, and on the locked versions.
A *key* is the hash of all that.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from mer_core.book.seal import SEAL
from mer_core.code import closure, imported

STORED = "mer_core/evaluation/stored.py"  # what reads `results/`
EXECUTED = "executed"  # a notebook's note of how long it took, and where


class BookError(RuntimeError):
    """The book can't be made; the message names the chapter and what to do."""


def find_root(start: Path | None = None) -> Path:
    """The folder of the book: the nearest one upwards that holds `_toc.yml`."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "_toc.yml").exists():
            return folder
    raise BookError(f"There is no book here: neither {start} nor a folder above it holds _toc.yml.")


def chapters(root: Path) -> list[str]:
    """The notebooks of the book in reading order, as `chapters/foundations/scores.ipynb`."""
    pages = list(_pages(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))
    missing = [page for page in pages if not any((root / page).parent.glob(f"{Path(page).name}.*"))]
    if missing:
        raise BookError(f"_toc.yml names pages that do not exist: {', '.join(missing)}.")
    return [f"{page}.ipynb" for page in pages if (root / f"{page}.ipynb").exists()]


def chosen(root: Path, names: Iterable[str]) -> list[str]:
    """The chapters of these names (`mol`, `scores`); all of them if there is none."""
    every = {Path(chapter).stem: chapter for chapter in chapters(root)}
    if unknown := [name for name in names if name not in every]:
        raise BookError(f"There is no chapter {unknown[0]!r}; there are {', '.join(every)}.")
    return [chapter for name, chapter in every.items() if not names or name in names]


def _pages(toc: object) -> Iterator[str]:
    if isinstance(toc, dict):
        yield from (toc[name] for name in ("root", "file") if name in toc)
        for part in toc.values():
            yield from _pages(part)
    elif isinstance(toc, list):
        for part in toc:
            yield from _pages(part)


def key(root: Path, chapter: str, *, with_outputs: bool = False) -> str:
    """Changes when anything changes that the chapter's outputs depend on, or, if asked, the stored outputs."""
    notebook = nbformat.read(root / chapter, as_version=4)
    cells = [(cell.cell_type, cell.source, _without_seal(cell.metadata)) for cell in notebook.cells]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    modules = _modules(root, *code)
    inputs = {*modules, root / "requirements.lock"}
    inputs |= {path for path in files(root / "mer_core") if path.suffix != ".py"}
    inputs |= set(files(root / "results")) if root / STORED in modules else set()
    return digest(repr(notebook if with_outputs else cells), inputs)


def _without_seal(metadata: dict) -> dict:
    return {name: value for name, value in metadata.items() if name != SEAL}


def digest(text: str, paths: Iterable[Path]) -> str:
    """One hash of a text and of files, by name and content."""
    total = hashlib.sha256(text.encode())
    for path in sorted(paths):
        total.update(f"\0{path.name}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def files(place: Path) -> list[Path]:
    """Every file of a folder, or the file itself; without what Python and Jupyter leave behind."""
    found = [place] if place.is_file() else place.rglob("*")
    left_behind = {"__pycache__", ".ipynb_checkpoints"}
    return sorted(path for path in found if path.is_file() and not left_behind & set(path.parts))


@dataclass(frozen=True)
class Memory:
    """Remembers a key for each chapter, in a folder of small files."""

    folder: Path

    def holds(self, name: str, key: str) -> bool:
        """Whether this very key was remembered."""
        return self._file(name).exists() and self._file(name).read_text(encoding="utf-8") == key

    def remember(self, name: str, key: str) -> None:
        """Put the key in place of an older one."""
        self._file(name).parent.mkdir(parents=True, exist_ok=True)
        self._file(name).write_text(key, encoding="utf-8")

    def forget(self, name: str) -> None:
        """As if nothing had been remembered."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.key"


def _modules(root: Path, *sources: str) -> set[Path]:
    """Files of `mer_core` and `data_scripts` that the sources import, directly or through each other."""
    homes = dict.fromkeys(("mer_core", "data_scripts"), root)
    texts = (without_magics(source).encode() for source in sources)
    return closure({path for text in texts for path in imported(text, homes)}, homes)


def without_magics(source: str) -> str:
    """A cell as plain Python."""
    return "\n".join("pass" if line.startswith(("%", "!", "?")) else line for line in source.splitlines())
