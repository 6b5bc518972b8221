"""Checks answers to the exercises of the page on activations and first weights."""

import math
from collections.abc import Callable
from typing import Any

from definebyrun.check.run import run


def leaky_std(answer: Callable[[int, float], Any]) -> None:
    """Check the standard deviation of the first weights before a leaky ReLU.

    Args:
        answer: called as ``answer(fan_in, a)`` with the slope ``a`` left of zero; returns the
            standard deviation that keeps the size of a signal.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    for fan_in, a in ((50, 0.5), (200, 0.0), (8, 1.0)):
        variance = 2 / (fan_in * (1 + a**2))
        run(
            answer,
            fan_in,
            a,
            truth=math.sqrt(variance),
            mistakes={
                "This is the variance; the standard deviation is its root.": variance,
                "This is He's rule: the negative half, times a, is missing.": math.sqrt(2 / fan_in),
                "The negative half is multiplied by a before it is squared: how does a enter the "
                "mean square?": math.sqrt(2 / (fan_in * (1 + a))),
                "The leak makes the signal larger, so the weights must be smaller, not larger.": (
                    math.sqrt((1 + a**2) / fan_in)
                ),
                "The fan-in is missing: each of the fan_in terms adds to the mean square.": (
                    math.sqrt(2 / (1 + a**2))
                ),
                "Only half of the sums are positive: where is the factor 2?": math.sqrt(
                    variance / 2
                ),
            },
            look=f"That was fan_in = {fan_in} and a = {a:g}. Does your answer use both? Work out "
            "by hand how the mean square grows with the number of terms, and what a does to its "
            "negative half.",
        )
    print("Right: the size of a signal is kept, with any leak.")
