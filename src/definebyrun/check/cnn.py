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
from definebyrun.check.run import Rules, call, compare, run

_SWAPPED = (
    "You slide the image over g, and it is the larger of the two. In the sum that you derived, "
    "which one stays and which one is shifted by (a, d)?"
)


def output_size(answer: Callable[[int, int, int, int], Any]) -> None:
    """Check a function that gives the size of a convolution's output.

    Args:
        answer: takes the size of the image, that of the filter, stride and padding, four
            integers, and returns the size of the output, an integer.

    Raises:
        WrongAnswer: with a hint, when an output has another size.
    """
    cases = ((6, 3, 1, 0), (6, 3, 1, 2), (7, 2, 2, 0), (28, 3, 3, 1), (28, 3, 2, 1))
    for size, kernel, stride, padding in cases:
        image = torch.zeros(1, 1, size, size)
        truth = F.conv2d(image, torch.zeros(1, 1, kernel, kernel), None, stride, padding).shape[-1]
        free = size - kernel + 2 * padding  # how far the filter can slide
        run(
            answer,
            size,
            kernel,
            stride,
            padding,
            truth=truth,
            rules=Rules(
                errors={
                    "by zero": "You divide by zero. The arguments come in this order: size, "
                    "kernel, stride, padding."
                }
            ),
            mistakes={
                "You add one before you divide. The one is the first place, which takes no move, "
                "so it has no share in the division.": (free + 1) // stride,
                "You leave the stride out: your filter moves by one pixel each time.": free + 1,
                "You round to the nearest number. The filter never makes part of a step: always "
                "round down. (Python's round takes a half to the nearest even number.)": round(
                    free / stride
                )
                + 1,
                "You round up. The filter never stands half outside: what is left over at the end "
                "stays unvisited.": -(-free // stride) + 1,
                "You count the padding once. It is added at both ends.": (free - padding) // stride
                + 1,
                "You count the moves of the filter. How many places does it stand at, the first "
                "one included?": free // stride,
                "You leave the padding out. It makes the image larger.": size - kernel + 1,
            },
            look="Draw the pixels as a row of boxes, slide the filter and count. (Which division "
            "of Python drops what is left over?)",
            tolerance=0,
            case=f"size {size}, kernel {kernel}, stride {stride}, padding {padding}",
        )
    print("Right: your sizes are those of PyTorch's convolutions.")


def convolve(answer: Callable[[Tensor, Tensor], Any]) -> None:
    """Check a function that slides one filter over one image of several channels.

    Args:
        answer: takes an image, shape (channels, h, w), and a filter, shape (channels, kh, kw), and
            returns the convolution without padding, with stride 1, shape (h - kh + 1, w - kw + 1).

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(3, 5, 7, generator=generator)
    kernel = torch.randn(3, 2, 3, generator=generator)
    truth = _slide(image, kernel)
    run(
        answer,
        image,
        kernel,
        truth=truth,
        rules=Rules(
            forbid={
                "conv*": "The exercise asks for the loops that stand behind it.",
                "unfold": "That cuts all windows out at once, as the page's own conv2d does. This "
                "exercise asks for the two loops that visit them one by one.",
            },
            errors={
                "must match the size": "A window and the filter differ in shape. The window at "
                "place (i, j) has all channels, the rows from i to i + kh and the columns from j "
                "to j + kw: at how many places does it lie inside the image as a whole?",
                "out of bounds": "Your loops walk out of the image or of the result. At how many "
                "places does the filter lie inside the image as a whole?",
                "too many values to unpack": "The image and the filter have three axes each: "
                "channels, height and width.",
            },
        ),
        mistakes={
            "You take one channel only. A filter has a block for each, and sums over all.": _slide(
                image[:1], kernel[:1]
            ),
            "You mirror the filter before you slide it. That is the convolution of the "
            "mathematicians; the one of neural networks leaves the filter as it is.": _slide(
                image, kernel.flip(1, 2)
            ),
            "You take the mean over each window. A filter sums.": truth / kernel.numel(),
            "You multiply window and filter as matrices. They lie on top of each other: multiply "
            "entry by entry.": _slide(image, kernel.sum(1, keepdim=True).expand_as(kernel)),
            "You add up the pixels of each window without their weights.": _slide(
                image, torch.ones_like(kernel)
            ),
        },
        look="Compare result[0, 0] with (image[:, :2, :3] * kernel).sum(). If you add to the "
        "result bit by bit, it must start at zero; torch.empty starts at anything.",
        shapes={
            (3, 4, 5): "You return a map for each channel. A filter reaches through all channels "
            "and gives one map: sum over the channels, too.",
            (5, 7): "Your result is as large as the image. Without padding the filter must lie "
            "inside the image as a whole: at how many places does it?",
            (4, 6): "You take the filter for a square. This one has 2 rows and 3 columns; use its "
            "height for the rows and its width for the columns.",
            (3, 6): "You have exchanged the height and the width of the filter. Which of the two "
            "comes first in kernel.shape?",
            (3, 4): "You miss the last place in each direction. Where does range stop?",
        },
        not_finite="If you made the result with torch.empty, is every element of it set?",
        case="an image of shape (3, 5, 7) and a filter of shape (3, 2, 3)",
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
    rules = Rules(
        loops=False, forbid={"*max_pool*": "The exercise asks for what stands behind max pooling."}
    )
    result = call(answer, images, 2, rules=rules)
    if isinstance(result, tuple):
        raise WrongAnswer(
            "You return a tuple. torch.max along an axis gives the values and where they stood; "
            "only the values are wanted here. amax gives these alone."
        )
    one_side = "You have cut one of the two sides only."
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
        shapes={
            (2, 3, 3, 5): "Your squares overlap. A square of side 2 is followed by the next one 2 "
            "pixels further on: look at the third argument of unfold.",
            (2, 2, 3): "The channels are gone: you took the largest over them too. Each channel "
            "is pooled by itself.",
            (2, 3, 2, 3, 2, 2): "You have cut the squares, but each still holds four numbers. Over "
            "which two axes must you take the largest?",
            (2, 3, 2, 6): one_side,
            (2, 3, 4, 3): one_side,
        },
        case="images of shape (2, 3, 4, 6) and squares of side 2",
    )
    larger = torch.arange(36.0).reshape(1, 1, 6, 6)
    run(
        answer,
        larger,
        3,
        truth=F.max_pool2d(larger, 3),
        rules=rules,
        look="Squares of side 2 are right. Does your function use k everywhere?",
        shapes={(1, 1, 3, 3): "Squares of side 2 are right. Does your function use k everywhere?"},
        case="images of shape (1, 1, 6, 6) and squares of side 3",
    )
    print("Right: you keep the largest of each square, as F.max_pool2d does.")


def filter_gradient(answer: Callable[[Tensor, Tensor], Any]) -> None:
    """Check a function that gives the gradient of a convolution's filter.

    Args:
        answer: takes an image, shape (h, w), and the gradient of the loss with respect to the
            convolution of the image, shape (h - kh + 1, w - kw + 1); returns the gradient with
            respect to the filter, shape (kh, kw).

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(6, 7, generator=generator)
    kernel = torch.zeros(3, 2, requires_grad=True)
    slope = torch.randn(4, 6, generator=generator)
    (truth,) = torch.autograd.grad(_slide(image[None], kernel[None]), kernel, slope)
    run(
        answer,
        image,
        slope,
        truth=truth,
        rules=Rules(
            errors={
                "greater than actual input": _SWAPPED,
                "the padded side": _SWAPPED,
            }
        ),
        mistakes={
            "You mirror the gradient before you slide it. Nothing is mirrored in the sum over "
            "i and j that you derived.": _slide(image[None], slope.flip(0, 1)[None]),
            "Your gradient is upside down and back to front. At place (a, d) stands the image "
            "from row a and column d on.": truth.flip(0, 1),
            "You divide by the number of places. The filter takes part at every place, and its "
            "gradient is the sum over all.": truth / slope.numel(),
            "The gradient that arrives is left out: each pixel counts with the slope of the loss "
            "at the place it was used for.": _slide(image[None], torch.ones_like(slope)[None]),
            "The sign is turned round.": -truth,
        },
        look="Compare result[0, 0] with (image[:4, :6] * g).sum().",
        shapes={
            (6, 7): "This shape is that of the image. The gradient of a filter has the shape of "
            "the filter.",
            (4, 6): "This shape is that of the gradient that arrives. The gradient of a filter has "
            "the shape of the filter.",
            (9, 12): "Your sum has places where g stands over the rim of the image. In the sum "
            "over i and j it lies inside as a whole: slide without padding.",
        },
        tolerance=1e-4,
        case="an image of 6 x 7 and a gradient of 4 x 6",
    )
    print(
        "Right: the gradient of the filter is the image, convolved with g, the gradient that "
        "arrives from behind."
    )


def _slide(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None], kernel[None])[0, 0]
