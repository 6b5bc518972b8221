"""Walking downhill: methods that minimise a landscape and keep the way they went.

Every method takes a landscape and a start of shape (n,), works in the dtype and on the device of
the start, and returns a :class:`Trajectory`. A walk that leaves the finite numbers is no error: it
ends as "diverged", and the way so far is kept. All methods raise ValueError, with the name of the
argument, for a start of another shape or dtype, a start without a finite value, and numbers out of
their range.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from definebyrun.scratch.landscapes import Landscape


class SingularHessian(ArithmeticError):
    """The Hessian at a point cannot be solved for Newton's step; ``trajectory`` led there."""

    def __init__(self, message: str, trajectory: "Trajectory") -> None:
        """Keep the way so far beside the message."""
        super().__init__(message)
        self.trajectory = trajectory


class Calls(NamedTuple):
    """How often a method asked for values, gradients and Hessians."""

    values: int
    gradients: int
    hessians: int


@dataclass(frozen=True)
class Trajectory:
    """The way of a method: where it went, how high, what that cost, and why it ended.

    Attributes:
        points: shape (steps + 1, n), the start first.
        values: shape (steps + 1,), the height of each point. They are kept for the reader; only
            what the method itself needed is counted in ``calls``.
        calls: how often it asked the landscape for values, gradients and Hessians.
        ended: "converged" (the gradient is within the tolerance), "out of steps", "diverged" (the
            next point or its value is not finite), "stuck" (no step goes down any more) or
            "singular" (see :class:`SingularHessian`).
    """

    points: Tensor
    values: Tensor
    calls: Calls
    ended: str

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.points) - 1

    @property
    def end(self) -> Tensor:
        """The last point, shape (n,)."""
        return self.points[-1]

    def distances(self, goal: Tensor) -> Tensor:
        """Return how far each point is from the goal, shape (steps + 1,)."""
        away: Tensor = torch.linalg.vector_norm(self.points - goal, dim=1)
        return away

    def first_within(self, radius: float, goal: Tensor) -> int | None:
        """Return after how many steps the goal was first nearer than the radius; None if never."""
        near = (self.distances(goal) < radius).nonzero()
        return int(near[0]) if len(near) else None

    def __repr__(self) -> str:
        """Say in one line how the walk ended."""
        place = ", ".join(f"{x:.6g}" for x in self.end.tolist()[:4])
        dots = ", …" if len(self.end) > 4 else ""
        return (
            f"Trajectory({self.ended} after {self.steps} steps at ({place}{dots}), "
            f"value {self.values[-1].item():.3g}, {self.calls})"
        )


class _Walk:
    """A walk in progress: answers a method's questions, counts them, and keeps the way."""

    def __init__(self, landscape: Landscape, start: Tensor, steps: int, tolerance: float) -> None:
        if start.shape != (landscape.size,):
            raise ValueError(
                f"start has shape {tuple(start.shape)}; expected ({landscape.size},), "
                "one number for each coordinate of the landscape"
            )
        if not start.is_floating_point():
            raise ValueError(f"start has dtype {start.dtype}; expected a floating type")
        if steps < 0:
            raise ValueError(f"steps is {steps}; expected 0 or more")
        if not tolerance >= 0:
            raise ValueError(f"tolerance is {tolerance}; expected 0 or more")
        height = landscape.value(start)
        if not height.isfinite():
            raise ValueError(
                f"start {start.tolist()} has the value {height.item()}; "
                "expected a point where the value is finite"
            )
        self.landscape, self.limit, self.tolerance = landscape, steps, tolerance
        self.points, self.values = [start.detach().clone()], [height.detach()]
        self.calls: Counter[str] = Counter()
        self.ended = ""

    @property
    def point(self) -> Tensor:
        return self.points[-1]

    def value(self, point: Tensor) -> Tensor:
        self.calls["values"] += 1
        return self.landscape.value(point)

    def gradient(self, point: Tensor) -> Tensor:
        self.calls["gradients"] += 1
        return self.landscape.gradient(point)

    def hessian(self, point: Tensor) -> Tensor:
        self.calls["hessians"] += 1
        return self.landscape.hessian(point)

    def finished(self, gradient: Tensor) -> bool:
        """Say whether the walk is over where it stands, and note why."""
        if gradient.norm() <= self.tolerance:
            self.ended = "converged"
        elif len(self.points) > self.limit:
            self.ended = "out of steps"
        return bool(self.ended)

    def go(self, point: Tensor) -> None:
        """Take a step; where no finite value waits, the walk has diverged and stays."""
        height = self.landscape.value(point)
        if point.isfinite().all() and height.isfinite():
            self.points.append(point)
            self.values.append(height)
        else:
            self.ended = "diverged"

    def trajectory(self) -> Trajectory:
        calls = Calls(self.calls["values"], self.calls["gradients"], self.calls["hessians"])
        return Trajectory(torch.stack(self.points), torch.stack(self.values), calls, self.ended)


def _need_positive(name: str, number: float) -> None:
    """Refuse a number that is not positive and finite, by its name."""
    if not 0 < number < math.inf:
        raise ValueError(f"{name} is {number}; expected a positive, finite number")


def gradient_descent(
    landscape: Landscape,
    start: Tensor,
    *,
    lr: float,
    steps: int = 100,
    tolerance: float = 0.0,
) -> Trajectory:
    """Step against the gradient, times the learning rate, again and again.

    Args:
        lr: the learning rate, positive.
        steps: how many steps at most.
        tolerance: end where the gradient is no longer than this.
    """
    _need_positive("lr", lr)
    walk = _Walk(landscape, start, steps, tolerance)
    while not walk.ended:
        gradient = walk.gradient(walk.point)
        if not walk.finished(gradient):
            walk.go(walk.point - lr * gradient)
    return walk.trajectory()


def steepest_descent(
    landscape: Landscape,
    start: Tensor,
    *,
    steps: int = 1000,
    tolerance: float = 1e-8,
) -> Trajectory:
    """Step against the gradient, as far as a line search allows.

    The search begins with twice the length that it allowed last, and with 1 at the start.

    Args:
        steps: how many steps at most.
        tolerance: end where the gradient is no longer than this.
    """
    walk = _Walk(landscape, start, steps, tolerance)
    length = 0.5
    while not walk.ended:
        gradient = walk.gradient(walk.point)
        if not walk.finished(gradient):
            length = _search(walk, -gradient, gradient, 2 * length)
            _go_along(walk, -gradient, length)
    return walk.trajectory()


def newton(
    landscape: Landscape,
    start: Tensor,
    *,
    lr: float = 1.0,
    line_search: bool = False,
    steps: int = 100,
    tolerance: float = 0.0,
) -> Trajectory:
    """Step to the point where the quadratic model of the landscape is level, or a part of the way.

    The step d solves H d = -∇f. Without a line search it is taken as it is, times ``lr``, downhill
    or not. With one, a d that does not lead down gives way to the direction against the gradient,
    and the step is as long as the search allows.

    Args:
        lr: the share of the step that is taken, positive; a damped method has lr < 1. A line
            search begins with it.
        line_search: whether to search for a lower point along each step.
        steps: how many steps at most.
        tolerance: end where the gradient is no longer than this.

    Raises:
        SingularHessian: no step solves the equation at a point; the message names the point.
    """
    _need_positive("lr", lr)
    walk = _Walk(landscape, start, steps, tolerance)
    while not walk.ended:
        gradient = walk.gradient(walk.point)
        if walk.finished(gradient):
            break
        direction = -_solve(walk, walk.hessian(walk.point), gradient)
        if not line_search:
            walk.go(walk.point + lr * direction)
            continue
        if gradient @ direction >= 0:
            direction = -gradient
        _go_along(walk, direction, _search(walk, direction, gradient, lr))
    return walk.trajectory()


def levenberg(
    landscape: Landscape,
    start: Tensor,
    *,
    damping: float = 1.0,
    steps: int = 100,
    tolerance: float = 1e-8,
) -> Trajectory:
    """Step as Newton's method would with H + λI, where λ grows until the step leads down.

    A λ is large enough when H + λI is positive definite and the value falls. It is divided by ten
    after each step and multiplied by ten after each failure.

    Args:
        damping: the first λ, positive.
        steps: how many steps at most.
        tolerance: end where the gradient is no longer than this.

    Source: Levenberg, Quarterly of Applied Mathematics 2 (1944) 164-168.
    """
    _need_positive("damping", damping)
    walk = _Walk(landscape, start, steps, tolerance)
    while not walk.ended:
        gradient = walk.gradient(walk.point)
        if walk.finished(gradient):
            break
        hessian, height = walk.hessian(walk.point), walk.values[-1]
        step, damping = damped_step(walk.value, walk.point, height, gradient, hessian, damping)
        if step.any():
            walk.go(walk.point + step)
            damping /= 10
        else:
            walk.ended = "stuck"
    return walk.trajectory()


def damped_step(
    value: Callable[[Tensor], Tensor],
    point: Tensor,
    height: Tensor,
    gradient: Tensor,
    hessian: Tensor,
    damping: float,
) -> tuple[Tensor, float]:
    """Raise λ tenfold until H + λI is positive definite and its step leads down.

    Args:
        value: the height of a point.
        point: where the step begins, shape (n,).
        height: the value there.
        gradient, hessian: the derivatives there, shapes (n,) and (n, n).
        damping: the first λ to try.

    Returns:
        The step, and the λ that it was made with. A step of zeros says that none led down with a λ
        below 1e20.

    Source: Levenberg, Quarterly of Applied Mathematics 2 (1944) 164-168.
    """
    while damping < 1e20:
        damped = hessian + damping * torch.eye(len(point)).to(hessian)
        if torch.linalg.cholesky_ex(damped).info == 0:
            step = -torch.linalg.solve(damped, gradient)
            if value(point + step) < height:
                return step, damping
        damping *= 10
    return torch.zeros_like(point), damping


def bfgs_update(inverse: Tensor, step: Tensor, change: Tensor) -> Tensor:
    """Return the inverse Hessian that knows one more step, and is otherwise changed least.

    The new matrix sends the change of the gradient to the step: this is what an inverse Hessian
    does. It stays symmetric, and positive definite while ``step @ change`` is positive.

    Args:
        inverse: the inverse Hessian so far, shape (n, n), symmetric.
        step: how the point moved, shape (n,).
        change: how the gradient changed, shape (n,).

    Raises:
        ValueError: step @ change is not positive.

    Source: Nocedal & Wright, Numerical Optimization.
    """
    curvature = step @ change
    if not curvature > 0:
        raise ValueError(
            f"step @ change is {curvature.item():.3g}; expected a positive number: "
            "the slope along the step must grow"
        )
    identity = torch.eye(len(step), dtype=step.dtype, device=step.device)
    left = identity - torch.outer(step, change) / curvature
    return left @ inverse @ left.T + torch.outer(step, step) / curvature


def bfgs(
    landscape: Landscape,
    start: Tensor,
    *,
    steps: int = 200,
    tolerance: float = 1e-8,
    update: Callable[[Tensor, Tensor, Tensor], Tensor] = bfgs_update,
) -> Trajectory:
    """Step as Newton's method would, with an inverse Hessian that is learnt from the gradients.

    Args:
        steps: how many steps at most.
        tolerance: end where the gradient is no longer than this.
        update: makes the next inverse Hessian from the last, the step and the gradient's change.

    Source: Nocedal & Wright, Numerical Optimization.
    """
    walk = _Walk(landscape, start, steps, tolerance)
    inverse = torch.eye(len(start), dtype=start.dtype, device=start.device)
    gradient = walk.gradient(start)
    while not walk.ended and not walk.finished(gradient):
        direction = -inverse @ gradient
        length, after = _wolfe(walk, direction, gradient)
        _go_along(walk, direction, length)
        if not walk.ended:
            step, change = length * direction, after - gradient
            inverse = update(inverse, step, change)
            gradient = after
    return walk.trajectory()


def _go_along(walk: _Walk, direction: Tensor, length: float) -> None:
    """Go along the direction; a length of zero means that the search found no way down."""
    if length:
        walk.go(walk.point + length * direction)
    else:
        walk.ended = "stuck"


def backtrack(
    value: Callable[[Tensor], Tensor],
    point: Tensor,
    height: Tensor,
    direction: Tensor,
    slope: Tensor,
    length: float = 1.0,
) -> float:
    """Halve the length until the value falls, by a small share of what the slope promises.

    Args:
        value: the height of a point.
        point: where the step begins, shape (n,).
        height: the value there.
        direction: where it leads, shape (n,).
        slope: the gradient along the direction, negative.
        length: the first length to try.

    Returns:
        The length, or 0 where sixty halvings found no lower value.

    Source: Armijo, Minimization of functions having Lipschitz continuous first partial
    derivatives (1966).
    """
    for _ in range(60):
        new = value(point + length * direction)
        if new < height and new <= height + 1e-4 * length * slope:
            return length
        length /= 2
    return 0.0


def _search(walk: _Walk, direction: Tensor, gradient: Tensor, length: float) -> float:
    """Search along a direction from where the walk stands."""
    slope = gradient @ direction
    return backtrack(walk.value, walk.point, walk.values[-1], direction, slope, length)


def _wolfe(walk: _Walk, direction: Tensor, gradient: Tensor) -> tuple[float, Tensor]:
    """Find a length, and the gradient there, where the value fell and the slope has levelled out.

    The first condition is Armijo's; the second, a slope of at most 0.9 of the first, makes
    ``step @ change`` positive. The length is bisected, or doubled while nothing bounds it above.

    Source: Lewis & Overton, Mathematical Programming 141 (2013) 135-163.
    """
    height, slope = walk.values[-1], gradient @ direction
    low, high, length = 0.0, math.inf, 1.0
    for _ in range(60):
        point = walk.point + length * direction
        value = walk.value(point)
        if not (value < height and value <= height + 1e-4 * length * slope):
            high = length
        else:
            new_gradient = walk.gradient(point)
            if new_gradient @ direction >= 0.9 * slope:
                return length, new_gradient
            low = length
        length = 2 * low if math.isinf(high) else (low + high) / 2
    return 0.0, gradient


def _solve(walk: _Walk, hessian: Tensor, gradient: Tensor) -> Tensor:
    """Solve H d = g; a singular H is reported with the point at which it is."""
    try:
        step: Tensor = torch.linalg.solve(hessian, gradient)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        walk.ended = "singular"
        raise SingularHessian(
            f"hessian is singular at {walk.point.tolist()}; expected one that can be solved. "
            "levenberg adds a multiple of the identity until it can",
            walk.trajectory(),
        ) from None
    return step
