"""What is wrong with a page before it is published: warnings, leftover markup, foreign files."""

import logging
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.build_phase import BuildPhase
from sphinx.util.nodes import get_node_line
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node

EXERCISES = (exercise_node, exercise_enumerable_node)
OURS = ("mystnb.exec", "mystnb.stderr")  # what the build says itself, of the run
MISSING = re.compile(
    r"(?:undefined label|unknown document|equation not found|target not found): '?([\w./-]+)"
)
LEFTOVER = re.compile(
    r"\{[a-z][a-z:-]*\}`"  # a role that was not read
    r"|\[\^[\w-]+\]"  # a note that is nowhere
    r"|\$"  # half a formula
    r"|^\s*(?::{3,}|`{3,}|~{3,})"  # half a box
    r"|\]\([^)\s]*\)"  # half a link
    r"|\b(?:TODO|FIXME|XXX)\b"
)
IN_CODE = re.compile(r"\{(?:quote|by-hand|given|ref|numref|eq|doc|cite(?::\w+)?)\}")
WORDS = re.compile(r"(?<![\\{\w])(?:and|or|the|of|is|are|to|for|with)(?![\w}])")
TEXT_IN_MATH = re.compile(r"\\(?:text|mathrm|operatorname|textit|textbf)\*?\{[^{}]*\}")
FOREIGN = re.compile(
    r"""<(?:img|script|iframe|video|audio|source|embed|object|track)\b[^>]*?\b(?:src|srcset|data|poster)\s*=\s*["']?(?P<a>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|icon|preconnect|modulepreload))[^>]*?\bhref\s*=\s*["']?(?P<b>(?:https?:)?//[^"'\s>]+)"""
    r"""|@import\s+(?:url\()?["']?(?P<c>(?:https?:)?//[^"')\s]+)"""
    r"""|url\(\s*["']?(?P<d>(?:https?:)?//[^"')\s]+)""",
    re.IGNORECASE,
)
ACTIVE = re.compile(r"<(script|iframe|object|embed)\b", re.IGNORECASE)
IMAGE_TAG = re.compile(r"<img\b(?![^>]*\balt\s*=\s*[\"']?[^\"'\s>])", re.IGNORECASE)


def is_preview(app: Sphinx) -> bool:
    """Tell whether one chapter is built alone, without what the others record."""
    return Path(app.srcdir, app.config.external_toc_path).parent != Path(app.srcdir)


class Warnings(logging.Handler):
    """Keeps what Sphinx warns of, each once, with the page and line it speaks of."""

    def __init__(self, app: Sphinx) -> None:
        """Keep the warnings of one build."""
        super().__init__(logging.WARNING)
        self.app = app
        self.found: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one warning."""
        if getattr(record, "type", None) == "definebyrun":
            return
        kind = ".".join(filter(None, (getattr(record, n, "") for n in ("type", "subtype"))))
        if kind in (*self.app.config.suppress_warnings, *OURS):
            return
        if is_preview(self.app) and self._stands_elsewhere(record.getMessage()):
            return
        page, line = self._place(getattr(record, "location", None))
        words = " ".join(record.getMessage().replace(f"{self.app.srcdir}/", "").split())
        words = re.sub(r"\s*\[[\w.]+\]$", "", words)[:300]
        where = f" (line {line})" if line else ""
        self.found[f"{page or 'the book'} has a fault that Sphinx names: {words}{where}"] = None

    def _stands_elsewhere(self, message: str) -> bool:
        """Tell whether a missing target belongs to a page that a preview leaves out."""
        match = MISSING.search(message)
        folder = Path(self.app.srcdir, "book")
        if not match:
            return False
        if (folder / f"{match[1].rpartition('/')[2]}.md").exists():
            return True
        label = re.compile(rf"\({re.escape(match[1])}\)|(?:label|name): {re.escape(match[1])}\s")
        return any(label.search(path.read_text("utf8")) for path in folder.glob("*.md"))

    def _place(self, location: Any) -> tuple[str, str]:
        """Return the page and the line of a warning."""
        env = self.app.env
        if isinstance(location, nodes.Node):
            source = location.source or getattr(location.document, "attributes", {}).get("source")
            try:
                location = (source, get_node_line(location))
            except ValueError:  # a node that stands in no page yet has no line
                location = (source or "", "")
        if isinstance(location, tuple):
            path, line = location[0] or "", str(location[1] or "")
        else:
            match = re.fullmatch(r"(.*?)(?::(\d*))?(?::.*)?", str(location or ""), re.DOTALL)
            path, line = (match[1], match[2] or "") if match else ("", "")
        if not path:
            reading = env is not None and self.app.phase == BuildPhase.READING
            return str(env.temp_data.get("docname", "")) if reading else "", ""
        return str(Path(path).with_suffix("")).removeprefix(f"{self.app.srcdir}/"), line


def leftovers(doctree: nodes.document) -> list[str]:
    """Name the markup that would be printed as it was typed."""
    faults = []
    for node in doctree.findall(lambda n: isinstance(n, nodes.Text | nodes.image)):
        image = isinstance(node, nodes.image)
        text = str(node.get("alt", "")) if image else node.astext()
        around = [node.parent]
        while around[-1].parent is not None:
            around.append(around[-1].parent)
        if any(isinstance(outer, nodes.literal_block | nodes.comment) for outer in around):
            continue
        in_cell = any(outer.get("nb_element") == "cell_code" for outer in around)
        if in_cell and not image and not any(isinstance(o, nodes.caption) for o in around):
            continue
        pattern = LEFTOVER
        if isinstance(node.parent, nodes.literal | nodes.math | nodes.math_block):
            pattern = IN_CODE
        elif isinstance(node.parent, nodes.raw):
            pattern = re.compile(IN_CODE.pattern + "`")
        match = pattern.search(text)
        if match:
            start = max(0, match.start() - 20)
            words = " ".join(text[start : match.end() + 30].split())
            faults.append(f"would print markup as it stands, {match[0].strip()!r} in {words!r}")
        if isinstance(node.parent, nodes.math | nodes.math_block):
            match = WORDS.search(TEXT_IN_MATH.sub("", text))
            if match:
                faults.append(f"sets words as a formula: {' '.join(text.split())[:60]!r}")
    return faults


def html_faults(html: str) -> list[str]:
    """Name what raw HTML of a page fetches, runs or leaves without words."""
    faults = [f"fetches {address!r} from another host" for address in foreign(html)]
    faults += [
        f"has <{tag.lower()}> in its HTML, which a page cannot hold" for tag in ACTIVE.findall(html)
    ]
    if IMAGE_TAG.search(html):
        faults.append("shows an image in its HTML without alt text")
    return faults


def foreign(html: str) -> list[str]:
    """Return the addresses on other hosts that a page would fetch."""
    found = (next(filter(None, match.groups())) for match in FOREIGN.finditer(html))
    return list(dict.fromkeys(found))


def exercise_faults(doctree: nodes.document) -> list[str]:
    """Name the solutions that say nothing, and the programs that are not checked."""
    programs = {
        node.get("label")
        for node in doctree.findall(lambda n: isinstance(n, EXERCISES))
        if re.search(r"\bcheck\.\w+\.\w+", node.astext())
    }
    faults = []
    for node in doctree.findall(solution_node):
        label = node.get("target_label")
        cells = [c for c in node.findall(nodes.container) if c.get("nb_element") == "cell_code"]
        if not cells and len(node.astext().split()) < 12:
            faults.append(f"says next to nothing in the solution of {label!r}")
        if label in programs and not any("check." in cell.astext() for cell in cells):
            faults.append(f"solves {label!r} without running its checker")
    return faults


def missing_pages(env: BuildEnvironment) -> list[str]:
    """Name the pages in the folder of the book that its contents do not list."""
    folder = Path(env.srcdir) / "book"
    names = {f"book/{path.stem}" for path in folder.glob("*.md")}
    return [
        f"{name} is not in the contents; list it in _toc.yml" for name in names - env.found_docs
    ]
