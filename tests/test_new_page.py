"""A page is started from the template and dropped again; the build says what no longer fits."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_book import CELL, ROOT, Book
from test_tools import load

CONTENTS = (ROOT / "_toc.yml").read_text("utf8")
COPIED = ("book", "src", "tools", "_toc.yml", "_config.yml", "references.bib", "Makefile")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout, without what was built."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy(source, tmp_path)
    return tmp_path


def start(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "tools" / "chapter.py"), *words]
    return subprocess.run(command, capture_output=True, text=True)


def chapters(contents: str, numeral: str) -> list[str]:
    """Return the pages of a part."""
    parts = yaml.safe_load(contents)["parts"]
    (part,) = [part for part in parts if part["caption"].startswith(f"Part {numeral}.")]
    return [item["file"] for item in part["chapters"]]


def test_a_page_is_started_listed_and_builds_alone(checkout: Path) -> None:
    """The template, under another name, passes every check of the build."""
    done = start(checkout, "slow-slopes", "Slopes that are slow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "make preview CHAPTER=slow-slopes" in done.stdout
    environment = dict(os.environ, PYTHONPATH=str(checkout / "src"))
    built = subprocess.run(
        [sys.executable, str(checkout / "tools" / "build.py"), "slow-slopes"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert built.returncode == 0, built.stdout
    html = checkout / "_build" / "preview" / "_build" / "html" / "book" / "slow-slopes.html"
    assert "<h1>Slopes that are slow" in html.read_text("utf8")


def test_the_template_is_made_as_all_chapters_are() -> None:
    """Headings, kinds of exercises, hints and solutions: what the tests ask of a chapter."""
    text = (ROOT / "tools" / "template.md").read_text("utf8")
    assert text.count("{exercise}") == text.count("{solution-start}") == 3
    assert text.count("{dropdown} Hint") == 3
    for part in ("## Summary\n", "## Exercises\n", "## Where to read on\n", ":needs:", "{predict}"):
        assert part in text
    assert "{pitfall}" in text
    assert "claim(" in text
    assert "{quote}" in text


@pytest.mark.parametrize(
    ("words", "part"), [((), "IV"), (("II",), "II"), (("I",), "I"), (("III",), "III")]
)
def test_it_is_listed_at_the_end_of_its_part(
    words: tuple[str, ...], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last numbered part, or the one that is named; nothing else of the contents changes."""
    listed = load("chapter.py", monkeypatch)["listed"](CONTENTS, "new", *words)
    assert chapters(listed, part) == [*chapters(CONTENTS, part), "book/new"]
    assert listed.replace("      - file: book/new\n", "") == CONTENTS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Slopes", "A"), "NAME is 'Slopes'; expected lower-case words"),
        (("a b", "A"), "NAME is 'a b'"),
        (("../a", "A"), "NAME is '../a'"),
        (("", "A"), "NAME is ''"),
        (("tensors", "A"), "There is a page 'tensors' already"),
        (("slopes", ""), "TITLE is ''"),
        (("slopes", "A", "IX"), "There is no part ix"),
    ],
)
def test_a_bad_name_title_or_part_changes_nothing(
    checkout: Path, words: tuple[str, ...], message: str
) -> None:
    done = start(checkout, *words)
    assert done.returncode != 0
    assert done.stderr.lower().startswith(message.lower()), done.stderr
    assert (checkout / "_toc.yml").read_text("utf8") == CONTENTS
    before = {path.name for path in (ROOT / "book").glob("*.md")}
    assert {path.name for path in (checkout / "book").glob("*.md")} == before


RESTS = """
It quotes {quote}`gone::size:.3f`, points to {ref}`chapter-gone` and to {doc}`gone`, and links
[the page](gone.md).
"""


def test_a_dropped_page_is_named_wherever_another_rests_on_it(tmp_path: Path) -> None:
    """Quote, reference, link and need: a line for each, and none of them a traceback."""
    book = Book(tmp_path)
    book.write("index", "# A small book\n\nText.\n", front=False)
    book.write("gone", "")
    book.write("rests", RESTS + CELL.format("1 + 1"))
    for page, old, new in (
        ("gone", "# Gone", "(chapter-gone)=\n# Gone"),
        ("rests", "needs}\n", "needs}\n:needs: gone\n"),
    ):
        path = tmp_path / "book" / f"{page}.md"
        path.write_text(path.read_text("utf8").replace(old, new), "utf8")
    contents = (tmp_path / "_toc.yml").read_text("utf8")
    status, output = book.build()
    assert status == 0, output[-2000:]
    (tmp_path / "book" / "gone.md").unlink()
    (tmp_path / "_toc.yml").write_text(contents.replace("  - file: book/gone\n", ""))
    status, output = book.build()
    assert status != 0
    said = [line for line in output.splitlines() if line.startswith("  book/rests ")]
    for message in (
        "quotes 'size' of book/gone, which records no such value",
        "undefined label: 'chapter-gone'",
        "unknown document: 'gone'",
        "cross-reference target not found: 'gone.md'",
        "needs 'book/gone', which is no chapter of the contents",
    ):
        assert any(message in line for line in said), (message, said)
    assert not (tmp_path / "_build" / "html" / "book" / "gone.html").exists()


def test_a_page_that_is_listed_and_missing_is_named(tmp_path: Path) -> None:
    """The file is deleted and its line in the contents left: the tool says so in a line."""
    book = Book(tmp_path)
    book.write("one", "")
    contents: Any = tmp_path / "_toc.yml"
    contents.write_text(contents.read_text("utf8") + "  - file: book/gone\n")
    status, output = book.build()
    assert status != 0
    assert any("book/gone" in line for line in output.splitlines()), output[-2000:]
