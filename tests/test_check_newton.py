"""The checker of the chapter on Newton's method: right answers pass, mistakes get their hint."""

import pytest
import torch

from definebyrun.check import WrongAnswer
from definebyrun.check.newton import update


def expanded(inverse, step, change):
    """The same update multiplied out, as Fletcher and Goldfarb wrote it."""
    curvature = step @ change
    image = inverse @ change
    return (
        inverse
        + (1 + change @ image / curvature) * torch.outer(step, step) / curvature
        - (torch.outer(step, image) + torch.outer(image, step)) / curvature
    )


def parts(inverse, step, change):
    left = torch.eye(len(step), dtype=step.dtype) - torch.outer(step, change) / (step @ change)
    return left, torch.outer(step, step) / (step @ change)


def answer(form):
    return lambda inverse, step, change: form(inverse, *parts(inverse, step, change))


def undivided(inverse, step, change):
    left = torch.eye(3, dtype=step.dtype) - torch.outer(step, change)
    return left @ inverse @ left.T + torch.outer(step, step) / (step @ change)


def exchanged(inverse, step, change):
    left, last = parts(inverse, change, step)
    return left @ inverse @ left.T + last


def rest(inverse, step, change):
    return step - inverse @ change


def dfp(h, s, y):
    return h - torch.outer(h @ y, h @ y) / (y @ h @ y) + torch.outer(s, s) / (s @ y)


def sr1(h, s, y):
    return h + torch.outer(rest(h, s, y), rest(h, s, y)) / (rest(h, s, y) @ y)


def broyden(h, s, y):
    """Broyden's update of a Hessian, inverted."""
    b = torch.linalg.inv(h)
    return torch.linalg.inv(b + torch.outer(y - b @ s, s) / (s @ s))


def second_broyden(h, s, y):
    return h + torch.outer(rest(h, s, y), y) / (y @ y)


def greenstadt(h, s, y):
    add = torch.outer(rest(h, s, y), y) / (y @ y)
    return h + add + add.T - torch.outer(y, y) * (rest(h, s, y) @ y) / (y @ y) ** 2


def powell(h, s, y):
    """Powell's symmetric update of a Hessian, inverted: a relative that has no hint of its own."""
    b = torch.linalg.inv(h)
    left = torch.outer(y - b @ s, s) / (s @ s)
    new = b + left + left.T - torch.outer(s, s) * ((y - b @ s) @ s) / (s @ s) ** 2
    return torch.linalg.inv(new)


@pytest.mark.parametrize("right", [expanded, answer(lambda h, left, own: left @ h @ left.T + own)])
def test_right_answers_pass(right, capsys):
    update(right)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (answer(lambda h, left, own: left @ h @ left.T), "last term, δ δᵀ .* is missing"),
        (answer(lambda h, left, own: left @ h @ left.T - own), "subtracted"),
        (answer(lambda h, left, own: left @ h @ left + own), "transpose of the one on the left"),
        (answer(lambda h, left, own: left.T @ h @ left + own), "factors are exchanged"),
        (answer(lambda h, left, own: left * h * left.T + own), "element by element"),
        (lambda h, s, y: expanded(h, s, y) @ y, "transposed|shape"),
        (undivided, "not divided"),
        (exchanged, "exchanged"),
        (lambda h, s, y: s @ y, "outer product"),
        (lambda h, s, y: h, "the change must be the step"),
        (dfp, "Fletcher and Powell .*another one"),
        (sr1, "rank one .*need not stay positive definite"),
        (broyden, "Broyden's update.*no longer symmetric"),
        (second_broyden, "Broyden's second update.*no longer symmetric"),
        (greenstadt, "Greenstadt"),
        (powell, "symmetric and sends the change to the step, as it should, but many"),
        (lambda h, s, y: torch.outer(s, y) / (y @ y), "as it should be, but .* not symmetric"),
        (lambda h, s, y: None, "Is there a return"),
        (lambda h, s, y: torch.linalg.inv(h).add_(1), "must be the step"),
        (lambda h, s, y: h.add_(torch.outer(s, s)), "changes h"),
    ],
)
def test_mistakes_get_their_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=hint):
        update(wrong)
