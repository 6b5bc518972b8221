"""The printed book: every page in its outline, links that lead somewhere, and no code cut off."""

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright
from pypdf import PdfReader

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "tools"
LONG = "values = function_of(first_argument, second_argument, third_argument)  # THE_END_1"
PAGE = """<html><head><link rel="stylesheet" href="../_static/none.css" /></head><body>
<article class="bd-article"><h1><span class="section-number">1. </span>{title}<a class="headerlink"
href="#top">#</a></h1><p id="top">See <a href="{other}.html#top">there</a>, <a href="#top">here</a>,
<a href="../source/code.html">code</a>, <a href="https://else.where/">elsewhere</a>.</p>
<h2 id="part-of">Part of {title}</h2><div class="highlight"><pre>{code}</pre></div>
<details class="sd-dropdown"><summary>Hint</summary><p>HIDDEN_WORDS</p></details>
<details class="claim"><summary>A claim.</summary><p>FIGURES</p></details>
<img src="../_images/a.svg" alt="A line." loading="lazy" /></article>
<div class="build-foot"> <p>Built on cpu.</p> <p>Someone, 2026.</p></div></body></html>"""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    return runpy.run_path(str(TOOLS / "pdf.py"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A book of three built pages."""
    pages = {"index": "one", "one": "two", "two": "one"}
    html = tmp_path / "_build" / "html"
    (html / "book").mkdir(parents=True)
    (html / "_images").mkdir()
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'
    )
    (html / "_images" / "a.svg").write_text(drawing)
    for name, other in pages.items():
        text = PAGE.format(title=name.title(), other=other, code=LONG)
        (html / "book" / f"{name}.html").write_text(text)
    (tmp_path / "_config.yml").write_text("title: A small book\n")
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nparts:\n- caption: Part I\n  chapters:\n"
        "  - file: book/one\n- caption: Part II\n  chapters:\n  - file: book/two\n"
    )
    return tmp_path


def test_pages_become_one_and_their_links_stay_whole(tool: dict[str, Any], root: Path) -> None:
    book = tool["assemble"](root, root / "_build" / "html", {"one": 7})
    assert tool["link_faults"](book) == []
    assert 'href="#two--top"' in book
    assert 'id="one--top"' in book
    assert 'src="../html/_images/a.svg"' in book
    assert 'href="https://else.where/"' in book
    assert "code.html" not in book, "a link to a file that is not printed is no link"
    assert "headerlink" not in book
    assert "lazy" not in book, "what is loaded late is not printed"
    assert re.search(r'href="#one">.*?One</a><span class="page">7<', book)
    assert "<h2>" in book
    assert book.count("<h1") == 3, "the contents and two parts; the pages sink by one"
    assert '<details open class="sd-dropdown">' in book
    assert '<details class="claim">' in book


def test_where_the_site_is_known_other_files_are_linked_there(
    tool: dict[str, Any], root: Path
) -> None:
    book = tool["assemble"](root, root / "_build" / "html", {}, "https://a.site/book/")
    assert 'href="https://a.site/book/source/code.html"' in book


def test_a_link_that_leads_nowhere_is_named(tool: dict[str, Any], root: Path) -> None:
    page = root / "_build" / "html" / "book" / "one.html"
    page.write_text(page.read_text().replace("two.html#top", "two.html#gone"))
    book = tool["assemble"](root, root / "_build" / "html", {})
    assert tool["link_faults"](book) == ["a link leads nowhere: #two--gone"]


@pytest.fixture
def browser(tool: dict[str, Any], playwright: Playwright) -> Any:
    path = tool["browser_path"]()
    if path is None:
        pytest.skip("no browser: printing wants chromium or google-chrome on the PATH")
    options = ["--no-sandbox", "--allow-file-access-from-files"]
    browser = playwright.chromium.launch(executable_path=path, args=options)
    yield browser
    browser.close()


def printed(tool: dict[str, Any], root: Path, browser: Any) -> tuple[PdfReader, list[str]]:
    book, file = root / "_build" / "pdf" / "book.html", root / "_build" / "book.pdf"
    book.parent.mkdir(exist_ok=True)
    book.write_text(tool["assemble"](root, root / "_build" / "html", {}), "utf8")
    wide = tool["print_book"](browser, book, file)
    return PdfReader(file), wide


def test_the_print_has_an_outline_links_and_whole_lines(
    tool: dict[str, Any], root: Path, browser: Any
) -> None:
    reader, wide = printed(tool, root, browser)
    assert wide == []
    entries = [(level, title) for level, title, _page in tool["outline"](reader)]
    assert (0, "Part I") in entries
    assert (1, "1. One") in entries
    assert (2, "Part of Two") in entries
    begins = tool["begins"](reader, ["book/index", "book/one", "book/two"])
    assert list(begins) == ["index", "one", "two"]
    assert begins["index"] < begins["one"] < begins["two"] <= len(reader.pages)
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert text.count("THE_END_1") == 3, "the last column of code is printed"
    assert text.count("HIDDEN_WORDS") == 3, "what is folded is printed"
    assert "FIGURES" not in text, "the figures behind a claim are not"
    links = [a.get_object() for page in reader.pages for a in page.get("/Annots", [])]
    inner = [a.get("/Dest") or a.get("/A", {}).get("/D") for a in links]
    inner = [str(name).lstrip("/") for name in inner if name is not None]
    named = {name.lstrip("/") for name in reader.named_destinations}
    assert len(inner) >= 3 + 6, "the contents, and two links in each page"
    assert set(inner) <= named
    outer = [a["/A"]["/URI"] for a in links if "/URI" in a.get("/A", {})]
    assert outer == ["https://else.where/"] * 3


def test_what_is_wider_than_the_page_is_named(
    tool: dict[str, Any], root: Path, browser: Any
) -> None:
    page = root / "_build" / "html" / "book" / "one.html"
    wide = '<table><tr><td style="min-width: 2000px">WIDE</td></tr></table>'
    page.write_text(page.read_text().replace("<h2", f"{wide}<h2", 1))
    _reader, faults = printed(tool, root, browser)
    assert faults == ["one: WIDE is wider than the page"]


def test_without_a_browser_one_line_says_so(
    tool: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="wants chromium"):
        tool["main"]()


def test_the_whole_book_can_be_put_together(tool: dict[str, Any], pages: Path) -> None:
    """No place is named twice, and no link is lost."""
    book = tool["assemble"](ROOT, pages, {})
    assert tool["link_faults"](book) == []
    places = [match[3] for match in tool["ATTRIBUTE"].finditer(book) if match[1] == "id"]
    twice = {place for place in places if places.count(place) > 1} if len(places) < 50 else set()
    assert not twice
    assert len(places) == len(set(places))
