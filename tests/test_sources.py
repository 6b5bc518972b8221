"""A source in a page: its code alone, what it does in a line, and not too much of it."""

import ast
import inspect

import pytest

from definebyrun.book.sources import without_docstrings
from definebyrun.scratch import engine, losses
from definebyrun.training import fit


@pytest.mark.parametrize("helper", [losses.softmax, engine.Variable, fit])
def test_only_docstrings_go(helper: object) -> None:
    """The code shown is, apart from docstrings, the code that runs."""
    source = inspect.getsource(helper)  # type: ignore[arg-type]
    code, _says = without_docstrings(source)
    whole = ast.parse(source)
    for node in ast.walk(whole):
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            assert isinstance(body, list)
            body[:1] = [] if len(body) > 1 else [ast.Expr(ast.Constant(...))]
    assert ast.dump(ast.parse(code)) == ast.dump(whole)


def test_the_first_line_says_what_it_does() -> None:
    source = """def f(x):
    '''Do as :func:`~a.b.g` does with ``x``.

    More.
    '''
    return x"""
    assert without_docstrings(source) == (
        "def f(x):\n    return x",
        "Do as `g` does with `x`.",
    )


def test_a_body_of_a_docstring_alone_stays_a_body() -> None:
    assert without_docstrings('class E(Exception):\n    """An error."""') == (
        "class E(Exception):\n    ...",
        "An error.",
    )
