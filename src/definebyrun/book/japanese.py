"""Japanese words in a page say that they are Japanese: for the font, and for whoever listens."""

import re

from docutils import nodes
from sphinx.application import Sphinx

JAPANESE = re.compile("[\u3000-\u9fff\uff01-\uff60]+")
LANGUAGE = "language-ja"  # the class that Docutils writes as an attribute


def mark_japanese(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put each run of Japanese letters in a page into an element of its own.

    What is highlighted as code stays; the highlighter marks it.
    """
    kept = nodes.FixedTextElement, nodes.Invisible, nodes.raw, nodes.math, nodes.math_block
    for parent in list(doctree.findall(nodes.TextElement)):
        if isinstance(parent, kept) or LANGUAGE in parent["classes"]:
            continue
        for place in range(len(parent) - 1, -1, -1):
            if isinstance(parent[place], nodes.Text) and JAPANESE.search(parent[place]):
                parent[place : place + 1] = marked(parent[place])


def marked(text: str) -> list[nodes.Node]:
    """Split a text into what is Japanese, marked, and what is not."""
    parts: list[nodes.Node] = []
    end = 0
    for run in JAPANESE.finditer(text):
        if run.start() > end:
            parts.append(nodes.Text(text[end : run.start()]))
        parts.append(nodes.inline("", run[0], classes=[LANGUAGE]))
        end = run.end()
    return parts + ([nodes.Text(text[end:])] if end < len(text) else [])


def marked_html(line: str) -> str:
    """Mark the Japanese words in a line of highlighted code."""
    return JAPANESE.sub(lambda run: f'<span lang="ja">{run[0]}</span>', line)
