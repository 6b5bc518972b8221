"""Checks answers to the exercises of the page on functions and derivatives."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import call, run


def second_difference(answer: Callable[..., Any]) -> None:
    """Check a second derivative from three values of a function.

    Args:
        answer: called as ``answer(f, x, h)`` with a function of tensors, a float64 tensor and a
            step; returns the second difference at each element of x.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    x = torch.tensor([0.5, -1.25, 2.0], dtype=torch.float64)
    wide, narrow = (call(answer, _quartic, x, h) for h in (0.5, 0.25))
    alike = _alike(x, wide) and _alike(x, narrow)
    if alike and torch.allclose(narrow.double(), wide.double(), rtol=1e-4):
        raise WrongAnswer(
            "The result is the same for h = 0.5 and h = 0.25. The exercise asks for what the "
            "values at x - h, x and x + h give, with the h that your function gets: not for the "
            "second derivative itself, and not for a step of your own."
        )
    for function, h, truth in (
        (_quartic, 0.25, 12 * x**2 + 2 * 0.25**2),
        (_quartic, 0.5, 12 * x**2 + 2 * 0.5**2),
        (_cubic, 0.25, 6 * x + 2),
    ):
        here, right, left = function(x), function(x + h), function(x - h)
        beyond, before = function(x + 2 * h), function(x - 2 * h)
        run(
            answer,
            function,
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
                "Your outer values stand at x - 2h and x + 2h; they should at x - h and x + h.": (
                    (beyond - 2 * here + before) / (2 * h) ** 2
                ),
                "Your three values stand at x, x + h and x + 2h, all on one side. Put x in the "
                "middle: x - h, x, x + h.": (beyond - 2 * right + here) / h**2,
                "Your three values stand at x - 2h, x - h and x, all on one side. Put x in the "
                "middle: x - h, x, x + h.": (before - 2 * left + here) / h**2,
            },
            look="Try f(x) = x**3 at x = 1: the second difference is 6 there, for every h.",
        )
    print("Right: 12x² + 2h² for the fourth power, with each h; for a cube nothing is left over.")


def _quartic(x: Tensor) -> Tensor:
    """Return x⁴: its second difference is 12x² + 2h²."""
    return x**4


def _cubic(x: Tensor) -> Tensor:
    """Return x³ + x²: its second difference is its second derivative, for every h."""
    return x**3 + x**2


def _alike(x: Tensor, given: Any) -> bool:
    """Say whether a result is made as the input is: floating, of its shape, in its memory."""
    return (
        isinstance(given, Tensor)
        and given.is_floating_point()
        and (given.shape, given.device, given.layout) == (x.shape, x.device, x.layout)
    )
