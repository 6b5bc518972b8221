"""The fixed numbers of the two chapters on automatic differentiation, computed again by SymPy.

SymPy differentiates formulas; it shares nothing with PyTorch, nor with the engine of the book.
"""

import pytest
import sympy

X, Y = sympy.symbols("x y")
Z = sympy.cos(X**2)
ROSENBROCK = (X - 1) ** 2 + 100 * (Y - X**2) ** 2
ORIGIN = {X: 0, Y: 0}
RECOMPUTED = {
    "y": (X**2).subs(X, 3),
    "z": Z.subs(X, 3),
    "dz-dy": sympy.diff(sympy.cos(Y), Y).subs(Y, 9),
    "dz-dx": sympy.diff(Z, X).subs(X, 3),
    "d2z-dx2": sympy.diff(Z, X, 2).subs(X, 2),
    "d3z-dx3": sympy.diff(Z, X, 3).subs(X, 2),
    "gradient-a": sympy.diff(Y**2 + Y, Y).subs(Y, 6),
    "diamond-slope": sympy.diff((X + X) ** 2 + (X + X), X).subs(X, 3),
    "rosenbrock-at-origin": ROSENBROCK.subs(ORIGIN),
    "rosenbrock-gradient-x": sympy.diff(ROSENBROCK, X).subs(ORIGIN),
    "rosenbrock-gradient-y": sympy.diff(ROSENBROCK, Y).subs(ORIGIN),
    "rosenbrock-hessian-xx": sympy.diff(ROSENBROCK, X, X).subs(ORIGIN),
    "rosenbrock-hessian-xy": sympy.diff(ROSENBROCK, X, Y).subs(ORIGIN),
    "rosenbrock-hessian-yx": sympy.diff(ROSENBROCK, Y, X).subs(ORIGIN),
    "rosenbrock-hessian-yy": sympy.diff(ROSENBROCK, Y, Y).subs(ORIGIN),
    "kink-truth": sympy.diff(sympy.Max(X, 0) - sympy.Max(-X, 0), X).subs(X, 1),
}
FIRST = ("y", "z", "dz-dy", "dz-dx", "gradient-a", "diamond-slope")  # on the first of the two
PRINTED = {
    "y": "9.0",
    "z": "-0.91113",
    "dz-dx": "-2.47271",
    "d2z-dx2": "11.97190",
    "d3z-dx3": "-32.74791",
    "rosenbrock-at-origin": "1",
    "rosenbrock-gradient-x": "-2",
    "rosenbrock-gradient-y": "0",
    "rosenbrock-hessian-xx": "2",
    "rosenbrock-hessian-xy": "0",
    "rosenbrock-hessian-yx": "0",
    "rosenbrock-hessian-yy": "200",
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_numbers_that_the_lecture_prints_are_right(name):
    """To every decimal that it prints."""
    places = len(PRINTED[name].partition(".")[2])
    assert f"{float(RECOMPUTED[name]):.{places}f}" == PRINTED[name]


@pytest.mark.parametrize("name", RECOMPUTED)
def test_the_chapter_recorded_the_right_number(facts, name):
    page = "book/autodiff" if name in FIRST else "book/autograd"
    assert facts[page][name] == pytest.approx(float(RECOMPUTED[name]), rel=1e-12)


def test_the_chapter_shows_autograds_answer_at_the_kink(facts):
    """Wrong by convention: each of the two ReLUs reports the slope 0 at 0."""
    assert facts["book/autograd"]["kink-slope"] == 0
