"""Print the whole book into one PDF, ``_build/define-by-run.pdf``, by Chromium.

The built pages are put together into one page: a title, the contents, and every page of the book in
order, with links between pages turned into links within. Chromium prints it twice, since the page
numbers of the contents are known only when it has been printed once. What is folded is open;
formulas stay type, figures stay drawings. It ends with an error where a link leads nowhere, where
code would run off the page, or where a page is missing from the outline.
"""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import yaml
from build import ROOT
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader
from pypdf.generic import Destination

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STYLES = Path(__file__).with_suffix(".css")
ATTRIBUTE = re.compile(
    r"""(?<=\s)(id|for|aria-labelledby|aria-describedby|href|src)=(["'])(.*?)\2"""
)
HEADING = re.compile(r"<(/?)h([1-5])(?=[\s>])")
LEFT_OUT = re.compile(
    r'<a class="headerlink".*?</a>|<script\b.*?</script>|<button\b.*?</button>|<!--.*?-->',
    re.DOTALL,
)
FOLDED = re.compile(r'<details(?![^>]*\sopen\b)(?![^>]*class="claim")')
TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
FOOT = re.compile(r'<div class="build-foot">\s*<p>(.*?)</p>\s*<p>(.*?)</p>', re.DOTALL)
LINKED = re.compile(r'<link[^>]*rel="stylesheet"[^>]*>')
TOO_WIDE = """() => [...document.querySelectorAll("pre, table, .formula, img, svg.figure")]
  .filter((box) => box.checkVisibility())
  .filter((box) => box.scrollWidth > box.clientWidth + 1 && box.tagName !== "IMG"
    || box.getBoundingClientRect().right > document.querySelector(".chapter")
      .getBoundingClientRect().right + 2)
  .map((box) => box.closest(".chapter")?.id + ": " + box.textContent.trim().slice(0, 60))"""
MILLIMETRES = 174  # the width of the text on the page; pdf.css has the margins
PIXELS = round(MILLIMETRES / 25.4 * 96)


@dataclass(frozen=True)
class Part:
    """A part of the book: its title, empty for the first page, and the names of its pages."""

    title: str
    pages: list[str]


def parts(toc: Path) -> list[Part]:
    """Return the parts of the contents, the first page first."""
    found = yaml.safe_load(toc.read_text("utf8"))
    listed = [Part("", [str(found["root"])])]
    for part in found.get("parts", [found]):
        pages = [str(page["file"]) for page in part.get("chapters", [])]
        listed.append(Part(str(part.get("caption", "")), pages))
    return listed


def name_of(page: str) -> str:
    """Return the name of a page within the printed book."""
    return Path(page).name


def article(html: str) -> str:
    """Return what a page says, without what is drawn around it."""
    start = html.index(">", html.index("<article")) + 1
    return LEFT_OUT.sub("", html[start : html.rindex("</article>")])


def joined(page: str, text: str, pages: list[str], site: str) -> str:
    """Return a page's text as a part of the printed book.

    Its places are named after the page. A link to another page of the book leads to its place in
    the print; one to another file of the site leads there where the address is known, else it is
    no link. Headings sink by one level, under the part; what is folded opens.
    """
    folder, names = Path(page).parent, set(pages)

    def place(of: str, fragment: str) -> str:
        return f"{name_of(of)}--{fragment}" if fragment else name_of(of)

    def rewrite(match: re.Match[str]) -> str:
        key, _quote, value = match.groups()
        value = unescape(value)
        if key == "src":
            value = value if ":" in value[:6] else f"../html/{os.path.normpath(folder / value)}"
        elif key != "href":
            value = " ".join(place(page, word) for word in value.split())
        elif not re.match(r"[a-z]+:", value):
            path, _, fragment = value.partition("#")
            target = os.path.normpath(folder / path) if path else f"{page}.html"
            if target.removesuffix(".html") in names:
                value = "#" + place(target.removesuffix(".html"), fragment)
            elif site:
                value = f"{site.rstrip('/')}/{target}" + (f"#{fragment}" if fragment else "")
            else:
                return "data-left-out"
        return f'{key}="{escape(value)}"'

    text = re.sub(r'\sloading="lazy"', "", text)
    text = FOLDED.sub("<details open", text)
    text = HEADING.sub(lambda m: f"<{m[1]}h{int(m[2]) + 1}", text)
    return ATTRIBUTE.sub(rewrite, text)


def assemble(root: Path, html: Path, numbers: dict[str, int], site: str = "") -> str:
    """Return the printed book as one page of HTML that lies in ``_build/pdf``.

    Args:
        root: the folder of the sources.
        html: the built site.
        numbers: the page on which each page of the book begins, as far as it is known.
        site: the address of the published site, or nothing.
    """
    listed = parts(root / "_toc.yml")
    pages = [page for part in listed for page in part.pages]
    texts = {page: (html / f"{page}.html").read_text("utf8") for page in pages}
    settings = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    title = escape(settings["title"])
    first = texts[pages[0]]
    foot = FOOT.search(first)
    styles = [link.replace('href="../', 'href="../html/') for link in LINKED.findall(first)]
    about = f"<p>{foot[1].strip()}</p><p>{foot[2].strip()}</p>" if foot else ""
    body = [f'<header class="cover"><p class="name">{title}</p>']
    body.append(f"<p>An executable textbook of deep learning with PyTorch</p>{about}</header>")
    body.append('<nav class="contents"><h1>Contents</h1>')
    for part in listed:
        body.append(f"<p>{escape(part.title)}</p>" if part.title else "")
        for page in part.pages:
            heading = TITLE.search(LEFT_OUT.sub("", texts[page]))
            words = re.sub(r"<(?!/?code\b|/?span\b)[^>]*>", "", heading[1]) if heading else page
            number = numbers.get(name_of(page), "")
            line = f'<a href="#{name_of(page)}">{words}</a><span class="page">{number}</span>'
            body.append(f'<div class="line">{line}</div>')
    body.append("</nav>")
    for part in listed:
        if part.title:
            body.append(f'<div class="part"><h1>{escape(part.title)}</h1></div>')
        for page in part.pages:
            text = joined(page, article(texts[page]), pages, site)
            body.append(
                f'<article class="bd-article chapter" id="{name_of(page)}">{text}</article>'
            )
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{title}</title>{"".join(styles)}'
        f"<style>{STYLES.read_text('utf8')}</style></head><body>"
        '<main class="bd-main"><div class="bd-content"><div class="bd-article-container">'
        f"{''.join(body)}</div></div></main></body></html>"
    )


def link_faults(book: str) -> list[str]:
    """Name the links of the assembled book that lead to no place in it."""
    places = {m[3] for m in ATTRIBUTE.finditer(book) if m[1] == "id"}
    links = {m[3] for m in ATTRIBUTE.finditer(book) if m[1] == "href" and m[3].startswith("#")}
    return [f"a link leads nowhere: {link}" for link in sorted(links) if link[1:] not in places]


def print_book(browser: Browser, book: Path, printed: Path) -> list[str]:
    """Print the assembled book; name what is wider than the page."""
    page = browser.new_page(viewport={"width": PIXELS, "height": 1000}, color_scheme="light")
    page.set_default_timeout(0)
    page.emulate_media(media="print", color_scheme="light")
    page.goto(book.resolve().as_uri(), wait_until="load", timeout=0)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    wide = [f"{where} is wider than the page" for where in page.evaluate(TOO_WIDE)]
    page.pdf(
        path=printed, prefer_css_page_size=True, print_background=True, outline=True, tagged=True
    )
    page.close()
    return wide


def outline(reader: PdfReader) -> list[tuple[int, str, int]]:
    """Return the entries of the outline: the level, the title, and the page, counted from 1."""

    def walk(entries: list[object], level: int) -> list[tuple[int, str, int]]:
        found = []
        for entry in entries:
            if isinstance(entry, list):
                found += walk(entry, level + 1)
            elif isinstance(entry, Destination):
                number = reader.get_destination_page_number(entry)
                found.append((level, str(entry.title), (number or 0) + 1))
        return found

    return walk(reader.outline, 0)


def begins(reader: PdfReader, pages: list[str]) -> dict[str, int]:
    """Return the page on which each page of the book begins, counted from 1."""
    named = reader.named_destinations
    found = {}
    for page in pages:
        target = named.get(name_of(page)) or named.get(f"/{name_of(page)}")
        if target is not None:
            found[name_of(page)] = (reader.get_destination_page_number(target) or 0) + 1
    return found


def browser_path() -> str | None:
    """Return where Chromium is, or nothing."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def main() -> None:
    """Assemble, print twice, and look at what came out."""
    path = browser_path()
    if path is None:
        sys.exit("The book is not printed: 'make pdf' wants chromium or google-chrome on the PATH.")
    build = ROOT / "_build"
    book, printed = build / "pdf" / "book.html", build / "define-by-run.pdf"
    book.parent.mkdir(parents=True, exist_ok=True)
    pages = [page for part in parts(ROOT / "_toc.yml") for page in part.pages]
    numbers: dict[str, int] = {}
    faults: list[str] = []
    site = os.environ.get("DEFINEBYRUN_SITE", "")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--allow-file-access-from-files"]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        for _pass in ("to count", "to keep"):
            text = assemble(ROOT, build / "html", numbers, site)
            book.write_text(text, "utf8")
            faults = link_faults(text) + print_book(browser, book, printed)
            reader = PdfReader(printed)
            numbers = begins(reader, pages)
        browser.close()
    faults += [f"{page} is missing" for page in pages if name_of(page) not in numbers]
    if faults:
        print("The printed book has faults:", *faults, sep="\n  ")
        sys.exit(1)
    size = printed.stat().st_size / 1e6
    told = f"{len(reader.pages)} pages, {len(outline(reader))} in the outline, {size:.1f} MB"
    print(f"{printed.relative_to(ROOT)}: {told}")


if __name__ == "__main__":
    main()
