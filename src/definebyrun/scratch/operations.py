"""Operations of our own for PyTorch: a forward value, and the rule that sends the gradient back."""

from typing import Any

import torch
from torch import Tensor


class Cosine(torch.autograd.Function):
    """The cosine, with d cos(x) = -sin(x) dx: it must keep its input."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Compute the value."""
        return torch.cos(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        """Keep what the backward pass will need: the input."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        """Turn the gradient of the output into that of the input."""
        (x,) = ctx.saved_tensors
        return grad_output * -torch.sin(x)


class Sigmoid(torch.autograd.Function):
    """The sigmoid s = 1 / (1 + exp(-x)), with ds = s(1 - s) dx: it keeps s."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Compute the value."""
        return 1 / (1 + torch.exp(-x))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        """Keep the output: the slope can be written with it alone."""
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        """Turn the gradient of the output into that of the input."""
        (s,) = ctx.saved_tensors
        slope: Tensor = s * (1 - s)
        return grad_output * slope


def cosine(x: Tensor) -> Tensor:
    """Return the cosine of each element; any floating dtype and shape."""
    result: Tensor = Cosine.apply(x)
    return result


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)) of each element; any floating dtype and shape."""
    result: Tensor = Sigmoid.apply(x)
    return result
