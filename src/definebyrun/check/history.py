"""Checks answers to the exercises of the page on history."""

from collections.abc import Callable, Iterator
from functools import wraps
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import run


def _words(names: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(names.split())


_ADDS = _words("add radd iadd sub subtract rsub isub")
_WEIGHS = _words(
    "sum neg negative mean cumsum mul multiply rmul imul div divide true_divide truediv matmul "
    "rmatmul mm mv bmm dot inner outer einsum tensordot linear addmm addmv"
)
_THRESHOLDS = _words("gt lt ge le greater less greater_equal less_equal heaviside")
_CASTS = _words("to type type_as float double int long bool")
_FILLED = _words("zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_tensor")
_MOVES = _words(  # what only looks at numbers or puts them elsewhere
    "get getitem setitem where unbind stack cat concat concatenate hstack vstack column_stack view "
    "view_as reshape ravel flatten squeeze unsqueeze expand expand_as repeat t transpose permute "
    "split chunk select narrow tile broadcast_to clone detach contiguous dim len size numel repr "
    "format is_floating_point"
)
_LEAVES = _words("item tolist numpy array int index float bool complex")


class _Neurons(TorchFunctionMode):
    """Follows what is computed from an input, and allows sums and at most two layers of thresholds.

    Attributes:
        layers: for each number of a tensor that comes from the input how many thresholds lie
            between the two; the tensor is kept, so that no other takes its number.
    """

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.layers = {id(x): (0, x)}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function; say what is amiss when no threshold neuron computes it."""
        kwargs = kwargs or {}
        full = getattr(func, "__name__", "")
        name = full.strip("_")
        parts = [part for one in (*args, *kwargs.values()) for part in _tensors(one)]
        found = [self.layers[id(part)][0] for part in parts if id(part) in self.layers]
        if found:
            self._look(full, name, args, parts, len(found))
        result = func(*args, **kwargs)
        if found and name not in _FILLED:
            self._keep(name, args, result, max(found) + (name in _THRESHOLDS))
        return result

    def _look(self, full: str, name: str, args: Any, parts: list[Tensor], inputs: int) -> None:
        """Refuse a function that does not belong into the layers."""
        leaves = full in {"item", "tolist", "numpy"} or (full != name and name in _LEAVES)
        if leaves:
            raise WrongAnswer(
                f"Your function takes numbers out of the tensors ({full}). Stay with tensors: "
                "x > 0.5 gives one answer for each number, without an if."
            )
        if name not in _ADDS | _WEIGHS | _THRESHOLDS | _CASTS | _FILLED | _MOVES:
            raise WrongAnswer(
                f"Your function uses {full} on what comes from x. The exercise asks for neurons: "
                "weighted sums, and comparisons with a threshold by > or <."
            )
        first = {id(part) for part in _tensors(args[0])} if args else set()
        chosen = [part for part in parts if id(part) in self.layers and id(part) not in first]
        if name == "setitem":
            chosen = [part for part in _tensors(args[1]) if id(part) in self.layers]
        if (name in _WEIGHS and inputs > 1) or (name in {"getitem", "setitem", "where"} and chosen):
            raise WrongAnswer(
                f"Your function uses {full} on two things that both come from x, or picks by "
                "what comes from x. A neuron's weights stay the same whatever x is."
            )

    def _keep(self, name: str, args: Any, result: Any, layers: int) -> None:
        """Remember how deep the result lies; refuse what is deeper than one hidden layer."""
        if name in _CASTS and not torch.equal(result.double(), args[0].double()):
            raise WrongAnswer(
                f"Your function rounds by {name}. The exercise asks for neurons: weighted sums, "
                "and comparisons with a threshold by > or <."
            )
        if layers > 2:
            raise WrongAnswer(
                "That is a deep network: a comparison looks at the result of a comparison of a "
                "comparison. The exercise asks for one hidden layer, all of whose neurons look at "
                "x itself, and one neuron that looks at them."
            )
        for part in _tensors(args[0] if name == "setitem" else result):
            self.layers[id(part)] = (layers, part)


def _tensors(thing: Any) -> Iterator[Tensor]:
    """Yield the tensors in lists, tuples and slices."""
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from _tensors(one)


def _followed(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function, followed step by step."""

    @wraps(answer)
    def follow(x: Tensor) -> Any:
        with _Neurons(x):
            return answer(x)

    return follow


def parity(answer: Callable[..., Any]) -> None:
    """Check one hidden layer of threshold neurons that says whether the number of ones is odd.

    Args:
        answer: called as ``answer(x)`` with all rows of n zeros and ones, float32, shape
            (2**n, n), for n from 1 to 8; returns 1.0 for each row with an odd number of ones and
            0.0 for each other, shape (2**n,).

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    followed = _followed(answer) if callable(answer) else answer
    for n in (2, 3, 1, 4, 5, 6, 7, 8):
        x = torch.tensor(list(product((0.0, 1.0), repeat=n)))
        count = x.sum(dim=1)
        truth = (count.long() % 2).float()
        mistakes = {
            "You say when the number of ones is even; the exercise asks for odd.": 1 - truth,
            "This is OR: it fires for any row with a one in it.": (count > 0).float(),
            "This is AND: it fires only where all are one.": (count == n).float(),
            "This fires for exactly one 1. Three ones are odd, too.": (count == 1).float(),
            "You add the hidden neurons up, all with the same weight. Which of them should count "
            "against firing?": count,
            "This fires when at least two are one.": (count > 1).float(),
        }
        run(
            followed,
            x,
            truth=truth,
            mistakes=mistakes,
            look="Take a row with two ones: which hidden neurons fire, and what is their sum?",
            shapes={
                (): "One answer came back; every row wants its own.",
                (2**n, 1): "Return a flat list of answers, shape (rows,), not a column.",
                (2**n, n): "The hidden neurons came back; the last neuron has still to add them.",
            },
            case=f"{n} inputs",
        )
    print("Right: one hidden layer computes the parity of 1 to 8 inputs.")
