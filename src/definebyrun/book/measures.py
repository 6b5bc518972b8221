"""How much a page asks of its reader: words, cells, lines that are too long, minutes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from docutils import nodes
from sphinx.environment import BuildEnvironment
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node

from definebyrun.book.cells import code_cells, machinery_calls, shown_input

COLUMNS = 76  # of a line of code
EXERCISES = (exercise_node, exercise_enumerable_node, solution_node)


@dataclass
class Measure:
    """What a page asks of its reader, exercises apart."""

    words: int = 0
    cells: int = 0  # whose code is in sight
    calls: int = 0  # of the machinery, in code that is shown
    wide: int = 0  # lines of code of more than COLUMNS columns
    source: int = 0  # lines of the longest source shown
    says: str = ""  # the page in a line

    @property
    def minutes(self) -> int:
        """How long an unhurried reader needs: 200 words a minute, half a minute a cell."""
        return max(1, round(self.words / 200 + self.cells / 2))


def measures(env: BuildEnvironment) -> dict[str, Measure]:
    """Return the measures of the pages by name, kept in Sphinx's environment."""
    if not hasattr(env, "definebyrun_measures"):
        env.definebyrun_measures = {}  # type: ignore[attr-defined]
    kept: dict[str, Measure] = env.definebyrun_measures  # type: ignore[attr-defined]
    return kept


def measure(doctree: nodes.document) -> Measure:
    """Measure a page."""
    found = Measure(words=sum(len(text.split()) for text in read_texts(doctree)))
    for cell in code_cells(doctree):
        code = shown_input(cell)
        found.calls += machinery_calls(code)
        found.wide += sum(len(line) > COLUMNS for line in code.splitlines())
        found.cells += bool(code) and not cell.get("hide_mode") and not _apart(cell)
    for box in doctree.findall(nodes.container):
        if "source" in box["classes"]:
            code = next(iter(box.findall(nodes.literal_block))).astext()
            found.source = max(found.source, len(code.splitlines()))
    return found


def read_texts(doctree: nodes.document) -> Iterator[str]:
    """Yield the texts of a page that are read as prose, a formula as one word."""
    for node in doctree.findall(lambda n: isinstance(n, nodes.Text | nodes.math)):
        skipped = (nodes.literal_block, nodes.comment, nodes.raw, nodes.math_block)
        around = node.parent
        while around is not None:
            if isinstance(around, skipped) or _output(around):
                break
            around = None if isinstance(around, nodes.caption) else around.parent
        else:
            if not _apart(node) and not isinstance(node.parent, nodes.math):
                yield "x" if isinstance(node, nodes.math) else node.astext()


def _output(node: nodes.Element) -> bool:
    return "claim-behind" in node.get("classes", []) or node.get("nb_element") in (
        "cell_code_source",
        "cell_code_output",
    )


def _apart(node: nodes.Node) -> bool:
    """Tell whether a node belongs to an exercise or stands among the exercises."""
    around = node.parent
    while around is not None:
        if isinstance(around, EXERCISES) or "exercises" in around.get("ids", []):
            return True
        around = around.parent
    return False


def first_sentence(doctree: nodes.document) -> str:
    """Return the first sentence of a page."""
    texts = [p.astext() for p in doctree.findall(nodes.paragraph) if _is_body(p)]
    return re.split(r"(?<=[.?!])\s", texts[0].replace("\n", " "))[0] if texts else ""


def _is_body(paragraph: nodes.paragraph) -> bool:
    return isinstance(paragraph.parent, nodes.section)
