"""The `mer` command."""

import os
import sys
from typing import Annotated

import typer

from mer_core.book.contents import BookError, find_root

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Jobs = Annotated[int, typer.Option(min=1, help="Chapters at a time.")]
CORES = os.cpu_count() or 1


@app.callback()
def mer() -> None:
    """Micro-expression recognition: the book that runs."""


@app.command()
def book(
    jobs: Jobs = CORES,
    stored: Annotated[bool, typer.Option(help="Show the stored outputs; execute nothing.")] = False,
) -> None:
    """Execute the chapters that changed and build the pages.

    Example: mer book --stored
    """
    from mer_core.book.build import build

    print(f"The book is ready: {build(find_root(), jobs, stored=stored)}")


@app.command()
def chapters(jobs: Jobs = CORES) -> None:
    """Execute the chapters that changed and store their outputs: what `mer verify` will hold them to."""
    from mer_core.book.build import store

    store(find_root(), jobs)


@app.command()
def verify(jobs: Jobs = CORES) -> None:
    """Execute the chapters that changed and compare their outputs with the stored ones."""
    from mer_core.book.build import verify as verify_chapters

    verify_chapters(find_root(), jobs)


@app.command()
def serve(port: Annotated[int, typer.Option(help="Of this machine only.")] = 8000) -> None:
    """Show the built book at a local address."""
    from contextlib import suppress
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    pages = find_root() / "_build" / "html"
    if not (pages / "index.html").exists():
        raise BookError("The book is not built yet: `make book`.")
    print(f"The book is at http://localhost:{port} (stop with Ctrl-C)")
    handler = partial(SimpleHTTPRequestHandler, directory=str(pages))
    with suppress(KeyboardInterrupt):
        ThreadingHTTPServer(("localhost", port), handler).serve_forever()


def main() -> None:
    """Run the command; what a user can mend ends with its message and exit code 1, not with a stack."""
    try:
        app()
    except (BookError, ValueError, FileNotFoundError) as error:
        sys.exit(f"mer: {error}")
