"""Execute the chapters, build the pages, verify the stored outputs: each only where a key changed."""

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import nbformat
import papermill
from filelock import FileLock
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from mer_core import atomic
from mer_core.asked import NOTE, asked
from mer_core.book.comparison import joined
from mer_core.book.contents import (
    ASKED,
    EXECUTED,
    BookError,
    Memory,
    chosen,
    digest,
    files,
    inputs,
    of,
    without_runs,
)
from mer_core.book.seal import broken_seals, seal

PAGE_SOURCES = ("_config.yml", "_toc.yml", "references.bib", "chapters")
LOOK = (
    "_config.yml",
    "_toc.yml",
    "references.bib",
    "requirements.lock",
    "mer_core/book",
)  # what every page shows
TOLD = ("mer_core", "data_scripts", "results")  # what the reference and the cards tell of
START_SECONDS = 120  # that a kernel may take to answer: many start at once on a busy machine
CELL_SECONDS = 540  # that a cell may take, many times what any takes; pytest itself waits 600
NBVAL = (
    "--nbval",
    "--nbval-current-env",
    f"--nbval-cell-timeout={CELL_SECONDS}",
    f"--nbval-kernel-startup-timeout={START_SECONDS}",
)
VOLATILE = (
    "papermill",
    "execution",
    "widgets",
)  # metadata that holds times, this machine, or a kernel's state


def build(root: Path, jobs: int = 1, *, stored: bool = False) -> Path:
    """Make the book and return its first page; `stored` shows the stored outputs instead of executing."""
    home = root / "_build" / "stored" if stored else root
    pages = home / "_build" / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "_build" / "lock"):
        if not stored:
            execute(root, pages, jobs)
        _collect(root, pages, notebooks=stored)
        return _sphinx(root, pages, home)


def store(root: Path, jobs: int = 1, only: Sequence[str] = ()) -> None:
    """Execute what changed and store the outputs in the chapters themselves: they are the evidence."""
    pages = root / "_build" / "pages"
    execute(root, pages, jobs, only)
    for name in chosen(root, only):
        _copy_if_other(pages / name, root / name)


def verify(root: Path, jobs: int = 1, only: Sequence[str] = (), *, force: bool = False) -> None:
    """Run nbval over the chapters of which anything changed, stored outputs included, since they last passed.

    A stored output that was changed by hand is refused before. `force`: also those of which nothing changed.
    """
    names = chosen(root, only)
    if broken := [line for name in names for line in _broken(root, name)]:
        raise BookError("\n".join(broken))
    passed = _passed(root)
    now = {name: inputs(root, name, with_outputs=True) for name in names}
    todo = [name for name in names if force or not passed.holds(name, now[name])]
    _say(f"{len(todo)} chapters to verify, {len(names) - len(todo)} unchanged since they passed")
    if not todo:
        return
    command = [sys.executable, "-m", "pytest", *NBVAL, "--dist=loadfile", f"-n{min(jobs, len(todo))}", *todo]
    if subprocess.run(command, cwd=root, check=False).returncode:
        raise BookError(
            "A chapter does not compute what it shows: see above. Are the new numbers right? `make chapters`."
        )
    for name in todo:
        passed.remember(name, now[name])


def _broken(root: Path, name: str) -> list[str]:
    return broken_seals(nbformat.read(root / name, as_version=4), Path(name).stem)


def _passed(root: Path) -> Memory:
    return Memory(root / "_build" / "passed")


def _executed(root: Path) -> Memory:
    return Memory(root / "_build" / "executed")


# What would be done


def to_execute(root: Path) -> list[str]:
    """A line a chapter: whether `build` would execute it, and why."""
    lines = []
    for name in chosen(root, ()):
        has_page = (root / "_build" / "pages" / name).exists()
        changed = _executed(root).changed(name, inputs(root, name)) if has_page else ["no page yet"]
        lines.append(_plan(name, "execute", changed))
    return lines


def to_verify(root: Path, only: Sequence[str] = (), *, force: bool = False) -> list[str]:
    """A line a chapter: whether `verify` would execute and compare it, and why."""
    lines = []
    for name in chosen(root, only):
        changed = _passed(root).changed(name, inputs(root, name, with_outputs=True))
        broken, asked_for = _broken(root, name), ["asked for"] if force else []
        lines.append(_plan(name, "refuse" if broken else "verify", broken or changed or asked_for))
    return lines


def _plan(name: str, what: str, why: list[str]) -> str:
    more = f" and {len(why) - 3} more" if len(why) > 3 else ""
    said = f"{what}: {', '.join(why[:3])}{more}" if why else "unchanged"
    return f"{Path(name).stem:12} {said}"


# Executing


def execute(root: Path, pages: Path, jobs: int = 1, only: Sequence[str] = ()) -> None:
    """Execute every chapter (`only` some) of which an input changed, with its default parameters, into `pages`."""
    executed, names = _executed(root), chosen(root, only)
    now = {name: inputs(root, name) for name in names}
    todo = [name for name in names if not (executed.holds(name, now[name]) and (pages / name).exists())]
    _say(f"{len(todo)} chapters to execute, {len(names) - len(todo)} unchanged")
    problems = []
    with ProcessPoolExecutor(max(1, min(jobs, len(todo))), get_context("spawn")) as pool:
        started = {
            pool.submit(_execute, root / name, pages / name, of(without_runs(now[name]))): name
            for name in todo
        }
        for count, future in enumerate(as_completed(started), start=1):
            name, (problem, seconds) = started[future], future.result()
            _say(f"[{count}/{len(todo)}] {name}  {seconds:.0f} s{'  FAILED' if problem else ''}")
            if problem:
                problems.append(f"{name}, {problem}")
            else:
                after = inputs(root, name)  # it may have asked for other runs
                executed.remember(name, {one: now[name].get(one, value) for one, value in after.items()})
    if problems:
        raise BookError("\n\n".join(problems))
    for name in names:
        _with_prose(root / name, pages / name)


def _with_prose(chapter: Path, page: Path) -> None:
    """Give an executed page the prose, the tags and the tolerances of today's chapter: they cost no execution."""
    today, executed = (nbformat.read(path, as_version=4) for path in (chapter, page))
    done = (cell for cell in executed.cells if cell.cell_type == "code")
    for number, cell in enumerate(today.cells):
        cell.id = f"cell-{number:02d}"
        if cell.cell_type == "code":
            made = next(done)
            cell.outputs, cell.execution_count = made.outputs, made.execution_count
    today.metadata = executed.metadata
    seal(today)
    if today != executed:
        atomic.write(page, nbformat.writes(today).encode())


def _execute(chapter: Path, target: Path, code: str = "") -> tuple[str | None, float]:
    """What went wrong, or None; and the seconds it took. `code` says what the chapter's code is, for its note."""
    _say(f"executing {chapter.name}")
    start = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished, note = (target.with_suffix(end) for end in (".unfinished.ipynb", ".asked"))
    note.unlink(missing_ok=True)
    os.environ[NOTE] = str(note)  # the kernel inherits it
    try:
        _papermill(chapter, unfinished)
    except BookError as error:
        return f"{error}\nIts outputs: {unfinished}", time.monotonic() - start
    finally:
        del os.environ[NOTE]
    seconds = time.monotonic() - start
    tidy(unfinished, seconds, {"runs": asked(note), "by": code})
    note.unlink(missing_ok=True)
    unfinished.replace(target)
    return None, seconds


def _papermill(chapter: Path, target: Path, *, again: bool = True) -> None:
    """Execute a chapter; whatever goes wrong, or would never end, is told as a `BookError`.

    A kernel that gives no answer is started once again: of two that start at the same time one may have lost its port.
    """
    limits = {"start_timeout": START_SECONDS, "execution_timeout": CELL_SECONDS}
    try:
        papermill.execute_notebook(
            chapter, target, kernel_name="python3", cwd=chapter.parent, progress_bar=False, **limits
        )
    except PapermillExecutionError as error:
        raise BookError(f"code cell {error.exec_count}: {error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise BookError(
            f"code cell {_running(target)}: not done after {CELL_SECONDS} s, and stopped. Look at what it waits for, "
            "or on a machine that computes much else try `--jobs 1`."
        ) from None
    except DeadKernelError:
        raise BookError("its kernel died: mostly too little memory, and `--jobs 1` needs less.") from None
    except RuntimeError as error:  # jupyter_client has no kind of its own for it
        if not again:
            raise BookError(f"its kernel gave no answer: {error}") from None
        _papermill(chapter, target, again=False)


def _running(path: Path) -> int:
    """Which of an unfinished notebook's code cells was computing."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return sum(cell.metadata.papermill["start_time"] is not None for cell in cells)


def tidy(path: Path, seconds: float, asked_for: dict) -> None:
    """Take out of an executed notebook what differs from run to run; notes say how long it took, where, of what."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        _drop_volatile(cell.metadata)
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)  # in how many pieces a stream came is chance
    _drop_volatile(notebook.metadata)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.language_info = {"name": "python"}
    notebook.metadata[EXECUTED] = {"seconds": round(seconds), "where": _machine()}
    notebook.metadata[ASKED] = asked_for
    seal(notebook)
    nbformat.write(notebook, path)


def _machine() -> str:
    versions = f"Python {platform.python_version()}, PyTorch {version('torch')}"
    return f"{os.cpu_count()} cores, {platform.machine()}, {versions}"


def _drop_volatile(metadata: dict) -> None:
    for name in VOLATILE:
        metadata.pop(name, None)
    if metadata.get("tags") == []:  # papermill's; it would look like a change
        del metadata["tags"]


# Pages


def _collect(root: Path, pages: Path, *, notebooks: bool) -> None:
    """Bring everything but executed chapters to the pages; what has left the book leaves them too."""
    sources = {path.relative_to(root): path for name in PAGE_SOURCES for path in files(root / name)}
    for place, source in sources.items():
        if notebooks or source.suffix != ".ipynb":
            _copy_if_other(source, pages / place)
    for path in files(pages):
        if path.relative_to(pages) not in sources:
            path.unlink()


def _copy_if_other(source: Path, target: Path) -> None:
    """An equal file is left alone: Sphinx would read a newer one again."""
    if not target.exists() or source.read_bytes() != target.read_bytes():
        atomic.write(target, source.read_bytes())


def _sphinx(root: Path, pages: Path, home: Path) -> Path:
    """Build what changed; after a change of look, or a failure, everything: Sphinx warns of a page only once."""
    index = home / "_build" / "html" / "index.html"
    built = Memory(home / "_build" / "built")
    look = digest(_citations(pages), (path for name in LOOK for path in files(root / name)))
    told = (path for name in TOLD for path in files(root / name))
    content = digest(look, [*files(pages), *told])
    if built.holds("content", {"all": content}) and index.exists():
        return index
    everything = not (built.holds("look", {"all": look}) and index.exists())
    built.forget("look")
    if everything:  # numbers of citations outlive `--all` in Sphinx's memory
        shutil.rmtree(home / "_build" / ".doctrees", ignore_errors=True)
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [str(jupyter_book), "build", str(pages), "--path-output", str(home)]
    command += ["--warningiserror", "--keep-going", "--quiet", *(["--all"] if everything else [])]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if result.returncode or not index.exists():
        raise BookError(f"The pages can't be built:\n{result.stdout}{result.stderr}".replace(f"{pages}/", ""))
    built.remember("look", {"all": look})
    built.remember("content", {"all": content})
    return index


def _citations(pages: Path) -> str:
    """All that is cited, in order: another one gives those of other pages other numbers."""
    texts = (path.read_text(encoding="utf-8") for path in files(pages) if path.suffix in (".ipynb", ".md"))
    return " ".join(cited for text in texts for cited in re.findall(r"{cite[^`]*`[^`]*`", text))


def _say(text: str) -> None:
    print(text, flush=True)
