"""Telling a reader's tensor from the right one, for the checkers of several chapters."""

from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer


def tensor(result: Any) -> Tensor:
    """Return the result of a reader's function, detached and on the CPU, if it is a tensor.

    Raises:
        WrongAnswer: it is something else; the hint says what.
    """
    if result is None:
        raise WrongAnswer("Your function returns None. Is there a return at its end?")
    if not isinstance(result, Tensor):
        raise WrongAnswer(f"Your function returns a {type(result).__name__}; return a tensor.")
    return result.detach().cpu()


def close(result: Tensor, other: Tensor) -> bool:
    """Say whether two tensors, which broadcast, differ by no more than rounding in float32."""
    return torch.allclose(result.double(), other.double(), rtol=1e-4, atol=1e-5)


def compare(result: Tensor, truth: Tensor, typical: dict[str, Tensor], look: str) -> None:
    """Pass the truth; give a typical mistake its own hint and any other result a general one.

    Args:
        result: what the reader's function gave, of the right shape.
        truth: what it should give.
        typical: for each hint the result of the mistake that it names.
        look: where to look when the mistake is none of these.

    Raises:
        WrongAnswer: the result is not the truth.
    """
    if close(result, truth):
        return
    for hint, mistake in typical.items():
        if close(result, mistake):
            raise WrongAnswer(hint)
    raise WrongAnswer(f"The shape is right, the numbers are not. {look}")
