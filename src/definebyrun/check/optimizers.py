"""Checks answers to the exercises of the page on optimizers."""

from collections.abc import Callable
from typing import Any

import torch

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import call, compare


def adagrad(answer: Callable[..., Any]) -> None:
    """Check a rule that divides by the root of the sum of all squared gradients so far.

    Args:
        answer: called as ``answer(parameter, gradient, state, lr)``; returns the moved parameter
            and the new state, in the form of :mod:`definebyrun.scratch.optimizers`.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    gradients = torch.tensor(
        # the last ones are so small that ε, and the place where it stands, can be seen
        [[2.0, -0.5, 1e-9], [1.0, 3.0, -2e-9], [-4.0, 0.25, 1e-9]],
        dtype=torch.float64,
    )
    start, lr = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), 0.1
    state: dict[str, Any] = {}
    parameter = expected = start
    total, square = torch.zeros_like(start), torch.zeros_like(start)
    for step, gradient in enumerate(gradients):
        given = call(answer, parameter, gradient, state, lr)
        if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], dict):
            raise WrongAnswer("Return two things: the moved parameter, and the state, a dict.")
        total = total + gradient**2
        before, expected = expected, expected - lr * gradient / (total.sqrt() + 1e-10)
        square = 0.99 * square + 0.01 * gradient**2
        compare(
            given[0],
            expected,
            mistakes={
                "You step along the gradient; descent goes against it.": 2 * before - expected,
                "You divide by the sum itself: where is the root?": before
                - lr * gradient / (total + 1e-10),
                "This is RMSprop: Adagrad takes the sum of all squares, not their mean.": before
                - lr * gradient / (square.sqrt() + 1e-10),
                "Your ε stands inside the root, where it acts as its own root, 10⁻⁵. It belongs "
                "outside.": before - lr * gradient / (total + 1e-10).sqrt(),
                "Where is ε, the 10⁻¹⁰ beside the root? Without it a gradient of zero gives "
                "nan.": before - lr * gradient / total.sqrt(),
                "Your ε is not the 10⁻¹⁰ that the exercise asks for.": before
                - lr * gradient / (total.sqrt() + 1e-8),
                "You divide by the size of the last gradient alone: is the sum kept in the "
                "state that you return?": before - lr * gradient / (gradient.abs() + 1e-10),
                "This is plain gradient descent: nothing is divided.": before - lr * gradient,
            },
            look="Work out the first two steps by hand for the gradients 2 and 1.",
            tolerance=1e-9,
            case=f"step {step + 1}",
        )
        parameter, state = given
    print("Right: at every step as torch.optim.Adagrad.")
