"""The calls that a chapter makes: record a value, claim a sentence, show a source.

Each one displays an output with two faces: plain text for a reader's own notebook, and a JSON
record under :data:`MIME` that the build of the book collects from the executed chapter.
"""

import inspect
import math
import os
import re
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import display

from definebyrun.book import compare

MIME = "application/vnd.definebyrun+json"
BUILDING = "DEFINEBYRUN_BUILDING"  # set by the build in the kernels it starts

Scalar = bool | int | float | str


class ClaimError(AssertionError):
    """A claim of the book does not hold."""


def _plain(name: str, value: Any) -> Scalar:
    """Turn a tensor, an array scalar or a number into a plain Python scalar."""
    plain: Any = None
    if isinstance(value, bool | int | float | str):
        plain = value
    elif getattr(value, "size", None) is not None and callable(getattr(value, "item", None)):
        plain = value.item() if math.prod(getattr(value, "shape", ())) == 1 else None
    if not isinstance(plain, bool | int | float | str):
        raise TypeError(f"{name} is {value!r}; expected one number or a string")
    return plain


def _show(record: dict[str, Any], text: str) -> None:
    display({MIME: record, "text/plain": text}, raw=True)


def record(name: str, value: Any, *, varies: bool = False) -> None:
    """Record a value of this run under a name, so that the prose can quote it.

    In a chapter, ``{quote}`loss-at-start:.4f``` prints the value recorded here.

    Args:
        name: lower-case words joined by hyphens, unique in the chapter.
        value: a number, a string, or a tensor or array with one element.
        varies: true for what honestly changes from run to run, such as a time in seconds.

    Raises:
        ValueError: the name has another form.
        TypeError: the value is not one number or string.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name is {name!r}; expected lower-case words joined by hyphens")
    plain = _plain(name, value)
    _show({"kind": "fact", "name": name, "value": plain, "varies": varies}, f"{name} = {plain}")


def claim(sentence: str, *compared: Any, within: float | None = None, **figures: Any) -> None:
    """State a sentence of the book and check it: ``claim("It fell.", last, "<", first)``.

    While the book is built, a claim that does not hold raises and so fails the build. In a
    reader's own notebook it says what broke and goes on: another device, another version or
    another seed may give other numbers.

    Args:
        sentence: what is claimed, a whole sentence in plain words.
        compared: operands with a relation between each two, as in ``0, "<", p, "<", 1``. The
            relations are ``< <= > >= == !=``, ``close to``, ``in`` and ``not in``. Operands are
            numbers, strings, tuples, tensors or arrays; of the last two every element must hold,
            and they have equal shapes unless one is a single number.
        within: how far apart what is ``close to`` each other may be; an absolute number.
        figures: the numbers behind it, shown beside the sentence.

    Raises:
        TypeError: what is compared has another form, such as a finished bool.
        ValueError: an operand is NaN, empty, of another shape, or compared with itself.
        ClaimError: the claim does not hold and the book is being built.
    """
    true = compare.holds(compared, within)
    values = [(name, _plain(name, value)) for name, value in figures.items()]
    lines = compare.in_lines(compared)
    apart = compare.largest_difference(compared)
    if apart is not None:
        values.insert(0, ("largest_difference", apart))
    kept = {"kind": "claim", "claim": sentence, "holds": true, "values": values}
    parts = [" ".join(format_figure(side) for side in line) for line in lines]
    parts += [f"{name} = {format_figure(value)}" for name, value in values]
    shown = f"{sentence} ({', '.join(parts)})"
    _show(
        kept | {"compared": lines, "within": within},
        f"{'Checked' if true else 'Does not hold here'}: {shown}",
    )
    if not true and os.environ.get(BUILDING):
        raise ClaimError(f"claim does not hold: {shown}")


def format_figure(value: Scalar) -> str:
    """Write a figure as a reader wants it: integers in full, others to six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def show_source(helper: Callable[..., Any] | type) -> None:
    """Show the source of a helper: the code that runs, not a copy of it.

    Args:
        helper: a function, a method or a class of this package.

    Raises:
        TypeError: the helper has no Python source, as a builtin has none.
    """
    lines, first = inspect.getsourcelines(helper)
    source = textwrap.dedent("".join(lines)).rstrip()
    target = {"kind": "source", "module": helper.__module__, "name": helper.__qualname__}
    display(
        {
            MIME: target | {"source": source, "first": first, "last": first + len(lines) - 1},
            "text/markdown": f"```python\n{source}\n```",
            "text/plain": source,
        },
        raw=True,
    )
