"""Functions of a point to walk on: each with its gradient and its Hessian.

A point has its coordinates along the last axis, so one call also takes a whole map of points:
(..., n) gives values (...), gradients (..., n) and Hessians (..., n, n). The dtype and the device
are those of the points.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from definebyrun.scratch import functions


class Landscape(NamedTuple):
    """A function of points with ``size`` coordinates, its gradient and its Hessian."""

    size: int
    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    hessian: Callable[[Tensor], Tensor]


def rosenbrock(a: float = 1.0, b: float = 100.0) -> Landscape:
    """Return a(x - 1)² + b(y - x²)²: a curved valley, lowest at (1, 1), where it is zero."""
    return Landscape(
        size=2,
        value=lambda p: functions.rosenbrock(p[..., 0], p[..., 1], a, b),
        gradient=lambda p: functions.rosenbrock_gradient(p[..., 0], p[..., 1], a, b),
        hessian=lambda p: functions.rosenbrock_hessian(p[..., 0], p[..., 1], a, b),
    )


def valley(*curvatures: float) -> Landscape:
    """Return ½ Σ cᵢxᵢ²: a straight valley, lowest at the origin, as steep as its curvatures cᵢ.

    Args:
        curvatures: one number for each axis, such as ``valley(1, 25)``; a negative one slopes
            away from the origin.

    Raises:
        ValueError: there is no curvature.
    """
    if not curvatures:
        raise ValueError("curvatures is empty; expected one number for each axis")

    def along_axes(points: Tensor) -> Tensor:
        return torch.tensor(curvatures, dtype=points.dtype, device=points.device)

    return Landscape(
        size=len(curvatures),
        value=lambda p: (along_axes(p) * p**2).sum(-1) / 2,
        gradient=lambda p: along_axes(p) * p,
        hessian=lambda p: along_axes(p).diag().expand(*p.shape, p.shape[-1]).clone(),
    )


def two_hollows() -> Landscape:
    """Return x²/2 + (y² - 1)²/4: lowest at (0, 1) and (0, -1), with a pass at the origin."""

    def value(p: Tensor) -> Tensor:
        x, y = p[..., 0], p[..., 1]
        return x**2 / 2 + (y**2 - 1) ** 2 / 4

    def gradient(p: Tensor) -> Tensor:
        x, y = p[..., 0], p[..., 1]
        return torch.stack([x, y**3 - y], dim=-1)

    def hessian(p: Tensor) -> Tensor:
        y = p[..., 1]
        return torch.stack([torch.ones_like(y), 3 * y**2 - 1], dim=-1).diag_embed()

    return Landscape(2, value, gradient, hessian)


def differentiated(value: Callable[[Tensor], Tensor], size: int) -> Landscape:
    """Return a landscape whose gradient and Hessian autograd finds, from the value alone.

    Args:
        value: takes points of shape (..., size) and returns (...), in PyTorch's operations.
        size: how many coordinates a point has.
    """

    def hessian(points: Tensor) -> Tensor:
        each: Tensor = torch.func.vmap(torch.func.hessian(value))(points.reshape(-1, size))
        return each.reshape(*points.shape, size)

    return Landscape(
        size=size,
        value=value,
        gradient=torch.func.grad(lambda points: value(points).sum()),
        hessian=hessian,
    )
