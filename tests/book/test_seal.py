"""Any one digit of any stored output that is changed is found, and its chapter and cell are named."""

import json
import random
import re
from functools import cache

import nbformat
import pytest

from mer_core.book.comparison import PLOTLY, Tolerance, differences
from mer_core.book.contents import chapters
from mer_core.book.seal import broken_seals, seal
from tests.book.tiny import ROOT

CHAPTERS = chapters(ROOT)
KINDS = ["stream", "text/markdown", "text/html", PLOTLY]
DIGIT = re.compile(r"(?<![\w.\\])[1-9](?=\d*\.\d)|(?<=\.)\d(?=\d*)")  # of a decimal


@cache
def read(chapter):
    return nbformat.read(ROOT / chapter, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(output):
    return ["stream"] if output.output_type == "stream" else list(output.get("data", {}))


def other_digit(text, at, draw):
    return text[:at] + draw.choice([digit for digit in "123456789" if digit != text[at]]) + text[at + 1 :]


def alter(outputs, draw):
    """The same outputs with one digit changed, anywhere."""
    text = json.dumps(outputs, ensure_ascii=False)
    at = draw.choice([match.start() for match in re.finditer(r"\d", text)])
    return nbformat.from_dict(json.loads(other_digit(text, at, draw)))


@pytest.mark.parametrize("number", range(100))
def test_any_digit_of_any_output_that_is_changed_breaks_the_seal_of_its_cell(number):
    draw = random.Random(number)
    chapter = draw.choice(CHAPTERS)
    notebook = nbformat.from_dict({**read(chapter), "cells": [dict(cell) for cell in read(chapter).cells]})
    numbers = [i for i, cell in enumerate(code_cells(notebook)) if re.search(r"\d", json.dumps(cell.outputs))]
    changed = draw.choice(numbers)
    cell = code_cells(notebook)[changed]
    cell.outputs = alter(cell.outputs, draw)
    (line,) = broken_seals(notebook, chapter)
    assert line.startswith(f"{chapter}, cell {changed}: its stored output is not what was computed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_digit_that_is_changed_is_named_when_its_cell_is_executed_again(kind):
    draw = random.Random(kind)
    for chapter in draw.sample(CHAPTERS, 8):
        for cell in code_cells(read(chapter)):
            if "tolerance" not in cell.metadata and (stored := changed(cell, kind, draw)):
                assert differences(cell.outputs, stored, Tolerance()), cell.source


def changed(cell, kind, draw):
    """The cell's outputs with a decimal changed in one of this kind; None if there is none."""
    for number, output in enumerate(cell.outputs):
        text = json.dumps(output, ensure_ascii=False) if kind in kinds(output) else ""
        if places := [
            match.start() for match in DIGIT.finditer(re.sub('base64,[^"]*', lambda m: "A" * len(m[0]), text))
        ]:
            made = nbformat.from_dict(json.loads(other_digit(text, draw.choice(places), draw)))
            return [*cell.outputs[:number], made, *cell.outputs[number + 1 :]]
    return None


def test_a_program_that_writes_floats_otherwise_breaks_no_seal():
    data = {PLOTLY: {"data": [{"y": [1.3599999999999999, 0.1 + 0.2]}]}}
    output = nbformat.v4.new_output("display_data", data)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    seal(notebook)
    assert "[1.36, 0.3]" in json.dumps(notebook)


def test_a_seal_that_is_missing_or_too_many_is_broken():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("stream", text="a")])]
    )
    assert broken_seals(notebook, "some")
    seal(notebook)
    assert not broken_seals(notebook, "some")
    notebook.cells[0].outputs = []
    assert broken_seals(notebook, "some")
