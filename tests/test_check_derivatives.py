"""The checker of the page on derivatives accepts right answers and names typical mistakes."""

import pytest
import torch

from definebyrun.check import WrongAnswer, derivatives


def twice_by_autograd(f, x):
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    return torch.autograd.grad(slope.sum(), x)[0]


def test_right_answers_pass(capsys):
    derivatives.second_difference(lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2)
    derivatives.second_difference(
        lambda f, x, h: ((f(x + h) - f(x)) / h - (f(x) - f(x - h)) / h) / h
    )
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h, "h squared"),
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / (2 * h**2), "2h squared"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), "first derivative"),
        (lambda f, x, h: (f(x + h) - f(x) + f(x - h)) / h**2, "both formulas"),
        (lambda f, x, h: f(x + h) - 2 * f(x) + f(x - h), "forgot"),
        (lambda f, x, h: (f(x + 1e-4) - 2 * f(x) + f(x - 1e-4)) / 1e-8, "derivative itself"),
        (lambda f, x, h: (f(x + 0.1) - 2 * f(x) + f(x - 0.1)) / 0.01, "step of your own"),
        (lambda f, x, h: (f(x + 1e-3) - 2 * f(x) + f(x - 1e-3)) / 1e-6, "step of your own"),
        (lambda f, x, h: (f(h) - 2 * f(0 * x) + f(-h)) / h**2, "at x = 1"),
        (lambda f, x, h: twice_by_autograd(f, x), "derivative itself"),
        (lambda f, x, h: (f(x + 2 * h) - 2 * f(x) + f(x - 2 * h)) / (4 * h**2), r"x \+ 2h; they"),
        (lambda f, x, h: (f(x + 2 * h) - 2 * f(x + h) + f(x)) / h**2, "x, x \\+ h and .* one side"),
        (lambda f, x, h: (f(x) - 2 * f(x - h) + f(x - 2 * h)) / h**2, "x - h and x, .* one side"),
        (lambda f, x, h: 2 * (f(x + h) - f(x)) / h**2, "."),
        (lambda f, x, h: 12 * x**2 + 2 * h**2, "at x = 1"),
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)).sum(), "."),
        (lambda f, x, h: h, "."),
        (lambda f, x: x, "."),
    ],
)
def test_typical_mistakes_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        derivatives.second_difference(answer)
