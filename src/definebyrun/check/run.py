"""Runs a reader's answer, the same way for every exercise.

A checker computes the truth first, then hands the answer to :func:`run`, which calls it and
compares::

    def doubled(answer: Callable[[Tensor], Any]) -> None:
        x = torch.tensor([1.0, -2.0])
        run(answer, x, truth=2 * x, mistakes={"You square.": x**2}, look="Double 1.0 by hand.")
        print("Right: twice the input.")

The answer gets copies of its inputs and is told when it changed them; random generators and the
recording of gradients are put back; what the exercise forbids is refused; an error inside the
answer becomes a hint that keeps the error's text and line.
"""

import copy
import dis
import inspect
import random
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.compare import compare

__all__ = ["Rules", "call", "compare", "gradient", "guarded", "run"]


@dataclass(frozen=True)
class Rules:
    """What an exercise asks of the way to the answer.

    Attributes:
        in_place: the places of the inputs that the answer is meant to change. It gets these
            themselves, and copies of all others.
        forbid: for each pattern of a name, as ``"*softmax"``, the hint when the answer calls a
            function or method of PyTorch with such a name.
        loops: False when the answer may not loop.
        errors: for words in the text of an error the hint that fits this exercise better than
            the general one.
    """

    in_place: tuple[int, ...] = ()
    forbid: Mapping[str, str] = field(default_factory=dict)
    loops: bool = True
    errors: Mapping[str, str] = field(default_factory=dict)


FREE = Rules()


def run(
    answer: Callable[..., Any], *inputs: Any, truth: Any, rules: Rules = FREE, **looks: Any
) -> Any:
    """Call the answer, compare its result with the truth and return it.

    Args:
        answer: the reader's function.
        inputs: what to call it with.
        truth: what it should give.
        rules: what the exercise asks of the way.
        looks: everything else that ``compare`` takes: mistakes, look, shapes, tolerance, ...

    Raises:
        WrongAnswer: with a hint, when the result is another or a rule is broken.
    """
    given = call(answer, *inputs, rules=rules)
    compare(given, truth, **looks)
    return given


def call(answer: Callable[..., Any], *inputs: Any, rules: Rules = FREE) -> Any:
    """Call the answer by the rules and return its result, whatever it is.

    Raises:
        WrongAnswer: with a hint, when it cannot be called, breaks a rule, changes an input or
            raises an error.
    """
    return _call(answer, inputs, rules)[0]


def gradient(answer: Callable[..., Any], *inputs: Any, rules: Rules = FREE) -> Tensor:
    """Return the gradient of the result's sum with respect to the first input, a float tensor.

    Raises:
        WrongAnswer: as ``call``, or autograd cannot follow from the result to the input.
    """
    leaf = inputs[0].detach().clone().requires_grad_()
    result, given = _call(answer, (leaf, *inputs[1:]), rules)
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise WrongAnswer(
            "The value is right, but autograd cannot follow: the result has no graph. Compute "
            "with tensors to the end, without detach(), item(), numpy() or math."
        )
    with guarded(rules.errors):
        found: Tensor | None
        (found,) = torch.autograd.grad(result.sum(), given[0], allow_unused=True)
    if found is None:
        raise WrongAnswer("The result has a graph, but it does not lead back to your input.")
    return found


@contextmanager
def guarded(errors: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a reader's code: an error becomes a hint, and what is global is put back.

    Args:
        errors: as in ``Rules``.

    Raises:
        WrongAnswer: the code raised an error, or switched the recording of gradients off for
            good.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    dtype = torch.get_default_dtype()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices), torch.enable_grad():
        try:
            yield
            if not torch.is_grad_enabled():
                raise WrongAnswer(
                    "After your function the recording of gradients stays switched off for "
                    "everything that comes after. Which form of the switch ends by itself?"
                )
        except WrongAnswer:
            raise
        except Exception as error:
            raise WrongAnswer(_explained(error, errors or {})) from error
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002 (the global one is what we put back)
            random.setstate(python_state)
            torch.set_default_dtype(dtype)


def _call(answer: Callable[..., Any], inputs: Sequence[Any], rules: Rules) -> tuple[Any, list[Any]]:
    """Call the answer by the rules; return its result and the inputs that it was given."""
    if not callable(answer):
        raise WrongAnswer("Hand over the function itself, by its name, without calling it.")
    names = _names(answer, inputs)
    if not rules.loops and _loops(answer):
        raise WrongAnswer(
            "There is a loop in your function, and the exercise asks for an answer without one: "
            "let the operations of PyTorch run over the elements."
        )
    given = [each if place in rules.in_place else copied(each) for place, each in enumerate(inputs)]
    with guarded(rules.errors):
        if rules.forbid:
            with _Watch(rules.forbid) as watch:
                result = answer(*given)
            if watch.refused:
                raise WrongAnswer(watch.refused)
        else:
            result = answer(*given)
    for place, (name, before, after) in enumerate(zip(names, inputs, given, strict=True)):
        if place not in rules.in_place and not unchanged(before, after):
            asks = isinstance(before, Tensor) and torch.equal(before, after)
            raise WrongAnswer(
                f"Your function changes {name}, which it was given"
                + (": it requires a gradient now, or holds one. " if asks else ". ")
                + "Whoever called it still needs the old one: make something new instead of "
                "working in place."
            )
    return result, given


class _Watch(TorchFunctionMode):
    """Sees every call of a function of PyTorch and remembers the first that is forbidden."""

    def __init__(self, forbid: Mapping[str, str]) -> None:
        super().__init__()
        self.forbid = forbid
        self.refused = ""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at the function's name and call it."""
        name = getattr(func, "__name__", "")
        for pattern, hint in self.forbid.items():
            if not self.refused and fnmatchcase(name, pattern):
                self.refused = f"Your function uses {name}. {hint}"
        return func(*args, **(kwargs or {}))


def _names(answer: Callable[..., Any], inputs: Sequence[Any]) -> list[str]:
    """Return what the answer calls its inputs; hint when it does not take so many."""
    plain = [f"argument {number}" for number in range(1, len(inputs) + 1)]
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # a built-in one says nothing about itself
        return plain
    try:
        signature.bind(*inputs)
    except TypeError as error:
        count = "1 argument" if len(inputs) == 1 else f"{len(inputs)} arguments"
        raise WrongAnswer(
            f"The exercise calls your function with {count}, and it does not take them: {error}."
        ) from error
    places = [
        name for name, each in signature.parameters.items() if each.kind < each.VAR_POSITIONAL
    ]
    return [*places, *plain[len(places) :]][: len(inputs)]


def _loops(answer: Callable[..., Any]) -> bool:
    """Say whether the function's own code loops: for, while, map or a comprehension."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    waiting = [code] if isinstance(code, CodeType) else []
    while waiting:
        code = waiting.pop()
        steps = {step.opname for step in dis.get_instructions(code)}
        if any(step == "FOR_ITER" or "JUMP_BACKWARD" in step for step in steps):
            return True
        if {"map", "vmap", "vectorize"} & set(code.co_names):
            return True
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return False


def copied(thing: Any) -> Any:
    """Copy an input so that nothing done to the copy reaches the original."""
    if isinstance(thing, Tensor):
        return thing.detach().clone().requires_grad_(thing.requires_grad)
    if isinstance(thing, torch.Generator):
        return torch.Generator(thing.device).set_state(thing.get_state())
    if isinstance(thing, np.ndarray | nn.Module):
        return copy.deepcopy(thing)
    if isinstance(thing, list):
        return [copied(each) for each in thing]
    if type(thing) is tuple:
        return tuple(copied(each) for each in thing)
    if isinstance(thing, dict):
        return {key: copied(each) for key, each in thing.items()}
    return thing


def unchanged(before: Any, after: Any) -> bool:
    """Say whether a copy still is what the original was."""
    if isinstance(before, Tensor):
        return (
            before.dtype == after.dtype
            and before.requires_grad == after.requires_grad
            and (before.grad is None) == (after.grad is None)
            and torch.equal(before, after)
        )
    if isinstance(before, np.ndarray):
        return before.dtype == after.dtype and np.array_equal(before, after)
    if isinstance(before, nn.Module):
        states = [
            {"mode": each.training, **dict(each.named_parameters()), **dict(each.named_buffers())}
            for each in (before, after)
        ]
        return unchanged(*states)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(
            unchanged(each, after[key]) for key, each in before.items()
        )
    return not isinstance(before, bool) or before == after


_LIBRARIES = (
    str(Path(torch.__file__).parents[1]),
    sysconfig.get_path("stdlib"),
    str(Path(__file__).parents[1]),
    "<__array_function__",
)
_SHAPES = (
    "Two shapes do not fit together. Print the shape of each part, and say of every axis what it "
    "counts."
)
_TYPES = "Two kinds of numbers meet that do not fit together. Print the dtype of each part."
_HINTS: list[tuple[type[Exception], str, str]] = [
    (RuntimeError, "must match the size", _SHAPES),
    (RuntimeError, "cannot be multiplied", _SHAPES),
    (RuntimeError, "is invalid for input of size", _SHAPES),
    (RuntimeError, "size mismatch", _SHAPES),
    (RuntimeError, "shape", _SHAPES),
    (RuntimeError, "Sizes of tensors must match", _SHAPES),
    (ValueError, "broadcast", _SHAPES),
    (ValueError, "matmul", _SHAPES),
    (RuntimeError, "dtype", _TYPES),
    (RuntimeError, "scalar type", _TYPES),
    (RuntimeError, "can't be cast", _TYPES),
    (
        RuntimeError,
        "does not require grad",
        "Autograd has no record to follow there. Was the result computed from a tensor that "
        "requires grad, and with tensors to the end?",
    ),
    (
        RuntimeError,
        "modified by an inplace operation",
        "Something is changed in place that the way back still needs. Make a new tensor instead.",
    ),
    (IndexError, "", "An index or an axis is asked for that is not there. Print the shapes."),
    (NameError, "", "A name is used that has no meaning yet. Has the cell that makes it been run?"),
    (NotImplementedError, "", "This part of your function is still to be written."),
    (AttributeError, "", "Something is asked of an object that it does not have. Print its type."),
    (KeyError, "", "A key is looked up that is not there."),
    (RecursionError, "", "Your function calls itself without end."),
    (ZeroDivisionError, "", "Something is divided by zero."),
    (
        TypeError,
        "",
        "An operation or a function was given something of the wrong type, or too much, or too "
        "little. Print what you give it.",
    ),
]


def _explained(error: Exception, hints: Mapping[str, str]) -> str:
    """Put a hint before the text of the error and its line in the reader's code."""
    text = " ".join(str(error).split())
    own = [hint for words, hint in hints.items() if words in text]
    general = [hint for kind, words, hint in _HINTS if isinstance(error, kind) and words in text]
    hint = [*own, *general, "Your function stopped with an error. Mend that first."][0]
    lines = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_LIBRARIES)
    ]
    place = ""
    if lines:
        last = lines[-1]
        name = "" if last.name.startswith("<") else f" of {last.name}"
        place = f"in line {last.lineno}{name} " + (f"(`{last.line}`) " if last.line else "")
    return f"{hint}\nPython stopped {place}with {type(error).__name__}: {text[:300]}"
