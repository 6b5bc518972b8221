"""What every rung starts from: one batch of random data and two weight matrices."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

FloatArray = NDArray[np.floating]


class Start(NamedTuple):
    """The batch and the untrained weights, as arrays of one dtype.

    ``x`` has shape (samples, inputs), ``y`` (samples, outputs), ``w1`` (inputs, hidden units)
    and ``w2`` (hidden units, outputs).
    """

    x: FloatArray
    y: FloatArray
    w1: FloatArray
    w2: FloatArray

    def astype(self, dtype: DTypeLike) -> "Start":
        """Return a copy of the four arrays with another dtype."""
        return Start(*(array.astype(dtype) for array in self))


def make_start(
    seed: int = 1,
    samples: int = 64,
    inputs: int = 1000,
    hidden: int = 100,
    outputs: int = 10,
) -> Start:
    """Draw the data and the weights from a standard normal distribution.

    The four arrays are drawn in the order x, y, w1, w2 from NumPy's legacy
    generator, whose numbers are frozen: any version gives the same start.

    Returns:
        The start, in float32.

    Source: https://numpy.org/doc/stable/reference/random/legacy.html
    """
    generator = np.random.RandomState(seed)
    return Start(
        x=generator.randn(samples, inputs),
        y=generator.randn(samples, outputs),
        w1=generator.randn(inputs, hidden),
        w2=generator.randn(hidden, outputs),
    ).astype(np.float32)
