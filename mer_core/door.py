"""The last door of every command: whatever goes wrong leaves as one line and an exit code, never as a stack.

What a user can mend is said (exit code 1): the errors that this package raises in words, and those of files, memory and
missing packages. For the rest (2) a report with the stack is written, and the line says where; `--debug` shows it.
"""

import errno
import io
import linecache
import os
import platform
import re
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

UNEXPECTED, STOPPED = 2, 130  # exit codes; 130 is the shells' for Ctrl-C
PACKAGE = str(Path(__file__).parent)
OTHERS = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")
)  # whose code is not ours
ADVICE = {
    errno.ENOENT: "check its path",
    errno.EACCES: "it needs another owner or other permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENOSPC: "free some space and give the same command again",
    errno.EDQUOT: "free some space and give the same command again",
    errno.EMFILE: "fewer --workers need less",
}


def pass_through(name: str, work: Callable[[], object], *, debug: bool = False) -> None:
    """Do a command's work; `debug` shows the stack of what goes wrong."""
    replace_what_a_terminal_lacks()
    try:
        work()
    except KeyboardInterrupt:
        _leave(name, "stopped.", STOPPED)
    except SystemExit as end:
        if end.code == STOPPED:  # typer's, of a KeyboardInterrupt
            _leave(name, "stopped.", STOPPED)
        raise
    except BaseException as error:  # a panic of Rust is no Exception
        if debug:
            traceback.print_exc()
        if said := mendable(error):
            raise SystemExit(f"{name}: {said}") from None  # Python prints it, and the exit code is 1
        _leave(name, _reported(error, debug), UNEXPECTED)


def replace_what_a_terminal_lacks() -> None:
    """Where `±` can't be written a `?` is: a result must not be lost for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _leave(name: str, said: str, code: int) -> NoReturn:
    print(f"{name}: {said}", file=sys.stderr)
    raise SystemExit(code)


# What a user can mend


def mendable(error: BaseException) -> str | None:
    """What a user is told of it, or None: the error was never meant for him."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        advice = ADVICE.get(error.errno)
        return f"{where}{error.strerror}{f' ({advice})' if advice else ''}."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, of a GPU
        return "memory is too short for this. Fewer --workers need less, and so does a smaller batch."
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("mer_core"):
        return f"the package {error.name} is missing: `make` installs it, or `pip install mer-core[book]`."
    meant = isinstance(error, (ValueError, RuntimeError, OSError)) and _raised_in_words(error)
    return str(error) or None if meant else None


def _raised_in_words(error: BaseException) -> bool:
    """Whether our own code, here or in a worker, raised it by a statement: its message is for users."""
    if type(error).__module__.startswith("mer_core."):
        return True
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if told := getattr(error.__cause__, "tb", None):  # the stack of a worker, as text
        places = [(file, int(line)) for file, line in re.findall(r'File "(.+)", line (\d+)', told)]
    file, line = places[-1] if places else ("", 0)
    ours = file.startswith(PACKAGE) or not file.startswith(OTHERS)
    return ours and linecache.getline(file, line).lstrip().startswith("raise")


# The rest


def _reported(error: BaseException, debug: bool) -> str:
    """Its kind and first line, and where the report is."""
    first = next(iter(str(error).splitlines()), "")
    said = f"unexpected {type(error).__name__}{f': {first[:200]}' if first else ''}."
    if debug:
        return said
    try:
        return f"{said} The report is {_write_report(error)}; --debug shows the stack."
    except OSError as failed:
        return f"{said} No report can be written ({failed.strerror}); --debug shows the stack."


def _write_report(error: BaseException) -> Path:
    """A file of the user's alone: a stack names folders."""
    system = f"Python {platform.python_version()} on {platform.platform()}"
    lines = [f"Command: {' '.join(sys.argv)}", f"When: {time.strftime('%Y-%m-%d %H:%M:%S %z')}", system, ""]
    handle, name = tempfile.mkstemp(prefix="mer-report-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("\n".join(lines + traceback.format_exception(error)))
    return Path(name)
