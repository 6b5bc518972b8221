"""What axe finds on a page in the browser: one way to ask, for all tests of pages."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}  # fetches no style twice
DRAWN = [[".katex-html"]]  # left out: its twin in MathML is what is read aloud
ASK = "async ([place, options]) => (await axe.run(place, options)).violations"


def violations(
    page: Page, part: str = "html", options: dict[str, Any] = AXE
) -> list[dict[str, Any]]:
    """Return what axe finds wrong with these parts of the page; it is loaded once a page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    place = {"include": [[part]], "exclude": DRAWN}
    found: list[dict[str, Any]] = page.evaluate(ASK, [place, options])
    return found
