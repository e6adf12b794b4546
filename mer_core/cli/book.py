"""Commands that make, check and hand out the book."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mer_core.cli.app import app
from mer_core.place import find_root

if TYPE_CHECKING:
    pass

Jobs = Annotated[int, typer.Option(min=1, help="Chapters at a time.")]
Chapters = Annotated[list[str] | None, typer.Argument(help="Their names (mol scores); default: all.")]
Listed = Annotated[
    bool, typer.Option("--list", help="Say which chapters would be executed, and why; do nothing.")
]
CORES = os.cpu_count() or 1


@app.command()
def book(
    jobs: Jobs = CORES,
    stored: Annotated[bool, typer.Option(help="Show the stored outputs; execute nothing.")] = False,
    only_list: Listed = False,
) -> None:
    """Execute the chapters that changed and build the pages.

    Example: mer book --stored
    """
    from mer_core.book.build import build, to_execute

    if only_list:
        return print("\n".join(to_execute(find_root())))
    print(f"The book is ready: {build(find_root(), jobs, stored=stored)}")


@app.command()
def chapters(names: Chapters = None, jobs: Jobs = CORES) -> None:
    """Execute the chapters that changed and store their outputs: what `mer verify` will hold them to."""
    from mer_core.book.build import store

    store(find_root(), jobs, names or ())


@app.command()
def verify(
    names: Chapters = None,
    jobs: Jobs = CORES,
    force: Annotated[bool, typer.Option("--force", help="Those that passed before, too.")] = False,
    only_list: Listed = False,
) -> None:
    """Execute the chapters that changed and compare their outputs with the stored ones.

    Example: mer verify --force scores
    """
    from mer_core.book.build import to_verify
    from mer_core.book.build import verify as verify_chapters

    if only_list:
        return print("\n".join(to_verify(find_root(), names or (), force=force)))
    verify_chapters(find_root(), jobs, names or (), force=force)


@app.command()
def kernels(
    names: Annotated[
        list[str] | None, typer.Argument(help="Chapters (mol), places of tests (tests/vision); default: all.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="threads, avx2, avx512, old; or numpy-old …: one library's.")
    ] = None,
    jobs: Jobs = CORES,
) -> None:
    """Check chapters and tests under other kernels of this machine; an interrupted call goes on.

    Example: mer kernels inflate --only numpy --only threads
    """
    from mer_core.book.kernels import examine

    print(examine(find_root(), jobs, names or (), only or ()))


@app.command()
def student(
    names: Chapters = None,
    out: Annotated[Path, typer.Option(help="Folder of the notebooks to hand out.")] = Path("student"),
) -> None:
    """Chapters for a class: without outputs, and an empty cell in the place of each solution.

    Example: mer student scores mol
    """
    from mer_core.book.student import hand_out

    print("\n".join(map(str, hand_out(find_root(), out, names or ()))))


@app.command("print")
def print_(
    names: Chapters = None,
    out: Annotated[Path, typer.Option(help="Folder of the PDFs.")] = Path("paper"),
    slides: Annotated[bool, typer.Option("--slides", help="Landscape, a section a slide.")] = False,
    handout: Annotated[bool, typer.Option("--handout", help="Without solutions.")] = False,
) -> None:
    """Chapters as PDFs, with their stored outputs, by an installed Chromium or Chrome.

    Example: mer print scores --handout
    """
    from mer_core.book.paper import print_chapters

    looks = [look for look, asked in {"slides": slides, "handout": handout}.items() if asked]
    print("\n".join(map(str, print_chapters(find_root(), out, names or (), looks))))


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of this machine only.")] = 8000,
) -> None:
    """Show the built book at a local address."""
    from contextlib import suppress

    from mer_core.book.serve import server

    shown = server(find_root() / "_build" / "html", port)
    print(f"The book is at http://localhost:{port} (stop with Ctrl-C)", flush=True)
    with suppress(KeyboardInterrupt):
        shown.serve_forever()
