"""Checkers for the exercises of the chapter on deeper networks.

Each calls the reader's function on inputs of its own and compares the result with an independent
truth. Inputs are fixed, so that the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from definebyrun.check.run import run

Layers = list[tuple[int, int]]


def receptive_field(answer: Callable[[Layers], Any]) -> None:
    """Check a function that says how far one number of a network's last layer sees.

    Args:
        answer: takes the layers, from the first to the last, each a pair of filter width and
            stride, and returns an integer: the pixels in a row that the number depends on.

    Raises:
        WrongAnswer: with a hint, when a receptive field has another size.
    """
    for layers in (
        [(3, 1)],
        [(3, 1), (3, 1)],
        [(3, 1), (2, 2), (5, 1)],
        [(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)],
    ):
        strides_ignored = 1 + sum(width - 1 for width, _ in layers)
        product = 1
        for width, _ in layers:
            product *= width
        run(
            answer,
            layers,
            truth=_seen(layers),
            mistakes={
                "You leave the strides out. Behind a stride of 2, two neighbours look at windows "
                "that start 2 places apart.": strides_ignored,
                "You go from the first layer to the last with a rule for going back. Turn the "
                "order round.": _backward(layers),
                "You multiply the widths. Neighbouring windows overlap.": product,
                "You look at the last layer only.": layers[-1][0],
                "You add up the widths. A second filter of 3 adds 2 places, not 3.": sum(
                    width for width, _ in layers
                ),
                "You start from no place at all. The last layer has one number to begin with.": (
                    _backward(layers[::-1], seen=0)
                ),
                "Each of n places moves the window by the stride, but the first one is already "
                "there: n - 1 moves.": _backward(layers[::-1], moves=0),
            },
            look="Draw the places as rows of boxes, one row a layer, and mark what one box needs.",
            tolerance=0,
            case=f"layers {layers}",
        )
    print("Right: one number of the last layer has a gradient at just so many pixels of a row.")


def _seen(layers: Layers) -> int:
    """Count the pixels that get a gradient from one number of the last layer."""
    pixels = torch.ones(1, 1, 64, requires_grad=True, dtype=torch.float64)
    row = pixels
    for width, stride in layers:
        row = F.conv1d(row, torch.ones(1, 1, width, dtype=row.dtype), stride=stride)
    (gradient,) = torch.autograd.grad(row[0, 0, 1], pixels)
    return int((gradient != 0).sum())


def _backward(layers: Layers, *, seen: int = 1, moves: int = 1) -> int:
    for width, stride in layers:
        seen = (seen - moves) * stride + width
    return seen
