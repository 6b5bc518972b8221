"""Activation functions from scratch, and what they do to a deep network's signals.

The functions work element by element on a floating tensor of any shape, dtype and device, keep
all three, and stay differentiable.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

Initialisation = Callable[[int, int], float]


def relu(x: Tensor) -> Tensor:
    """Return x where it is positive and 0 elsewhere; the slope is 1 or 0, and 0 at 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    """
    return torch.where(x <= 0, torch.zeros_like(x), x)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)), between 0 and 1, with a gradient that is finite everywhere.

    It is exp(x) / (exp(x) + 1), above and below divided by the larger of exp(x) and 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
    """
    zero = torch.zeros_like(x)
    yes, no = torch.minimum(x, zero).exp(), torch.minimum(-x, zero).exp()
    return yes / (yes + no)


def gelu(x: Tensor) -> Tensor:
    """Return x times the probability that a standard normal number is below x.

    Source: https://arxiv.org/abs/1606.08415
    """
    twice_probability: Tensor = torch.special.erfc(-x / math.sqrt(2))
    return x * twice_probability / 2


def silu(x: Tensor) -> Tensor:
    """Return x times its sigmoid, also called swish.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """
    return x * sigmoid(x)


def xavier(fan_in: int, fan_out: int) -> float:
    """Return the standard deviation of the weights after Glorot and Bengio (2010).

    Args:
        fan_in, fan_out: the numbers of inputs and outputs of the layer.

    Source: https://proceedings.mlr.press/v9/glorot10a.html
    """
    return math.sqrt(2 / (fan_in + fan_out))


def he(fan_in: int, fan_out: int) -> float:
    """Return the standard deviation of weights whose inputs come out of a ReLU: He et al. (2015).

    Args:
        fan_in, fan_out: the numbers of inputs and outputs of the layer; the outputs do not count.

    Source: https://arxiv.org/abs/1502.01852
    """
    return math.sqrt(2 / fan_in)


class Sizes(NamedTuple):
    """How large the signals of a deep network are, layer by layer, first layer first.

    Each is a root mean square over examples and units, shape (depth,).
    """

    outputs: Tensor
    gradients: Tensor


def root_mean_square(signals: Iterable[Tensor]) -> Tensor:
    """Return the root mean square of each of n tensors: one tensor of shape (n,)."""
    return torch.stack([signal.detach().square().mean().sqrt() for signal in signals])


def sizes_by_depth(
    activation: Callable[[Tensor], Tensor],
    initialisation: Initialisation,
    *,
    depth: int = 20,
    width: int = 128,
    samples: int = 256,
    seed: int = 0,
) -> Sizes:
    """Send random examples up a deep network and a random gradient down; measure both.

    Each of the ``depth`` layers computes z = h W and h = activation(z), without biases.
    The examples, and the gradient that enters at the top, are standard normal.

    Args:
        activation: the function after each layer, element by element.
        initialisation: from fan-in and fan-out, the standard deviation of W.
        depth, width: how many layers, and units in each.
        samples: how many examples.
        seed: for the weights, the examples and the gradient.

    Returns:
        The sizes of every h, and of the gradient at every z; float64, on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(rows: int) -> Tensor:
        shape = (rows, width)
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    h, sums, outputs = normal(samples).requires_grad_(), [], []
    for _ in range(depth):
        z = h @ (initialisation(width, width) * normal(width))
        sums.append(z)
        h = activation(z)
        outputs.append(h)
    gradients = torch.autograd.grad(h, sums, grad_outputs=normal(samples))
    return Sizes(root_mean_square(outputs), root_mean_square(gradients))
