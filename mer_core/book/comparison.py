"""What a cell shows, compared number by number with what its code computes.

Everything is compared: printed text, sentences, tables of HTML, and of figures the data, the words and the pixels.
Where nothing else is said, it must be equal (floats of figures and pixels but for rounding). A cell whose numbers
depend on a training run or on an estimate says in its metadata how far they may move, and why::

    "tolerance": {"absolute": 0.02, "reason": "one grey level more or less on another processor"}

It holds for decimals, percentages and the numbers of figures; `Tolerance` says what else may be stated.
"""

import base64
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import zip_longest

import cv2
import numpy as np

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = (
    "application/vnd.jupyter.widget-view+json"  # the random name of a model; what it says is in text/plain
)
PIXELS = ("image/png", "image/jpeg", "image/gif", "image/webp")
PICTURE = re.compile(r"data:image/\w+;base64,([A-Za-z0-9+/=]+)")
# No number is in 1.2.3, in AU4 and in #0072B2.
NUMBER = re.compile(r"(?<![\w.#])[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?: ?%)?(?!\w|\.\d)")
ROUNDING = 1e-9  # 0.51 − 0.50 is above 0.01


@dataclass(frozen=True)
class Tolerance:
    """How far what a cell shows may be from what it computes.

    absolute: of decimals, percentages (0.02 is 2 %) and the numbers of figures.
    relative: of the numbers of figures beside that, as a share of the largest of their kind in the trace.
    counts: of whole numbers in text.
    pixels: of pictures, the mean difference in grey levels of the 8 × 8 pixels where it is largest.
    words: groups of words that stand for each other, `[["better", "worse"]]`, where a training decides which.
    any_words: a training decides what is said: only numbers are compared, and only if it is as many.
    reason: why.
    """

    absolute: float = 0.0
    relative: float = 1e-6  # the rounding of floats
    counts: int = 0
    pixels: float = 4.0  # what a lossy picture makes of one grey level: up to 3 were measured
    words: tuple[tuple[str, ...], ...] = ()
    any_words: bool = False
    reason: str = ""

    @classmethod
    def stated(cls, metadata: dict) -> "Tolerance":
        """What the metadata of a cell say; a name that means nothing is an error."""
        plain = metadata.get("tolerance", {})
        if unknown := set(plain) - {field.name for field in fields(cls)}:
            names = [field.name for field in fields(cls)]
            raise ValueError(f"A tolerance has no {sorted(unknown)}; it may state {names}.")
        return cls(**plain)

    def of(self, stored: str, computed: str) -> float:
        """How far two numbers of a text may be apart."""
        return self.absolute if re.search(r"[.%eE]", stored + computed) else self.counts


def differences(computed: list[dict], stored: list[dict], tolerance: Tolerance) -> list[str]:
    """A line for everything that a cell computed otherwise than it is stored.

    >>> shown, now = ([{"output_type": "stream", "name": "stdout", "text": f"UF1 {n}"}] for n in (0.53, 0.55))
    >>> differences(now, shown, Tolerance(absolute=0.01))
    ['UF1 stored 0.53, computed 0.55, tolerance 0.01']
    """
    new, old = shown(computed), shown(stored)
    if list(new) != list(old):
        return [f"stored are {', '.join(old) or 'no outputs'}; computed {', '.join(new) or 'none'}"]
    return [line for place in old for line in _compare(place, new[place], old[place], tolerance)]


def shown(outputs: list[dict]) -> dict[str, object]:
    """What each output holds, by its place: `stdout`, or its number and type. A warning of some machine is none."""
    outputs = [output for output in outputs if output.get("name") != "stderr"]
    found: dict[str, object] = {}
    for number, output in enumerate(joined(outputs), start=1):
        if output["output_type"] == "stream":
            found[output["name"]] = output["text"]
        elif output["output_type"] == "error":
            found[f"error {output['ename']}"] = output["evalue"]
        else:
            kinds = sorted(set(output["data"]) - {WIDGET})
            found |= {
                f"output {number}, {_name(kind)}": _content(kind, output["data"][kind]) for kind in kinds
            }
    return found


def _name(kind: str) -> str:
    return "figure" if kind == PLOTLY else kind


def _content(kind: str, data: object) -> object:
    """A picture as it would stand in a figure."""
    return f"data:{kind};base64,{''.join(data.split())}" if kind in PIXELS else data


def joined(outputs: list[dict]) -> list[dict]:
    """All that was written to a stream in one output, at the place of its first piece."""
    streams: dict[str, dict] = {}
    made = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        made.append(type(output)(output))
        if output["output_type"] == "stream":
            streams[output["name"]] = made[-1]
    return made


def _compare(place: str, new: object, old: object, tolerance: Tolerance) -> Iterator[str]:
    if isinstance(old, str) and isinstance(new, str):
        yield from _texts("" if place == "stdout" else place, new, old, tolerance)
    else:
        yield from _trees(place, new, old, tolerance)


# Text


def _texts(place: str, new: str, old: str, tolerance: Tolerance) -> Iterator[str]:
    if new == old:
        return
    yield from _pictures(place, PICTURE.findall(new), PICTURE.findall(old), tolerance)
    new, old = (PICTURE.sub("picture", text) for text in (new, old))
    if _words(new, tolerance) == _words(old, tolerance):
        yield from _moved(place, new, old, tolerance)
    elif not tolerance.any_words:
        yield f"{place} {_first_other_line(new, old)}".strip()


def _words(text: str, tolerance: Tolerance) -> list[list[str]]:
    """What stands before, between and after the numbers; a sign or a digit more may have moved a column."""
    for group in tolerance.words:
        longest_first = sorted(group, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), group[0], text)
    return [[] if tolerance.any_words else part.split() for part in NUMBER.split(text)]


def _moved(place: str, new: str, old: str, tolerance: Tolerance) -> Iterator[str]:
    """The numbers that are too far apart, each with the words before it."""
    for now, before in zip(NUMBER.finditer(new), NUMBER.finditer(old), strict=True):
        limit = tolerance.of(before[0], now[0])
        is_near = abs(_value(now[0]) - _value(before[0])) <= limit + ROUNDING
        if not (is_near if limit else _digits(now[0]) == _digits(before[0])):
            words = " ".join(old[: before.start()].split("\n")[-1].split()[-8:])
            found = f"{place} {words} stored {before[0]}, computed {now[0]}, tolerance {limit:g}"
            yield " ".join(found.split())


def _value(number: str) -> float:
    number = number.replace("−", "-")
    return float(number.rstrip("% ")) / (100 if "%" in number else 1)


def _digits(number: str) -> str:
    """The number as it is written; but −0.00 is 0.00, and a plus is no other number."""
    return number.lstrip("+") if _value(number) else number.lstrip("+-−")


def _first_other_line(new: str, old: str) -> str:
    lines = zip_longest(old.splitlines(), new.splitlines(), fillvalue="")
    before, now = next(pair for pair in lines if pair[0] != pair[1])
    first = next(i for i, (a, b) in enumerate(zip_longest(before, now)) if a != b)
    start = max(0, first - 60)  # a sentence, or a table, may be one long line
    return f"stored {before[start : start + 120]!r}, computed {now[start : start + 120]!r}"


# Figures: trees of lists and names


def _trees(place: str, new: object, old: object, tolerance: Tolerance) -> Iterator[str]:
    now, before = dict(_leaves(new)), dict(_leaves(old))
    if now.keys() != before.keys():
        others = sorted(now.keys() ^ before.keys())
        yield f"{place}: {others[0]} and {len(others) - 1} more stand in only one of stored and computed"
        return
    largest = _largest(before)
    for path, value in before.items():
        yield from _values(f"{place} {path}", now[path], value, largest.get(_kind(path), 0.0), tolerance)


def _values(place: str, new: object, old: object, largest: float, tolerance: Tolerance) -> Iterator[str]:
    if isinstance(new, str) and isinstance(old, str):
        yield from _texts(place, new, old, tolerance)
    elif _is_number(new) and _is_number(old):
        limit = tolerance.absolute + tolerance.relative * largest
        if abs(new - old) > limit * (1 + ROUNDING) and not (math.isnan(new) and math.isnan(old)):
            yield f"{place} stored {old:g}, computed {new:g}, tolerance {limit:.2g}"
    elif new != old:
        yield f"{place} stored {old}, computed {new}"


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and "bdata" in value:  # Plotly's typed arrays
        array = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        value = array.reshape([int(n) for n in str(value.get("shape", -1)).split(",")]).tolist()
    if isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name], f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        yield f"{path}[]", f"{len(value)} values"
        for number, one in enumerate(value):
            yield from _leaves(one, f"{path}[{number}]")
    else:
        yield path, value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(path: str) -> str:
    """`data[0].y[3]` and `data[0].y[4]` are of one kind, `data[1].y[3]` is of another."""
    trace, _, rest = path.partition("].") if path.startswith(("data[", "frames[")) else ("", "", path)
    return trace + re.sub(r"\[\d+\]", "[]", rest)


def _largest(leaves: dict[str, object]) -> dict[str, float]:
    found: dict[str, float] = {}
    for path, value in leaves.items():
        if _is_number(value) and math.isfinite(value):
            found[_kind(path)] = max(found.get(_kind(path), 0.0), abs(value))
    return found


# Pictures


def _pictures(place: str, new: list[str], old: list[str], tolerance: Tolerance) -> Iterator[str]:
    for number, (now, before) in enumerate(zip(new, old, strict=False), start=1):
        if now != before and (apart := _grey_levels(now, before)) > tolerance.pixels:
            yield f"{place} picture {number}: {apart:.2f} grey levels apart, tolerance {tolerance.pixels:g}".strip()


def _grey_levels(new: str, old: str) -> float:
    """The largest mean difference of 8 × 8 pixels of two pictures; infinite if they can't be compared."""
    frames = [_decoded(text) for text in (new, old)]
    if not all(frames) or [one.shape for one in frames[0]] != [one.shape for one in frames[1]]:
        return math.inf
    apart = (cv2.absdiff(*pair).astype(np.float32) for pair in zip(*frames, strict=True))
    return max(float(cv2.blur(one.reshape(*one.shape[:2], -1).mean(axis=2), (8, 8)).max()) for one in apart)


def _decoded(text: str) -> list[np.ndarray]:
    try:
        data = np.frombuffer(base64.b64decode(text), np.uint8)
        is_read, frames = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED)
    except (ValueError, cv2.error):  # no base64, or nothing in it
        return []
    return list(frames) if is_read else []
