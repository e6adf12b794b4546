"""The built book at an address of this machine: its files, and nothing else."""

import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from mer_core.book.contents import BookError

PORTS = range(1, 2**16)
PATIENCE = 30  # seconds that a silent caller may keep a thread


class Pages(SimpleHTTPRequestHandler):
    """Gives the files below its folder: no lists of folders, and no links that lead out."""

    timeout = PATIENCE

    def send_head(self) -> BinaryIO | None:
        """What GET and HEAD begin with; a page that is not there and one that is not the book's look alike."""
        place = Path(self.translate_path(self.path))
        page = place / "index.html" if place.is_dir() else place
        if page.is_file() and page.resolve().is_relative_to(Path(self.directory).resolve()):
            return super().send_head()
        self.send_error(HTTPStatus.NOT_FOUND, "The book has no such page")
        return None


class Server(ThreadingHTTPServer):
    """A reader who closes a page early is no error."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that broke."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def server(pages: Path, port: int) -> Server:
    """Bound to this machine alone; a port that can't be had is a `BookError` that names another."""
    if not (pages / "index.html").exists():
        raise BookError("The book is not built yet: `make book`.")
    try:
        return Server(("localhost", port), partial(Pages, directory=str(pages)))
    except OSError as error:
        another = port + 1 if 1024 <= port < PORTS[-1] else 8000  # below, a port is the system's
        raise BookError(f"Port {port}: {error.strerror}. Take another: mer serve --port {another}") from error
