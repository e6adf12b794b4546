"""The built pages in a real browser without a network: everything is drawn, and nothing is asked of another host."""

import os
import shutil
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mer_core.book.build import build
from tests.book.tiny import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OF_THE_THEME = "THEBE_JS_URL"  # sphinx-thebe and the theme both declare it; harmless, and not ours


@pytest.fixture(scope="module")
def site():
    return build(ROOT, stored=True).parent


@pytest.fixture(scope="module")
def pages(site):
    return sorted(site.glob("chapters/**/*.html"))


@pytest.fixture(scope="module")
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI must have a Chromium: .ci/run installs it"
        pytest.skip("no Chromium is installed, so the pages were not opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture
def visit(browser, address):
    """Opens a page; `.errors` and `.abroad` collect what must not happen."""
    contexts = []

    def open_page(path, **options):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.errors, page.abroad = [], []

        def stay_here(route):
            if not route.request.url.startswith((address, "data:", "blob:")):
                page.abroad.append(route.request.url)
                return route.abort()
            return route.continue_()

        page.route("**/*", stay_here)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
        page.goto(f"{address}/{path}", wait_until="networkidle")
        page.errors = [error for error in page.errors if OF_THE_THEME not in error]
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_every_page_is_drawn_without_errors_or_another_host(visit, site, pages):
    assert pages
    for path in pages:
        page = visit(path.relative_to(site))
        figures, formulas = page.locator(".mer-figure"), page.locator(".math")
        for number in range(figures.count()):
            figures.nth(number).locator(".main-svg").first.wait_for(timeout=20_000)
            assert len(figures.nth(number).get_attribute("aria-label")) > 20, path.name
        if formulas.count():
            page.locator("mjx-container").first.wait_for(
                timeout=20_000, state="attached"
            )  # perhaps in a solution
            assert page.locator(".math mjx-container").count() == formulas.count(), path.name
        assert page.errors == [], path.name
        assert page.abroad == [], path.name


def test_the_first_page_leads_into_the_book(visit):
    page = visit("index.html")
    page.wait_for_url("**/chapters/index.html")
    assert page.title()


def test_figures_follow_the_dark_theme(visit, site, pages):
    path = next(page for page in pages if "mer-figure" in page.read_text())
    page = visit(path.relative_to(site))
    figure = page.locator(".mer-figure").first
    figure.locator(".main-svg").first.wait_for()
    colour = "document.querySelector('.mer-figure').layout.font.color"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"{colour} !== '{light}'")


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_and_figures_fit_a_phone_and_a_desk(visit, site, pages, width):
    for path in pages:
        page = visit(path.relative_to(site))
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
        too_wide = "f => f.querySelector('.main-svg').getBoundingClientRect().width > f.clientWidth + 1"
        assert not page.evaluate(
            f"[...document.querySelectorAll('.mer-figure')].filter({too_wide}).length"
        ), path.name


def test_a_slider_moves_the_picture(visit):
    page = visit("chapters/foundations/faces.html")
    figure = page.locator(".mer-figure", has=page.locator(".slider-container")).first
    figure.scroll_into_view_if_needed()
    picture = figure.locator("image").first
    before = picture.get_attribute("href")
    figure.locator(".slider-rail-touch-rect").click(position={"x": 200, "y": 5}, force=True)
    page.wait_for_timeout(800)
    assert picture.get_attribute("href") != before


class Links(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        self.targets += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def test_no_internal_link_is_broken(site, pages):
    links = {path: Links(path) for path in pages}
    broken = []
    for path, found in links.items():
        for target in found.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_there = file.exists() and (
                parts.fragment in links[file].anchors if parts.fragment and file in links else True
            )
            broken += [] if is_there else [f"{path.name}: {target}"]
    assert broken == []
