"""The built pages as a reader meets them: a real browser, no network, a desk and a phone, by day and by night.

Each page is opened at a desk by day and on a phone by night; then the reader switches the theme. A visit collects all
that can be seen in it; the tests are about what was collected.
"""

import json
import os
import re
import shutil
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import plotly
import pytest
from axe_playwright_python.base import AXE_SCRIPT

from mer_core import atomic
from mer_core.book.build import build
from mer_core.book.contents import digest, files
from mer_core.book.page import DRAWN, PLOTLY_JS, STATIC, check_traces
from tests.book.tiny import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OF_THE_THEME = "THEBE_JS_URL"  # sphinx-thebe and the theme both declare it; harmless, and not ours
SCRIPTS = (Path(__file__).parent / "pages.js").read_text()
LOOKS = {
    "desk": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
KNOWN = {  # rules of axe that are not held, and why
    "aria-deprecated-role": "docutils marks an entry of a bibliography with a role that WAI-ARIA gave up in 2023",
    "aria-required-children": "docutils calls a bibliography a list and lets the targets of its links stand in it",
}
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "rules": {rule: {"enabled": False} for rule in KNOWN},
    "resultTypes": ["violations"],
}
SHARED = ("plotly-cartesian.min.js", "/mathjax/")  # loaded once for the whole book
PAPER = 658  # pixels between the margins of A4
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATIENCE = 60_000  # milliseconds: a busy machine is no wrong answer


pytestmark = pytest.mark.timeout(
    3600
)  # all pages are visited before the first test: a busy machine takes long


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
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", NO_NETWORK]
        )


@pytest.fixture(scope="module")
def visit(browser, address):
    """Opens a page and waits until it is drawn; `.errors` and `.abroad` collect what must not happen."""

    def open_page(path, context=None, **options):
        page = (context or browser.new_context(**options)).new_page()
        page.set_default_timeout(PATIENCE)
        page.errors, page.abroad = [], []

        def note_host(request):
            if not request.url.startswith((address, "data:", "blob:")):
                page.abroad.append(request.url)

        page.on("request", note_host)  # a route would switch the cache off
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on(
            "console",
            lambda line: (
                page.errors.append(f"{line.text} {line.location['url']}") if line.type == "error" else None
            ),
        )
        page.add_init_script(SCRIPTS)
        page.goto(f"{address}/{path}")
        if options.get("java_script_enabled", True):
            page.evaluate("watch.drawn()")
        return page

    return open_page


@pytest.fixture(scope="module")
def seen(browser, visit, site, pages):
    """What a visit to each page in each look showed; a page that is the same to the byte is not visited again."""
    found, shared = {}, [*files(site / "_static"), *files(site / "_images"), Path(__file__)]
    same = digest(f"{browser.version}{SCRIPTS}", shared)
    for look, options in LOOKS.items():
        context = browser.new_context(**options)
        for path in pages:
            memory = (
                ROOT / "_build" / "seen" / f"{digest(f'{path.relative_to(site)}{look}{same}', [path])}.json"
            )
            if not memory.exists():
                page = visit(path.relative_to(site), context)
                atomic.write(memory, json.dumps(look_at(page, look)).encode())
                page.close()
            found[f"{path.relative_to(site)}, {look}"] = json.loads(memory.read_bytes())
    return found


def look_at(page, look):
    """Everything that one visit can tell; what changes the page comes last."""
    made = page.evaluate("watch.measure()")
    made["paper"] = print_preview(page) if look == "phone" else {}  # the same paper, asked for in the dark
    made["other"] = page.evaluate("watch.switched()")
    made["still"] = move_figures(page) if look == "desk" else []
    made["errors"] = [error for error in page.errors if OF_THE_THEME not in error]
    page.evaluate("watch.thin()")
    page.evaluate(AXE_SCRIPT)
    violations = page.evaluate("options => axe.run(options)", AXE)["violations"]
    made["axe"] = [said(found["id"], node) for found in violations for node in found["nodes"]]
    return made | {"abroad": page.abroad}


def said(rule, node):
    reasons = [check["message"] for check in node["any"] + node["all"] + node["none"]]
    return f"{rule}: {node['html'][:150]}: {reasons[0]}"


def move_figures(page):
    """Uses every slider, button and menu; returns those that change nothing in their picture."""
    still = []
    for figure in page.locator(".mer-figure").all():
        for control in (".slider-rail-touch-rect", ".updatemenu-button", ".updatemenu-header"):
            if figure.locator(control).count() and not moves(page, figure, control):
                still.append(f"{control} of: {figure.get_attribute('aria-label')}")
    return still


def moves(page, figure, control):
    before = figure.evaluate("watch.picture")
    place = figure.locator(control).last
    place.scroll_into_view_if_needed()
    place.click(force=True, **({"position": {"x": 150, "y": 5}} if "slider" in control else {}))
    if "header" in control:
        figure.locator(".updatemenu-dropdown-button").nth(1).click(force=True)
    for _ in range(100):
        if figure.evaluate("watch.picture") != before:
            return True
        page.wait_for_timeout(100)
    return False


def print_preview(page):
    screen = page.viewport_size
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    found = page.evaluate("watch.paper()")
    page.emulate_media(media="screen")
    page.set_viewport_size(screen)
    page.wait_for_function("watch.reachable()")  # the theme looks again some time after a change of size
    return found


def of_all(seen, what):
    """What the visits found wrong, by page and look."""
    return {where: found for where, made in seen.items() if (found := what(made))}


def test_every_figure_and_formula_is_drawn(seen):
    assert sum(made["figures"] for made in seen.values()) > 50
    assert of_all(seen, lambda made: made["undrawn"] or made["unset"] or made["other"]["undrawn"]) == {}


def test_no_page_has_an_error_or_asks_another_host(seen):
    assert of_all(seen, lambda made: made["errors"] or made["abroad"]) == {}


def test_every_figure_says_in_words_what_it_shows_with_and_without_javascript(seen):
    assert of_all(seen, lambda made: made["unsaid"] or made["silent"]) == {}


def test_sliders_buttons_and_menus_move_their_pictures(seen):
    assert of_all(seen, lambda made: made["still"]) == {}


def test_pages_and_figures_fit_a_phone_and_a_desk(seen):
    width = {look: options["viewport"]["width"] for look, options in LOOKS.items()}
    too_wide = {
        where: made["width"]
        for where, visit in seen.items()
        for made in (visit, visit["other"])
        if made["width"] > width[where.split(", ")[1]]
    }
    assert too_wide == {}
    assert of_all(seen, lambda made: made["wideFigures"] or made["other"]["wideFigures"]) == {}


def test_nothing_moves_while_a_page_loads(seen):
    assert of_all(seen, lambda made: made["shift"] > 0.1 and made["shift"]) == {}


def test_a_page_is_smaller_than_three_megabytes(seen):
    def weight(made):
        own = [size for name, size in made["bytes"] if not any(shared in name for shared in SHARED)]
        return sum(own) if sum(own) > 3_000_000 else 0

    assert of_all(seen, weight) == {}


def test_texts_have_contrast_and_controls_have_names(seen):
    assert of_all(seen, lambda made: made["axe"]) == {}


def test_texts_of_figures_have_contrast(seen):
    assert of_all(seen, lambda made: made["faint"] + made["other"]["faint"]) == {}


def test_paper_shows_all_in_light_and_no_menu(seen):
    assert of_all(seen, lambda made: any(made["paper"].values()) and made["paper"]) == {}


def test_the_first_page_leads_into_the_book(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/index.html")
    page.wait_for_url("**/chapters/index.html")
    assert page.title()


def test_pages_draw_with_the_version_for_which_the_wheel_makes_figures():
    wheel = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    ours, theirs = (
        re.search(r" v(\d+)\.", open_start(path)).group(1) for path in (STATIC / PLOTLY_JS, wheel)
    )
    assert ours == theirs


def open_start(path):
    with path.open() as file:
        return file.read(200)


def test_pages_can_draw_every_trace_that_they_promise(browser):
    page = browser.new_page()
    page.add_script_tag(path=STATIC / PLOTLY_JS)
    assert set(page.evaluate("Object.keys(Plotly.PlotSchema.get().traces)")) >= DRAWN


def test_a_trace_that_no_page_draws_is_refused_by_name():
    with pytest.raises(ValueError, match=r"type \['sankey'\]; pages draw .*'bar'"):
        check_traces({"data": [{"type": "sankey"}, {"y": [1]}]})


def test_figures_follow_the_dark_theme(visit):
    page = visit("chapters/foundations/scores.html", color_scheme="light")
    colour = "document.querySelector('.mer-figure').layout.font.color"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"{colour} !== '{light}'")


def test_a_confusion_matrix_tells_its_numbers_under_the_pointer(visit):
    page = visit("chapters/foundations/scores.html")
    figure = page.locator(".mer-figure", has=page.locator(".hm")).first
    figure.scroll_into_view_if_needed()
    figure.locator(".nsewdrag").first.hover(position={"x": 40, "y": 40}, force=True)
    page.locator(".hovertext").first.wait_for()


def test_a_table_of_outputs_sorts_by_a_click_or_a_key(visit):
    page = visit("chapters/foundations/corpora.html")
    table = page.locator("table:has(.mer-sort)").first
    head = table.locator("th:has(.mer-sort)").last

    def column():
        place = head.evaluate("head => head.cellIndex")
        return [row.locator("th, td").nth(place).inner_text() for row in table.locator("tbody tr").all()]

    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    down = column()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    up = column()
    assert (up[0], up[-1]) == (down[-1], down[0])
    assert sorted(up) == sorted(down)
    assert up != down


def test_a_moving_picture_stands_still_for_who_asked_for_less_motion(visit):
    chosen = "document.querySelector('picture img').currentSrc"
    assert "still" not in visit("chapters/index.html").evaluate(chosen)
    assert "still" in visit("chapters/index.html", reduced_motion="reduce").evaluate(chosen)


def test_without_javascript_a_figure_is_its_text(visit):
    page = visit("chapters/foundations/scores.html", java_script_enabled=False)
    assert len(page.locator(".mer-figure").first.inner_text()) > 20


def test_a_handout_has_no_solutions(visit):
    solutions = visit("chapters/foundations/scores.html?handout").locator(".solution")
    assert solutions.count()
    assert not any(one.is_visible() for one in solutions.all())


def test_slides_are_landscape_and_many(visit):
    def sheets(address):
        pdf = visit(address).pdf(prefer_css_page_size=True)
        return [tuple(map(float, box)) for box in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)]

    paper, slides = sheets("chapters/ethics.html"), sheets("chapters/ethics.html?slides")
    assert all(width < height for width, height in paper)
    assert all(width > height for width, height in slides)
    assert len(slides) > len(paper)


def test_nothing_is_launched_elsewhere_unless_configured(site, pages):
    assert not [path.name for path in pages if "launch-buttons" in path.read_text()]


class Links(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        self.targets += [attributes[name] for name in ("href", "src", "srcset") if attributes.get(name)]


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
