"""Worker processes that need nothing of the script that asked for them, and end with it.

A spawned process begins by executing the main module of its parent. A script without `if __name__ == "__main__":` would
start all over in each of them, and one that came through a pipe is nowhere to be found. So ours leave the main module
alone. Only if a task comes from there (a method of your own, in your own script) do they execute it, as far as the line
where work begins. Where there is no such file, as in a notebook, the work is done in the process itself.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from multiprocessing import current_process, parent_process, spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class WorkerDied(RuntimeError):
    """A worker ended without a word: killed, or out of memory."""


def distribute(
    task: Callable[[Item], Made], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Made]]:
    """Every item and what the task makes of it, as soon as it is made; one worker is this process itself.

    After an error, or Ctrl-C, nobody waits for the rest: the workers are ended.
    """
    begin()
    alone = min(workers, len(items)) < 2 or current_process().daemon  # such a one may have no children
    script = None if alone else _script(task)
    if alone or (script and not script.is_file()):
        yield from ((item, task(item)) for item in items)
        return
    context = _Context()
    pool = ProcessPoolExecutor(min(workers, len(items)), context, _start, (script,))
    try:
        started = {pool.submit(task, item): item for item in items}
        for future in as_completed(started):
            yield started[future], future.result()
    except BrokenProcessPool:
        raise WorkerDied("A worker died.") from None
    except BaseException:
        context.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


# How many


_most: ContextVar[int | None] = ContextVar("_most", default=None)


@contextmanager
def at_most(workers: int | None) -> Iterator[None]:
    """Whatever is done here takes that many processes by itself; None: one a core."""
    before = _most.set(workers)
    try:
        yield
    finally:
        _most.reset(before)


def cores() -> int:
    """Processes that work takes by itself."""
    return _most.get() or os.cpu_count() or 1


# The script


def begin() -> None:
    """Said where work begins: a worker that executes a script for the sake of a class goes no further."""
    if _is_loading:
        raise _Begins


class _Begins(BaseException):
    """Work begins here, and it is the parent's: not for `except Exception`."""


_is_loading = False


def _script(task: object) -> Path | None:
    """Where a worker finds what the task is made of; none if it comes from modules."""
    if b"__main__" not in bytes(ForkingPickler.dumps(task)):
        return None
    return Path(getattr(sys.modules["__main__"], "__file__", None) or "<nowhere>").absolute()


def _load(script: Path) -> None:
    """Execute it up to where work begins; what it has defined by then can be unpickled."""
    global _is_loading
    loader = SourceFileLoader("__mp_main__", str(script))
    spec = spec_from_loader("__mp_main__", loader)
    assert spec, "a loader of a file has a specification"
    module = module_from_spec(spec)
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    _is_loading = True
    with suppress(_Begins):
        loader.exec_module(module)
    _is_loading = False


# The processes


class _Worker(SpawnProcess):
    """Started without the main module, and deaf to Ctrl-C until `_start`: while it imports, that would be a stack."""

    @staticmethod
    def _Popen(process: SpawnProcess) -> object:  # type: ignore[override]  # the hook by which CPython starts one
        with _without_main(), _without_interrupt():
            return SpawnProcess._Popen(process)


class _Context(SpawnContext):
    """Remembers whom it started."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[_Worker] = []

    def Process(self, **options: Any) -> _Worker:  # type: ignore[override]  # there it is an attribute, a class
        """One more."""
        self._started.append(_Worker(**options))
        return self._started[-1]

    def kill(self) -> None:
        """What they are at is lost; what they have given back or written is not."""
        for worker in self._started:
            if worker.is_alive():
                worker.kill()


_preparing = Lock()


@contextmanager
def _without_main() -> Iterator[None]:
    """Children that are started here are not told of the main module."""
    with _preparing:
        whole = spawn.get_preparation_data
        spawn.get_preparation_data = lambda name: {
            key: value for key, value in whole(name).items() if not key.startswith("init_main")
        }
        try:
            yield
        finally:
            spawn.get_preparation_data = whole


@contextmanager
def _without_interrupt() -> Iterator[None]:
    """Children that are started here do not hear Ctrl-C; it waits for them. (Windows knows no such thing.)"""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(script: Path | None) -> None:
    """A worker ends with its parent, even if that is killed, and without a stack when Ctrl-C stops both."""
    Thread(target=_watch_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _most.set(1)
    if script:
        _load(script)


def _watch_parent() -> None:
    if parent := parent_process():
        parent.join()
    os._exit(1)
