"""Checks answers to the exercises of the page on history."""

from collections.abc import Callable
from itertools import product
from typing import Any

import torch

from definebyrun.check.run import Rules, run

_THRESHOLDS = (
    "The exercise asks for neurons: weighted sums, and a comparison with a threshold. (For weights "
    "of alternating sign write (-1.0) ** k.)"
)
_NO_NEURONS = (  # patterns of names in PyTorch by which a parity is had without any layer
    *("*remainder*", "*mod*", "*floor*", "*ceil*", "*round*", "*trunc*", "frac*"),
    *("*xor*", "*__and__*", "*__or__*", "*__invert__*", "*bitwise*", "*logical*", "*shift*"),
    *("*cos*", "*sin*", "*prod*", "*abs*", "eq", "*__eq__*", "ne", "*__ne__*", "*not_equal*"),
    *("item", "tolist", "numpy", "__array__", "__int__", "__index__"),
)
_FORBIDDEN = dict.fromkeys(_NO_NEURONS, _THRESHOLDS)


def parity(answer: Callable[..., Any]) -> None:
    """Check a network of threshold neurons that says whether the number of ones is odd.

    Args:
        answer: called as ``answer(x)`` with all rows of n zeros and ones, float32, shape
            (2**n, n); returns 1.0 for each row with an odd number of ones and 0.0 for each other,
            shape (2**n,).

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    for n in (2, 3, 1, 5):
        x = torch.tensor(list(product((0.0, 1.0), repeat=n)))
        count = x.sum(dim=1)
        truth = (count.long() % 2).float()
        mistakes = {
            "You say when the number of ones is even; the exercise asks for odd.": 1 - truth,
            "This is OR: it fires for any row with a one in it.": (count > 0).float(),
            "This is AND: it fires only where all are one.": (count == n).float(),
            "This fires for exactly one 1. Three ones are odd, too.": (count == 1).float(),
            "You add the hidden neurons up. Give every second one a negative weight.": count,
            "This fires when at least two are one.": (count > 1).float(),
        }
        run(
            answer,
            x,
            truth=truth,
            rules=Rules(forbid=_FORBIDDEN),
            mistakes=mistakes,
            look="Take a row with two ones: which hidden neurons fire, and what is their sum?",
            shapes={
                (): "One answer came back; every row wants its own.",
                (2**n, 1): "Return a flat list of answers, shape (rows,), not a column.",
                (2**n, n): "The hidden neurons came back; the last neuron has still to add them.",
            },
            case=f"{n} inputs",
        )
    print("Right: one hidden layer computes the parity of 1, 2, 3 and 5 inputs.")
