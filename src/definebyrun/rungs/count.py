"""Counts how many lines of a program serve which step of training."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

STEPS = ("predict", "loss", "gradient", "update")


def count_lines(*parts: Callable[..., Any] | type) -> dict[str, int]:
    """Count the lines of code of functions and classes by the step that they serve.

    A comment that names a step, such as ``# loss``, opens its section. The section ends at the
    next such comment, or where the code is indented less. Everything outside counts as
    ``"set up and loop"``. Blank lines, comments and docstrings do not count.

    Args:
        parts: functions and classes whose source Python can find.

    Returns:
        The number of lines for ``"set up and loop"`` and for each of :data:`STEPS`.
    """
    counts = dict.fromkeys(("set up and loop", *STEPS), 0)
    for part in parts:
        section, depth = "set up and loop", 0
        for line in code_lines(textwrap.dedent(inspect.getsource(part))):
            indent = len(line) - len(line.lstrip())
            comment = line.strip().removeprefix("# ")
            if comment in STEPS:
                section, depth = comment, indent
            elif not line.strip().startswith("#"):
                if indent < depth:
                    section, depth = "set up and loop", 0
                counts[section] += 1
    return counts


def code_lines(source: str) -> list[str]:
    """Return the lines of a source that are neither blank nor part of a docstring."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            text = node.body[0]
            lines[text.lineno - 1 : text.end_lineno] = [""] * (
                (text.end_lineno or text.lineno) - text.lineno + 1
            )
    return [line for line in lines if line.strip()]
