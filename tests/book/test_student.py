"""Notebooks to hand out hold the questions and not the answers."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mer_core.book.contents import BookError, chapters
from mer_core.book.student import ANSWER, hand_out, without_solutions
from tests.book.tiny import ROOT

START = "```{solution-start} one\n:class: dropdown\n```\n"
END = "```{solution-end}\n```\n"


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def made_of(*cells):
    return without_solutions(new_notebook(cells=list(cells)))


def test_a_solution_becomes_an_empty_cell_and_what_is_around_it_stays():
    made = made_of(
        new_markdown_cell(f"Why?\n{START}\nBecause."),
        new_code_cell("print(42)"),
        new_markdown_cell(f"And so on.\n{END}\nNext."),
        new_code_cell("1 + 1"),
    )
    assert [text.strip() for text in sources(made)] == ["Why?", ANSWER.strip(), "Next.", "1 + 1"]


def test_several_solutions_in_one_cell_are_several_cells_to_fill_in():
    made = made_of(new_markdown_cell(f"A?\n{START}yes\n{END}B?\n{START}no\n{END}"))
    assert [text.strip() for text in sources(made)] == ["A?", ANSWER.strip(), "B?", ANSWER.strip()]


def test_outputs_are_gone():
    shown = nbformat.v4.new_output("stream", text="3")
    (cell,) = made_of(
        new_code_cell("1 + 2", outputs=[shown], execution_count=7, metadata={"seal": "12", "tags": ["a"]})
    ).cells
    assert cell.metadata == {"tags": ["a"]}
    assert (cell.outputs, cell.execution_count) == ([], None)


def test_a_solution_without_an_end_is_an_error():
    with pytest.raises(BookError, match="no end"):
        made_of(new_markdown_cell(f"Why?\n{START}Because."))


@pytest.mark.parametrize("chapter", chapters(ROOT))
def test_of_every_chapter_the_questions_are_handed_out_and_no_solution(chapter):
    whole = nbformat.read(ROOT / chapter, as_version=4)
    text, given = "\n".join(sources(whole)), sources(without_solutions(whole))
    nbformat.validate(without_solutions(whole))
    assert "solution-" not in "\n".join(given)
    assert given.count(ANSWER) == text.count("{solution-start}") == "\n".join(given).count("{exercise-start}")


def test_the_book_is_not_overwritten(tmp_path):
    (place,) = hand_out(ROOT, tmp_path, ("scores",))
    assert place == tmp_path / "foundations" / "scores.ipynb"
    with pytest.raises(BookError, match="another folder"):
        hand_out(ROOT, ROOT / "chapters", ("scores",))
