"""Checkers for the exercises of the chapter on automatic differentiation."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, guarded
from definebyrun.scratch.engine import Variable

TOLERANCE = 1e-13
CALLS = 50_000  # more than any walk over some sixty variables needs that visits each once


def sine(answer: Callable[[Any], Any], kind: type[Any]) -> None:
    """Check a sine for an engine of arrays.

    Args:
        answer: takes an array of the engine, of any shape, and returns that of its sines, with the
            edge that sends the gradient back.
        kind: the class of the engine: made of a value and edges, with ``value``, ``edges``,
            ``grad`` and ``backward(seed)``.

    Raises:
        WrongAnswer: with a hint, when the value or the gradient is wrong.
    """
    points, seed = np.array([-2.0, -0.5, 0.0, 1.5]), np.array([1.0, -3.0, 0.5, 2.0])
    values, slope = np.sin(points), np.cos(points)
    if not isinstance(kind, type):
        raise WrongAnswer("Hand over the class of the engine as well: sine(sine, Array).")
    if isinstance(answer, kind):
        raise WrongAnswer("Hand over the function itself, without calling it: sine, not sine(x).")
    name, x = kind.__name__, kind(points.copy())
    other_sine = (
        "That sine is not for arrays: math.sin takes one number, torch.sin a tensor. The engine "
        "computes with NumPy: np.sin, of x.value."
    )
    rules = Rules(
        in_place=(0,),  # the gradient arrives there
        errors={
            "ufunc": f"NumPy cannot take an object of {name}. Give it the numbers, x.value.",
            "must be Tensor": other_sine,
            "real number": other_sine,
            "only 0-dim": other_sine,
            "setting an array element": f"{name}(...) was given the edge in place of the value. "
            "The value comes first, the edge after it.",
            "read-only": "Your function writes into x.value. Whoever made x still needs its "
            "numbers: compute new ones.",
            "subscriptable": "An edge is a PAIR of a source and a rule. Look at the brackets "
            "around the two in array_exp.",
        },
    )
    result = call(answer, x, rules=rules)
    if not isinstance(result, kind):
        raise WrongAnswer(
            f"Your result has the type {type(result).__name__}. Return an object of {name}: this "
            "check walks back through its edges."
        )
    if not np.array_equal(x.value, points):
        raise WrongAnswer("Your function changes x.value. Whoever made x still needs its numbers.")
    if not isinstance(result.value, np.ndarray) or result.value.dtype != np.float64:
        raise WrongAnswer(
            f"The value of your result is no array of numbers. {name}(...) takes the value first, "
            "the edge after it."
        )
    compare(
        result.value.copy(),  # it may be locked
        values,
        look="The values are not those of the sine. Compute them with np.sin, from x.value.",
        tolerance=TOLERANCE,
    )
    if not result.edges:
        raise WrongAnswer(
            "The values are right, but the result has no edge, so no gradient comes back. What "
            f"does array_exp hand to {name}(...) besides the value? The first part of an edge is x."
        )
    for edge in result.edges:
        if not isinstance(edge, tuple | list) or len(edge) != 2:
            raise WrongAnswer(rules.errors["subscriptable"])
        source, rule = edge
        if source is not x:
            raise WrongAnswer("The first part of your edge is not x, where the gradient must go.")
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
    later = kind(points.reshape(2, 2))
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
        errors={"ufunc": "Inside the rule, too, NumPy cannot take x. Give it the numbers, x.value."}
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
                    f"twice. So it visits {name} more than once in a walk, and such visits can "
                    "double with every step. Visit each variable once, when all its shares have "
                    "arrived."
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
    "y = y + y, forty times": {
        "y0": [],
        **{f"y{n}": [(f"y{n - 1}", 1.0), (f"y{n - 1}", 1.0)] for n in range(1, 41)},
    },
}


TOO_LONG = (
    "Over y = y + y, forty times, your walk does not come to an end: it goes to a variable again "
    "by each path that leads there, and each step doubles the paths. Ask whether a variable has "
    "been seen BEFORE you go to its sources."
)


@contextmanager
def limited(hint: str) -> Iterator[None]:
    """Stop a reader's code with a hint after very many calls of functions."""
    before, calls = sys.getprofile(), 0

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        if calls > CALLS:
            raise WrongAnswer(hint)

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


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
            "attribute 'serial'": "These variables have no serial number, and the exercise does "
            "without one. Which variables must come after which? The edges say it.",
        },
    )
    for case, links in GRAPHS.items():
        result, truth = list(links)[-1], _slopes(links, list(links)[-1])
        made = _graph(links)
        with limited(TOO_LONG):
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
        with limited(TOO_LONG):
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


class Trial(NamedTuple):
    """One thing to try with a reader's engine: what to compute, from which numbers."""

    text: str
    compute: Callable[..., Any]
    inputs: tuple[float, ...]
    look: str
    mistakes: Mapping[str, tuple[float, ...]] = {}  # hint: slopes


def grown(x: Any, y: Any) -> Any:
    """Follow a short way and a longer one at each step: visits in a wrong order double."""
    for _ in range(30):
        x = y * x + x
    return x


def grown_from_itself(x: Any, y: Any) -> Any:
    """Do the same with the terms the other way round."""
    for _ in range(30):
        x = x + y * x
    return x


def doubled(x: Any) -> Any:
    """Add a number to itself, sixty times over."""
    for _ in range(60):
        x = x + x
    return x


SHARES = "A number that is used twice collects two shares. Add each to those that came before."
TRIALS = [
    Trial("x", lambda x: x, (2.0,), "The slope of x with respect to itself is 1."),
    Trial("x + y", lambda x, y: x + y, (2.0, 5.0), "Which slope has a sum, when one term moves?"),
    Trial(
        "x * y",
        lambda x, y: x * y,
        (2.0, 5.0),
        "Which slope has a product, when one factor moves?",
        {"Each factor has received its own value. The slope is the OTHER factor.": (2.0, 5.0)},
    ),
    Trial(
        "x.tanh()",
        lambda x: x.tanh(),
        (0.5,),
        "The slope of the tanh is 1 - tanh².",
        {"The slope is 1 - t², where t is the VALUE of the tanh, not x.": (0.75,)},
    ),
    Trial(
        "(x * y) * z",
        lambda x, y, z: (x * y) * z,
        (2.0, 5.0, 3.0),
        "The chain rule: a share is the gradient that has arrived, times the slope.",
        {"A share is the slope TIMES the gradient that has arrived.": (5.0, 2.0, 10.0)},
    ),
    Trial("x + x", lambda x: x + x, (3.0,), SHARES, {SHARES: (1.0,)}),
    Trial("x * x", lambda x: x * x, (3.0,), SHARES, {SHARES: (3.0,)}),
    Trial(
        "a * a + a, where a = y * x",
        lambda x, y: (lambda a: a * a + a)(y * x),
        (2.0, 3.0),
        "Print the order of the visits. Has everything arrived at a number before it passes its "
        "gradient on? And does it pass on all of it?",
    ),
    Trial(
        "a + a * a, where a = y * x",
        lambda x, y: (lambda a: a + a * a)(y * x),
        (2.0, 3.0),
        "With the terms the other way round it was right. Does the order of your visits depend "
        "on the order of the edges? A number comes after ALL that was computed from it.",
    ),
    Trial("x = x + x, sixty times", doubled, (1.0,), SHARES),
    Trial("x = y * x + x, thirty times", grown, (1.0, 0.5), SHARES),
    Trial("x = x + y * x, thirty times", grown_from_itself, (1.0, 0.5), SHARES),
]
PATHS = (
    "Over a long chain in which every number is used twice, your engine does not come to an end: "
    "each step doubles the visits. Visit each number once, when all its shares have arrived."
)
PARTS = {
    "supported operand": "Two numbers of your class meet, and Python finds no method for the "
    "sign between them. For + it calls __add__(self, other), for * it calls __mul__(self, other).",
    "no attribute 'tanh'": "Your class has no method tanh yet.",
    "no attribute 'backward'": "Your class has no method backward yet.",
    "no attribute 'value'": "Each should hold its number as value. Set it in __init__.",
    "no attribute 'grad'": "Each should hold its gradient as grad, 0 at first. Set it in __init__.",
    "takes no arguments": "Your class, called with 2.0, should make a leaf. Python calls "
    "__init__(self, value).",
}


LATE = (
    "{numbers} numbers lie behind the result of x = x + x * y, {steps} times over, and your walk "
    "writes to their grad {writes} times. So it visits numbers too early, and again for the shares "
    "that come later. The first to arrive is not the first to visit: a number comes after ALL that "
    "was computed from it."
)


@contextmanager
def counted_writes(kind: type[Any], part: str) -> Iterator[list[Any]]:
    """List the new values that an attribute is given, in all objects of a class of a reader's."""
    writes: list[Any] = []
    before = kind.__dict__.get(part)
    own = hasattr(before, "__set__")  # a slot, or a property

    def read(self: Any) -> Any:
        if own:
            return before.__get__(self, kind)  # type: ignore[union-attr]
        return self.__dict__.get(part, before)

    def write(self: Any, value: Any) -> None:
        writes.append(value)
        if own:
            before.__set__(self, value)  # type: ignore[union-attr]
        else:
            self.__dict__[part] = value

    setattr(kind, part, property(read, write))
    try:
        yield writes
    finally:
        if before is None:
            delattr(kind, part)
        else:
            setattr(kind, part, before)


def _visit_once(answer: type[Any], swapped: bool, steps: int = 40) -> None:
    """Refuse a walk that visits numbers again for late shares, on a chain of unequal ways.

    Who visits each number once writes to its grad once, or once for each edge that leads there,
    and may set it to zero before.
    """
    with guarded(PARTS):
        x, y = answer(1.0), answer(0.5)
        for _ in range(steps):
            x = x * y + x if swapped else x + x * y
        numbers, edges = 2 * steps + 2, 4 * steps
        with counted_writes(answer, "grad") as writes:
            x.backward()
    if len(writes) > 2 * numbers + edges:
        raise WrongAnswer(LATE.format(numbers=numbers, steps=steps, writes=len(writes)))


def engine(answer: type[Any]) -> None:
    """Check a small engine for single numbers, one thing after the other.

    Args:
        answer: a class. ``answer(2.0)`` makes a leaf with ``value`` and ``grad``; there are +, *,
            ``tanh()``, and ``backward()``, which adds to the ``grad`` of each number behind.

    Raises:
        WrongAnswer: with a hint, when something is missing, wrong, or never ends.
    """
    if not isinstance(answer, type):
        raise WrongAnswer("Hand over the class itself, by its name, without brackets.")
    if issubclass(answer, Variable):
        raise WrongAnswer("That is the engine of the book. Write a class of your own.")
    for trial in TRIALS:
        _try_engine(answer, trial)
    for swapped in (False, True):
        _visit_once(answer, swapped)
    with guarded(PARTS):
        x, y = answer(2.0), answer(3.0)
        a = x * y
        (a * a).backward()
        if abs(_own(a, "grad") - 12) > TOLERANCE:
            raise WrongAnswer(
                f"The leaves are right. With a = x * y = 6, walk back from a * a: a itself has "
                f"the grad {_own(a, 'grad'):g}, expected 12. Every number behind the result "
                "wants its slope, not the leaves alone."
            )
        (a + a).backward()
        found = np.array([_own(x, "grad"), _own(y, "grad")])
    compare(
        found,
        np.array([42.0, 28.0]),
        {
            "The second walk has replaced what the first left in grad. It adds.": np.array(
                [6.0, 4.0]
            ),
            "What the first walk had left at a was passed on once more by the second. Pass on "
            "what has arrived in THIS walk, not all that stands in grad.": np.array([78.0, 52.0]),
        },
        "Two walks, from a * a and from a + a, should add up at the leaves.",
        tolerance=TOLERANCE,
        case="a = x * y, then (a * a).backward() and (a + a).backward()",
    )
    print("Right: values, slopes and shares, and no number is visited again for a late share.")


def _try_engine(answer: type[Any], trial: Trial) -> None:
    """Compute the same with the reader's engine and with that of the book."""
    ours = [Variable(number) for number in trial.inputs]
    truth = trial.compute(*ours)
    truth.backward()
    with guarded(PARTS):
        leaves = [answer(number) for number in trial.inputs]
        result = trial.compute(*leaves)
        if not isinstance(result, answer):
            raise WrongAnswer(
                f"{trial.text} has the type {type(result).__name__}. It should be a new "
                f"{answer.__name__}, which remembers where it came from."
            )
        value, before = _own(result, "value"), [_own(leaf, "grad") for leaf in leaves]
    compare(
        np.array(value),
        truth.value.copy(),
        look=f"The value of {trial.text} is wrong, before any walk.",
        tolerance=TOLERANCE,
        case=trial.text,
    )
    if any(before):
        raise WrongAnswer("Before the first walk every grad should be 0.")
    with limited(PATHS), guarded(PARTS):
        result.backward()
    slopes = np.array([_own(leaf, "grad") for leaf in leaves])
    compare(
        slopes,
        np.array([float(leaf.grad) for leaf in ours]),
        {
            "All gradients are still zero after backward().": 0 * slopes,
            **{hint: np.array(wrong) for hint, wrong in trial.mistakes.items()},
        },
        trial.look,
        tolerance=TOLERANCE,
        case=f"slopes of {trial.text} at {', '.join(map(str, trial.inputs))}",
    )


class Pair(NamedTuple):
    """One thing to try with numbers that carry their slope."""

    text: str
    compute: Callable[..., Any]
    inputs: tuple[tuple[float, float], ...]  # value and slope of each
    found: tuple[float, float]
    look: str
    mistakes: Mapping[str, tuple[float, float]] = {}  # hint: value and slope


SIN, COS = float(np.sin(0.5)), float(np.cos(0.5))
PAIRS = [
    Pair(
        "Dual(2.0)",
        lambda x: x,
        ((2.0, 0.0),),
        (2.0, 0.0),
        "A number that is not the input does not move with it: its slope is 0.",
    ),
    Pair("x", lambda x: x, ((2.0, 1.0),), (2.0, 1.0), "Keep value and slope as they come in."),
    Pair(
        "x + y",
        lambda x, y: x + y,
        ((2.0, 1.5), (3.0, 4.0)),
        (5.0, 5.5),
        "Which slope has a sum, when both terms move?",
        {"The slope of y is missing. Both terms may move.": (5.0, 1.5)},
    ),
    Pair(
        "x * y",
        lambda x, y: x * y,
        ((2.0, 1.5), (3.0, 4.0)),
        (6.0, 12.5),
        "Which slope has a product, when both factors move?",
        {
            "The slope of a product is not the product of the slopes.": (6.0, 6.0),
            "Each slope belongs to the value of the OTHER factor.": (6.0, 15.0),
            "Only x moves in your product. Both factors may move.": (6.0, 4.5),
            "Only y moves in your product. Both factors may move.": (6.0, 8.0),
        },
    ),
    Pair(
        "cos(x)",
        lambda x, cos: cos(x),
        ((0.5, 2.0),),
        (COS, -2 * SIN),
        "Which slope has the cosine, when its input moves with the slope 2?",
        {
            "The slope of the input is missing: the chain rule multiplies by it.": (COS, -SIN),
            "Which of sine and cosine brings a minus?": (COS, 2 * SIN),
        },
    ),
]


def dual(answer: type[Any], cos: Callable[[Any], Any]) -> None:
    """Check numbers that carry their slope along, for forward mode.

    Args:
        answer: a class. ``answer(2.0, 1.0)`` has the ``value`` 2 and the ``slope`` 1, which is 0
            when it is not given; there are + and *.
        cos: takes such a number and returns that of its cosine.

    Raises:
        WrongAnswer: with a hint, when a value or a slope is wrong.
    """
    if not isinstance(answer, type) or not callable(cos):
        raise WrongAnswer("Hand over the class and your cosine: dual(Dual, cos).")
    parts = {
        **PARTS,
        "positional argument": f"{answer.__name__} takes a value and, if it is not 0, a slope: "
        "__init__(self, value, slope=0.0).",
        "no attribute 'slope'": "Each should hold its slope as slope. Set it in __init__.",
        "real number": "math.cos takes a plain number: x.value.",
    }
    for pair in PAIRS:
        with guarded(parts):
            numbers = [
                answer(value, slope) if slope else answer(value) for value, slope in pair.inputs
            ]
            result = pair.compute(*numbers, cos) if "cos" in pair.text else pair.compute(*numbers)
            if not isinstance(result, answer):
                raise WrongAnswer(
                    f"{pair.text} has the type {type(result).__name__}. It should be a new "
                    f"{answer.__name__}, with its own value and slope."
                )
            found = np.array([_own(result, "value"), _own(result, "slope")])
        compare(
            found,
            np.array(pair.found),
            {hint: np.array(wrong) for hint, wrong in pair.mistakes.items()},
            pair.look,
            tolerance=TOLERANCE,
            case=f"value and slope of {pair.text} for (value, slope) = "
            + ", ".join(map(str, pair.inputs)),
        )
        for number, pair_in in zip(numbers, pair.inputs, strict=True):
            if result is not number and (number.value, number.slope) != pair_in:
                raise WrongAnswer(f"{pair.text} changes what goes in. Make a new number.")
    print("Right: each operation finds its value and its slope at once.")


def _own(number: Any, part: str) -> float:
    """Return the value, the gradient or the slope of a reader's number as a float."""
    found = getattr(number, part)
    try:
        return float(found)
    except (TypeError, ValueError) as error:
        raise WrongAnswer(
            f"{part} should be a single number. Yours is an object of type {type(found).__name__}."
        ) from error
