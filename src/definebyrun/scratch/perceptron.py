"""The perceptron: one neuron that learns from its mistakes."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Learned:
    """What a perceptron went through.

    Attributes:
        weights: one row before the first correction and one after each, shape
            (corrections + 1, n + 1); the last column is the bias.
        mistakes: how many points were answered wrongly in each pass over the data.
    """

    weights: Tensor
    mistakes: tuple[int, ...]


def fires(x: Tensor, weights: Tensor) -> Tensor:
    """Return 1 where the weighted sum of the inputs plus the bias is over zero, else 0.

    Args:
        x: points, shape (m, n), floating.
        weights: n weights and the bias, shape (n + 1,), same dtype and device.

    Returns:
        The answers, shape (m,), in the dtype of x.
    """
    return (x @ weights[:-1] + weights[-1] > 0).to(x.dtype)


def learn_perceptron(x: Tensor, y: Tensor, passes: int = 100) -> Learned:
    """Go through the points again and again; after each mistake, correct the weights.

    All weights begin at zero. Learning ends with the first pass without a mistake.

    Args:
        x: points, shape (m, n), floating; dtype and device are kept.
        y: targets, each 0 or 1, shape (m,).
        passes: how often to go through the points at most, at least 1.

    Raises:
        ValueError: x, y or passes is not of this form.

    Source: Rosenblatt (1958), in the form of Novikoff (1962).
    """
    _refuse_unfit(x, y, passes)
    inputs = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    weights, mistakes = [torch.zeros_like(inputs[0])], []
    for _ in range(passes):
        before = len(weights)
        for point, target in zip(inputs, y.to(x), strict=True):
            answer = (point @ weights[-1] > 0).to(x)
            if answer != target:
                weights.append(weights[-1] + (target - answer) * point)
        mistakes.append(len(weights) - before)
        if mistakes[-1] == 0:
            break
    return Learned(weights=torch.stack(weights), mistakes=tuple(mistakes))


def _refuse_unfit(x: Tensor, y: Tensor, passes: int) -> None:
    """Refuse what is no data of this form."""
    if x.ndim != 2 or not x.is_floating_point() or len(x) == 0:
        raise ValueError(f"x is {x.dtype} of shape {tuple(x.shape)}; expected floats (m, n), m > 0")
    if not x.isfinite().all():
        raise ValueError("x holds nan or inf; expected finite numbers")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y has shape {tuple(y.shape)}; expected ({len(x)},), one a point")
    if not ((y == 0) | (y == 1)).all():
        raise ValueError(f"y holds {y[(y != 0) & (y != 1)][0].item()}; expected 0 or 1")
    if passes < 1:
        raise ValueError(f"passes is {passes}; expected at least 1")
