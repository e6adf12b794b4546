"""What every chapter of the book keeps to."""

import ast
import re

import nbformat
import pytest

from mer_core.book.comparison import PLOTLY, Tolerance, shown
from mer_core.book.contents import chapters
from mer_core.book.seal import broken_seals
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


def test_what_is_stored_is_what_was_computed(chapter):
    assert not broken_seals(read(chapter), chapter)


def test_no_cell_is_left_out_of_the_comparison(chapter):
    for cell in code_cells(chapter):
        assert not [tag for tag in cell.metadata.get("tags", []) if tag.startswith("nbval-")]
        assert not re.search("NBVAL_|PYTEST_VALIDATE", cell.source)


def test_every_tolerance_has_its_reason(chapter):
    for cell in (cell for cell in code_cells(chapter) if "tolerance" in cell.metadata):
        assert len(Tolerance.stated(cell.metadata).reason) > 20
        assert Tolerance.stated(cell.metadata) != Tolerance(reason=cell.metadata["tolerance"]["reason"])


def test_what_is_zero_but_for_rounding_is_said_as_a_bound(chapter):
    """1e-15 is another number on every processor: see `bound`."""
    texts = [str(text) for cell in code_cells(chapter) for text in shown(cell.outputs).values()]
    assert not re.findall(
        r"(?<!less than )(?<!p = )(?<![\w.=])\d+(?:\.\d+)?e-(?:0[6-9]|[1-9]\d)", "".join(texts)
    )


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
    figures = [o.data[PLOTLY] for o in outputs(chapter) if PLOTLY in o.get("data", {})]
    assert all(len(figure["layout"]["meta"]["alt"]) > 20 for figure in figures)
