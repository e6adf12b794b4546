"""Docstrings are written as chapters are; the reference leads to the chapters, and their code leads to it."""

import ast

import nbformat
import pytest

from mer_core.book.contents import chapters, without_magics
from mer_core.book.links import link_block
from mer_core.book.reference import ARRAYS, as_sphinx_reads, expanded
from mer_core.book.uses import Uses, chapter_uses, full_name, read, users
from mer_core.scoring.metrics import scores
from tests.book.tiny import ROOT

REFERENCE = "".join(expanded(page.read_text()) for page in (ROOT / "chapters/reference/api").glob("*.md"))
SCORES = "mer_core.scoring.metrics.scores"


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


# Which chapters explain and use what


def test_an_import_alone_is_no_use():
    uses = read("%time\nfrom mer_core.scoring import scores as s\nimport os", Uses())
    assert set(uses.names) == {"s"}
    assert not uses.used


def test_what_is_called_is_used_under_the_name_of_its_file():
    uses = read("from mer_core.scoring import scores as s", Uses())
    assert read("s(truth, said)", uses).used == {SCORES}


def test_what_is_shown_is_explained_and_not_used():
    uses = read("from mer_core.methods.fdp import FDP\nsource(FDP.losses)", Uses())
    assert (uses.explained, uses.used) == ({"mer_core.methods.fdp.FDP.losses"}, set())


def test_an_attribute_of_a_module_is_found_where_it_is_defined():
    uses = read("from mer_core import figures\nfigures.panels(a)\nfigures.scores.confusion(b)", Uses())
    assert uses.used == {"mer_core.figures.images.panels", "mer_core.figures.scores.confusion"}


def test_a_variable_that_shares_a_name_with_a_function_is_not_that_function():
    assert not read("made.scores(1)\nscores = 2", Uses()).used


def test_the_reference_says_which_chapters_explain_and_use():
    found = users(ROOT)
    assert "chapters/foundations/scores" in found[SCORES].explained
    assert "chapters/evidence/methods" in found[SCORES].used


def test_all_that_chapters_show_is_found():
    shown = {(chapter, said) for chapter in chapters(ROOT) for said in _shown(chapter)}
    assert sum(len(one.explained) for one in users(ROOT).values()) == len(shown) > 30


def _shown(chapter):
    cells = [cell for cell in nbformat.read(ROOT / chapter, as_version=4).cells if cell.cell_type == "code"]
    calls = [node for cell in cells for node in ast.walk(ast.parse(without_magics(cell.source)))]
    return [ast.unparse(node) for node in calls if _is_source(node)]


def _is_source(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "source"


# The way back


def address(name):
    return f"#{name}"


def test_a_name_in_code_becomes_a_link():
    names = {"scores": scores}
    block = '<span class="n">scores</span><span class="p">(</span><span class="n">x</span>'
    assert link_block(block, names, address) == (
        f'<a class="mer-code" href="#{SCORES}" title="{SCORES}"><span class="n">scores</span></a>'
        '<span class="p">(</span><span class="n">x</span>'
    )


@pytest.mark.parametrize(
    "block",
    [
        '<span class="n">f</span><span class="p">(</span><span class="n">scores</span><span class="o">=</span>',
        '<span class="n">made</span><span class="o">.</span><span class="n">scores</span>',
    ],
)
def test_keywords_and_attributes_of_others_are_no_links(block):
    assert link_block(block, {"scores": scores}, address) == block


def test_shown_code_has_the_names_of_its_module_and_leads_to_its_file():
    block = '<span class="c1"># mer_core/scoring/metrics.py</span>\n<span class="nf">scores</span>'
    linked = link_block(block, {}, address)
    assert 'href="#mer_core.scoring.metrics"' in linked
    assert f'href="#{SCORES}"' in linked


@pytest.mark.parametrize("chapter", chapters(ROOT))
def test_all_that_a_chapter_imports_has_an_entry(chapter):
    imports = [full_name(thing) for thing in chapter_uses(ROOT / chapter).names.values()]
    modules = {name.rpartition(".")[0] for name in imports if name}
    missing = [module for module in modules if f"automodule:: {module}\n" not in REFERENCE]
    assert set(missing) <= {"mer_core.methods"}, "add these to chapters/reference/api"


def test_a_page_of_a_package_has_all_its_modules():
    page = expanded("# Figures\n\n```{modules} mer_core.figures\n```\n")
    assert "automodule:: mer_core.figures.images\n   :members:" in page
    assert page.count("automodule") == len(list((ROOT / "mer_core/figures").glob("[a-z]*.py")))


def test_a_package_among_the_modules_is_there_by_its_own():
    page = expanded("```{modules} mer_core.studies\n```\n")
    assert "automodule:: mer_core.studies.motion.alignment\n" in page
    assert "automodule:: mer_core.studies.motion\n" not in page


def test_every_package_has_its_page():
    for module in (ROOT / "mer_core/methods").glob("[a-z]*.py"):
        if module.stem != "torchvision_weights":  # the files of one method's first weights
            assert f"automodule:: mer_core.methods.{module.stem}\n" in REFERENCE
