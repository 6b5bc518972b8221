"""Classifiers that are no networks: what every network has to be compared with."""

import torch
from torch import Tensor


def mean_images(images: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean image of each class.

    Args:
        images: float, shape (n, ...), any device.
        labels: int64, shape (n,); every class from 0 to the largest label occurs.

    Returns:
        Shape (classes, ...), the dtype and device of the images.

    Raises:
        ValueError: a class has no image.
    """
    counts = torch.bincount(labels)
    if not counts.all():
        missing = int(counts.argmin())
        raise ValueError(f"labels has no {missing}; expected every class")
    sums = images.new_zeros(len(counts), *images.shape[1:])
    sums.index_add_(0, labels, images)
    return sums / counts.to(images).view(-1, *[1] * (images.ndim - 1))


def nearest(
    images: Tensor,
    examples: Tensor,
    *,
    batch_size: int = 1024,
) -> Tensor:
    """Find the nearest example of each image, by the sum of squared differences of pixels.

    With the mean images as examples the result is the class; with training images,
    ``labels[nearest(images, examples)]`` is the answer of the nearest neighbour.

    Args:
        images: float, shape (n, ...), any device.
        examples: shape (m, ...), with pixels of the same shape, on the same device.
        batch_size: images at a time; a table of this many times m distances is held in memory.

    Returns:
        int64, shape (n,): for each image the place of the nearest example, the first of equals.

    Raises:
        ValueError: the pixels have different shapes.
    """
    if images.shape[1:] != examples.shape[1:]:
        raise ValueError(
            f"images has shape {tuple(images.shape)} and examples "
            f"{tuple(examples.shape)}; expected pixels of one shape"
        )
    flat = examples.flatten(1)
    parts = images.flatten(1).split(batch_size)
    return torch.cat([torch.cdist(part, flat).argmin(1) for part in parts])
