"""The book's machinery: what turns the run of a chapter into a page that can be trusted.

Chapters import three calls from here. They work in any notebook and need IPython and NumPy alone:

- :func:`record` keeps a value under a name, so that the prose can quote it;
- :func:`claim` states a sentence and checks it;
- :func:`show_source` shows the source of a helper, the very code that is tested.

The other modules of this folder belong to Sphinx and are loaded by it, never from here.
"""

from definebyrun.book.notebook import ClaimError, claim, record, show_source

__all__ = ["ClaimError", "claim", "record", "show_source"]
