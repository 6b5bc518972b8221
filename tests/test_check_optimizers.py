"""The checker of the page on optimizers accepts right answers and names typical mistakes."""

import pytest
import torch

from definebyrun.check import WrongAnswer, optimizers


def right(parameter, gradient, state, lr):
    total = state.get("total", 0) + gradient**2
    return parameter - lr * gradient / (total.sqrt() + 1e-10), {"total": total}


def test_the_right_answer_passes_and_equals_pytorch(capsys):
    optimizers.adagrad(right)
    assert capsys.readouterr().out.startswith("Right")
    ours, state = torch.ones(3, dtype=torch.float64), {}
    theirs = torch.nn.Parameter(ours.clone())
    library = torch.optim.Adagrad([theirs], lr=0.1)
    for gradient in torch.randn(20, 3, dtype=torch.float64):
        ours, state = right(ours, gradient, state, 0.1)
        theirs.grad = gradient.clone()
        library.step()
    torch.testing.assert_close(ours, theirs.detach())


def forgets(p, g, s, lr):
    return p - lr * g / (g.abs() + 1e-10), {}


def no_root(p, g, s, lr):
    total = s.get("t", 0) + g**2
    return p - lr * g / (total + 1e-10), {"t": total}


def epsilon_inside(p, g, s, lr):
    total = s.get("t", 0) + g**2
    return p - lr * g / (total + 1e-10).sqrt(), {"t": total}


def no_epsilon(p, g, s, lr):
    total = s.get("t", 0) + g**2
    return p - lr * g / total.sqrt(), {"t": total}


def other_epsilon(p, g, s, lr):
    total = s.get("t", 0) + g**2
    return p - lr * g / (total.sqrt() + 1e-8), {"t": total}


def rmsprop(p, g, s, lr):
    square = 0.99 * s.get("t", 0) + 0.01 * g**2
    return p - lr * g / (square.sqrt() + 1e-10), {"t": square}


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda p, g, s, lr: (p - lr * g, s), "plain"),
        (lambda p, g, s, lr: (p + lr * g / (g.abs() + 1e-10), s), "against"),
        (forgets, "state"),
        (no_root, "where is the root"),
        (epsilon_inside, "inside the root"),
        (no_epsilon, "where is ε"),
        (other_epsilon, "not the 10"),
        (rmsprop, "RMSprop"),
        (lambda p, g, s, lr: p, "two things"),
        (lambda p, g, s, lr: (None, {}), "."),
        (lambda p, g, s, lr: (p * float("nan"), {}), "."),
    ],
)
def test_typical_mistakes_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        optimizers.adagrad(answer)
