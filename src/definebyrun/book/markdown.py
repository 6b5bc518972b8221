"""A page that is about to be written, as plain Markdown that any notebook can show.

What Sphinx has resolved stays resolved: numbers, references, citations and the numbers of equations
are words by now. What only a page can show, such as a box, becomes a quotation with a bold head or
a ``<details>``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx_design.dropdown import dropdown_main, dropdown_title

from definebyrun.book.cells import recorded
from definebyrun.book.faults import EXERCISES
from definebyrun.book.folds import look
from definebyrun.book.places import place_link

logger = logging.getLogger(__name__)

NOTHING = (
    nodes.Invisible,
    nodes.target,
    nodes.system_message,
    addnodes.index,
    addnodes.toctree,
    addnodes.highlightlang,
    place_link,
    recorded,
)
LANGUAGES = {"ipython3": "python", "default": "", "none": "", "text": "", "myst-ansi": ""}
AT_START = re.compile(r"^(?=[#>+-](?:\s|$)|=+$)|^(\d+)(?=[.)](?:\s|$))")
LINK = re.compile(r"""(<a\b[^>]*?\shref\s*=\s*["'])([^"']*)""", re.IGNORECASE)


@dataclass
class Writer:
    """Writes the nodes of one page as Markdown.

    Args:
        page: the name of the page, as in ``book/tensors``.
        site: the address at which the book is published, or nothing; references become links
            to it, or else stay words.
        numbers: those that Sphinx gave figures and exercises: by kind, by the node's id.
        titles: those of all sections; a reference by a title stands in quotation marks.
        level: of the heading that comes next.
    """

    page: str
    site: str = ""
    numbers: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)
    titles: set[str] = field(default_factory=set)
    level: int = 1
    in_table: bool = False

    def number(self, kind: str, node: nodes.Element) -> str:
        """Return the number of a figure or an exercise, or nothing."""
        found = next((self.numbers.get(kind, {}).get(one, ()) for one in node["ids"]), ())
        return ".".join(map(str, found))

    def blocks(self, found: Sequence[nodes.Node]) -> str:
        """Write these nodes, one below the other."""
        return "\n\n".join(filter(None, (self.block(node) for node in found)))

    def block(self, node: nodes.Node) -> str:
        """Write a node that stands for itself; one of no known kind is a fault of the book."""
        if isinstance(node, NOTHING):
            return ""
        for kind, write in BLOCKS.items():
            if isinstance(node, kind):
                return write(self, node)
        if isinstance(node, nodes.Text | nodes.Inline):
            return self.inline(node)
        logger.warning("a notebook cannot show %s", type(node).__name__, location=node)
        return ""

    def words(self, node: nodes.Element) -> str:
        """Write what stands in a line."""
        return "".join(self.inline(part) for part in node.children).strip()

    def inline(self, node: nodes.Node) -> str:
        """Write a node that stands in a line; one of no known kind is a fault of the book."""
        if isinstance(node, nodes.Text):
            return plain(node.astext())
        if isinstance(node, NOTHING):
            return ""
        for kind, write in INLINES.items():
            if isinstance(node, kind):
                return write(self, node)
        logger.warning("a notebook cannot show %s", type(node).__name__, location=node)
        return ""

    def address(self, link: nodes.Element) -> str:
        """Return where a reference leads: to another site, to the published page, or nowhere."""
        target = str(link.get("refuri", ""))
        if re.match(r"[a-z]+:", target):
            return target
        return self.published(target or f"#{link.get('refid', '')}")

    def published(self, target: str) -> str:
        """Return the address of what a link of the page leads to, where the site is known."""
        return urljoin(f"{self.site.rstrip('/')}/{self.page}.html", target) if self.site else ""


def plain(text: str) -> str:
    """Write words so that Markdown shows them as they are."""
    text = re.sub(r"\s*\n\s*", " ", text)
    text = re.sub(r"([\\`*\[\]$~])", r"\\\1", text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
    return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")


def quoted_block(text: str) -> str:
    """Set a text off from the page's own."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def folded(head: str, text: str) -> str:
    """Fold a text behind its head: the blank lines let Markdown be read inside."""
    return f"<details>\n<summary>{head}</summary>\n\n{text}\n\n</details>"


def code_span(text: str) -> str:
    """Write code in a line, between as many backticks as it takes."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{'`' * (longest + 1)}{space}{text}{space}{'`' * (longest + 1)}"


def formula(text: str) -> str:
    """Write a formula in one line, since what stands before a line may not get into it."""
    return " ".join(re.sub(r"(?<!\\)%.*", "", text).split())


def _paragraph(writer: Writer, node: nodes.Element) -> str:
    return AT_START.sub(lambda found: f"{found[1] or ''}\\", writer.words(node))


def _heading(writer: Writer, node: nodes.Element) -> str:
    return f"{'#' * min(writer.level, 6)} {writer.words(node)}"


def _items(writer: Writer, node: nodes.Element) -> str:
    numbered = isinstance(node, nodes.enumerated_list)
    lines = []
    for place, item in enumerate(node.children, start=int(node.get("start", 1))):
        mark = f"{place}. " if numbered else "- "
        assert isinstance(item, nodes.Element)
        lines.append(mark + indented(writer.blocks(item.children), len(mark)))
    loose = any("\n\n" in line for line in lines)
    return ("\n\n" if loose else "\n").join(lines)


def indented(text: str, by: int) -> str:
    """Indent all lines but the first."""
    return re.sub(r"\n(?=[^\n])", "\n" + " " * by, text)


def _definitions(writer: Writer, node: nodes.Element) -> str:
    items = []
    for item in node.findall(nodes.definition_list_item):
        terms = " ".join(writer.words(n) for n in item.children if isinstance(n, nodes.term))
        meaning = [n for part in item.findall(nodes.definition) for n in part.children]
        items.append("- " + indented(f"**{terms}**\n\n{writer.blocks(meaning)}", 2))
    return "\n\n".join(items)


def _fields(writer: Writer, node: nodes.Element) -> str:
    items = []
    for name, body in (one.children for one in node.findall(nodes.field)):
        assert isinstance(name, nodes.Element)
        assert isinstance(body, nodes.Element)
        items.append("- " + indented(f"**{writer.words(name)}:** {writer.blocks(body)}", 2))
    return "\n".join(items)


def _code(writer: Writer, node: nodes.Element) -> str:
    language = str(node.get("language", ""))
    fence = "```"
    while fence in node.astext():
        fence += "`"
    return f"{fence}{LANGUAGES.get(language, language)}\n{node.astext().rstrip()}\n{fence}"


def _display(writer: Writer, node: nodes.Element) -> str:
    tag = f" \\tag{{{node['number']}}}" if node.get("number") else ""
    return f"$$ {formula(node.astext())}{tag} $$"


def _box(writer: Writer, node: nodes.Element) -> str:
    """Write a box: the name of its role and its title are its head."""
    parts = list(node.children)
    heads = []
    while parts and (
        isinstance(parts[0], nodes.title)
        or (isinstance(parts[0], nodes.paragraph) and "role-name" in parts[0]["classes"])
    ):
        heads.append(writer.words(parts.pop(0)))  # type: ignore[arg-type]
    if not heads:
        heads = [type(node).__name__.capitalize()]
    head = "**" + ": ".join(heads) + "**"
    return quoted_block(f"{head}\n\n{writer.blocks(parts)}")


def _exercise(writer: Writer, node: nodes.Element) -> str:
    title, *parts = node.children
    assert isinstance(title, nodes.Element)
    number = writer.number("exercise", node)
    heads = [str(title["title"]) % number] if number else []
    head = " ".join([*heads, writer.words(title)])
    return quoted_block(f"**{head}**\n\n{writer.blocks(parts)}")


def _fold(writer: Writer, node: nodes.Element) -> str:
    head, body = fold_parts(writer, node)
    return folded(head, writer.blocks(body))


def fold_parts(writer: Writer, node: nodes.Element) -> tuple[str, Sequence[nodes.Node]]:
    """Return the head of a dropdown, in plain words, and what stands in it."""
    titles = [part for part in node.children if isinstance(part, dropdown_title)]
    body = [part for part in node.children if not isinstance(part, dropdown_title)]
    head = " ".join("".join(words_only(title) for title in titles).split())
    return head.replace("<", "&lt;"), body


def words_only(node: nodes.Node) -> str:
    """Return the words of a node, without HTML that only decorates; formulas keep their dollars."""
    if isinstance(node, nodes.raw):
        return ""
    if isinstance(node, nodes.math):
        return f"${formula(node.astext())}$"
    if isinstance(node, nodes.Element):
        return "".join(words_only(part) for part in node.children)
    return str(node.astext())


def _table(writer: Writer, node: nodes.Element) -> str:
    heads = [row for head in node.findall(nodes.thead) for row in head.findall(nodes.row)]
    body = [row for part in node.findall(nodes.tbody) for row in part.findall(nodes.row)]
    rows = [[_cell(writer, entry) for entry in row.children] for row in [*heads[:1], *body]]
    if not heads:
        rows.insert(0, [""] * len(rows[0]))
    rows.insert(1, ["---"] * len(rows[0]))
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    titles = [part for part in node.children if isinstance(part, nodes.title)]
    return "\n\n".join([*(f"**{writer.words(title)}**" for title in titles), text])


def _cell(writer: Writer, entry: nodes.Node) -> str:
    """Write a cell of a table: no bar of its contents may end it."""
    assert isinstance(entry, nodes.Element)
    writer.in_table = True
    text = " <br> ".join(filter(None, (writer.block(part) for part in entry.children)))
    writer.in_table = False
    return text.replace("|", r"\|").replace("\n", " ")


def _math(writer: Writer, node: nodes.Element) -> str:
    """Write a formula in a line; in a table it must do without bars."""
    words = formula(node.astext())
    if writer.in_table:
        words = words.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return f"${words}$"


def _raw_block(writer: Writer, node: nodes.Element) -> str:
    return "" if "page-only" in node["classes"] else _raw(writer, node).strip()


def _raw(writer: Writer, node: nodes.Element) -> str:
    """Write HTML; its links lead to the published pages or, where no site is known, nowhere."""
    html = LINK.sub(lambda m: m[1] + (urljoin(writer.published("x"), m[2])), node.astext())
    return html if writer.site else re.sub(r"</?a\b[^>]*>", "", html)


def _reference(writer: Writer, node: nodes.Element) -> str:
    words, address = writer.words(node), writer.address(node)
    if not address or not words:
        return f"\u201c{words}\u201d" if node.astext() in writer.titles else words
    return f"<{address}>" if words == plain(address) else f"[{words}]({address})"


def _wrapped(mark: str) -> Callable[[Writer, nodes.Element], str]:
    def write(writer: Writer, node: nodes.Element) -> str:
        words = writer.words(node)
        return f"{mark}{words}{mark}" if words else ""

    return write


def _image(writer: Writer, node: nodes.Element) -> str:
    """Write the picture's words: a notebook is one file and draws its figures itself."""
    return f"*{plain(str(node.get('alt', '')))}*" if node.get("alt") else ""


def _citation(writer: Writer, node: nodes.Element) -> str:
    return "- " + indented(writer.blocks(node.children[1:]), 2)


def _all(writer: Writer, node: nodes.Element) -> str:
    return writer.blocks(node.children)


BLOCKS: dict[type, Callable[[Writer, nodes.Element], str]] = {
    nodes.title: _heading,
    EXERCISES[0]: _exercise,
    EXERCISES[1]: _exercise,
    nodes.Admonition: _box,
    nodes.bullet_list: _items,
    nodes.enumerated_list: _items,
    nodes.definition_list: _definitions,
    nodes.field_list: _fields,
    nodes.literal_block: _code,
    nodes.math_block: _display,
    nodes.table: _table,
    nodes.block_quote: lambda writer, node: quoted_block(_all(writer, node)),
    nodes.citation: _citation,
    nodes.rubric: _wrapped("**"),
    nodes.transition: lambda writer, node: "---",
    nodes.raw: _raw_block,
    nodes.image: _image,
    dropdown_main: _fold,
    look: lambda writer, node: folded("Look", _all(writer, node)),
    nodes.figure: _all,
    nodes.caption: _paragraph,
    nodes.container: _all,
    nodes.paragraph: _paragraph,
    nodes.compound: _all,
    nodes.topic: _all,
    nodes.legend: _all,
    addnodes.glossary: _all,
    nodes.section: _all,
    nodes.line_block: _all,
    nodes.line: _paragraph,
}
INLINES: dict[type, Callable[[Writer, nodes.Element], str]] = {
    nodes.literal: lambda writer, node: code_span(node.astext()),
    nodes.math: _math,
    nodes.reference: _reference,
    nodes.strong: _wrapped("**"),
    nodes.emphasis: _wrapped("*"),
    nodes.title_reference: _wrapped("*"),
    nodes.subscript: lambda writer, node: f"<sub>{writer.words(node)}</sub>",
    nodes.superscript: lambda writer, node: f"<sup>{writer.words(node)}</sup>",
    nodes.raw: _raw,
    nodes.inline: lambda writer, node: "".join(writer.inline(part) for part in node.children),
    nodes.image: _image,
}
