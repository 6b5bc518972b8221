"""Rung 2: tensors. The gradients follow from the operations that were run."""

import torch

from definebyrun.rungs.start import Start


def train(
    start: Start,
    device: torch.device | str = "cpu",
    steps: int = 300,
    lr: float = 1e-4,
) -> list[float]:
    """Train copies of the weights; return the loss before each step."""
    x = torch.tensor(start.x, device=device)
    y = torch.tensor(start.y, device=device)
    w1 = torch.tensor(start.w1, device=device, requires_grad=True)
    w2 = torch.tensor(start.w2, device=device, requires_grad=True)
    losses = []
    for _ in range(steps):
        # predict
        prediction = torch.relu(x @ w1) @ w2
        # loss
        loss = torch.mean((prediction - y) ** 2)
        losses.append(loss.item())
        # gradient
        grad_w1, grad_w2 = torch.autograd.grad(loss, (w1, w2))
        # update
        with torch.no_grad():
            w1 -= lr * grad_w1
            w2 -= lr * grad_w2
    return losses
