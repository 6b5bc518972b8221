"""Checks the exercise of the chapter on gradient descent."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.run import run
from definebyrun.scratch.landscapes import Landscape, differentiated, valley

STEPS = 9
NAN = (
    "Every comparison with nan is False. Ask whether it is lower there, and stay in every other "
    "case."
)


def careful(answer: Callable[..., Any]) -> None:
    """Check gradient descent that refuses a step which does not lead down, and halves its rate.

    Args:
        answer: called as ``answer(value, gradient, start, lr, steps)`` with two functions of a
            point of shape (n,), its height and its gradient, a float64 tensor of shape (n,) and
            two numbers; returns a tensor of shape (steps + 1, n).

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    bends = torch.tensor([[5.0, 2.0, 0.0], [2.0, 3.0, 1.0], [0.0, 1.0, 2.0]], dtype=torch.float64)
    bowl = Landscape(3, lambda p: p @ bends @ p / 2, lambda p: bends @ p, lambda p: bends)
    fenced = differentiated(lambda p: -(1 - p**2).log().sum(-1), 2)
    start = torch.tensor([3.0, -2.0, 0.5], dtype=torch.float64)
    edge = torch.tensor([0.9, -0.5], dtype=torch.float64)
    aside = torch.tensor([3.0, 0.1], dtype=torch.float64)
    faint = Landscape(
        3, lambda p: 1e-12 * bowl.value(p), lambda p: 1e-12 * bowl.gradient(p), bowl.hessian
    )
    _walk(answer, bowl, start, 0.05, "a rate of 0.05, small enough for every step")
    _walk(answer, bowl, start, 1.0, "a rate of 1.0, too large at first")
    _walk(answer, bowl, torch.zeros_like(start), 0.5, "a start at the lowest point")
    _walk(answer, fenced, edge, 0.3, "a height that is nan outside a border")
    _walk(answer, valley(1.0, 1.0), aside, 2.0, "a first step that leads to the same height")
    _walk(answer, valley(1.0, 25.0), aside, 0.1, "a step that leads up, though not above the start")
    _walk(answer, faint, start, 1e11, "heights near zero")
    _walk(answer, bowl, start, 1e-5, "a rate so small that a step gains little")
    _walk(answer, bowl, start, 0.05, "0 steps", steps=0)
    print("Right: every step leads down, or is refused and halves the rate.")


def _walk(
    answer: Callable[..., Any],
    ground: Landscape,
    start: Tensor,
    lr: float,
    case: str,
    steps: int = STEPS,
) -> None:
    """Compare a walk of the answer with the right one and with the typical wrong ones."""

    def way(**slip: bool) -> Tensor:
        return _way(ground, start, lr, steps, **slip)

    right = way()
    moved = right[torch.cat([torch.tensor([True]), (right.diff(dim=0) != 0).any(1)])]
    run(
        answer,
        ground.value,
        ground.gradient,
        start,
        lr,
        steps,
        truth=right,
        mistakes={
            "The learning rate plays no part in your step.": _way(ground, start, 1.0, steps),
            "You take a step that leads to the same height, too. Lower means <, not <=.": way(
                level=True
            ),
            "You compare with the height of the start. Ask whether it is lower than where you "
            "stand.": way(from_start=True),
            NAN: way(unasked=True),
            "You take every step. Ask first whether the height there is lower than here.": way(
                blind=True
            ),
            "You halve the rate and go all the same. A step that does not lead down is not "
            "taken.": way(reckless=True),
            "You stay, but the next step has the old rate again: what is halved stays halved.": (
                way(forgetful=True)
            ),
            "You walk uphill, or refuse the way down: the gradient points up, so its multiple is "
            "subtracted.": way(uphill=True),
            "You halve the rate until a step leads down, and take it. Here a refused step is a "
            "step: the row is repeated.": way(eager=True),
            "You use the gradient at the start for every step: ask again at each new point.": way(
                fixed=True
            ),
            "All your rows are the last point. A list keeps the tensor itself, not its numbers: "
            "make a new point at each step instead of changing the old one.": right[-1].expand(
                right.shape
            ),
        },
        look="Take two steps on paper: where would each lead, and is it lower there?",
        shapes={
            tuple(start.shape): "You return one point; return all of them, the start first.",
            (len(start), steps + 1): "Rows and columns are exchanged: one row a point.",
            (len(start) * (steps + 1),): "The points are strung together; stack them, one row a "
            "point.",
            tuple(moved.shape): "A refused step needs a row, too: the point where you stayed.",
            (steps, len(start)): "A point is missing: the start and one point after each step make "
            "steps + 1 rows.",
            (steps + 2, len(start)): "There is one point too many: the start and one point after "
            "each step make steps + 1 rows.",
        },
        not_finite=NAN,
        tolerance=1e-9,
        case=case,
    )


def _way(
    ground: Landscape,
    start: Tensor,
    lr: float,
    steps: int,
    *,
    uphill: bool = False,
    blind: bool = False,
    reckless: bool = False,
    forgetful: bool = False,
    eager: bool = False,
    fixed: bool = False,
    unasked: bool = False,
    level: bool = False,
    from_start: bool = False,
) -> Tensor:
    """Return the right way, or that of the slip which is named."""
    points = [start]
    for _ in range(steps):
        here = points[-1]
        direction = -ground.gradient(start if fixed else here)
        if uphill:
            direction = -direction
        there, rate = here + lr * direction, lr
        lower = bool(ground.value(there) < ground.value(start if from_start else here))
        if level:
            lower = bool(ground.value(there) <= ground.value(here))
        if unasked:
            lower = not ground.value(there) > ground.value(here)
        if not lower and not forgetful and not blind:
            lr = rate / 2
        while eager and not lower and lr > 1e-12:
            there = here + lr * direction
            lower = bool(ground.value(there) < ground.value(here))
            lr = lr if lower else lr / 2
        points.append(there if lower or blind or reckless else here)
    return torch.stack(points)
