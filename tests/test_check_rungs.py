"""Checkers of the chapter on the five rungs: right answers pass, each typical mistake its hint."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.optim import SGD

from definebyrun.check import WrongAnswer, rungs


def gradients(
    x,
    y,
    w1,
    b1,
    w2,
    b2,
    *,
    scale=None,
    sign=1,
    kink=True,
    relu=True,
    rows=np.sum,
    use_bias=True,
    at_zero=False,
    square=2,
):
    """Return the right gradients, or those of one mistake."""
    if not use_bias:
        b1, b2 = 0 * b1, 0 * b2
    h = x @ w1 + b1
    a = np.maximum(h, 0) if relu else h
    p = a @ w2 + b2
    grad_p = sign * square * (p - y) / (scale or y.size)
    grad_h = grad_p @ w2.T
    if kink and relu:
        grad_h = grad_h * (h >= 0 if at_zero else h > 0)
    return (
        x.T @ grad_h,
        rows(grad_h, axis=0),
        a.T @ grad_p,
        rows(grad_p, axis=0),
    )


def mistake(**options):
    return lambda *arrays: gradients(*arrays, **options)


def by_autograd(*arrays):
    x, y, *weights = (torch.tensor(array) for array in arrays)
    w1, b1, w2, b2 = (weight.requires_grad_() for weight in weights)
    loss = F.mse_loss(torch.relu(x @ w1 + b1) @ w2 + b2, y)
    return tuple(grad.numpy() for grad in torch.autograd.grad(loss, (w1, b1, w2, b2)))


def untransposed(*arrays):
    grad_w1, grad_b1, grad_w2, grad_b2 = gradients(*arrays)
    return grad_w1.T, grad_b1, grad_w2, grad_b2


def misshapen(*arrays):
    grad_w1, grad_b1, grad_w2, grad_b2 = gradients(*arrays)
    return grad_w1, grad_b1.sum(), grad_w2, grad_b2


def unrelated(*arrays):
    grad_w1, grad_b1, grad_w2, grad_b2 = gradients(*arrays)
    return 3 * grad_w1, grad_b1, grad_w2, grad_b2


def momentum(w, grad, velocity, lr, momentum):
    velocity = momentum * velocity + grad
    return w - lr * velocity, velocity


def in_place(w, grad, velocity, lr, momentum):
    velocity *= momentum
    velocity += grad
    return w - lr * velocity, velocity


def average(w, grad, velocity, lr, momentum):
    velocity = momentum * velocity + (1 - momentum) * grad
    return w - lr * velocity, velocity


def lr_inside(w, grad, velocity, lr, momentum):
    velocity = momentum * velocity + lr * grad
    return w - velocity, velocity


def nesterov(w, grad, velocity, lr, momentum):
    velocity = momentum * velocity + grad
    return w - lr * (grad + momentum * velocity), velocity


def own_optimizer(model, optimizer, x, y):
    return step(model, SGD(model.parameters(), lr=0.1), x, y)


def step(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def never_cleared(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def cleared_at_the_end(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def no_backward(model, optimizer, x, y):
    optimizer.zero_grad()
    optimizer.step()
    return F.mse_loss(model(x), y).item()


def cleared_too_late(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.zero_grad(set_to_none=False)
    optimizer.step()
    return loss.item()


def no_update(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def loss_afterwards(model, optimizer, x, y):
    step(model, optimizer, x, y)
    return F.mse_loss(model(x), y).item()


def sum_of_squares(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y, reduction="sum")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def sum_of_squares_hidden(model, optimizer, x, y):
    before = F.mse_loss(model(x), y).item()
    sum_of_squares(model, optimizer, x, y)
    return before


def returns_tensor(model, optimizer, x, y):
    loss = F.mse_loss(model(x), y)
    step(model, optimizer, x, y)
    return loss


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (rungs.bias_gradients, gradients),
        (rungs.bias_gradients, lambda *arrays: list(gradients(*arrays))),
        (rungs.momentum_step, momentum),
        (rungs.training_step, step),
        (rungs.bias_gradient, lambda slopes: slopes.sum(axis=0)),
        (rungs.bias_gradient, lambda slopes: np.ones(len(slopes)) @ slopes),
    ],
)
def test_right_answers_pass(check, answer, capsys):
    check(answer)
    printed = capsys.readouterr().out
    assert printed.startswith("Right: ")
    assert printed.count("\n") == 1


WRONG = [
    (rungs.bias_gradients, lambda *arrays: gradients(*arrays)[:2], "Return 4 things: grad_w1"),
    (rungs.bias_gradients, lambda *arrays: gradients(*arrays)[::-1], "in another order"),
    (rungs.bias_gradients, mistake(sign=-1), "wrong sign"),
    (rungs.bias_gradients, mistake(square=1), "half of what"),
    (rungs.bias_gradients, mistake(scale=1), "belong to the sum"),
    (rungs.bias_gradients, mistake(scale=2), "by the number of samples: the loss is a mean"),
    (rungs.bias_gradients, mistake(scale=5), "by the number of outputs"),
    (rungs.bias_gradients, mistake(rows=np.mean), "too small by the number of samples"),
    (rungs.bias_gradients, mistake(rows=lambda a, axis: a), "have one row a sample. Every"),
    (rungs.bias_gradients, mistake(kink=False), "what happens to a unit that was off"),
    (rungs.bias_gradients, mistake(relu=False), "without a ReLU"),
    (rungs.bias_gradients, mistake(at_zero=True), "h is exactly 0"),
    (rungs.bias_gradients, mistake(use_bias=False), "at biases of zero"),
    (rungs.bias_gradients, untransposed, "grad_w1 is transposed"),
    (rungs.bias_gradients, misshapen, "grad_b1 has shape (), expected"),
    (rungs.bias_gradients, unrelated, "Wrong: grad_w1. Mend"),
    (rungs.bias_gradients, by_autograd, "NumPy and formulas of your own"),
    (rungs.bias_gradients, mistake(scale=10), "For three samples and four outputs"),
    (
        rungs.momentum_step,
        lambda w, g, v, lr, m: (w + (m * v - lr * g), m * v - lr * g),
        "the other form of the rule",
    ),
    (
        rungs.momentum_step,
        lambda w, g, v, lr, m: (w - lr * (0.8 * v + g), 0.8 * v + g),
        "For weights of shape (2, 4)",
    ),
    (rungs.momentum_step, lambda w, *_: 1 * w, "Return 2 things: w, velocity"),
    (rungs.momentum_step, in_place, "changes velocity, which it was given"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w + lr * (m * v + g), m * v + g), "uphill"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w - lr * g, m * v + g), "plain gradient"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w - lr * v, m * v + g), "from before"),
    (rungs.momentum_step, average, "an average"),
    (rungs.momentum_step, lr_inside, "before it enters the velocity"),
    (rungs.momentum_step, nesterov, "looks ahead"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w - lr * (v + g), v + g), "without friction"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w - lr * (v + m * g), 0 * v), "loses a little"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w - (m * v + g), m * v + g), "as long as"),
    (rungs.momentum_step, lambda *a: momentum(*a)[::-1], "in the other order"),
    (rungs.momentum_step, lambda w, g, v, lr, m: (w, m * v + g), "Wrong: w. Write"),
    (
        rungs.momentum_step,
        lambda w, g, v, lr, m: (w - lr * (m * v + g), v),
        "Wrong: velocity.",
    ),
    (
        rungs.momentum_step,
        lambda w, g, v, lr, m: (0 * w, v),
        "Wrong: w, velocity.",
    ),
    (rungs.training_step, never_cleared, "Who"),
    (rungs.training_step, cleared_at_the_end, "The first step is too long"),
    (rungs.training_step, no_backward, "no gradient is there"),
    (rungs.training_step, cleared_too_late, "between backward and the update"),
    (rungs.training_step, no_update, "the update is missing"),
    (rungs.training_step, loss_afterwards, "the loss after the update"),
    (rungs.training_step, sum_of_squares, "the mean of the squared errors"),
    (rungs.training_step, sum_of_squares_hidden, "elsewhere than they should"),
    (rungs.bias_gradient, lambda slopes: slopes.mean(axis=0), "ou take the mean over the samples"),
    (rungs.bias_gradient, lambda slopes: slopes[0], "slope of one sample"),
    (rungs.bias_gradient, lambda slopes: -slopes.sum(axis=0), "turned round"),
    (rungs.bias_gradient, lambda slopes: slopes.sum(axis=1), "You sum over the units"),
    (rungs.bias_gradient, lambda slopes: slopes, "one row a sample"),
    (rungs.bias_gradient, lambda slopes: slopes.sum(axis=0, keepdims=True), "leave the axis"),
    (rungs.bias_gradient, lambda slopes: slopes.sum(), "sum over everything"),
    (rungs.bias_gradient, lambda slopes: slopes.max(axis=0), "Add up on paper"),
    (rungs.training_step, own_optimizer, "not by the optimizer that your function was given"),
    (rungs.training_step, returns_tensor, "You return a tensor"),
    (rungs.training_step, lambda *a: [step(*a)], "of type list; return a number"),
]


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_own_hint(check, answer, hint):
    with pytest.raises(WrongAnswer, match=re.escape(hint)):
        check(answer)


def test_hints_differ():
    """No two mistakes share a hint: each says what is wrong with this answer."""
    hints = []
    for check, answer, _ in WRONG:
        with pytest.raises(WrongAnswer) as caught:
            check(answer)
        hints.append(str(caught.value))
    assert len(set(hints)) == len(hints)
