"""The path through the book: the needs of pages are sound, linked both ways, drawn and listed."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from small_book import Book

from definebyrun.book import needs
from definebyrun.book.needs_map import ROW, draw, least, rows_of, sorted_rows, ways_of

NEEDS = {
    "a": [],
    "b": ["a"],
    "c": ["a"],
    "d": ["a", "b", "c"],
    "e": ["a"],
    "f": ["a"],
    "g": ["d", "e"],
}
INDEX = """# A small book

It quotes {quote}`alpha::size:.3f`.

:::{path-map}
:route: alpha, delta
:::

:::{short-route}
:::

:::{book-map}
:::
"""
PAGES = {"alpha": "", "beta": "alpha", "delta": "alpha, beta", "gamma": "beta"}


def test_what_follows_from_other_needs_is_not_drawn() -> None:
    """The page d needs a through b and c; the arrow from a is left out."""
    assert least(NEEDS)["d"] == ["b", "c"]
    assert least(NEEDS)["g"] == ["d", "e"]


def test_a_page_stands_below_what_it_needs_and_no_row_is_too_wide() -> None:
    rows = rows_of(NEEDS)
    assert all(rows[page] > rows[name] for page, names in NEEDS.items() for name in names)
    assert max(list(rows.values()).count(row) for row in rows.values()) <= ROW


def test_each_line_has_its_own_place_in_each_row_that_it_passes() -> None:
    rows = rows_of(NEEDS)
    ways = ways_of(least(NEEDS), rows)
    table = sorted_rows(rows, ways)
    for way in ways:
        passed = [next(n for n, row in enumerate(table) if node in row) for node in way]
        assert passed == list(range(passed[0], passed[-1] + 1))


def test_the_drawing_has_a_link_a_page_and_a_line_a_need() -> None:
    titles = {page: f"Page & {page}" for page in NEEDS}
    drawing = draw(NEEDS, titles, {page: f"{page}.html" for page in NEEDS}, ["a", "g"], "A map")
    assert re.findall(r'<a href="(\w)\.html"', drawing) == list(NEEDS)
    assert drawing.count('class="way"') == sum(map(len, least(NEEDS).values()))
    assert drawing.count('class="on-route"') == 2
    assert "Page &amp; a" in drawing
    assert 'aria-label="A map"' in drawing


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"a": ["z"], "b": []}, "a needs 'z', which is no chapter of the contents"),
        ({"a": ["b"], "b": []}, "a needs 'b', which does not stand before it"),
        ({"a": [], "b": ["b"]}, "b needs 'b', which does not stand before it"),
        ({"a": ["b"], "b": ["a"]}, "a needs 'b', which does not stand before it"),
    ],
)
def test_needs_that_lead_nowhere_or_back_are_faults(wanted: dict[str, Any], message: str) -> None:
    """A page that is not there, a later one, itself, a circle."""
    env: Any = SimpleNamespace(definebyrun_needs=wanted)
    (fault,) = needs.faults(env, ["a", "b"])
    assert fault.startswith(message)


@pytest.mark.parametrize(
    ("route", "message"),
    [(["a", "z"], "to 'z', which is no chapter"), (["b", "a"], "against the order")],
)
def test_a_route_keeps_to_the_contents(route: list[str], message: str) -> None:
    env: Any = SimpleNamespace(definebyrun_routes={"index": route})
    (fault,) = needs.faults(env, ["a", "b"])
    assert message in fault


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    small = Book(tmp_path_factory.mktemp("needs"))
    for page, wanted in PAGES.items():
        say_needs(small, page, wanted)
    small.write("index", INDEX, front=False)
    status, output = small.build("-W", "--keep-going")
    assert status == 0, output[-3000:]
    return small


def say_needs(book: Book, page: str, wanted: str) -> None:
    book.write(page, "")
    path = book.folder / "book" / f"{page}.md"
    option = f":needs: {wanted}\n" if wanted else ""
    path.write_text(
        path.read_text().replace("{chapter-needs}\n", "{chapter-needs}\n" + option),
        encoding="utf8",
    )


def field(html: str, name: str) -> list[str]:
    """Return the pages that a line of the box under the title links."""
    found = re.search(rf"<dt[^>]*>{name}.*?<dd[^>]*>(.*?)</dd>", html, re.DOTALL)
    return re.findall(r'href="(\w+)\.html"', found[1]) if found else []


def test_needs_are_linked_both_ways(book: Book) -> None:
    assert field(book.html("delta"), "Builds on") == ["alpha", "beta"]
    assert field(book.html("beta"), "Needed by") == ["delta", "gamma"]
    assert field(book.html("alpha"), "Builds on") == []


def test_the_first_page_draws_the_map_and_says_it_in_words(book: Book) -> None:
    """The drawing, the route, what the route leans on, and the list that says the same."""
    html = book.html("index")
    drawing = re.search(r'<svg class="path-map".*?</svg>', html, re.DOTALL)
    assert drawing
    assert re.findall(r'<a href="(\w+)\.html"', drawing[0]) == list(PAGES)
    route = re.search(r'<div class="short-route.*?</div>', html, re.DOTALL)
    assert route
    assert re.findall(r'href="(\w+)\.html"', route[0]) == ["alpha", "delta", "beta"]
    words = re.sub("<[^>]*>", "", html)
    assert "Builds on: Alpha, Beta" in words


def test_a_need_that_changes_is_written_where_it_shows(book: Book) -> None:
    """The needed page and the map are written again, though their own text is as it was."""
    say_needs(book, "gamma", "alpha")
    assert book.build()[0] == 0
    assert field(book.html("beta"), "Needed by") == ["delta"]
    assert field(book.html("alpha"), "Needed by") == ["beta", "delta", "gamma"]


def test_a_dropped_page_is_named_by_those_that_need_it(book: Book) -> None:
    (book.folder / "book" / "beta.md").unlink()
    book.write("gamma", "")
    status, output = book.build()
    assert status != 0
    line = "  book/delta needs 'book/beta', which is no chapter of the contents"
    assert line in output.splitlines(), output[-2000:]
