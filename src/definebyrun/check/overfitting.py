"""Checkers for the exercises of the chapter on overfitting.

Each calls the reader's function on inputs of its own, on the CPU, and compares the result with one
computed another way. Chance is an input too, so that the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.run import Rules, run


def dropout(answer: Callable[[Tensor, Tensor, float], Any]) -> None:
    """Check a function that drops activations as PyTorch does in training.

    Args:
        answer: takes activations x, chances of the same shape, drawn evenly from 0 to 1, and the
            probability p, 0 up to but not including 1; drops where the chance is less than p.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    chances = torch.rand(6, 5, generator=generator, dtype=torch.float64)
    for p in (0.2, 0.6, 0.0):
        pairs = zip(x.flatten().tolist(), chances.flatten().tolist(), strict=True)
        kept = [0.0 if chance < p else value for value, chance in pairs]
        plain = torch.tensor(kept, dtype=torch.float64).reshape(x.shape)
        share = (chances >= p).double().mean()
        other = torch.where(chances < p, x, 0.0)
        rows = (chances[:, :1] >= p).double()
        typical = {
            "You drop the right ones, but the survivors keep their size. Then the next layer gets "
            "less in training than afterwards.": plain,
            "You shrink the survivors by 1 - p. They have to make up for the dropped ones, so they "
            "must grow.": plain * (1 - p),
            "You keep what should be dropped: where the chance is less than p. A dropout of p "
            "drops the share p.": other / (1 - p),
            "You keep where the chance is less than 1 - p. That drops the right share, but not "
            "where the exercise asks: where the chance is less than p.": torch.where(
                chances < 1 - p, x / (1 - p), 0.0
            ),
            "You divide by the share that survived this time. Dropout divides by the probability "
            "of surviving, which is the same in every draw.": plain / share,
            "You drop whole rows, hence whole examples. Each activation has a chance of its own.": x
            * rows
            / (1 - p),
            "You scale all activations, and drop none.": x / (1 - p),
            "You return the input. That is dropout in evaluation mode.": x,
        }
        if p > 0:
            typical["You divide by p, the probability of being dropped."] = plain / p
        run(
            answer,
            x,
            chances,
            p,
            truth=plain / (1 - p),
            rules=Rules(
                forbid={"*dropout*": "It draws chances of its own; use those that you are given."}
            ),
            mistakes=typical,
            look="Take one activation with a chance above p, and one with a chance below it.",
            not_finite="With p = 0 nothing is dropped, and nothing may be divided by 0.",
            dtype=torch.float64,
            tolerance=1e-9,
            case=f"p = {p}",
        )
    print("Right: zeros where the chance says so, and survivors that make up for them.")
