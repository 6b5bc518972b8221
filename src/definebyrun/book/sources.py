"""The source of a helper in a page, with a link to where it stands."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import get_translation

from definebyrun.book.freshness import PACKAGE, modules_of
from definebyrun.book.runs import pages

_ = get_translation("definebyrun")

LINES, COLUMNS = 25, 80  # the most that a page shows of a source
ROLE = re.compile(r":\w+(?::\w+)?:`~?(?:[\w.]*\.)?([^`]*)`")  # Sphinx's reference to something


class source_link(nodes.General, nodes.Element):
    """Where the source shown stands; becomes a link when the page is written."""


def draw_source(record: dict[str, Any]) -> nodes.Element:
    """Draw the code of a helper below what it does, with a place for the link to the whole."""
    code, says = without_docstrings(record["source"])
    box = nodes.container(classes=["source"])
    if says:
        box += nodes.paragraph(says, "", *in_words(says), classes=["source-caption"])
    box += nodes.literal_block(code, code, language="python")
    box += source_link("", **{key: record[key] for key in ("module", "name", "first", "last")})
    return box


def without_docstrings(source: str) -> tuple[str, str]:
    """Return the code of a function or class without docstrings, and the first line of its own.

    Roles and double backticks of the docstring become single backticks.
    """
    lines = source.splitlines()
    top = ast.parse(source).body[0]
    gone: set[int] = set()
    for node in ast.walk(top):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        first = node.body[0]
        if ast.get_docstring(node) is None or first.lineno == node.lineno:
            continue
        end = first.end_lineno or first.lineno
        if len(node.body) == 1:
            lines[first.lineno - 1] = " " * first.col_offset + "..."
            gone.update(range(first.lineno, end))
        else:
            while not lines[end].strip():
                end += 1
            gone.update(range(first.lineno - 1, end))
    code = "\n".join(line for place, line in enumerate(lines) if place not in gone)
    documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    says = (ast.get_docstring(top) or "") if isinstance(top, documented) else ""
    return code, plain_words(says.partition("\n")[0])


def plain_words(text: str) -> str:
    """Return words of a docstring without its markup: names of code in single backticks."""
    return ROLE.sub(r"`\1`", text).replace("``", "`")


def in_words(says: str) -> list[nodes.Node]:
    """Draw a plain docstring, what stands between backticks as code."""
    parts = enumerate(says.split("`"))
    return [nodes.literal("", part) if place % 2 else nodes.Text(part) for place, part in parts]


def source_faults(doctree: nodes.document) -> list[str]:
    """Name the sources that are too long or too wide to be read in a page."""
    faults = []
    for box in doctree.findall(nodes.container):
        if "source" not in box["classes"]:
            continue
        name = next(iter(box.findall(source_link)))["name"]
        lines = next(iter(box.findall(nodes.literal_block))).astext().splitlines()
        if len(lines) > LINES:
            faults.append(f"shows {len(lines)} lines of {name}, more than {LINES}")
        wide = [line for line in lines if len(line) > COLUMNS]
        if wide:
            faults.append(f"shows a line of {name} wider than {COLUMNS} columns: {wide[0].strip()}")
    return faults


def link_source(app: Sphinx, docname: str, place: source_link) -> nodes.Element:
    """Draw the line above a source: where it stands, linked to the repository or a page of ours."""
    path = "src/" + place["module"].replace(".", "/") + ".py"
    words = _("The whole of it: %(path)s, lines %(first)d to %(last)d") % {
        "path": path,
        "first": place["first"],
        "last": place["last"],
    }
    repository = app.config.definebyrun_repository
    commit = app.config.definebyrun_published
    if commit:
        target = f"{repository}/blob/{commit}/{path}#L{place['first']}-L{place['last']}"
    else:
        page = app.builder.get_relative_uri(docname, page_of(place["module"]))
        target = f"{page}#line-{place['first']}"
    link = nodes.reference("", words, refuri=target, internal=not commit)
    return nodes.paragraph("", "", link, classes=["source-link"])


def page_of(module: str) -> str:
    """Return the name of the page that shows a module."""
    return "source/" + module.replace(".", "/")


def modules_shown(env: BuildEnvironment) -> set[str]:
    """Return the modules of which a page shows some source."""
    return {module for page in pages(env).values() for module in page.run.sources}


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each module whose source a page shows or links (html-collect-pages)."""
    files = modules_of(PACKAGE)
    for module in sorted(modules_shown(app.env)):
        formatter = HtmlFormatter(linespans="line", nowrap=False)
        source = files[module].read_text("utf8")
        text = ROLE.sub(r"`\1`", source)  # lines stay where they are
        code = highlight(text, PythonLexer(), formatter)
        first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        says = _("%(module)s, the code that the book shows: %(first)s") % {
            "module": module,
            "first": plain_words(first).replace("`", ""),
        }
        context = {"title": module, "body": f"<h1>{module}</h1>\n{code}", "says": says}
        yield page_of(module), context, "page.html"
