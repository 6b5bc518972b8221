"""The promises of the book's machinery: every fault that it says it catches is planted here.

Each test builds a small book of its own with the real configuration and the real command, in a
copy of the package, so that a helper can be edited.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_book import CELL, FIGURE, Book


@pytest.fixture
def book(tmp_path: Path) -> Book:
    small = Book(tmp_path)
    small.write("one", "")
    return small


FAULTS = {
    "false": (
        CELL.format('claim("One is large.", x > 5, size=x)'),
        "book/false did not run to its end: ClaimError: claim does not hold: One is large.",
    ),
    "constant": (
        CELL.format('y = 2\nclaim("Two is more than one.", y > 1)'),
        "book/constant claims 'Two is more than one.' on the constant condition 'y > 1'",
    ),
    "missing": (
        "It is {quote}`nowhere`.\n",
        "book/missing quotes 'nowhere' of book/missing, which records no such value",
    ),
    "unquoted": (
        CELL.format('record("alone", x)'),
        "book/unquoted records 'alone', which no page quotes",
    ),
    "typed": (
        CELL.format("print(x + 0.5)") + "The sum is 1.125.\n",
        "book/typed types 1.125, which the run produced, in 'The sum is 1.125.'",
    ),
    "byhand": (
        "By hand it is $5/8 = 0.626$ {by-hand}`size`.\n",
        "book/byhand gives 0.626 for 'size', worked by hand; the run gave 0.625",
    ),
    "failing": (
        CELL.format('raise RuntimeError("broken chapter")'),
        "book/failing did not run to its end: RuntimeError: broken chapter",
    ),
    "solution": (
        CELL.format('raise WrongAnswer("a broken solution")'),
        "book/solution did not run to its end: Not yet: a broken solution",
    ),
    "noalt": (
        FIGURE.replace("    alt: A rising line.\n", "    width: 90%\n"),
        "without alt text",
    ),
    "nocaption": (FIGURE.replace("    caption: A line.\n", "    name: fig-line\n"), "caption"),
    "stderr": (
        CELL.format('import sys\nprint("noise", file=sys.stderr)'),
        "book/stderr writes to stderr: 'noise'",
    ),
    "silent": (
        CELL.format('x\nclaim("One is small.", x, "<", 5)'),
        "book/silent ends a cell with x, which is not shown",
    ),
    "longsource": (
        CELL.format("from definebyrun.scratch.engine import Variable\nshow_source(Variable)"),
        "lines of Variable, more than 25",
    ),
    "twice": (CELL.format('record("size", x)'), "book/twice records 'size' twice"),
}


def test_every_planted_fault_fails_every_build_and_is_named(tmp_path: Path) -> None:
    """One broken book holds all faults; two builds in a row name each page with its fault."""
    broken = Book(tmp_path)
    broken.write("one", "")
    for page, (text, _message) in FAULTS.items():
        broken.write(page, text)
    broken.write("bare", "# Bare\n\n" + CELL.format("1 + 1"), front=False)
    for _attempt in range(2):
        status, output = broken.build()
        assert status != 0
        for page, (_text, message) in FAULTS.items():
            lines = [line for line in output.splitlines() if line.startswith(f"  book/{page} ")]
            assert any(message in line for line in lines), (page, message, lines)
        assert "book/bare has code cells that were not executed" in output
        assert "  book/one " not in output
    assert not (tmp_path / "_build" / "html" / "facts.json").exists()


def test_a_sound_book_shows_what_it_checked(book: Book) -> None:
    """Quotes, claims, sources, hand-worked numbers and both versions of a figure reach the page."""
    source = CELL.format("from definebyrun.scratch.losses import softmax\nshow_source(softmax)")
    claimed = CELL.format('claim("The size is small.", x, "<", 5, size=x)')
    claimed += "Of 80,000 {given}`0.625` is a definition.\n\n"
    by_hand = "By hand\nit is $5/8 = 0.625$\n{by-hand}`size`, again 0.625 {by-hand}`size`.\n\n"
    book.write("one", by_hand + claimed + source + FIGURE)
    status, output = book.build("-W", "--keep-going")
    assert status == 0, output[-3000:]
    page = book.html("one")
    assert "The size is 0.625." in page
    assert re.search(r"By hand\sit is <.*>, again 0.625.</p>", page), "a blank is lost or left"
    assert "It quotes 0.625." in book.html("index")
    assert "0.625</span> is a definition." in page
    assert re.search(r'<details class="claim".*?The size is small\..*?\(checked\)', page, re.DOTALL)
    assert "Turn logits into probabilities" in page
    assert "src/definebyrun/scratch/losses.py, lines" in page
    assert len(re.findall(r'<img alt="A rising line." class="only-(?:light|dark)"', page)) == 2
    assert book.records("facts.json") == [
        {"page": "book/one", "name": "size", "value": 0.625, "varies": False}
    ]
    assert book.records("claims.json") == [
        {
            "page": "book/one",
            "claim": "The size is small.",
            "holds": True,
            "values": {"size": 0.625},
        }
    ]


def test_a_page_that_quotes_is_written_again_when_only_the_other_chapter_changes(
    book: Book,
) -> None:
    """The landing page quotes chapter one; only chapter one is edited."""
    assert book.build()[0] == 0
    chapter = book.folder / "book" / "one.md"
    chapter.write_text(chapter.read_text().replace("/ 8", "/ 4"))
    assert book.build()[0] == 0
    assert "It quotes 1.250." in book.html("index")


def test_a_chapter_that_breaks_after_a_good_build_fails_twice_in_a_row(book: Book) -> None:
    """Warm doctrees must not hide a failure."""
    assert book.build()[0] == 0
    book.write("one", CELL.format("1 / 0"))
    for _attempt in range(2):
        status, output = book.build()
        assert status != 0
        assert "book/one did not run to its end: ZeroDivisionError" in output
    book.write("one", "")
    assert book.build()[0] == 0


def test_quotes_survive_translation(book: Book) -> None:
    """A translated paragraph quotes the same run, and gettext offers claims and captions."""
    book.write("one", CELL.format('claim("The size is small.", x < 5, size=x)') + FIGURE)
    assert book.build()[0] == 0
    jb = str(Path(sys.executable).with_name("jb"))
    subprocess.run([jb, "config", "sphinx", str(book.folder)], check=True, capture_output=True)
    environment = dict(os.environ, PYTHONPATH=str(book.folder / "src"))
    sphinx = [sys.executable, "-m", "sphinx", "-q"]

    def run(*options: str) -> None:
        done = subprocess.run(
            [*sphinx, *options], env=environment, cwd=book.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    run("-b", "gettext", "-D", "gettext_compact=0", ".", "_build/gettext/out")
    template = (book.folder / "_build/gettext/out/book/one.pot").read_text("utf8")
    for words in ("The size is {quote}`size:.3f`.", "The size is small.", "A line."):
        assert words in template, words
    catalogue = book.folder / "locale/ja/LC_MESSAGES/book"
    catalogue.mkdir(parents=True)
    (catalogue / "one.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "The size is {quote}`size:.3f`."\nmsgstr "大きさは {quote}`size:.3f` です。"\n',
        "utf8",
    )
    translated = ("-D", "language=ja", "-D", "locale_dirs=locale", "-D", "gettext_compact=0")
    run("-b", "html", *translated, ".", "_build/ja/out")
    page = (book.folder / "_build/ja/out/book/one.html").read_text("utf8")
    assert "大きさは 0.625 です。" in page
