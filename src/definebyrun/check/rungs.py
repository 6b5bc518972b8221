"""Checks the exercises of the chapter on the five rungs."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, guarded, run

Array = NDArray[np.float64]
Arrays = tuple[Array, ...]

NAMES = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")


def bias_gradients(answer: Callable[..., Any]) -> None:
    """Check a function that returns the gradients of the two-layer network with biases.

    Args:
        answer: called as ``answer(x, y, w1, b1, w2, b2)`` with float64 arrays; returns the
            gradients of the mean squared error with respect to w1, b1, w2, b2, in this order.

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    rules = Rules(
        forbid={
            "*": "The exercise asks for NumPy and formulas of your own. PyTorch would find the "
            "gradients for you: that is rung 2."
        }
    )
    problem = _small_network()
    right = _gradients(problem)
    samples, outputs = problem[1].shape
    named = dict(zip(NAMES, right, strict=True))
    rows = "Every sample uses the same bias: what happens to the slopes of something that is used"
    mistakes: dict[str, Arrays] = {
        "Each gradient has the wrong sign: is the error p - y, or the other way round?": _scaled(
            right, -1.0
        ),
        "Each gradient is half of what it should be: differentiate the square again.": _scaled(
            right, 0.5
        ),
        "Your gradients belong to the sum of the squares; the loss is their mean over samples and "
        "outputs.": _scaled(right, samples * outputs),
        "Your gradients are too large by the number of samples: the loss is a mean over the batch "
        "as well.": _scaled(right, samples),
        "Your gradients are too large by the number of outputs: the error of one sample is a mean "
        "over its outputs.": _scaled(right, outputs),
        "grad_b1 and grad_b2 are too small by the number of samples. The mean over the batch is "
        "already in the gradient of p: what is left to do with the rows?": tuple(
            array / samples if name in ("grad_b1", "grad_b2") else array
            for name, array in named.items()
        ),
        "grad_w2 and grad_b2 are right, grad_w1 and grad_b1 are not: on the way back through the "
        "ReLU, what happens to a unit that was off?": _gradients(problem, _relu_forward_only),
        "You let the slope through where h is exactly 0. There the ReLU is off: the units that are "
        "on have h > 0.": _gradients(problem, _relu_on_at_zero),
        "These are the gradients of a network without a ReLU: what becomes of h before it meets "
        "w2, and what does that change on the way back?": _gradients(problem, _no_relu),
        "These are the gradients at biases of zero: do b1 and b2 take part in h and p?": _gradients(
            (*problem[:3], 0 * problem[3], problem[4], 0 * problem[5])
        ),
        f"grad_b1 and grad_b2 have one row a sample. {rows} many times?": _with_rows(problem),
        "grad_w1 or grad_w2 is transposed: a gradient has the shape of what it is the gradient "
        "of.": (right[0].T, right[1], right[2].T, right[3]),
        "grad_w1 is transposed: a gradient has the shape of what it is the gradient of.": (
            right[0].T,
            *right[1:],
        ),
        "grad_w2 is transposed: a gradient has the shape of what it is the gradient of.": (
            *right[:2],
            right[2].T,
            right[3],
        ),
    }
    run(
        answer,
        *problem,
        truth=right,
        mistakes=mistakes,
        look="Mend the last of them first: going back from the loss, the others rest on it. Compare"
        " one entry with a central difference.",
        names=NAMES,
        tolerance=1e-9,
        rules=rules,
    )
    other = _small_network(samples=3, outputs=4)
    run(
        answer,
        *other,
        truth=_gradients(other),
        look="With five samples and two outputs it was right. Which number in your function is "
        "fixed that should follow from the shapes?",
        names=NAMES,
        tolerance=1e-9,
        rules=rules,
        case="three samples and four outputs",
    )
    print("Right: the four gradients agree with autograd.")


def _small_network(samples: int = 5, outputs: int = 2) -> Arrays:
    """Return x, y, w1, b1, w2, b2; one unit of one sample has h = 0 exactly."""
    rng = np.random.default_rng(8)
    shapes = ((samples, 4), (samples, outputs), (4, 3), (3,), (3, outputs), (outputs,))
    problem = tuple(rng.normal(size=shape) for shape in shapes)
    problem[0][0] = 0  # so that h is b1 for the first sample,
    problem[3][0] = 0  # and 0 for its first unit
    return problem


def _scaled(arrays: Arrays, factor: float) -> Arrays:
    return tuple(factor * array for array in arrays)


def _with_rows(problem: Arrays) -> Arrays:
    """Return the gradients with those of the biases still apart for each sample."""
    x, y, w1, b1, w2, b2 = problem
    apart = (x, y, w1, np.tile(b1, (len(x), 1)), w2, np.tile(b2, (len(x), 1)))
    return _gradients(apart)


def _relu_forward_only(h: Tensor) -> Tensor:
    """Return the ReLU, with a slope of one everywhere."""
    return h + (torch.relu(h) - h).detach()


def _relu_on_at_zero(h: Tensor) -> Tensor:
    """Return the ReLU, with a slope of one at zero."""
    return torch.where(h >= 0, h, torch.zeros_like(h))


def _no_relu(h: Tensor) -> Tensor:
    return h


def _gradients(problem: Arrays, activation: Callable[[Tensor], Tensor] = torch.relu) -> Arrays:
    """Return the gradients by autograd, of the network with this activation."""
    x, y, *weights = (torch.tensor(array) for array in problem)
    w1, b1, w2, b2 = (weight.requires_grad_() for weight in weights)
    p = activation(x @ w1 + b1) @ w2 + b2
    found = torch.autograd.grad(torch.mean((p - y) ** 2), (w1, b1, w2, b2))
    return tuple(gradient.numpy() for gradient in found)


def momentum_step(answer: Callable[..., Any]) -> None:
    """Check a function that takes one step of gradient descent with momentum.

    Args:
        answer: called as ``answer(w, grad, velocity, lr, momentum)`` with arrays and two
            numbers; returns the new weights and the new velocity. The truth is
            ``torch.optim.SGD(..., lr=lr, momentum=momentum)``.

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    lr, momentum = 0.1, 0.8
    w, grad, velocity = np.array([1.0, -2.0]), np.array([0.5, 3.0]), np.array([2.0, -1.0])
    after = momentum * velocity + grad
    right = w - lr * after
    blend = momentum * velocity + (1 - momentum) * grad
    scaled = momentum * velocity + lr * grad
    given = call(answer, w, grad, velocity, lr, momentum)
    typical = {
        "This step goes uphill: the velocity is subtracted.": w + lr * after,
        "This is plain gradient descent: the step does not use the velocity.": w - lr * grad,
        "The step uses the velocity from before: first update the velocity, then step with the"
        " new one.": w - lr * velocity,
        "Your velocity is an average of the old one and the gradient. In torch.optim.SGD the"
        " gradient comes in whole.": w - lr * blend,
        "This looks ahead, as Nesterov's variant does: plain momentum steps by lr times the new"
        " velocity alone.": w - lr * (grad + momentum * after),
        "Your velocity keeps all of the old one, a ball without friction: where does momentum"
        " come in?": w - lr * (velocity + grad),
        "You multiply the gradient by momentum: it is the old velocity that loses a little at"
        " each step.": w - lr * (velocity + momentum * grad),
    }
    # what a mistake does to the weights tells it, whatever came back as the velocity
    second = given[1] if isinstance(given, tuple | list) and len(given) == 2 else None
    mistakes = {hint: (weights, second) for hint, weights in typical.items()}
    signed = momentum * velocity - lr * grad
    pairs: dict[str, Arrays] = {
        "This is the other form of the rule, with the learning rate and the minus inside the"
        " velocity. Here the velocity adds up gradients: v = βv + g, and then w - ηv.": (
            w + signed,
            signed,
        ),
        "You multiply the gradient by lr before it enters the velocity. In torch.optim.SGD lr"
        " comes in only when the weights move.": (w - scaled, scaled),
        "The velocity is right, but the step is as long as the velocity: which number makes it"
        " shorter?": (w - after, after),
        "Both arrays are right, in the other order: return the weights first, then the velocity.": (
            after,
            right,
        ),
    }
    compare(
        given,
        (right, after),
        {**pairs, **mistakes},
        "Write the two lines of the rule one below the other, and compute them once on paper for a"
        " single weight.",
        names=("w", "velocity"),
        tolerance=1e-9,
    )
    w, grad, velocity = np.random.default_rng(8).normal(size=(3, 2, 4))
    after = 0.5 * velocity + grad
    run(
        answer,
        *(w, grad, velocity, 0.03, 0.5),
        truth=(w - 0.03 * after, after),
        look="With lr = 0.1 and momentum = 0.8 it was right. Which number in your function is "
        "fixed that should be an argument?",
        names=("w", "velocity"),
        tolerance=1e-9,
        case="weights of shape (2, 4), lr = 0.03 and momentum = 0.5",
    )
    print("Right: the same step as torch.optim.SGD with momentum.")


def training_step(answer: Callable[..., Any]) -> None:
    """Check a function that takes one whole training step and returns the loss before it.

    Args:
        answer: called as ``answer(model, optimizer, x, y)``; returns the mean squared error as
            a Python float and leaves the model one step further.

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    x, y, model, optimizer = _small_training()
    before = [weight.detach().clone() for weight in model.parameters()]
    first_loss = F.mse_loss(model(x), y).item()
    never, late, right = _trained("never"), _trained("late"), _trained("in time")
    stepped: list[SGD] = []
    optimizer.register_step_post_hook(lambda *_: stepped.append(optimizer))
    rules = Rules(in_place=(0, 1))
    first = call(answer, model, optimizer, x, y, rules=rules)
    with guarded():
        _check_weights(model, before)
        second_loss = F.mse_loss(model(x), y).item()
    _check_loss(first, first_loss, second_loss)
    if not stepped:
        raise WrongAnswer(
            "The weights moved, but not by the optimizer that your function was given: it is the"
            " one to clear the gradients and to step."
        )
    for _ in range(2):
        call(answer, model, optimizer, x, y, rules=rules)
    compare(
        _weights(model),
        right,
        {
            "Every step is too long: backward adds to the gradients that are there already. Who"
            " clears them?": never,
            "The first step is too long. The model came with gradients in it, from whoever used"
            " it before, and you clear them only afterwards.": late,
        },
        "The weights move, but elsewhere than they should: four steps, once each, in the order"
        " predict, loss, gradient, update.",
    )
    print("Right: three steps of yours end where three steps of ours end.")


def _small_training() -> tuple[Tensor, Tensor, nn.Linear, SGD]:
    generator = torch.Generator().manual_seed(8)
    x, y = torch.randn(6, 3, generator=generator), torch.randn(6, 2, generator=generator)
    with torch.random.fork_rng(devices=()):  # the model's own start is overwritten
        model = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.randn(2, 3, generator=generator))
    F.mse_loss(model(x), y).backward()  # gradients that somebody left behind
    return x, y, model, SGD(model.parameters(), lr=0.1)


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def _trained(clear: str) -> Tensor:
    """Return the weights after three steps, with the gradients cleared in time, late or never."""
    x, y, model, optimizer = _small_training()
    for _ in range(3):
        if clear == "in time":
            optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        if clear == "late":
            optimizer.zero_grad()
    return _weights(model)


def _check_weights(model: nn.Module, before: list[Tensor]) -> None:
    weights = list(model.parameters())
    if not all(torch.equal(weight, old) for weight, old in zip(weights, before, strict=True)):
        return
    gradients = [weight.grad for weight in weights]
    if all(gradient is None for gradient in gradients):
        raise WrongAnswer(
            "The weights did not move, and no gradient is there: backward was not called, or its"
            " gradients were cleared before the update could use them."
        )
    if all(gradient is None or not gradient.any() for gradient in gradients):
        raise WrongAnswer(
            "The weights did not move, and all gradients are zero: they were cleared between"
            " backward and the update."
        )
    raise WrongAnswer(
        "The gradients are there, but the weights did not move: the update is missing, or it came"
        " before backward."
    )


def _check_loss(found: Any, before: float, after: float) -> None:
    if isinstance(found, Tensor):
        raise WrongAnswer(
            "You return a tensor. It holds on to the graph of its step; return the number alone,"
            " with item()."
        )
    compare(
        found,
        before,
        {"This is the loss after the update; return the one before it.": after},
        "The loss is the mean of the squared errors.",
        low=0,
        tolerance=1e-6 * max(1.0, before),
    )


def bias_gradient(answer: Callable[[Array], Any]) -> None:
    """Check a function that gives the gradient of a bias.

    Args:
        answer: takes the gradient of the loss with respect to the affine layer's output, shape
            (samples, units); returns the gradient with respect to its bias, shape (units,).

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    slopes = np.random.default_rng(8).normal(size=(5, 3))
    run(
        answer,
        slopes,
        truth=np.array([math.fsum(column) for column in slopes.T]),
        mistakes={
            "You take the mean over the samples. The 1/M is already in the slopes: each sample"
            " adds its own.": slopes.mean(axis=0),
            "This is the slope of one sample. All of them use the bias.": slopes[0],
            "The sign is turned round.": -slopes.sum(axis=0),
        },
        look="Add up on paper what the five samples send to the first bias.",
        shapes={
            (5,): "You sum over the units. There is one bias a unit, used by every sample: which"
            " axis has to disappear?",
            (5, 3): "You have one row a sample. Every sample uses the same bias: what happens to"
            " the slopes of something that is used many times?",
            (1, 3): "A bias is one row of numbers: leave the axis of the samples out.",
            (): "You sum over everything. Each unit has a bias of its own.",
        },
        tolerance=1e-9,
        case="5 samples and 3 units",
    )
    print("Right: each bias collects the slopes of all samples.")
