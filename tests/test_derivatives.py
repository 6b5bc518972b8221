"""Differences have the size of error that the theory gives them, and their best step with it."""

import math

import pytest
import torch

from definebyrun.scratch.derivatives import (
    best_central_step,
    best_forward_step,
    central_difference,
    difference_gradient,
    forward_difference,
)
from definebyrun.scratch.landscapes import rosenbrock

SLOPE = -4 * math.sin(4)
THIRD = -32.747912799
SECOND = 11.971902922


def cosine_of_square(x):
    return torch.cos(x**2)


@pytest.mark.parametrize(
    ("difference", "dtype", "step", "error"),
    [
        (central_difference, torch.float32, 2.0**-12, 1.2e-5),
        (central_difference, torch.float64, 2.0**-19, 3.5e-12),
        (forward_difference, torch.float32, 2.0**-14, 1.3e-4),
        (forward_difference, torch.float64, 2.0**-28, 1.6e-8),
    ],
)
def test_the_least_error_among_powers_of_two_and_where_it_lies(difference, dtype, step, error):
    """The figures of cos(x²) at 2; near the best step luck moves them by a factor of a few."""
    steps = torch.tensor([2.0**-k for k in range(2, 45)], dtype=dtype)
    errors = (difference(cosine_of_square, torch.tensor(2.0, dtype=dtype), steps) - SLOPE).abs()
    at = (steps - step).abs().argmin()
    assert error / 10 < errors.min() < error * 3
    assert errors[at] < error * 10


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_theoretical_steps_are_near_the_measured_best(dtype):
    steps = torch.tensor([2.0**-k for k in range(2, 45)], dtype=dtype)
    for difference, theory in (
        (forward_difference, best_forward_step(math.cos(4), SECOND, dtype)),
        (central_difference, best_central_step(math.cos(4), THIRD, dtype)),
    ):
        errors = (difference(cosine_of_square, torch.tensor(2.0, dtype=dtype), steps) - SLOPE).abs()
        # smooth the luck of single steps before asking for the place of the least error
        smooth = errors.log().unfold(0, 5, 1).mean(1)
        best = steps[2:-2][smooth.argmin()].item()
        assert 1 / 8 < theory / best < 8


def test_the_central_difference_gains_two_digits_where_the_forward_gains_one():
    x = torch.tensor(2.0, dtype=torch.float64)
    for difference, order in ((forward_difference, 1), (central_difference, 2)):
        long, short = [(difference(cosine_of_square, x, h) - SLOPE).abs() for h in (1e-3, 1e-4)]
        assert torch.log10(long / short).item() == pytest.approx(order, abs=0.05)


def test_difference_gradient_is_the_gradient():
    f = rosenbrock()
    point = torch.tensor([-1.0, 1.5], dtype=torch.float64)
    torch.testing.assert_close(
        difference_gradient(f.value, point, 1e-5), f.gradient(point), rtol=1e-6, atol=1e-6
    )
    with pytest.raises(ValueError, match=r"point has shape \(2, 1\); expected \(n,\)"):
        difference_gradient(f.value, point[:, None], 1e-5)
