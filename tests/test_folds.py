"""How a page reads: claims in the text, calls out of sight, answers folded until looked at.

One small book is built with the real configuration and looked at in its files and in a browser.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from test_machinery import CELL, FIGURE, Book

NAMED = FIGURE.replace("caption: A line.", "caption: A line.\n    name: fig-rise")
PAGE = f"""
:::{{predict}}
Does it rise?
:::

:::{{look-start}}
:::

It does.

{NAMED}
{CELL.format('claim("It *rises* by `x`.", x, ">", 0, size=x, tiny=x * 1e-7)')}
:::{{look-end}}
:::

After {{ref}}`fig-rise`.

:::{{pitfall}} The *first* step
It is often left out.
:::

```{{code-cell}} ipython3
:tags: [check]
twice = 2 * x
claim("It doubles.", twice, "==", x + x)
```

```{{code-cell}} ipython3
half = x / 2
# for the prose
record("half", half)
half
```

Half is {{quote}}`half`.
"""


INDEX = """# A small book

It quotes {quote}`one::size:.3f`.

:::{book-map}
:::
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    small = Book(tmp_path_factory.mktemp("folds"))
    start = "```{code-cell} ipython3\nimport math\n```\n"
    small.write("one", PAGE)
    small.write("index", INDEX, front=False)
    chapter = small.folder / "book" / "one.md"
    chapter.write_text(chapter.read_text().replace("```{code-cell}", start + "```{code-cell}", 1))
    status, output = small.build("-W", "--keep-going")
    assert status == 0, output[-3000:]
    return small


@pytest.fixture(scope="module")
def html(book: Book) -> str:
    return book.html("one")


def test_the_answer_is_folded_with_its_cells_and_claims(html: str) -> None:
    look = re.search(r'<details class="look">\s*(.*?)<p>After ', html, re.DOTALL)
    assert look
    assert look[1].startswith("<summary>Look</summary>")
    assert 'id="fig-rise"' in look[1]
    assert 'id="claim-it-rises-by-x"' in look[1]
    assert "Does it rise?" not in look[1]


def test_a_claim_opens_to_its_figures_and_its_code(html: str) -> None:
    found = re.search(r'<details class="claim" id="claim-it-rises.*?</details>', html, re.DOTALL)
    assert found
    sentence = re.search(r"<summary>(.*?)</summary>", found[0], re.DOTALL)
    assert sentence
    assert "It <em>rises</em> by <code" in sentence[1]
    assert ">(checked)</span>" in sentence[1]
    words = re.sub("<[^>]*>", "", found[0]).replace("\u00a0", " ")
    assert "size = 0.625" in words
    assert "tiny = 6.25 × 10⁻⁸" in words
    assert 'claim("It *rises*' in words


def test_a_cell_made_for_a_claim_is_seen_behind_it_alone(html: str) -> None:
    inputs = re.findall(r'<div class="cell_input.*?</pre>', html, re.DOTALL)
    shown = re.sub("<[^>]*>", "", "".join(inputs))
    assert "twice" not in shown
    assert "half = x / 2" in shown
    assert not re.search(r"\b(?:claim|record|show_source)\(|for the prose", shown)
    behind = html[html.index('id="claim-it-doubles"') :]
    assert "twice = 2 * x" in re.sub("<[^>]*>", "", behind[: behind.index("</details>")])


def test_imports_fold_and_boxes_name_their_role(html: str) -> None:
    assert "<summary>What this page imports</summary>" in html
    assert re.search(r'role-name">What usually goes wrong here</p>\s*<p class="adm.*?<em>f', html)


@pytest.fixture(scope="module")
def page(book: Book, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(color_scheme="dark")
    page.goto((book.folder / "_build/html/book/one.html").as_uri())
    yield page
    page.close()


OPEN = "document.querySelector('details.look').open"


def test_a_link_into_the_fold_opens_it(page: Page) -> None:
    assert not page.evaluate(OPEN)
    page.click("article a.reference[href='#fig-rise']")
    page.wait_for_function(OPEN)
    page.evaluate("document.querySelector('details.look').open = false")


def test_the_keyboard_opens_a_claim(page: Page) -> None:
    opened = "document.querySelector('#claim-it-doubles').open"
    page.focus("#claim-it-doubles > summary")
    page.keyboard.press("Enter")
    assert page.evaluate(opened)
    page.keyboard.press("Enter")
    assert not page.evaluate(opened)


def test_paper_is_light_and_open_and_the_screen_as_before(page: Page) -> None:
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (page.evaluate(theme), page.evaluate(OPEN)) == ("light", True)
    assert not page.evaluate("document.querySelector('#claim-it-doubles').open")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert (page.evaluate(theme), page.evaluate(OPEN)) == ("dark", False)


def test_a_page_is_measured_and_the_map_follows(book: Book) -> None:
    """Cells in sight are counted, not the folded; more words take more minutes on the map."""
    (measured,) = book.records("measures.json")
    assert (measured["cells"], measured["calls"], measured["wide"]) == (3, 0, 0)
    listed = re.sub("<[^>]*>", "", book.html("index"))
    assert "2 min" in listed
    chapter = book.folder / "book" / "one.md"
    text = chapter.read_text() + "\n" + "word " * 600
    chapter.write_text(text.replace(":::{chapter-needs}", ":::{chapter-needs}\n:line: All of it."))
    assert book.build("-W", "--keep-going")[0] == 0
    listed = re.sub("<[^>]*>", "", book.html("index"))
    assert "5 min" in listed
    assert "All of it." in listed
