"""Mini-batches of tensors that are in memory already: no workers, no files."""

from collections.abc import Iterator

import torch

from definebyrun.data.split import Examples


def batches(
    examples: Examples, size: int, *, generator: torch.Generator | None = None
) -> Iterator[Examples]:
    """Go once through the examples, a mini-batch at a time.

    Args:
        examples: images and labels, on any device; the batches are made there.
        size: examples in a batch; the last batch may be smaller.
        generator: shuffle with it, anew at every call; without one, keep the order. Train with
            a generator, test without.

    Yields:
        Examples, at most ``size`` of them; every example comes exactly once.

    Raises:
        ValueError: size is less than 1.
    """
    if size < 1:
        raise ValueError(f"size is {size}; expected at least 1")
    images, labels = examples
    count = len(images)
    if generator is None:
        for start in range(0, count, size):
            part = slice(start, start + size)
            yield Examples(images[part], labels[part])
        return
    order = torch.randperm(count, generator=generator, device=generator.device)
    for picked in torch.split(order.to(images.device), size):
        yield Examples(images[picked], labels[picked])
