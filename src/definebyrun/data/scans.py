"""The real thing: scans of old print, published by Japan's National Diet Library.

80,000 images of printed hiragana from books of 1900 and after, 48 x 48, dark ink on light paper,
in the public domain: https://github.com/ndl-lab/hiragana_mojigazo
"""

import hashlib
import io
import os
import re
import warnings
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from definebyrun.data.archive import COUNTS, code_point, fetch_archive, known_hash, list_entries
from definebyrun.data.cache import cache_folder, remember
from definebyrun.data.folder import (
    choose,
    class_name,
    list_classes,
    list_visible,
    read_folder,
    to_examples,
)
from definebyrun.data.image import read_bytes, read_grey, to_ink
from definebyrun.data.names import NAMES
from definebyrun.data.split import Examples

VARIABLE = "DEFINEBYRUN_KANA"
DOWNLOAD = "download"
FORMAT = 2  # raise it when images are read otherwise than before: what is in a cache is then old


def scans_source() -> str | None:
    """Return what the environment variable ``DEFINEBYRUN_KANA`` holds; None if it is not set.

    It is either a folder of scans or the word ``download``. Nothing but a call with this source
    reads the scans: the embedded kana stay the default.
    """
    return os.environ.get(VARIABLE) or None


def read_source(source: str | Path) -> tuple[Examples, tuple[str, ...]]:
    """Read scans or your own images, whichever the source is, with the names of the classes.

    A folder with sub-folders such as ``U3042`` is read as scans of the 46 kana; any other by
    :func:`definebyrun.data.folder.read_folder`.
    """
    if str(source) == DOWNLOAD or find_scans(Path(source)) is not None:
        return read_scans(source), NAMES
    return read_folder(source)


def find_scans(folder: Path) -> Path | None:
    """Return the folder whose sub-folders are code points of kana: it, or its ``hiragana73``.

    With sub-folders of other names, it is a folder of your own.
    """
    for place in (folder, folder / "hiragana73"):
        if any((place / code_point(name)).is_dir() for name in NAMES):
            inside = [class_name(path.name) for path in list_visible(place) if path.is_dir()]
            if all(re.fullmatch("[ぁ-ゟ]", name) for name in inside):
                return place
    return None


def read_scans(
    source: str | Path, *, per_class: int = 200, seed: int = 0, cache: Path | None = None
) -> Examples:
    """Read the scans of the 46 kana, at most so many of each.

    The first call converts them to one compact file in a cache; later calls load that. The file's
    name is made from what the scans contain, so a changed scan is read anew.

    Args:
        source: the folder of the unpacked archive, or the word ``"download"``.
        per_class: the most images taken of a character.
        seed: decides which, where there are more.
        cache: where to keep the archive and the compact file; by default the place that the
            operating system has for such files.

    Returns:
        Images, uint8 of shape (n, 1, 48, 48), ink high and paper zero, and labels that count in
        ``NAMES``. A character of which there are no scans has none; some scans are labelled
        wrongly, as published.

    Raises:
        FileNotFoundError: the folder is missing, or is no folder of scans.
        ValueError: a file in it is no image; the message names it.
        ConnectionError: the scans could not be fetched; the message says what to do.
    """
    place = cache_folder() if cache is None else cache
    if str(source) == DOWNLOAD:
        return _read_download(place, per_class, seed)
    folder = find_scans(Path(source))
    files = {} if folder is None else list_classes(folder)
    chosen = [choose(files.get(name, []), per_class, seed) for name in NAMES]
    if not any(chosen):
        raise FileNotFoundError(
            f"source is '{source}'; expected 'download', or a folder of scans with "
            "sub-folders such as U3042"
        )
    hashes = [[hashlib.sha256(read_bytes(file)).hexdigest() for file in c] for c in chosen]
    return remember(
        _compact(place, hashes),
        lambda: to_examples([[_read(file) for file in c] for c in chosen]),
    )


def _read_download(place: Path, per_class: int, seed: int) -> Examples:
    """Read the archive of scans, or its compact file; what the cache does not have is fetched."""
    content, sha256 = b"", known_hash(place)
    if sha256 is None:
        content = fetch_archive(place)
        sha256 = hashlib.sha256(content).hexdigest()
    return remember(
        _compact(place, [sha256, per_class, seed]),
        lambda: _read_archive(content or fetch_archive(place), per_class, seed),
    )


def _read_archive(content: bytes, per_class: int, seed: int) -> Examples:
    with ZipFile(io.BytesIO(content)) as archive:
        entries = list_entries(archive, COUNTS)
        chosen = [choose(entries.get(name, []), per_class, seed) for name in NAMES]
        return to_examples([[_read(archive.read(e), e.filename) for e in c] for c in chosen])


def _read(image: Path | bytes, name: str = "image") -> NDArray[np.uint8]:
    """Read one scan; one without ink is kept as published, and reported."""
    ink = to_ink(read_grey(image, name))
    if not ink.any():
        shown = image if isinstance(image, Path) else name
        warnings.warn(f"the scan '{shown}' shows no ink", stacklevel=2)
    return ink


def _compact(place: Path, contents: object) -> Path:
    """Return the file that keeps what is made of these contents, in this format."""
    digest = hashlib.sha256(repr((FORMAT, contents)).encode()).hexdigest()
    return place / f"scans-{digest[:16]}.npz"
