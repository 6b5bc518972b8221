"""Checkers for the exercises of the chapter on deeper networks.

Each calls the reader's function on inputs of its own and compares the result with an independent
truth. Inputs are fixed, so that the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
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


def early(answer: Callable[[Tensor, nn.Module, nn.Module, nn.Module, nn.Module], Any]) -> None:
    """Check a residual block with nothing behind its sum.

    Args:
        answer: takes x, shape (n, channels, h, w), and the modules norm1, conv1, norm2 and conv2;
            returns x plus what they make of it, each normalisation and a ReLU before its
            convolution.

    Raises:
        WrongAnswer: with a hint, when the result is another.

    Source: He et al. (2016), Identity Mappings in Deep Residual Networks, figure 4 (e).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.randn(2, 3, 5, 4, dtype=torch.float64)
        norm1, norm2 = (_used_norm() for _ in range(2))
        conv1, conv2 = (
            nn.Conv2d(3, 3, 3, padding=1, bias=False).double().requires_grad_(False)
            for _ in range(2)
        )
    entered = F.relu(norm1(x))
    inside = conv2(F.relu(norm2(conv1(entered))))
    late = norm2(conv2(F.relu(norm1(conv1(x)))))
    run(
        answer,
        x,
        norm1,
        conv1,
        norm2,
        conv2,
        truth=x + inside,
        mistakes={
            "A ReLU stands behind the sum. Here nothing does.": F.relu(x + inside),
            "The sum is missing: where is the way around?": inside,
            "The convolutions come first, as in the page's block. Here each stands behind its "
            "normalisation and ReLU.": x + late,
            "This is the page's block. Move each normalisation and ReLU before its convolution, "
            "and leave nothing behind the sum.": F.relu(x + late),
            "You add what has passed the first normalisation and ReLU. The way around starts at x "
            "itself.": entered + inside,
            "There is no ReLU: without one the two convolutions are one affine map.": x
            + conv2(norm2(conv1(norm1(x)))),
            "The first ReLU is missing.": x + conv2(F.relu(norm2(conv1(norm1(x))))),
            "The second ReLU is missing.": x + conv2(norm2(conv1(entered))),
            "The ReLU stands before its normalisation. First normalise, then cut.": x
            + conv2(norm2(F.relu(conv1(norm1(F.relu(x)))))),
            "The two normalisations have changed places.": x
            + conv2(F.relu(norm1(conv1(F.relu(norm2(x)))))),
            "The two convolutions have changed places.": x + conv1(F.relu(norm2(conv2(entered)))),
        },
        look="Write the six steps on one line, from x to the sum, and follow x around them.",
        dtype=torch.float64,
        tolerance=1e-9,
    )
    print("Right: where the convolutions give nothing, x comes out as it went in.")


def _used_norm() -> nn.Module:
    """A normalisation in evaluation mode, with averages and parameters that are not the first."""
    norm = nn.BatchNorm2d(3).double().eval().requires_grad_(False)
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        assert tensor is not None
        tensor.uniform_(0.5, 1.5)
    return norm


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
