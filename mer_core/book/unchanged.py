"""A pytest plugin: `--changed` leaves out the test files of which no input changed since they last passed.

What a test file depends on is what a chapter depends on (`contents.py`): the modules that it imports, directly or
through each other, as far as these *do* something; the data beside them; the locked versions. And what it reads of the
book's own folder, which it may say::

    READS = ("results",)  # beside what is imported

A file that knows where that folder is and does not say so depends on all of it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from mer_core.book.contents import Memory, code_inputs, content, files
from mer_core.code import closure

KNOWS_THE_FOLDER = re.compile(r"\b(ROOT|RESULTS)\b|\.parents\[")
READS_RESULTS = "mer_core/ledger/results.py"
NO_SOURCES = ("_build", "runs", "student", "paper", "review.html", "out.ipynb")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    about = "leave out test files of which no input changed since they passed"
    parser.getgroup("book").addoption("--changed", action="store_true", help=about)


def pytest_configure(config: pytest.Config) -> None:
    """One process knows what passed; workers are told."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Passed(config), "passed-test-files")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is left out is not even imported."""
    if not config.getoption("--changed"):
        return None
    told = getattr(config, "workerinput", {}).get("unchanged")
    unchanged = config.pluginmanager.getplugin("passed-test-files").unchanged if told is None else told
    name = collection_path.relative_to(config.rootpath).as_posix()
    return True if name in unchanged else None


class Passed:
    """Remembers in `_build/tested` what each test file depended on when all of it passed."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.root = config, config.rootpath
        self.memory = Memory(self.root / "_build" / "tested")
        self.ran: set[str] = set()
        self.failed: set[str] = set()  # or skipped: what it waits for may come

    @cached_property
    def inputs(self) -> dict[str, dict[str, str]]:
        """Of every test file that was asked for, when the session began."""
        folders = [self.root / place for place in self.config.getini("testpaths")]
        asked = [self.config.invocation_params.dir / word.partition("::")[0] for word in self.config.args]
        tests = sorted(path for folder in folders for path in folder.rglob("test_*.py"))
        found = [path for path in tests if any(path.is_relative_to(place) for place in asked)]
        return {path.relative_to(self.root).as_posix(): test_inputs(self.root, path) for path in found}

    @cached_property
    def unchanged(self) -> list[str]:
        """Files that passed as they are."""
        return [name for name, now in self.inputs.items() if self.memory.holds(name, now)]

    def pytest_sessionstart(self) -> None:
        """Before anything is edited."""
        assert self.inputs is not None

    def pytest_report_header(self) -> str:
        """How many are left out."""
        if not self.config.getoption("--changed"):
            return ""
        return f"{len(self.unchanged)} of {len(self.inputs)} test files are unchanged since they passed"

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """A worker of xdist need not find out again."""
        node.workerinput["unchanged"] = self.unchanged

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of this process or of a worker."""
        name = report.nodeid.partition("::")[0]
        self.ran.add(name)
        if report.outcome != "passed":
            self.failed.add(name)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Remember what passed as a whole; that nothing had to run is no failure."""
        yield
        if self.config.getoption("--changed") and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK
        if not (session.shouldstop or session.shouldfail or self._narrowed):
            for name in (self.ran - self.failed) & self.inputs.keys():
                self.memory.remember(name, self.inputs[name])

    @property
    def _narrowed(self) -> bool:
        """Whether only some tests of a file were asked for."""
        option = self.config.option
        asked = any(getattr(option, name, None) for name in ("keyword", "deselect", "lf", "stepwise"))
        usual = option.markexpr in ("", *self.config.getini("addopts"))
        return asked or not usual or any("::" in word for word in self.config.args)


def test_inputs(root: Path, path: Path) -> dict[str, str]:
    """All that a test file depends on, a digest each."""
    beside = {module.stem: root / "benchmarks" for module in (root / "benchmarks").glob("*.py")}
    homes = {**dict.fromkeys(("mer_core", "tests", "data_scripts"), root), **beside}
    above = (folder / "conftest.py" for folder in path.parents if folder.is_relative_to(root))
    modules = closure([path, *(file for file in above if file.exists())], homes)
    read = {file for place in _reads(root, path, modules) for file in files(root / place)}
    held = {file.relative_to(root).as_posix(): content(file) for file in sorted(read)}
    return code_inputs(root, modules) | held | {"Python": sys.version}


test_inputs.__test__ = False  # pytest collects by name


def _reads(root: Path, path: Path, modules: set[Path]) -> list[str]:
    """Folders and files of the book whose content matters, beside what is imported."""
    if stated := _stated(path):
        return list(stated)
    ours = (module.read_text(encoding="utf-8") for module in modules if (root / "tests") in module.parents)
    if any(KNOWS_THE_FOLDER.search(text) for text in ours):
        return [
            place.name for place in root.iterdir() if place.name[0] != "." and place.name not in NO_SOURCES
        ]
    return ["results"] if root / READS_RESULTS in modules else []


def _stated(path: Path) -> tuple[str, ...]:
    """The `READS` of a test file."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "READS":
            return ast.literal_eval(node.value)
    return ()
