"""Chapters on paper, on a book of one short chapter."""

import re
import shutil

import pytest

from mer_core.book.build import build
from mer_core.book.contents import BookError
from mer_core.book.paper import find_browser, print_chapters
from tests.book import tiny


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("book"))


def test_no_button_leads_to_another_host(book):
    page = (build(book, stored=True).parent / "chapters" / "tiny.html").read_text()
    assert "launch-buttons" not in page
    assert not re.search("mybinder|colab", page)


@pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "google-chrome"))), reason="no browser is installed"
)
def test_a_chapter_becomes_a_pdf(book, tmp_path):
    (made,) = print_chapters(book, tmp_path, ["tiny"], ["handout"])
    assert made.name == "tiny-handout.pdf"
    assert made.read_bytes().startswith(b"%PDF")


def test_without_a_browser_it_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BookError, match="Install one, or open a page"):
        find_browser()


def test_an_unknown_chapter_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(BookError, match="There is no chapter 'scoers'; there are"):
        print_chapters(tiny.ROOT, tmp_path / "paper", ["scoers"])
    assert not (tmp_path / "paper").exists()
