"""Telling what a reader's function gave from what it should give."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer

Shape = tuple[int, ...]


def compare(
    given: Any,
    truth: Any,
    mistakes: Mapping[str, Any] | None = None,
    look: str = "Work a small example by hand and compare.",
    *,
    shapes: Mapping[Shape, str] | None = None,
    names: tuple[str, ...] = (),
    dtype: torch.dtype | None = None,
    low: float = -math.inf,
    high: float = math.inf,
    not_finite: str = "",
    tolerance: float = 1e-5,
    case: str = "",
) -> None:
    """Pass the truth; give a typical mistake its own hint and any other result a general one.

    Looked at in this order: type, shape, kind of numbers, finite or not, the numbers, range.

    Args:
        given: what the reader's function gave.
        truth: what it should give: a tensor, an array, a float, an int, or a tuple of these.
        mistakes: for each hint the result of the mistake that it names.
        look: where to look when the mistake is none of these.
        shapes: for each typical wrong shape of a single result its hint.
        names: what the results are called, when the truth is a tuple.
        dtype: the type that a tensor must have, where its kind (whole numbers, decimals,
            truth values) is not enough.
        low: no number is less than this, though the answer might not know it.
        high: no number is more.
        not_finite: the hint for a result with nan or inf where the truth is finite.
        tolerance: right is what differs from the truth by no more, in every element.
        case: which of several inputs this is, for the hints: "size 6".

    Raises:
        WrongAnswer: the result is not the truth.
    """
    with _about(case):
        parts, truths, labels = _parts(given, truth, names)
        for part, true, label in zip(parts, truths, labels, strict=True):
            _check_type(part, true, label)
        found, expected = _listed(parts), _listed(truths)
        typical = {hint: _listed(mistake) for hint, mistake in (mistakes or {}).items()}
        _check_shapes(found, expected, typical, shapes or {}, labels, tolerance)
        for part, true, label in zip(parts, truths, labels, strict=True):
            _check_kind(part, true, dtype, label)
        for number, true, label in zip(found, expected, labels, strict=True):
            if true.isfinite().all() and not number.isfinite().all():
                bad = number[~number.isfinite()].flatten()[0].item()
                why = not_finite or "Which step divides by zero, overflows or leaves its domain?"
                raise WrongAnswer(f"{label} holds {bad}. {why}")
        if close(found, expected, tolerance):
            return
        for hint, mistake in typical.items():
            if close(found, mistake, tolerance):
                raise WrongAnswer(hint)
        for number, right, part, true, label in zip(
            found, expected, parts, truths, labels, strict=True
        ):
            if not close([number], [right], tolerance):
                _check_digits(part, true, number, right, label)
            _check_range(number, label, low, high, tolerance)
        raise WrongAnswer(f"{_difference(found, expected, labels, tolerance)} {look}")


@contextmanager
def _about(case: str) -> Iterator[None]:
    """Begin every hint with the case it is about, if there is one."""
    try:
        yield
    except WrongAnswer as answer:
        if not case:
            raise
        hint = str(answer)
        raise WrongAnswer(f"For {case}: {hint[:1].lower()}{hint[1:]}") from answer.__cause__


def close(found: list[Tensor], other: list[Tensor], tolerance: float) -> bool:
    """Say whether all shapes agree and no element differs by more; nan is close to nothing."""
    return len(found) == len(other) and all(
        one.shape == two.shape
        and bool(((one - two).abs() <= tolerance).logical_or(one == two).all())
        for one, two in zip(found, other, strict=True)
    )


def _listed(value: Any) -> list[Tensor]:
    values = value if isinstance(value, tuple | list) else (value,)
    return [_numbers(each) for each in values]


def _parts(
    given: Any, truth: Any, names: tuple[str, ...]
) -> tuple[list[Any], list[Any], list[str]]:
    """Return the results, the truths and what to call them, one by one."""
    if not isinstance(truth, tuple):
        return [given], [truth], ["Your result"]
    called = f": {', '.join(names)}, in this order" if names else ""
    if not isinstance(given, tuple | list):
        raise WrongAnswer(
            f"Return {len(truth)} things{called}. Your function returns {_kind(given)}."
        )
    if len(given) != len(truth):
        raise WrongAnswer(
            f"Return {len(truth)} things{called}. Your function returns {len(given)}."
        )
    labels = names or tuple(f"Result {number}" for number in range(1, len(truth) + 1))
    return list(given), list(truth), list(labels)


def _check_type(part: Any, true: Any, label: str) -> None:
    """Hint when one result is no tensor, array or number, whichever it should be."""
    if part is None:
        raise WrongAnswer(f"{label} is None. Is there a return at the end of your function?")
    if isinstance(true, Tensor):
        fits = isinstance(part, Tensor)
        wanted = "a tensor. Compute with tensors to the end, without item(), tolist() or math"
    elif isinstance(true, np.ndarray):
        fits, wanted = isinstance(part, np.ndarray | np.generic), "a NumPy array"
    elif isinstance(true, int):
        fits = isinstance(part, int | np.integer) and not isinstance(part, bool)
        wanted = "an integer, of Python's type int"
    else:
        fits = isinstance(part, int | float | np.number) and not isinstance(part, bool)
        wanted = "a number, of Python's type float: item() gives it"
    if not fits:
        raise WrongAnswer(f"{label} is {_kind(part)}; return {wanted}.")


def _kind(value: Any) -> str:
    """Name the type of a value, and a short value itself."""
    if value is None:
        return "None"
    if isinstance(value, bool | int | float | str):
        return f"the {type(value).__name__} {str(value)[:40]!r}".replace("'", "")
    return f"an object of type {type(value).__name__}"


def _numbers(value: Any) -> Tensor:
    """Return a result as a float64 tensor on the CPU; complex numbers lose what is imaginary."""
    try:
        numbers: Tensor = torch.as_tensor(value if isinstance(value, Tensor) else np.asarray(value))
        numbers = numbers.detach().cpu().to_dense()
        return (numbers.real if numbers.is_complex() else numbers).to(torch.float64)
    except Exception as error:
        raise WrongAnswer(f"Your result cannot be read as numbers: {str(error)[:200]}") from error


def _check_shapes(
    found: list[Tensor],
    expected: list[Tensor],
    typical: Mapping[str, list[Tensor]],
    shapes: Mapping[Shape, str],
    labels: list[str],
    tolerance: float,
) -> None:
    """Hint when a result has another shape than the truth."""
    have, want = [tuple(one.shape) for one in found], [tuple(one.shape) for one in expected]
    if have == want:
        return
    if sorted(have) == sorted(want):
        raise WrongAnswer(
            f"The shapes are those of the right results, in another order: return "
            f"{', '.join(labels)}."
        )
    for hint, mistake in typical.items():
        if close(found, mistake, tolerance):
            raise WrongAnswer(hint)
    for shape, right, label in zip(have, want, labels, strict=True):
        if shape == right:
            continue
        ending = shapes.get(shape, "")
        if not ending and shape == right[::-1]:
            ending = "Rows and columns are exchanged."
        expects = "one number" if right == () else f"{right}"
        raise WrongAnswer(f"{label} has shape {shape}, expected {expects}. {ending}".strip())


def _check_kind(part: Any, true: Any, dtype: torch.dtype | None, label: str) -> None:
    """Hint when one result holds numbers of another kind, or of another type than demanded."""
    if not isinstance(true, Tensor | np.ndarray):
        return
    if dtype is not None and part.dtype != dtype:
        raise WrongAnswer(f"{label} has dtype {part.dtype}; the exercise asks for {dtype}.")
    have, want = _family(part), _family(true)
    if have != want:
        raise WrongAnswer(f"{label} holds {have} (dtype {part.dtype}); expected {want}.")


def _family(array: Any) -> str:
    """Say which kind of numbers a tensor or an array holds."""
    numbers = array if isinstance(array, Tensor) else torch.as_tensor(np.asarray(array))
    if numbers.is_floating_point():
        return "decimals"
    if numbers.is_complex():
        return "complex numbers"
    return "truth values" if numbers.dtype == torch.bool else "whole numbers"


def _check_digits(part: Any, true: Any, found: Tensor, right: Tensor, label: str) -> None:
    """Hint when a wrong result is right but for the digits that its type does not keep."""
    step = _step(part)
    if step <= _step(true) or not right.numel():
        return
    if close([found], [right], 100 * step * right.abs().max().item()):
        raise WrongAnswer(
            f"{label} is right but for its last digits: it has dtype {part.dtype}, which keeps "
            f"fewer than {true.dtype}. Where does the type change?"
        )


def _step(array: Any) -> float:
    """Return the step after 1 in the type of a tensor or an array, 0 where there is none."""
    if not isinstance(array, Tensor | np.ndarray | np.generic):
        return 0.0
    numbers = array if isinstance(array, Tensor) else torch.as_tensor(np.asarray(array))
    return torch.finfo(numbers.dtype).eps if numbers.is_floating_point() else 0.0


def _check_range(number: Tensor, label: str, low: float, high: float, tolerance: float) -> None:
    """Hint when a result holds a number that none of the right ones can be."""
    if not number.numel():
        return
    least, most = number.min().item(), number.max().item()
    if least < low - tolerance or most > high + tolerance:
        span = f"is {least:.6g}" if least == most else f"goes from {least:.6g} to {most:.6g}"
        raise WrongAnswer(
            f"{label} {span}, but no right number is below {low:g} or above {high:g}."
        )


def _difference(
    found: list[Tensor], expected: list[Tensor], labels: list[str], tolerance: float
) -> str:
    """Say how far the numbers are from the right ones."""
    wrong = [
        label
        for one, two, label in zip(found, expected, labels, strict=True)
        if not close([one], [two], tolerance)
    ]
    if len(found) > 1:
        return f"Wrong: {', '.join(wrong)}."
    if found[0].numel() == 1:
        return f"You get {found[0].item():.6g}, expected {expected[0].item():.6g}."
    worst = (found[0] - expected[0]).abs().max().item()
    return f"The shape is right, the numbers are not: they differ by up to {worst:.3g}."
