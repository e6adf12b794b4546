"""A kill before every call that changes the file system: what is left each time must be whole, old or new.

A process that is killed writes no more. So from the chosen call on, every one of them raises, those of `finally` and of
`with` too; and a file that was being written at that moment may be there empty, or half. Only calls of this process
that lie under the folder are counted: native writers (pyarrow's own) are seen if Python opened the file for them.

    for kill in kills(before, tmp_path / "work", lambda folder: store(folder / "run")):
        assert readable(kill.folder / "run"), kill
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CUTS = (None, 0.0, 0.5)  # of the file that is being written: whole, empty, half


class Killed(BaseException):
    """The process is dead: nobody catches this, as nobody catches SIGKILL."""


@dataclass
class Kill:
    """A process that dies before its `number`-th call; the file that it was writing is cut."""

    folder: Path
    number: int
    cut: float | None
    calls: int = 0
    call: str = ""  # that it died before; empty: it died at its very end, or not at all
    writing: Path | None = None

    def __str__(self) -> str:
        return f"killed before {self.call or 'its end'} (call {self.number}), the last file cut to {self.cut}"

    def see(self, event: str, args: tuple) -> None:
        """An audit event: the death itself, or one after it, raises."""
        if not _changes(event, args, self.folder):
            return
        self.calls += 1
        if self.calls >= self.number:
            self.call = self.call or f"{event} {', '.join(map(str, args))}"
            raise Killed(self.call)
        self.writing = Path(os.fsdecode(args[0])) if event == "open" else None

    def cut_file(self) -> None:
        """What was being written when it died: some of it was still in memory."""
        if self.cut is not None and self.writing.is_file():
            os.truncate(self.writing, int(self.writing.stat().st_size * self.cut))


def kills(before: Path, work: Path, act: Callable[[Path], object]) -> Iterator[Kill]:
    """Every death of `act` on a copy of the folder `before`, each in a folder of its own under `work`."""
    for cut in CUTS:
        for number in count(1):
            kill = Kill(shutil.copytree(before, work / f"{number}-{cut}"), number, cut)
            with suppress(Killed):
                _run(kill, act)
            if kill.writing if cut is not None else kill.call:
                kill.cut_file()
                yield kill
            if not kill.call:
                break
    assert number > 1, "it changed nothing in its folder: there was nothing to kill"


def _run(kill: Kill, act: Callable[[Path], object]) -> None:
    _dying.append(kill)
    try:
        act(kill.folder)
    finally:
        _dying.clear()


def _changes(event: str, args: tuple, folder: Path) -> bool:
    if event != "open" and event not in CHANGES:
        return False
    if event == "open" and (isinstance(args[0], int) or not args[2] & TO_WRITE):
        return False
    path = Path(os.fsdecode(args[0]))
    return not path.is_absolute() or path.is_relative_to(folder)  # relative: to a folder that is open


_dying: list[Kill] = []


def _hook(event: str, args: tuple) -> None:
    if _dying:
        _dying[0].see(event, args)


sys.addaudithook(_hook)  # for good: no hook can be taken out
