"""Docstrings are written as chapters are; the reference shows them as such, and leads to the chapters."""

from mer_core.book.reference import ARRAYS, as_sphinx_reads, imported, users
from tests.book.tiny import ROOT


def test_formulas_and_code_are_marked():
    assert as_sphinx_reads("of `x` and $a^2$:\n\n$$b\n= c$$") == (
        "of ``x`` and :math:`a^2`:\n\n\n\n.. math::\n\n   b = c\n\n"
    )


def test_a_table_stays_as_it_is():
    table = "    nodes    `x` of $y$\n    edges    none"
    assert as_sphinx_reads(f"There are two:\n\n{table}\n\nAnd so on.") == (
        f"There are two:\n\n::\n\n{table}\n\nAnd so on."
    )


def test_an_example_stays_as_it_is():
    example = ">>> scores([0, 1], [0, 1], n_classes=2).uar\n1.0"
    assert as_sphinx_reads(example) == example


def test_what_numpy_takes_as_an_array_has_a_short_name():
    union = "~numpy._typing._array_like._Buffer | complex | ~x._NestedSequence[complex | bytes | str]"
    assert ARRAYS.sub("ArrayLike", f"(truth: {union}, n: int)") == "(truth: ArrayLike, n: int)"


def test_a_name_leads_to_the_chapters_that_import_it():
    assert imported("%time\nfrom mer_core.evaluation import scores as s\nimport os") == {"scores"}
    assert "chapters/foundations/scores" in users(ROOT)["scores"]


def test_every_package_has_its_page():
    pages = "".join(page.read_text() for page in (ROOT / "chapters/reference/api").glob("*.md"))
    for module in (ROOT / "mer_core/methods").glob("[a-z]*.py"):
        if module.stem != "torchvision_weights":  # the files of one method's first weights
            assert f"automodule:: mer_core.methods.{module.stem}\n" in pages
