"""Chapters on paper: a PDF each, printed by a browser that is installed. How a page looks there, `book.css` says."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mer_core.book.build import build
from mer_core.book.contents import BookError, chosen

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "microsoft-edge", "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip
PATIENCE = 60_000  # milliseconds of the page's own clock, which does not wait, to draw figures and formulas


def print_chapters(
    root: Path, target: Path, names: Sequence[str] = (), looks: Sequence[str] = ()
) -> list[Path]:
    """Print these chapters (default: all) with their stored outputs into `target`; looks: `slides`, `handout`."""
    wanted, browser = chosen(root, names), find_browser()
    site = build(root, stored=True).parent
    target.mkdir(parents=True, exist_ok=True)
    made = []
    for name in wanted:
        place = target / "-".join([Path(name).stem, *looks])
        address = (site / name).with_suffix(".html").as_uri() + "?" + "&".join(looks)
        made.append(_print(browser, address, place.with_suffix(".pdf").resolve()))
    return made


def find_browser() -> str:
    """The path of a Chromium or one of its kin."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise BookError(
        f"Printing needs Chromium or Chrome, and none of {', '.join(BROWSERS)} was found. Install one, "
        "or open a page of the book in the browser that you have and print it there."
    )


def _print(browser: str, address: str, target: Path) -> Path:
    target.unlink(missing_ok=True)
    command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
    command += [f"--virtual-time-budget={PATIENCE}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--no-sandbox"]  # as root Chromium refuses to start otherwise
    result = subprocess.run([*command, address], capture_output=True, encoding="utf-8", check=False)
    if not target.exists():
        raise BookError(f"{browser} did not print {address}:\n{result.stderr.strip()[-1000:]}")
    return target
