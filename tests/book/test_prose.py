"""A number that was measured is computed where it is shown, and never typed.

What looks like a result is looked for in the prose of chapters and guides: decimals, percentages, counts of clips or
people, times. Left out is what is no prose (code, formulas, links), what an exercise gives, and a sentence with a
citation, whose numbers are those of its source. How sure we are of something is no result either: "80 % sure". Whatever
else may stand is in `prose_allowed.toml`, with its reason.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from mer_core.book.contents import chapters
from tests.book.tiny import ROOT

ALLOWED = tomllib.loads(Path(__file__).with_name("prose_allowed.toml").read_text())["allowed"]
PLACES = "*.md", "chapters/**/*.md", "data_scripts/*.md", "mer_core/**/*.md"
GUIDES = [path for place in PLACES for path in ROOT.glob(place)]
PAGES = [*chapters(ROOT), *sorted(path.relative_to(ROOT).as_posix() for path in GUIDES)]

NUMBER = r"(?<![\w.,^])(?:\d{1,3}(?:,\d{3})+|\d*\.?\d+)"
COUNTED = "clips|people|persons|subjects|samples|runs|labels|weights|parameters"
UNITS = "s|ms|min|h|seconds|minutes|hours|[kMG]B"
RESULT = re.compile(
    rf"(?<![\w.,^])\d*\.\d+(?![\w.]*\d)|{NUMBER}\s?%|{NUMBER} (?:{COUNTED})\b|{NUMBER}\s?(?:{UNITS})\b"
)
FENCE = re.compile(
    r"^(?P<marks>`{3,}|:{3,})(?P<kind>.*)\n(?P<inside>(?:.*\n)*?)(?P=marks)[ ]*$", re.MULTILINE
)
SPOKEN = re.compile(
    r"\{(?:admonition|list-table|note|tip|warning|important|dropdown)\}"
)  # directives with prose
GIVEN = re.compile(r"^```\{exercise-start\}.*?^```\{exercise-end\}", re.MULTILINE | re.DOTALL)
NO_PROSE = re.compile(
    r"\$\$.*?\$\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\$[^$\n]*\$"  # formulas
    r"|`+[^`]*`+|\]\([^)]*\)|https?://\S+|Python 3\.\d+|\d+ % sure|^Reading time.*?;",
    re.MULTILINE | re.DOTALL,
)


def typed(text: str) -> Iterator[tuple[str, str]]:
    """What looks like a result, and the sentence in which it stands.

    >>> list(typed("It reaches 0.53 here. A kernel of 3 has $0.1$ and `x=0.2`."))
    [('0.53', 'It reaches 0.53 here.')]
    """
    text = FENCE.sub(lambda m: m["inside"] if SPOKEN.match(m["kind"]) else "\n", GIVEN.sub("\n", text))
    for sentence in re.split(r"(?<=[.!?;])\s+|\n\s*\n|\n(?=\s*[-*|#] )", text):
        if "{cite" not in sentence:
            words = " ".join(sentence.split())
            yield from ((match[0], words) for match in RESULT.finditer(NO_PROSE.sub(" ", sentence)))


def prose(page: str) -> list[str]:
    """The Markdown of a page."""
    if page.endswith(".md"):
        return [(ROOT / page).read_text()]
    cells = nbformat.read(ROOT / page, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def found(page: str) -> list[tuple[str, str]]:
    return [hit for text in prose(page) for hit in typed(text)]


def allowed(page: str) -> list[str]:
    return [entry["says"] for entry in ALLOWED if entry["page"] == page]


@pytest.mark.parametrize("page", PAGES)
def test_no_result_is_typed_into_prose(page):
    hits = [hit for hit in found(page) if not any(says in hit[1] for says in allowed(page))]
    assert not hits, "compute these in a code cell, or cite where they come from"


@pytest.mark.parametrize("entry", ALLOWED, ids=lambda entry: entry["says"])
def test_what_may_stand_still_stands_and_has_a_reason(entry):
    assert any(entry["says"] in sentence for _, sentence in found(entry["page"]))
    assert len(entry["reason"]) > 20


@pytest.mark.parametrize(
    "text",
    [
        "It reaches .53.",
        "UF1 is 0.53 now.",
        "In 63 % of them.",
        "With p = .03 it is.",
        "All 412 clips.",
        "In 35 s.",
    ],
)
def test_a_typed_result_is_found(text):
    assert len(list(typed(text))) == 1
    assert list(typed(f"```{{admonition}} Mind\n{text}\n```"))


@pytest.mark.parametrize(
    "text",
    [
        "A 3 × 3 kernel on 16 × 16 places, as in 2019.",
        "$p = 0.03$ and `rate=0.002`, see [Sec. 4](a/1.5).",
        "```bash\nmer run --set rate=0.5\n```",
        "```{exercise-start} One\n```\nTake 0.3 seconds.\n```{exercise-end}\n```",
        "They report 0.7353 {cite}`liong`.",
        "Reading time 20 minutes; it runs.",
        "The branches are trained apart (65 % sure).",
        "AU 12 and 68 landmarks of frame 1.",
    ],
)
def test_what_defines_a_method_or_comes_from_a_source_is_no_result(text):
    assert not list(typed(text))
