"""Where fetched data is kept, and the library that fetches it."""

import warnings
from pathlib import Path
from types import ModuleType


def import_pooch() -> ModuleType:
    """Return pooch, imported when it is needed, and without its bar's warning in a plain kernel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch  # type: ignore[no-any-return]


def cache_folder() -> Path:
    """Return the folder that the operating system has for this package's fetched files."""
    return Path(import_pooch().os_cache("definebyrun"))
