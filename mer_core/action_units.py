"""Action units as coders write them in a cell of a label table.

    cell   = part, { ("+" | ","), part }                                           4+L10    4+6,24
    part   = choice | "ref(", cell, ")"                                            7B+ref(43)
    choice = unit, { or, unit }, in brackets or not                                12 or 14    (R6 or R12)+R15
    unit   = [ side, { or, side } ], number, [ intensity, { or, intensity } ]      R12A    T18    A/L12    10A/B
    or     = "or" | "/"

What a coder refers to is a unit like any other. Letters between which a coder did not choose, A/L12, leave open how a
unit was seen, not whether: it is one. Whatever does not fit is a remark: never a wrong unit, and never lost.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal

import pandas as pd

SIDES = {"L": "left", "R": "right", "T": "top", "B": "bottom", "A": "asymmetric"}
LETTERS = {side: letter for letter, side in SIDES.items()}
# Codes of the Facial Action Coding System: movements of face, head and eyes, then what can't be seen or is gross.
CODES = frozenset([*range(1, 75), 80, 81, 82, 84, 85, 91, 92, 97, 98])
NOTHING = {"", "?", "null", "nan", "none", "-", "/"}

OR = r" ?(?:[oO][rR]|/) ?"
# A letter after a number is its intensity, unless another number follows: then it is the side of that one.
UNIT = rf"(?:([LRTBA](?:{OR}[LRTBA])*) ?)?([0-9]{{1,2}})(?: ?([A-E](?:{OR}[A-E])*)(?! ?[0-9]))?"
CHOICE = rf"{UNIT}(?:{OR}{UNIT})*"
REFERENCE = re.compile(r"ref ?\(([^()]*)\)", re.IGNORECASE)
FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}  # what a Chinese keyboard writes: ，（）＋


@dataclass(frozen=True)
class ActionUnit:
    """One movement: its number in the Facial Action Coding System, and how it was seen."""

    number: int
    side: str | None = None  # left, right, top, bottom, asymmetric, or two with "/"; None: both sides alike
    intensity: str | None = None  # A, a trace, to E, the most there is; A/B: either
    alternative: int | None = None  # of the units with the same number here one was there; None: certain

    def __str__(self) -> str:
        sides = self.side.split("/") if self.side else []
        return f"{'/'.join(LETTERS[side] for side in sides)}{self.number}{self.intensity or ''}"


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
    for piece in _pieces(_text(cell)):
        choice = _choice(piece)
        if len(choice) > 1:
            groups += 1
            choice = [replace(unit, alternative=groups) for unit in choice]
        units += choice
        remarks += [] if choice else [piece]
    return units, remarks


def _text(cell: object) -> str:
    """A cell as text with single blanks; a number without exponent, whose + would look like another unit."""
    if isinstance(cell, str):
        said = " ".join(cell.translate(FULL_WIDTH).split())
        return "" if said.lower() in NOTHING else said
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, Real) and not isinstance(cell, bool):
        return "" if cell != cell else f"{cell:f}".rstrip("0").rstrip(".")
    raise TypeError(f"Expected text or a number with action units, got {cell!r}.")


def _pieces(said: str) -> list[str]:
    """The cell cut at each + and comma that stands in no bracket; what is referred to is cut likewise."""
    referred = [(piece, REFERENCE.fullmatch(piece)) for piece in _cut(said)]
    return [part for piece, match in referred for part in (match and _cut(match[1])) or [piece]]


def _cut(said: str) -> list[str]:
    pieces, depth = [""], 0
    for letter in said:
        depth = max(0, depth + (letter == "(") - (letter == ")"))
        if letter in "+,;、" and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces if piece.strip()]


def _choice(piece: str) -> list[ActionUnit]:
    """The units of a piece, of which one was there; none where any part of it is something else."""
    inner = piece[1:-1].strip() if piece.startswith("(") and piece.endswith(")") else piece
    if not re.fullmatch(CHOICE, inner):
        return []
    found = re.finditer(rf"(?:^|{OR}){UNIT}", inner)
    units = [_unit(*match.groups()) for match in found]
    return units if all(unit.number in CODES for unit in units) else []


def _unit(sides: str | None, number: str, intensity: str | None) -> ActionUnit:
    """`A/L12` is 12, asymmetric or left; `10A/B` is 10, a trace or slight."""
    side = "/".join(SIDES[letter] for letter in re.split(OR, sides)) if sides else None
    return ActionUnit(int(number), side, "/".join(re.split(OR, intensity)) if intensity else None)


def to_text(units: Sequence[ActionUnit]) -> str:
    """Units as a cell in one spelling: `4+L10`, `(12 or 14)`."""
    said = [[str(unit) for unit in group] for group in _groups(units)]
    return "+".join(group[0] if len(group) == 1 else f"({' or '.join(group)})" for group in said)


def resolve(
    units: Sequence[ActionUnit], choose: Literal["first", "all"] | Mapping[int, str] = "first"
) -> list[ActionUnit]:
    """The units without alternatives: of each the first, all of them, or the one that is named.

    >>> to_text(resolve(parse_action_units("(R6 or R12)+R15"), {1: "R12"}))
    'R12+R15'
    """
    groups = _groups(units)
    if isinstance(choose, Mapping):
        choose = _checked(choose, groups)
    elif choose not in ("first", "all"):
        raise ValueError(f"Expected first, all, or a unit for each alternative, got {choose!r}.")
    return [replace(unit, alternative=None) for group in groups for unit in _chosen(group, choose)]


def _groups(units: Sequence[ActionUnit]) -> list[list[ActionUnit]]:
    """Alternatives stand together, a certain unit alone, in the order of the cell."""
    groups: dict[tuple[str, int], list[ActionUnit]] = {}
    for place, unit in enumerate(units):
        is_certain = unit.alternative is None
        groups.setdefault(("certain", place) if is_certain else ("either", unit.alternative), []).append(unit)
    return list(groups.values())


def _checked(choose: Mapping[int, str], groups: list[list[ActionUnit]]) -> Mapping[int, str]:
    known = {group[0].alternative: [str(u) for u in group] for group in groups if group[0].alternative}
    if choose.keys() != known.keys() or any(choose[n] not in said for n, said in known.items()):
        wanted = "; ".join(f"{n}: {' or '.join(said)}" for n, said in known.items()) or "none"
        raise ValueError(f"Expected a unit for each alternative ({wanted}), got {dict(choose)}.")
    return choose


def _chosen(group: list[ActionUnit], choose: str | Mapping[int, str]) -> list[ActionUnit]:
    if isinstance(choose, Mapping) and group[0].alternative is not None:
        return [unit for unit in group if str(unit) == choose[unit.alternative]][:1]
    return group if choose == "all" else group[:1]
