"""The tools say in one line what is wrong, and which numbers differ by processor."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parent.parent / "tools"
BOX = (
    "\n\x1b[91m=====\x1b[0m\n\nThere was an error in building your book.\n\n\x1b[91m=====\x1b[0m\n"
)


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    return runpy.run_path(str(TOOLS / name))


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full; free some space"),
        ("PermissionError: [Errno 13] Permission denied: '_build/html'", "_build/html belongs to"),
        ("ModuleNotFoundError: No module named 'sphinx'", "the environment lacks sphinx; remove"),
        ("sphinx.errors.ConfigError: another folder's code", "another folder's code"),
        ("  File 'x'\n    y\nValueError: bad KaTeX", "bad KaTeX"),
        ("Killed", "Killed"),
        ("", "ended without a word"),
    ],
)
def test_what_stops_a_build_is_one_line(
    log: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, and no box that only says that something is wrong."""
    said = load("build.py", monkeypatch)["faults"](f"Running Sphinx\n{log}\nRuntimeError: {BOX}")
    if not log:
        said = load("build.py", monkeypatch)["faults"]("")
    assert said.startswith("The book cannot be built: ")
    assert expected in said
    assert "\n" not in said
    assert "====" not in said


def test_the_faults_of_the_book_are_listed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    log = f"Traceback\nExtensionError: the book has faults:\n  book/a is bad\n  book/b too\n{BOX}"
    said = load("build.py", monkeypatch)["faults"](log)
    assert said == "The book has faults:\n  book/a is bad\n  book/b too"


def test_the_table_ranks_what_differs_between_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal facts are counted, others ranked; words and missing values come first."""
    tool = load("compare_facts.py", monkeypatch)
    facts = {
        "old": {("p", "same"): 1.0, ("p", "small"): 1.0, ("p", "large"): 2, ("p", "word"): "a"},
        "new": {("p", "same"): 1.0, ("p", "small"): 1.001, ("p", "large"): 4, ("p", "word"): "b"},
    }
    facts["new"]["p", "gone"] = 3.0
    rows = tool["differences"](facts)
    assert [name for _spread, _page, name, _values in rows] == ["gone", "word", "large", "small"]
    assert rows[2][0] == 0.5
    assert rows[3][0] == pytest.approx(0.001, rel=0.01)
    written = tool["table"](facts)
    assert "| p | large | 2 | 4 | 5.0e-01 |" in written
    assert "| p | gone | - | 3 | inf |" in written
    assert "1 of 5 facts are equal" in written
