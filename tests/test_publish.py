"""Nothing is published that did not run, does not hold, leads nowhere or was not meant."""

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_book import CELL, FIGURE, Book

TOOLS = Path(__file__).parent.parent / "tools"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    return runpy.run_path(str(TOOLS / name))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A small book that was built without a fault."""
    book = Book(tmp_path_factory.mktemp("whole"))
    raises = "---\ntags: [raises-exception, raises-ZeroDivisionError]\n---\n1 / 0"
    book.write("one", FIGURE + CELL.format(raises))
    status, output = book.build()
    assert status == 0, output[-2000:]
    return book


@pytest.fixture
def book(whole: Book, tmp_path: Path) -> Book:
    """A copy of it, in which a fault can be planted."""
    copy = Book.__new__(Book)
    copy.folder = tmp_path / "copy"
    leave = shutil.ignore_patterns("src", ".doctrees", ".jupyter_cache")
    shutil.copytree(whole.folder, copy.folder, ignore=leave)
    return copy


def faults(book: Book, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = load("publish.py", monkeypatch)["site_faults"](
        book.folder, book.folder / "_build"
    )
    return found


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf8")


def test_a_whole_book_passes(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(book, monkeypatch) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<p>The size is", "<p>The {quote}`size` is", "book/one prints markup as it stands"),
        ("<p>The size is", "<p>::: The size is", "book/one prints markup as it stands"),
        ('alt="A rising line."', 'alt="{quote}`size`"', "book/one prints markup as it stands"),
        ("<p>The size is", "<p>\u2049 is", "book/one lacks a number that it quotes"),
        (
            "<p>The size is",
            '<a href="gone.html">The</a>',
            "links to 'gone.html', which is not there",
        ),
        (
            "<p>The size is",
            '<p><a href="#gone">The</a>',
            "links to '#gone', where there is no such place",
        ),
        ("<p>The size is", '<a href="../index.html#no">a</a>', "where there is no such place"),
        ("<p>The size is", '<img alt="a b" src="//else.where/x.png">', "from another host"),
        ('<details class="claim"', "<details", "book/one made 1 claims and shows 0"),
    ],
)
def test_a_fault_in_a_page_stops_publication(
    old: str, new: str, expected: str, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(book.folder / "_build" / "html" / "book" / "one.html", old, new)
    assert any(expected in fault for fault in faults(book, monkeypatch))


def test_markup_in_code_and_formulas_is_no_fault(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = book.folder / "_build" / "html" / "book" / "one.html"
    inert = "<pre><br>$x$ TODO</pre><code>{quote}`a`</code><math><mi>$</mi></math>"
    before = faults(book, monkeypatch)
    change(page, "<p>The size is", f"{inert}<p>The size is")
    assert faults(book, monkeypatch) == before


def test_a_failing_claim_stops_publication(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record and the run are both believed when they say that a claim failed."""
    notebook = book.folder / "_build" / "jupyter_execute" / "book" / "one.ipynb"
    change(book.folder / "_build" / "html" / "claims.json", '"holds": true', '"holds": false')
    lost = "book/one made 1 claims, of which claims.json says something else"
    assert lost in faults(book, monkeypatch)
    change(notebook, '"holds": true', '"holds": false')
    assert "book/one claims what does not hold: The size is small." in faults(book, monkeypatch)


def test_a_page_without_claims_stops_publication(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = book.folder / "_build" / "jupyter_execute" / "book" / "one.ipynb"
    change(notebook, '"kind": "claim"', '"kind": "other"')
    assert "book/one claims nothing" in faults(book, monkeypatch)


def test_an_unexecuted_cell_stops_publication(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = book.folder / "_build" / "jupyter_execute" / "book" / "one.ipynb"
    record = json.loads(notebook.read_text("utf8"))
    code = [cell for cell in record["cells"] if cell["cell_type"] == "code"]
    code[1]["execution_count"] = None
    notebook.write_text(json.dumps(record), "utf8")
    assert "book/one has a cell that was not executed: cell 2" in faults(book, monkeypatch)
    record["cells"].remove(code[1])
    notebook.write_text(json.dumps(record), "utf8")
    assert "book/one has 3 code cells, of which 2 were executed" in faults(book, monkeypatch)
    notebook.unlink()
    assert "book/one was not executed" in faults(book, monkeypatch)


def test_an_error_that_nobody_meant_stops_publication(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = book.folder / "_build" / "jupyter_execute" / "book" / "one.ipynb"
    change(notebook, '"raises-exception"', '"check"')
    assert "book/one has a cell that raised ZeroDivisionError: cell 3" in faults(book, monkeypatch)


def test_a_missing_page_or_record_stops_publication(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = book.folder / "_build" / "html"
    (html / "book" / "one.html").rename(html / "book" / "other.html")
    found = faults(book, monkeypatch)
    assert "book/one is in the contents and was not written" in found
    assert "book/other.html is not meant to be published" in found
    (html / "facts.json").unlink()
    assert faults(book, monkeypatch) == ["the build did not end well: it left no facts.json"]


@pytest.mark.parametrize("name", ["reports/one.err.log", "_static/book.js.map", ".buildinfo"])
def test_what_is_not_meant_stops_publication(
    name: str, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = book.folder / "_build" / "html" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    assert f"{name} is not meant to be published" in faults(book, monkeypatch)


def test_a_refusal_packs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tool ends with an error and a list, and leaves no archive."""
    tool = load("publish.py", monkeypatch)
    tool["main"].__globals__["ROOT"] = tmp_path
    with pytest.raises(SystemExit) as ended:
        tool["main"]()
    assert ended.value.code == 1
    assert not (tmp_path / "_build" / "release").exists()


def test_an_archive_depends_on_names_and_contents_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = load("archive.py", monkeypatch)
    sums = set()
    for place in ("first", "second"):
        folder = tmp_path / place / "site"
        (folder / "book").mkdir(parents=True)
        names = ["index.html", "book/a.html"]
        for name in names if place == "first" else reversed(names):
            (folder / name).write_text(name)
        os.utime(folder / "index.html", (1, len(place)))
        tool["pack"](folder, tmp_path / place / "site.tar.gz")
        sums.add(hashlib.sha256((tmp_path / place / "site.tar.gz").read_bytes()).hexdigest())
    assert len(sums) == 1


def test_a_release_can_be_checked_and_unpacked_and_a_damaged_one_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our own script, as the workflow does, and by ``sha256sum``, as readers do."""
    build, place = tmp_path / "_build", tmp_path / "release"
    for name in ("html/index.html", "notebooks/one.ipynb"):
        (build / name).parent.mkdir(parents=True)
        (build / name).write_text(name)
    (build / "define-by-run.pdf").write_bytes(b"%PDF")
    files = load("publish.py", monkeypatch)["release"](build, place)
    assert len(files) == 3
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=place, check=True)
    command = [sys.executable, "-I", "-S", str(TOOLS / "archive.py"), "unpack", str(place)]
    subprocess.run(command, check=True)
    assert (place / "site" / "index.html").read_text() == "html/index.html"
    archive = place / "notebooks.tar.gz"
    archive.write_bytes(archive.read_bytes() + b"0")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "is not the file that SHA256SUMS names" in done.stderr
