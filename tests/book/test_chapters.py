"""What every chapter of the book keeps to."""

import ast
import re

import nbformat
import pytest

from mer_core.book.contents import chapters
from tests.book.tiny import ROOT

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|mnt)/[\w.-]+")

pytestmark = pytest.mark.parametrize("chapter", chapters(ROOT))


def read(chapter):
    return nbformat.read(ROOT / chapter, as_version=4)


def code_cells(chapter):
    return [cell for cell in read(chapter).cells if cell.cell_type == "code"]


def outputs(chapter):
    return [output for cell in code_cells(chapter) for output in cell.outputs]


def test_every_code_cell_was_executed_in_order_without_an_error(chapter):
    assert [cell.execution_count for cell in code_cells(chapter)] == list(
        range(1, len(code_cells(chapter)) + 1)
    )
    assert not [output for output in outputs(chapter) if output.output_type == "error"]


def test_something_is_checked_and_every_tolerance_has_its_reason(chapter):
    checked = [cell for cell in code_cells(chapter) if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert checked
    for tolerance in (cell.metadata["tolerance"] for cell in checked if "tolerance" in cell.metadata):
        assert tolerance["absolute"] > 0
        assert len(tolerance["reason"]) > 20


def test_no_number_is_shown_that_is_not_checked(chapter):
    """Figures and sentences are made of checked ones; the second cell shows the settings."""
    for cell in code_cells(chapter)[2:]:
        if "nbval-check-output" not in cell.metadata.get("tags", []):
            assert not [text for text in texts(cell) if re.search(r"\d\.\d\d", text)], cell.source


def texts(cell):
    for output in cell.outputs:
        data = output.get("data", {})
        if "application/vnd.plotly.v1+json" not in data and "text/markdown" not in data:
            yield output.get("text", "") + data.get("text/plain", "")


def test_parameters_are_annotated_literals_with_an_explanation(chapter):
    first = code_cells(chapter)[0]
    assert "parameters" in first.metadata.tags
    for line, node in zip(first.source.splitlines(), ast.parse(first.source).body, strict=True):
        assert isinstance(node, ast.AnnAssign)
        ast.literal_eval(node.value)  # a derived value would keep its default when papermill sets the other
        assert "  # " in line


def test_the_second_cell_checks_the_parameters(chapter):
    assert "from_notebook()" in code_cells(chapter)[1].source


def test_it_is_small_and_names_no_place_of_a_machine(chapter):
    assert (ROOT / chapter).stat().st_size < 3_000_000
    assert all(len(str(output)) < 300_000 for output in outputs(chapter))
    assert not MACHINE_PATH.search((ROOT / chapter).read_text())


def test_nothing_was_written_to_standard_error(chapter):
    assert not [output for output in outputs(chapter) if output.get("name") == "stderr"]


def test_every_figure_says_in_words_what_it_shows(chapter):
    figures = [
        o.data["application/vnd.plotly.v1+json"]
        for o in outputs(chapter)
        if "application/vnd.plotly.v1+json" in o.get("data", {})
    ]
    assert all(len(figure["layout"]["meta"]["alt"]) > 20 for figure in figures)
