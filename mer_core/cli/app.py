"""The command itself, and the options that several of its parts share."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mer_core.version import __version__

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
DEBUG = "--debug"


def _say_version(asked: bool) -> None:
    if asked:
        print(f"mer_core {__version__}")
        raise typer.Exit


@app.callback()
def mer(
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the stack of what goes wrong.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say it, and no more.")
    ] = False,
) -> None:
    """Micro-expression recognition: the book that runs."""


Folder = Annotated[Path, typer.Argument(help="Folder of a run.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes here; default: one a core, or one that feeds a GPU.")
]
Engine = Annotated[str, typer.Option(help="local, or ray: a cluster, an extra: mer-core[ray].")]
Assigned = Annotated[list[str], typer.Option("--set", help="A setting of the method: --set epochs=10.")]


def assignments(texts: Sequence[str]) -> dict[str, object]:
    """`epochs=10` sets a number, `balance=false` a truth value, `schedule=cosine` a word."""
    made: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise ValueError(f"--set takes NAME=VALUE, not {text!r}.")
        try:
            made[name] = json.loads(value)
        except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
            made[name] = value
    return made
