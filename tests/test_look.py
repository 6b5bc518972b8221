"""How pages look and weigh: styles, Japanese words, years of citations, a page in a browser."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ask_axe import violations
from docutils import nodes
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from definebyrun.book.japanese import JAPANESE, mark_japanese, marked_html
from definebyrun.book.look import glue_formulas, tell_years_apart
from definebyrun.book.slim import dark_rules, read_rules, slim_down, split_selectors, used

ROOT = Path(__file__).parent.parent
FONTS = ROOT / "src" / "definebyrun" / "book" / "static" / "fonts"
PAGE = "book/cnn.html"  # many figures, long, with tables, formulas and all kinds of boxes
LARGEST = 350 * 1024  # bytes of a page, compressed, without its figures


def kept(css: str, *names: str) -> str:
    return "".join(map(str, used(read_rules(css), set(names))))


def test_a_rule_stays_if_all_its_names_are_used() -> None:
    """A class in ``:not()`` need not occur; elements and variables always stay."""
    css = "/* x */ .a .b{color:red} .a,.c{top:0} #d>p{left:0} .a:not(.z){right:0} p{margin:0}"
    assert kept(css, "a", "b") == ".a .b{color:red}.a{top:0}.a:not(.z){right:0}p{margin:0}"


def test_groups_of_rules_are_looked_into() -> None:
    """A group without any used rule goes; what is no selector, as a step of an animation, stays."""
    css = '@charset "utf-8";@media print{.a{top:0}.b{top:1px}}@media screen{.b{top:0}}'
    css += "@keyframes k{from{top:0}to{top:1px}}"
    expected = '@charset "utf-8";@media print{.a{top:0}}@keyframes k{from{top:0}to{top:1px}}'
    assert kept(css, "a") == expected


def test_braces_and_commas_in_strings_mean_nothing() -> None:
    """A closing brace in a string or an address does not close a rule."""
    css = '.a::before{content:"}"}.b{background:url(data:image/svg+xml;{})}.c{top:0}'
    assert kept(css, "a", "b") == '.a::before{content:"}"}.b{background:url(data:image/svg+xml;{})}'
    assert split_selectors(":is(.a,.b) p,.c") == [":is(.a,.b) p", ".c"]


def test_the_icon_font_is_not_offered() -> None:
    """Icons are drawn by the style sheet; the theme's font of icons would weigh 150 KB."""
    css = '@font-face{font-family:"Font Awesome 6 Free";src:url(x)}@font-face{font-family:K}'
    assert kept(css) == "@font-face{font-family:K}"


def test_dark_rules_become_rules_of_any_page() -> None:
    """With the same weight, so that order alone decides; what is light stays out."""
    css = 'html[data-theme="dark"] p,.x{top:0}html[data-theme="light"]{top:1px}'
    css += "@media print{html[data-theme=dark]{left:0}}"
    found = "".join(map(str, dark_rules(read_rules(css))))
    assert found == "html[data-theme] p{top:0}@media print{html[data-theme]{left:0}}"


def test_a_site_is_slimmed_by_its_pages_and_scripts(tmp_path: Path) -> None:
    """What a script may add stays; a second build finds nothing more to do."""
    static = tmp_path / "_static"
    static.mkdir()
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="_static/a.css?v=1" /><p class="one two">'
        '<noscript><link rel="stylesheet" href="_static/none.css" /></noscript>'
        '<script src="_static/b.js?v=2"></script>'
    )
    (static / "b.js").write_text("box.classList.add('three')")
    sheet = ".one{top:0}.three{top:0}.four{top:0}html[data-theme=dark] .two{color:red}"
    (static / "a.css").write_text(sheet)
    (static / "none.css").write_text(".one{left:0}")
    for _time in range(2):
        slim_down(tmp_path, "none.css")
        assert ".four" not in (static / "a.css").read_text()
        assert ".three" in (static / "a.css").read_text()
    without = (static / "none.css").read_text()
    assert "screen and (prefers-color-scheme: dark){html[data-theme] .two{color:red}}" in without
    assert without.endswith(".one{left:0}\n")


def test_japanese_words_say_so() -> None:
    """In the text as an element of their own; in code around each run; formulas are left alone."""
    page = nodes.paragraph(
        "", "", nodes.Text("the kana \u3042\u3044 and "), nodes.literal("", "\u3046")
    )
    mark_japanese(SimpleNamespace(), page, "")  # type: ignore[arg-type]
    assert [part.astext() for part in page] == ["the kana ", "\u3042\u3044", " and ", "\u3046"]
    assert [part["classes"] for part in page.findall(nodes.inline)] == [["language-ja"]] * 2
    mark_japanese(SimpleNamespace(), page, "")  # type: ignore[arg-type]
    assert len(list(page.findall(nodes.inline))) == 2
    assert marked_html("'\u3042'") == "'<span lang=\"ja\">\u3042</span>'"


def test_the_font_has_every_japanese_letter_of_the_book(pages: Path) -> None:
    """Also those that a page prints; run ``tools/make_fonts.py`` when one is missing."""
    has = set((FONTS / "japanese.txt").read_text("utf8"))
    for page in pages.glob("book/*.html"):
        found = set("".join(JAPANESE.findall(page.read_text("utf8"))))
        assert not found - has, f"{page.name}: {sorted(found - has)}"
    assert {"OFL.txt", "CREDITS.md", "japanese.woff2"} <= {path.name for path in FONTS.iterdir()}


def test_works_that_would_be_cited_alike_get_letters() -> None:
    """Two of one author and year; three authors and four by the first; others keep their year."""

    def work(title: str, year: str, *names: str) -> Any:
        people = [SimpleNamespace(prelast_names=[], last_names=[name]) for name in names]
        fields = {"title": title, "year": year}
        return SimpleNamespace(persons={"author": people}, fields=fields)

    works = [
        work("{B}", "2025", "Who"),
        work("a", "2025", "Who"),
        work("c", "2024", "Who"),
        work("d", "2025", "He", "Zhang", "Ren"),
        work("e", "2025", "He", "Zhang", "Sun", "Ren"),
    ]
    data = SimpleNamespace(data=SimpleNamespace(entries=dict(enumerate(works))))
    domain = SimpleNamespace(data={"bibdata": data})
    app: Any = SimpleNamespace(env=SimpleNamespace(get_domain=lambda name: domain))
    for _time in range(2):  # a second build finds the letters there
        tell_years_apart(app)
        years = [entry.fields["year"] for entry in works]
        assert years == ["2025b", "2025a", "2024", "2025a", "2025b"]


def test_what_hangs_on_a_formula_stays_with_it() -> None:
    """A full stop and a bracket are glued; a word after a space is not."""
    text = nodes.paragraph("", "", nodes.Text("so ("), nodes.math("", "x"), nodes.Text("), "))
    text += [nodes.math("", "y"), nodes.Text(" is "), nodes.math("", "z"), nodes.Text(".")]
    glue_formulas(SimpleNamespace(), text, "")  # type: ignore[arg-type]
    found = [formula["classes"] for formula in text.findall(nodes.math)]
    assert found == [["glued-after", "glued-before"], [], ["glued-after"]]


def open_page(
    browser: Browser, address: str, **options: Any
) -> tuple[BrowserContext, Page, list[str]]:
    context = browser.new_context(**options)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="load")
    return context, page, asked


HERE = """(part) => {
  scrollTo(0, part * (document.documentElement.scrollHeight - innerHeight));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const marked = [...document.querySelectorAll(".bd-toc [aria-current]")];
    const links = [...document.querySelectorAll(".bd-toc a[href^='#']")];
    const place = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const above = links.filter((one) => place(one).getBoundingClientRect().top < innerHeight / 3);
    done([marked.map((link) => link.hash), (above.at(-1) ?? links[0]).hash]);
  })));
}"""


LEAD = """(link) => {
  location.hash = link;
  const place = document.getElementById(decodeURIComponent(link.slice(1)));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const left = document.documentElement.scrollHeight - innerHeight - scrollY;
    done([place.getBoundingClientRect().top, left]);
  })));
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_leads_to_its_heading(site: str, browser: Browser, width: int) -> None:
    """From the moment the page is loaded, the heading lies in the upper quarter, or at the end."""
    viewport: ViewportSize = {"width": width, "height": 900}
    context, page, _asked = open_page(browser, site + PAGE, viewport=viewport)
    links = "[...document.querySelectorAll('.bd-toc a[href^=\"#\"]')].map((one) => one.hash)"
    for link in reversed(page.evaluate(links)):
        top, left = page.evaluate(LEAD, link)
        assert 0 <= top < 225 or left < 1, f"{link} lies at {top:.0f} px"
    context.close()


def test_a_desktop_shows_the_place_and_few_stops(site: str, browser: Browser) -> None:
    """One load at 1280 px, dark: figures of one theme, the marker, tab stops, the print form."""
    context, page, asked = open_page(
        browser, site + PAGE, viewport={"width": 1280, "height": 900}, color_scheme="dark"
    )
    for part in range(9):
        marked, expected = page.evaluate(HERE, part / 8)
        assert marked == [expected], f"at {part}/8 of the page"
    drawings = [url for url in asked if "/_images/" in url]
    assert drawings
    assert not [url for url in drawings if url.endswith(".svg") and not url.endswith("-dark.svg")]
    assert not [url for url in asked if "webfonts" in url or "bootstrap" in url]
    bare = """() => [...document.querySelectorAll("article img")]
      .filter((one) => !(one.width && one.getAttribute("height") && one.loading === "lazy"))
      .length"""
    assert page.evaluate(bare) == 0
    stops = """(inside) => [...document.querySelectorAll(inside)].filter((one) => one.tabIndex >= 0)
      .length"""
    assert page.evaluate(stops, ".cell_output .copybtn") == 0
    assert page.evaluate(stops, "article .headerlink") == 0
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#pst-secondary-sidebar"
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    paper = page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
        [...document.querySelectorAll("article details:not(.claim, .imports *)")]
          .filter((fold) => !fold.open).length,
        [...document.querySelectorAll(".bd-sidebar, .copybtn, .bd-header-article")]
          .filter((part) => part.checkVisibility()).length,
        document.querySelector("article").getBoundingClientRect().width / innerWidth]"""
    )
    assert paper[:3] == ["rgb(255, 255, 254)", 0, 0]
    assert paper[3] > 0.9
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    context.close()


def test_a_phone_has_drawers_that_close_and_figures_that_open(site: str, browser: Browser) -> None:
    """One load at 390 px: a choice closes the list; a figure opens as large as its text needs."""
    context, page, _asked = open_page(
        browser, site + PAGE, viewport={"width": 390, "height": 844}, color_scheme="light"
    )
    for drawer in ("#pst-primary-sidebar", "#pst-secondary-sidebar"):
        assert not page.is_visible(drawer)
        page.click(f"[popovertarget='{drawer[1:]}']")
        assert page.is_visible(drawer)
        assert not violations(page, drawer)
        page.keyboard.press("Escape")
        assert not page.is_visible(drawer)
    page.click("[popovertarget='pst-secondary-sidebar']")
    page.locator(".bd-toc .toc-h2 > a").last.click()
    assert not page.is_visible("#pst-secondary-sidebar")
    assert page.evaluate("location.hash.length") > 1
    link = page.locator("article :not(details) > figure a.enlarge").first
    link.scroll_into_view_if_needed()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('dialog.viewer img')?.naturalWidth")
    scale = page.evaluate(
        "(() => { const i = document.querySelector('dialog.viewer img');"
        " return i.clientWidth / i.getAttribute('width'); })()"
    )
    assert scale > 1.2  # nine points, the smallest text we draw, are twelve pixels
    assert not violations(page, "dialog.viewer")
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog.viewer")
    assert page.url.endswith(page.evaluate("location.hash"))
    context.close()


def test_a_page_works_without_scripts(site: str, browser: Browser) -> None:
    """Dark where the system is dark, with its figures; the lists open; a figure is a link."""
    context, page, _asked = open_page(
        browser,
        site + PAGE,
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
        java_script_enabled=False,
    )
    assert (
        page.locator("body").evaluate("b => getComputedStyle(b).backgroundColor")
        == "rgb(18, 18, 18)"
    )
    drawing = page.locator("article :not(details) > figure a.enlarge").first
    assert drawing.locator("img.only-dark").is_visible()
    assert not drawing.locator("img.only-light").is_visible()
    assert not page.is_visible("#pst-primary-sidebar")
    page.click("[popovertarget='pst-primary-sidebar']")
    assert page.is_visible("#pst-primary-sidebar")
    assert not page.is_visible(".theme-switch-button")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_japanese_words_are_drawn_in_our_font(site: str, browser: Browser, scheme: Any) -> None:
    """They carry their language, and the browser has the font that the book ships."""
    context, page, asked = open_page(browser, site + "book/data.html", color_scheme=scheme)
    assert page.evaluate("document.querySelectorAll('article [lang=ja]').length") > 0
    page.evaluate("document.fonts.ready")
    assert [url for url in asked if url.endswith("japanese.woff2")]
    context.close()


def test_pages_weigh_little(pages: Path) -> None:
    """A page with its styles, scripts and fonts, compressed, without its figures."""
    import gzip

    for page in sorted(pages.glob("book/*.html")):
        html = page.read_text("utf8")
        files = {page}
        for address in re.findall(r'(?:href|src)="([^"?#]+\.(?:css|js|svg))', html):
            if "_static" in address:
                files.add((page.parent / address).resolve())
        weight = sum(len(gzip.compress(path.read_bytes())) for path in files if path.exists())
        for name in ("Main-Regular", "Math-Italic", "Main-Bold", "Size1-Regular", "Size2-Regular"):
            weight += (pages / f"_static/katex/fonts/KaTeX_{name}.woff2").stat().st_size
        weight += (FONTS / "japanese.woff2").stat().st_size
        assert weight <= LARGEST, f"{page.name} weighs {weight:,} bytes"


def test_the_bibliography_hangs_and_tells_years_apart(pages: Path) -> None:
    """No two works are cited by the same words."""
    html = (pages / "book" / "bibliography.html").read_text("utf8")
    assert "2025a" in html
    cited: dict[str, set[str]] = {}
    citation = re.compile(
        r'([^<>]*)<a class="reference internal"[^>]* href="[^"#]*#(id\d+)"[^>]*>'
        r"([^<]*\d{4}[a-z]?)</a>"
    )
    for page in pages.glob("book/*.html"):
        html = re.sub("</?em>", "", page.read_text("utf8"))
        for before, link, words in citation.findall(html):
            said = words if "," in words else before.rpartition("]")[2] + words
            cited.setdefault(said.strip(" ,;"), set()).add(link)
    assert cited
    assert not {words: links for words, links in cited.items() if len(links) > 1}
