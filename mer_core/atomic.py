"""Files and folders that are there whole or not at all, at whatever moment their writer is killed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def unfinished(path: Path) -> Path:
    """What a file is called while it is written."""
    return path.with_name(f".{path.name}.unfinished")


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, or in that of an older one; an error leaves the older one, and nothing beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished(path).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # on the disk before it gets its name
        unfinished(path).replace(path)
    except OSError:
        unfinished(path).unlink(missing_ok=True)
        raise


@contextmanager
def folder(place: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes the place of this one when it is full, and an error leaves all as it was."""
    recover(place)
    new, old = _work(place) / "new", _work(place) / "old"
    new.mkdir(parents=True)
    try:
        yield new
        if place.exists():
            place.rename(old)
        new.rename(place)
    finally:
        recover(place)


def recover(place: Path) -> None:
    """What a killed `folder` left: the older one gets its name back, unless the new one has it; the rest goes."""
    old = _work(place) / "old"
    if old.exists():
        old.rename(_work(place) / "gone" if place.exists() else place)  # what is half-deleted has no name
    shutil.rmtree(_work(place), ignore_errors=True)


def _work(place: Path) -> Path:
    """A level deeper than folders lie, so that nobody who lists them finds a second one."""
    return place.with_name(f".{place.name}.unfinished")
