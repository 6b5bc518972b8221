"""The cache: files that may vanish, be damaged or never be written, and nothing is lost."""

import functools
import io
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_dir

from definebyrun.data.names import NAMES, SIZE
from definebyrun.data.split import Examples

PART = "part-"  # what a file is called while it is written
STALE = 3600.0  # seconds after which such a file is taken for the leftover of a killed run


def cache_folder() -> Path:
    """Return the folder that the operating system has for this package's fetched files."""
    return Path(user_cache_dir("definebyrun", appauthor=False))


def write(file: Path, content: bytes) -> bool:
    """Put a file in its place, whole or not at all; say whether it is there.

    Where that cannot be, because the disk is full, say, there is one warning and no error.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        sweep(file.parent)
        handle, part = tempfile.mkstemp(prefix=PART, dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.replace(part, file)
        except BaseException:
            discard(Path(part))
            raise
    except OSError as problem:
        _warn(file.parent, problem.strerror or str(problem))
        return False
    return True


@functools.cache
def _warn(folder: Path, reason: str) -> None:
    """Say once that a folder cannot be written."""
    warnings.warn(
        f"nothing can be kept in '{folder}' ({reason}): all works, but is made anew each time",
        stacklevel=4,
    )


def sweep(folder: Path, parts: str = f"{PART}*") -> None:
    """Remove what killed runs left half written, but not what another run is writing now.

    Args:
        folder: where to look.
        parts: the pattern of the names of what is half written.
    """
    for part in folder.glob(parts):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE:
                discard(part)


def discard(path: Path) -> None:
    """Remove a file or folder, if that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)


def remember(file: Path, make: Callable[[], Examples]) -> Examples:
    """Return the images and labels of kana in a file of the cache, made if they are not there."""
    examples = load_examples(file)
    if examples is None:
        examples = make()
        stream = io.BytesIO()
        np.savez(stream, images=examples.images.numpy(), labels=examples.labels.numpy())
        write(file, stream.getvalue())
    return examples


def load_examples(file: Path) -> Examples | None:
    """Return the images and labels of kana in a compact file, if it is one in every respect.

    Returns:
        None where there is no such file. A file with any fault is removed and counts as none.
    """
    try:
        if not file.is_file():
            raise ValueError("it is no regular file")
        with np.load(file, allow_pickle=False) as saved:
            images, labels = saved["images"], saved["labels"]
        if images.dtype != np.uint8 or images.shape != (len(labels), 1, SIZE, SIZE):
            raise ValueError(f"images is {images.dtype} of shape {images.shape}")
        if labels.dtype != np.int64 or labels.ndim != 1 or not len(labels):
            raise ValueError(f"labels is {labels.dtype} of shape {labels.shape}")
        if labels.min() < 0 or labels.max() >= len(NAMES):
            raise ValueError(f"labels lies in {labels.min()} to {labels.max()}")
        return Examples(torch.from_numpy(images), torch.from_numpy(labels))
    except Exception:  # whatever is wrong with it, it can be made anew
        discard(file)
        return None
