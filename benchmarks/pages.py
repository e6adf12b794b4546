"""How soon a page of the book shows its first figure, and how much of that is plotly.js itself.

    python benchmarks/pages.py [PAGE …] [--turns N]

Goal on two idle cores: a figure within 2 s of opening any page from a local server, in a browser whose cache is empty.
`bare` is a page with nothing but plotly.js and one point: `times the bare page` is the median of the ratios within each
turn, so it holds on a busy machine too. `thread` is the computing of the page's main thread alone. Expect two minutes.
"""

import mer_core.pinned

import argparse
import os
import statistics
import threading
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
from playwright.sync_api import Browser, sync_playwright

from mer_core.book.build import build
from mer_core.book.page import PLOTLY_JS
from mer_core.book.paper import find_browser
from mer_core.place import find_root

BARE = "bare.html"
BARE_PAGE = f"""<!DOCTYPE html><title>bare</title><div id="place"></div><script src="_static/{PLOTLY_JS}"></script>
<script>Plotly.newPlot("place", [{{y: [1]}}])</script>"""
FIRST_FIGURE = """new MutationObserver((_, observer) => {
    if (!document.querySelector(".main-svg")) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => { window.firstFigure = performance.now() / 1000; }));
}).observe(document, { childList: true, subtree: true });"""


class Handler(SimpleHTTPRequestHandler):
    """The book, and the bare page, which is nowhere on disk."""

    def do_GET(self) -> None:
        """Answer a request."""
        with suppress(ConnectionError):  # a page is closed once its figure is seen, before all of it has come
            self._bare() if self.path.endswith(BARE) else super().do_GET()

    def _bare(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(BARE_PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "pages", nargs="*", help="such as chapters/foundations/faces.html; default: all with figures"
    )
    options.add_argument("--turns", type=int, default=3)
    asked = options.parse_args()
    site = build(find_root(), stored=True).parent
    pages = asked.pages or [str(path.relative_to(site)) for path in with_figures(site)]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start\n")
    print(table(pages, f"http://127.0.0.1:{server.server_port}", asked.turns).to_string(index=False))


def with_figures(site: Path) -> list[Path]:
    """The pages that hold a figure."""
    return [
        path
        for path in sorted(site.glob("chapters/**/*.html"))
        if "mer-figure" in path.read_text(encoding="utf-8")
    ]


def table(pages: list[str], address: str, turns: int) -> pd.DataFrame:
    """A row a page, medians over turns; a busy moment meets all pages of a turn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        made = [{page: opened(browser, f"{address}/{page}") for page in (BARE, *pages)} for _ in range(turns)]
    rows = []
    for page in made[0]:
        first, thread = (statistics.median(turn[page][i] for turn in made) for i in (0, 1))
        ratio = statistics.median(turn[page][0] / turn[BARE][0] for turn in made)
        rows.append(
            {
                "page": page,
                "first figure, s": f"{first:.2f}",
                "thread, s": f"{thread:.2f}",
                "times the bare page": f"{ratio:.1f}",
            }
        )
    return pd.DataFrame(rows)


def opened(browser: Browser, address: str) -> tuple[float, float]:
    """Seconds until the first figure is seen; seconds that the main thread computed for it."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(FIRST_FIGURE)
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.firstFigure", timeout=120_000)
    seconds = page.evaluate("window.firstFigure")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    page.context.close()
    return seconds, metrics["TaskDuration"]


if __name__ == "__main__":
    main()
