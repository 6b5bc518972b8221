"""The page of helpers: signatures and first words as the sources have them, nothing imported."""

import ast
import inspect
from pathlib import Path

import pytest

from definebyrun.book.api import draw_module, first_paragraph, public, signature
from definebyrun.book.freshness import PACKAGE, modules_of
from definebyrun.training import fit

ROOT = Path(__file__).parent.parent
SOURCE = '''"""A module. It has two parts.

More.
"""

def _hidden():
    """Not shown."""

def half(x: float, *, by: int = 2) -> float:
    """Return `x` divided, see :func:`definebyrun.other.whole`, by
    ``by``.

    More.
    """

class Pair(NamedTuple):
    """Two numbers."""

    first: int
    second: int = 0

class Made:
    """Made from a name."""

    def __init__(self, name: str) -> None: ...

def bare(): ...
'''


def test_signatures_and_first_words_are_those_of_the_source() -> None:
    tree = ast.parse(SOURCE)
    assert [signature(part) for part in public(tree)] == [
        "half(x: float, *, by: int=2) -> float",
        "Pair(first: int, second: int = 0)",
        "Made(name: str)",
    ]
    assert first_paragraph(tree) == "A module. It has two parts."
    assert first_paragraph(public(tree)[0]) == "Return `x` divided, see `whole`, by `by`."


def test_what_is_read_from_the_file_is_what_python_sees() -> None:
    """An independent look: the parameters that `inspect` finds in the loaded function."""
    module = fit.__module__
    tree = ast.parse(modules_of(PACKAGE)[module].read_text("utf8"))
    (found,) = [part for part in public(tree) if part.name == "fit"]
    assert [arg.arg for arg in [*found.args.args, *found.args.kwonlyargs]] == [
        name
        for name, kind in inspect.signature(fit).parameters.items()
        if kind.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    ]


@pytest.mark.parametrize("folder", ["data", "models", "training", "scratch", "rungs", "drawing"])
def test_every_folder_of_helpers_is_on_the_page(folder: str) -> None:
    assert f"{{helper-api}} {folder}\n" in (ROOT / "book" / "api.md").read_text("utf8")


def test_a_module_without_public_parts_is_not_listed(tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text('"""Nothing for others."""\n')
    assert list(draw_module("definebyrun.empty", empty)) == []
