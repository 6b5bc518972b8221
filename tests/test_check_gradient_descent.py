"""The checker of the chapter on gradient descent: right answers pass, mistakes get their hint."""

import pytest
import torch

from definebyrun.check import WrongAnswer
from definebyrun.check.gradient_descent import careful


def walk(
    value, gradient, start, lr, steps, *, sign=-1, rate=None, at=None, keep="all", repeat=True
):
    points = [start.clone()]
    lr = rate or lr
    for _ in range(steps):
        here = points[-1]
        there = here + sign * lr * gradient(start if at == "start" else here)
        if value(there) < value(here):
            points.append(there)
        else:
            lr /= 2
            if repeat:
                points.append(here.clone())
    table = torch.stack(points)
    return {
        "all": table,
        "last": table[-1],
        "no start": table[1:],
        "columns": table.T,
        "flat": table.flatten(),
    }[keep]


def wrong(**options):
    return lambda *inputs: walk(*inputs, **options)


def recursive(value, gradient, start, lr, steps):
    if steps == 0:
        return start[None].clone()
    there = start - lr * gradient(start)
    lower = bool(value(there) < value(start))
    rest = (there, lr) if lower else (start, lr / 2)
    return torch.cat([start[None], recursive(value, gradient, *rest, steps - 1)])


def ignores_the_height(value, gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        points.append(points[-1] - lr * gradient(points[-1]))
    return torch.stack(points)


def takes_when(lower):
    """Return a walk that takes the step where ``lower(there, here, first)`` of the heights."""

    def answer(value, gradient, start, lr, steps):
        points = [start.clone()]
        for _ in range(steps):
            here = points[-1]
            there = here - lr * gradient(here)
            if lower(value(there), value(here), value(start)):
                points.append(there)
            else:
                points.append(here.clone())
                lr = lr / 2
        return torch.stack(points)

    return answer


def walks_into_nan(value, gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        here = points[-1]
        there = here - lr * gradient(here)
        if value(there) > value(here):
            lr /= 2
            points.append(here)
        else:
            points.append(there)
    return torch.stack(points)


def halves_and_goes(value, gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        there = points[-1] - lr * gradient(points[-1])
        if not value(there) < value(points[-1]):
            lr /= 2
        points.append(there)
    return torch.stack(points)


def halves_for_one_step(value, gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        there = points[-1] - lr * gradient(points[-1])
        points.append(there if value(there) < value(points[-1]) else points[-1])
    return torch.stack(points)


def halves_until_it_goes(value, gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        here = points[-1]
        while lr > 1e-12 and not value(here - lr * gradient(here)) < value(here):
            lr /= 2
        points.append(here - lr * gradient(here))
    return torch.stack(points)


def one_coordinate_at_a_time(value, gradient, start, lr, steps):
    points = [start.clone()]
    for _ in range(steps):
        here = points[-1]
        there = here.clone()
        for i in range(len(start)):
            there[i] -= lr * gradient(there)[i]
        if value(there) < value(here):
            points.append(there)
        else:
            points.append(here)
            lr /= 2
    return torch.stack(points)


def stops_where_it_is_flat(value, gradient, start, lr, steps):
    points = [start.clone()]
    for row in walk(value, gradient, start, lr, steps)[1:]:
        if gradient(points[-1]).norm() < 1e-6:
            break
        points.append(row)
    return torch.stack(points)


def steps_of_one_length(value, gradient, start, lr, steps):
    return walk(value, lambda p: gradient(p) / gradient(p).norm(), start, lr, steps)


def aliased(value, gradient, start, lr, steps):
    point = start.clone()
    points = [point]
    for row in walk(value, gradient, start, lr, steps)[1:]:
        point.copy_(row)
        points.append(point)
    return torch.stack(points)


def in_place(value, gradient, start, lr, steps):
    rows = walk(value, gradient, start, lr, steps)
    start.copy_(rows[-1])
    return rows


@pytest.mark.parametrize("answer", [walk, recursive])
def test_right_answers_pass(answer, capsys):
    careful(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (wrong(sign=1), "uphill"),
        (wrong(rate=1.0), "learning rate plays no part"),
        (wrong(rate=0.05), "too large at first"),
        (wrong(at="start"), "gradient at the start for every step"),
        (ignores_the_height, "take every step"),
        (walks_into_nan, "comparison with nan"),
        (takes_when(lambda there, here, first: there <= here), "not <="),
        (takes_when(lambda there, here, first: there < first), "height of the start"),
        (takes_when(lambda there, here, first: there < here + 1e-9), "same height"),
        (takes_when(lambda there, here, first: there < here - 1e-9), "heights near zero"),
        (
            takes_when(lambda there, here, first: there < here * 0.999),
            "step gains little: you walk",
        ),
        (takes_when(lambda there, here, first: False), "refuse the way down"),
        (halves_and_goes, "go all the same"),
        (halves_for_one_step, "stays halved"),
        (halves_until_it_goes, "a refused step is a step"),
        (one_coordinate_at_a_time, "two steps on paper"),
        (stops_where_it_is_flat, "start at the lowest point"),
        (steps_of_one_length, "two steps on paper"),
        (wrong(repeat=False), "refused step needs a row"),
        (wrong(keep="last"), "ou return one point"),
        (wrong(keep="no start"), "point is missing"),
        (wrong(keep="columns"), "ows and columns"),
        (wrong(keep="flat"), "strung together"),
        (aliased, "all your rows are the last point"),
        (in_place, "changes start"),
        (lambda v, g, s, lr, n: walk(v, g, s, lr, n + 1), "one point too many"),
        (lambda v, g, s, lr, n: list(walk(v, g, s, lr, n)), "return a tensor"),
        (lambda v, g, s, lr, n: None, "Is there a return"),
        (lambda v, g, s, lr, n: walk(v, g, s, lr, n) * 0.9, "two steps on paper"),
        (lambda v, g, s, lr, n: walk(v, g, s, lr, max(n, 1)), "For 0 steps: "),
    ],
)
def test_mistakes_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        careful(answer)
