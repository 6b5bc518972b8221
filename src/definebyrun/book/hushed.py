"""Code that keeps an error or a warning from the build: it would run, and nobody would hear it."""

import ast
import re
from collections.abc import Iterator

from definebyrun.book.claims import parse

SHELL = {"system", "getoutput", "getoutput_split"}  # what a line with ! becomes
MAGICS = {"bash", "sh", "script", "system", "sx", "capture"}
QUIET = {"redirect_stderr", "atexit"}  # names that a page has no use for


def hushed_faults(cells: list[str]) -> list[str]:
    """Name what the cells of a page do that would hide an error, a warning or late words."""
    return [
        f"{fault} in cell {number}"
        for number, source in enumerate(cells, start=1)
        for tree in parse(source)
        for node in ast.walk(tree)
        for fault in _faults(node)
    ]


def _faults(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _call_faults(node)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        named = {getattr(node, "module", ""), *(name.name for name in node.names)}
        for name in sorted(QUIET & named):
            yield f"imports {name!r}, with which words to stderr escape the build,"
    elif isinstance(node, ast.Try | ast.TryStar) or (
        isinstance(node, ast.With) and "suppress(" in ast.unparse(node.items[0])
    ):
        yield from _swallowed(node.body)


def _call_faults(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    owner, _, method = name.rpartition(".")
    if owner == "get_ipython()" and method in SHELL:
        yield "runs a shell command, whose errors look like any output; use subprocess.run"
    elif owner == "get_ipython()" and "magic" in method and first in MAGICS:
        yield f"uses the magic {first!r}, which hides errors"
    elif method in ("simplefilter", "filterwarnings"):
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        action = options.get("action")
        ignores = "ignore" in (first, getattr(action, "value", None))
        if ignores and "message" not in options and (method == "simplefilter" or not node.args[1:]):
            yield "ignores every warning; name the message of the one that is meant"


def _swallowed(body: list[ast.stmt]) -> Iterator[str]:
    """Name the checkers whose verdict does not stop the run."""
    for call in (n for part in body for n in ast.walk(part) if isinstance(n, ast.Call)):
        if re.search(r"\bcheck\.\w+\.\w+$", ast.unparse(call.func)):
            yield f"catches what {ast.unparse(call.func)} says of an answer; let it stop the page"
