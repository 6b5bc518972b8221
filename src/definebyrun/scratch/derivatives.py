"""Slopes from values alone: differences, and the step at which they are least wrong.

A difference is wrong twice over. With a long step the curve bends between the points: that is
truncation. With a short step two nearly equal numbers are subtracted, and what remains is their
rounding. The best step is where one mistake has fallen to the size of the other.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def forward_difference(
    function: Callable[[Tensor], Tensor], x: Tensor, step: float | Tensor
) -> Tensor:
    """Return (f(x + h) - f(x)) / h: the slope of the chord from x to the right.

    Args:
        function: works on each element alone, and keeps the shape.
        x: where, any shape, floating; dtype and device are kept.
        step: h, not zero; a tensor of steps broadcasts against x.
    """
    return (function(x + step) - function(x)) / step


def central_difference(
    function: Callable[[Tensor], Tensor], x: Tensor, step: float | Tensor
) -> Tensor:
    """Return (f(x + h) - f(x - h)) / 2h: the slope of the chord across x.

    Args:
        function: works on each element alone, and keeps the shape.
        x: where, any shape, floating; dtype and device are kept.
        step: h, not zero; a tensor of steps broadcasts against x.
    """
    return (function(x + step) - function(x - step)) / (2 * step)


def difference_gradient(
    function: Callable[[Tensor], Tensor],
    point: Tensor,
    step: float,
) -> Tensor:
    """Return the gradient by one central difference along each axis: 2n runs of the function.

    Args:
        function: takes a point of shape (n,) and returns a number, shape ().
        point: shape (n,), floating.
        step: h, the same along every axis, not zero.

    Returns:
        The n partial derivatives, shape (n,).

    Raises:
        ValueError: the point has another shape.
    """
    if point.ndim != 1:
        raise ValueError(f"point has shape {tuple(point.shape)}; expected (n,)")
    axes = torch.eye(len(point), dtype=point.dtype, device=point.device)
    slopes = []
    for axis in axes:
        rise = function(point + step * axis) - function(point - step * axis)
        slopes.append(rise / (2 * step))
    return torch.stack(slopes)


def best_forward_step(value: float, second: float, dtype: torch.dtype) -> float:
    """Return the step at which a forward difference should be least wrong, 2√(u|f| / |f''|).

    Truncation costs h|f''| / 2 and rounding at most 2u|f| / h, with u half the machine epsilon:
    each of the two values is wrong by up to u|f|. Their sum is least where its slope is zero.

    Args:
        value: f(x), not zero.
        second: f''(x), not zero.
        dtype: the floating type in which the function is computed.

    Source: Nocedal & Wright, Numerical Optimization.
    """
    unit = torch.finfo(dtype).eps / 2
    return float(2 * (unit * abs(value) / abs(second)) ** (1 / 2))


def best_central_step(value: float, third: float, dtype: torch.dtype) -> float:
    """Return the step at which a central difference should be least wrong, ∛(3u|f| / |f'''|).

    Truncation costs h²|f'''| / 6 and rounding at most u|f| / h, with u half the machine epsilon.

    Args:
        value: f(x), not zero.
        third: f'''(x), not zero.
        dtype: the floating type in which the function is computed.

    Source: Nocedal & Wright, Numerical Optimization.
    """
    unit = torch.finfo(dtype).eps / 2
    return float((3 * unit * abs(value) / abs(third)) ** (1 / 3))
