"""Claims in the source of a chapter, held against what its run recorded.

A claim counts when it stands in a cell as a plain call with its sentence written out, compares
something that a run can change, ran, was recorded and held.
"""

import ast
import builtins
import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

from definebyrun.book.notebook import BUILDING, MIME

OURS = "definebyrun.book"
CALLS = {
    OURS: ("claim", "record", "show_source"),
    f"{OURS}.errors": ("shown",),
}  # what pages import
CONSTANTS = {"pi", "e", "tau", "inf", "nan", "newaxis"}  # of the modules math, numpy and torch
COPIES = {"clone", "copy", "detach", "contiguous", "deepcopy", "cpu"}
SIZES = {"len", "abs", "norm", "numel", "std", "var", "square"}  # never below zero
Bindings = dict[str, list[ast.expr | None]]


@dataclass(frozen=True)
class Site:
    """A place in a chapter where ``claim`` is called."""

    cell: int
    sentence: str | None  # None where it is not written out
    call: ast.Call


@functools.lru_cache(maxsize=1024)  # each check of a page asks for its cells again
def parse(source: str) -> list[ast.Module]:
    """Parse a cell, and the code that its magics run; nothing where it is no Python."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return []
    trees = [tree]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in ("run_cell_magic", "run_line_magic"):
            code = node.args[-1]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                trees += parse(code.value)
    return trees


def sites(cells: list[str]) -> list[Site]:
    """Return every call of ``claim`` in the cells, in order."""
    return [
        Site(number, sentence_of(node), node)
        for number, source in enumerate(cells)
        for tree in parse(source)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim"
    ]


def sentence_of(call: ast.Call) -> str | None:
    """Return the sentence of a claim, if it is written out."""
    first = call.args[0] if call.args else None
    text = first.value if isinstance(first, ast.Constant) else None
    return text if isinstance(text, str) else None


def source_faults(cells: list[str]) -> list[str]:
    """Name what is wrong with the claims of a chapter as they are written.

    Args:
        cells: the code cells of the chapter.
    """
    trees = [tree for source in cells for tree in parse(source)]
    bound = _bindings(trees)
    faults = list(_misuses(trees))
    faults += [
        "has a claim in a cell that is no Python"
        for source in cells
        if "claim(" in source and not parse(source)
    ]
    for site in sites(cells):
        faults += _site_faults(site, bound)
    return faults


def run_faults(cells: list[str], recorded: list[tuple[str, bool]]) -> list[str]:
    """Name the claims that failed, that never ran, and that no cell makes.

    Args:
        cells: the code cells of the chapter.
        recorded: the sentences that the run recorded, with their verdicts.
    """
    faults = [
        f"claims {sentence!r}, which does not hold" for sentence, holds in recorded if not holds
    ]
    made = Counter(site.sentence for site in sites(cells) if site.sentence is not None)
    ran = Counter(sentence for sentence, _holds in recorded)
    for sentence, times in made.items():
        if ran[sentence] < times:
            ending = "which never ran" if not ran[sentence] else f"and ran it {ran[sentence]} times"
            often = f" {times} times" if times > 1 else ""
            faults.append(f"claims {sentence!r}{often}, {ending}")
    faults += [f"shows the claim {s!r}, which no cell makes" for s in ran.keys() - made.keys()]
    return faults


def _misuses(trees: list[ast.Module]) -> Iterator[str]:
    """Name what binds ``claim`` anew, hides it behind another name or forges its records."""
    every = [node for tree in trees for node in ast.walk(tree)]
    called = {id(node.func) for node in every if isinstance(node, ast.Call)}
    for node in every:
        names = [getattr(node, key, None) for key in ("id", "name", "arg")]
        loaded = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.Import) and any(n.name.startswith(OURS) for n in node.names):
            yield f"imports {OURS} as a module; write 'from {OURS} import claim, record'"
        elif isinstance(node, ast.ImportFrom):
            yield from _import_faults(node)
        elif isinstance(node, ast.Attribute) and node.attr == "claim":
            yield f"reaches for claim as {ast.unparse(node)!r}; call it by its name"
        elif isinstance(node, ast.Constant) and node.value in (MIME, BUILDING):
            yield f"speaks of {node.value!r}, which belongs to the build"
        elif "claim" in names and not loaded and not isinstance(node, ast.alias):
            yield "binds the name 'claim' anew"
        elif "claim" in names and loaded and id(node) not in called:
            yield "hands 'claim' on as a value; call it where it stands"


def _import_faults(node: ast.ImportFrom) -> Iterator[str]:
    for name in node.names:
        ours = f"{node.module}.{name.name}".startswith(OURS)
        if name.name != "claim" and name.asname == "claim":
            yield "binds the name 'claim' anew"
        elif (name.name == "claim" and name.asname) or (
            ours and name.name not in CALLS.get(node.module or "", ())
        ):
            yield (
                f"imports {name.name!r} of {node.module} as {name.asname or name.name!r}; "
                f"from {OURS} a chapter imports claim, record and show_source by their names"
            )


def _site_faults(site: Site, bound: Bindings) -> Iterator[str]:
    call, operands = site.call, site.call.args[1::2]
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        yield f"makes a claim out of a list: {ast.unparse(call)[:60]!r}; write out what it compares"
        return
    if site.sentence is None:
        yield f"makes a claim whose sentence is not written out: {ast.unparse(call)[:60]!r}"
        return
    claims = f"claims {site.sentence!r}"
    if not site.sentence.rstrip().endswith((".", "?", "!")) or len(site.sentence.split()) < 2:
        yield f"{claims}, which is no whole sentence"
    if len(call.args) == 2:
        words = ast.unparse(operands[0])
        yield f'{claims} on the finished condition {words!r}; compare: left, "<", right'
    relations = [part.value if isinstance(part, ast.Constant) else None for part in call.args[2::2]]
    for left, relation, right in zip(operands, relations, operands[1:], strict=False):
        words = f"{claims} and compares {ast.unparse(left)!r} with {ast.unparse(right)!r}"
        if _same(left, right, bound):
            yield f"{words}, which is the same"
        elif all(_is_constant(side, bound, frozenset()) for side in (left, right)):
            yield f"{words}, which no run can change"
        elif _always(left, relation, right, bound):
            yield f"{words}, which always holds"


def _same(left: ast.expr, right: ast.expr, bound: Bindings) -> bool:
    return ast.dump(_bare(left, bound)) == ast.dump(_bare(right, bound))


def _bare(node: ast.expr, bound: Bindings) -> ast.expr:
    """Follow a name to what it is another name for, and take off what changes nothing."""
    for _step in range(20):
        values = bound.get(node.id, []) if isinstance(node, ast.Name) else []
        if len(values) == 1 and isinstance(values[0], ast.Name):
            node = values[0]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            node = node.operand
        elif isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
            neutral = {ast.Add: 0, ast.Sub: 0, ast.Mult: 1, ast.Div: 1, ast.Pow: 1}
            if neutral.get(type(node.op)) != node.right.value:  # type: ignore[call-overload]
                return node
            node = node.left
        elif isinstance(node, ast.Call) and _called(node) in COPIES and not node.keywords:
            method = isinstance(node.func, ast.Attribute) and not node.args
            inner = node.func.value if method else (node.args or [None])[0]  # type: ignore[attr-defined,list-item]
            if not isinstance(inner, ast.expr):
                return node
            node = inner
        else:
            return node
    return node


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _always(left: ast.expr, relation: object, right: ast.expr, bound: Bindings) -> bool:
    """Tell whether a size is compared with a number that no size can be below."""
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    if not isinstance(relation, str):
        return False
    for size, sign, limit in (
        (left, relation, right),
        (right, mirrored.get(relation, relation), left),
    ):
        try:
            number = ast.literal_eval(limit)
        except ValueError:
            continue
        squared = isinstance(size, ast.BinOp) and isinstance(size.op, ast.Pow)
        if squared and ast.unparse(size.right) != "2":  # type: ignore[attr-defined]
            squared = False
        if not squared and not (isinstance(size, ast.Call) and _called(size) in SIZES):
            continue
        if isinstance(number, int | float) and (
            (sign in (">", "!=") and number < 0) or (sign == ">=" and number <= 0)
        ):
            return True
    return False


def _bindings(trees: list[ast.Module]) -> Bindings:
    """Map each name to the expressions assigned to it; None stands for one we cannot read."""
    bound: Bindings = {}
    plain: dict[int, ast.expr] = {}  # the targets of assignments to one name, with their values
    for node in (found for tree in trees for found in ast.walk(tree)):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                plain[id(target)] = node.value
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=False)
                    plain |= {id(part): value for part, value in pairs}
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            plain[id(node.target)] = node.value
        elif isinstance(node, ast.FunctionDef) and not node.args.args:
            returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
            constant = returned and all(isinstance(value, ast.Constant) for value in returned)
            bound.setdefault(node.name, []).append(returned[0] if constant else None)
        elif isinstance(node, ast.FunctionDef):
            bound.setdefault(node.name, []).append(None)
    for node in (found for tree in trees for found in ast.walk(tree)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(plain.get(id(node)))
    return bound


def _is_constant(node: ast.AST | None, bound: Bindings, seen: frozenset[str]) -> bool:
    """Tell whether no run can change an expression.

    It is built from literals, from names that the cells bind to nothing but such, or compares
    an expression with itself.
    """
    if isinstance(node, ast.Name):
        if node.id in seen or node.id not in bound:
            return node.id not in bound and hasattr(builtins, node.id)
        return all(
            value is not None and _is_constant(value, bound, seen | {node.id})
            for value in bound[node.id]
        )
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return any(_is_constant(value, bound, seen) for value in node.values)
    if isinstance(node, ast.Compare) and _same(node.left, node.comparators[0], bound):
        return True
    if isinstance(node, ast.NamedExpr):
        return _is_constant(node.value, bound, seen)
    if isinstance(node, ast.Attribute):
        module = getattr(node.value, "id", "")
        return node.attr in CONSTANTS and module in ("math", "np", "numpy", "torch")
    if node is None or isinstance(node, ast.Lambda | ast.comprehension):
        return False
    if isinstance(node, ast.List | ast.Dict) and not ast.unparse(node).strip("[{}]"):
        return False  # an empty one is there to be filled
    children = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr | ast.keyword)]
    return all(_is_constant(child, bound, seen) for child in children)
