"""The comparisons behind claims: what a chapter may compare, and whether it holds."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
RELATIONS = (*ORDERS, "==", "!=", "close to", "in", "not in")


def holds(compared: Sequence[Any], within: float | None) -> bool:
    """Tell whether a chain such as ``0, "<", p, "<", 1`` holds at every link.

    Args:
        compared: operands with a relation between each two.
        within: the largest distance that counts as ``close to``.

    Raises:
        TypeError: this is no chain, or an operand is a finished bool.
        ValueError: an operand is NaN, empty, of another shape, or compared with itself.
    """
    operands, relations = compared[::2], compared[1::2]
    if len(compared) < 3 or len(operands) != len(relations) + 1:
        raise TypeError(f"a claim got {len(compared)} things; expected left, relation, right")
    for relation in relations:
        if not isinstance(relation, str) or relation not in RELATIONS:
            raise TypeError(f"relation is {relation!r}; expected one of {', '.join(RELATIONS)}")
    if ("close to" in relations) != (within is not None):
        raise TypeError(f"within is {within!r}; expected a number with 'close to', and only there")
    if within is not None and not 0 < within < math.inf:
        raise ValueError(f"within is {within!r}; expected a positive number")
    operands = [_operand(operand) for operand in operands]
    links = zip(operands, relations, operands[1:], strict=False)
    verdicts = [_link(*link, within) for link in links]  # each is looked at, as each may be junk
    return all(verdicts)


def in_lines(compared: Sequence[Any]) -> list[list[Any]]:
    """Return a chain for each line that tells what was compared.

    Where sequences of two to six numbers are larger, smaller or close, each element has its line.
    """
    elements = [_few(operand) for operand in compared[::2]]
    sizes = {len(found) for found in elements if found is not None}
    if len(sizes) != 1 or not {*compared[1::2]} <= {*ORDERS, "close to"}:
        return [[in_short(operand) for operand in compared]]
    lines = []
    for place in range(*sizes):
        line = [in_short(part) for part in compared]
        for number, found in enumerate(elements):
            if found is not None:
                line[2 * number] = in_short(found[place])
        lines.append(line)
    return lines


def _few(operand: Any) -> Sequence[Any] | None:
    """Return the elements of two to six numbers in a row; None of anything else."""
    if _is_array(operand) and len(operand.shape) != 1:
        return None
    if not _is_array(operand) and not isinstance(operand, tuple | list):
        return None
    if not 2 <= len(operand) <= 6:
        return None
    found = list(operand)
    numbers = all(isinstance(n, int | float) or (_is_array(n) and not n.shape) for n in found)
    return found if numbers else None


def in_short(operand: Any) -> int | float | str:
    """Return an operand as a number or a few words that tell what was compared.

    Up to six numbers are written out; of more, the least and the greatest stand for all.
    """
    if _is_array(operand) and math.prod(operand.shape) == 1:
        operand = operand.item()
    if isinstance(operand, int | float | str):
        return operand
    if _is_array(operand):
        kind = str(operand.dtype).removeprefix("torch.")
        if not kind.startswith(("float", "bfloat", "int", "uint")):
            return f"{kind}[{', '.join(map(str, operand.shape))}]"
        if hasattr(operand, "detach"):
            operand = operand.detach().cpu()
        return _written(_precise(operand).ravel().tolist(), "d" if "int" in kind else ".4g")
    words = str(operand)
    return words if len(words) <= 40 else words[:39] + "…"


def largest_difference(compared: Sequence[Any]) -> float | None:
    """Return how far apart the elements are that a claim calls close; None without arrays."""
    found = [
        float(abs(_precise(left) - _precise(right)).max())
        for left, relation, right in zip(compared, compared[1:], compared[2:], strict=False)
        if isinstance(relation, str) and relation == "close to"
        for left, right in [_alike(_operand(left), _operand(right))]
        if max(math.prod(getattr(side, "shape", ())) for side in (left, right)) > 1
    ]
    return max(found) if found else None


def _written(numbers: list[float], form: str) -> str:
    """Write a few numbers one by one, and many as their range."""
    if form == "d":
        numbers = [int(number) for number in numbers]
    if len(numbers) <= 6:
        return ", ".join(f"{number:{form}}" for number in numbers)
    least, most = f"{min(numbers):{form}}", f"{max(numbers):{form}}"
    return least if least == most else f"{least} … {most}"


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _operand(value: Any) -> Any:
    """Return an operand on the CPU and without its history, if it can be compared at all."""
    if callable(getattr(value, "detach", None)):
        value = value.detach().cpu()
    size = math.prod(value.shape) if _is_array(value) else 1
    if size == 0:
        raise ValueError(f"an operand is empty, of shape {tuple(value.shape)}; expected elements")
    of_bools = _is_array(value) and str(value.dtype).endswith("bool") and size == 1
    if isinstance(value, bool) or of_bools:
        raise TypeError(f"an operand is {value!r}; expected the things compared, not a verdict")
    if _has_nan(value):
        raise ValueError(f"an operand contains NaN: {in_short(value)}")
    return value


def _has_nan(value: Any) -> bool:
    if _is_array(value):
        return bool((value != value).any())
    if isinstance(value, tuple | list):
        return any(map(_has_nan, value))
    return isinstance(value, float | complex) and value != value


def _link(left: Any, relation: str, right: Any, within: float | None) -> bool:
    if relation in ("in", "not in"):
        if isinstance(left, str) and not left:
            raise ValueError("an operand is the empty string, which is in every string")
        return bool(left in right) == (relation == "in")
    if _same(left, right):
        raise ValueError(
            f"{in_short(left)} is compared with itself: both sides are one object or one memory"
        )
    if (
        relation == "!="
        and None not in (kinds := (_kind(left), _kind(right)))
        and len({*kinds}) > 1
    ):
        raise ValueError(f"{in_short(left)} and {in_short(right)} can never be equal")
    arrays = _is_array(left) or _is_array(right)
    if arrays or relation not in ("==", "!="):
        left, right = _alike(left, right)
        shapes = [tuple(getattr(side, "shape", ())) for side in (left, right)]
        if () not in shapes and shapes[0] != shapes[1]:
            raise ValueError(f"shapes are {shapes[0]} and {shapes[1]}; expected equal ones")
    if relation == "close to":
        result = abs(_precise(left) - _precise(right)) <= within
    elif relation in ORDERS:
        result = ORDERS[relation](left, right)
    else:
        result = left == right if relation == "==" else left != right
    return bool(result.all() if hasattr(result, "all") else result)


def _same(left: Any, right: Any) -> bool:
    """Tell whether two operands are one object, or every element of one is that of the other.

    Small integers, short strings and empty tuples are shared by Python; they do not count.
    """
    if _is_array(left) and _is_array(right):
        return _memory(left) == _memory(right)
    return left is right and isinstance(left, float | complex | list | dict | set)


def _kind(value: Any) -> str | None:
    """Return what kind of plain value this is, if it is one."""
    if value is None:
        return "nothing"
    return {int: "number", float: "number", str: "text"}.get(type(value))


def _memory(array: Any) -> tuple[Any, ...]:
    """Return where the elements of a tensor or array lie."""
    if isinstance(array, np.generic):
        return (id(array),)
    if hasattr(array, "data_ptr"):
        start, steps = array.data_ptr(), [s * array.element_size() for s in array.stride()]
    else:
        start, steps = array.ctypes.data, array.strides
    strides = [step for step, size in zip(steps, array.shape, strict=True) if size > 1]
    return (start, tuple(array.shape), tuple(strides))


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Turn two operands into what can be compared element by element."""
    left, right = _comparable(left), _comparable(right)
    if isinstance(left, np.ndarray) != isinstance(right, np.ndarray):  # one is a tensor
        left, right = (x.numpy() if hasattr(x, "numpy") else x for x in (left, right))
    return left, right


def _comparable(value: Any) -> Any:
    """Turn a sequence of numbers into an array, and a NumPy scalar into a Python number."""
    if isinstance(value, tuple | list):
        return np.asarray(value)
    return value.item() if isinstance(value, np.generic) else value


def _precise(value: Any) -> Any:
    """Return numbers in double precision, so that a difference neither wraps nor rounds."""
    if isinstance(value, np.ndarray):
        return value.astype(np.result_type(value, np.float64))
    if _is_array(value) and not value.is_complex():
        return value.double()
    return value
