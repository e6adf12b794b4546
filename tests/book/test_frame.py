"""Every chapter keeps the book's one frame and its one vocabulary.

A question and goals; reading time; a prediction before a result; short cells; exercises whose hidden solutions are
executed; a summary; references. What this can't see, whether a figure holds one idea or a result that disappoints is
said plainly, is left to readers.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

import nbformat
import pytest

from mer_core.book.contents import chapters
from tests.book.tiny import ROOT

CHAPTERS = chapters(ROOT)
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "chapters").glob("**/*.md"))
WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text())["word"]

NOT_TESTABLE = {"understand", "know", "learn", "appreciate", "see", "get", "be", "become", "grasp", "realise"}
EXPECT = "{admonition} What do you expect?"
PROSE_SUFFICES = "No code is needed"
FOLDED = "hide-input"  # the tag of imports, which may be long, and of cells that only make a sentence
FOR_EYES = "chapters/foundations/expressions.ipynb"  # the first chapter, whose code may be skipped
TIMING = re.compile(r"perf_counter|monotonic|process_time|time\.time|%%?time|tqdm|progress_bar")
QUOTED = re.compile(
    r"^```\{?(?:bash|text|python|code|math|figure|image|toctree|mermaid)\b.*?^```"  # no prose
    r'|\$\$.*?\$\$|\$[^$\n]*\$|`+[^`]*`+|\]\([^)]*\)|"[^"\n]*"|“[^”\n]*”',  # and the words of others
    re.MULTILINE | re.DOTALL,
)


@cache
def cells(chapter):
    return nbformat.read(ROOT / chapter, as_version=4).cells


def tags(cell):
    return cell.metadata.get("tags", [])


def headings(chapter):
    texts = (cell.source for cell in cells(chapter) if cell.cell_type == "markdown")
    return re.findall(r"^## (.*)$", "\n".join(texts), re.MULTILINE)


def whole(chapter):
    """The prose; a code cell that was executed and shows something, which is checked, is a ▶."""
    return "\n".join(_line(cell) for cell in cells(chapter))


def _line(cell):
    if cell.cell_type == "markdown":
        return cell.source
    return "▶" if cell.execution_count and cell.outputs else ""


def foreign(text):
    """The words for which the book has another one: (found, to be said instead)."""
    prose = QUOTED.sub(" ", text)
    for word in WORDS:
        others = "|".join(map(re.escape, word["not"]))
        yield from ((one, word["say"]) for one in re.findall(rf"\b({others})s?\b", prose, re.IGNORECASE))


@pytest.mark.parametrize("chapter", CHAPTERS)
class TestFrame:
    def test_it_opens_with_a_question_goals_and_the_time_it_takes(self, chapter):
        opening = cells(chapter)[0].source
        assert opening.startswith("# ")
        assert "?" in opening.partition("**Question.**")[2].partition("\n\n")[0]
        assert "After this chapter you can\n" in opening
        assert re.search(r"^Reading time \d+ minutes; the notebook \w+", opening, re.MULTILINE)

    def test_its_goals_are_two_to_four_and_can_be_tested(self, chapter):
        _, _, rest = cells(chapter)[0].source.partition("After this chapter you can\n\n")
        goals = re.findall(r"^- (\w+)", rest.partition("\n\n")[0], re.MULTILINE)
        assert 2 <= len(goals) <= 4
        assert not NOT_TESTABLE & set(goals)

    def test_a_prediction_is_asked_for_before_a_result(self, chapter):
        before_exercises = whole(chapter).partition("\n## Exercises")[0]
        _, *predictions = before_exercises.split(EXPECT)
        assert predictions
        for text in predictions:
            assert "?" in text.partition("\n```")[0]
            assert "▶" in text

    def test_equations_have_numbers(self, chapter):
        text = "\n".join(cell.source for cell in cells(chapter) if cell.cell_type == "markdown")
        assert len(re.findall(r"^\$\$$|^\$\$ \(eq-[\w-]+\)$", text, re.MULTILINE)) % 2 == 0
        assert len(re.findall(r"^\$\$ \(eq-[\w-]+\)$", text, re.MULTILINE)) * 2 == text.count("$$")

    def test_it_ends_with_exercises_a_summary_and_references_if_it_cites(self, chapter):
        cites = any("{cite" in cell.source for cell in cells(chapter) if cell.cell_type == "markdown")
        end = ["Exercises", "Summary", *(["References"] if cites else [])]
        assert headings(chapter)[-len(end) :] == end

    def test_three_to_six_exercises_have_hidden_solutions_that_are_checked(self, chapter):
        text = whole(chapter).partition("\n## Exercises")[2]
        asked = re.findall(r"{exercise-start} .+\n:label: (\S+)", text)
        solved = re.findall(r"{solution-start} (\S+)\n:class: dropdown\n(.*?){solution-end}", text, re.DOTALL)
        assert 3 <= len(asked) <= 6
        assert asked == [label for label, _ in solved]
        assert len(asked) == whole(chapter).count("{exercise-start}") == text.count("{exercise-end}")
        assert not [label for label, said in solved if "▶" not in said and PROSE_SUFFICES not in said]

    def test_code_fits_the_page(self, chapter):
        code = [cell for cell in cells(chapter) if cell.cell_type == "code"]
        for cell in (cell for cell in code if "import " not in cell.source):
            assert len(cell.source.splitlines()) < 40, cell.source
        for cell in (cell for cell in code if FOLDED in tags(cell)):
            assert chapter == FOR_EYES or "import " in cell.source or "Markdown(" in cell.source

    def test_nothing_that_is_shown_depends_on_how_long_it_took(self, chapter):
        for cell in (cell for cell in cells(chapter) if cell.cell_type == "code" and cell.outputs):
            assert not TIMING.search(cell.source)
            assert not re.search(r"\d(?:it/s|s/it)|\d+%\|", str(cell.outputs))


@pytest.mark.parametrize("page", [*CHAPTERS, *PAGES])
def test_there_is_one_word_for_one_idea(page):
    if page.endswith(".md"):
        text = (ROOT / page).read_text()
    else:
        text = "\n\n".join(cell.source for cell in cells(page) if cell.cell_type == "markdown")
    assert not list(foreign(text)), "say the second word; the notation page says what it means"


@pytest.mark.parametrize(("other", "say"), [(other, word["say"]) for word in WORDS for other in word["not"]])
def test_a_foreign_word_is_found_and_a_quotation_is_not(other, say):
    assert list(foreign(f"There are many {other}s here.")) == [(other, say)]
    assert not list(foreign(f'A paper writes "150 {other}s", and a file is `{other}.csv`.'))


def test_the_notation_page_says_which_word_we_use():
    page = (ROOT / "chapters" / "reference" / "notation.md").read_text()
    for word in WORDS:
        others = ", ".join(f'"{other}"' for other in word["not"])
        assert f"* - {word['say']}\n  - {others}\n" in page
