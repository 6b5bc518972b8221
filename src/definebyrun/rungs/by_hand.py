"""Rung 1: NumPy alone. The gradients are formulas that we derived and typed."""

import numpy as np

from definebyrun.rungs.start import FloatArray, Start


def loss_and_gradients(
    x: FloatArray, y: FloatArray, w1: FloatArray, w2: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return the loss of the two-layer network and its two gradients.

    Args:
        x: inputs, shape (samples, inputs).
        y: targets, shape (samples, outputs).
        w1: weights of the first layer, shape (inputs, hidden units).
        w2: weights of the second layer, shape (hidden units, outputs).

    Returns:
        The loss, a mean of squares, and the gradients, with the shapes and dtypes
        of w1 and w2. The slope of the ReLU at zero is taken to be zero, as
        PyTorch takes it.
    """
    # predict
    h = x @ w1
    a = np.maximum(h, 0)
    prediction = a @ w2
    # loss
    error = prediction - y
    loss = float(np.mean(error**2))
    # gradient
    grad_prediction = 2 * error / error.size
    grad_w2 = a.T @ grad_prediction
    grad_a = grad_prediction @ w2.T
    grad_h = grad_a * (h > 0)
    grad_w1 = x.T @ grad_h
    return loss, grad_w1, grad_w2


def train(start: Start, steps: int = 300, lr: float = 1e-4) -> list[float]:
    """Train copies of the weights; return the loss before each step."""
    w1, w2 = start.w1.copy(), start.w2.copy()
    losses = []
    for _ in range(steps):
        loss, grad_w1, grad_w2 = loss_and_gradients(start.x, start.y, w1, w2)
        losses.append(loss)
        # update
        w1 -= lr * grad_w1
        w2 -= lr * grad_w2
    return losses
