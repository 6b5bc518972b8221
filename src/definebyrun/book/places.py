"""Places of a page that have an address of their own: code cells and exercises.

Claims and headings bring theirs. An address is made of words of the place itself, so it stays when
something else is put in before it.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import is_exercise_node

from definebyrun.book.cells import code_cells, shown_input
from definebyrun.book.folds import nothing

_ = get_translation("definebyrun")

NAMELESS = ("exercise-content", "solution-content")  # ids that sphinx-exercise gives to many
WORDS = 6  # of its first line that name a cell


class place_link(nodes.General, nodes.Element):
    """A quiet link to the place that it stands in, for who points with a mouse.

    The Tab key passes it by: with one for each cell, a page would be a walk of fifty more stops.
    """


class NamePlaces(SphinxPostTransform):
    """Gives cells and exercises an address and a link to it, and takes doubled addresses away."""

    default_priority = 201  # when cells are folded and exercises have their titles
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Go through one page."""
        for part in self.document.findall(nodes.section):
            part["ids"] = [name for name in part["ids"] if name not in NAMELESS]
        taken = {name for node in self.document.findall(nodes.Element) for name in node["ids"]}
        for cell in code_cells(self.document):
            code = shown_input(cell) or _folded_input(cell)
            if code:
                name = _free(cell_name(code), taken)
                cell["ids"].append(name)
                cell.insert(0, place_link(refid=name, says=_("Link to this code")))
        for exercise in self.document.findall(is_exercise_node):
            if exercise["ids"] and isinstance(exercise[0], nodes.title):
                says = _("Link to this exercise")
                exercise[0] += place_link(refid=exercise["ids"][0], says=says)


def cell_name(code: str) -> str:
    """Return the address of a cell: the words of its first line that says something."""
    lines = [line.strip() for line in code.splitlines()]
    said = [line for line in lines if line and not line.startswith(("#", "import ", "from "))]
    first = (said or [line for line in lines if line] or [""])[0]
    words = re.findall(r"[A-Za-z0-9]+", first)[:WORDS]
    return "cell-" + ("-".join(words).lower() or "code")


def _folded_input(cell: nodes.container) -> str:
    """Return the code of a cell whose input is folded."""
    blocks = [
        part
        for part in cell.findall(nodes.container)
        if part.get("nb_element") == "cell_code_source"
    ]
    return str(blocks[0].astext()) if blocks else ""


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number behind it if it is taken, and take it."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}-{count}"
    taken.add(free)
    return free


def visit_place(translator: HTML5Translator, node: place_link) -> None:
    """Draw the link; what it says shows where a mouse rests on it."""
    says = translator.encode(node["says"])
    translator.body.append(
        f'<a class="place-link" href="#{node["refid"]}" title="{says}" tabindex="-1" '
        'aria-hidden="true">#</a>'
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.add_node(place_link, html=(visit_place, nothing))
    app.add_post_transform(NamePlaces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
