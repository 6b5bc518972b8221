"""What tests share: the built book and the records it leaves."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

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
