"""Comparing classifiers: how sure an accuracy is, and which of two reads the same images better."""

from math import comb, sqrt
from typing import NamedTuple

from torch import Tensor


class McNemar(NamedTuple):
    """Two classifiers on the same images.

    Attributes:
        first_only: images that only the first one reads rightly.
        second_only: images that only the second one reads rightly.
        p: how likely so uneven a count, or a more uneven one, would be if each of these images
            were as likely to fall to the one as to the other.
    """

    first_only: int
    second_only: int
    p: float


def mcnemar(first: Tensor, second: Tensor) -> McNemar:
    """Compare two classifiers on the same images: McNemar's test, exact and two-sided.

    Images that both read rightly, or both wrongly, say nothing about which is better. Of the rest,
    the first one has k and the second n - k. If neither were better, k would be the number of heads
    of n fair coins; p adds up the chances of all counts at least as far from n / 2. With n = 0
    there is nothing to tell them apart by, and p is 1.

    Args:
        first, second: bool, shape (n,): whether each image was read rightly.

    Raises:
        ValueError: the two are not vectors of bools of one length.

    Source: McNemar (1947), with the binomial distribution in place of the normal one.
    """
    for name, value in (("first", first), ("second", second)):
        if value.ndim != 1 or str(value.dtype) != "torch.bool" or len(value) != len(first):
            raise ValueError(
                f"{name} has shape {tuple(value.shape)} and dtype {value.dtype}; "
                f"expected ({len(first)},) and torch.bool"
            )
    k, other = int((first & ~second).sum()), int((second & ~first).sum())
    n = k + other
    tail = sum(comb(n, i) for i in range(min(k, other) + 1))
    return McNemar(k, other, min(1.0, 2 * tail / 2**n))


def standard_error(accuracy: float, n: int) -> float:
    """Return the standard error of an accuracy over n images: how far chance moves it.

    By about so much does it stray from the accuracy on endlessly many images of the same kind: the
    standard deviation of the share of n independent answers, each right with this probability.

    Args:
        accuracy: 0 to 1.
        n: how many images it was measured on, at least 1.

    Raises:
        ValueError: an argument is out of range.
    """
    if not 0 <= accuracy <= 1 or n < 1:
        raise ValueError(f"accuracy is {accuracy} and n {n}; expected 0 to 1, and at least 1")
    return sqrt(accuracy * (1 - accuracy) / n)
