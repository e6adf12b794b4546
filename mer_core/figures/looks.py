"""One colour and one symbol a method in the whole book, as the lists of experiments say."""

from functools import lru_cache

from mer_core.figures.style import QUIET
from mer_core.ledger.experiments import listed

UNKNOWN = (QUIET, "circle")  # of what is no main row


@lru_cache
def looks() -> dict[str, tuple[str, str]]:
    """Colour and symbol of each main row, by its label. Relatives share a colour, nobody shares both."""
    return {row.label: row.look for row in listed(main=True).values()}


def look(label: str) -> tuple[str, str]:
    """Colour and symbol of a method; grey if it is no main row.

    >>> look("STSTNet")
    ('#E69F00', 'square')
    """
    return looks().get(label, UNKNOWN)
