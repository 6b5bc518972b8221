"""What tests share: the built book and the records it leaves."""

import functools
import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "_build" / "html"

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / "_build" / ".hypothesis"))
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded, as in the build
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that look at the built book; ``make units`` leaves them out."""
    for item in items:
        if "pages" in getattr(item, "fixturenames", ()):
            item.add_marker("built")


@pytest.fixture(scope="session")
def pages() -> Path:
    """The folder of built pages; ``make test`` builds them before it runs the tests."""
    if not (PAGES / "facts.json").exists():
        pytest.skip("the book is not built; run 'make book' first")
    return PAGES


@pytest.fixture(scope="session")
def facts(pages: Path) -> dict[str, dict[str, Any]]:
    """The quoted values of the built book: ``facts["book/autograd"]["dz-dx"]``."""
    values: dict[str, dict[str, Any]] = {}
    for fact in json.loads((pages / "facts.json").read_text("utf8")):
        values.setdefault(fact["page"], {})[fact["name"]] = fact["value"]
    return values


@pytest.fixture(scope="session")
def claims(pages: Path) -> list[dict[str, Any]]:
    """The claims of the built book, as its machinery wrote them."""
    found: list[dict[str, Any]] = json.loads((pages / "claims.json").read_text("utf8"))
    return found


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site(pages: Path) -> Iterator[str]:
    """The built book, served on this machine alone; the address ends in a slash."""
    handler = functools.partial(QuietHandler, directory=str(pages))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def chromium_path() -> str:
    """Where the machine has Chromium; a test that needs it is left out where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no browser: this test wants chromium or google-chrome on the PATH")
    return path


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The one Playwright of a run: a second would not start beside it."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium, as a reader has it; it finds no host but this machine."""
    hosts = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    options = ["--no-sandbox", "--disable-gpu", hosts]
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=options)
    yield browser
    browser.close()
