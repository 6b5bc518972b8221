"""The Rosenbrock function and its paper derivatives; operations of our own."""

import numpy as np
import pytest
import torch
from scipy import optimize

from definebyrun.scratch.functions import rosenbrock, rosenbrock_gradient, rosenbrock_hessian
from definebyrun.scratch.operations import cosine, sigmoid

POINTS = [(0.0, 0.0), (1.0, 1.0), (-1.0, 1.5), (0.3, -2.0)]


@pytest.mark.parametrize("point", POINTS)
def test_rosenbrock_is_scipys(point):
    x, y = torch.tensor(point, dtype=torch.float64)
    assert rosenbrock(x, y).item() == pytest.approx(optimize.rosen(point), abs=1e-12)
    np.testing.assert_allclose(rosenbrock_gradient(x, y), optimize.rosen_der(point), atol=1e-12)
    np.testing.assert_allclose(rosenbrock_hessian(x, y), optimize.rosen_hess(point), atol=1e-12)


def test_rosenbrocks_paper_derivatives_are_autograds_for_any_a_and_b():
    """SciPy has a = 1, b = 100 only; here both vary, on a batch of points."""
    x, y = torch.tensor(POINTS, dtype=torch.float64).T

    def value(point):
        return rosenbrock(point[0], point[1], 2.5, 7.0)

    points = torch.stack([x, y], dim=1)
    gradients = torch.func.vmap(torch.func.grad(value))(points)
    hessians = torch.func.vmap(torch.func.hessian(value))(points)
    torch.testing.assert_close(rosenbrock_gradient(x, y, 2.5, 7.0), gradients)
    torch.testing.assert_close(rosenbrock_hessian(x, y, 2.5, 7.0), hessians)


def test_rosenbrock_keeps_the_dtype():
    assert rosenbrock(torch.zeros(3), torch.ones(3)).dtype == torch.float32


@pytest.mark.parametrize(("ours", "theirs"), [(cosine, torch.cos), (sigmoid, torch.sigmoid)])
def test_own_operations_are_the_librarys_to_second_order_and_under_func(ours, theirs):
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(ours(x), theirs(x))
    assert torch.autograd.gradcheck(ours, x)
    assert torch.autograd.gradgradcheck(ours, x)
    point = x.detach()
    for transform in (torch.func.grad, lambda f: torch.func.grad(torch.func.grad(f))):
        torch.testing.assert_close(
            torch.func.vmap(transform(ours))(point), torch.func.vmap(transform(theirs))(point)
        )


def test_the_sigmoid_keeps_its_output_and_nothing_else():
    kept = []
    x = torch.zeros(3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        out = sigmoid(x)
    assert len(kept) == 1
    assert kept[0].data_ptr() == out.data_ptr()
