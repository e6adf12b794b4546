"""Which stored runs are asked for: a chapter that is executed notes them, and no other run can change what it shows."""

import os
from pathlib import Path

NOTE = "MER_ASKED"  # of the environment: the file to note them in, if anybody wants to know


def ask(run: str) -> None:
    """Somebody looks for this folder of `results/`, whether it is there or not."""
    if place := os.environ.get(NOTE):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(f"{run}\n")


def asked(place: Path) -> list[str]:
    """The runs that were noted in a file, each once."""
    return sorted(set(place.read_text(encoding="utf-8").split())) if place.exists() else []
