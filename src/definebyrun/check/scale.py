"""Checks answers to the exercises of the chapter on speed and scale."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from definebyrun.check.run import run


def average(answer: Callable[[Sequence[Tensor], Sequence[int]], Tensor]) -> None:
    """Check the gradient of a whole batch, put together from those of its shares.

    Args:
        answer: the reader's function of the gradients of the shares, all of one shape, each that
            of a mean loss, and of the numbers of images in the shares; it returns one gradient.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    generator = torch.Generator().manual_seed(0)
    for shape, sizes in (((2,), [3, 1]), ((2, 3), [5, 2, 4]), ((4,), [6]), ((3,), [2, 2])):
        gradients = [torch.randn(shape, generator=generator) for _ in sizes]
        total = sum(sizes)
        weighted = torch.stack([n * g for n, g in zip(sizes, gradients, strict=True)]).sum(dim=0)
        truth = weighted / total
        plain = torch.stack(gradients)
        mistakes = {
            "Every share counts the same here; an image should.": plain.mean(dim=0),
            "These are added up; a mean over all images has to be divided by their number.": (
                plain.sum(dim=0)
            ),
            "Divide by the number of all images; the sum of the weights must be 1.": weighted,
            "Divide by the number of images, not by the number of shares.": weighted / len(sizes),
            "The large share should count more, not less: multiply by its size.": torch.stack(
                [g / n for n, g in zip(sizes, gradients, strict=True)]
            ).sum(dim=0)
            / sum(1 / n for n in sizes),
        }
        run(
            answer,
            gradients,
            sizes,
            truth=truth,
            mistakes={
                hint: wrong for hint, wrong in mistakes.items() if not torch.allclose(wrong, truth)
            },
            look="Take two shares, of three images and of one, and numbers as gradients.",
            tolerance=1e-5,
            case=f"shares of {sizes} images",
        )
    print("Right: every image counts the same, in whatever share it was.")
