"""The drawn map of the path: pages as boxes in rows, each below the pages that it needs.

The drawing is SVG without colours of its own: the style sheet gives them, in light and dark. It is
narrow enough for a phone, so a row has three boxes at most.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import combinations, pairwise
from typing import NamedTuple

ROW = 3  # boxes in a row
WIDTH, BOX, GAP = 360.0, 108.0, 6.0  # of the drawing, of a box, of the way for a line past boxes
HEIGHT, STEP, LINE = 46.0, 76.0, 14.0  # of a box, from row to row, of a line of words
LETTERS = 16  # in a line of words
ROUNDS = 12  # of sorting the rows, from above and from below in turn

Node = str | tuple[str, str, int]  # a page, or where the line between two pages passes a row
Needs = Mapping[str, Sequence[str]]


class Place(NamedTuple):
    """Where the middle of a box is, or of a line that passes."""

    x: float
    y: float


def least(needs: Needs) -> dict[str, list[str]]:
    """Return the needs that do not follow from others: who needs B, which needs A, needs A."""
    above: dict[str, set[str]] = {}
    for page, wanted in needs.items():
        above[page] = set(wanted).union(*(above[name] for name in wanted))
    return {
        page: [name for name in wanted if not any(name in above[other] for other in wanted)]
        for page, wanted in needs.items()
    }


def rows_of(needs: Needs) -> dict[str, int]:
    """Return the row of each page: below all that it needs, and not in a row that is full.

    Args:
        needs: by page, in the order of the book, the pages that it needs; all stand before it.
    """
    rows: dict[str, int] = {}
    for page, wanted in needs.items():
        row = max((rows[name] + 1 for name in wanted), default=0)
        while list(rows.values()).count(row) == ROW:
            row += 1
        rows[page] = row
    return rows


def ways_of(needs: Needs, rows: Mapping[str, int]) -> list[list[Node]]:
    """Return, for each need, what its line passes: the page needed, a place a row, the page."""
    return [
        [name, *((name, page, row) for row in range(rows[name] + 1, rows[page])), page]
        for page, wanted in needs.items()
        for name in wanted
    ]


def sorted_rows(rows: Mapping[str, int], ways: Sequence[Sequence[Node]]) -> list[list[Node]]:
    """Sort what stands in each row so that few lines cross: each near what it is joined to."""
    table: list[list[Node]] = [[] for _row in range(max(rows.values()) + 1)]
    for page, row in rows.items():
        table[row].append(page)
    for way in ways:
        for node in way[1:-1]:
            table[int(node[2])].append(node)
    joined: dict[Node, list[Node]] = {node: [] for row in table for node in row}
    for way in ways:
        for upper, lower in pairwise(way):
            joined[upper].append(lower)
            joined[lower].append(upper)
    best = [list(row) for row in table]
    for turn in range(ROUNDS):
        down = turn % 2 == 0
        order = range(1, len(table)) if down else range(len(table) - 2, -1, -1)
        for row in order:
            beside = table[row - 1 if down else row + 1]
            share = {node: (place + 0.5) / len(beside) for place, node in enumerate(beside)}
            wish = {
                node: _mean([share[other] for other in joined[node] if other in share], place)
                for place, node in zip(_shares(table[row]), table[row], strict=True)
            }
            table[row].sort(key=wish.__getitem__)
        if crossings(table, joined) < crossings(best, joined):
            best = [list(row) for row in table]
    return best


def crossings(table: Sequence[Sequence[Node]], joined: Mapping[Node, Sequence[Node]]) -> int:
    """Count the crossings of lines between neighbouring rows."""
    count = 0
    for upper, lower in pairwise(table):
        at = {node: place for place, node in enumerate(lower)}
        ends = [
            (place, at[other])
            for place, node in enumerate(upper)
            for other in joined[node]
            if other in at
        ]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(ends, 2))
    return count


def places_of(table: Sequence[Sequence[Node]]) -> dict[Node, Place]:
    """Spread each row over the width of the drawing."""
    places: dict[Node, Place] = {}
    for number, row in enumerate(table):
        widths = [BOX if isinstance(node, str) else GAP for node in row]
        space = (WIDTH - sum(widths)) / len(row)
        x = space / 2
        for node, width in zip(row, widths, strict=True):
            places[node] = Place(x + width / 2, HEIGHT / 2 + 2 + STEP * number)
            x += width + space
    return places


def draw(
    needs: Needs,
    titles: Mapping[str, str],
    links: Mapping[str, str],
    route: Sequence[str],
    name: str,
) -> str:
    """Draw the map as SVG, each page a link.

    Args:
        needs: by page, in the order of the book, the pages that it needs.
        titles: what to write into the boxes, by page.
        links: where each box leads, by page.
        route: the pages that are framed boldly.
        name: what the drawing is called by those who cannot see it.
    """
    needs = least(needs)
    rows = rows_of(needs)
    ways = ways_of(needs, rows)
    places = places_of(sorted_rows(rows, ways))
    height = max(place.y for place in places.values()) + HEIGHT / 2 + 2
    parts = [
        f'<svg class="path-map" viewBox="0 0 {WIDTH:g} {height:g}" role="group" '
        f'aria-label="{escape(name)}" xmlns="http://www.w3.org/2000/svg">',
        '<defs><marker id="path-tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0L6 3L0 6z" /></marker></defs>',
        *(f'<path class="way" d="{_curve(way, places)}" />' for way in ways),
    ]
    for page in needs:
        parts += _box(titles[page], links[page], places[page], bold=page in route)
    return "\n".join([*parts, "</svg>"])


def _box(title: str, link: str, place: Place, *, bold: bool) -> Iterator[str]:
    """Yield the box of one page: a link around a frame and a line of words or more."""
    lines = textwrap.wrap(title, LETTERS)
    marked = ' class="on-route"' if bold else ""
    yield f'<a href="{escape(link)}"{marked}>'
    yield (
        f'<rect x="{place.x - BOX / 2:.1f}" y="{place.y - HEIGHT / 2:.1f}" '
        f'width="{BOX:g}" height="{HEIGHT:g}" rx="6" />'
    )
    first = place.y - LINE * (len(lines) - 1) / 2 + 4
    for number, line in enumerate(lines):
        yield f'<text x="{place.x:.1f}" y="{first + LINE * number:.1f}">{escape(line)}</text>'
    yield "</a>"


def _curve(way: Sequence[Node], places: Mapping[Node, Place]) -> str:
    """Return the line along a way, which leaves and arrives upright."""
    points = [places[node] for node in way]
    stops = [points[0]._replace(y=points[0].y + HEIGHT / 2)]
    for place in points[1:-1]:  # straight past the boxes of a row
        stops += [place._replace(y=place.y - HEIGHT / 2), place._replace(y=place.y + HEIGHT / 2)]
    stops.append(points[-1]._replace(y=points[-1].y - HEIGHT / 2))
    drawn = f"M{stops[0].x:.1f} {stops[0].y:.1f}"
    for start, end in pairwise(stops):
        middle = (start.y + end.y) / 2
        drawn += f"C{start.x:.1f} {middle:.1f} {end.x:.1f} {middle:.1f} {end.x:.1f} {end.y:.1f}"
    return drawn


def _shares(row: Sequence[Node]) -> list[float]:
    return [(place + 0.5) / len(row) for place in range(len(row))]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
