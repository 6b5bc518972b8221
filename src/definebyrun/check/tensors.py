"""Checkers for the exercises of the chapter on tensors.

Each calls the reader's function on inputs of its own, on the CPU, and compares the result with
one computed another way. Inputs are seeded, so that the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.compare import compare, tensor


def strides(answer: Callable[[tuple[int, ...]], Any]) -> None:
    """Check a function that gives the strides of a freshly made tensor.

    Args:
        answer: takes a shape, a tuple of n positive integers, and returns n integers: how many
            elements of the storage one step along each axis skips.

    Raises:
        WrongAnswer: with a hint, when a shape gets other strides than PyTorch gives it.
    """
    for shape in ((3, 4), (5,), (2, 3, 4), (32, 3, 48, 64)):
        truth = torch.empty(shape).stride()
        result = answer(shape)
        if not isinstance(result, tuple | list | torch.Size):
            raise WrongAnswer(f"For {shape} you return {result!r}; return a tuple of integers.")
        given = tuple(result)
        if len(given) != len(shape):
            raise WrongAnswer(
                f"For {shape} you return {len(given)} numbers. There is one stride for every axis, "
                "so the answer is as long as the shape."
            )
        if given == truth:
            continue
        if given == tuple(torch.empty(shape[::-1]).stride()[::-1]):
            raise WrongAnswer(
                f"For {shape} you let the FIRST axis move by one element. In PyTorch neighbours in "
                "memory differ in their last index: which axis moves by one?"
            )
        if given == truth[::-1]:
            raise WrongAnswer(
                f"For {shape} these are the right numbers in the wrong order: the first axis takes "
                "the largest steps."
            )
        if given == tuple(step * size for step, size in zip(truth, shape, strict=True)):
            raise WrongAnswer(
                f"For {shape} each stride is too large by the size of its own axis. One step along "
                "an axis jumps over everything that lies to its right, and no more."
            )
        if given in (tuple(4 * step for step in truth), tuple(8 * step for step in truth)):
            raise WrongAnswer("You count bytes, as NumPy does. PyTorch counts strides in elements.")
        raise WrongAnswer(
            f"For {shape} you return {given}. Ask of each axis: how many places on in the storage "
            "is the neighbour along this axis? Write a small storage down and count."
        )
    print("Right: your strides are PyTorch's, for ranks 1 to 4.")


def standardise(answer: Callable[[Tensor], Any]) -> None:
    """Check a function that gives each column mean 0 and standard deviation 1.

    Args:
        answer: takes a float tensor of shape (n, d) and returns one of the same shape.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    x = torch.randn(6, 3, generator=_seed()) * torch.tensor([1.0, 10.0, 0.1]) + 5
    truth = torch.stack(
        [(column - column.mean()) / column.std() for column in x.unbind(dim=1)], dim=1
    )
    given = x.clone()
    result = tensor(answer(given))
    if not torch.equal(given, x):
        raise WrongAnswer(
            "Your function changes the tensor it was given. Whoever called it still needs the "
            "old numbers: make new ones instead of working in place."
        )
    if result.shape != x.shape:
        raise WrongAnswer(
            f"The shape went from {tuple(x.shape)} to {tuple(result.shape)}. Standardising "
            "changes the numbers and leaves the shape."
        )
    typical = {
        "You standardise each row. A column is walked by letting the row index run: which axis "
        "has to disappear?": (x - x.mean(dim=1, keepdim=True)) / x.std(dim=1, keepdim=True),
        "You use one mean and one standard deviation for the whole table. Each column needs its "
        "own.": (x - x.mean()) / x.std(),
        "The means are 0 but the spreads still differ: the columns are centred, not scaled.": x
        - x.mean(dim=0),
        "You divide by the variance. Its square root is what has the unit of the column.": (
            x - x.mean(dim=0)
        )
        / x.var(dim=0),
        "The means are right and the spread is almost right. Dividing the squares by n instead of "
        "n - 1 does that; this exercise asks for the standard deviation as x.std computes it by "
        "default.": (x - x.mean(dim=0)) / x.std(dim=0, correction=0),
        "You divide before you subtract, so the mean is still in the old unit.": x / x.std(dim=0)
        - x.mean(dim=0),
        "You divide the mean alone: a slash binds more tightly than a minus. Which part needs "
        "brackets?": x - x.mean(dim=0) / x.std(dim=0),
    }
    compare(result, truth, typical, "Look at result.mean(dim=0) and result.std(dim=0).")
    print("Right: every column has mean 0 and standard deviation 1.")


def distances(answer: Callable[[Tensor, Tensor], Any]) -> None:
    """Check a function that measures every distance between two sets of points.

    Args:
        answer: takes two float tensors of shapes (n, d) and (m, d) and returns the Euclidean
            distances, shape (n, m).

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    x, y = torch.randn(4, 3, generator=_seed()), torch.randn(5, 3, generator=_seed(1))
    truth = torch.tensor([[float((a - b).norm()) for b in y] for a in x])
    result = tensor(answer(x.clone(), y.clone()))
    if result.shape == (5, 4):
        raise WrongAnswer(
            "The shape is (m, n): rows and columns are exchanged. Row i belongs to point i of the "
            "FIRST set. Which of the two gets its new axis in the middle?"
        )
    if result.shape == (4, 5, 3):
        raise WrongAnswer(
            "You still have one number for each coordinate. A distance sums over the coordinates: "
            "which axis has to disappear?"
        )
    if result.shape != truth.shape:
        raise WrongAnswer(
            f"For 4 points and 5 points the result has shape {tuple(result.shape)}; expected "
            "(4, 5), one number a pair."
        )
    difference = x[:, None] - y[None]
    typical = {
        "These are squared distances.": truth**2,
        "You sum the absolute differences: that is how far a taxi drives. The straight line needs "
        "squares and a root.": difference.abs().sum(dim=2),
        "You average over the coordinates where a distance sums.": difference.square()
        .mean(dim=2)
        .sqrt(),
        "You sum first and square afterwards, so that differences cancel.": difference.sum(
            dim=2
        ).abs(),
    }
    compare(result, truth, typical, "Compare result[0, 0] with (x[0] - y[0]).norm().")
    same = tensor(answer(x.clone(), x.clone()))
    if same.isnan().any():
        raise WrongAnswer(
            "The distance of a point to itself comes out as nan: rounding made a tiny negative "
            "number, and you take its root. Subtract the points before you square."
        )
    print("Right: every distance, in a table of shape (n, m).")


def patches(answer: Callable[[Tensor, int], Any]) -> None:
    """Check a function that cuts an image into square patches.

    Args:
        answer: takes an image of shape (channels, height, width) and the side s of a patch, which
            divides height and width; returns shape (patches, channels, s, s), in reading order.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    channels, height, width, side = 3, 4, 6, 2
    image = torch.arange(channels * height * width).reshape(channels, height, width)
    rows, columns = range(0, height, side), range(0, width, side)
    cut = {(r, c): image[:, r : r + side, c : c + side] for r in rows for c in columns}
    truth = torch.stack([cut[r, c] for r in rows for c in columns])
    result = tensor(answer(image.clone(), side))
    if result.shape == (2, 3, channels, side, side):
        raise WrongAnswer(
            "The patches still lie in a grid: the result has an axis for the row of a patch and "
            "one for its column. Make these two axes one."
        )
    if result.shape != truth.shape:
        raise WrongAnswer(
            f"An image of shape (3, 4, 6) cut by 2 gives shape {tuple(result.shape)}; expected "
            "(6, 3, 2, 2): six patches of three channels."
        )
    grid = image.reshape(channels, 2, side, 3, side)
    typical = {
        "The shape is right, the numbers are not: a single reshape cuts the STORAGE into pieces, "
        "and neighbours in memory are not a square of the image. Split the axes first, then "
        "permute them, then reshape.": image.reshape(truth.shape),
        "Each patch is right, but you go down the columns. Reading order goes along the first row "
        "of patches, then along the second.": torch.stack(
            [cut[r, c] for c in columns for r in rows]
        ),
        "Every patch is mirrored at its diagonal: the last two axes are "
        "exchanged.": truth.transpose(2, 3),
        "The axes for the position of a patch and for the place inside it are mixed up. Height "
        "splits into (which patch, which line of it), in that order.": image.reshape(
            channels, side, 2, side, 3
        )
        .permute(2, 4, 0, 1, 3)
        .reshape(truth.shape),
        "The channels are mixed: you merged axes that do not stand beside each other. Permute "
        "until the axes stand in the order of the result, then reshape.": grid.permute(
            1, 3, 2, 4, 0
        ).reshape(truth.shape),
    }
    compare(result, truth, typical, "Compare result[0] with image[:, :2, :2].")
    print("Right: each patch is a square of the image, in reading order.")


def one_hot(answer: Callable[[Tensor, int], Any]) -> None:
    """Check a function that turns class numbers into rows with a single one.

    Args:
        answer: takes integer labels of shape (n,) and the number of classes; returns float32 of
            shape (n, classes).

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    labels, classes = torch.tensor([2, 0, 3, 1, 0, 3]), 5
    truth = torch.zeros(len(labels), classes)
    for row, label in enumerate(labels.tolist()):
        truth[row, label] = 1
    result = tensor(answer(labels.clone(), classes))
    if result.shape == truth.T.shape:
        raise WrongAnswer(
            "Rows and columns are exchanged: each label gets a ROW. Which of the two, labels or "
            "class numbers, has to stand as a column before you compare?"
        )
    if result.shape == (len(labels), 4):
        raise WrongAnswer(
            "Your rows are as long as the labels at hand need. A class that happens not to occur "
            "still has its place: use the number of classes."
        )
    if result.shape != truth.shape:
        raise WrongAnswer(
            f"6 labels and 5 classes give shape {tuple(result.shape)}; expected (6, 5)."
        )
    if result.dtype != torch.float32:
        raise WrongAnswer(
            f"The dtype is {result.dtype}; the exercise asks for torch.float32. (A comparison "
            "alone gives booleans, F.one_hot integers.)"
        )
    typical = {
        "The ones stand one place too far left: do you count the classes from 1?": (
            labels[:, None] == torch.arange(1, classes + 1)
        ).float(),
        "The ones stand one place too far right: class 0 is the first column.": truth.roll(1, 1),
        "Zeros and ones are exchanged.": 1 - truth,
    }
    compare(result, truth, typical, "Compare row 0 with label 2: where must its one stand?")
    print("Right: a one at the label's place and zeros elsewhere.")


def _seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)
