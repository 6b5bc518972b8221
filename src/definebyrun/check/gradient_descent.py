"""Checks the exercise of the chapter on gradient descent."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.run import run


def descend(answer: Callable[..., Any]) -> None:
    """Check gradient descent that returns every point, the start first.

    Args:
        answer: called as ``answer(gradient, start, lr, steps)`` with a function from a point of
            shape (n,) to its gradient, a float64 tensor of shape (n,) and two numbers; returns a
            tensor of shape (steps + 1, n).

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    start, lr, steps = torch.tensor([3.0, -2.0, 0.5], dtype=torch.float64), 0.1, 4
    curvatures = torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64)

    def gradient(point: Tensor) -> Tensor:
        return curvatures * point

    def way(factor: Tensor, count: int = steps) -> Tensor:
        return torch.stack([start * factor**step for step in range(count + 1)])

    one = torch.ones(3, dtype=torch.float64)
    right = way(one - lr * curvatures)
    longer = way(one - lr * curvatures, steps + 1)
    straight = torch.stack([start - step * lr * gradient(start) for step in range(steps + 1)])
    run(
        answer,
        gradient,
        start,
        lr,
        steps,
        truth=right,
        mistakes={
            "You walk uphill: the gradient points up, so its multiple is subtracted.": way(
                one + lr * curvatures
            ),
            "The learning rate plays no part in your step.": way(one - curvatures),
            "All your rows are the last point. A list keeps the tensor itself, not its numbers: "
            "make a new point at each step instead of changing the old one.": right[-1].expand(
                steps + 1, 3
            ),
            "You use the gradient at the start for every step: ask again at each new point.": (
                straight
            ),
            "You take the point of a step before: the start stands in the first row once only.": (
                torch.cat([right[:1], right[:-1]])
            ),
        },
        look="Take two steps on paper: each new point is the last one minus lr times the gradient "
        "there.",
        shapes={
            (3,): "You return one point; return all of them, the start first.",
            (steps, 3): "A point is missing: the start and one point after each step make steps + 1"
            " rows.",
            tuple(longer.shape): "There is one point too many: the start and one point after each "
            "step make steps + 1 rows.",
            (3, steps + 1): "Rows and columns are exchanged: one row a point.",
            (3 * (steps + 1),): "The points are strung together; stack them, one row a point.",
        },
        tolerance=1e-9,
        case="4 steps from 3 coordinates",
    )
    run(
        answer,
        gradient,
        start,
        lr,
        0,
        truth=start[None],
        look="Without a step there is one point, the start.",
        tolerance=1e-9,
        case="0 steps",
    )
    print("Right: every point is where gradient descent leads.")
