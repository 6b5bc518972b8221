"""Landscapes have the gradients and Hessians of their values, on one point and on a map."""

import numpy as np
import pytest
import torch
from scipy import optimize

from definebyrun.scratch.landscapes import differentiated, rosenbrock, two_hollows, valley

LANDSCAPES = {
    "rosenbrock": rosenbrock(),
    "another rosenbrock": rosenbrock(2.5, 7.0),
    "valley": valley(1, 25),
    "deep valley": valley(1, 2, 3),
    "two hollows": two_hollows(),
}
torch.manual_seed(0)


@pytest.mark.parametrize("name", LANDSCAPES)
def test_gradient_and_hessian_are_autograds(name):
    f = LANDSCAPES[name]
    points = torch.randn(4, 3, f.size, dtype=torch.float64)
    truth = differentiated(f.value, f.size)
    torch.testing.assert_close(f.gradient(points), truth.gradient(points))
    torch.testing.assert_close(f.hessian(points), truth.hessian(points))
    torch.testing.assert_close(f.hessian(points[0, 0]), truth.hessian(points[0, 0]))
    assert f.value(points).shape == (4, 3)


def test_autograds_own_way_agrees_with_torch_func_point_by_point():
    """`differentiated` sums over points; here each point is differentiated alone."""
    f = differentiated(rosenbrock().value, 2)
    for point in torch.randn(3, 2, dtype=torch.float64):
        torch.testing.assert_close(f.gradient(point), torch.func.grad(f.value)(point))


def test_rosenbrock_is_scipys():
    f = rosenbrock()
    for point in torch.randn(5, 2, dtype=torch.float64):
        assert f.value(point).item() == pytest.approx(optimize.rosen(point.numpy()))
        np.testing.assert_allclose(f.gradient(point), optimize.rosen_der(point.numpy()))
        np.testing.assert_allclose(f.hessian(point), optimize.rosen_hess(point.numpy()))


def test_lowest_points_are_level_and_the_saddle_is_one():
    for name, point in (("rosenbrock", [1, 1]), ("valley", [0, 0]), ("two hollows", [0, -1])):
        here = torch.tensor(point, dtype=torch.float64)
        assert LANDSCAPES[name].value(here) == 0
        assert not LANDSCAPES[name].gradient(here).any()
    middle = torch.zeros(2, dtype=torch.float64)
    assert not two_hollows().gradient(middle).any()
    assert torch.linalg.eigvalsh(two_hollows().hessian(middle)).tolist() == [-1, 1]


def test_hessian_of_the_start_is_indefinite():
    """Newton's famous start works by luck: fixed figures of the page."""
    hessian = rosenbrock().hessian(torch.tensor([-1, 1.5], dtype=torch.float64))
    assert hessian.tolist() == [[602, 400], [400, 200]]
    np.testing.assert_allclose(torch.linalg.eigvalsh(hessian), [-46.7, 848.7], atol=0.05)


def test_dtype_is_kept():
    for f in LANDSCAPES.values():
        point = torch.ones(f.size)
        assert {f.value(point).dtype, f.gradient(point).dtype, f.hessian(point).dtype} == {
            torch.float32
        }


def test_a_valley_without_axes_is_refused():
    with pytest.raises(ValueError, match="curvatures is empty"):
        valley()
