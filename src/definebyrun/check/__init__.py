"""Looks at readers' answers to the exercises and says what is wrong with them.

One module a chapter, one function an exercise. Each takes the reader's answer, prints one line
when it is right, and raises :class:`WrongAnswer` with a hint when it is not.
"""

from definebyrun.check.answer import WrongAnswer

__all__ = ["WrongAnswer"]
