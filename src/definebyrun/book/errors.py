"""Errors that a page shows on purpose: the message, as Python prints its last lines."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

COLOUR = re.compile(r"\x1b\[[\d;]*m")


@contextmanager
def shown(kind: type[Exception], *, lines: int = 3) -> Iterator[None]:
    """Print the error that the code inside raises, and go on.

    Args:
        kind: the class of the error that is meant.
        lines: how many lines of the message to print at most.

    Raises:
        AssertionError: the code raised nothing, or an error of another class.
    """
    try:
        yield
    except Exception as error:
        if type(error) is not kind:
            raise AssertionError(
                f"raised {type(error).__name__}; expected {kind.__name__}"
            ) from error
        said = COLOUR.sub("", f"{kind.__name__}: {error}").split("\n")
        print("\n".join(line.rstrip() for line in said[:lines]))
    else:
        raise AssertionError(f"raised nothing; expected {kind.__name__}")
