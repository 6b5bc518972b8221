"""Boxes with a role of their own, and the answer that stays folded until the reader has guessed.

``{predict}`` asks; what stands between ``{look-start}`` and ``{look-end}``, cells and claims
included, answers; ``{pitfall}`` warns; ``{definition}`` says what a word means.
"""

from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

_ = get_translation("definebyrun")
logger = logging.getLogger(__name__)


class look(nodes.General, nodes.Element):
    """What is folded until the reader looks."""


class look_start(nodes.Invisible, nodes.Element):
    """Where the folded part begins."""


class look_end(nodes.Invisible, nodes.Element):
    """Where it ends."""


class Role(SphinxDirective):
    """A box that begins with the name of its role, and may have a title."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    role: ClassVar[str]

    def name_of_role(self) -> str:
        """Return what stands above the box."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Draw the box."""
        self.assert_has_content()
        box = nodes.admonition(classes=["role", self.role])
        box += nodes.paragraph("", self.name_of_role(), classes=["role-name"], translatable=False)
        if self.arguments:
            words, messages = self.state.inline_text(self.arguments[0], self.lineno)
            box += [nodes.title(self.arguments[0], "", *words), *messages]
        self.set_source_info(box)
        for part in box:
            self.set_source_info(part)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class Predict(Role):
    """``{predict}``: a question to answer before the output is seen."""

    role = "predict"

    def name_of_role(self) -> str:
        """Return what stands above the box."""
        return _("Predict, then look")


class Pitfall(Role):
    """``{pitfall} Title``: what usually goes wrong."""

    role = "pitfall"

    def name_of_role(self) -> str:
        """Return what stands above the box."""
        return _("What usually goes wrong here")


class Definition(Role):
    """``{definition} Word``: what a word means from here on."""

    role = "definition"

    def name_of_role(self) -> str:
        """Return what stands above the box."""
        return _("Definition")


class LookStart(SphinxDirective):
    """``{look-start}``: what follows is folded."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Leave a mark."""
        mark = look_start()
        self.set_source_info(mark)
        return [mark]


class LookEnd(SphinxDirective):
    """``{look-end}``: the end of what is folded."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Leave a mark."""
        mark = look_end()
        self.set_source_info(mark)
        return [mark]


class FoldLooks(SphinxTransform):
    """Puts what stands between two marks into one fold."""

    default_priority = 9  # before the solutions of exercises are put together

    def apply(self, **kwargs: Any) -> None:
        """Fold each pair of marks; a mark without its partner is a defect of the page."""
        for start in list(self.document.findall(look_start)):
            parent, first = start.parent, start.parent.index(start)
            last = first + 1
            while last < len(parent) and not isinstance(parent[last], look_start | look_end):
                last += 1
            if last == len(parent) or isinstance(parent[last], look_start):
                logger.warning("look-start without a look-end in its section", location=start)
                continue
            fold = look("", *parent[first + 1 : last])
            fold.source, fold.line = start.source, start.line
            parent[first : last + 1] = [fold]
        for end in list(self.document.findall(look_end)):
            logger.warning("look-end without a look-start in its section", location=end)


def visit_look(translator: HTML5Translator, node: look) -> None:
    """Open the fold."""
    summary = f"<summary>{translator.encode(_('Look'))}</summary>"
    translator.body.append(translator.starttag(node, "details", CLASS="look"))
    translator.body.append(f'{summary}<div class="look-body">')


def depart_look(translator: HTML5Translator, node: look) -> None:
    """Close the fold."""
    translator.body.append("</div></details>")


def nothing(translator: Any, node: nodes.Element) -> None:
    """Draw nothing."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.add_node(look, html=(visit_look, depart_look))
    app.add_node(look_start, html=(nothing, nothing))
    app.add_node(look_end, html=(nothing, nothing))
    app.add_directive("predict", Predict)
    app.add_directive("pitfall", Pitfall)
    app.add_directive("definition", Definition)
    app.add_directive("look-start", LookStart)
    app.add_directive("look-end", LookEnd)
    app.add_transform(FoldLooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
