"""Loss functions from scratch, each in the few operations that its formula has.

They take tensors of any floating dtype on any device, return a tensor of the same dtype on the
same device, and stay differentiable. Inputs that are sure of themselves, such as a logit of 1000,
give finite losses and gradients.
"""

import torch
from torch import Tensor


def _need_same_shape(prediction: Tensor, target: Tensor) -> None:
    """Refuse a pair that broadcasting would silently turn into a table."""
    if prediction.shape != target.shape:
        raise ValueError(
            f"target has shape {tuple(target.shape)}; "
            f"expected {tuple(prediction.shape)}, the shape of the prediction"
        )


def _need_class_indices(scores: Tensor, labels: Tensor) -> None:
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise ValueError(
            f"log_probabilities has shape {tuple(scores.shape)} and labels "
            f"{tuple(labels.shape)}; expected (M, K) and (M,)"
        )
    if labels.dtype != torch.int64:
        raise TypeError(f"labels has dtype {labels.dtype}; expected torch.int64, class indices")


def mean_squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean of the squared differences over all elements.

    Args:
        prediction: what the model said, any shape.
        target: what was right, the same shape; its unit, squared, is the unit of the loss.

    Returns:
        A tensor of shape ().

    Raises:
        ValueError: the shapes differ. Broadcasting (M, 1) against (M,) would compare every
            prediction with every target.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
    """
    _need_same_shape(prediction, target)
    return (prediction - target).square().mean()


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of yes-or-no predictions, from their logits.

    One prediction costs max(z, 0) - t z + log(1 + exp(-|z|)), which is
    -t log p - (1 - t) log(1 - p) with p = 1 / (1 + exp(-z)), written without ever forming p.

    Args:
        logits: z, any shape; positive means yes.
        targets: t, the same shape, floating, each between 0 (no) and 1 (yes).

    Returns:
        A tensor of shape (), in nats.

    Raises:
        ValueError: the shapes differ.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
    """
    _need_same_shape(logits, targets)
    # maximum shares the slope at z = 0 between its two arguments,
    # so the gradient is right there
    hinge = torch.maximum(logits, torch.zeros_like(logits))
    tail = torch.log1p(torch.exp(-logits.abs()))
    return (hinge - targets * logits + tail).mean()


def softmax(logits: Tensor, dim: int = -1) -> Tensor:
    """Turn logits into probabilities: exponentials, divided by their sum.

    Args:
        logits: any shape, floating.
        dim: the axis of the classes; the result sums to 1 along it.

    Returns:
        Probabilities of the same shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
    """
    shifted = logits - logits.detach().amax(dim, keepdim=True)
    exponentials = shifted.exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


def log_softmax(logits: Tensor, dim: int = -1) -> Tensor:
    """Return the logarithm of the softmax without computing the softmax.

    Args:
        logits: any shape, floating.
        dim: the axis of the classes.

    Returns:
        Log-probabilities of the same shape, none above 0.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html
    """
    shifted = logits - logits.detach().amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def nll(log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the negative log-likelihood: the mean of minus the entry of the right class.

    Args:
        log_probabilities: shape (M, K), one row an example, one column a class.
        labels: shape (M,), integers from 0 to K - 1.

    Returns:
        A tensor of shape (), in nats.

    Raises:
        ValueError: the shapes do not fit.
        TypeError: the labels are not integers.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
    """
    _need_class_indices(log_probabilities, labels)
    return -log_probabilities.gather(1, labels.unsqueeze(1)).mean()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of class predictions, from their logits.

    Args:
        logits: shape (M, K), floating, not yet softmaxed.
        labels: shape (M,), integers from 0 to K - 1.

    Returns:
        A tensor of shape (), in nats.

    Raises:
        ValueError: the shapes do not fit.
        TypeError: the labels are not integers.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
    """
    return nll(log_softmax(logits, dim=1), labels)
