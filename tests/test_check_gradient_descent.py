"""The checker of the chapter on gradient descent: right answers pass, mistakes get their hint."""

import pytest
import torch

from definebyrun.check import WrongAnswer
from definebyrun.check.gradient_descent import descend
from definebyrun.scratch.landscapes import Landscape
from definebyrun.scratch.minimise import gradient_descent


def walk(gradient, start, lr, steps, *, sign=-1, rate=True, fixed=False, keep="all"):
    points = [start.clone()]
    for _ in range(steps):
        slope = gradient(start if fixed else points[-1])
        points.append(points[-1] + sign * (lr if rate else 1) * slope)
    table = torch.stack(points)
    return {
        "all": table,
        "last": table[-1],
        "no start": table[1:],
        "columns": table.T,
        "flat": table.flatten(),
        "late": torch.cat([table[:1], table[:-1]]),
    }[keep]


def wrong(**options):
    return lambda *inputs: walk(*inputs, **options)


def aliased(gradient, start, lr, steps):
    point = start.clone()
    points = [point]
    for _ in range(steps):
        point -= lr * gradient(point)
        points.append(point)
    return torch.stack(points)


def in_place(gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        start -= lr * gradient(start)
        points.append(start.clone())
    return torch.stack(points)


def with_the_library(gradient, start, lr, steps):
    flat = Landscape(len(start), lambda p: p.new_zeros(p.shape[:-1]), gradient, gradient)
    return gradient_descent(flat, start, lr=lr, steps=steps).points


@pytest.mark.parametrize("answer", [walk, with_the_library])
def test_right_answers_pass(answer, capsys):
    descend(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (wrong(sign=1), "uphill"),
        (wrong(rate=False), "learning rate plays no part"),
        (wrong(fixed=True), "gradient at the start for every step"),
        (wrong(keep="last"), "ou return one point"),
        (wrong(keep="no start"), "point is missing"),
        (wrong(keep="columns"), "ows and columns"),
        (wrong(keep="flat"), "strung together"),
        (wrong(keep="late"), "once only"),
        (aliased, "all your rows are the last point"),
        (in_place, "changes start"),
        (lambda g, s, lr, n: walk(g, s, lr, n + 1), "one point too many"),
        (lambda g, s, lr, n: list(walk(g, s, lr, n)), "return a tensor"),
        (lambda g, s, lr, n: None, "Is there a return"),
        (lambda g, s, lr, n: walk(g, s, lr, n) * 0.9, "two steps on paper"),
        (lambda g, s, lr, n: walk(g, s, lr, max(n, 1)), "For 0 steps: "),
    ],
)
def test_mistakes_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        descend(answer)
