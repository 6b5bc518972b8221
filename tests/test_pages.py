"""The built pages in a real browser, and on disk: what a reader meets must work for everyone."""

import re
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import jupyter_book.config
import pytest
import yaml
from ask_axe import AXE, violations
from playwright.sync_api import Browser, Page, ViewportSize

from definebyrun.book.about import repository_url

ROOT = Path(__file__).parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
CONTENTS = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]
SHARES = 4  # of the source pages, so that several workers can look at them
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROW: ViewportSize = {"width": 320, "height": 700}  # 400 % zoom
COLOURS = ["color-contrast", "link-in-text-block"]  # what can differ from light to dark
SIZES = ["target-size", "scrollable-region-focusable"]  # what can differ from 390 to 320 px
MORE = {"label-content-name-mismatch": {"enabled": True}, "target-size": {"enabled": True}}
ALL_BUT_COLOURS = AXE | {"rules": MORE | {rule: {"enabled": False} for rule in COLOURS}}
ONLY_COLOURS = AXE | {"runOnly": {"type": "rule", "values": COLOURS}}
ONLY_SIZES = AXE | {"runOnly": {"type": "rule", "values": SIZES}}
MEASURE = """() => {
  const wide = (element) => element.scrollWidth > element.clientWidth + 1;
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const article = document.querySelector("article") || document.body;
  const text = article.cloneNode(true);
  text.querySelectorAll("pre, code, annotation, .katex, script").forEach((part) => part.remove());
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    stuck: [...article.querySelectorAll("pre, .formula, .pst-scrollable-table-container")]
      .filter((box) => wide(box) && !scrolls(box)).map((box) => box.outerHTML.slice(0, 200)),
    unreachable: [...article.querySelectorAll("pre, .formula, .pst-scrollable-table-container")]
      .filter((box) => wide(box) && box.checkVisibility() && box.tabIndex < 0)
      .map((box) => box.outerHTML.slice(0, 200)),
    cut: location.pathname.includes("/source/") ? [] : [...article.querySelectorAll("pre")]
      .filter(wide).map((box) => box.textContent.slice(0, 80)),
    dollars: text.textContent.match(/\\\\\\(|\\\\\\[|\\$[^$\\n]+\\$/g) || [],
    unset: article.querySelectorAll(".math:not(:has(.katex-html)), .katex-error").length,
    mathml: article.querySelectorAll(".math:not(:has(math))").length,
    hiddenImages: [...article.querySelectorAll("img")]
      .filter((image) => image.checkVisibility() && !image.naturalWidth).map((image) => image.src),
    theme: document.documentElement.dataset.theme,
  };
}"""

OPEN = """() => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const image of document.querySelectorAll("img")) image.loading = "eager";
  return Promise.all([...document.images].filter((image) => image.checkVisibility())
    .map((image) => image.decode().catch(() => null)));
}"""
# axe looks at each node by itself. A drawn formula is excluded anyway: a box of its size takes its
# place. Of the words of a listing that are coloured alike, the first stands for all.
ONCE = """() => {
  const drawn = [...document.querySelectorAll(".katex-html")];
  const sizes = drawn.map((box) => box.getBoundingClientRect());
  drawn.forEach((box, n) => {
    box.replaceChildren();
    box.style.cssText = `display: inline-block; max-width: 100%;
      width: ${sizes[n].width}px; height: ${sizes[n].height}px`;
  });
  const seen = new Set();
  for (const listing of document.querySelectorAll("pre")) {
    for (const word of listing.querySelectorAll("span[class]:not([id]):not(:has(*))")) {
      const chain = [];
      for (let at = word; at; at = at.parentElement) chain.push(at.className);
      const look = chain.join("/");
      if (seen.has(look)) word.replaceWith(word.textContent);
      seen.add(look);
    }
    listing.normalize();
  }
}"""
# Of the words that look alike the first stands for the others, on this page and on those after it.
# What tells looks apart is what the two rules judge by: the grounds that lie under the words, their
# colour, whether they are large; of a link, how it differs from the text around it, if any.
LOOKS = """(judged) => {
  const known = new Set(judged), ground_of = new Map();
  for (const element of document.querySelectorAll("html, body, body *")) {
    const style = getComputedStyle(element);
    const under = ground_of.get(element.parentElement) ?? "";
    const ground = [style.backgroundColor, style.backgroundImage, style.opacity].join(" ");
    const clear = ground === "rgba(0, 0, 0, 0) none 1";
    ground_of.set(element, clear ? under : `${under} / ${ground}`);
    element.removeAttribute("data-look");
    const has_words = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!has_words && !element.matches("a, input")) continue;
    if (!element.checkVisibility() || element.closest(".katex-html")) continue;
    const large = parseFloat(style.fontSize) >= (style.fontWeight >= 700 ? 18.66 : 24);
    const look = [ground_of.get(element), style.color, style.textShadow, large];
    if (element.matches("a")) {
      const block = element.parentElement.closest("p, li, dd, dt, td, th, figcaption, div, body");
      const alone = block.textContent.trim() === element.textContent.trim();
      look.push(alone, style.textDecorationLine, style.fontWeight, style.borderBottom);
      look.push(getComputedStyle(element.parentElement).color);
    }
    if (known.has(look.join())) continue;
    known.add(look.join());
    element.dataset.look = "";
  }
  return [...known].slice(judged.length);
}"""
MEDIA = """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .map((rule) => rule.media?.mediaText).filter((words) => words && matchMedia(words).matches)"""


class Parts(HTMLParser):
    """The parts of one page that can be checked without a browser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.meta: dict[str, str] = {}
        self.icons: list[str] = []
        self.language, self.title, self._in = "", "", ""
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._in = tag
        if found.get("id"):
            self.ids.add(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if tag == "html":
            self.language = found.get("lang") or ""
        if tag == "meta" and found.get("name"):
            self.meta[str(found["name"])] = found.get("content") or ""
        if tag == "link" and found.get("rel") == "icon":
            self.icons.append(found.get("href") or "")
        if tag == "img":
            self.images.append(found)
        if tag in ("script", "img") and found.get("src"):
            self.sources.append(str(found["src"]))

    def handle_data(self, data: str) -> None:
        if self._in == "title" and not self.title:
            self.title = data.strip()


@pytest.fixture(scope="session")
def built(pages: Path) -> dict[str, Parts]:
    """Every page of the last build, by its address below the root of the site.

    A build leaves no page whose source is gone.
    """
    files = pages.rglob("*.html")
    return {str(f.relative_to(pages)): Parts(f.read_text("utf8")) for f in sorted(files)}


def watch(page: Page, site: str) -> list[str]:
    """Note what goes wrong from now on; the browser reaches no host but this machine."""
    faults: list[str] = []

    def ask(request: Any) -> None:
        if not request.url.startswith((site, "data:")):
            faults.append(f"asks for {request.url}")

    page.on("request", ask)
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on(
        "console",
        lambda said: (
            faults.append(f"console {said.type}: {said.text}")
            if said.type in ("error", "warning")
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: (
            faults.append(f"{answer.status} for {answer.url}") if answer.status >= 400 else None
        ),
    )
    return faults


def visit(page: Page, address: str, judged: set[str]) -> list[str]:
    """Load one page and return what is wrong with it: in light and dark, at three widths.

    The looks of words that ``judged`` holds are not judged again; new ones are added to it.
    """
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.goto(address, wait_until="load")
    page.add_style_tag(content="* { transition: none !important; }")  # colours change at once
    page.evaluate(OPEN)
    faults = []
    for size in (PHONE, NARROW, DESK):
        page.set_viewport_size(size)
        faults += measured(page, "light")
    page.emulate_media(color_scheme="dark")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        faults += measured(page, "dark")
    page.evaluate(ONCE)
    faults += axe_colours(page, "phone, dark", judged)
    page.set_viewport_size(DESK)
    faults += axe_colours(page, "desk, dark", judged)
    page.emulate_media(color_scheme="light")
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    faults += axe_colours(page, "desk, light", judged)
    faults += axe(page, "desk", ALL_BUT_COLOURS)
    page.set_viewport_size(PHONE)
    measured(page, "light")  # until the page has measured itself anew
    faults += axe_colours(page, "phone, light", judged)
    faults += axe(page, "phone", ALL_BUT_COLOURS)
    wide = page.evaluate(MEDIA)
    page.set_viewport_size(NARROW)
    measured(page, "light")
    faults += axe(page, "320 px", ONLY_SIZES)
    if page.evaluate(MEDIA) != wide:  # then all of axe would have to look there
        faults.append("a style sheet has rules for 320 px that 390 px does not have")
    return faults


def measured(page: Page, scheme: str) -> list[str]:
    """Return what does not fit, does not show or is not set, in this scheme."""
    seen = page.evaluate(MEASURE)
    for _wait in range(250):  # the page measures its sections one by one
        if not seen["unreachable"] and seen["theme"] == scheme:
            break
        page.wait_for_timeout(20)
        seen = page.evaluate(MEASURE)
    said = ("stuck", "unreachable", "cut", "dollars", "unset", "mathml", "hiddenImages")
    faults = [f"{scheme}, {name}: {seen[name]}" for name in said if seen[name]]
    if seen["overflow"] > 0:
        faults.append(f"the page scrolls sideways by {seen['overflow']} px")
    if seen["theme"] != scheme:
        faults.append(f"the page is {seen['theme']} where the system is {scheme}")
    return faults


def axe(page: Page, where: str, options: dict[str, Any], part: str = "html") -> list[str]:
    """Return what axe finds on the page, or on these parts of it, a line for each fault."""
    faults = []
    for found in violations(page, part, options):
        nodes = [f"{node['target']}: {node['html'][:150]}" for node in found["nodes"][:5]]
        faults.append(f"{where}, axe {found['id']}: {nodes}")
    return faults


def axe_colours(page: Page, where: str, judged: set[str]) -> list[str]:
    """Return the words that are too faint; looks that are well join those ``judged``."""
    new = page.evaluate(LOOKS, list(judged))
    assert judged or new  # a page has words
    faults = axe(page, where, ONLY_COLOURS, "[data-look]") if new else []
    if not faults:
        judged.update(new)
    return faults


@pytest.fixture(scope="session")
def judged() -> set[str]:
    """The looks of words that axe found well, on the pages that this worker has seen."""
    return set()


def test_words_too_faint_are_found_however_many_look_alike(browser: Browser) -> None:
    """The first of the faint words stands for the others, and no dark one stands for them."""
    page = browser.new_page()
    words = "<p>dark</p><p>dark</p><p class=far>dark</p><div><p>dark</p></div><em>dark</em>"
    page.set_content(f"<main>{words}<p hidden style='color: #ccc'>unseen</p></main>")
    seen: set[str] = set()
    assert axe_colours(page, "here", seen) == []
    assert len(seen) == 1
    page.set_content(f"<main>{words}<p style='color: #ccc'>faint</p></main>")
    for _time in range(2):  # on each page that has them
        (fault,) = axe_colours(page, "here", seen)
        assert "color-contrast" in fault
        assert "faint" in fault
    page.set_content(f"<main style='background: #333'>{words}</main>")
    (fault,) = axe_colours(page, "here", seen)  # the same words, on another ground
    assert "color-contrast" in fault
    page.close()


def pages_of(group: str, built: dict[str, Parts]) -> list[str]:
    """Return the pages of a group: one page of the contents, a share of the source, the rest."""
    source = sorted(name for name in built if name.startswith("source/"))
    if group.startswith("source"):
        share = int(group.split()[1])
        return source[share::SHARES]
    if group != "the rest":
        return [f"{group}.html"]
    alone = {f"{name}.html" for name in CONTENTS} | set(source)
    return [name for name in built if name not in alone and name != "index.html"]


@pytest.mark.parametrize("group", [*CONTENTS, "the rest", *(f"source {n}" for n in range(SHARES))])
def test_pages_work_in_a_browser(
    built: dict[str, Parts], site: str, browser: Browser, judged: set[str], group: str
) -> None:
    """No page asks another site, complains, overflows, leaves a formula raw or fails axe.

    From 320 px on only tables scroll, and formulas that cannot wrap; no code hides its end.
    """
    context = browser.new_context()
    page = context.new_page()
    noted = watch(page, site)
    faults = []
    for name in pages_of(group, built):  # index.html leads on to the first page at once
        found = visit(page, site + name, judged)
        faults += [f"{name}: {fault}" for fault in found + noted]
        noted.clear()
    context.close()
    assert not faults, "\n".join(faults)


def test_every_page_is_looked_at(built: dict[str, Parts]) -> None:
    """The groups above leave out nothing but the page that leads on to the first."""
    groups = [*CONTENTS, "the rest", *(f"source {n}" for n in range(SHARES))]
    seen = [name for group in groups for name in pages_of(group, built)]
    assert sorted(seen) == sorted(set(built) - {"index.html"})


def test_the_front_door_opens_the_book(site: str, browser: Browser) -> None:
    """The address of the site leads to the landing page."""
    page = browser.new_page()
    faults = watch(page, site)
    page.goto(site)
    page.wait_for_url("**/book/index.html")
    assert page.title() == "Define by Run"
    assert not faults
    page.close()


def test_the_keyboard_reaches_everything(site: str, browser: Browser) -> None:
    """The first stop of the Tab key is the skip link; each stop is visible and leaves a mark."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(site + "book/checks.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
    for _stop in range(12):
        mark = page.evaluate(
            """() => {
              const box = document.activeElement, style = getComputedStyle(box);
              const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              return [box.outerHTML.slice(0, 120), box.checkVisibility() && drawn];
            }"""
        )
        if mark[0].startswith("<body"):  # past the last stop
            break
        assert mark[1], f"focus cannot be seen on {mark[0]}"
        page.keyboard.press("Tab")
    page.close()


def test_the_button_chooses_light_or_dark(site: str, browser: Browser) -> None:
    """The button overrules the system, and the choice outlives the page."""
    page = browser.new_page(color_scheme="dark")
    page.goto(site + "book/checks.html")
    seen = {page.evaluate("document.documentElement.dataset.theme")}
    for _press in range(3):
        page.click(".theme-switch-button")
        seen.add(page.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}
    while page.evaluate("document.documentElement.dataset.mode") != "light":
        page.click(".theme-switch-button")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.close()


def test_each_page_introduces_itself(built: dict[str, Parts], pages: Path) -> None:
    """Each page has a language, a title of its own, a description and an icon that exists."""
    faults = []
    for name, page in built.items():
        if page.language != "en":
            faults.append(f"{name} is in no language")
        if not page.title or not page.meta.get("description"):
            faults.append(f"{name} has no title or no description")
        icon = [
            pages / path[1:] if path.startswith("/") else (pages / name).parent / path
            for path in page.icons
        ]
        if len(icon) != 1 or not icon[0].exists():
            faults.append(f"{name} has no icon")
        faults += [f"{name} shows {i['src']} in silence" for i in page.images if "alt" not in i]
    assert not faults, "\n".join(faults)
    titles = Counter(page.title for name, page in built.items() if name != "index.html")
    assert max(titles.values()) == 1, f"pages share a title: {titles.most_common(1)}"


def test_links_lead_somewhere(built: dict[str, Parts], pages: Path) -> None:
    """Every link inside the book leads to a page that exists, and to a place on it."""
    faults = []
    for name, page in built.items():
        for link in page.links:
            target, fragment = urldefrag(urljoin(f"https://book.invalid/{name}", link))
            if urlsplit(target).netloc != "book.invalid":
                continue
            path = unquote(urlsplit(target).path).lstrip("/") or "index.html"
            if not (pages / path).exists():
                faults.append(f"{name} links to {link}, which does not exist")
            elif fragment and path in built and unquote(fragment) not in built[path].ids:
                faults.append(f"{name} links to {link}, a place that does not exist")
    assert not faults, "\n".join(faults)


def test_formulas_are_set_where_the_source_has_them(pages: Path) -> None:
    """No page whose source has a formula is without one."""
    cells = re.compile(r"^(`{3,})\{code-cell\}.*?^\1$", re.MULTILINE | re.DOTALL)
    faults = []
    for source in sorted(ROOT.glob("book/*.md")):
        page = pages / "book" / f"{source.stem}.html"
        prose = re.sub(r"`[^`\n]*`", "", cells.sub("", source.read_text("utf8")))
        formulas = re.findall(r"\$[^$]+\$", prose)
        if page.exists() and formulas and 'class="katex"' not in page.read_text("utf8"):
            faults.append(source.name)
    assert not faults


def test_nothing_comes_from_another_site(built: dict[str, Parts], pages: Path) -> None:
    """No script or image is fetched from elsewhere, and the needless ones are not there."""
    sources = {source for page in built.values() for source in page.sources}
    assert not [source for source in sources if urlsplit(source).netloc]
    assert not [source for source in sources if re.search("fontawesome|thebe|comments", source)]
    text = (pages / "book" / "checks.html").read_text("utf8")
    for unwanted in ("THEBE", "Jupyter Book Community", ".ipynb", "colab", "mybinder"):
        assert unwanted not in text


def keys(settings: Any, under: str = "") -> set[str]:
    """Name every key of nested settings, with the keys above it."""
    if not isinstance(settings, dict):
        return set()
    named = {f"{under}{name}" for name in settings}
    return named.union(*(keys(value, f"{under}{name}.") for name, value in settings.items()))


def unknown_keys(settings: dict[str, Any]) -> set[str]:
    """Return the keys that Jupyter Book would silently ignore."""
    defaults = yaml.safe_load(jupyter_book.config.PATH_YAML_DEFAULT.read_text("utf8"))
    schema = jupyter_book.config.get_validator().schema

    def in_schema(rules: dict[str, Any], under: str = "") -> set[str]:
        names = rules.get("properties", {})
        found = {f"{under}{name}" for name in names}
        return found.union(*(in_schema(names[name], f"{under}{name}.") for name in names))

    known = keys(defaults) | in_schema(schema)
    found = {key for key in keys(settings) if not key.startswith("sphinx.config.")}
    return found - known


def test_jupyter_book_knows_every_setting() -> None:
    """A misspelt key of the configuration is silently ignored by Jupyter Book; not by us."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    assert not unknown_keys(settings)
    jupyter_book.config.validate_yaml(settings, raise_on_errors=True)


def test_an_unknown_setting_is_noticed() -> None:
    """The check above catches the classic slip, ``base_url`` for ``baseurl``."""
    assert unknown_keys({"html": {"base_url": "x", "baseurl": "x"}}) == {"html.base_url"}


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/someone/book.git", "https://github.com/someone/book"),
        ("git@github.com:someone/book.git", "https://github.com/someone/book"),
        ("ssh://git@github.com/someone/book", "https://github.com/someone/book"),
        ("https://gitlab.com/someone/book.git", ""),
        ("https://example.org/github.com/someone/book.git", ""),
        ("/srv/git/book", ""),
        (None, ""),
    ],
)
def test_the_repository_is_linked_only_on_github(
    tmp_path: Path, remote: str | None, expected: str
) -> None:
    """The button comes from a GitHub remote; with any other, or none, there is no button."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if remote:
        add = ["git", "-C", str(tmp_path), "remote", "add", "origin", remote]
        subprocess.run(add, check=True)
    assert repository_url(tmp_path, {}) == expected


def test_github_names_the_repository_it_builds(tmp_path: Path) -> None:
    """On GitHub's runners the repository is known from the environment."""
    named = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "someone/book"}
    assert repository_url(tmp_path, named) == "https://github.com/someone/book"


QUERIES = {  # what a reader types, and pages of which one section must be among the first three
    "backpropagation": {"autodiff"},
    "backprop": {"autodiff"},
    "かな": {"cnn", "data", "saving"},
    "kana": {"cnn", "data", "saving"},
    "learning rate": {"gradient-descent", "optimizers"},
    "step size": {"gradient-descent", "optimizers"},
    "skip connection": {"deeper"},
    "how to save a model": {"saving", "rungs"},
    "normalization": {"batch-norm"},
    "softmax": {"losses"},
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_search_finds_a_section(site: str, browser: Browser, scheme: Any) -> None:
    """By keyboard alone: a query leads to a section of the right page, and Enter opens it."""
    page = browser.new_page(color_scheme=scheme)
    faults = watch(page, site)
    page.goto(site + "book/checks.html")
    page.keyboard.press("Control+k")
    for query, right in QUERIES.items():
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(query)
        page.wait_for_function("document.querySelector('#pst-search-dialog .found a')")
        page.wait_for_timeout(300)
        links = page.eval_on_selector_all(
            "#pst-search-dialog .found a", "links => links.map((link) => link.href)"
        )
        assert all("#" in link for link in links), "a hit leads to the top of a page"
        first = {Path(urlsplit(link).path).stem for link in links[:3]}
        assert first & right, f"{query!r} leads to {links[:3]}"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**#*")
    assert not faults
    page.close()


def test_the_search_page_answers_an_address(site: str, browser: Browser) -> None:
    """A query in the address is looked for at once; an unknown word is said to be unknown."""
    page = browser.new_page()
    page.goto(site + "search.html?q=momentum")
    page.wait_for_selector(".search-page .found a")
    page.fill(".search-page input", "qqxyzzy")
    page.wait_for_function("!document.querySelector('.search-page .found a')")
    assert page.inner_text(".search-page .found-count").startswith("Nothing")
    page.close()


def test_the_search_works_from_a_disk_and_says_that_it_needs_a_script(
    pages: Path, browser: Browser
) -> None:
    """``make book`` names a file to open: no server may be needed."""
    page = browser.new_page()
    page.goto((pages / "search.html").as_uri() + "?q=momentum")
    page.wait_for_selector(".search-page .found a")
    page.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((pages / "search.html").as_uri())
    assert "The search is a script" in page.content()
    context.close()


def test_addresses_on_a_page_are_its_own(built: dict[str, Parts], pages: Path) -> None:
    """No id stands twice, one viewport is set, and no two pages describe themselves alike."""
    faults = []
    for name in built:
        text = re.sub(r"<svg.*?</svg>", "", (pages / name).read_text("utf8"), flags=re.DOTALL)
        ids = Counter(re.findall(r'\sid="([^"]*)"', text))
        twice = [one for one, many in ids.items() if many > 1]
        faults += [f"{name} has the id {one!r} more than once" for one in twice]
        if text.count('name="viewport"') != 1 or text.count('name="description"') != 1:
            faults.append(f"{name} has not one viewport and one description")
        if ":func:`" in text or ":class:`" in text:
            faults.append(f"{name} shows a raw role")
        if "executablebooks/jupyter-book" in text:
            faults.append(f"{name} leads to the repository of Jupyter Book")
    assert not faults, "\n".join(faults)
    says = Counter(page.meta["description"] for name, page in built.items() if name != "404.html")
    assert max(says.values()) <= 1 + ("index.html" in built), says.most_common(2)


def test_every_code_cell_and_exercise_has_an_address(pages: Path) -> None:
    """Each has a link of its own, which the Tab key passes by."""
    text = (pages / "book" / "tensors.html").read_text("utf8")
    links = re.findall(r'<a class="place-link" href="#([^"]*)"([^>]*)>', text)
    assert len(links) > text.count('class="exercise') > 0
    assert all('tabindex="-1"' in rest and f'id="{name}"' in text for name, rest in links)


def test_nothing_is_published_that_is_not_meant(pages: Path) -> None:
    """No logs, no source maps, no notebooks of a run, and no figure that no page shows."""
    left = [
        path.relative_to(pages).as_posix()
        for path in pages.rglob("*")
        if path.suffix in (".map", ".log", ".doctree", ".pickle", ".py", ".ttf")
        or path.name == ".buildinfo"
        or "reports" in path.parts
    ]
    assert not left
    shown = "".join(path.read_text("utf8") for path in pages.glob("book/*.html"))
    assert not [path.name for path in pages.glob("_images/*") if path.name not in shown]
