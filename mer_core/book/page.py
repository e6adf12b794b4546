"""A Sphinx extension: pages that are complete without a network.

Notebooks store a Plotly figure as JSON, and MyST-NB would drop it. Here it becomes a `div` with that JSON beside it,
drawn by `figures.js`; without JavaScript its text stands there. `plotly-cartesian.min.js` is plotly.js without maps
and three dimensions, as its authors publish it on npm: a third of the whole, and each page shows its first figure
half a second sooner. MathJax stands beside it. A live control that somebody stored becomes a sentence that says
where it works. A picture that moves stands still for readers who asked their system for less motion. None of it is in
a notebook.
"""

import json
from html import escape
from pathlib import Path

import cv2
import nbformat
from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mer_core.book.comparison import PLOTLY, WIDGET
from mer_core.book.contents import EXECUTED, chapters
from mer_core.book.live import NOTE

MOVING = (".gif", ".webp")  # suffixes of pictures that may hold several frames
STATIC = Path(__file__).parent / "static"
DEFAULT_HEIGHT = 450  # Plotly's own
PLOTLY_JS = "plotly-cartesian.min.js"
DRAWN = {  # the traces that it draws, of those that have to do with this book
    "bar", "box", "contour", "heatmap", "histogram", "histogram2d", "image", "pie", "scatter", "violin",
}  # fmt: skip
BEFORE_FORMULAS = {"defer": "defer", "priority": 400}  # MathJax has 500: a figure shows sooner without it
ABOVE_ALL = 1  # priorities: a lower number is preferred


class PlotlyFigure:
    """Draws a stored Plotly figure on an HTML page."""

    mime_priority_overrides = (("html", PLOTLY, ABOVE_ALL),)

    @staticmethod
    def handle_mime(renderer: NbElementRenderer, data: MimeData, inline: bool) -> list[nodes.Element] | None:
        """A `div` that keeps the figure's place, and the figure as JSON in it."""
        if data.mime_type != PLOTLY:
            return None
        renderer.add_js_file("plotly", PLOTLY_JS, BEFORE_FORMULAS)
        renderer.add_js_file("mer-figures", "figures.js", BEFORE_FORMULAS)
        figure = data.content if isinstance(data.content, dict) else json.loads(data.string)
        check_traces(figure)
        layout = figure.get("layout", {})
        height = layout.get("height", DEFAULT_HEIGHT)
        label = escape(layout.get("meta", {}).get("alt", ""), quote=True)
        stored = json.dumps(figure, separators=(",", ":")).replace("</", "<\\/")
        html = (
            f'<div class="mer-figure" role="figure" aria-label="{label}" style="min-height:{height}px">'
            f'<script type="application/json">{stored}</script>'
            f"<noscript><p>{label}</p></noscript></div>"
        )
        return [nodes.raw(text=html, format="html")]


def check_traces(figure: dict) -> None:
    """Refuse a figure that `PLOTLY_JS` would leave empty."""
    unknown = {trace.get("type", "scatter") for trace in figure.get("data", [])} - DRAWN
    if unknown:
        raise ValueError(
            f"A figure has traces of type {sorted(unknown)}; pages draw {sorted(DRAWN)}. "
            f"Use one of these, or a larger plotly.js in place of {PLOTLY_JS}."
        )


class LiveControl:
    """Says on a static page what a live notebook would offer here, if it was stored from one."""

    mime_priority_overrides = (("html", WIDGET, ABOVE_ALL),)

    @staticmethod
    def handle_mime(renderer: NbElementRenderer, data: MimeData, inline: bool) -> list[nodes.Element] | None:
        """A note: the control needs a kernel, and a page has none."""
        if data.mime_type != WIDGET:
            return None
        return [nodes.raw(text=NOTE, format="html")]


class ChapterStatus(SphinxDirective):
    """A row a chapter: how long it took, on which machine, how much of it may move within a tolerance."""

    def run(self) -> list[nodes.Node]:
        """As a table of Markdown, which the page's own parser reads."""
        sources = Path(self.env.srcdir)
        rows = ["| chapter | time | cells | within a tolerance | executed on |", "|---|---:|---:|---:|---|"]
        for chapter in chapters(sources):
            self.env.note_dependency(chapter)
            rows.append(_status_row(chapter, nbformat.read(sources / chapter, as_version=4)))
        return self.parse_text_to_nodes("\n".join(rows))


def _status_row(chapter: str, notebook: nbformat.NotebookNode) -> str:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tolerant = sum("tolerance" in cell.metadata for cell in cells)
    note = notebook.metadata.get(EXECUTED, {"seconds": "?", "where": "not noted"})
    page = chapter.removesuffix(".ipynb")
    return f"| {{doc}}`/{page}` | {note['seconds']}&nbsp;s | {len(cells)} | {tolerant} | {note['where']} |"


def offer_still_pictures(app: Sphinx, page: nodes.document, name: str) -> None:
    """Beside each picture that moves, its first frame, for readers who asked for less motion."""
    if app.builder.format != "html":
        return
    for image in list(page.findall(nodes.image)):
        source = Path(app.srcdir) / image["uri"]
        if source.suffix in MOVING and cv2.imcount(str(source)) > 1:
            target = Path(app.outdir) / app.builder.imagedir / f"{source.stem}-still.webp"
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), cv2.imread(str(source)))  # the first frame
            up = "../" * name.count("/")
            image.replace_self(_picture(image, f"{up}{app.builder.imagedir}/{target.name}"))


def _picture(image: nodes.image, still: str) -> list[nodes.Node]:
    """The image within an HTML `picture`, whose other source is the still one."""
    other = f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{escape(still)}">'
    opening, closing = (nodes.raw(text=tag, format="html") for tag in (other, "</picture>"))
    shown = image.deepcopy()
    shown["classes"].append("no-scaled-link")  # Sphinx would put a link between the picture and its image
    return [opening, shown, closing]


def use_own_files(app: Sphinx, config: object) -> None:
    """Scripts, styles, formulas: from the package itself."""
    config.html_static_path.append(str(STATIC))
    config.mathjax_path = "mathjax/tex-chtml.js"
    config.mathjax_options = {"defer": "defer"}
    config.nb_ipywidgets_js = {}
    config.html_context.setdefault("default_mode", "auto")  # the theme logs an error where it is not said


def empty_second_icons(app: Sphinx, error: Exception | None) -> None:
    """The theme brings its icons twice: as a font, and as 1.5 MB of script that draws them again on each page."""
    if error or app.builder.format != "html":
        return
    for script in (Path(app.outdir) / "_static").glob("vendor/fontawesome/*/js/all.min.js"):
        script.write_bytes(b"")


def leave_out_the_menu(app: Sphinx, page: str, template: str, context: dict, tree: object) -> None:
    """Pages of source code have links back; the list of all pages beside each took half of the build."""
    if page.startswith("_modules/"):
        context["sidebars"] = []
        context["theme_article_header_start"] = []  # the button that opens it


def setup(app: Sphinx) -> dict[str, object]:
    """Called by Sphinx."""
    app.connect("config-inited", use_own_files, priority=10)  # before MyST-NB reads its own
    app.connect("html-page-context", leave_out_the_menu, priority=100)  # before the theme fills it
    app.connect("build-finished", empty_second_icons)
    app.add_directive("chapter-status", ChapterStatus)
    app.connect("doctree-resolved", offer_still_pictures)
    app.add_css_file("book.css")
    for script in ("page.js", "tables.js"):
        app.add_js_file(script, loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
