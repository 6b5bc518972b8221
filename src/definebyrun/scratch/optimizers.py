"""The rules by which weights are moved, each one a function of a few lines.

All have one form: ``parameter, state = rule(parameter, gradient, state, lr=...)``. The state holds
what the rule remembers between two steps; it is empty, ``{}``, before the first. Nothing is changed
in place. Parameter and gradient have the same shape, any floating dtype and any device. In float64
each rule equals its namesake in ``torch.optim`` at every step, to rounding.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from definebyrun.scratch.landscapes import Landscape
from definebyrun.scratch.minimise import Calls, Trajectory

State = dict[str, Any]
Rule = Callable[[Tensor, Tensor, State], tuple[Tensor, State]]


def sgd(
    parameter: Tensor,
    gradient: Tensor,
    state: State,
    *,
    lr: float,
) -> tuple[Tensor, State]:
    """Step against the gradient; nothing is remembered."""
    return parameter - lr * gradient, state


def momentum(
    parameter: Tensor,
    gradient: Tensor,
    state: State,
    *,
    lr: float,
    beta: float = 0.9,
) -> tuple[Tensor, State]:
    """Step along a velocity that keeps the share beta of itself and gains the gradient."""
    velocity = beta * state.get("velocity", 0) + gradient
    return parameter - lr * velocity, {"velocity": velocity}


def nesterov(
    parameter: Tensor,
    gradient: Tensor,
    state: State,
    *,
    lr: float,
    beta: float = 0.9,
) -> tuple[Tensor, State]:
    """Step as momentum would, with the gradient taken where the velocity leads."""
    velocity = beta * state.get("velocity", 0) + gradient
    return parameter - lr * (gradient + beta * velocity), {"velocity": velocity}


def rmsprop(
    parameter: Tensor,
    gradient: Tensor,
    state: State,
    *,
    lr: float,
    beta: float = 0.99,
    eps: float = 1e-8,
) -> tuple[Tensor, State]:
    """Divide each gradient by the root of its running mean square."""
    square = beta * state.get("square", 0) + (1 - beta) * gradient**2
    return parameter - lr * gradient / (square.sqrt() + eps), {"square": square}


def adam(
    parameter: Tensor,
    gradient: Tensor,
    state: State,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Tensor, State]:
    """Divide the running mean of the gradient by the root of the running mean of its square.

    Both means begin at zero; dividing by 1 - betaᵗ takes that beginning out of them again.
    """
    step = state.get("step", 0) + 1
    mean = betas[0] * state.get("mean", 0) + (1 - betas[0]) * gradient
    square = betas[1] * state.get("square", 0) + (1 - betas[1]) * gradient**2
    root = (square / (1 - betas[1] ** step)).sqrt()
    moved = parameter - lr * (mean / (1 - betas[0] ** step)) / (root + eps)
    return moved, {"step": step, "mean": mean, "square": square}


def adamw(
    parameter: Tensor,
    gradient: Tensor,
    state: State,
    *,
    lr: float,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Tensor, State]:
    """Shrink the parameter by the share lr · weight_decay, then step as Adam would."""
    shrunk = parameter * (1 - lr * weight_decay)
    return adam(shrunk, gradient, state, lr=lr, betas=betas, eps=eps)


def race(
    landscape: Landscape,
    start: Tensor,
    rules: Mapping[str, Rule],
    *,
    steps: int,
) -> dict[str, Trajectory]:
    """Let several rules run from one start, side by side, and keep their ways.

    All stand in one tensor, a row for each, so that one call of the landscape gives the gradients
    of all: this, and a gradient in closed form, is what makes ten thousand steps quick.

    Args:
        start: shape (n,), floating.
        rules: for each name a rule with its learning rate set, such as
            ``partial(momentum, lr=2e-3)``.
        steps: how many steps each takes.

    Returns:
        For each name its trajectory, cut off as "diverged" before the first value that is not
        finite.

    Raises:
        ValueError: start has another shape, or no finite value there; steps is negative.
    """
    _check_race(landscape, start, steps)
    ways = start.new_empty(steps + 1, len(rules), len(start))
    ways[0] = start
    states: list[State] = [{} for _ in rules]
    for step in range(steps):
        gradients = landscape.gradient(ways[step])
        for runner, rule in enumerate(rules.values()):
            ways[step + 1, runner], states[runner] = rule(
                ways[step, runner], gradients[runner], states[runner]
            )
    return {name: _cut(landscape, ways[:, k]) for k, name in enumerate(rules)}


def _check_race(landscape: Landscape, start: Tensor, steps: int) -> None:
    """Refuse a start or a number of steps that cannot be run from, by its name."""
    if start.shape != (landscape.size,):
        raise ValueError(f"start has shape {tuple(start.shape)}; expected ({landscape.size},)")
    if not landscape.value(start).isfinite():
        raise ValueError(
            f"start {start.tolist()} has the value {landscape.value(start).item()}; "
            "expected a point where the value is finite"
        )
    if steps < 0:
        raise ValueError(f"steps is {steps}; expected 0 or more")


def _cut(landscape: Landscape, points: Tensor) -> Trajectory:
    """Return the trajectory of the points up to the last one that is finite."""
    values = landscape.value(points)
    sound = values.isfinite() & points.isfinite().all(1)
    length = len(points) if sound.all() else int((~sound).nonzero()[0])
    ended = "out of steps" if length == len(points) else "diverged"
    return Trajectory(points[:length], values[:length], Calls(0, length - 1, 0), ended)


def warmup_cosine(step: int, *, warmup: int, total: int) -> float:
    """Return the factor of the learning rate: up in a straight line, then down half a cosine.

    Args:
        step: from 0; the factor is 1 at ``step = warmup`` and 0 at ``step = total``.
        warmup: how many steps lead up, 0 or more; the first factor is 1 / (warmup + 1).
        total: the last step, more than ``warmup``.

    Raises:
        ValueError: warmup is negative or total not above it, or step lies outside 0 to total.
    """
    if not 0 <= warmup < total:
        given = f"warmup is {warmup} and total {total}"
        raise ValueError(f"{given}; expected 0 <= warmup < total")
    if not 0 <= step <= total:
        raise ValueError(f"step is {step}; expected 0 to {total}")
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


def clip_gradients(
    gradients: Sequence[Tensor],
    limit: float,
) -> tuple[list[Tensor], Tensor]:
    """Shorten gradients, taken together as one long vector, to the limit; leave shorter ones alone.

    Args:
        gradients: one tensor for each parameter, any shapes.
        limit: the greatest length, positive.

    Returns:
        The gradients, and the length that they had together, shape ().

    Raises:
        ValueError: the limit is not positive, or there is no gradient.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
    """
    if not limit > 0:
        raise ValueError(f"limit is {limit}; expected a positive number")
    if not gradients:
        raise ValueError("gradients is empty; expected one a parameter")
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (limit / (length + 1e-6)).clamp(max=1)
    return [gradient * factor for gradient in gradients], length
