"""Checkers of the chapter on the convolutional network: each mistake gets its own hint."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from definebyrun.check import WrongAnswer, cnn
from definebyrun.scratch.convolution import conv2d


def loops(image, kernel):
    (h, w), (kh, kw) = image.shape[1:], kernel.shape[1:]
    result = torch.empty(h - kh + 1, w - kw + 1)
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            result[i, j] = (image[:, i : i + kh, j : j + kw] * kernel).sum()
    return result


def past_the_end(image, kernel):
    """One window too many in each direction: the last ones are smaller than the filter."""
    (h, w), (kh, kw) = image.shape[1:], kernel.shape[1:]
    return torch.stack(
        [(image[:, i : i + kh, j : j + kw] * kernel).sum() for i in range(h) for j in range(w)]
    )


def flat(image, kernel):
    """For an image without channels."""
    h, w = image.shape
    return image.new_zeros(h - 1, w - 2)


def filter_gradient(image, g):
    return F.conv2d(image[None, None], g[None, None])[0, 0]


def squares(images, k):
    return images.unfold(2, k, k).unfold(3, k, k)


def pool(images, k):
    return squares(images, k).amax(dim=(4, 5))


RIGHT = {
    "output_size": [
        lambda size, kernel, stride, padding: (size - kernel + 2 * padding) // stride + 1,
        lambda size, kernel, stride, padding: len(
            range(0, size + 2 * padding - kernel + 1, stride)
        ),
    ],
    "convolve": [
        loops,
        lambda image, kernel: sum(
            kernel[c, a, d] * image[c, a : a + 4, d : d + 5]
            for c in range(3)
            for a in range(2)
            for d in range(3)
        ),
    ],
    "max_pool": [
        pool,
        lambda images, k: squares(images, k).flatten(4).max(dim=4).values,
    ],
    "filter_gradient": [filter_gradient],
}
WRONG = [
    ("output_size", lambda n, k, s, p: (n - k + 2 * p) / s + 1, "return an integer"),
    ("output_size", lambda n, k, s, p: (n - k + 2 * p) // s, "the first one included"),
    ("output_size", lambda n, k, s, p: (n - k) // s + 1, "leave the padding out"),
    ("output_size", lambda n, k, s, p: (n - k + p) // s + 1, "both ends"),
    ("output_size", lambda n, k, s, p: -(-(n - k + 2 * p) // s) + 1, "round up"),
    # Python rounds 2.5 down and 13.5 up: only an odd number of whole steps and a half betrays it
    ("output_size", lambda n, k, s, p: round((n - k + 2 * p) / s) + 1, "nearest"),
    ("output_size", lambda n, k, s, p: n - k + 2 * p + 1, "leave the stride out"),
    ("output_size", lambda n, k, s, p: (n - k + 2 * p + 1) // s, "before you divide"),
    ("output_size", lambda n, k, s, p: 40, "slide the filter and count"),
    ("output_size", lambda n, k, s, p: None, "Is there a return"),
    ("output_size", lambda n, k, p, s: (n - k + 2 * p) // s + 1, "in this order"),
    ("convolve", lambda image, kernel: image.tolist(), "return a tensor"),
    ("convolve", lambda image, kernel: image[0], "as large as the image"),
    ("convolve", lambda image, kernel: loops(image[:1], kernel[:1]), "one channel only"),
    (
        "convolve",
        lambda image, kernel: torch.stack(
            [loops(image[c : c + 1], kernel[c : c + 1]) for c in range(len(image))]
        ),
        "a map for each channel",
    ),
    ("convolve", flat, "have three axes each"),
    (
        "convolve",
        lambda image, kernel: F.conv2d(image[None], kernel[None]).squeeze(),
        "asks for the loops",
    ),
    (
        "convolve",
        lambda image, kernel: (
            image.unfold(1, kernel.shape[1], 1).unfold(2, kernel.shape[2], 1)
            * kernel[:, None, None]
        ).sum((0, 3, 4)),
        "visit them one by one",
    ),
    (
        "convolve",
        lambda image, kernel: conv2d(image[None], kernel[None])[0, 0],
        "visit them one by one",
    ),
    ("convolve", past_the_end, "at how many places does it lie inside"),
    ("convolve", lambda image, kernel: loops(image, kernel[:, :2, :2]), "for a square"),
    ("convolve", lambda image, kernel: loops(image, kernel)[:-1, :-1], "miss the last place"),
    ("convolve", lambda image, kernel: loops(image, kernel).T, "expected (4, 5)"),
    ("convolve", lambda image, kernel: loops(image, kernel.flip(1, 2)), "mirror"),
    ("convolve", lambda image, kernel: loops(image, kernel) / 18, "take the mean"),
    ("convolve", lambda image, kernel: loops(image, torch.ones(3, 2, 3)), "without their weights"),
    ("convolve", lambda image, kernel: loops(image, kernel) + 1, "result[0, 0]"),
    ("convolve", lambda image, kernel: loops(image, kernel.mT), "exchanged the height"),
    (
        "convolve",
        lambda image, kernel: torch.stack(
            [
                torch.stack([(image[:, i : i + 2, j : j + 3] @ kernel.mT).sum() for j in range(5)])
                for i in range(4)
            ]
        ),
        "as matrices",
    ),
    ("max_pool", lambda images, k: squares(images, k).max(dim=5), "return a tuple"),
    ("max_pool", F.max_pool2d, "what stands behind"),
    ("max_pool", lambda images, k: nn.AdaptiveMaxPool2d(2)(images), "what stands behind"),
    (
        "max_pool",
        lambda images, k: images.unfold(2, k, 1).unfold(3, k, 1).amax(dim=(4, 5)),
        "overlap",
    ),
    ("max_pool", lambda images, k: squares(images, k).amax(dim=(1, 4, 5)), "channels are gone"),
    ("max_pool", squares, "still holds four numbers"),
    ("max_pool", lambda images, k: images, "expected (2, 3, 2, 3)"),
    ("max_pool", F.avg_pool2d, "average pooling"),
    ("max_pool", lambda images, k: squares(images, k).amin(dim=(4, 5)), "smallest"),
    ("max_pool", lambda images, k: pool(images.clamp(min=0), k), "no number below 0"),
    ("max_pool", lambda images, k: images[:, :, ::k, ::k], "upper left"),
    ("max_pool", lambda images, k: pool(images, k) + 1, "result[0, 0, 0, 0]"),
    ("max_pool", lambda images, k: images.unfold(2, k, k).amax(dim=4), "one of the two sides"),
    (
        "max_pool",
        lambda images, k: images.reshape(2, 3, 2, 3, k, k).amax(dim=(4, 5)),
        "reads row by row",
    ),
    ("max_pool", lambda images, k: pool(images, 2), "use k everywhere"),
    ("max_pool", lambda images, k: torch.stack([i + 1 for i in images]), "There is a loop"),
    ("filter_gradient", lambda image, g: filter_gradient(image, g.flip(0, 1)), "mirror"),
    ("filter_gradient", lambda image, g: filter_gradient(image, g).flip(0, 1), "upside down"),
    ("filter_gradient", lambda image, g: filter_gradient(image, g) / g.numel(), "sum over all"),
    ("filter_gradient", lambda image, g: filter_gradient(image, g * 0 + 1), "left out"),
    ("filter_gradient", lambda image, g: -filter_gradient(image, g), "turned round"),
    ("filter_gradient", lambda image, g: filter_gradient(g, image), "the larger of the two"),
    (
        "filter_gradient",
        lambda image, g: conv2d(g[None, None], image[None, None])[0, 0],
        "the larger of the two",
    ),
    (
        "filter_gradient",
        lambda image, g: F.conv2d(image[None, None], g[None, None], padding=(3, 5))[0, 0],
        "over the rim",
    ),
    ("filter_gradient", lambda image, g: image, "that of the image"),
    ("filter_gradient", lambda image, g: g, "that of the gradient"),
    ("filter_gradient", lambda image, g: filter_gradient(image, g) + 1, "result[0, 0]"),
]


@pytest.mark.parametrize(
    ("exercise", "answer"), [(name, answer) for name in RIGHT for answer in RIGHT[name]]
)
def test_a_right_answer_passes_and_says_so_in_one_line(exercise, answer, capsys):
    getattr(cnn, exercise)(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_a_wrong_answer_gets_the_hint_for_its_mistake(exercise, answer, hint):
    with pytest.raises(WrongAnswer) as refusal:
        getattr(cnn, exercise)(answer)
    assert hint in str(refusal.value)


@pytest.mark.parametrize("exercise", list(RIGHT))
def test_an_exercise_knows_three_mistakes_at_least(exercise):
    assert len({hint for name, _, hint in WRONG if name == exercise}) >= 3
