"""One table for every result."""

import re

import numpy as np
import pandas as pd
import pytest

from mer_core.book.comparison import Tolerance, differences
from mer_core.figures.table import table

ROWS = pd.DataFrame(
    {
        "difference": [0.1234, -0.05, np.nan],
        "low": [0.02, -0.2, np.nan],
        "high": [0.2, 0.1, np.nan],
        "clips": [156, 1560, 3],
        "verdict": ["supported", "undecided", "not computed"],
        "about": ["a < b", "b & c", None],
    },
    index=pd.Index(["fdp/mean", "fdp/order", "mol/raw"], name="run"),
)


def made(**options):
    look = {"intervals": {"difference": ("low", "high")}, "chips": ["verdict"], "signed": ["difference"]}
    return table(ROWS, "Claims & what follows.", **look, **options).data


def cells(html):
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][ >].*?</t[dh]>", html, re.DOTALL)]


def test_the_ends_of_an_interval_stand_in_its_cell_and_nowhere_else():
    head, first = cells(made())[:5], cells(made())[5:10]
    assert head == ["run", "difference", "clips", "verdict", "about"]
    assert first == ["fdp/mean", "+0.123 [+0.020, +0.200]", "156", "supported", "a &lt; b"]


def test_what_is_not_known_is_a_dash_without_a_bar():
    assert cells(made())[-5:] == ["mol/raw", "–", "3", "not computed", "–"]
    assert made().count("mer-bar") == 2


def test_bars_of_a_column_share_a_scale_that_reaches_zero_where_signs_matter():
    scales = set(re.findall(r"--start:([-\d.]+);--end:([-\d.]+)", made()))
    assert scales == {("-0.2", "0.2")}
    only_gains = table(ROWS[:1], "", intervals={"difference": ("low", "high")}, signed=["difference"]).data
    assert "--start:0.0;--end:0.2" in only_gains


def test_a_bar_moves_no_further_than_its_number():
    """Its place is the number itself, so that a cell's tolerance means the same of both."""
    moved = ROWS.assign(difference=ROWS["difference"] + 0.004)
    outputs = [
        [{"output_type": "display_data", "data": {"text/html": table(rows, "", **LOOK).data}}]
        for rows in (moved, ROWS)
    ]
    assert differences(*outputs, Tolerance(absolute=0.005)) == []
    assert len(differences(*outputs, Tolerance(absolute=0.003))) == 4  # two numbers, two bars


LOOK = {"intervals": {"difference": ("low", "high")}}


def test_a_verdict_is_a_chip_whose_word_says_it_too():
    assert '<span class="mer-chip supported">supported</span>' in made()
    assert '<span class="mer-chip not-computed">not computed</span>' in made()


def test_names_link_to_their_evidence_where_there_is_some():
    html = made(links={"run": ["runs.html#fdp/mean", "", "runs.html#mol/raw"]})
    assert '<a href="runs.html#fdp/mean">fdp/mean</a>' in html
    assert html.count("<a ") == 2


def test_an_address_a_row_is_wanted():
    with pytest.raises(ValueError, match="shorter"):
        made(links={"run": ["only-one.html"]})


def test_what_is_too_small_to_be_written_is_no_zero():
    p = pd.DataFrame({"p": [0.0002, 0.0, 0.04]}, index=["a", "b", "c"])
    assert cells(table(p, "").data)[3::2] == ["&lt; 0.001", "0.000", "0.040"]


def test_what_stands_between_backticks_is_code():
    assert "on <code>synth</code> &amp; more" in table(ROWS, "on `synth` & more").data


def test_numbers_stand_to_the_right_and_their_heads_with_them():
    assert made().count('class="number"') == 2 * (1 + len(ROWS))


def test_the_caption_is_part_of_the_table():
    assert "<caption>Claims &amp; what follows.</caption>" in made()
