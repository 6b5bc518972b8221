"""Checkers for the exercises of the chapter on automatic differentiation."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, guarded
from definebyrun.scratch.engine import Variable

TOLERANCE = 1e-13


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
    later = Variable(points.reshape(2, 2))
    with guarded(rules.errors):
        out = answer(later)
        later.value = later.value + 1  # as a step of training gives a leaf a new value
        out.backward(seed.reshape(2, 2))
    looks_late = (
        "Your rule asks x for its value on the way back. By then somebody may have given x a new "
        "one, as every step of training does. Take the array out of x before you write the rule."
    )
    compare(
        later.grad,
        (seed * slope).reshape(2, 2),
        {looks_late: (seed * np.cos(points + 1)).reshape(2, 2)},
        "With a table of numbers in x, the gradient is wrong.",
        tolerance=TOLERANCE,
        case="x of shape (2, 2)",
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


class _Unnumbered(Variable):
    """A variable that hides its number and does not walk by itself."""

    @property  # type: ignore[override]
    def number(self) -> int:
        """Refuse: the exercise does without."""
        raise WrongAnswer(
            "Your walk asks for the serial number of a variable, and the exercise does without. "
            "Which variables must come after which? The edges say it."
        )

    @number.setter
    def number(self, value: int) -> None:
        """Forget it."""

    def backward(self, *seed: Any) -> None:
        """Refuse: it is what the exercise asks for."""
        raise WrongAnswer("Your walk calls backward, which is what it should do itself.")


def _graph(links: Mapping[str, Sequence[tuple[str, float]]]) -> dict[str, Variable]:
    """Build variables by hand, from the sources and the slope of each edge.

    Each rule may be called once in a walk; ``calls`` of the rule counts.
    """
    made: dict[str, Variable] = {}

    def rule_to(name: str, source: str, slope: float) -> Callable[[Any], Any]:
        def rule(g: Any) -> Any:
            rule.calls += 1  # type: ignore[attr-defined]
            if rule.calls > 2:  # type: ignore[attr-defined]
                raise WrongAnswer(
                    f"In two walks your function uses the rule from {name} to {source} more than "
                    "twice. So it follows each path by itself, and paths can be very many. Visit "
                    "each variable once, when all its shares have arrived."
                )
            return np.asarray(g, np.float64) * slope

        rule.calls = 0  # type: ignore[attr-defined]
        return rule

    for name, sources in links.items():
        edges = [(made[source], rule_to(name, source, slope)) for source, slope in sources]
        made[name] = _Unnumbered(float(len(made)), *edges)
    return made


def _slopes(
    links: Mapping[str, Sequence[tuple[str, float]]], result: str, early: bool = False
) -> np.ndarray:
    """Return the gradient of each variable, visited newest first or as soon as it is reached."""
    found, at_visit = dict.fromkeys(links, 0.0), dict.fromkeys(links, 0.0)
    found[result] = 1.0
    order = list(links)[::-1]
    if early:  # wave by wave from the result
        order = [result]
        for name in order:
            order += [source for source, _ in links[name] if source not in order]
    for name in order:
        at_visit[name] = found[name]
        for source, slope in links[name]:
            found[source] += found[name] * slope
    return np.array(list(at_visit.values()))


GRAPHS: dict[str, dict[str, list[tuple[str, float]]]] = {
    "a single variable": {"x": []},
    "c = a² + a with a = 3x": {
        "x": [],
        "a": [("x", 3.0)],
        "s": [("a", 12.0)],
        "c": [("a", 1.0), ("s", 1.0)],
    },
    "a variable multiplied by itself": {"x": [], "y": [("x", 5.0), ("x", 5.0)]},
    "a short way and a long one": {
        "x": [],
        "p": [("x", 2.0)],
        "q": [("p", -3.0), ("x", 4.0)],
        "r": [("q", 0.5), ("p", 7.0)],
        "z": [("x", 1.0), ("p", 11.0), ("r", 6.0), ("q", -2.0)],
    },
    "y = y + y, twelve times": {
        "y0": [],
        **{f"y{n}": [(f"y{n - 1}", 1.0), (f"y{n - 1}", 1.0)] for n in range(1, 13)},
    },
}


def walk(answer: Callable[[Variable], Any]) -> None:
    """Check a walk back that does without the numbers of the variables.

    Args:
        answer: takes the Variable to begin with, a single number, and adds to the ``grad`` of
            each variable behind it the slope of the result with respect to it.

    Raises:
        WrongAnswer: with a hint, when a gradient is wrong, a variable is visited too early or
            too often, or ``backward`` or ``number`` is used.
    """
    rules = Rules(
        in_place=(0,),
        errors={
            "changed size during iteration": "A dictionary grows while you loop over it. First "
            "list the variables in their order, then walk.",
            "not subscriptable": "An edge is a pair of a source and a rule: for source, rule in "
            "node.edges.",
        },
    )
    for case, links in GRAPHS.items():
        result, truth = list(links)[-1], _slopes(links, list(links)[-1])
        made = _graph(links)
        call(answer, made[result], rules=rules)
        first = np.array([_number(each.grad, name) for name, each in made.items()])
        compare(
            first,
            truth,
            {
                "All gradients are still zero. Your walk must add to the grad of each variable.": 0
                * truth,
                "The result itself begins with the gradient 1. It is missing.": truth
                - (np.arange(len(truth)) == len(truth) - 1),
                "A variable passes on what it has before everything has arrived there. Visit it "
                "after all that was computed from it.": _slopes(links, result, early=True),
            },
            f"These are the gradients of {', '.join(list(links)[:5])}. Print the order in which "
            "you visit the variables: does any come before one that was computed from it?",
            tolerance=TOLERANCE,
            case=case,
        )
        call(answer, made[result], rules=rules)
        second = np.array([_number(each.grad, name) for name, each in made.items()])
        compare(
            second,
            2 * truth,
            {
                "A second walk must add to what the first has left in grad. Yours replaces "
                "it.": truth
            },
            "A second walk over the same graph must add the same gradients again. Do you pass on "
            "what has arrived in this walk, or all that stands in grad?",
            tolerance=TOLERANCE,
            case=case,
        )
    print("Right: each variable is visited once, after all that was computed from it.")


def _number(grad: Any, name: str) -> float:
    """Return a gradient that should be a single number."""
    try:
        return float(grad)
    except (TypeError, ValueError) as error:
        raise WrongAnswer(
            f"The grad of {name} should be a single number. Your walk leaves an object of type "
            f"{type(grad).__name__} there, or an array of several."
        ) from error
