"""The book's data: small images of 46 printed hiragana."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from definebyrun.data.families import read_families
from definebyrun.data.levels import unpack
from definebyrun.data.names import NAMES, SIZE
from definebyrun.data.real import read_real
from definebyrun.data.scans import read_source
from definebyrun.data.split import Examples, ImageData, convert, divide

PER_CLASS = 200
DATA_FILE = Path(__file__).with_name("kana.npz")


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
    by: Literal["image", "family"] = "image",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ImageData:
    """Load the kana, divided into sets for training and testing.

    Without a source these are the embedded images: 46 characters, 200 images of each, drawn from
    open fonts so as to look like old print. With them comes ``real``, a second test set: scans of
    real books, see :mod:`definebyrun.data.real`. Nothing is fetched.

    Args:
        seed: decides which images are held back for testing; the same seed, the same sets.
        source: a folder of images, one sub-folder a class (see
            :func:`definebyrun.data.folder.read_folder`), or the word ``"download"`` for the
            National Diet Library's scans (see :func:`definebyrun.data.scans.read_scans`).
        test: the share of every class that is held back for testing.
        validation: the share for choosing between models; with 0 there is no such set. The test
            set is the same with or without it.
        by: ``"image"`` holds back single images, ``"family"`` whole font families, so that no
            font is both trained on and tested; the shares are then met only nearly.
        device: where the tensors go.
        dtype: ``torch.float32`` gives pixels from 0 to 1, ``torch.uint8`` from 0 to 255.

    Returns:
        Images of shape (n, 1, 48, 48), ink high and paper zero, and labels, int64 of shape (n,),
        each set in random order, ``real`` sorted by character; ``names`` has the characters, or the
        names of the sub-folders.

    Raises:
        ValueError: a share, ``by`` or the dtype is not as above, or a source is divided by family.
        FileNotFoundError: the folder, or images in it, are missing.
        ConnectionError: the scans could not be fetched; the message says what to do.
    """
    if by not in ("image", "family"):
        raise ValueError(f"by is '{by}'; expected 'image' or 'family'")
    if source is not None:
        if by == "family":
            raise ValueError("by is 'family'; expected 'image', for a source has no font families")
        examples, names = read_source(source)
        return divide(
            examples, names, seed=seed, test=test, validation=validation, device=device, dtype=dtype
        )
    data = divide(
        read_embedded(),
        NAMES,
        seed=seed,
        test=test,
        validation=validation,
        groups=read_families().kin if by == "family" else None,
        device=device,
        dtype=dtype,
    )
    return replace(data, real=convert(read_real().examples, device, dtype))
