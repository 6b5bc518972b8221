"""The source of a helper in a page, with a link to where it stands."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx
from sphinx.locale import get_translation

from definebyrun.book.runs import pages

_ = get_translation("definebyrun")


class source_link(nodes.General, nodes.Element):
    """Where the source shown stands; becomes a link when the page is written."""


def draw_source(record: dict[str, Any]) -> nodes.Element:
    """Draw the source of a helper, with a place for the link that each build fills in."""
    box = nodes.container(classes=["source"])
    box += source_link("", **{key: record[key] for key in ("module", "name", "first", "last")})
    box += nodes.literal_block(record["source"], record["source"], language="python")
    return box


def link_source(app: Sphinx, docname: str, place: source_link) -> nodes.Element:
    """Draw the line above a source: where it stands, linked to the repository or a page of ours."""
    path = "src/" + place["module"].replace(".", "/") + ".py"
    words = _("%(path)s, lines %(first)d to %(last)d") % {
        "path": path,
        "first": place["first"],
        "last": place["last"],
    }
    repository = app.config.html_theme_options.get("repository_url", "")
    commit = app.config.definebyrun_commit.removesuffix("-dirty")
    if repository and commit:
        target = f"{repository}/blob/{commit}/{path}#L{place['first']}-L{place['last']}"
    else:
        page = app.builder.get_relative_uri(docname, _page_of(place["module"]))
        target = f"{page}#line-{place['first']}"
    link = nodes.reference("", words, refuri=target, internal=not repository)
    return nodes.paragraph("", "", link, classes=["source-link"])


def _page_of(module: str) -> str:
    return "source/" + module.replace(".", "/")


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each module whose source a chapter shows (Sphinx's html-collect-pages)."""
    modules = {module for page in pages(app.env).values() for module in page.run.sources}
    for module in sorted(modules):
        formatter = HtmlFormatter(linespans="line", nowrap=False)
        code = highlight(
            inspect.getsource(importlib.import_module(module)), PythonLexer(), formatter
        )
        context = {"title": module, "body": f"<h1>{module}</h1>\n{code}"}
        yield _page_of(module), context, "page.html"
