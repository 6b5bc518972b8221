"""Grey images in half the room: 16 levels, two pixels a byte."""

import numpy as np
from numpy.typing import NDArray


def pack(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put two neighbouring pixels of 16 levels (0 to 15) into each byte."""
    return np.bitwise_or(np.left_shift(levels[..., ::2], 4), levels[..., 1::2], dtype=np.uint8)


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo :func:`pack` and spread the 16 levels over 0 to 255."""
    pixels = np.empty((*packed.shape[:-1], 2 * packed.shape[-1]), dtype=np.uint8)
    pixels[..., ::2] = packed >> 4
    pixels[..., 1::2] = packed & 15
    return pixels * np.uint8(17)
