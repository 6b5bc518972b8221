"""How pages look and what they weigh: figures, words and formulas in their line, styles."""

import string
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.locale import get_translation
from sphinx.writers.html5 import HTML5Translator

from definebyrun.book.figures import enlarge, published
from definebyrun.book.japanese import mark_japanese
from definebyrun.book.slim import slim_down

_ = get_translation("definebyrun")

WITHOUT_SCRIPT = "no-script.css"
TO_COPY = "div.highlight:not(.cell_output *, .claim-behind *) pre, div.source div.highlight pre"
NEEDED = ("documentation_options.js", "clipboard.min.js", "copybutton.js", "book.js", "search.js")


def configure(app: Sphinx, config: Config) -> None:
    """Offer to copy what a reader would run, and not what it printed."""
    config["copybutton_selector"] = TO_COPY


def leave_out(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], page: nodes.document | None
) -> None:
    """Have a page do without what the theme would load, and be light until told otherwise."""
    context["default_mode"] = "light"
    if "body" in context:  # the Tab key reaches the same places in the list of the page
        links = context["body"].replace('class="headerlink"', 'class="headerlink" tabindex="-1"')
        context["body"] = links
    context["theme_back_to_top_button"] = False
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if Path(str(getattr(script, "filename", script))).name in NEEDED
    ]


def tell_years_apart(app: Sphinx, *_arguments: Any) -> None:
    """Add letters to the years of works that would be cited by the same words: 2025a, 2025b."""
    entries = app.env.get_domain("cite").data["bibdata"].data.entries
    alike: dict[tuple[Any, ...], list[Any]] = {}
    for entry in entries.values():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [" ".join(person.prelast_names + person.last_names) for person in people]
        who = tuple(names) if len(names) < 3 else (names[0], "and others")
        alike.setdefault((who, entry.fields.get("year", "")[:4]), []).append(entry)
    for (who, year), group in alike.items():
        if who and year and len(group) > 1:
            group.sort(key=lambda entry: entry.fields.get("title", "").strip("{}").lower())
            for letter, entry in zip(string.ascii_lowercase, group, strict=False):
                entry.fields["year"] = year + letter


def glue_formulas(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Mark the formulas on which the next or the last word hangs: no line breaks between them."""
    for formula in doctree.findall(nodes.math):
        after = formula.next_node(descend=False, siblings=True)
        before = formula.previous_sibling()
        if isinstance(after, nodes.Text) and not after.astext()[:1].isspace():
            formula["classes"].append("glued-after")
        if isinstance(before, nodes.Text) and before.astext()[-1:] in "(\u201c\u2018[\u2212-":
            formula["classes"].append("glued-before")


def visit_enlarge(translator: HTML5Translator, node: enlarge) -> None:
    """Open the link around a figure, which leads to the drawing itself."""
    image = next(node.findall(nodes.image), None)
    if image is None:  # the figure has a fault, which is told elsewhere
        raise nodes.SkipNode
    address = published(translator.builder, image["uri"])
    translator.body.append(f'<a class="enlarge" href="{escape(address)}">')


def depart_enlarge(translator: HTML5Translator, node: enlarge) -> None:
    """Close it, saying what it is for."""
    words = escape(_("enlarge"))
    translator.body.append(f'<span class="visually-hidden">({words})</span></a>')


def visit_image(translator: HTML5Translator, node: nodes.image) -> None:
    """Draw an image as always; one whose size is known says it, and waits until it is near."""
    HTML5Translator.visit_image(translator, node)
    if "natural" in node:
        width, height = node["natural"]
        says = f'<img width="{width}" height="{height}" loading="lazy" decoding="async" '
        translator.body[-1] = translator.body[-1].replace("<img ", says, 1)


def depart_image(translator: HTML5Translator, node: nodes.image) -> None:
    """Close an image."""
    HTML5Translator.depart_image(translator, node)


def slim(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the style sheets when all pages are written."""
    if exception is None and app.builder.format == "html":
        slim_down(Path(app.outdir), WITHOUT_SCRIPT)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.add_node(enlarge, html=(visit_enlarge, depart_enlarge))
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.connect("config-inited", configure, priority=100)  # before the button is made
    app.connect("env-before-read-docs", tell_years_apart)
    app.connect("doctree-resolved", glue_formulas, priority=900)  # quoted numbers are in
    app.connect("doctree-resolved", mark_japanese, priority=910)
    app.connect("html-page-context", leave_out, priority=900)
    app.connect("build-finished", slim, priority=700)  # before what no sheet loads is taken away
    return {"parallel_read_safe": True, "parallel_write_safe": True}
