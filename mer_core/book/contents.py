"""Which chapters there are, and what each one depends on.

What a chapter shows depends on its code cells, on the modules that they import (directly or through each other) as far
as these *do* something, on the data files beside them, on the stored runs that it asks for, and on the locked versions.
Prose, a comment, a style sheet and a run that it does not ask for cost no execution.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from mer_core import code

RESULTS = "results/"
STORED = "mer_core/ledger/stored.py"  # what reads them
REGISTRY = "mer_core/methods/registry.py"  # what makes a method of a name
STUDIES = "mer_core/studies"
ALWAYS = ("mer_core/numerics.py", "requirements.lock")  # what every number depends on
EXECUTED = "executed"  # a notebook's note of how long it took, and where
ASKED = "asked"  # another: for which stored runs its code asked, and which code that was


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


def inputs(root: Path, chapter: str, *, with_outputs: bool = False) -> dict[str, str]:
    """All that the chapter's outputs depend on, a digest each; if asked, what it shows and how far that may move."""
    notebook = nbformat.read(root / chapter, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    modules = _modules(root, [cell.source for cell in cells])
    found = {f"cell {number}": _digest(cell.source) for number, cell in enumerate(cells)}
    found |= code_inputs(root, modules) | _shown_code(root, [cell.source for cell in cells], modules)
    if root / STORED in modules:
        found |= (runs := _runs(root, chapter, of(found)))
        if root / REGISTRY in _asked_directly(root, cells, modules):
            found |= _methods_of(root, runs, modules)
    if with_outputs:
        shown = {f"output {number}": (cell.outputs, cell.metadata) for number, cell in enumerate(cells)}
        found |= {name: _digest(repr(value)) for name, value in shown.items()}
    return found


def key(root: Path, chapter: str, *, with_outputs: bool = False) -> str:
    """Changes when anything changes that the chapter's outputs depend on, or, if asked, what it shows."""
    return of(inputs(root, chapter, with_outputs=with_outputs))


def without_runs(inputs: Mapping[str, str]) -> dict[str, str]:
    """Of the inputs of a chapter those that are its code."""
    return {name: value for name, value in inputs.items() if not name.startswith(RESULTS)}


def of(inputs: Mapping[str, str]) -> str:
    """One digest of all."""
    return _digest(json.dumps(inputs, sort_keys=True))


def code_inputs(root: Path, modules: set[Path]) -> dict[str, str]:
    """Modules by what they do, data files by what they hold."""
    data = {file for module in modules for file in code.data_files(module)} | {root / name for name in ALWAYS}
    found = {module: code.read(module.read_bytes()).sha256 for module in modules}
    found |= {file: content(file) for file in data - modules}
    return {path.relative_to(root).as_posix(): value for path, value in sorted(found.items())}


def _shown_code(root: Path, sources: list[str], modules: set[Path]) -> dict[str, str]:
    """What a chapter shows of the package as it is written, docstrings and comments included."""
    names = set(re.findall(r"(?<!\w)source\((?:\w+\.)*(\w+)\)", "\n".join(sources)))
    found = {
        f"the text of {name} in {module.relative_to(root).as_posix()}": _digest(text)
        for module in sorted(modules)
        for name, text in _definitions(module.read_text(encoding="utf-8"), names)
    }
    if re.search("__doc__|getdoc", "\n".join(sources)):
        first = {path for source in sources for path in code.imported(_plain(source), _homes(root))}
        found |= {
            f"the text of {path.relative_to(root).as_posix()}": _digest(path.read_bytes()) for path in first
        }
    return found


def _definitions(text: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """Functions and classes of these names, with their texts."""
    if not any(re.search(rf"(def|class) {name}\b", text) for name in names):
        return
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if getattr(node, "name", None) in names and hasattr(node, "decorator_list"):
            start = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield node.name, "\n".join(lines[start - 1 : node.end_lineno])


def _runs(root: Path, chapter: str, by: str) -> dict[str, str]:
    """The stored runs for which this very code asked when it was last executed; all of them if it never was."""
    notes = [_note(root / chapter), _note(root / "_build" / "pages" / chapter)]
    known = [note["runs"] for note in notes if note.get("by") == by]
    names = known[0] if known else ["/".join(path.parts[-2:]) for path in (root / RESULTS).glob("*/*")]
    folders = {f"{RESULTS}{name}": root / RESULTS / name for name in sorted(names)}
    return {name: digest(name, files(folder) if folder.exists() else ()) for name, folder in folders.items()}


def _note(path: Path) -> dict:
    return nbformat.read(path, as_version=4).metadata.get(ASKED, {}) if path.exists() else {}


def _asked_directly(root: Path, cells: list, modules: set[Path]) -> set[Path]:
    """What a chapter's cells and its study import themselves."""
    texts = [_plain(cell.source) for cell in cells]
    texts += [module.read_bytes() for module in modules if module.parent == root / STUDIES]
    return {path for text in texts for path in code.imported(text, _homes(root))}


def _methods_of(root: Path, runs: Iterable[str], known: set[Path]) -> dict[str, str]:
    """The code of the methods of stored runs: who asks the registry may make these, by the names in their records."""
    records = [file for run in runs if (file := root / run / "run.json").exists()]
    names = {json.loads(file.read_bytes())["settings"]["method"] for file in records}
    files = code.closure([root / REGISTRY], _homes(root), texts=[repr(sorted(names)).encode()])
    return {f"{RESULTS}by {name}": value for name, value in code_inputs(root, files - known).items()}


def content(file: Path) -> str:
    """A digest of what a file holds."""
    return _digest(file.read_bytes())


def _digest(value: str | bytes) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()[:16]


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
    """Remembers what each chapter depended on, in a folder of small files."""

    folder: Path

    def changed(self, name: str, inputs: Mapping[str, str]) -> list[str]:
        """What is otherwise than when it was remembered; nothing, if this very thing was."""
        try:
            before = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ["not done yet"]
        return [one for one in {**before, **inputs} if before.get(one) != inputs.get(one)]

    def holds(self, name: str, inputs: Mapping[str, str]) -> bool:
        """Whether this very thing was remembered."""
        return not self.changed(name, inputs)

    def remember(self, name: str, inputs: Mapping[str, str]) -> None:
        """In place of what was remembered before."""
        self._file(name).parent.mkdir(parents=True, exist_ok=True)
        self._file(name).write_text(json.dumps(inputs, indent=0), encoding="utf-8")

    def forget(self, name: str) -> None:
        """As if nothing had been remembered."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.key"


def _modules(root: Path, sources: list[str]) -> set[Path]:
    """Files that a chapter's cells import, or name as scripts or methods, and those that these import."""
    scripts = {root / name for name in re.findall(r"[\w/]+\.py\b", "\n".join(sources))}
    texts = [_plain(source) for source in sources]
    return code.closure({path for path in scripts if path.is_file()}, _homes(root), texts=texts)


def _homes(root: Path) -> dict[str, Path]:
    return {"mer_core": root, "data_scripts": root}


def _plain(source: str) -> bytes:
    return without_magics(source).encode()


def without_magics(source: str) -> str:
    """A cell as plain Python."""
    return "\n".join("pass" if line.startswith(("%", "!", "?")) else line for line in source.splitlines())
