"""Methods walk as their formulas say, equal the libraries', and say why they ended."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import optimize

from definebyrun.scratch.landscapes import (
    Landscape,
    differentiated,
    rosenbrock,
    two_hollows,
    valley,
)
from definebyrun.scratch.minimise import (
    SingularHessian,
    backtrack,
    bfgs,
    bfgs_update,
    damped_step,
    gradient_descent,
    levenberg,
    newton,
    steepest_descent,
)

START = torch.tensor([-1, 1.5], dtype=torch.float64)
GOAL = torch.ones(2, dtype=torch.float64)


def point(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


# --- fixed figures of the pages


def test_newton_with_half_steps_halves_the_distance():
    way = newton(rosenbrock(), START, lr=0.5)
    torch.testing.assert_close(way.end, GOAL, rtol=0, atol=1e-14)
    assert way.steps == 100
    assert way.first_within(1e-6, GOAL) == 52
    distances = way.distances(GOAL)
    ratios = distances[46:60] / distances[45:59]
    torch.testing.assert_close(ratios, torch.full_like(ratios, 0.5), rtol=1e-3, atol=0)


def test_newton_with_whole_steps_is_there_in_six_over_a_mountain():
    way = newton(rosenbrock(), START, steps=10)
    assert way.first_within(1e-6, GOAL) == 6
    assert way.values.max().item() == pytest.approx(1217, abs=0.5)
    assert way.ended == "converged"


def test_newton_with_a_tenth_of_a_step_is_still_on_its_way():
    assert newton(rosenbrock(), START, lr=0.1).distances(GOAL)[-1].item() == pytest.approx(
        0.548, abs=5e-4
    )


def test_newtons_direction_at_the_start_descends_though_the_model_is_a_saddle():
    f = rosenbrock()
    gradient = f.gradient(START)
    direction = -torch.linalg.solve(f.hessian(START), gradient)
    assert (gradient @ direction).item() == pytest.approx(-49.9, abs=0.05)


def test_one_weight_by_hand():
    """f(w) = (w - 2)² from 1.95: -0.1, 1.98, -0.04, 1.992, and the error times 0.4 each step."""
    f = Landscape(
        1, lambda p: ((p - 2) ** 2).sum(-1), lambda p: 2 * (p - 2), lambda p: 2 * p[..., None] ** 0
    )
    way = gradient_descent(f, point(1.95), lr=0.3, steps=3)
    torch.testing.assert_close(way.points[:, 0], point(1.95, 1.98, 1.992, 1.9968))
    assert way.values[0].item() == pytest.approx(0.0025)
    torch.testing.assert_close(f.gradient(way.points)[:2, 0], point(-0.1, -0.04))


# --- against the libraries


def test_gradient_descent_is_torch_optim_sgd():
    way = gradient_descent(rosenbrock(), START, lr=1e-3, steps=50)
    weight = START.clone().requires_grad_()
    optimizer = torch.optim.SGD([weight], lr=1e-3)
    for ours in way.points[1:]:
        optimizer.zero_grad()
        rosenbrock().value(weight).backward()
        optimizer.step()
        torch.testing.assert_close(weight.detach(), ours, rtol=1e-11, atol=1e-11)


def test_bfgs_update_builds_scipys_inverse_hessian_from_scipys_points():
    """SciPy learns nothing from its last step, so neither does the comparison."""
    points = [START.numpy()]
    result = optimize.minimize(
        optimize.rosen,
        START.numpy(),
        jac=optimize.rosen_der,
        method="BFGS",
        callback=lambda x: points.append(x.copy()),
    )
    inverse = torch.eye(2, dtype=torch.float64)
    for before, after in pairwise(points[:-1]):
        change = optimize.rosen_der(after) - optimize.rosen_der(before)
        inverse = bfgs_update(inverse, torch.tensor(after - before), torch.tensor(change))
    np.testing.assert_allclose(inverse, result.hess_inv, rtol=1e-8)


@pytest.mark.parametrize("size", [2, 5])
def test_bfgs_ends_where_scipys_does_for_no_more_than_twice_the_price(size):
    def value(p):
        return (100 * (p[..., 1:] - p[..., :-1] ** 2) ** 2 + (1 - p[..., :-1]) ** 2).sum(-1)

    start = torch.linspace(-1, 1.5, size, dtype=torch.float64)
    theirs = optimize.minimize(
        optimize.rosen, start.numpy(), jac=optimize.rosen_der, method="BFGS", tol=1e-8
    )
    ours = bfgs(differentiated(value, size), start)
    assert ours.ended == "converged"
    np.testing.assert_allclose(ours.end, theirs.x, atol=1e-7)
    assert ours.calls.gradients < 2 * theirs.njev


def test_bfgs_walks_with_an_update_that_is_given():
    hill, start = rosenbrock(), torch.tensor([-1.0, 1.5])
    own = bfgs(hill, start, steps=300, update=lambda inverse, step, change: torch.eye(2))
    assert torch.equal(own.points[1], bfgs(hill, start).points[1])
    assert own.steps > 2 * bfgs(hill, start).steps  # it forgets: steepest descent


def test_bfgs_learns_the_hessian_of_a_valley():
    """n steps along independent directions fix a quadratic's Hessian, whatever the lengths."""
    hessian = torch.tensor([[4.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    inverse = torch.eye(2, dtype=torch.float64)
    first = point(1, 0)
    second = point(0, 1) - (hessian @ first)[1] / (first @ hessian @ first) * first  # conjugate
    for step in (first, second):
        inverse = bfgs_update(inverse, step, hessian @ step)
    torch.testing.assert_close(inverse @ hessian @ first, first)
    torch.testing.assert_close(inverse, torch.linalg.inv(hessian))


# --- the cures


@pytest.mark.parametrize(
    "method",
    [
        lambda f, start: newton(f, start, line_search=True, tolerance=1e-8),
        levenberg,
        bfgs,
        lambda f, start: steepest_descent(f, start, steps=50_000),
    ],
    ids=["newton", "levenberg", "bfgs", "steepest"],
)
@pytest.mark.parametrize("start", [(-1, 1.5), (0, 0), (3, -2), (-1.2, 1)])
def test_methods_that_look_before_they_step_never_climb_and_arrive(method, start):
    way = method(rosenbrock(), point(*start))
    assert way.ended == "converged"
    assert (way.values.diff() <= 0).all()
    assert way.distances(GOAL)[-1] < 1e-6


def test_newton_stops_on_a_saddle_where_the_cures_do_not():
    start = point(0.5, 0.1)
    assert newton(two_hollows(), start, steps=20).distances(point(0, 0))[-1] < 1e-6
    for way in (newton(two_hollows(), start, line_search=True), levenberg(two_hollows(), start)):
        assert way.values[-1] < 1e-12


def test_newton_needs_one_step_on_any_valley():
    way = newton(valley(1, 25, 400), point(3, -2, 1), tolerance=1e-12)
    assert way.steps == 1
    assert way.calls == (0, 2, 1)


def test_a_gradient_that_points_the_wrong_way_ends_stuck():
    true = valley(1, 25)
    wrong = true._replace(gradient=lambda p: -true.gradient(p))
    for method in (steepest_descent, levenberg, bfgs):
        way = method(wrong, point(1, 1))
        assert way.ended == "stuck"
        assert way.steps == 0


# --- divergence and bad input


def test_divergence_is_said_and_the_way_so_far_is_kept():
    way = gradient_descent(rosenbrock(), START, lr=0.02, steps=100)
    assert way.ended == "diverged"
    assert 2 <= way.steps < 10
    assert way.points.isfinite().all()
    assert way.values.isfinite().all()
    assert "diverged" in repr(way)


def test_the_bound_of_a_parabola_parts_falling_from_rising():
    below, above = [
        gradient_descent(valley(1, 25), point(1, 1), lr=lr, steps=200).values
        for lr in (0.99 * 2 / 25, 1.01 * 2 / 25)
    ]
    assert below[-1] < 0.01
    assert above[-1] > 100


@pytest.mark.parametrize("method", [steepest_descent, newton, levenberg, bfgs])
def test_bad_starts_are_refused_by_name(method):
    f = rosenbrock()
    with pytest.raises(ValueError, match=r"start has shape \(3,\); expected \(2,\)"):
        method(f, point(1, 2, 3))
    with pytest.raises(ValueError, match=r"start has dtype torch.int64; expected a floating type"):
        method(f, torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"start \[nan, 0.0\] has the value nan; expected a point"):
        method(f, point(math.nan, 0))
    with pytest.raises(ValueError, match="steps is -1; expected 0 or more"):
        method(f, START, steps=-1)
    with pytest.raises(ValueError, match="tolerance is nan; expected 0 or more"):
        method(f, START, tolerance=math.nan)


@pytest.mark.parametrize("lr", [-0.1, 0, math.nan, math.inf])
def test_bad_rates_are_refused_by_name(lr):
    for method in (gradient_descent, newton):
        with pytest.raises(ValueError, match=f"lr is {lr}; expected a positive, finite number"):
            method(rosenbrock(), START, lr=lr)
    with pytest.raises(ValueError, match=f"damping is {lr}"):
        levenberg(rosenbrock(), START, damping=lr)


def test_a_singular_hessian_is_reported_with_its_point_and_levenberg_passes_it():
    flat = valley(1, 0)
    with pytest.raises(
        SingularHessian, match=r"hessian is singular at \[2.0, 1.0\]; expected one"
    ) as caught:
        newton(flat, point(2, 1))
    assert caught.value.trajectory.points.tolist() == [[2.0, 1.0]]
    assert caught.value.trajectory.ended == "singular"
    assert levenberg(flat, point(2, 1)).values[-1] < 1e-12


def test_bfgs_update_refuses_a_step_along_which_the_slope_does_not_grow():
    with pytest.raises(ValueError, match="step @ change is -1; expected a positive number"):
        bfgs_update(torch.eye(2), torch.tensor([1.0, 0]), torch.tensor([-1.0, 0]))


def test_the_start_is_neither_changed_nor_shared():
    start = START.clone()
    way = newton(rosenbrock(), start, steps=2)
    start += 1
    assert torch.equal(way.points[0], START)


def test_backtracking_halves_until_the_value_falls():
    """On x² from 1 along -1: length 2 lands as high on the other side, length 1 at the bottom."""
    length = backtrack(
        lambda p: p.square().sum(), point(1), point(1)[0], point(-1), point(-2)[0], 4
    )
    assert length == 1
    up = backtrack(lambda p: p.square().sum(), point(1), point(1)[0], point(1), point(2)[0])
    assert up == 0


def test_a_damped_step_solves_the_damped_equations_with_the_least_power_of_ten_that_serves():
    f, here = two_hollows(), point(0.5, 0.3)
    gradient, hessian = f.gradient(here), f.hessian(here)
    step, damping = damped_step(f.value, here, f.value(here), gradient, hessian, 1e-3)
    assert damping == pytest.approx(1)
    assert torch.linalg.eigvalsh(hessian + 0.1 * torch.eye(2))[0] < 0
    torch.testing.assert_close((hessian + damping * torch.eye(2)) @ step, -gradient)
    assert f.value(here + step) < f.value(here)
