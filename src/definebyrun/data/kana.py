"""The book's data: small images of 46 printed hiragana."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from definebyrun.data.names import NAMES, SIZE
from definebyrun.data.scans import read_source
from definebyrun.data.split import Examples, ImageData, divide

PER_CLASS = 200
DATA_FILE = Path(__file__).with_name("kana.npz")


def pack(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put two neighbouring pixels of 16 levels (0 to 15) into each byte."""
    return np.bitwise_or(np.left_shift(levels[..., ::2], 4), levels[..., 1::2], dtype=np.uint8)


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo :func:`pack` and spread the 16 levels over 0 to 255."""
    pixels = np.empty((*packed.shape[:-1], 2 * packed.shape[-1]), dtype=np.uint8)
    pixels[..., ::2] = packed >> 4
    pixels[..., 1::2] = packed & 15
    return pixels * np.uint8(17)


def read_embedded() -> Examples:
    """Return all 46 x 200 embedded images, uint8 of shape (9200, 1, 48, 48), and their labels."""
    with np.load(DATA_FILE) as file:
        pixels = unpack(file["images"])
    images = torch.from_numpy(pixels).reshape(-1, 1, SIZE, SIZE)
    return Examples(images, torch.arange(len(NAMES)).repeat_interleave(PER_CLASS))


def load_kana(
    *,
    seed: int,
    source: str | Path | None = None,
    test: float = 0.2,
    validation: float = 0.0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ImageData:
    """Load the kana, divided into sets for training and testing.

    Without a source these are the embedded images: 46 characters, 200 images of each, drawn from
    open fonts so as to look like old print. They come with the package; nothing is fetched.

    Args:
        seed: decides which images are held back for testing; the same seed, the same sets.
        source: a folder of images, one sub-folder a class (see
            :func:`definebyrun.data.folder.read_folder`), or the word ``"download"`` for the
            National Diet Library's scans (see :func:`definebyrun.data.scans.read_scans`).
        test: the share of every class that is held back for testing.
        validation: the share for choosing between models; with 0 there is no such set. The test
            set is the same with or without it.
        device: where the tensors go.
        dtype: ``torch.float32`` gives pixels from 0 to 1, ``torch.uint8`` from 0 to 255.

    Returns:
        Images of shape (n, 1, 48, 48), ink high and paper zero, and labels, int64 of shape (n,),
        each set in random order; ``names`` has the characters, or the names of the sub-folders.

    Raises:
        ValueError: a share or the dtype is not as above.
        FileNotFoundError: the folder, or images in it, are missing.
        ConnectionError: the scans could not be fetched; the message says what to do.
    """
    names: tuple[str, ...] = NAMES
    if source is None:
        examples = read_embedded()
    else:
        examples, names = read_source(source)
    return divide(
        examples, names, seed=seed, test=test, validation=validation, device=device, dtype=dtype
    )
