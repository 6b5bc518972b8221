"""The helpers of the package as a page: what each is called with, what it does, where it stands.

``{helper-api} data`` lists the modules of a folder, ``{helper-api} device`` one module. All is read
from the source files; nothing is imported.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from definebyrun.book.freshness import PACKAGE, modules_of
from definebyrun.book.sources import in_words, plain_words, source_link

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class HelperApi(SphinxDirective):
    """``{helper-api} data``: the public functions and classes of a folder or module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw a list for each module."""
        asked = f"{PACKAGE.name}.{self.arguments[0].replace('/', '.')}"
        drawn: list[nodes.Node] = []
        for module, file in sorted(modules_of(PACKAGE).items()):
            if module == asked or module.startswith(f"{asked}."):
                self.env.note_dependency(str(file))
                drawn += draw_module(module, file)
        if not drawn:
            raise self.error(f"no module of {PACKAGE.name} is called {self.arguments[0]!r}")
        return drawn


def draw_module(module: str, file: Path) -> Iterator[nodes.Node]:
    """Draw what a module is for and a list of its public parts; nothing where it has none."""
    tree = ast.parse(file.read_text("utf8"))
    parts = public(tree)
    if not parts:
        return
    head = nodes.paragraph("", "", nodes.literal("", module), classes=["api-module"])
    head += [nodes.Text(" "), *in_words(first_paragraph(tree))]
    yield head
    # "given": what stands here is from no run, so that numbers in it are not looked for there
    box = nodes.definition_list(classes=["helper-api", "given"])
    for part in parts:
        name = f"{module.removeprefix(PACKAGE.name + '.')}.{part.name}"
        term = nodes.term(
            "", "", nodes.literal("", signature(part)), ids=[f"api-{name.replace('.', '-')}"]
        )
        place = source_link(
            "",
            module=module,
            name=part.name,
            first=part.lineno,
            last=part.end_lineno or part.lineno,
        )
        about = nodes.paragraph("", "", *in_words(first_paragraph(part)))
        box += nodes.definition_list_item("", term, nodes.definition("", about, place))
    yield box


def public(tree: ast.Module) -> list[Documented]:
    """Return the functions and classes of a module that are documented and meant for others."""
    return [
        node
        for node in tree.body
        if isinstance(node, Documented)
        and not node.name.startswith("_")
        and ast.get_docstring(node)
    ]


def signature(node: Documented) -> str:
    """Return how a function is called and what it returns, or how a class is made."""
    if not isinstance(node, ast.ClassDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({ast.unparse(node.args)}){returns}"
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            taken = ast.unparse(part.args).partition("self")[2].removeprefix(", ")
            return f"{node.name}({taken})"
    fields = [ast.unparse(part) for part in node.body if isinstance(part, ast.AnnAssign)]
    return f"{node.name}({', '.join(fields)})" if fields else node.name


def first_paragraph(node: ast.Module | Documented) -> str:
    """Return the first paragraph of a docstring on one line, its roles as plain names."""
    return plain_words(" ".join((ast.get_docstring(node) or "").split("\n\n")[0].split()))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the directive to Sphinx."""
    app.add_directive("helper-api", HelperApi)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
