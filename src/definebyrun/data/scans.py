"""The real thing: scans of old print, published by Japan's National Diet Library.

80,000 images of printed hiragana from books of 1900 and after, 48 x 48, dark ink on light paper,
in the public domain: https://github.com/ndl-lab/hiragana_mojigazo
"""

import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch

from definebyrun.data.archive import code_point, fetch_archive
from definebyrun.data.cache import cache_folder
from definebyrun.data.folder import choose, list_classes, read_folder, read_image, to_examples
from definebyrun.data.names import NAMES
from definebyrun.data.split import Examples

VARIABLE = "DEFINEBYRUN_KANA"
DOWNLOAD = "download"


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
    """Return the folder whose sub-folders are code points of kana: it, or its ``hiragana73``."""
    for place in (folder, folder / "hiragana73"):
        if any((place / code_point(name)).is_dir() for name in NAMES):
            return place
    return None


def read_scans(
    source: str | Path, *, per_class: int = 200, seed: int = 0, cache: Path | None = None
) -> Examples:
    """Read the scans of the 46 kana, at most so many of each.

    The first call converts them to one compact file in a cache; later calls load that.

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
        compact = place / f"scans-{per_class}-{seed}.npz"
        if not compact.exists():
            _save(compact, _read_archive(fetch_archive(place), per_class, seed))
    else:
        folder = find_scans(Path(source))
        if folder is None:
            raise FileNotFoundError(
                f"source is '{source}'; expected 'download', or a folder of scans with "
                "sub-folders such as U3042"
            )
        files = list_classes(folder)
        chosen = [choose(files.get(name, []), per_class, seed) for name in NAMES]
        listing = [
            (str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for c in chosen for f in c
        ]
        digest = hashlib.sha256(repr(listing).encode()).hexdigest()[:16]
        compact = place / f"scans-{digest}.npz"
        if not compact.exists():
            _save(compact, to_examples([[read_image(file) for file in c] for c in chosen]))
    with np.load(compact) as saved:
        return Examples(torch.from_numpy(saved["images"]), torch.from_numpy(saved["labels"]))


def _read_archive(file: Path, per_class: int, seed: int) -> Examples:
    with zipfile.ZipFile(file) as archive:
        entries = sorted(name for name in archive.namelist() if name.lower().endswith(".png"))
        images = []
        for name in NAMES:
            inside = [entry for entry in entries if f"{code_point(name)}/" in entry]
            images.append(
                [
                    read_image(io.BytesIO(archive.read(entry)))
                    for entry in choose(inside, per_class, seed)
                ]
            )
    return to_examples(images)


def _save(file: Path, examples: Examples) -> None:
    """Write the compact file beside its place and move it there whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        part = Path(scratch) / "part.npz"
        np.savez(part, images=examples.images.numpy(), labels=examples.labels.numpy())
        os.replace(part, file)
