"""The plan of the house: which room may use which, and that no way through its modules leads back."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from mer_core.code import HOMES, PACKAGE, imported

# From the ground up; what is in no room, single files beside them, is the ground that all of them stand on.
PLAN = {
    "clips": "",
    "protocols": "",
    "vision": "clips",
    "faces": "vision clips",
    "methods": "vision clips",
    "corpora": "methods faces vision protocols clips",  # methods: whose view is prepared
    "training": "corpora methods faces vision protocols clips",
    "scoring": "protocols",
    "ledger": "scoring training corpora methods protocols clips",
    "figures": "ledger scoring faces vision clips",
    "studies": "figures ledger scoring training corpora methods faces vision protocols clips",
    "prediction": "studies figures ledger scoring training corpora methods faces vision protocols clips",
    "book": "studies figures ledger scoring training corpora methods faces vision protocols clips",
    "start": "cli corpora",
    "cli": "book prediction studies ledger scoring training corpora methods protocols clips",
}
FACE = "__init__.py"  # names what a script begins with, from any room: a table of contents leads on, it uses nothing


def room(file: str) -> str:
    """`methods/fdp.py` → `methods`; `locks.py` → `the ground`."""
    name = Path(file).parts[0].removesuffix(".py")
    return name if name in PLAN else "the ground"


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """Which module imports which, late imports too."""

    def name(file: Path) -> str:
        return file.relative_to(PACKAGE).as_posix()

    files = {name(file): file for file in PACKAGE.rglob("*.py") if name(file) != FACE}
    found = {name: imported(file.read_bytes(), HOMES, file.parent) for name, file in files.items()}
    return {name_: {name(file) for file in used} - {name_, FACE} for name_, used in found.items()}


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_way_through_the_modules_leads_back(arrows):
    assert circle(arrows) == []


def test_the_plan_leads_nowhere_back_and_knows_every_room(arrows):
    assert circle({name: {*uses.split()} for name, uses in PLAN.items()}) == []
    assert {Path(name).parts[0] for name in arrows if "/" in name} <= PLAN.keys()


def test_a_circle_would_be_found(arrows):
    assert circle({**arrows, "clips.py": {"methods/fdp.py"}})


@pytest.mark.parametrize("name", [*PLAN, "the ground"])
def test_a_room_uses_what_the_plan_says(arrows, name):
    may = {name, "the ground", *PLAN.get(name, "").split()}
    wrong = {
        f"{file} → {used}"
        for file, uses in arrows.items()
        for used in uses
        if room(file) == name and room(used) not in may
    }
    assert wrong == set(), "draw the arrow the other way, or move what is used further down"
