"""Stored results, found by name: from inside a chapter, and from the command line."""

from pathlib import Path

import mer_core
from mer_core.asked import ask
from mer_core.ledger.stored import stored_runs
from mer_core.training import Run, RunError

BESIDE = Path(mer_core.__file__).parents[1] / "results"
RESULTS = (
    BESIDE if BESIDE.is_dir() else Path("results")
)  # of the book, from anywhere; or of the working directory


def find_run(name: str) -> Run | None:
    """A run of `results/`, if it is there."""
    ask(name)
    return Run(RESULTS / name) if (RESULTS / name / "run.json").exists() else None


def stored_run(name: str) -> Run:
    """A run of `results/`; an error that lists those there are."""
    if found := find_run(name):
        return found
    there_are = ", ".join(run.name for run in stored_runs(RESULTS)) or f"none in {RESULTS.resolve()}"
    raise ValueError(f"There is no stored run {name!r}; there are {there_are}.")


def find_results() -> Path:
    """The `results/` of the book, or the nearest one from here upwards, or the one that this folder would have."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").exists() or (folder / "results").is_dir():
            return folder / "results"
    return here / "results"


def open_run(place: Path | str) -> Run:
    """A run by its folder, or a stored one by its short name: `runs/mine`, `results/fdp/mean`, `fdp/mean`."""
    folders = [Path(place), find_results() / place, RESULTS / place]
    if found := next((folder for folder in folders if (folder / "run.json").exists()), None):
        return Run(found)
    if Path(place).exists():
        return Run.open(place)
    lists = sorted({run.folder.parent.name for run in stored_runs(find_results())})
    names = (
        f"; a stored run is named as in index.csv there, and its lists are {', '.join(lists)}"
        if lists
        else ""
    )
    raise RunError(
        f"There is no run {place}: neither a folder with a run.json, nor in {find_results()}{names}."
    )
