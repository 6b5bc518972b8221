"""The index of the search: each section and exercise of the book, with its words.

Sphinx's own search leads to the top of a page, and Pagefind's is fetched, which a page that was
opened from a disk may not do. This index is a script: it is there without a network and without a
server. ``static/search.js`` looks through it.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_exercise.nodes import is_exercise_node

KEPT = "search.json"  # what was found in each page when it was written
INDEX = "_static/search-index.js"

# What readers call the same thing; whoever looks for one finds the others.
SYNONYMS = (
    (
        "back-propagation",
        "backpropagation",
        "backprop",
        "reverse mode",
        "automatic differentiation",
    ),
    ("automatic differentiation", "autodiff", "autograd", "algorithmic differentiation"),
    ("kana", "かな", "カナ", "仮名", "hiragana", "ひらがな", "平仮名", "Japanese"),
    ("learning rate", "step size", "lr", "η", "eta"),
    ("shortcut", "skip connection", "residual", "ResNet"),
    ("convolutional network", "convnet", "CNN"),
    ("multilayer perceptron", "MLP", "feed-forward", "fully connected"),
    ("affine", "linear layer", "dense layer", "nn.Linear"),
    ("weight decay", "L2", "ridge"),
    ("slope", "derivative", "gradient"),
    ("loss", "cost function", "objective"),
    ("cross-entropy", "log loss", "negative log-likelihood", "NLL"),
    ("logits", "scores"),
    ("augmentation", "augment"),
    ("fine-tuning", "transfer learning", "pretrained"),
    ("batch normalisation", "batch norm", "BatchNorm"),
    ("initialisation", "initial weights", "Kaiming", "Xavier", "Glorot"),
    ("overfitting", "overfit", "generalisation gap", "memorise"),
    ("checkpoint", "save", "state_dict", "serialise"),
    ("GPU", "CUDA", "accelerator", "graphics card"),
    ("mixed precision", "autocast", "bfloat16", "half precision", "AMP"),
    ("second derivative", "Hessian", "curvature"),
    ("Jacobian", "jacrev", "vector-Jacobian product", "VJP"),
    ("reproducible", "repeatable", "seed", "deterministic"),
    ("validation set", "held-out", "hold-out", "dev set"),
    ("stochastic gradient descent", "SGD"),
    ("in place", "in-place", "inplace"),
    ("one-hot", "one hot", "indicator"),
    ("max pooling", "pooling", "subsampling"),
    ("receptive field", "field of view"),
    ("filter", "kernel"),
    ("epoch", "pass over the data"),
)
SIGNS = {
    "cdot": "·", "times": "×", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠",
    "neq": "≠", "to": "→", "approx": "≈", "infty": "∞", "partial": "∂", "nabla": "∇", "ell": "ℓ",
    "dots": "…", "ldots": "…", "in": "∈", "sqrt": "√", "sum": "Σ", "pm": "±", "top": "ᵀ",
}  # fmt: skip
ENDS = ".:?!…)\u201d"  # what a paragraph ends with; a caption or a term may not
LONGEST = 24  # letters of a formula that stays readable as plain text


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.connect("builder-inited", begin)
    app.connect("doctree-resolved", take_in, priority=900)
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", write_index, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def begin(app: Sphinx) -> None:
    """Begin with what earlier builds found, and leave Sphinx's index out."""
    if app.builder.format != "html":
        return
    app.builder.search = False  # type: ignore[attr-defined]
    app.add_js_file("search.js", loading_method="defer", priority=600)
    path = Path(app.doctreedir, KEPT)
    try:
        found = json.loads(path.read_text("utf8"))
    except (OSError, ValueError):
        found = {}
    app.__dict__["definebyrun_found"] = found


def take_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Note the sections of a page that is about to be written."""
    if app.builder.format == "html":
        app.__dict__["definebyrun_found"][docname] = list(places(doctree))


def places(doctree: nodes.document) -> Iterator[list[str]]:
    """Yield each section and exercise of a page: its address, title, words and code."""
    for node in doctree.findall(_is_place):
        ids = node["ids"]
        titles = [part for part in node.children if isinstance(part, nodes.title)]
        if not ids or not titles:
            continue
        text: list[str] = []
        code: list[str] = []
        for part in node.children:
            if part is not titles[0]:
                _collect(part, text, code)
        yield [ids[0], _words(titles[0]), " ".join(text), "\n".join(code)]


def _is_place(node: nodes.Node) -> bool:
    return is_exercise_node(node) or (isinstance(node, nodes.section) and bool(node["ids"]))


def _collect(node: nodes.Node, text: list[str], code: list[str]) -> None:
    """Collect the words and the code of a place, without the places inside it.

    Solutions stay out, so that no excerpt gives one away; so does what code printed.
    """
    if not isinstance(node, nodes.Element) or _is_place(node) or _is_silent(node):
        return
    if isinstance(node, nodes.literal_block):
        code.append(node.astext())
    elif isinstance(node, nodes.TextElement):
        words = _words(node)
        text.append(words if words[-1:] in ("", *ENDS) else f"{words}.")
    else:
        for part in node.children:
            _collect(part, text, code)


def _is_silent(node: nodes.Element) -> bool:
    invisible = (nodes.Invisible, nodes.raw, nodes.math_block, nodes.system_message, nodes.image)
    classes = set(node.get("classes", ()))
    printed = node.get("nb_element") == "cell_code_output" and not any(node.findall(nodes.caption))
    hidden = {"claim-behind", "solution", "toctree-wrapper", "chapter-line", "traceback"}
    return isinstance(node, invisible) or bool(classes & hidden) or printed


def _words(node: nodes.Node) -> str:
    """Return the words of a paragraph or title; short formulas as plain signs, long ones as …"""
    if isinstance(node, nodes.Text):
        return str(node.astext())
    if isinstance(node, nodes.math):
        return plain_formula(node.astext())
    if not isinstance(node, nodes.Element) or _is_silent(node):
        return ""
    joined = "".join(_words(part) for part in node.children)
    return " ".join(joined.split()) if not isinstance(node, nodes.Inline) else joined


def plain_formula(latex: str) -> str:
    """Write a formula as plain text, or as … where that would not be readable."""

    def sign(found: re.Match[str]) -> str:
        name = found[1]
        if name in SIGNS:
            return SIGNS[name]
        try:
            size = "CAPITAL" if name[0].isupper() else "SMALL"
            return unicodedata.lookup(f"GREEK {size} LETTER {name.upper()}")
        except KeyError:
            return ""

    plain = re.sub(r"\\(?:mathrm|mathbf|text|operatorname|hat|bar|boldsymbol)\b", "", latex)
    plain = re.sub(r"\\([A-Za-z]+)", sign, plain)
    plain = " ".join(re.sub(r"[{}$&\\]", "", plain).split())
    return plain if len(plain) <= LONGEST else "…"


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Make the page that shows what was found, to which the field leads."""
    yield "search", {"title": "Search", "says": "Search the sections and exercises."}, "search.html"


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write what all pages hold, in the order of the book."""
    if exception is not None or app.builder.format != "html":
        return
    env = app.env
    found = app.__dict__["definebyrun_found"]
    found = {page: found[page] for page in in_order(env) if page in found}
    Path(app.doctreedir, KEPT).write_text(json.dumps(found, ensure_ascii=False), "utf8")
    pages = [[f"{page}.html", _words(env.titles[page])] for page in found]
    sections = [[n, *place] for n, page in enumerate(found) for place in found[page]]
    index = {"pages": pages, "sections": sections, "synonyms": SYNONYMS}
    words = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir, INDEX)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"const definebyrunIndex = {words};\n", "utf8")


def in_order(env: BuildEnvironment) -> list[str]:
    """Return the pages of the book in its order; those that are in no contents come last."""
    order: dict[str, None] = {}

    def walk(page: str) -> None:
        if page not in order:
            order[page] = None
            for inside in env.toctree_includes.get(page, ()):
                walk(inside)

    walk(env.config.root_doc)
    return [page for page in [*order, *sorted(env.found_docs - set(order))] if page in env.titles]
