"""Checkers for the exercises of the chapter on automatic differentiation."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, guarded
from definebyrun.scratch.engine import Variable

TOLERANCE = 1e-9


def sine(answer: Callable[[Variable], Any]) -> None:
    """Check a sine for the engine of the chapter.

    Args:
        answer: takes a Variable of any shape and returns the Variable of its sines, with the
            edge that sends the gradient back.

    Raises:
        WrongAnswer: with a hint, when the value or the gradient is wrong.
    """
    points, seed = np.array([-2.0, -0.5, 0.0, 1.5]), np.array([1.0, -3.0, 0.5, 2.0])
    values, slope = np.sin(points), np.cos(points)
    x = Variable(points.copy())
    if isinstance(answer, Variable):
        raise WrongAnswer("Hand over the function itself, without calling it: sine, not sine(x).")
    other_sine = (
        "That sine is not for arrays: math.sin takes one number, torch.sin a tensor. The engine "
        "computes with NumPy: np.sin, of x.value."
    )
    rules = Rules(
        in_place=(0,),  # the gradient arrives there
        errors={
            "ufunc": "NumPy cannot take a Variable. Give it the numbers, x.value.",
            "must be Tensor": other_sine,
            "real number": other_sine,
            "only 0-dim": other_sine,
            "setting an array element": "Variable(...) was given the edge in place of the value. "
            "The value comes first, the edge after it.",
            "read-only": "Your function writes into x.value. Whoever made x still needs its "
            "numbers: compute new ones.",
            "subscriptable": "An edge is a PAIR of a source and a rule. Look at the brackets that "
            "exp puts around the two.",
        },
    )
    result = call(answer, x, rules=rules)
    if not isinstance(result, Variable):
        raise WrongAnswer(
            f"Your result has the type {type(result).__name__}. Return a Variable: it alone can "
            "remember where its value came from."
        )
    if not np.array_equal(x.value, points):
        raise WrongAnswer("Your function changes x.value. Whoever made x still needs its numbers.")
    compare(
        result.value.copy(),  # it is locked
        values,
        look="The values are not those of the sine. Compute them with np.sin, from x.value.",
        tolerance=TOLERANCE,
    )
    if not result.edges:
        raise WrongAnswer(
            "The values are right, but the result has no edge, so no gradient comes back. What "
            "did exp hand to Variable(...) besides the value? An edge is dropped when its first "
            "part is no Variable."
        )
    for _, rule in result.edges:
        if not callable(rule):
            raise WrongAnswer(
                "The second part of your edge is not a function. The rule takes the gradient g and "
                "returns the share of x."
            )
        try_rule(rule, seed)
    with guarded():
        result.backward(seed)
    compare(
        x.grad,
        seed * slope,
        {
            "The slope is right, but the rule ignores the gradient g that arrives. The chain rule "
            "multiplies the two.": slope,
            "The gradient has the wrong sign. Which of sine and cosine brings a minus?": -seed
            * slope,
            "The rule takes the slope at the RESULT of the sine. Take it at the input, "
            "x.value.": seed * np.cos(values),
        },
        "This is what your rule sends back to x for the gradient g = (1, -3, 0.5, 2). Which "
        "function is the derivative of the sine, and what does it multiply?",
        tolerance=TOLERANCE,
    )
    print("Right: your sine has the right values and sends the right gradient back.")


def try_rule(rule: Callable[[Any], Any], gradient: np.ndarray) -> None:
    """Call the rule of an edge as the engine will, and say what is wrong with its form."""
    rules = Rules(
        errors={
            "ufunc": "Inside the rule, too, NumPy cannot take a Variable. Give it the numbers, "
            "x.value."
        }
    )
    try:
        inspect.signature(rule).bind(gradient)
    except TypeError as error:
        raise WrongAnswer(
            "The engine calls your rule with one argument, the gradient g that arrives. Let the "
            "rule take it."
        ) from error
    except ValueError:  # a built-in one says nothing about itself
        pass
    share = call(rule, gradient, rules=rules)
    if not isinstance(share, np.ndarray) or share.dtype != np.float64:
        raise WrongAnswer(
            f"Your rule returns an object of type {type(share).__name__}. It must return an array "
            "of numbers: compute with g and x.value, and return the result."
        )
    if share.shape != gradient.shape:
        raise WrongAnswer(
            f"Your rule returns shape {share.shape} for x of shape {gradient.shape}. The gradient "
            "of x has the shape of x."
        )
