"""Checks the exercises of the chapter on the five rungs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD

from definebyrun.check.answer import WrongAnswer

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
    problem = _small_network()
    right = _gradients(problem)
    given = answer(*(array.copy() for array in problem))
    if not isinstance(given, tuple | list) or len(given) != 4:
        raise WrongAnswer(f"Return four gradients, {', '.join(NAMES)}, in this order.")
    found = tuple(np.asarray(array) for array in given)
    samples, outputs = problem[1].shape
    _check_shapes(found, right, samples)
    if _close(found, right):
        print("Right: the four gradients agree with autograd.")
        return
    for factor, hint in (
        (-1.0, "Each gradient has the wrong sign: is the error p - y, or the other way round?"),
        (0.5, "Each gradient is half of what it should be: differentiate the square again."),
        (samples * outputs, "Your gradients belong to the sum of the squares; the loss is their"
         " mean over samples and outputs."),
        (samples, "Your gradients are too large by the number of samples: the loss is a mean over"
         " the batch as well."),
        (outputs, "Your gradients are too large by the number of outputs: the error of one sample"
         " is a mean over its outputs."),
    ):  # fmt: skip
        if _close(found, tuple(factor * array for array in right)):
            raise WrongAnswer(hint)
    if _close(found[1::2], tuple(array / samples for array in right[1::2])):
        raise WrongAnswer(
            "grad_b1 and grad_b2 are too small by the number of samples. The mean over the batch"
            " is already in the gradient of p: what is left to do with the rows?"
        )
    if _close(found, _gradients(problem, _relu_forward_only)):
        raise WrongAnswer(
            "grad_w2 and grad_b2 are right, grad_w1 and grad_b1 are not: on the way back through"
            " the ReLU, what happens to a unit that was off?"
        )
    if _close(found, _gradients(problem, _no_relu)):
        raise WrongAnswer(
            "These are the gradients of a network without a ReLU: what becomes of h before it meets"
            " w2, and what does that change on the way back?"
        )
    if _close(found, _gradients((*problem[:3], 0 * problem[3], problem[4], 0 * problem[5]))):
        raise WrongAnswer(
            "These are the gradients at biases of zero: do b1 and b2 take part in h and p?"
        )
    wrong = [n for n, a, b in zip(NAMES, found, right, strict=True) if not np.allclose(a, b)]
    raise WrongAnswer(
        f"Wrong: {', '.join(wrong)}. Mend the last of them first: going back from the loss, the"
        " others rest on it. Compare one entry with a central difference."
    )


def _small_network() -> Arrays:
    rng = np.random.default_rng(8)
    shapes = ((5, 4), (5, 2), (4, 3), (3,), (3, 2), (2,))
    return tuple(rng.normal(size=shape) for shape in shapes)


def _relu_forward_only(h: Tensor) -> Tensor:
    """Return the ReLU, with a slope of one everywhere."""
    return h + (torch.relu(h) - h).detach()


def _no_relu(h: Tensor) -> Tensor:
    return h


def _gradients(problem: Arrays, activation: Callable[[Tensor], Tensor] = torch.relu) -> Arrays:
    """Return the gradients by autograd, of the network with this activation."""
    x, y, *weights = (torch.tensor(array) for array in problem)
    w1, b1, w2, b2 = (weight.requires_grad_() for weight in weights)
    p = activation(x @ w1 + b1) @ w2 + b2
    found = torch.autograd.grad(torch.mean((p - y) ** 2), (w1, b1, w2, b2))
    return tuple(gradient.numpy() for gradient in found)


def _close(found: Arrays, right: Arrays) -> bool:
    return all(np.allclose(a, b, atol=1e-9) for a, b in zip(found, right, strict=True))


def _check_shapes(found: Arrays, right: Arrays, samples: int) -> None:
    shapes, expected = [array.shape for array in found], [array.shape for array in right]
    if shapes != expected and sorted(shapes) == sorted(expected):
        raise WrongAnswer(
            "The shapes are those of the four gradients, in another order: return"
            f" {', '.join(NAMES)}."
        )
    for name, array, true in zip(NAMES, found, right, strict=True):
        if array.shape == true.shape:
            continue
        if array.shape == (samples, *true.shape):
            raise WrongAnswer(
                f"{name} has one row a sample, shape {array.shape}. Every sample uses the same"
                " bias: what happens to the slopes of something that is used many times?"
            )
        if array.shape == true.shape[::-1]:
            raise WrongAnswer(f"{name} has shape {array.shape}, expected {true.shape}: transposed.")
        raise WrongAnswer(
            f"{name} has shape {array.shape}, expected {true.shape}: a gradient has the shape of"
            " what it is the gradient of."
        )


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
    inputs = w.copy(), grad.copy(), velocity.copy()
    given = answer(*inputs, lr, momentum)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise WrongAnswer("Return two things: the new weights and the new velocity.")
    if not all(np.array_equal(a, b) for a, b in zip(inputs, (w, grad, velocity), strict=True)):
        raise WrongAnswer(
            "Your function changed an array that it was given. Whoever called it still holds that"
            " array: compute a new one instead of writing into the old."
        )
    found = np.asarray(given[0]), np.asarray(given[1])
    after = momentum * velocity + grad
    if _close(found, (w - lr * after, after)):
        print("Right: the same step as torch.optim.SGD with momentum.")
        return
    blend = momentum * velocity + (1 - momentum) * grad
    scaled = momentum * velocity + lr * grad
    wrong: list[tuple[Array, Array | None, str]] = [
        (w + lr * after, None, "This step goes uphill: the velocity is subtracted."),
        (w - lr * grad, None, "This is plain gradient descent: the step does not use the"
         " velocity."),
        (w - lr * velocity, None, "The step uses the velocity from before: first update the"
         " velocity, then step with the new one."),
        (w - lr * blend, None, "Your velocity is an average of the old one and the gradient. In"
         " torch.optim.SGD the gradient comes in whole."),
        (w - scaled, scaled, "You multiply the gradient by lr before it enters the velocity. In"
         " torch.optim.SGD lr comes in only when the weights move."),
        (w - lr * (grad + momentum * after), None, "This looks ahead, as Nesterov's variant does:"
         " plain momentum steps by lr times the new velocity alone."),
        (w - lr * (velocity + grad), None, "Your velocity keeps all of the old one, a ball without"
         " friction: where does momentum come in?"),
        (w - lr * (velocity + momentum * grad), None, "You multiply the gradient by momentum: it is"
         " the old velocity that loses a little at each step."),
        (w - after, after, "The velocity is right, but the step is as long as the velocity: which"
         " number makes it shorter?"),
        (after, w - lr * after, "Both arrays are right, in the other order: return the weights"
         " first, then the velocity."),
    ]  # fmt: skip
    for weights, speed, hint in wrong:
        if np.allclose(found[0], weights) and (speed is None or np.allclose(found[1], speed)):
            raise WrongAnswer(hint)
    if np.allclose(found[0], w - lr * after):
        raise WrongAnswer("The weights are right; the velocity you return is not the new one.")
    if np.allclose(found[1], after):
        raise WrongAnswer("The velocity is right; the weights after the step with it are not.")
    raise WrongAnswer(
        "Neither the velocity nor the step is right: write the two lines of the rule one below the"
        " other, and compute them once on paper for a single weight."
    )


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
    stepped: list[SGD] = []
    optimizer.register_step_post_hook(lambda *_: stepped.append(optimizer))
    first = answer(model, optimizer, x, y)
    _check_weights(model, before)
    _check_loss(first, first_loss, F.mse_loss(model(x), y).item())
    if not stepped:
        raise WrongAnswer(
            "The weights moved, but not by the optimizer that your function was given: it is the"
            " one to clear the gradients and to step."
        )
    for _ in range(2):
        answer(model, optimizer, x, y)
    if torch.allclose(_weights(model), _trained(clear=True)):
        print("Right: three steps of yours end where three steps of ours end.")
    elif torch.allclose(_weights(model), _trained(clear=False)):
        raise WrongAnswer(
            "The first step is right, later ones are too long: backward adds to the gradients that"
            " are there already. Who clears them?"
        )
    else:
        raise WrongAnswer(
            "The weights move, but elsewhere than they should: four steps, once each, in the order"
            " predict, loss, gradient, update."
        )


def _small_training() -> tuple[Tensor, Tensor, nn.Linear, SGD]:
    generator = torch.Generator().manual_seed(8)
    x, y = torch.randn(6, 3, generator=generator), torch.randn(6, 2, generator=generator)
    model = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.randn(2, 3, generator=generator))
    return x, y, model, SGD(model.parameters(), lr=0.1)


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def _trained(clear: bool) -> Tensor:
    """Return the weights after three steps, with the gradients cleared before each or not."""
    x, y, model, optimizer = _small_training()
    for _ in range(3):
        if clear:
            optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
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
    if not isinstance(found, float):
        raise WrongAnswer(f"Return the loss, a float; your function returned {found!r}.")
    if abs(found - after) < 1e-6 * after:
        raise WrongAnswer("This is the loss after the update; return the one before it.")
    if abs(found - before) > 1e-6 * before:
        raise WrongAnswer(
            f"The loss is {found:.6g}, expected {before:.6g}: the mean of the squared errors."
        )
