"""Checkers for the exercises of the chapter on autograd in PyTorch.

Each calls the reader's function on inputs of its own, in float64 on the default device, and
compares the result with one computed another way.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, guarded

TOLERANCE = 1e-9


def _points() -> Tensor:
    return torch.tensor([-2.0, -0.5, 0.0, 1.5], dtype=torch.float64)


def sigmoid(answer: Callable[[Tensor], Tensor]) -> None:
    """Check a sigmoid made with ``torch.autograd.Function`` that keeps its output alone.

    Args:
        answer: takes a float tensor of any shape and returns 1 / (1 + exp(-x)).

    Raises:
        WrongAnswer: with a hint, when the value, the gradient or what is kept is wrong.
    """
    if isinstance(answer, type):
        raise WrongAnswer(
            "You hand over the class. Hand over the function that calls its apply: sigmoid."
        )
    points = _points()
    x = points.clone().requires_grad_(True)
    seed = torch.tensor([1.0, -3.0, 0.5, 2.0], dtype=x.dtype)
    truth = torch.sigmoid(points)
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    rules = Rules(
        in_place=(0,),  # the gradient arrives there
        errors={
            "missing a required argument": "A method was given too few arguments. Does "
            "@staticmethod stand above each of the three, and does none take self?",
            "can only save variables": "save_for_backward takes tensors, and inputs is a tuple of "
            "them. But read the exercise again: is it the inputs that you want to keep?",
        },
    )
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = call(answer, x, rules=rules)
    if isinstance(out, torch.autograd.Function):
        raise WrongAnswer("You call the class, which makes an object of it. Call its apply.")
    if not isinstance(out, Tensor):
        raise WrongAnswer(
            f"A tensor was expected, and an object of type {type(out).__name__} came back. Do "
            "forward and sigmoid(x) both end with return, and is apply called with x?"
        )
    if not torch.equal(x, points):
        raise WrongAnswer("Your function changes x. Whoever made x still needs its numbers.")
    compare(
        out,
        truth,
        {"Your curve falls where the sigmoid rises. Look at the sign of x.": 1 - truth},
        "The sigmoid of 0 is one half.",
        low=0,
        high=1,
        tolerance=TOLERANCE,
    )
    if not isinstance(out.grad_fn, torch.autograd.function.BackwardCFunction):
        raise WrongAnswer(
            "The values are right, but they do not come from an operation of your own. Subclass "
            "torch.autograd.Function and call its apply."
        )
    one_tuple = "ctx.saved_tensors is a tuple, even of one tensor. Unpack it as Cosine does."
    nothing = (
        "backward finds nothing in ctx.saved_tensors. Does setup_context hand the output to "
        "ctx.save_for_backward?"
    )
    way_back = {
        "tuple index out of range": nothing,
        "not enough values": nothing,
        "out of range": nothing,
        "tuple": one_tuple,
        "an index": one_tuple,
        "not have been used": "Your backward sends nothing to x. Does it end with return?",
    }
    with guarded(way_back):
        (given,) = torch.autograd.grad(out, x, seed, retain_graph=True)
    slope = truth * (1 - truth)
    compare(
        given,
        seed * slope,
        {
            "Your backward returns the slope itself. Multiply it by grad_output, the gradient that "
            "arrives from the operations behind.": slope,
            "Your rule s(1 - s) is right, but s is the INPUT there. Which tensor did you "
            "save?": seed * points * (1 - points),
        },
        "The gradient is wrong. Differentiate 1 / (1 + exp(-x)) on paper, then write the result "
        "with s alone.",
        tolerance=TOLERANCE,
    )
    if len(kept) != 1 or kept[0].data_ptr() != out.data_ptr():
        raise WrongAnswer(
            f"The gradient is right, but the operation keeps {_named(kept, x, out)}. Keep the "
            "output alone, with ctx.save_for_backward: the slope can be written with it."
        )
    again = torch.autograd.grad(out, x, seed, create_graph=True)[0]
    bend = torch.autograd.grad(again.sum(), x)[0] if again.requires_grad else None
    if bend is None or not torch.allclose(bend, seed * slope * (1 - 2 * truth)):
        raise WrongAnswer(
            "The gradient is right, but not the second derivative: your backward is not recorded. "
            "Write it in PyTorch's operations, without detach, .data, item and NumPy."
        )
    split = (
        "The gradient is right, but torch.func cannot use the operation. Let forward(x) do the "
        "computing alone and do the saving in setup_context(ctx, inputs, output)."
    )
    with guarded({"": split}):
        torch.func.grad(lambda point: answer(point).sum())(points)
    print("Right: your sigmoid keeps its output alone and agrees with PyTorch's.")


def _named(kept: list[Tensor], x: Tensor, out: Tensor) -> str:
    """Say what was kept in the words of the exercise."""
    names = {x.data_ptr(): "its input", out.data_ptr(): "its output"}
    found = [names.get(tensor.data_ptr(), "another tensor") for tensor in kept]
    return " and ".join(found) or "nothing that autograd can see"


def jacobian(answer: Callable[[Callable[[Tensor], Tensor], Tensor], Any]) -> None:
    """Check a function that builds a Jacobian row by row with vector-Jacobian products.

    The walks are counted where they begin, at the outputs. That also refuses what needs none:
    differences, and results known beforehand.

    Args:
        answer: takes a function from n numbers to m numbers and a tensor of shape (n,); returns
            the Jacobian there, shape (m, n), with row i the gradient of output i.

    Raises:
        WrongAnswer: with a hint, when the result is another, or PyTorch's own Jacobian or
            differences were used.
    """

    def bend(x: Tensor) -> Tensor:
        return torch.stack([x[0] * x[1], x[1] ** 2, x[0] + x[2].sin(), x[2] * x[0]])

    def length(x: Tensor) -> Tensor:
        return (x.square().sum() + 1).sqrt()[None]

    x = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)
    _jacobian_of(answer, bend, x, "four outputs of three inputs")
    _jacobian_of(answer, length, x[:2], "one output of two inputs")
    print("Right: row by row, you built the Jacobian that torch.func gives.")


def _ready_made() -> bool:
    """Say whether one of PyTorch's own Jacobians is calling."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename.replace("\\", "/")
        if "torch/_functorch/" in name or name.endswith("torch/autograd/functional.py"):
            return True
        frame = frame.f_back
    return False


def _jacobian_of(
    answer: Callable[..., Any], function: Callable[[Tensor], Tensor], x: Tensor, case: str
) -> None:
    """Check the reader's Jacobian of one function, and how it was found."""
    truth = torch.func.jacrev(function)(x)
    walks: list[Tensor] = []
    helped: list[bool] = []

    def watched(x: Tensor) -> Tensor:
        helped.append(_ready_made())
        out = function(x)
        if out.requires_grad and not helped[-1]:
            out.register_hook(walks.append)
        return out

    rules = Rules(
        errors={
            "second time": "The first row went well, then the graph was gone: PyTorch frees it "
            "after one backward pass. Which argument keeps it?",
            "does not require grad": "Nothing was recorded: the x that you hand to the function "
            "does not require grad.",
            "Mismatch in shape: grad_output": "A seed has the wrong length. It needs one number "
            "for each OUTPUT; the function need not have two of them, nor as many as it has "
            "inputs.",
            "only for scalar outputs": "The function has several outputs, and one of your walks "
            "does not say how much each counts. Which argument takes the seed?",
            "not have been used": "You ask for the slope by a tensor that the outputs were not "
            "computed from. Give grad the very x that you gave to the function.",
            "got tuple": "You stack tuples. torch.autograd.grad gives a tuple with one tensor for "
            "each input: take that tensor out first.",
        }
    )
    given = call(answer, watched, x, rules=rules)
    if isinstance(given, tuple | list):
        raise WrongAnswer(
            f"Your result has the type {type(given).__name__}. torch.autograd.grad gives a "
            "tuple with one tensor for each input: take that tensor out, then stack the rows."
        )
    compare(
        given,
        truth,
        {
            "You return one row: the sum of them all, which is what a seed of ones gives. Use a "
            "seed for each output, with a single one in it.": truth.sum(dim=0),
            "The numbers are right, but they stand in one long row. Which function puts rows on "
            "top of each other?": truth.flatten(),
            "Each of your rows contains the ones above it: x.grad accumulates. Use "
            "torch.autograd.grad, which returns the gradient instead of adding "
            "it.": truth.cumsum(dim=0),
            "All your rows are one tensor, x.grad, to which every walk has added. Use "
            "torch.autograd.grad, which returns a new gradient each time.": truth.sum(dim=0).expand(
                truth.shape
            ),
        },
        "Print the first row alone and compare it with a gradient that you work out by hand.",
        shapes={
            (3, 4): "The Jacobian lies on its side. There is one ROW for each output, one column "
            "for each input."
        },
        tolerance=TOLERANCE,
        case=case,
    )
    if any(helped):
        raise WrongAnswer(
            "The numbers are right, but PyTorch's own Jacobian found them. The exercise asks you "
            "to build it, with torch.autograd.grad and a seed for each row."
        )
    if not walks:
        raise WrongAnswer(
            "The numbers are right, but no gradient was sent back from the outputs. The exercise "
            "asks for torch.autograd.grad, with a seed for each row."
        )
