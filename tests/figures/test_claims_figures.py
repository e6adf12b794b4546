import re

import nbformat
import pandas as pd
import pytest
from docutils.nodes import make_id

from mer_core.book.contents import find_root
from mer_core.figures.claims import COLOURS, claims_table, forest, sections
from mer_core.ledger.experiments import load_paper, paper_names

EVIDENCE = find_root() / "chapters" / "evidence"

JUDGED = pd.DataFrame(
    {
        "claim": ["one is better", "two is better", "three is better", "four is better"],
        "difference": [0.2, 0.0, -0.3, float("nan")],
        "low": [0.1, -0.1, -0.4, float("nan")],
        "high": [0.4, 0.1, -0.1, float("nan")],
        "verdict": ["supported", "undecided", "not supported", "not computed"],
    },
    index=["a", "b", "c", "d"],
)


def test_a_claim_stands_at_its_difference_in_the_colour_of_its_verdict():
    figure = forest(JUDGED)
    made = {trace.name: (trace.x, trace.y, trace.marker.color) for trace in figure.data}
    assert made["supported"] == ((0.2,), ("a",), COLOURS["supported"])
    assert made["not supported"] == ((-0.3,), ("c",), COLOURS["not supported"])
    assert (figure.data[0].error_x.array, figure.data[0].error_x.arrayminus) == ((0.2,), (0.1,))


def test_what_was_not_computed_is_no_row_and_the_rest_keeps_its_order():
    figure = forest(JUDGED)
    assert figure.layout.yaxis.categoryarray == ("a", "b", "c")
    assert "3 tested: 1 supported, 1 undecided, 1 not supported" in figure.layout.meta["alt"]


def test_every_claim_is_linked_to_its_chapter_and_its_two_runs():
    nothing = dict.fromkeys(("difference", "low", "high"), float("nan")) | {"verdict": "not computed"}
    names = [f"{paper}: {claim}" for paper in paper_names() for claim in load_paper(paper).claims]
    html = claims_table(pd.DataFrame([nothing] * len(names), index=names)).data
    for row, name in zip(html.split("<tr>")[2:], names, strict=True):
        paper, claim = name.split(": ")
        asked = load_paper(paper).claims[claim]
        links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', row)
        tests, runs = sections(paper)
        assert links == [(tests, name), (runs, asked.better), (runs, asked.worse)]


def test_a_difference_has_its_interval():
    row = {"difference": 0.2, "low": 0.1, "high": 0.4, "verdict": "supported"}
    assert "+0.200 [+0.100, +0.400]" in claims_table(pd.DataFrame([row], index=["fdp: order"])).data


@pytest.mark.parametrize(
    "place",
    sorted({place for paper in paper_names() if load_paper(paper).claims for place in sections(paper)}),
)
def test_a_link_leads_to_a_section_that_the_chapter_has(place):
    page, anchor = place.split("#")
    cells = nbformat.read((EVIDENCE / page).with_suffix(".ipynb"), as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert anchor in {make_id(head) for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
