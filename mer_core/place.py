"""Where the book lies: found from the working directory, since the package may be installed anywhere."""

from pathlib import Path


class BookError(RuntimeError):
    """The book can't be made; the message names the chapter and what to do."""


def find_root(start: Path | None = None) -> Path:
    """The folder of the book: the nearest one upwards that holds `_toc.yml`."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "_toc.yml").exists():
            return folder
    raise BookError(f"There is no book here: neither {start} nor a folder above it holds _toc.yml.")
