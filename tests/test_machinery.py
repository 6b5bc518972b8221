"""The promises of the book's machinery: every fault that it says it catches is planted here.

Each test builds a small book of its own with the real configuration and the real command, in a
copy of the package, so that a helper can be edited.
"""

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


CLAIMS = [  # what does not stop a run, with what the build says
    (
        'try:\n    claim("A is large.", x, ">", 5)\nexcept AssertionError:\n    pass',
        "does not hold",
    ),
    ('with suppress(Exception):\n    claim("B is large.", x, ">", 5)', "does not hold"),
    ('os.environ.clear()\nclaim("C is large.", x, ">", 5)', "does not hold"),
    ('if x > 5:\n    claim("D is large.", x, ">", 5)', "never ran"),
    ('for step in range(0):\n    claim("E is large.", x, ">", 5)', "never ran"),
    ('def check():\n    claim("F is large.", x, ">", 5)', "never ran"),
    ('%%capture\nclaim("G is small.", x, "<", 5)', "never ran"),
    ('claim("H is the same.", x, "==", x + 0)', "is the same"),
    ('%time y = 1\nclaim("I is constant.", 1, "<", 2)', "no run can change"),
    ('claim("J is a length.", len("ab" + str(x)), ">", -1)', "always holds"),
    ('sentence = "L is hidden."\nclaim(sentence, x, "<", 5)', "is not written out"),
    ('list(map(claim, ["M is handed on."], [x], ["<"], [5]))', "hands 'claim' on as a value"),
]
FAULTS: dict[str, tuple[str, list[str]]] = {
    "false": (
        CELL.format('claim("One is large.", x, ">", 5, size=x)'),
        [
            "did not run to its end: ClaimError: claim does not hold: One is large. (0.625 > 5",
            "(cell 2, line 28)",
        ],
    ),
    "verdict": (CELL.format('claim("K is a verdict.", x < 5)'), ["a claim got 1 things"]),
    "claims": (
        CELL.format("import os\nfrom contextlib import suppress")
        + "".join(CELL.format(code) for code, _words in CLAIMS),
        [],  # each sentence with its own, below
    ),
    "numbers": (
        CELL.format('record("alone", x)\nrecord("size", x)\nprint(x + 0.5)')
        + CELL.format('# This gives 1.125.\ny = "a share of 0.6250"')
        + "Step by step it is $0.625 + 0 = 0.625$ {by-hand}`size`.\n\n"
        + "It is {quote}`nowhere`. The sum is 1.125.\n\n"
        + "It was 62.51\\,\\% once, 109\u202f386 times.\n\n"
        + "By hand it is $5/8 = 0.626$ {by-hand}`size`.\n\n## It is {quote}`size`\n",
        [
            "quotes 'nowhere' of book/numbers, which records no such value",
            "records 'alone', which no page quotes",
            "records 'size' twice",
            "types 1.125 in ",
            "types 1.125, which the run produced, in words of its code",
            "types 0.6250, which the run produced, in words of its code",
            "types 0.625 among the steps worked by hand, which the run recorded as 'alone'",
            "types 62.51 in ",
            "types 109\u202f386 in ",
            "gives 0.626 for 'size', worked by hand; the run gave 0.625",
            "quotes a number in the heading",
        ],
    ),
    "elsewhere": ("# Elsewhere\n\nThe size of one is 0.625.\n", ["types 0.625, which the run"]),
    "failing": (
        CELL.format('raise RuntimeError("broken chapter")'),
        ["did not run to its end: RuntimeError: broken chapter"],
    ),
    "solution": (
        CELL.format('raise WrongAnswer("a broken solution")'),
        ["did not run to its end: Not yet: a broken solution"],
    ),
    "outputs": (
        CELL.format('import sys\nprint("noise", file=sys.stderr)')
        + CELL.format('print("\\n", file=sys.stderr)')
        + CELL.format(":tags: [raises-exception, raises-RuntimeError]\ntroch.ones(3)")
        + CELL.format(":tags: [raises-exception, raises-ValueError]\n1 + 1")
        + CELL.format(
            'try:\n    raise WrongAnswer("no")\nexcept WrongAnswer as e:\n    print("Not yet: no")'
        )
        + CELL.format('from IPython.display import HTML, Javascript\nJavascript("1")')
        + CELL.format("HTML('<img src=\"https://example.org/a.png\">')")
        + CELL.format(':tags: [remove-cell]\nclaim("It is hidden.", x, "<", 5)'),
        [
            "writes to stderr: 'noise'",
            "writes to stderr: 'blank lines'",
            "is meant to raise RuntimeError in cell 4, which raised NameError",
            "is meant to raise ValueError in cell 5, which raised nothing",
            "prints a wrong answer",
            "shows an output of type 'application/javascript'",
            "fetches 'https://example.org/a.png' from another host",
            "shows an image in its HTML without alt text",
            "hides the claim 'It is hidden.' by a tag of its cell",
        ],
    ),
    "hushed": (
        CELL.format("!echo noise >&2")
        + CELL.format('import warnings\nwarnings.simplefilter("ignore")\nwarnings.warn("old")')
        + CELL.format(
            "import atexit, sys\natexit.register(lambda: print('at the end', file=sys.stderr));"
        )
        + CELL.format("try:\n    check.tensors.one_hot(max)\nexcept Exception:\n    pass"),
        [
            "runs a shell command, whose errors look like any output; use subprocess.run in cell 2",
            "ignores every warning; name the message of the one that is meant in cell 3",
            "imports 'atexit', with which words to stderr escape the build, in cell 4",
            "catches what check.tensors.one_hot says of an answer; let it stop the page in cell 5",
        ],
    ),
    "figures": (
        FIGURE.replace("    alt: A rising line.\n", "    width: 90%\n")
        + FIGURE.replace("    caption: A line.\n", "    name: fig-line\n")
        + FIGURE.replace("A rising line.", "figure")
        + FIGURE
        + FIGURE.replace("ax.plot([0, 1]);", "import matplotlib.pyplot as plt\nplt.close(fig)")
        + FIGURE.replace("ax.plot([0, 1]);", "").replace("A rising", "No rising"),
        [
            "without alt text",
            "without a caption",
            "with the alt text 'figure'",
            "two images with the alt text 'A rising line.'",
            "shows no figure in cell 6",
            "shows an empty figure in cell 7",
        ],
    ),
    "cells": (
        "1. In a list\n\n   ```{code-cell} ipython3\n   1\n   ```\n\n"
        ":::{tip}\n```{code-cell} ipython3\n1\n```\n:::\n\n"
        "<!--\n"
        + CELL.format("1")
        + "-->\n\n:::{code-cell} ipython3\n1\n:::\n\n"
        + CELL.format(":tags: [skip-execution]\n1")
        + CELL.format(":tags: [raises-exception]\n1 / 0"),
        [
            "has a code cell in line 29 that does not run",
            "has a code cell in line 34 that does not run",
            "has a code cell in line 40 that does not run",
            "has a code cell in line 45 that does not run",
            "has a tag 'skip-execution' in the cell of line 49",
            "does not name the one error that is meant in the cell of line 53",
        ],
    ),
    "load": (CELL.format(":load: other.py\n"), ["cannot be read: "]),
    "yaml": (
        "```{code-cell} ipython3\n:tags: [hide-input\n1\n```\n",
        ["cannot be read: Code cell"],
    ),
    "unclosed": (
        "```{code-cell} ipython3\n1 + 1\n\n## More\n\n" + CELL.format("2"),
        ["opens '```{code-cell} ipython3' in line 27 and never closes it"],
    ),
    "gate": (
        "```{exercise} A\n:label: ex-gate\nB\n```\n```{solution-start} ex-gate\n```\nText.\n",
        ["has {solution-start} in line 31 and no {solution-end} after it"],
    ),
    "markup": (
        "# Markup\n\nSee {ref}`no-such-label`, {doc}`nowhere`,\n{eq}`eq-nowhere`, "
        "[this](nowhere.md), "
        "{cite:t}`nobody2020`, {qquote}`size` and a note.[^9]\n\n"
        "```{admonitoin} A\nb\n```\n\n![A black dot](nowhere.png)\n\n"
        "(same)=\n## A\n\n(same)=\n## B\n\n$$\nx\n$$ (eq-same)\n\n$$\ny\n$$ (eq-same)\n\n"
        "$\\frac{1$ and $a and b$ TODO\n\n"
        "<a href='nowhere.html'>there</a> <a href='one.html#nowhere'>there</a>\n\n"
        "<iframe src='https://example.org/'></iframe>\n\n"
        "```{exercise} A\n:label: ex-empty\nB\n```\n```{solution} ex-empty\nLeft to you.\n```\n",
        [
            "undefined label: 'no-such-label' (line 3)",
            "unknown document: 'nowhere'",
            "equation not found: eq-nowhere",
            "cross-reference target not found: 'nowhere.md'",
            'could not find bibtex key "nobody2020"',
            'Unknown interpreted text role "qquote". (line 3)',
            "Unknown directive type: 'admonitoin' (line 6)",
            "image file not readable: book/nowhere.png",
            "would print markup as it stands, '[^9]'",
            "would print markup as it stands, 'TODO'",
            "Duplicate explicit target name",
            "duplicate label of equation eq-same",
            "a formula cannot be set: KaTeX parse error",
            "sets words as a formula: 'a and b'",
            "links to 'nowhere.html', which is not there",
            "links to 'one.html#nowhere', where there is no such place",
            "fetches 'https://example.org/' from another host",
            "has <iframe> in its HTML",
            "says next to nothing in the solution of 'ex-empty'",
        ],
    ),
    "silent": (
        CELL.format('x\nclaim("One is small.", x, "<", 5)'),
        ["ends a cell with x, which is not shown"],
    ),
    "longsource": (
        CELL.format("from definebyrun.scratch.engine import Variable\nshow_source(Variable)"),
        ["lines of Variable, more than 25"],
    ),
}


def test_every_planted_fault_fails_every_build_and_is_named(tmp_path: Path) -> None:
    """One broken book holds all faults; two builds in a row name each with its page, in a line."""
    broken = Book(tmp_path)
    broken.write("one", "")
    for page, (text, _messages) in FAULTS.items():
        broken.write(page, text, front=not text.startswith("# "))
    broken.write("bare", "# Bare\n\n" + CELL.format("1 + 1"), front=False)
    broken.write("strange", "", front=True)
    page = broken.folder / "book" / "strange.md"
    page.write_text(page.read_text().replace("kernelspec", "mystnb: {a: 1}\nkernelspec"))
    broken.write("mute", "")
    page = broken.folder / "book" / "mute.md"
    page.write_text(re.sub(r"claim\(.*\)", "", page.read_text()))
    (broken.folder / "book" / "lost.md").write_text("# Lost\n")
    for _attempt in range(2):
        status, output = broken.build()
        assert status != 0
        said: dict[str, list[str]] = {}
        for line in output.splitlines():
            if line.startswith("  book/"):
                said.setdefault(line.split()[0], []).append(line)
        for page, (_text, messages) in FAULTS.items():
            for message in messages:
                found = said.get(f"book/{page}", [])
                assert any(message in line for line in found), (page, message, found)
        for code, message in CLAIMS:
            place = re.search(r"[A-Z] is [a-z ]+\.", code)[0]
            found = [line for line in said["book/claims"] if message in line]
            whole = (
                place
                if message not in ("is not written out", "hands 'claim' on as a value")
                else ""
            )
            assert any(whole in line for line in found), (code, message, said["book/claims"])
        assert any("code cells that were not executed" in line for line in said["book/bare"])
        assert any("sets 'mystnb' in its front matter" in line for line in said["book/strange"])
        assert any("claims nothing" in line for line in said["book/mute"])
        assert any("is not in the contents" in line for line in said["book/lost"])
        assert "book/one" not in said, said["book/one"]
    assert not (tmp_path / "_build" / "html" / "facts.json").exists()


def test_a_sound_book_shows_what_it_checked(book: Book) -> None:
    """Quotes, claims, sources, hand-worked numbers and both versions of a figure reach the page."""
    source = CELL.format("from definebyrun.scratch.losses import softmax\nshow_source(softmax)")
    settings = CELL.format("rate = 0.625  # 0.625 of them, a setting")
    settings += "Of 80,000 {given}`0.625` is a definition.\n\n"
    by_hand = "By hand\nit is $5/8 = 0.625$\n{by-hand}`size`, again 0.625 {by-hand}`size`.\n\n"
    records = 'The <a href="../facts.json">numbers</a> lie beside the pages.\n\n'
    book.write("one", by_hand + settings + source + FIGURE + records)
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
    assert len(re.findall(r'<img [^>]*alt="A rising line." class="only-(?:light|dark)"', page)) == 2
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


def test_a_chapter_that_changes_after_a_good_build_changes_all_that_rests_on_it(
    book: Book,
) -> None:
    """The page that quotes it is written again; a broken one fails twice in a row."""
    assert book.build()[0] == 0
    chapter = book.folder / "book" / "one.md"
    chapter.write_text(chapter.read_text().replace("/ 8", "/ 4"))
    assert book.build()[0] == 0
    assert "It quotes 1.250." in book.html("index")
    book.write("one", CELL.format("1 / 0"))
    for _attempt in range(2):
        status, output = book.build()
        assert status != 0
        assert "book/one did not run to its end: ZeroDivisionError" in output
    book.write("one", "")
    assert book.build()[0] == 0
    assert "It quotes 0.625." in book.html("index")


def test_quotes_survive_translation(book: Book) -> None:
    """A translated paragraph quotes the same run, and gettext offers claims and captions."""
    book.write("one", FIGURE)
    jb = str(Path(sys.executable).with_name("jb"))
    subprocess.run([jb, "config", "sphinx", str(book.folder)], check=True, capture_output=True)
    environment = book.environment()
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
