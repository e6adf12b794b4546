"""The book's promises, kept by the commands themselves on a book of one short chapter."""

import re

import nbformat
import pytest
from typer.testing import CliRunner

from mer_core.book.build import to_execute, to_verify
from mer_core.book.contents import BookError, chosen, inputs
from mer_core.cli import app
from tests.book import tiny


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A book whose chapter has been executed and stored."""
    book = tiny.make(tmp_path_factory.mktemp("book"))
    made = tiny.run(book, "mer", "chapters")
    assert made.returncode == 0, made.stderr
    return book


@pytest.fixture
def book(stored, tmp_path):
    """A copy of it that a test may break."""
    tiny.shutil.copytree(stored, tmp_path / "book", ignore=tiny.shutil.ignore_patterns("_build"))
    return tmp_path / "book"


def test_stored_outputs_hold_no_time_and_no_place(stored):
    text = (stored / tiny.CHAPTER).read_text()
    assert "UF1 0.733" in text
    assert "papermill" not in text
    assert str(stored) not in text


def test_what_was_executed_to_be_stored_is_not_executed_again_for_the_pages(stored):
    assert "0 chapters to execute" in tiny.run(stored, "mer", "book").stdout


def test_stored_outputs_are_verified_and_only_once(stored, monkeypatch):
    first, second = tiny.run(stored, "mer", "verify"), tiny.run(stored, "mer", "verify")
    assert first.returncode == 0, first.stdout
    assert "4 passed" in first.stdout
    monkeypatch.chdir(stored)
    assert CliRunner().invoke(app, ["verify", "--list"]).output == "tiny         unchanged\n"
    assert to_verify(stored, force=True) == ["tiny         verify: asked for"]
    assert "0 chapters to verify, 1 unchanged" in second.stdout
    assert "1 chapters to verify" in tiny.run(stored, "mer", "verify", "--force", "tiny").stdout


def test_an_output_that_was_changed_by_hand_is_refused_and_named_however_small_the_change(book):
    tiny.edit(book / tiny.CHAPTER, "UF1 0.733", "UF1 0.734")
    made = tiny.run(book, "mer", "verify")
    assert made.returncode == 1
    assert "tiny, cell 2: its stored output is not what was computed" in made.stderr
    assert "tiny, cell 2: its stored output is not what was computed" in to_verify(book)[0]


def test_a_stored_number_that_is_not_computed_fails_and_is_named(book):
    tiny.edit(book / tiny.CHAPTER, "UF1 0.733", "UF1 0.833", sealed=True)
    made = tiny.run(book, "mer", "verify")
    assert made.returncode == 1
    assert "tiny.ipynb, cell 2" in made.stdout
    assert "UF1 stored 0.833, computed 0.733, tolerance 0.01" in made.stdout


def test_a_stored_number_within_the_tolerance_passes(book):
    tiny.edit(book / tiny.CHAPTER, "UF1 0.733", "UF1 0.739", sealed=True)
    assert tiny.run(book, "mer", "verify").returncode == 0


def test_a_change_of_the_package_that_changes_a_number_fails(book):
    tiny.edit(book / "mer_core/scoring/metrics.py", 'average="macro"', 'average="micro"')
    made = tiny.run(book, "mer", "verify")
    assert made.returncode == 1
    assert "UF1 stored 0.733, computed 0.750" in made.stdout


def test_a_cell_that_raises_fails_and_is_named(book):
    tiny.edit(book / tiny.CHAPTER, 'print(f\\"UF1', 'raise RuntimeError(f\\"UF1')
    made = tiny.run(book, "mer", "book")
    assert made.returncode == 1
    assert "chapters/tiny.ipynb, code cell 3: RuntimeError: UF1 0.733" in made.stderr


def test_a_warning_of_the_build_fails_and_is_named_again(book):
    tiny.edit(book / "chapters/index.md", "# A tiny book", "# A tiny book\n\n[nowhere](missing.md)")
    for _ in range(2):  # Sphinx itself warns of a page only when it reads it
        made = tiny.run(book, "mer", "book")
        assert made.returncode == 1
        assert "chapters/index.md" in made.stderr
        assert "missing.md" in made.stderr


def test_only_what_changed_is_executed_again_and_a_list_says_why(book, monkeypatch):
    monkeypatch.chdir(book)
    assert CliRunner().invoke(app, ["book", "--list"]).output == "tiny         execute: no page yet\n"
    assert "1 chapters to execute" in tiny.run(book, "mer", "book").stdout
    page = book / "_build/html/chapters/tiny.html"
    assert page.exists()
    tiny.append(book / "mer_core/training/runs.py", "OTHER = 1\n")  # which the chapter does not import
    tiny.append(book / "mer_core/scoring/metrics.py", "# a comment\n")
    tiny.append(book / "mer_core/book/static/book.css", "\n")
    tiny.edit(book / tiny.CHAPTER, "Maths: $x^2$", "Another sentence.")
    assert to_execute(book) == ["tiny         unchanged"]
    assert "0 chapters to execute, 1 unchanged" in tiny.run(book, "mer", "book").stdout
    assert "Another sentence." in page.read_text()
    assert "UF1 0.733" in page.read_text()
    tiny.edit(book / "mer_core/scoring/metrics.py", 'average="macro"', 'average="micro"')
    assert to_execute(book) == ["tiny         execute: mer_core/scoring/metrics.py"]


def test_a_new_citation_on_one_page_leaves_no_dead_link_on_another(book):
    index, cited = book / "chapters/index.md", "{cite}`wang2004image`"
    tiny.edit(book / tiny.CHAPTER, "Maths: $x^2$", f"Maths: $x^2$ {cited}")
    for more in ("", "{cite}`liong2019ststnet` {cite}`shao2025fdp`\n\n"):
        index.write_text(f"# A tiny book\n\n{more}```{{bibliography}}\n```\n")
        made = tiny.run(book, "mer", "book")
        assert made.returncode == 0, made.stderr
    link = re.search(r'href="index\.html#(id\d+)"', (book / "_build/html/chapters/tiny.html").read_text())
    target = re.search(
        f'id="{link[1]}".*?</div>', (book / "_build/html/chapters/index.html").read_text(), re.DOTALL
    )
    assert "structural similarity" in target[0]


def test_of_the_stored_runs_those_matter_that_the_chapter_asks_for(book):
    def store(name):
        (book / "results" / name).mkdir(parents=True)
        (book / "results" / name / "run.json").write_text("{}")
        return [one for one in inputs(book, tiny.CHAPTER) if one.startswith("results/")]

    assert store("a/one") == []
    asks = "from mer_core.ledger.results import find_run\\nfind_run('a/two')\\nfrom pydantic"
    tiny.edit(book / tiny.CHAPTER, "from pydantic", asks)
    assert store("a/other") == ["results/a/one", "results/a/other"]  # not executed yet: it may ask for any
    assert tiny.run(book, "mer", "chapters").returncode == 0
    assert to_execute(book) == ["tiny         unchanged"]
    assert store("a/another") == ["results/a/two"]  # which is not there
    assert to_execute(book) == ["tiny         unchanged"]
    store("a/two")
    assert to_execute(book) == ["tiny         execute: results/a/two"]


def test_a_live_control_stands_still_on_the_page_and_a_sentence_says_so(stored):
    assert "widget" not in (stored / tiny.CHAPTER).read_text()
    assert tiny.run(stored, "mer", "book").returncode == 0
    page = (stored / "_build/html/chapters/tiny.html").read_text()
    assert "k is 2" in page
    assert "A live control stands here" in page


def test_papermill_runs_a_chapter_with_another_parameter(book):
    made = tiny.run(book, "papermill", tiny.CHAPTER, "out.ipynb", "-p", "offset", "1")
    assert made.returncode == 0, made.stderr
    last = nbformat.read(book / "out.ipynb", as_version=4).cells[-2]
    assert last.outputs[0].text == "UF1 0.500\n"


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("ofset", "1", "ofset: there is no such setting"),
        ("offset", "7", "offset = 7"),
        ("offset", "x", "offset = 'x'"),
    ],
)
def test_papermill_stops_at_a_wrong_parameter_and_lists_the_valid_ones(book, parameter, value, message):
    made = tiny.run(book, "papermill", tiny.CHAPTER, "out.ipynb", "-p", parameter, value)
    assert made.returncode == 1
    assert message in made.stderr
    assert "offset: int" in made.stderr
    scored = nbformat.read(book / "out.ipynb", as_version=4).cells[-2]
    assert scored.execution_count is None  # nothing was computed


def test_a_chapter_can_be_asked_for_by_its_name(book):
    assert chosen(book, ["tiny"]) == [tiny.CHAPTER]
    with pytest.raises(BookError, match="no chapter 'tinny'; there are tiny"):
        chosen(book, ["tinny"])


def test_a_page_that_the_contents_name_must_exist(book):
    tiny.edit(book / "_toc.yml", "chapters/tiny", "chapters/gone")
    made = tiny.run(book, "mer", "book")
    assert made.returncode == 1
    assert "chapters/gone" in made.stderr
