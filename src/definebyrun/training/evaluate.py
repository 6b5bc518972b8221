"""Measuring a network: scores, loss and accuracy, the confusion matrix, the worst mistakes."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from definebyrun.training.checks import check_data, check_labels, check_scores


class Score(NamedTuple):
    """How well a network does on a set of images.

    Attributes:
        loss: the mean cross-entropy over the images, in nats.
        accuracy: the share of images whose largest score is that of their class, 0 to 1.
    """

    loss: float
    accuracy: float


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode and stop recording gradients, for a while.

    Afterwards each of its modules is in the mode in which it was before, also when an error
    ended the block, and also when some were in training mode and others not.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


def predict(model: nn.Module, images: Tensor, *, batch_size: int = 64) -> Tensor:
    """Compute the scores of many images, in evaluation mode and without recording gradients.

    Args:
        model: turns images into scores; it may live on any device and stays there.
        images: shape (n, ...), at least one.
        batch_size: how many images at a time; it does not change the scores beyond rounding. Small
            batches stay in a processor's cache; on a GPU larger ones are faster.

    Returns:
        The scores, shape (n, classes), on the CPU.

    Raises:
        ValueError: there are no images, or the model gives no such scores.
    """
    if len(images) == 0:
        raise ValueError(f"images has shape {tuple(images.shape)}; expected at least one image")
    device = next(chain(model.parameters(), model.buffers()), images).device
    with evaluating(model):
        scores = torch.cat([model(batch.to(device)).cpu() for batch in images.split(batch_size)])
    check_scores(scores, len(images))
    return scores


def evaluate(model: nn.Module, data: tuple[Tensor, Tensor], *, batch_size: int = 64) -> Score:
    """Measure loss and accuracy over all images, each counting the same.

    The mean of the means of batches would be something else: a last, smaller batch would weigh
    as much as a full one.

    Args:
        model: turns images into scores.
        data: images, shape (n, ...), and labels, shape (n,), int64.
        batch_size: how many images at a time.

    Raises:
        ValueError: images and labels do not fit together, images are not finite, or labels lie
            outside the classes that the model has scores for.
    """
    images, labels = data
    check_data("data", images, labels)
    scores, labels = predict(model, images, batch_size=batch_size), labels.cpu()
    check_labels("labels", labels, scores.shape[1])
    loss = F.cross_entropy(scores.float(), labels)
    correct = scores.argmax(dim=1) == labels
    return Score(loss.item(), correct.float().mean().item())


def confusion_matrix(labels: Tensor, predictions: Tensor, classes: int) -> Tensor:
    """Count how often each class was taken for each other.

    Args:
        labels, predictions: classes from 0 to ``classes - 1``, shape (n,), whole numbers of any
            type.
        classes: how many classes there are.

    Returns:
        Counts, shape (classes, classes), int64: row the true class, column the predicted one.

    Raises:
        ValueError: the two have different shapes, or a class out of range.
    """
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(
            f"labels has shape {tuple(labels.shape)} and predictions {tuple(predictions.shape)}; "
            "expected one shape (n,)"
        )
    check_labels("labels", labels, classes)
    check_labels("predictions", predictions, classes)
    pairs = (
        labels.long() * classes + predictions.long()
    )  # one number for each pair (true, predicted)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def worst_mistakes(scores: Tensor, labels: Tensor, count: int) -> Tensor:
    """Find the images that the network got wrong with the greatest confidence.

    Args:
        scores: shape (n, classes).
        labels: shape (n,), int64, on the same device.
        count: how many at most.

    Returns:
        Their indices, the largest loss first, shape (min(count, mistakes),), int64.

    Raises:
        ValueError: scores and labels do not fit together.
    """
    check_scores(scores, len(labels))
    check_labels("labels", labels, scores.shape[1])
    wrong = (scores.argmax(dim=1) != labels).nonzero().flatten()
    losses = F.cross_entropy(scores[wrong].float(), labels[wrong], reduction="none")
    return wrong[losses.argsort(descending=True)[:count]]
