"""Checks answers to the exercises of the page on functions and derivatives."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.run import run


def second_difference(answer: Callable[..., Any]) -> None:
    """Check a second derivative from three values of a function.

    Args:
        answer: called as ``answer(f, x, h)`` with a function of tensors, a float64 tensor and a
            step; returns the second difference at each element of x.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    x, h = torch.tensor([0.5, -1.25, 2.0], dtype=torch.float64), 0.25

    def cubic(t: Tensor) -> Tensor:
        return t**3 + t**2

    right, here, left = cubic(x + h), cubic(x), cubic(x - h)
    truth = (right - 2 * here + left) / h**2
    run(
        answer,
        cubic,
        x,
        h,
        truth=truth,
        mistakes={
            "You divide by h; the sum of the two formulas has h squared.": truth * h,
            "You divide by 2h squared: look at the factor of f'' after adding.": truth / 2,
            "This is the first derivative, a central difference.": (right - left) / (2 * h),
            "The value in the middle is subtracted once; it stands in both formulas.": (
                (right - here + left) / h**2
            ),
            "The sign is turned round.": -truth,
            "You forgot to divide by h squared.": truth * h**2,
            "You divide by 4 h squared, as for steps of 2h.": truth / 4,
        },
        look="Try f(x) = x**2, whose second derivative is 2 everywhere.",
    )
    print("Right: the second difference of a cube is its second derivative.")
