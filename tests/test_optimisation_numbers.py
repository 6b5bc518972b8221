"""The fixed numbers of the pages on gradient descent and Newton's method, computed again.

Fractions and SymPy compute them; neither shares anything with PyTorch.
"""

from fractions import Fraction

import pytest
import sympy

X, Y = sympy.symbols("x y")
ROSENBROCK = (X - 1) ** 2 + 100 * (Y - X**2) ** 2
START = {X: -1, Y: sympy.Rational(3, 2)}


def one_weight(steps, lr=Fraction(3, 10)):
    """Return the weight after some steps on (w - 2)², from 1.95."""
    w = Fraction(195, 100)
    for _ in range(steps):
        w -= lr * 2 * (w - 2)
    return w


def newton_steps(share, goal=1e-6, limit=200):
    """Return after how many damped steps Rosenbrock's function is within the goal of (1, 1)."""
    gradient = [sympy.diff(ROSENBROCK, v) for v in (X, Y)]
    step = sympy.lambdify((X, Y), sympy.hessian(ROSENBROCK, (X, Y)).LUsolve(sympy.Matrix(gradient)))
    x, y = -1.0, 1.5
    for count in range(limit):
        if ((x - 1) ** 2 + (y - 1) ** 2) ** 0.5 < goal:
            return count
        (dx,), (dy,) = step(x, y)
        x, y = x - share * dx, y - share * dy
    return None


CURVATURES = sorted(
    float(sympy.re(value.evalf()))
    for value in sympy.hessian(ROSENBROCK, (X, Y)).subs(START).eigenvals(multiple=True)
)
RECOMPUTED = {
    "book/gradient-descent": {
        "loss-at-start": (one_weight(0) - 2) ** 2,
        "slope": 2 * (one_weight(0) - 2),
        "second-weight": one_weight(1),
        "second-slope": 2 * (one_weight(1) - 2),
        "third-weight": one_weight(2),
    },
    "book/newton": {
        "half-steps": newton_steps(0.5),
        "low-curvature": CURVATURES[0],
        "high-curvature": CURVATURES[1],
    },
}
PRINTED = {
    "loss-at-start": 0.0025,
    "slope": -0.1,
    "second-weight": 1.98,
    "second-slope": -0.04,
    "third-weight": 1.992,
    "half-steps": 52,
    "low-curvature": -46.7,
    "high-curvature": 848.7,
}


def test_the_numbers_that_the_sources_print_are_right():
    for values in RECOMPUTED.values():
        for name, value in values.items():
            assert float(value) == pytest.approx(
                PRINTED[name], abs=0.05 if name.endswith("curvature") else 1e-12
            )


def test_six_whole_newton_steps_are_enough():
    assert newton_steps(1.0) == 6


@pytest.mark.parametrize("page", RECOMPUTED)
def test_the_pages_recorded_the_right_numbers(facts, page):
    for name, value in RECOMPUTED[page].items():
        assert facts[page][name] == pytest.approx(float(value), rel=1e-9), name
