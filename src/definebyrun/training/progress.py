"""A progress bar where a reader watches, nothing where a page is made."""

import os
from typing import Any

from IPython import get_ipython
from tqdm import tqdm

BUILDING = "DEFINEBYRUN_BUILDING"  # set while the book is built


def progress_bar(total: int, *, quiet: bool = False) -> Any:
    """Return a bar that counts to a total; it shows itself in a reader's notebook only.

    Outside IPython, and while the book is built, it stays silent: a page keeps all that is
    printed, and a bar prints itself hundreds of times.

    Args:
        total: the number of updates to come.
        quiet: no bar in a notebook either.

    Returns:
        A context manager with ``update()`` and ``set_description(text)``, as tqdm has them.
    """
    if quiet or get_ipython() is None or os.environ.get(BUILDING):
        return tqdm(total=total, disable=True)
    from tqdm.auto import tqdm as notebook_bar  # warns where the notebook's widgets are missing

    return notebook_bar(total=total)
