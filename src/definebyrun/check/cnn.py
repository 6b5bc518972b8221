"""Checkers for the exercises of the chapter on the convolutional network.

Each calls the reader's function on inputs of its own, on the CPU, and compares the result with
PyTorch's. Inputs are seeded, so that the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.compare import compare, tensor


def output_size(answer: Callable[[int, int, int, int], Any]) -> None:
    """Check a function that gives the size of a convolution's output.

    Args:
        answer: takes the size of the image, that of the filter, stride and padding, four
            integers, and returns the size of the output, an integer.

    Raises:
        WrongAnswer: with a hint, when an output has another size.
    """
    for size, kernel, stride, padding in ((6, 3, 1, 0), (6, 3, 1, 2), (7, 2, 2, 0), (28, 3, 3, 1)):
        case = f"size {size}, kernel {kernel}, stride {stride}, padding {padding}"
        try:
            given = answer(size, kernel, stride, padding)
        except ZeroDivisionError:
            raise WrongAnswer(
                f"For {case} you divide by zero. The arguments come in this order: size, kernel, "
                "stride, padding."
            ) from None
        if given is None:
            raise WrongAnswer(f"For {case} you return None. Does your function end with return?")
        if isinstance(given, bool) or not isinstance(given, int):
            raise WrongAnswer(
                f"For {case} you return {given!r}; return an integer. Which division of Python "
                "drops what is left over?"
            )
        image = torch.zeros(1, 1, size, size)
        truth = F.conv2d(image, torch.zeros(1, 1, kernel, kernel), None, stride, padding).shape[-1]
        if given == truth:
            continue
        free = size - kernel + 2 * padding  # how far the filter can slide
        typical = {
            size - kernel + 1: "You leave the padding out. It makes the image larger.",
            free // stride: "You count the moves of the filter. How many places does it stand at, "
            "the first one included?",
            (free - padding) // stride + 1: "You count the padding once. It is added at both ends.",
            -(-free // stride) + 1: "You round up. The filter never stands half outside: what is "
            "left over at the end stays unvisited.",
            free + 1: "You leave the stride out: your filter moves by one pixel each time.",
            (free + 1)
            // stride: "You add one before you divide. The one is the first place, which "
            "takes no move, so it has no share in the division.",
        }
        hint = typical.get(given, "Draw the pixels as a row of boxes, slide the filter and count.")
        raise WrongAnswer(f"For {case} you return {given}. {hint}")
    print("Right: your sizes are those of PyTorch's convolutions.")


def convolve(answer: Callable[[Tensor, Tensor], Any]) -> None:
    """Check a function that slides one filter over one grey image.

    Args:
        answer: takes an image, shape (h, w), and a filter, shape (kh, kw), and returns the
            convolution without padding, with stride 1.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(5, 7, generator=generator)
    kernel = torch.randn(2, 3, generator=generator)
    truth = _slide(image, kernel)
    result = tensor(answer(image.clone(), kernel.clone()))
    if result.shape == image.shape:
        raise WrongAnswer(
            "Your result is as large as the image. Without padding the filter must lie inside "
            "the image as a whole: at how many places does it?"
        )
    if result.shape == (4, 6):
        raise WrongAnswer(
            "From an image of 5 x 7 you return 4 x 6: you take the filter for a square. This one "
            "has 2 rows and 3 columns; use its height for the rows and its width for the columns."
        )
    if result.shape == (3, 6):
        raise WrongAnswer(
            "From an image of 5 x 7 and a filter of 2 x 3 you return 3 x 6: you have exchanged the "
            "height and the width of the filter. Which of the two comes first in kernel.shape?"
        )
    if result.shape == (3, 4):
        raise WrongAnswer(
            "You miss the last place in each direction: from an image of 5 x 7 and a filter of "
            "2 x 3 you return 3 x 4. Where does range stop?"
        )
    _same_shape(result, truth, "an image of 5 x 7 and a filter of 2 x 3")
    compare(
        result,
        truth,
        {
            "You mirror the filter before you slide it. That is the convolution of the "
            "mathematicians; the one of neural networks leaves the filter as it is.": _slide(
                image, kernel.flip(0, 1)
            ),
            "You take the mean over each window. A filter sums.": truth / kernel.numel(),
            "You multiply window and filter as matrices. They lie on top of each other: multiply "
            "entry by entry.": _slide(image, kernel.sum(0, keepdim=True).expand_as(kernel)),
            "You add up the pixels of each window without their weights.": _slide(
                image, torch.ones_like(kernel)
            ),
        },
        "Compare result[0, 0] with (image[:2, :3] * kernel).sum(). If you add to the result bit "
        "by bit, it must start at zero; torch.empty starts at anything.",
    )
    print("Right: your loops give PyTorch's convolution.")


def max_pool(answer: Callable[[Tensor, int], Any]) -> None:
    """Check a function that keeps the largest number of each square.

    Args:
        answer: takes images, shape (n, channels, h, w), and the side k of the squares, which
            divides h and w, and returns shape (n, channels, h / k, w / k).

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    images = torch.randn(2, 3, 4, 6, generator=torch.Generator().manual_seed(0)) - 1.5
    truth, corners = F.max_pool2d(images, 2), images[:, :, ::2, ::2]
    result = answer(images.clone(), 2)
    if isinstance(result, tuple):
        raise WrongAnswer(
            "You return a tuple. torch.max along an axis gives the values and where they stood; "
            "only the values are wanted here. amax gives these alone."
        )
    result = tensor(result)
    if result.shape == (2, 3, 3, 5):
        raise WrongAnswer(
            "Your squares overlap: the result has shape (2, 3, 3, 5). A square of side 2 is "
            "followed by the next one 2 pixels further on: look at the third argument of unfold."
        )
    if result.shape == (2, 2, 3):
        raise WrongAnswer(
            "The channels are gone: you took the largest over them too. Each channel is pooled "
            "by itself."
        )
    if result.shape == (2, 3, 2, 3, 2, 2):
        raise WrongAnswer(
            "You have cut the squares, but each still holds four numbers. Over which two axes "
            "must you take the largest?"
        )
    if result.shape in ((2, 3, 2, 6), (2, 3, 4, 3)):
        raise WrongAnswer(
            f"For images of shape (2, 3, 4, 6) the result has shape {tuple(result.shape)}: you "
            "have cut one of the two sides only."
        )
    _same_shape(result, truth, "images of shape (2, 3, 4, 6) and squares of side 2")
    compare(
        result,
        truth,
        {
            "These are the means: average pooling.": F.avg_pool2d(images, 2),
            "Each square gives its smallest number.": -F.max_pool2d(-images, 2),
            "You return no number below 0. Where all four are negative, the largest of them is "
            "negative too; pad with nothing, and start from nothing.": truth.clamp(min=0),
            "You keep the upper left pixel of each square: a stride, no maximum.": corners,
            "Your squares hold pixels of one row only, because reshape reads row by row. Give each "
            "of the two sides two axes: one that counts the squares, and one of length k.": (
                images.reshape(2, 3, 2, 3, 4).amax(dim=4)
            ),
        },
        "Compare result[0, 0, 0, 0] with images[0, 0, :2, :2].max().",
    )
    larger = torch.arange(36.0).reshape(1, 1, 6, 6)
    threes = answer(larger.clone(), 3)
    if not isinstance(threes, Tensor) or not torch.equal(threes, F.max_pool2d(larger, 3)):
        raise WrongAnswer(
            "Squares of side 2 are right, those of side 3 are not. Does your function use k "
            "everywhere?"
        )
    print("Right: you keep the largest of each square, as F.max_pool2d does.")


def _slide(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def _same_shape(result: Tensor, truth: Tensor, given: str) -> None:
    if result.shape != truth.shape:
        raise WrongAnswer(
            f"For {given} the result has shape {tuple(result.shape)}; "
            f"expected {tuple(truth.shape)}."
        )
