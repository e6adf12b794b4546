"""A chapter that is stored is whole, old or new, at whatever moment that is stopped."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from mer_core.book import build
from tests.kills import kills

NAMES = ("one", "two")


def notebook(value):
    made = new_notebook(cells=[new_code_cell("print(1)", outputs=[new_output("stream", text=value * 1000)])])
    return nbformat.writes(made).encode()


def test_killed_at_any_call_every_chapter_is_whole_and_the_next_call_stores_them(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "execute", lambda *asked: None)  # its outputs lie in the pages already
    old, new = notebook("old"), notebook("new")
    (before := tmp_path / "before" / "chapters").mkdir(parents=True)
    pages = before.parent / "_build" / "pages" / "chapters"
    pages.mkdir(parents=True)
    (before.parent / "_toc.yml").write_text("root: chapters/one\nchapters:\n  - file: chapters/two\n")
    for name in NAMES:
        (before / f"{name}.ipynb").write_bytes(old)
        (pages / f"{name}.ipynb").write_bytes(new)
    for kill in kills(before.parent, tmp_path / "work", build.store):
        chapters = [kill.folder / "chapters" / f"{name}.ipynb" for name in NAMES]
        assert {chapter.read_bytes() for chapter in chapters} <= {old, new}, kill
        build.store(kill.folder)
        assert [chapter.read_bytes() for chapter in chapters] == [new, new], kill
        assert {path.name for path in (kill.folder / "chapters").iterdir()} == {"one.ipynb", "two.ipynb"}, (
            kill
        )


def test_killed_while_it_is_tidied_an_executed_chapter_is_not_taken_for_one(tmp_path, monkeypatch):
    def papermill(chapter, out, **asked):
        out.write_bytes(chapter.read_bytes())

    def execute(folder):
        build._execute(folder / "one.ipynb", folder / "pages" / "one.ipynb")

    monkeypatch.setattr(build.papermill, "execute_notebook", papermill)
    (before := tmp_path / "before").mkdir()
    (before / "one.ipynb").write_bytes(notebook("new"))
    for kill in kills(before, tmp_path / "work", execute):
        page = kill.folder / "pages" / "one.ipynb"
        assert not page.exists() or build.EXECUTED in nbformat.read(page, as_version=4).metadata, kill
