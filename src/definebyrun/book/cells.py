"""What of a cell a reader sees: its lesson, without the calls that keep the book honest.

A chapter's ``claim``, ``record`` and ``show_source`` calls run with its other code, and are taken
out of the input shown. A claim becomes a line of the text, which opens to its figures and to the
code that checked it.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform

_ = get_translation("definebyrun")

MACHINERY = ("claim", "record", "show_source")
RULER = re.compile(r"\A(?:\x1b\[[\d;]*m)*-{20,}(?:\x1b\[[\d;]*m)*\n")
CHECK = "check"  # the tag of a cell that only computes what its claims need


class claims(nodes.General, nodes.Element):
    """Claims that follow one another in the text."""


class claim(nodes.General, nodes.Element):
    """One claim: its sentence, and what is behind it."""


class claim_sentence(nodes.paragraph):
    """The sentence of a claim, which can be translated like any paragraph."""


class recorded(nodes.Invisible, nodes.Element):
    """Where a value was recorded: nothing is to be seen."""


class cell_place(nodes.Invisible, nodes.Element):
    """Where a cell ran of which nothing is to be seen but what it claims."""


def statements(source: str) -> list[ast.stmt]:
    """Return the top-level statements of a cell; none where it is no Python.

    Lines for IPython (``%time``, ``!ls``) count as ``pass``.
    """
    plain = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    try:
        return ast.parse(plain).body
    except SyntaxError:
        return []


def is_machinery(node: ast.stmt) -> bool:
    """Tell whether a statement only claims, records or shows a source; a loop over these too."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func).rpartition("definebyrun.book.")[2] in MACHINERY
    if isinstance(node, ast.For | ast.While | ast.If | ast.With):
        parts = [*node.body, *getattr(node, "orelse", [])]
        return all(is_machinery(part) for part in parts)
    return False


def without_machinery(source: str, keep: ast.stmt | None = None) -> str:
    """Return the source of a cell less the calls of the machinery and the comments above them.

    Args:
        source: the source of the cell.
        keep: a statement, of this very source, that stays.
    """
    lines = source.splitlines()
    kept = [True] * len(lines)
    found = statements(source)
    for node in found:
        if not is_machinery(node) or (keep is not None and node.lineno == keep.lineno):
            continue
        last = node.end_lineno or node.lineno
        if any(o is not node and o.lineno <= last and _end(o) >= node.lineno for o in found):
            continue  # it shares a line with another statement
        first = node.lineno
        while first > 1 and lines[first - 2].lstrip().startswith("#"):
            first -= 1
        kept[first - 1 : last] = [False] * (last - first + 1)
    left = "\n".join(line for line, stays in zip(lines, kept, strict=True) if stays)
    left = re.sub(r"\n{3,}", "\n\n\n", left).strip("\n") if not all(kept) else source
    return left if statements(left) or all(kept) else ""


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def visible(source: str, tags: list[str]) -> str:
    """Return what the page shows of the source of a cell with these tags."""
    return "" if CHECK in tags else without_machinery(source)


def checking_code(source: str, sentence: str, tags: list[str]) -> str:
    """Return the code that checked a sentence: its statement, or the cell that is there for it.

    Args:
        source: the source of the cell that made the claim.
        sentence: what was claimed.
        tags: those of the cell; with ``check`` all its code that serves the claim is returned.
    """
    claiming = [node for node in statements(source) if "claim" in _calls(node)]
    said = [node for node in claiming if sentence in _texts(node)]
    node = next(iter(said or claiming), None)
    if node is None:
        return source
    if CHECK in tags:
        return without_machinery(source, keep=node)
    return "\n".join(source.splitlines()[node.lineno - 1 : _end(node)])


def _calls(node: ast.AST) -> list[str]:
    return [
        ast.unparse(found.func).rpartition(".")[2]
        for found in ast.walk(node)
        if isinstance(found, ast.Call)
    ]


def _texts(node: ast.AST) -> list[Any]:
    return [found.value for found in ast.walk(node) if isinstance(found, ast.Constant)]


def machinery_calls(source: str) -> int:
    """Count the calls of the machinery in code that a page shows."""
    return sum(name in MACHINERY for node in statements(source) for name in _calls(node))


def only_imports(source: str) -> bool:
    """Tell whether a cell does nothing but import."""
    found = statements(source)
    return bool(found) and all(isinstance(node, ast.Import | ast.ImportFrom) for node in found)


def silent_value(source: str) -> str:
    """Return the value that a cell seems to show and does not, or nothing.

    A notebook shows the value of the last line alone. Where a call of the machinery stands after
    it, the value would end the input that a page shows, with no output below.
    """
    found = statements(source)
    shown = [node for node in found if not is_machinery(node)]
    if not shown or shown[-1] is found[-1] or not isinstance(shown[-1], ast.Expr):
        return ""
    value = shown[-1].value
    return "" if isinstance(value, ast.Call | ast.Constant) else ast.unparse(value)


def code_cells(doctree: nodes.Element) -> list[nodes.container]:
    """Return the code cells of a page, in order."""
    return [c for c in doctree.findall(nodes.container) if c.get("nb_element") == "cell_code"]


def shown_input(cell: nodes.container) -> str:
    """Return the code that a page shows of a cell, folded or not."""
    parts = [part for part in cell if part.get("nb_element") == "cell_code_source"]
    return str(parts[0].astext()) if parts else ""


def silent_values(doctree: nodes.Element) -> list[str]:
    """Name the values that end an input and are not shown below it."""
    return [
        f"ends a cell with {cell['silent']}, which is not shown: put the calls after it elsewhere"
        for cell in code_cells(doctree)
        if cell.get("silent")
    ]


class ShowCells(SphinxTransform):
    """Takes the machinery out of the cells, makes lines of the text of claims, folds imports."""

    default_priority = 8  # before captions, targets and translation are looked at

    def apply(self, **kwargs: Any) -> None:
        """Go through the cells of a page."""
        for place, cell in enumerate(code_cells(self.document)):
            _show_input(cell)
            after = list(_take_records(cell))
            if place == 0 and only_imports(shown_input(cell)) and not cell.get("hide_mode"):
                cell["hide_mode"] = "input"
                cell["prompt_show"] = cell["prompt_hide"] = _("What this page imports")
                cell["classes"].append("imports")
            elif cell.get("hide_mode") == "input":
                draws = any(True for _found in cell.findall(nodes.figure))
                code = _("The code of this figure") if draws else _("The code")
                cell["prompt_show"] = cell["prompt_hide"] = code
            drawn = [node for node in after if not isinstance(node, claim | recorded)]
            said = [node for node in after if isinstance(node, claim)]
            if said:
                drawn.append(claims("", *said))
            where = cell.parent.index(cell)
            stays = cell if cell.children else cell_place(index=cell["cell_index"])
            cell.parent[where : where + 1] = [stays, *drawn]
        _tidy_errors(self.document)
        _join_claims(self.document)
        _name_claims(self.document)


def _show_input(cell: nodes.container) -> None:
    """Show of a cell's input what is the lesson; no input where nothing is left."""
    for part in [part for part in cell if part.get("nb_element") == "cell_code_source"]:
        block = next(iter(part.findall(nodes.literal_block)))
        code = visible(block.rawsource, cell["cell_metadata"].get("tags", []))
        cell["silent"] = silent_value(block.rawsource)
        if code != block.rawsource:
            _write(block, code)
        if not code:
            cell.remove(part)


def _write(block: nodes.literal_block, text: str) -> None:
    block.rawsource = text
    block.children = []
    block += nodes.Text(text)


def _tidy_errors(document: nodes.document) -> None:
    """Take the ruler above an error away, and the blanks that would push its head to the right."""
    for block in document.findall(nodes.literal_block):
        if "traceback" in block["classes"]:
            text = RULER.sub("", block.rawsource, count=1)
            _write(block, re.sub(r" {2,}(?=Traceback \(most recent)", "  ", text))


def _take_records(cell: nodes.container) -> Iterator[nodes.Element]:
    """Take what the machinery displayed out of the outputs of a cell."""
    for part in [part for part in cell if part.get("nb_element") == "cell_code_output"]:
        for bundle in list(part.findall(nodes.container)):
            ours = [box for box in bundle if "definebyrun" in _kind(box)]
            if bundle.get("nb_element") == "mime_bundle" and ours:
                yield from ours[0].children
                around: nodes.Element = bundle
                while around.parent is not part and len(around.parent.children) == 1:
                    around = around.parent
                if isinstance(around.parent, nodes.figure):
                    around = around.parent  # the options of a figure are not for a claim
                around.parent.remove(around)
        if not part.children:
            cell.remove(part)


def _kind(box: nodes.Node) -> str:
    return str(box.get("mime_type", "")) if isinstance(box, nodes.Element) else ""


def _join_claims(document: nodes.document) -> None:
    """Join claims that follow one another."""
    for group in list(document.findall(claims)):
        parent, place = group.parent, group.parent.index(group)
        before = place - 1
        while before >= 0 and isinstance(parent[before], cell_place):
            before -= 1
        if before >= 0 and isinstance(parent[before], claims):
            parent[before] += group.children
            del parent[place]


def _name_claims(document: nodes.document) -> None:
    """Give each claim an address made of its first words."""
    taken: set[str] = set()
    for node in document.findall(claim):
        words = nodes.make_id(" ".join(node[0].astext().split()[:7])) or "sentence"
        name, count = f"claim-{words}", 1
        while name in taken:
            count += 1
            name = f"claim-{words}-{count}"
        taken.add(name)
        node["ids"] = [name]
