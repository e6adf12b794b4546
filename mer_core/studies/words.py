"""Small words of sentences that are made of numbers."""

from collections.abc import Iterable

SCORES = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy", "weighted_f1": "weighted F1"}


def listing(names: Iterable[object], none: str = "none") -> str:
    """Names in a row; of nothing the word for it.

    >>> listing(["a"]), listing(["a", "b", "c"]), listing([])
    ('a', 'a, b and c', 'none')
    """
    *rest, end = [str(name) for name in names] or [none]
    return f"{', '.join(rest)} and {end}" if rest else end


def starred(names: Iterable[object], none: str = "none") -> str:
    """The same, each in italics."""
    return listing([f"*{name}*" for name in names], none)
