"""The code cells in the source of a page: each one must run, at whatever depth it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

FENCE = re.compile(
    r"^(?:%\s*)?[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*(?P<mark>`{3,}|~{3,}|:{3,})\s*(?P<info>[^`]*)$"
)
SKETCH = re.compile(  # a block of Python that is only shown
    r"^(?:`{3,}|~{3,}|:{3,})\s*(?:python|\{code-block\})[^\n]*\n(.*?)^(?:`{3,}|~{3,}|:{3,})",
    re.MULTILINE | re.DOTALL,
)
TAGS = {
    "check",  # a cell that only computes what a claim needs
    "hide-input",
    "hide-output",
    "hide-cell",
    "remove-input",
    "remove-output",
    "remove-cell",
    "raises-exception",
}
HIDING = {"hide-output", "hide-cell", "remove-output", "remove-cell"}
OPTIONS = {"tags", "mystnb"}
SWITCHES = ("mystnb", "execution_mode", "nb_execution")  # front matter that changes what runs


@dataclass(frozen=True)
class Cell:
    """A code cell in the source of a page."""

    line: int
    code: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Fence:
    """An opened fence: its line, its marks and what it says."""

    line: int
    mark: str
    info: str

    @property
    def literal(self) -> bool:
        """Whether what stands inside is not read as Markdown."""
        return not self.info.startswith("{") or bool(
            re.match(r"\{code|\{literal|\{math", self.info)
        )


def read_cells(text: str, extensions: list[str]) -> tuple[list[Cell], list[str]]:
    """Read the cells that will run from the source of a page, and name those that will not.

    Args:
        text: the source of a page.
        extensions: the extensions of MyST that the book uses.

    Returns:
        The cells in order, and the faults; a page with faults and no cells cannot be read.
    """
    fences, faults = _fences(text)
    faults += _gate_faults(fences)
    if faults:
        return [], faults
    try:
        notebook = read_myst_markdown_notebook(
            text, MdParserConfig(enable_extensions=set(extensions)), add_source_map=True
        )
    except Exception as error:  # of YAML, of MyST, of a file to load: all say what is wrong
        return [], [f"cannot be read: {_one_line(error)}"]
    cells = []
    for cell, line in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        if cell.cell_type == "code":
            faults += _option_faults(cell.metadata, line)
            tags = cell.metadata.get("tags") or []
            cells.append(Cell(line, cell.source, tuple(tags) if isinstance(tags, list) else ()))
    front = {key for key in notebook.metadata if str(key).startswith(SWITCHES)}
    faults += [f"sets {key!r} in its front matter, which changes what runs" for key in front]
    if any("claim(" in block for block in SKETCH.findall(text)):
        faults.append("shows a claim in a block that does not run; make it a code cell")
    run = {cell.line for cell in cells}
    for fence in fences:
        if fence.info.startswith(("{code-cell}", "{raw-cell}")) and fence.line not in run:
            faults.append(
                f"has a code cell in line {fence.line} that does not run; a cell stands alone at "
                "the margin, between ``` and ```, in no list, box, dropdown or comment"
            )
    return cells, faults


def _fences(text: str) -> tuple[list[Fence], list[str]]:
    """Follow the fences of a page as they nest, and name those that are never closed."""
    found: list[Fence] = []
    open_fences: list[Fence] = []
    unclosed: list[Fence] = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = FENCE.match(line)
        if not match:
            continue
        mark, info = match["mark"], match["info"].strip()
        if info.startswith("-->"):
            info = ""
        closes = [
            place
            for place, fence in enumerate(open_fences)
            if not info and mark[0] == fence.mark[0] and len(mark) >= len(fence.mark)
        ]
        if closes:
            unclosed += open_fences[closes[0] + 1 :]
            del open_fences[closes[0] :]
        elif open_fences and open_fences[-1].literal:
            if info.startswith("{") and len(mark) >= len(open_fences[-1].mark):
                unclosed.append(open_fences.pop())  # another one opens where it should have ended
                open_fences.append(Fence(number, mark, info))
        elif info or mark[0] != ":":
            open_fences.append(Fence(number, mark, info))
            found.append(open_fences[-1])
    names = [(fence.line, f"{fence.mark}{fence.info}"[:40]) for fence in unclosed + open_fences]
    faults = [f"opens {words!r} in line {line} and never closes it" for line, words in names[:1]]
    return found, faults


def _gate_faults(fences: list[Fence]) -> Iterator[str]:
    """Name the parts that begin with ``{name-start}`` and do not end with ``{name-end}``."""
    opened: dict[str, int] = {}
    for fence in fences:
        match = re.match(r"\{([\w-]+)-(start|end)\}", fence.info)
        if match and match[2] == "start":
            if match[1] in opened:
                yield _unended(match[1], opened[match[1]])
            opened[match[1]] = fence.line
        elif match and opened.pop(match[1], None) is None:
            yield f"has {{{match[1]}-end}} in line {fence.line} without {{{match[1]}-start}} before"
    yield from (_unended(name, line) for name, line in opened.items())


def _unended(name: str, line: int) -> str:
    return f"has {{{name}-start}} in line {line} and no {{{name}-end}} after it"


def _option_faults(options: dict[str, Any], line: int) -> Iterator[str]:
    """Name what a cell is told that the book does not know."""
    where = f"in the cell of line {line}"
    for key in options.keys() - OPTIONS:
        yield f"has an option {key!r} {where}; known are {', '.join(sorted(OPTIONS))}"
    tags = options.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        yield f"has tags {tags!r} {where}; expected a list, [hide-input]"
        return
    named = [tag for tag in tags if tag.startswith("raises-") and tag != "raises-exception"]
    for tag in set(tags) - TAGS - set(named):
        yield f"has a tag {tag!r} {where}; known are {', '.join(sorted(TAGS))}"
    if ("raises-exception" in tags) != (len(named) == 1):
        yield (
            f"does not name the one error that is meant {where}; expected "
            "[raises-exception, raises-RuntimeError] or its like"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
