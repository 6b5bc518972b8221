"""Counts how many statements of a program serve which step of training."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

SET_UP = "set-up and loop"
STEPS = ("predict", "loss", "gradient", "update")


def count_statements(*parts: Callable[..., Any] | type) -> dict[str, int]:
    """Count the statements of functions and classes by the step of training that they serve.

    A comment that names a step, such as ``# loss``, opens its section. The section ends at the
    next such comment, or where the code is indented less. Everything outside counts as set-up
    and loop. A statement counts once, over however many lines it is written; docstrings do not
    count.

    Args:
        parts: functions and classes whose source Python can find.

    Returns:
        The number of statements for :data:`SET_UP` and for each of :data:`STEPS`.
    """
    counts = dict.fromkeys((SET_UP, *STEPS), 0)
    for part in parts:
        section, depth = SET_UP, 0
        for _, indent, step in outline(textwrap.dedent(inspect.getsource(part))):
            if step:
                section, depth = step, indent
            else:
                if indent < depth:
                    section, depth = SET_UP, 0
                counts[section] += 1
    return counts


def outline(source: str) -> list[tuple[int, int, str]]:
    """Return (line, indentation, step) of each statement and of each comment that names a step.

    For a statement, the step is an empty string.
    """
    statements = [
        (node.lineno, node.col_offset, "")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and not is_docstring(node)
    ]
    headings = [
        (number, len(line) - len(line.lstrip()), line.strip().removeprefix("# "))
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() in {f"# {step}" for step in STEPS}
    ]
    return sorted(statements + headings)


def is_docstring(node: ast.stmt) -> bool:
    """Tell whether a statement is nothing but a string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
