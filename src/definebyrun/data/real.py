"""Real print: a few scans of old books that come with the package, to test on, never to train on.

The images are a small sample of the National Diet Library's character images (hiragana73,
https://github.com/ndl-lab/hiragana_mojigazo), which the library has placed in the public domain
(Public Domain Mark): the 46 kana of the book, as published, brought to ink by the same
:func:`definebyrun.data.image.clean` as a folder of your own. ``tools/pack_scans.py`` made the
file. Each image was looked at, large, beside its label: all labels are right.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from definebyrun.data.levels import unpack
from definebyrun.data.split import Examples

REAL_FILE = Path(__file__).with_name("real.npz")


class RealPrint(NamedTuple):
    """Scans of printed kana, sorted by character, with where each comes from.

    Attributes:
        images: uint8, shape (n, 1, 48, 48), ink high and paper zero.
        labels: int64, shape (n,): places in ``NAMES``.
        years: int64, shape (n,): when the book was printed, as its file name says.
        books: int64, shape (n,): the number of the book in the library's digital collections.
    """

    images: Tensor
    labels: Tensor
    years: Tensor
    books: Tensor

    @property
    def examples(self) -> Examples:
        """The images and their labels alone."""
        return Examples(self.images, self.labels)


def read_real() -> RealPrint:
    """Read the scans that come with the package."""
    with np.load(REAL_FILE) as file:
        images = torch.from_numpy(unpack(file["images"]))[:, None]
        labels, years, books = (
            torch.from_numpy(file[name].astype(np.int64)) for name in ("labels", "years", "books")
        )
    return RealPrint(images, labels, years, books)
