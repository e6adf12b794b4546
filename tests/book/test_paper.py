"""Chapters on paper, and buttons that a book may have: commands and settings, on a book of one short chapter."""

import shutil

import pytest

from mer_core.book.build import build
from mer_core.book.contents import BookError
from mer_core.book.paper import find_browser, print_chapters
from tests.book import tiny

LAUNCH = """
repository: {url: https://github.com/someone/somewhere, branch: main}
launch_buttons: {binderhub_url: https://mybinder.org, colab_url: https://colab.research.google.com}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A book with launch buttons configured as the comment in _config.yml says."""
    folder = tiny.make(tmp_path_factory.mktemp("book"))
    with (folder / "_config.yml").open("a") as config:
        config.write(LAUNCH)
    return folder


def test_launch_buttons_are_there_where_they_are_configured(book):
    page = (build(book, stored=True).parent / "chapters" / "tiny.html").read_text()
    for host in (
        "https://mybinder.org/v2/gh/someone/somewhere",
        "https://colab.research.google.com/github/someone",
    ):
        assert host in page
    shown = [line.removeprefix("#   ") for line in (tiny.ROOT / "_config.yml").read_text().splitlines()]
    assert all(any(line.split("{")[0] in said for said in shown) for line in LAUNCH.strip().splitlines())


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
