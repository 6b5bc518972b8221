"""Checkers for the exercises of the chapter on automatic differentiation.

Each calls the reader's function on inputs of its own, in float64 on the default device, and
compares the result with one computed another way.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.scratch.engine import Variable


def _points() -> Tensor:
    return torch.tensor([-2.0, -0.5, 0.0, 1.5], dtype=torch.float64)


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)


def _close(given: Any, truth: Any) -> bool:
    one, other = _array(given), _array(truth)
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-8, atol=1e-10)


def sine(answer: Callable[[Variable], Any]) -> None:
    """Check a sine for the engine of the chapter.

    Args:
        answer: takes a Variable of any shape and returns the Variable of its sines, with the
            edge that sends the gradient back.

    Raises:
        WrongAnswer: with a hint, when the value or the gradient is wrong.
    """
    points, seed = _points().cpu().numpy(), np.array([1.0, -3.0, 0.5, 2.0])
    x = Variable(points)
    if isinstance(answer, Variable):
        raise WrongAnswer("Hand over the function itself, without calling it: sine, not sine(x).")
    try:
        result = answer(x)
    except (TypeError, ValueError) as error:
        if "ufunc" in str(error):
            raise WrongAnswer(
                "NumPy cannot take a Variable. Give it the numbers, x.value."
            ) from error
        if any(words in str(error) for words in ("must be Tensor", "real number", "only 0-dim")):
            raise WrongAnswer(
                "That sine is not for arrays: math.sin takes one number, torch.sin a tensor. The "
                "engine computes with NumPy: np.sin, of x.value."
            ) from error
        if "setting an array element" in str(error):
            raise WrongAnswer(
                "Variable(...) was given the edge in place of the value. The value comes first, "
                "the edge after it."
            ) from error
        if "subscriptable" in str(error):
            raise WrongAnswer(
                "An edge is a PAIR of a source and a rule. Look at the brackets that exp puts "
                "around the two."
            ) from error
        raise
    if not isinstance(result, Variable):
        raise WrongAnswer(
            f"Your result has the type {type(result).__name__}. Return a Variable: it alone can "
            "remember where its value came from."
        )
    if not _close(result.value, np.sin(points)):
        raise WrongAnswer(
            "The values are not those of the sine. Compute them with np.sin, from x.value."
        )
    if not result.edges:
        raise WrongAnswer(
            "The values are right, but the result has no edge, so no gradient comes back. What "
            "did exp hand to Variable(...) besides the value? An edge is dropped when its first "
            "part is no Variable."
        )
    if not all(callable(rule) for _, rule in result.edges):
        raise WrongAnswer(
            "The second part of your edge is not a function. The rule takes the gradient g and "
            "returns the share of x."
        )
    for _, rule in result.edges:
        _try_rule(rule, seed)
    result.backward(seed)
    slope = np.cos(points)
    if _close(x.grad, seed * slope):
        print("Right: your sine has the right values and sends the right gradient back.")
        return
    if _close(x.grad, slope):
        raise WrongAnswer(
            "The slope is right, but the rule ignores the gradient g that arrives. The chain rule "
            "multiplies the two."
        )
    if _close(x.grad, -seed * slope):
        raise WrongAnswer(
            "The gradient has the wrong sign. Which of sine and cosine brings a minus?"
        )
    if _close(x.grad, seed * np.cos(np.sin(points))):
        raise WrongAnswer(
            "The rule takes the slope at the RESULT of the sine. Take it at the input, x.value."
        )
    raise WrongAnswer(
        f"At x = 1.5, with g = 2, your rule sends back {x.grad[3]:.4f}. Which function is the "
        "derivative of the sine, and what does it multiply?"
    )


def _try_rule(rule: Callable[[Any], Any], gradient: np.ndarray) -> None:
    """Call the rule of an edge as the engine will, and say what is wrong with its form."""
    try:
        share = rule(gradient)
    except TypeError as error:
        if "ufunc" in str(error):
            raise WrongAnswer(
                "Inside the rule, too, NumPy cannot take a Variable. Give it the numbers, x.value."
            ) from error
        if "positional argument" in str(error):
            raise WrongAnswer(
                "The engine calls your rule with one argument, the gradient g that arrives. Let "
                "the rule take it."
            ) from error
        raise
    if share is None or isinstance(share, Variable):
        raise WrongAnswer(
            f"Your rule returns an object of type {type(share).__name__}. It must return numbers: "
            "compute with g and x.value, and return the result."
        )


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
    x = _points().requires_grad_(True)
    seed = torch.tensor([1.0, -3.0, 0.5, 2.0], dtype=x.dtype)
    truth = torch.sigmoid(x.detach())
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        try:
            out = answer(x)
        except TypeError as error:
            if "missing a required argument" in str(error):
                raise WrongAnswer(
                    "A method was given too few arguments. Does @staticmethod stand above each of "
                    "the three, and does none take self?"
                ) from error
            if "can only save variables" in str(error):
                raise WrongAnswer(
                    "save_for_backward takes tensors, and inputs is a tuple of them. But read the "
                    "exercise again: is it the inputs that you want to keep?"
                ) from error
            raise
    if isinstance(out, torch.autograd.Function):
        raise WrongAnswer("You call the class, which makes an object of it. Call its apply.")
    if not isinstance(out, Tensor):
        raise WrongAnswer(
            f"A tensor was expected, and an object of type {type(out).__name__} came back. Do "
            "forward and sigmoid(x) both end with return, and is apply called with x?"
        )
    if _close(out.detach(), torch.sigmoid(-x.detach())):
        raise WrongAnswer("Your curve falls where the sigmoid rises. Look at the sign of x.")
    if not _close(out.detach(), truth):
        raise WrongAnswer(f"At 0 you return {out[2].item():.4f}; the sigmoid of 0 is one half.")
    if not isinstance(out.grad_fn, torch.autograd.function.BackwardCFunction):
        raise WrongAnswer(
            "The values are right, but they do not come from an operation of your own. Subclass "
            "torch.autograd.Function and call its apply."
        )
    try:
        (given,) = torch.autograd.grad(out, x, seed, retain_graph=True)
    except TypeError as error:
        if "tuple" in str(error) or "an index" in str(error):
            raise WrongAnswer(
                "ctx.saved_tensors is a tuple, even of one tensor. Unpack it as Cosine does."
            ) from error
        raise
    except (IndexError, ValueError) as error:
        if "out of range" in str(error) or "not enough values" in str(error):
            raise WrongAnswer(
                "backward finds nothing in ctx.saved_tensors. Does setup_context hand the output "
                "to ctx.save_for_backward?"
            ) from error
        raise
    except RuntimeError as error:
        if "not have been used" in str(error):
            raise WrongAnswer(
                "Your backward sends nothing to x. Does it end with return?"
            ) from error
        raise
    slope = truth * (1 - truth)
    if _close(given, slope):
        raise WrongAnswer(
            "Your backward returns the slope itself. Multiply it by grad_output, the gradient that "
            "arrives from the operations behind."
        )
    if _close(given, seed * x.detach() * (1 - x.detach())):
        raise WrongAnswer(
            "Your rule s(1 - s) is right, but s is the INPUT there. Which tensor did you save?"
        )
    if not _close(given, seed * slope):
        raise WrongAnswer(
            "The gradient is wrong. Differentiate 1 / (1 + exp(-x)) on paper, then write the "
            "result with s alone."
        )
    if len(kept) != 1 or kept[0].data_ptr() != out.data_ptr():
        raise WrongAnswer(
            f"The gradient is right, but the operation keeps {_named(kept, x, out)}. Keep the "
            "output alone, with ctx.save_for_backward: the slope can be written with it."
        )
    try:
        torch.func.grad(lambda point: answer(point).sum())(x.detach())
    except RuntimeError as error:
        raise WrongAnswer(
            "The gradient is right, but torch.func cannot use the operation. Let forward(x) do the "
            "computing alone and do the saving in setup_context(ctx, inputs, output)."
        ) from error
    print("Right: your sigmoid keeps its output alone and agrees with PyTorch's.")


def _named(kept: list[Tensor], x: Tensor, out: Tensor) -> str:
    """Say what was kept in the words of the exercise."""
    names = {x.data_ptr(): "its input", out.data_ptr(): "its output"}
    found = [names.get(tensor.data_ptr(), "another tensor") for tensor in kept]
    return " and ".join(found) or "nothing that autograd can see"


def jacobian(answer: Callable[[Callable[[Tensor], Tensor], Tensor], Any]) -> None:
    """Check a function that builds a Jacobian row by row with vector-Jacobian products.

    Args:
        answer: takes a function from n numbers to m numbers and a tensor of shape (n,); returns
            the Jacobian there, shape (m, n), with row i the gradient of output i.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """

    def bend(x: Tensor) -> Tensor:
        return torch.stack([x[0] * x[1], x[1] ** 2, x[0] + x[2].sin(), x[2] * x[0]])

    if not callable(answer):
        raise WrongAnswer("Hand over the function itself, without calling it: jacobian.")
    x = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)
    truth = torch.func.jacrev(bend)(x)
    try:
        result = answer(bend, x.clone())
    except RuntimeError as error:
        if "second time" in str(error):
            raise WrongAnswer(
                "The first row went well, then the graph was gone: PyTorch frees it after one "
                "backward pass. Which argument keeps it?"
            ) from error
        if "does not require grad" in str(error):
            raise WrongAnswer(
                "Nothing was recorded: the x that you hand to the function does not require grad."
            ) from error
        if "Mismatch in shape: grad_output" in str(error):
            raise WrongAnswer(
                "A seed has the wrong length. It needs one number for each OUTPUT; the function "
                "need not have two of them, nor as many as it has inputs."
            ) from error
        if "only for scalar outputs" in str(error):
            raise WrongAnswer(
                "The function has several outputs, and one of your walks does not say how much "
                "each counts. Which argument takes the seed?"
            ) from error
        if "not have been used" in str(error):
            raise WrongAnswer(
                "You ask for the slope by a tensor that the outputs were not computed from. Give "
                "grad the very x that you gave to the function."
            ) from error
        raise
    except TypeError as error:
        if "got tuple" in str(error):
            raise WrongAnswer(
                "You stack tuples. torch.autograd.grad gives a tuple with one tensor for each "
                "input: take that tensor out first."
            ) from error
        raise
    if result is None:
        raise WrongAnswer("Your function returns nothing. Does it end with return?")
    if not isinstance(result, Tensor):
        raise WrongAnswer(
            f"Your result has the type {type(result).__name__}. torch.autograd.grad gives a "
            "tuple with one tensor for each input: take that tensor out, then stack the rows."
        )
    given = result.detach()
    if _close(given, truth):
        print("Right: row by row, you built the Jacobian that torch.func gives.")
        return
    if _close(given, truth.T):
        raise WrongAnswer(
            f"Your shape is {tuple(given.shape)}: the Jacobian on its side. There is one ROW for "
            "each output, one column for each input."
        )
    if _close(given, truth.sum(dim=0)):
        raise WrongAnswer(
            "You return one row: the sum of them all, which is what a seed of ones gives. Use a "
            "seed for each output, with a single one in it."
        )
    if _close(given, truth.flatten()):
        raise WrongAnswer(
            "The numbers are right, but they stand in one long row. Which function puts rows on "
            "top of each other?"
        )
    if _close(given, truth.cumsum(dim=0)):
        raise WrongAnswer(
            "Each of your rows contains the ones above it: x.grad accumulates. Use "
            "torch.autograd.grad, which returns the gradient instead of adding it."
        )
    if _close(given, truth.sum(dim=0).expand(truth.shape)):
        raise WrongAnswer(
            "All your rows are one tensor, x.grad, to which every walk has added. Use "
            "torch.autograd.grad, which returns a new gradient each time."
        )
    raise WrongAnswer(
        f"You return shape {tuple(given.shape)} with other numbers; (4, 3) was expected for four "
        "outputs of three inputs. Print the first row alone and compare it with a gradient that "
        "you work out by hand."
    )
