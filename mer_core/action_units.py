"""Action units as coders write them in a cell of a label table.

    units   = choice, { ("+" | ","), choice }          4+L10        4+6,24
    choice  = unit, { ("or" | "/"), unit }             12 or 14     (R6 or R12)     A/L12     10A/B
    unit    = [ side ], number, [ intensity ]          R12A         T18             7D

Whatever does not fit is a remark: never a wrong unit, and never lost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

SIDES = {"L": "left", "R": "right", "T": "top", "B": "bottom", "A": "asymmetric"}
LARGEST = 98  # the largest code of the Facial Action Coding System
UNIT = re.compile(r"([LRTBA])?\s*([0-9]{1,2})\s*([A-E])?")
NOTHING = {"", "?", "null", "nan", "none", "-", "/"}


@dataclass(frozen=True)
class ActionUnit:
    """One movement: its number in the Facial Action Coding System, and how it was seen."""

    number: int
    side: str | None = None  # left, right, top, bottom, asymmetric; None: both sides alike
    intensity: str | None = None  # A, a trace, to E, the most there is
    alternative: int | None = None  # units of one number: only one of them was there; None: certain

    def __str__(self) -> str:
        letter = next((letter for letter, side in SIDES.items() if side == self.side), "")
        return f"{letter}{self.number}{self.intensity or ''}"


def parse_action_units(cell: object) -> list[ActionUnit]:
    """The units in a cell of text or a number; an empty cell has none.

    >>> [str(unit) for unit in parse_action_units("4+L10")]
    ['4', 'L10']
    >>> [(unit.number, unit.alternative) for unit in parse_action_units("(R6 or R12)+R15")]
    [(6, 1), (12, 1), (15, None)]
    """
    return read_action_units(cell)[0]


def read_action_units(cell: object) -> tuple[list[ActionUnit], list[str]]:
    """The units in a cell, and what stands there beside them.

    >>> read_action_units("R14+17+soft focus")[1]
    ['soft focus']
    """
    units: list[ActionUnit] = []
    remarks: list[str] = []
    groups = 0
    for piece in _pieces(cell):
        choice = _choice(piece)
        if not choice:
            remarks.append(piece)
        elif len(choice) > 1:
            groups += 1
            units += [replace(unit, alternative=groups) for unit in choice]
        else:
            units += choice
    return units, remarks


def _pieces(cell: object) -> list[str]:
    said = _text(cell)
    return (
        [] if said.lower() in NOTHING else [p for piece in re.split(r"[+,，;]", said) if (p := piece.strip())]
    )


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if cell is None or (np.isscalar(cell) and pd.isna(cell)) or cell is pd.NA:
        return ""
    try:
        return f"{cell:g}"
    except (TypeError, ValueError):
        raise TypeError(f"Expected text or a number with action units, got {cell!r}.") from None


def _choice(piece: str) -> list[ActionUnit]:
    """The units of a piece, of which one was there; none where any part of it is something else."""
    inner = piece[1:-1] if piece.startswith("(") and piece.endswith(")") else piece
    parts = [part.strip() for part in re.split(r"or|/", inner)]
    units = [_unit(part) for part in _completed(parts)]
    return [] if None in units else units


def _completed(parts: list[str]) -> list[str]:
    """`A/L12` is A12 or L12, `10A/B` is 10A or 10B: a lone letter borrows its neighbour's number."""
    for i, part in enumerate(parts):
        if part in SIDES and i + 1 < len(parts) and (match := UNIT.fullmatch(parts[i + 1])):
            parts[i] = f"{part}{match[2]}{match[3] or ''}"
        elif re.fullmatch("[A-E]", part) and i and (match := UNIT.fullmatch(parts[i - 1])):
            parts[i] = f"{match[1] or ''}{match[2]}{part}"
    return parts


def _unit(part: str) -> ActionUnit | None:
    match = UNIT.fullmatch(part)
    if not match or not 1 <= int(match[2]) <= LARGEST:
        return None
    return ActionUnit(int(match[2]), SIDES.get(match[1]), match[3])


def to_text(units: Sequence[ActionUnit]) -> str:
    """Units as a cell in one spelling: 4+L10, (12 or 14)."""
    certain = [(i, str(unit)) for i, unit in enumerate(units) if unit.alternative is None]
    groups: dict[int, list[tuple[int, str]]] = {}
    for i, unit in enumerate(units):
        if unit.alternative is not None:
            groups.setdefault(unit.alternative, []).append((i, str(unit)))
    choices = [(found[0][0], f"({' or '.join(said for _, said in found)})") for found in groups.values()]
    return "+".join(said for _, said in sorted(certain + choices))
