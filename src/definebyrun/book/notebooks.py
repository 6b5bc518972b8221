"""Each page as a notebook: plain Markdown and its own code cells, beside the pages of the site.

A notebook is made of the page as it is about to be written, when everything in it is resolved. Its
code is the chapter's, cell by cell, so it runs what the build ran; it stores no output, since the
book asks its reader to guess before looking. What a page folds, the notebook folds.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from pybtex_docutils import Backend
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.locale import get_translation
from sphinx_design.dropdown import dropdown_main

from definebyrun.book.cells import cell_place, claims, recorded, visible
from definebyrun.book.faults import EXERCISES
from definebyrun.book.folds import look
from definebyrun.book.freshness import COLAB, imported, reached
from definebyrun.book.markdown import Writer, fold_parts, folded, plain

_ = get_translation("definebyrun")

HERE = Path(__file__).parent
FOLDER = "notebooks"  # of the site
BARE = "without-solutions"  # the teacher's variant, a folder in it
IMPORTS = {"sklearn": "scikit-learn"}  # what is installed under another name than it is imported
BEHIND = {"torch.onnx": "onnxscript"}  # what PyTorch imports when it is used
GITHUB = "https://github.com/"
COLLAPSED = {"cellView": "form", "jupyter": {"source_hidden": True}}  # in Colab, in Jupyter


@dataclass
class Fold:
    """What the following cells are folded behind."""

    head: str
    solution: bool


@dataclass
class Cells:
    """The cells of a notebook, as they are put together.

    Args:
        writer: what writes Markdown.
        code: the code cells of the page, in order.
    """

    writer: Writer
    code: list[Any]
    done: list[Any] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    fold: Fold | None = None
    placed: int = 0  # how many of the code cells stand in the notebook

    def walk(self, found: Iterable[nodes.Node]) -> None:
        """Turn these nodes into cells."""
        for node in found:
            self._take(node)

    def _take(self, node: nodes.Node) -> None:
        if isinstance(node, claims | recorded) or _is_source(node):
            return  # these are outputs, which the notebook makes when it runs
        if isinstance(node, nodes.section):
            self.flush()
            self.writer.level += 1
            self.walk(node.children)
            self.writer.level -= 1
        elif isinstance(node, cell_place):
            self._run(node["index"])
        elif isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            self._run(node["cell_index"], node)
        elif isinstance(node, look):
            self._folded(Fold(_("Look"), bool(self.fold and self.fold.solution)), node.children)
        elif isinstance(node, dropdown_main) and ("solution" in node["classes"] or _has_code(node)):
            head, body = fold_parts(self.writer, node)
            solution = "solution" in node["classes"]
            if solution and _has_code(node):
                self._add(new_code_cell(f"# {_('Your answer')}\n"))
            self._folded(Fold(head, solution), body)
        elif _has_code(node):
            assert isinstance(node, nodes.Element)
            self.walk(node.children)
        else:
            own = isinstance(node, EXERCISES)
            if own:
                self.flush()
            self.texts.append(self.writer.block(node))

    def _folded(self, fold: Fold, found: Iterable[nodes.Node]) -> None:
        self.flush()
        outer, self.fold = self.fold, fold
        self.walk(found)
        self.flush()
        self.fold = outer

    def _run(self, index: int, cell: nodes.Element | None = None) -> None:
        """Add a code cell, after those before it that leave no trace in the page."""
        while self.placed < len(self.code) and self.code[self.placed]["index"] <= index:
            self._add(self._code_cell(self.code[self.placed], cell))
            self.placed += 1
        if cell is not None:
            self.texts += self._captions(cell)

    def _code_cell(self, kept: dict[str, Any], cell: nodes.Element | None) -> Any:
        source, tags = kept["source"], kept["tags"]
        shown = cell if cell is not None and cell["cell_index"] == kept["index"] else None
        head = ""
        if self.fold and self.fold.solution:
            head = self.fold.head
        elif not visible(source, tags) or {"remove-input", "remove-cell"} & set(tags):
            head = _("What checks the text")
        elif shown is not None and shown.get("prompt_show"):
            head = shown["prompt_show"]
        meta: dict[str, Any] = {"tags": tags} if tags else {}
        if head and not source.startswith("%%"):
            source = f"# @title {head}\n{source}"
            meta |= deepcopy(COLLAPSED)
        return new_code_cell(source, metadata=meta)

    def _captions(self, cell: nodes.Element) -> Iterator[str]:
        """Yield what stands below a figure: its number, its caption, and the figure in words."""
        for figure in cell.findall(nodes.figure):
            number = self.writer.number("figure", figure)
            for caption in figure.findall(nodes.caption):
                head = f"**{_('Fig. %s') % number}** " if number else ""
                yield f"{head}{self.writer.words(caption)}"
            for image in list(figure.findall(nodes.image))[:1]:
                yield folded(_("The figure in words"), self.writer.words(_alt(image)))

    def flush(self) -> None:
        """End a cell of text."""
        text = "\n\n".join(filter(None, self.texts))
        self.texts = []
        if text:
            fold = self.fold
            self._put(new_markdown_cell(folded(fold.head, text) if fold else text))

    def end(self, text: str) -> None:
        """Add the code cells after the last that the page shows, and a text."""
        self._run(len(self.code) and self.code[-1]["index"])
        self.texts.append(text)
        self.flush()

    def _add(self, cell: Any) -> None:
        self.flush()
        self._put(cell)

    def _put(self, cell: Any) -> None:
        cell["id"] = f"cell-{len(self.done) + 1}"
        if self.fold and self.fold.solution:
            cell.metadata["definebyrun"] = "solution"
        self.done.append(cell)


def _alt(image: nodes.Element) -> nodes.Element:
    return nodes.paragraph("", image.get("alt", ""))


def _is_source(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and "source" in node["classes"]


def _has_code(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Element):
        return False
    inside = node.findall(nodes.Element)
    return any(isinstance(n, cell_place) or n.get("nb_element") == "cell_code" for n in inside)


def needs(sources: Iterable[str], extras: Iterable[str]) -> list[str]:
    """Return what of the package's extras these code cells use, they or what they reach.

    Args:
        sources: the code cells of a page.
        extras: the requirements of the package's extras, as ``lightning>=2.6``.
    """
    texts = [*sources]
    texts += [file.read_text("utf8") for file in reached(imported(texts)) if file.suffix == ".py"]
    found = {
        name.partition(".")[0]
        for text in texts
        for name in re.findall(r"^\s*(?:import|from)\s+([\w.]+)", text, re.MULTILINE)
    }
    names = {IMPORTS.get(name, name) for name in found}
    names |= {name for use, name in BEHIND.items() if any(use in text for text in texts)}
    return [extra for extra in extras if Requirement(extra).name in names]


def extras() -> list[str]:
    """Return what chapters use beyond the package's own requirements."""
    found = map(Requirement, metadata.requires("definebyrun") or [])
    return sorted(
        f"{one.name}{one.specifier}" for one in found if 'extra == "chapters"' in str(one)
    )


def set_up_cell(package: str, needed: list[str]) -> Any:
    """Return the cell that installs what is missing.

    Args:
        package: what pip is told to install for the package of the book, or nothing.
        needed: what else the page uses.
    """
    source = (HERE / "templates" / "set_up.py").read_text("utf8")
    source = source.replace('PACKAGE = ""', f'PACKAGE = "{package}"')
    source = source.replace("NEEDS: list[str] = []", f"NEEDS: list[str] = {needed!r}")
    cell = new_code_cell(source.strip(), metadata=deepcopy(COLLAPSED), id="set-up")
    cell.metadata["tags"] = ["set-up"]
    return cell


def references(app: Sphinx, page: str, writer: Writer) -> str:
    """Return the works that a page cites, in the order of their authors' names, as Markdown."""
    domain: Any = app.env.get_domain("cite")
    refs = [ref for ref in domain.citation_refs if ref.docname == page]
    keys = {target.key for ref in refs for target in ref.targets}
    cited = [one.formatted_entry for one in domain.citations if one.key in keys]
    entries = [nodes.paragraph("", "", *one.text.render(Backend())) for one in cited]
    if not entries:
        return ""
    return "\n".join([f"## {_('References')}\n", *(f"- {writer.block(one)}" for one in entries)])


def write(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the notebook of a page that is about to be written, and the one without solutions."""
    if app.builder.format != "html":
        return
    site = app.config.html_baseurl
    standard: Any = app.env.get_domain("std")
    titles = {name for _page, _id, name in standard.labels.values()}
    writer = Writer(docname, site, app.env.toc_fignumbers.get(docname, {}), titles, level=0)
    code = _code_of(app, docname)
    cells = Cells(writer, code)
    cells.walk(doctree.children)
    cells.end(references(app, docname, writer))
    if code:
        needed = needs([one["source"] for one in code], extras())
        about = new_markdown_cell(_about(app, writer), id="about")
        cells.done[1:1] = [about, set_up_cell(_package(app), needed)]
    for folder, leave_out in ((FOLDER, False), (f"{FOLDER}/{BARE}", True)):
        kept = [c for c in cells.done if not (leave_out and "definebyrun" in c.metadata)]
        _save(Path(app.outdir, folder, f"{Path(docname).name}.ipynb"), kept)


def _save(path: Path, cells: list[Any]) -> None:
    cells = deepcopy(cells)
    for cell in cells:
        cell.metadata.pop("definebyrun", None)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    notebook.metadata["language_info"] = {"name": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _code_of(app: Sphinx, docname: str) -> list[dict[str, Any]]:
    """Return the code cells of a page as the build ran them, with their place among all cells."""
    path = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
    if not app.env.nb_metadata.get(docname, {}).get("exec_data"):  # type: ignore[attr-defined]
        return []
    notebook = nbformat.read(path, as_version=4)
    return [
        {"index": index, "source": cell.source, "tags": list(cell.metadata.get("tags") or [])}
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    ]


def _about(app: Sphinx, writer: Writer) -> str:
    """Return what a reader of the notebook should know of where it comes from."""
    title = f"*{plain(app.config.html_title)}*"
    address = writer.published("")
    if address:
        title = f"[{title}]({address})"
    about = _(
        "This notebook is a page of %(book)s. The numbers in its sentences come from a run on "
        "%(device)s; where chance or speed plays a part, your own run may give others."
    )
    return about % {"book": title, "device": app.config.definebyrun_device}


def _package(app: Sphinx) -> str:
    """Return what pip is told to install: the package at the commit of the checkout, if known."""
    repository = app.config.html_theme_options.get("repository_url", "")
    commit = _commit(Path(app.srcdir))
    return f"definebyrun @ git+{repository}@{commit}" if repository and commit else ""


def _commit(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link a chapter to its notebook, under its title, and each page on the map of the book."""
    if app.builder.format != "html":
        return
    for line in doctree.findall(nodes.field_list):
        if "chapter-line" in line["classes"] and _code_of(app, docname):
            words = nodes.raw("", _links(app, docname, docname), format="html")
            body = nodes.field_body("", nodes.paragraph("", "", words))
            line += nodes.field("", nodes.field_name("", _("Notebook")), body)
    for box in doctree.findall(nodes.container):
        if "book-map" in box["classes"]:
            words = nodes.raw("", _links(app, docname, docname), format="html")
            box.insert(0, nodes.paragraph("", "", words, classes=["notebook-links"]))


def _links(app: Sphinx, docname: str, page: str) -> str:
    """Return the links of a page to a notebook: to open it in Colab, if it can, and to keep it.

    Args:
        app: the build.
        docname: the page that holds the links.
        page: the page whose notebook it is.
    """
    name = f"{Path(page).name}.ipynb"
    up = "../" * docname.count("/")
    found = [f'<a href="{up}{FOLDER}/{name}" download>{_("Download the notebook")}</a>']
    repository = str(app.config.html_theme_options.get("repository_url", ""))
    branch = app.config.definebyrun_colab
    if repository.startswith(GITHUB) and branch:
        path = escape(f"{repository.removeprefix(GITHUB)}/blob/{branch}/{name}")
        address = f"https://colab.research.google.com/github/{path}"
        found.insert(0, f'<a href="{address}">{_("Open in Colab")}</a>')
    return '<span aria-hidden="true"> \u00b7 </span>'.join(found)


def configure(app: Sphinx, config: Config) -> None:
    """Learn where the notebooks are published."""
    config["definebyrun_colab"] = os.environ.get(COLAB, "")


def remove_others(app: Sphinx, exception: Exception | None) -> None:
    """Remove the notebooks of pages that are gone."""
    if exception is not None or app.builder.format != "html":
        return
    names = {f"{Path(name).name}.ipynb" for name in app.env.found_docs}
    for path in Path(app.outdir, FOLDER).rglob("*.ipynb"):
        if path.name not in names:
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the events of a build."""
    app.add_config_value("definebyrun_colab", "", "html")  # a change writes every page again
    app.connect("config-inited", configure)
    app.connect("doctree-resolved", write, priority=900)
    app.connect("doctree-resolved", link, priority=901)
    app.connect("build-finished", remove_others)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
