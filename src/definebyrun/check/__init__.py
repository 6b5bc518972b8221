"""Looks at readers' answers to the exercises and says what is wrong with them.

One module a chapter, one function an exercise. Each takes the reader's answer, prints one line
when it is right, and raises :class:`WrongAnswer` with a hint when it is not. All are written on
the runner in :mod:`definebyrun.check.run`.
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from definebyrun.check.answer import WrongAnswer

__all__ = ["WrongAnswer"]


def __getattr__(name: str) -> ModuleType:
    """Load a chapter's checkers when they are first named, as in ``check.tensors``."""
    chapter = f"{__name__}.{name}"
    if find_spec(chapter) is None:
        raise AttributeError(f"definebyrun.check has no chapter {name!r}")
    return import_module(chapter)
