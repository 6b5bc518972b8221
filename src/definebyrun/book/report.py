"""The line under a chapter's title, the build report, and the two files for programs."""

import json
from pathlib import Path

from docutils import nodes
from sphinx.environment import BuildEnvironment
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from definebyrun.book.runs import pages

_ = get_translation("definebyrun")


class chapter_line(nodes.General, nodes.Element):
    """What a chapter needs; its run time and place are added when the page is written."""


class build_report(nodes.General, nodes.Element):
    """The table of chapters, made when the page is written."""


class ChapterNeeds(SphinxDirective):
    """``{chapter-needs}``: what a chapter needs, as its body; makes the page a chapter."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Leave a node with the words of the author."""
        line = chapter_line()
        self.state.nested_parse(self.content, self.content_offset, line)
        return [line]


class BuildReport(SphinxDirective):
    """``{build-report}``: every chapter with its run time, device and what was checked."""

    def run(self) -> list[nodes.Node]:
        """Leave a node that is filled in when the page is written."""
        return [build_report()]


def chapters(env: BuildEnvironment) -> dict[str, str]:
    """Return the chapters of the book in order, each with the title of its part."""
    order: dict[str, str] = {}
    for part in env.app.config.external_site_map.root.subtrees:
        for item in part.items:
            if str(item) in pages(env) and pages(env)[str(item)].is_chapter:
                order[str(item)] = part.caption or ""
    return order


def seconds(env: BuildEnvironment, page: str) -> float:
    """Return how long a page's code took, as MyST-NB measured it when it ran."""
    recorded = env.nb_metadata.get(page, {}).get("exec_data", {})  # type: ignore[attr-defined]
    return float(recorded.get("runtime") or 0)


def draw_line(env: BuildEnvironment, page: str, needs: list[nodes.Node]) -> nodes.Element:
    """Draw the line of a chapter: what it needs, how long it runs, where it stands."""
    order = chapters(env)
    place = list(order).index(page) + 1 if page in order else 1
    runs = _("%(seconds)d s on %(device)s") % {
        "seconds": max(1, round(seconds(env, page))),
        "device": env.app.config.definebyrun_device,
    }
    stands = _("chapter %(place)d of the %(total)d written so far; %(part)s") % {
        "place": place,
        "total": max(1, len(order)),
        "part": order.get(page, ""),
    }
    fields = nodes.field_list(classes=["chapter-line"])
    for name, body in (
        (_("Needs"), needs),
        (_("Runs in"), [nodes.paragraph("", runs)]),
        (_("Place"), [nodes.paragraph("", stands)]),
    ):
        fields += nodes.field("", nodes.field_name("", name), nodes.field_body("", *body))
    return fields


def report_rows(env: BuildEnvironment) -> list[list[str]]:
    """Return a row a chapter: its page, run time, device, cells, claims and quoted numbers."""
    rows = []
    for page in chapters(env):
        run = pages(env)[page].run
        counts = [str(len(many)) for many in (run.claims, run.facts)]
        time = f"{seconds(env, page):.1f} s"
        rows.append([page, time, env.app.config.definebyrun_device, str(run.cells), *counts])
    return rows


def draw_report(env: BuildEnvironment, fromdocname: str) -> nodes.Element:
    """Draw the table of chapters: run time, device, cells, claims and quoted numbers."""
    heads = [_("Chapter"), _("Run time"), _("Device"), _("Cells"), _("Claims"), _("Numbers")]
    table = nodes.table(classes=["build-report"])
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=1) for _head in heads]
    group += nodes.thead("", _row([nodes.Text(head) for head in heads]))
    body = nodes.tbody()
    for page, *cells in report_rows(env):
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
    """Write ``facts.json`` and ``claims.json``, sorted, for programs to read."""
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
    for name, records in (("facts.json", facts), ("claims.json", claims)):
        text = json.dumps(records, indent=1, ensure_ascii=False)
        (folder / name).write_text(text + "\n", "utf8")
