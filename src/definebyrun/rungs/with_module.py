"""Rung 3: a module that holds its weights, and a loss by name."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from definebyrun.rungs.start import Start


class TwoLayers(nn.Module):
    """A linear layer, a ReLU and a linear layer."""

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        bias: bool = False,
    ) -> None:
        """Make the layers, with so many units, with or without biases."""
        super().__init__()
        self.first = nn.Linear(inputs, hidden, bias=bias)
        self.second = nn.Linear(hidden, outputs, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (samples, inputs) to predictions, (samples, outputs)."""
        # predict
        h = self.first(x)
        prediction: Tensor = self.second(F.relu(h))
        return prediction


def build(
    start: Start,
    device: torch.device | str = "cpu",
    bias: bool = False,
) -> TwoLayers:
    """Make the module with copies of the start's weights, on a device.

    ``nn.Linear`` keeps its weight as (outputs, inputs), so the matrices are
    transposed. Biases, if wanted, start at zero.
    """
    inputs, hidden = start.w1.shape
    model = TwoLayers(inputs, hidden, start.w2.shape[1], bias)
    model.first.weight = nn.Parameter(torch.tensor(start.w1.T))
    model.second.weight = nn.Parameter(torch.tensor(start.w2.T))
    if bias:
        for layer in (model.first, model.second):
            layer.bias = nn.Parameter(torch.zeros_like(layer.weight[:, 0]))
    return model.to(device)


def train(
    model: nn.Module, x: Tensor, y: Tensor, steps: int = 300, lr: float = 1e-4
) -> list[float]:
    """Train the module itself; return the loss before each step."""
    losses = []
    for _ in range(steps):
        # predict
        prediction = model(x)
        # loss
        loss = F.mse_loss(prediction, y)
        losses.append(loss.item())
        # gradient
        model.zero_grad()
        loss.backward()
        # update
        with torch.no_grad():
            for weight in model.parameters():
                if weight.grad is not None:
                    weight.sub_(lr * weight.grad)
    return losses
