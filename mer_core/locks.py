"""One process at a time; and where no lock can be made, a message instead of waiting for ever."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows, whose locks come with every file system
    fcntl = None  # type: ignore[assignment]


class LockError(RuntimeError):
    """A file that says who is at work can't be made or locked; the message says why."""


@contextmanager
def locked(file: Path, timeout: float = -1) -> Iterator[None]:
    """Hold this file, in a folder that is made if need be; `filelock.Timeout` if another process holds it too long."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _refuse_where_none_can_be(file)
        held = FileLock(file, timeout).acquire()
    except Timeout:
        raise
    except OSError as error:
        raise LockError(
            f"{file} can't be made and locked ({error.strerror or error}), so that two processes could write there at "
            "once: choose a folder on a disk that can be written and locked (--out; the cache: XDG_CACHE_HOME)."
        ) from None
    with held:
        yield


def _refuse_where_none_can_be(file: Path) -> None:
    """Where the file system knows no locks, `filelock` waits for ever, or trusts files that a killed process leaves."""
    with file.open("ab") as trial:
        if fcntl:
            with suppress(BlockingIOError, PermissionError):  # another process holds it
                fcntl.flock(trial, fcntl.LOCK_EX | fcntl.LOCK_NB)
