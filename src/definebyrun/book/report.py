"""The line under a chapter's title, the map of the book, the report, the files for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from definebyrun.book import needs
from definebyrun.book.cells import silent_values
from definebyrun.book.measures import Measure, first_sentence, measure, measures
from definebyrun.book.runs import pages
from definebyrun.book.sources import source_faults

_ = get_translation("definebyrun")


class chapter_line(nodes.General, nodes.Element):
    """What a chapter needs; its run time and place are added when the page is written."""


class build_report(nodes.General, nodes.Element):
    """The table of chapters, made when the page is written."""


class book_map(nodes.General, nodes.Element):
    """The pages of the book by part, made when the page is written."""


class ChapterNeeds(SphinxDirective):
    """``{chapter-needs}``: what a chapter needs, as its body; makes the page a chapter.

    Its option ``:line:`` says on the map of the book what the page is about, and ``:needs:`` names
    the pages that it builds on, between commas.
    """

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "line": directives.unchanged_required,
        "needs": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Leave a node with the words of the author."""
        named = needs.named(self.env, self.options.get("needs", ""))
        needs.needs(self.env)[self.env.docname] = named
        line = chapter_line(line=self.options.get("line", ""))
        self.state.nested_parse(self.content, self.content_offset, line)
        return [line]


class BuildReport(SphinxDirective):
    """``{build-report}``: every chapter with its run time, device and what was checked."""

    def run(self) -> list[nodes.Node]:
        """Leave a node that is filled in when the page is written."""
        return [build_report()]


class BookMap(SphinxDirective):
    """``{book-map}``: the pages of the book by part, each in a line, with its reading time."""

    def run(self) -> list[nodes.Node]:
        """Leave a node that is filled in when the page is written."""
        return [book_map()]


class Measures(EnvironmentCollector):
    """Measures each page that is read, and has the pages written again that show the measures."""

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a page that is read anew or gone."""
        measures(env).pop(docname, None)
        _maps(env).discard(docname)

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        """Measure one page; a source that is too long for it is a fault."""
        env, name = app.env, app.env.docname
        found = measures(env)[name] = measure(doctree)
        lines = list(doctree.findall(chapter_line))
        found.says = (lines[0]["line"] if lines else "") or first_sentence(doctree)
        pages(env)[name].faults += source_faults(doctree) + silent_values(doctree)
        if any(True for _found in doctree.findall(book_map)):
            _maps(env).add(name)

    def get_updated_docs(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Return the pages that show measures, where these have changed."""
        shown: list[Any] = list(_listed(env))
        for name, kept in sorted(measures(env).items()):
            shown.append((name, kept, round(seconds(env, name))))
        if shown == env.__dict__.get("definebyrun_shown"):
            return []
        env.__dict__["definebyrun_shown"] = shown
        return [name for name, kept in pages(env).items() if kept.has_report or name in _maps(env)]


def _maps(env: BuildEnvironment) -> set[str]:
    found: set[str] = env.__dict__.setdefault("definebyrun_maps", set())
    return found


def _listed(env: BuildEnvironment) -> Iterator[tuple[str, str, str]]:
    """Yield the pages of the contents in order: the part, the page, and its title."""
    for part in env.app.config.external_site_map.root.subtrees:
        for item in part.items:
            if str(item) in env.titles:
                yield part.caption or "", str(item), env.titles[str(item)].astext()


def chapters(env: BuildEnvironment) -> dict[str, str]:
    """Return the chapters of the book in order, each with the title of its part."""
    order: dict[str, str] = {}
    for part in env.app.config.external_site_map.root.subtrees:
        for item in part.items:
            if str(item) in pages(env) and pages(env)[str(item)].is_chapter:
                order[str(item)] = part.caption or ""
    return order


def parts_without_needs(env: BuildEnvironment) -> list[str]:
    """Name the pages in numbered parts that do not say what they need."""
    return [
        f"{item} stands in a part and has no {{chapter-needs}}; say what it needs, below its title"
        for part in env.app.config.external_site_map.root.subtrees
        for item in part.items
        if part.numbered and str(item) in pages(env) and not pages(env)[str(item)].is_chapter
    ]


def seconds(env: BuildEnvironment, page: str) -> float:
    """Return how long a page's code took, as MyST-NB measured it when it ran."""
    recorded = env.nb_metadata.get(page, {}).get("exec_data", {})  # type: ignore[attr-defined]
    return float(recorded.get("runtime") or 0)


def draw_line(env: BuildEnvironment, page: str, words: list[nodes.Node]) -> nodes.Element:
    """Draw the line of a chapter: what it needs, how long it runs, where it stands."""
    order = chapters(env)
    place = list(order).index(page) + 1 if page in order else 1
    runs = _("%(seconds)d s on %(device)s") % {
        "seconds": max(1, round(seconds(env, page))),
        "device": env.app.config.definebyrun_device,
    }
    stands = _("chapter %(place)d of %(total)d; %(part)s") % {
        "place": place,
        "total": len(order),
        "part": order.get(page, ""),
    }
    mark = _("checked when this page was built; the sentence before it opens and shows how")
    fields = nodes.field_list(classes=["chapter-line"])
    reads = _("about %(minutes)d minutes, exercises apart") % {
        "minutes": measures(env).get(page, Measure()).minutes
    }
    for name, body in (
        (_("Needs"), words),
        *needs.fields(env, page),
        (_("Reads in"), [nodes.paragraph("", reads)]),
        (_("Runs in"), [nodes.paragraph("", runs)]),
        *([(_("Place"), [nodes.paragraph("", stands)])] if order.get(page) else []),
        ("\u2713", [nodes.paragraph("", mark)]),
    ):
        fields += nodes.field("", nodes.field_name("", name), nodes.field_body("", *body))
    return fields


def draw_map(env: BuildEnvironment, fromdocname: str) -> nodes.Element:
    """Draw the pages of the book by part: what each is about, and how long it takes."""
    box = nodes.container(classes=["book-map"])
    named = None
    for part, page, title in _listed(env):
        if part != named:
            named, items = part, nodes.enumerated_list(classes=["book-part"])
            box += [nodes.paragraph("", part, classes=["part-name"]), items]
        link = make_refnode(env.app.builder, fromdocname, page, "", nodes.Text(title))
        head = nodes.paragraph("", "", link, classes=["page-name"])
        kept = measures(env).get(page, Measure())
        if page in chapters(env):
            time = _("%(minutes)d min, runs in %(seconds)d s") % {
                "minutes": kept.minutes,
                "seconds": max(1, round(seconds(env, page))),
            }
            head += [nodes.Text(" "), nodes.inline("", time, classes=["page-time"])]
        about = nodes.paragraph("", kept.says, classes=["page-line"])
        items += nodes.list_item("", head, about, *needs.builds_on(env, fromdocname, page))
    return box


def report_rows(env: BuildEnvironment) -> list[list[str]]:
    """Return a row a chapter: its page, what running it cost and what was checked."""
    rows = []
    for page in chapters(env):
        run = pages(env)[page].run
        counts = [str(len(many)) for many in (run.claims, run.facts)]
        time = f"{seconds(env, page):.1f} s"
        rows.append([page, time, env.app.config.definebyrun_device, str(len(run.code)), *counts])
    return rows


def draw_report(env: BuildEnvironment, fromdocname: str) -> nodes.Element:
    """Draw two tables of chapters: what their run cost, and what they ask of a reader."""
    heads = [_("Chapter"), _("Run time"), _("Device"), _("Cells"), _("Claims"), _("Numbers")]
    box = nodes.container(classes=["build-report"])
    box += _table(env, fromdocname, heads, report_rows(env))
    heads = [_("Chapter"), _("Minutes"), _("Words"), _("Cells in sight"), _("Calls in sight")]
    heads += [_("Wide lines"), _("Longest source")]
    rows = []
    for page in chapters(env):
        kept = measures(env).get(page, Measure())
        figures = [kept.minutes, kept.words, kept.cells, kept.calls, kept.wide, kept.source]
        rows.append([page, *(f"{figure:,}" for figure in figures)])
    about = _("What the pages ask of a reader, exercises apart:")
    box += [nodes.paragraph("", about), _table(env, fromdocname, heads, rows)]
    return box


def _table(
    env: BuildEnvironment, fromdocname: str, heads: list[str], rows: list[list[str]]
) -> nodes.table:
    table = nodes.table()
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=1) for _head in heads]
    group += nodes.thead("", _row([nodes.Text(head) for head in heads]))
    body = nodes.tbody()
    for page, *cells in rows:
        title = nodes.Text(env.titles[page].astext())
        link = make_refnode(env.app.builder, fromdocname, page, "", title)
        body += _row([link, *(nodes.Text(cell) for cell in cells)])
    group += body
    table += group
    return table


def _row(cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", cell))
    return row


def write_files(env: BuildEnvironment, folder: Path) -> None:
    """Write ``facts.json``, ``claims.json`` and ``measures.json``, sorted, for programs to read."""
    facts = [
        {"page": page, "name": name, **fact}
        for page, kept in sorted(pages(env).items())
        for name, fact in sorted(kept.run.facts.items())
    ]
    claims = [
        {"page": page, **claim}
        for page, kept in sorted(pages(env).items())
        for claim in kept.run.claims
    ]
    asked = [
        {"page": page, "minutes": kept.minutes, **asdict(kept)}
        for page, kept in sorted(measures(env).items())
        if page in chapters(env)
    ]
    files = {"facts.json": facts, "claims.json": claims, "measures.json": asked}
    for name, records in files.items():
        text = json.dumps(records, indent=1, ensure_ascii=False)
        (folder / name).write_text(text + "\n", "utf8")
