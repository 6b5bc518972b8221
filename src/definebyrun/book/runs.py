"""What the build learns from the run of a chapter: its values, claims, outputs and faults."""

import ast
import builtins
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from sphinx.environment import BuildEnvironment

from definebyrun.book.notebook import MIME


@dataclass
class Run:
    """The record of one executed chapter."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)  # modules whose source the chapter shows
    cells: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Page:
    """What the build keeps of one page from one build to the next."""

    run: Run
    faults: list[str]
    quotes: list[tuple[str, str, str]]  # page, name, format
    by_hand: set[str]
    is_chapter: bool
    has_report: bool
    shown: object = None  # what the page showed of other pages when it was last written


def pages(env: BuildEnvironment) -> dict[str, Page]:
    """Return the pages by name, kept in Sphinx's environment."""
    if not hasattr(env, "definebyrun_pages"):
        env.definebyrun_pages = {}  # type: ignore[attr-defined]
    kept: dict[str, Page] = env.definebyrun_pages  # type: ignore[attr-defined]
    return kept


def read_run(notebook: Path, cache: Path) -> Run:
    """Read the run of a notebook, which MyST-NB leaves beside the pages, from the cache of runs."""
    run = Run()
    sources = []
    chapter = nbformat.read(notebook, as_version=4)
    _record, executed = get_cache(cache).merge_match_into_notebook(chapter)
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        sources.append(cell.source)
        run.cells += 1
        for output in cell.outputs:
            _read_output(run, output)
    run.faults += constant_claims(sources)
    return run


def _read_output(run: Run, output: Any) -> None:
    if output.output_type == "stream":
        if output.name == "stderr":
            run.faults.append(f"writes to stderr: {output.text.strip().splitlines()[0]!r}")
        else:
            run.printed.append(output.text)
        return
    data = output.get("data", {})
    if MIME not in data:
        # an image's text is only "<Figure size ...>"; a Markdown table stands in its own type
        words = data.get("text/markdown", data.get("text/plain", ""))
        if not any(kind.startswith("image/") for kind in data):
            run.printed.append(words)
        return
    record = data[MIME]
    if record["kind"] == "fact":
        if record["name"] in run.facts:
            run.faults.append(f"records {record['name']!r} twice")
        run.facts[record["name"]] = {"value": record["value"], "varies": record["varies"]}
    elif record["kind"] == "claim":
        claim = {key: record[key] for key in ("claim", "holds")}
        run.claims.append(claim | {"values": dict(record["values"])})  # pairs: JSON would sort
    else:
        run.sources.add(record["module"])


def constant_claims(sources: list[str]) -> list[str]:
    """Name the claims in these code cells whose condition no run can change.

    A condition is constant when it is built from literals, from names that the cells bind to
    nothing but such constants, or compares an expression with itself.
    """
    trees = []
    for source in sources:
        try:
            trees.append(ast.parse(source))
        except SyntaxError:  # a cell that shows a syntax error, or an IPython magic
            continue
    bound = _bindings(trees)
    faults = []
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
                named = {keyword.arg: keyword.value for keyword in node.keywords}
                sentence = ast.unparse(node.args[0]) if node.args else "?"
                if len(node.args) > 2:
                    sides = node.args[1::2]
                    for left, right in itertools.pairwise(sides):
                        same = ast.dump(_named(left, bound)) == ast.dump(_named(right, bound))
                        if same or all(_is_constant(s, bound, frozenset()) for s in (left, right)):
                            words = f"{ast.unparse(left)!r} with {ast.unparse(right)!r}"
                            faults.append(
                                f"claims {sentence} and compares {words}, no run's result"
                            )
                    continue
                condition = node.args[1] if len(node.args) > 1 else named.get("condition")
                if condition is not None and _is_constant(condition, bound, frozenset()):
                    faults.append(
                        f"claims {sentence} on the constant condition {ast.unparse(condition)!r}"
                    )
    return faults


def _bindings(trees: list[ast.Module]) -> dict[str, list[ast.expr | None]]:
    """Map each name to the expressions assigned to it; None stands for one we cannot read."""
    bound: dict[str, list[ast.expr | None]] = {}
    plain: dict[int, ast.expr] = {}  # the targets of assignments to one name, with their values
    for node in (found for tree in trees for found in ast.walk(tree)):
        if isinstance(node, ast.Assign):
            plain |= {id(target): node.value for target in node.targets}
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(plain.get(id(node)))
    return bound


def _named(node: ast.expr, bound: dict[str, list[ast.expr | None]]) -> ast.expr:
    """Follow a name to what it is another name for."""
    for _step in range(10):
        values = bound.get(node.id, []) if isinstance(node, ast.Name) else []
        if len(values) != 1 or not isinstance(values[0], ast.Name):
            break
        node = values[0]
    return node


def _is_constant(
    node: ast.AST | None, bound: dict[str, list[ast.expr | None]], seen: frozenset[str]
) -> bool:
    if isinstance(node, ast.Name):
        if node.id in seen or node.id not in bound:
            return node.id not in bound and hasattr(builtins, node.id)
        return all(
            value is not None and _is_constant(value, bound, seen | {node.id})
            for value in bound[node.id]
        )
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return any(_is_constant(value, bound, seen) for value in node.values)
    if isinstance(node, ast.Compare) and ast.dump(node.left) == ast.dump(node.comparators[0]):
        return True
    if node is None or isinstance(node, ast.Attribute | ast.Lambda | ast.comprehension):
        return False
    if isinstance(node, ast.List | ast.Dict) and not ast.unparse(node).strip("[{}]"):
        return False  # an empty one is there to be filled
    children = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr | ast.keyword)]
    return all(_is_constant(child, bound, seen) for child in children)
