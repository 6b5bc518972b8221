"""Batch normalisation, written out."""

import torch
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Give each unit mean 0 and variance 1 over the batch, then a scale and shift of its own.

    Equal to :class:`torch.nn.BatchNorm1d` with its default settings, on inputs of shape (n, units).

    Args:
        units: how many there are.
        eps: added to the variance, against division by zero.
        momentum: the weight of a new batch in the running mean and variance.

    Source: Ioffe and Szegedy (2015), algorithms 1 and 2.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        units: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        """Start with scale 1 and shift 0, running mean 0 and running variance 1."""
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("running_mean", torch.zeros(units))
        self.register_buffer("running_var", torch.ones(units))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x, shape (n, units), by its own statistics in training, else by running ones.

        Raises:
            ValueError: one example in training mode; a single number has no spread.
        """
        if self.training:
            if len(x) < 2:
                raise ValueError(f"x has {len(x)} examples; expected at least 2")
            mean, variance = x.mean(dim=0), x.var(dim=0, correction=0)
            self._remember(mean.detach(), x.detach().var(dim=0, correction=1))
        else:
            mean, variance = self.running_mean, self.running_var
        normal = (x - mean) / (variance + self.eps).sqrt()
        return self.weight * normal + self.bias

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics a little towards those of this batch."""
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
