"""A Sphinx extension: in a chapter's code, every name of the package leads to its entry in the reference.

Names are those that the chapter imports. Where `source(...)` shows code of the package they are those of its module,
and the first line, which names the file, leads to the file itself.
"""

import importlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sphinx.application import Sphinx

from mer_core.book.uses import chapter_uses, full_name, resolve

BLOCK = re.compile(
    r'<div class="highlight-(?:ipython3|python)\b[^>]*><div class="highlight"><pre>.*?</pre>', re.DOTALL
)
FILE = re.compile(r'<span class="c1"># (mer_core/[\w/]+)\.py</span>')
DOT, PART = r'<span class="o">\.</span>', r'<span class="n[fc]?">(\w+)</span>'
NAME = re.compile(
    rf'(?<!{DOT}){PART}(?:{DOT}<span class="n">\w+</span>)*(?!<span class="o">=</span>)'
)  # no keyword

Address = Callable[[str], str | None]  # of a full name, seen from a page


def link_page(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Called by Sphinx before it writes a page."""
    notebook = Path(app.srcdir) / f"{page}.ipynb"
    if notebook.exists():
        names, address = chapter_uses(notebook).names, _addresses(app, page)
        context["body"] = BLOCK.sub(lambda block: link_block(block[0], names, address), context["body"])


def link_block(block: str, names: Mapping[str, object], address: Address) -> str:
    """A highlighted block with its names as links; one that shows a file has the names of that module."""
    if shown := FILE.search(block):
        module = shown[1].replace("/", ".")
        names = vars(importlib.import_module(module))
        block = FILE.sub(_anchor(shown[0], module, address(module)), block, count=1)
    return NAME.sub(lambda found: _link(found[0], names, address), block)


def _link(code: str, names: Mapping[str, object], address: Address) -> str:
    """The longest part that has an entry decides: of `Run.open(…).folder` it is `Run.open`."""
    parts = re.findall(PART, code)
    for length in range(len(parts), 0, -1):
        name = full_name(resolve(parts[:length], names))
        if name and (url := address(name)):
            return _anchor(code, name, url)
    return code


def _anchor(code: str, title: str, url: str | None) -> str:
    return f'<a class="mer-code" href="{url}" title="{title}">{code}</a>' if url else code


def _addresses(app: Sphinx, page: str) -> Address:
    """Entries that autodoc made; a module's is the page that shows its file."""
    domain = app.env.domains["py"]

    def address(name: str) -> str | None:
        if name in domain.modules:
            return app.builder.get_relative_uri(page, f"_modules/{name.replace('.', '/')}")
        entry = domain.objects.get(name)
        return entry and f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"

    return address


def setup(app: Sphinx) -> dict[str, object]:
    """Called by Sphinx."""
    app.connect("html-page-context", link_page)
    app.add_css_file("reference.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
