"""Functions to differentiate, with the derivatives that were worked out on paper."""

import torch
from torch import Tensor


def rosenbrock(x: Tensor, y: Tensor, a: float = 1.0, b: float = 100.0) -> Tensor:
    """Return a(x - 1)² + b(y - x²)²: a curved valley with its lowest point, zero, at (1, 1).

    Args:
        x, y: coordinates, of any shapes that broadcast; dtype and device are kept.
        a, b: how steep the way along the valley and the walls beside it are; both positive.

    Source: for a = 1 and b = 100 the function of two variables that ``scipy.optimize.rosen`` has.
    """
    return a * (x - 1) ** 2 + b * (y - x**2) ** 2


def rosenbrock_gradient(x: Tensor, y: Tensor, a: float = 1.0, b: float = 100.0) -> Tensor:
    """Return the gradient (∂f/∂x, ∂f/∂y) of :func:`rosenbrock`, shape (..., 2)."""
    wall = y - x**2
    return torch.stack([2 * a * (x - 1) - 4 * b * x * wall, 2 * b * wall], dim=-1)


def rosenbrock_hessian(x: Tensor, y: Tensor, a: float = 1.0, b: float = 100.0) -> Tensor:
    """Return the Hessian of :func:`rosenbrock`, its second derivatives, shape (..., 2, 2)."""
    xx = 2 * a - 4 * b * (y - x**2) + 8 * b * x**2
    xy = (-4 * b * x).expand_as(xx)
    yy = torch.full_like(xx, 2 * b)
    return torch.stack([torch.stack([xx, xy], dim=-1), torch.stack([xy, yy], dim=-1)], dim=-2)
