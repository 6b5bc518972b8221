"""The path through the book: which page needs which, said on each page and drawn on the first.

A chapter names the pages that it needs in the option ``:needs:`` of ``{chapter-needs}``. From that
come the links on the page itself and on those that it needs, ``{path-map}``, the drawn map, and
``{short-route}``, the list of the pages that its option ``:route:`` names.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from definebyrun.book import needs_map

_ = get_translation("definebyrun")


class path_map(nodes.General, nodes.Element):
    """The drawn map, made when the page is written."""


class short_route(nodes.General, nodes.Element):
    """The list of the short route, made when the page is written."""


class PathMap(SphinxDirective):
    """``{path-map}``: which page needs which, drawn; ``:route:`` names those of the short route."""

    option_spec: ClassVar[dict[str, Any]] = {"route": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Leave a node that is filled in when the page is written."""
        _routes(self.env)[self.env.docname] = named(self.env, self.options.get("route", ""))
        return [path_map()]


class ShortRoute(SphinxDirective):
    """``{short-route}``: the pages of the short route, and what it leans on besides."""

    def run(self) -> list[nodes.Node]:
        """Leave a node that is filled in when the page is written."""
        _lists(self.env).add(self.env.docname)
        return [short_route()]


def named(env: BuildEnvironment, names: str) -> list[str]:
    """Return the pages that are named, between commas, beside the page that is read."""
    home = env.docname.rpartition("/")[0]
    return [f"{home}/{name.strip()}".lstrip("/") for name in names.split(",") if name.strip()]


def needs(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return, by page, the pages that it needs, kept in Sphinx's environment."""
    kept: dict[str, list[str]] = env.__dict__.setdefault("definebyrun_needs", {})
    return kept


def _routes(env: BuildEnvironment) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = env.__dict__.setdefault("definebyrun_routes", {})
    return kept


def _lists(env: BuildEnvironment) -> set[str]:
    kept: set[str] = env.__dict__.setdefault("definebyrun_route_lists", set())
    return kept


def route(env: BuildEnvironment) -> list[str]:
    """Return the pages of the short route, in order."""
    return next(iter(_routes(env).values()), [])


def forget(_app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forget what a page said that is read anew or gone."""
    needs(env).pop(page, None)
    _routes(env).pop(page, None)
    _lists(env).discard(page)


def faults(env: BuildEnvironment, order: Iterable[str]) -> list[str]:
    """Name the needs and routes that lead nowhere or backwards.

    Args:
        env: Sphinx's environment, all pages read.
        order: the chapters as the contents list them.
    """
    place = {page: number for number, page in enumerate(order)}
    found = []
    for page, wanted in needs(env).items():
        for name in wanted:
            if name not in place:
                found.append(f"{page} needs {name!r}, which is no chapter of the contents")
            elif page in place and place[name] >= place[page]:
                found.append(
                    f"{page} needs {name!r}, which does not stand before it; a page needs earlier "
                    "ones alone, so that nothing is needed in a circle"
                )
    for page, names in _routes(env).items():
        where = [place.get(name, -1) for name in names]
        for name in names:
            if name not in place:
                found.append(f"{page} leads its route to {name!r}, which is no chapter")
        if where != sorted(set(where)) and -1 not in where:
            found.append(f"{page} leads its route against the order of the contents")
    return found


def needed_by(env: BuildEnvironment, page: str) -> list[str]:
    """Return the pages that need a page, in the order of the contents."""
    order = list(_in_order(env))
    return sorted((name for name in order if page in needs(env)[name]), key=order.index)


def left_out(env: BuildEnvironment) -> list[str]:
    """Return the pages that the short route needs and does not lead through, in order."""
    on_it = set(route(env))
    wanted = {name for page in on_it for name in needs(env).get(page, [])}
    return [page for page in _in_order(env) if page in wanted - on_it]


def _in_order(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return the needs in the order of the contents, each a chapter that is there."""
    listed = [
        str(item) for part in env.app.config.external_site_map.root.subtrees for item in part.items
    ]
    there = [page for page in listed if page in needs(env)]
    return {page: [name for name in needs(env)[page] if name in there] for page in there}


def seen_by(env: BuildEnvironment, page: str) -> list[Any]:
    """Return what a page shows of the path, which may change without its own text changing."""
    shown: list[Any] = []
    if page in needs(env):
        beside = [*needs(env)[page], *needed_by(env, page)]
        shown += [(name, title(env, name)) for name in beside]
    if page in _routes(env) or page in _lists(env):
        shown += [_in_order(env), route(env), [title(env, name) for name in needs(env)]]
    return shown


def title(env: BuildEnvironment, page: str) -> str:
    """Return the title of a page; of one that is not there, its name."""
    return env.titles[page].astext() if page in env.titles else page.rpartition("/")[2]


def links(env: BuildEnvironment, fromdocname: str, names: list[str]) -> nodes.paragraph:
    """Draw links to these pages, those left out that are not built."""
    line = nodes.paragraph()
    for name in [name for name in names if name in env.titles]:
        words = nodes.Text(title(env, name))
        line += [make_refnode(env.app.builder, fromdocname, name, "", words), nodes.Text(", ")]
    if len(line):
        del line[-1]
    return line


def fields(env: BuildEnvironment, page: str) -> list[tuple[str, list[nodes.Node]]]:
    """Return the lines of a chapter's box that link the pages it needs and those that need it."""
    both = (
        (_("Builds on"), needs(env).get(page, [])),
        (_("Needed by"), needed_by(env, page)),
    )
    drawn = [(name, links(env, page, names)) for name, names in both]
    return [(name, [line]) for name, line in drawn if len(line)]


def builds_on(env: BuildEnvironment, fromdocname: str, page: str) -> list[nodes.Node]:
    """Return the line of the list of pages that says in words what the map draws."""
    line = links(env, fromdocname, needs(env).get(page, []))
    if not len(line):
        return []
    line.insert(0, nodes.Text(f"{_('Builds on')}: "))
    line["classes"] = ["page-line"]
    return [line]


def draw_map(env: BuildEnvironment, fromdocname: str) -> nodes.Node:
    """Draw the map of the path; nothing where there are no chapters."""
    order = _in_order(env)
    before = dict.fromkeys(order, 0) | {page: number for number, page in enumerate(order)}
    sound = {
        page: [name for name in wanted if before[name] < before[page]]
        for page, wanted in order.items()  # what is unsound is a fault, named elsewhere
    }
    if not sound:
        return nodes.Text("")
    drawing = needs_map.draw(
        sound,
        {page: title(env, page).partition(":")[0] for page in sound},
        {page: env.app.builder.get_relative_uri(fromdocname, page) for page in sound},
        route(env),
        _("Which page needs which; the list of pages below says the same in words"),
    )
    return nodes.raw("", drawing, format="html", classes=["page-only"])


def draw_route(env: BuildEnvironment, fromdocname: str) -> nodes.Element:
    """Draw the short route as a list of links, and below it what it leaves out and leans on."""
    box = nodes.container(classes=["short-route"])
    items = nodes.enumerated_list(enumtype="arabic", prefix="", suffix=".")
    items += [nodes.list_item("", links(env, fromdocname, [page])) for page in route(env)]
    box += items
    beside = links(env, fromdocname, left_out(env))
    if len(beside):
        words = _("It leans here and there on pages that it leaves out; read their summaries:")
        box += nodes.paragraph("", "", nodes.Text(f"{words} "), *beside.children, nodes.Text("."))
    return box


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Draw maps and routes in a page that is about to be written."""
    for place in list(doctree.findall(path_map)):
        place.replace_self(draw_map(app.env, docname))
    for place in list(doctree.findall(short_route)):
        place.replace_self(draw_route(app.env, docname))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.add_directive("path-map", PathMap)
    app.add_directive("short-route", ShortRoute)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-resolved", fill_in)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
