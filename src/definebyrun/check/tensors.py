"""Checkers for the exercises of the chapter on tensors.

Each calls the reader's function on inputs of its own, on the CPU, and compares the result with
one computed another way. Inputs are seeded, so that the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, run


def strides(answer: Callable[[tuple[int, ...]], Any]) -> None:
    """Check a function that gives the strides of a freshly made tensor.

    Args:
        answer: takes a shape, a tuple of n positive integers, and returns n integers: how many
            elements of the storage one step along each axis skips.

    Raises:
        WrongAnswer: with a hint, when a shape gets other strides than PyTorch gives it.
    """
    alone = "Find the strides from the shape alone, without making a tensor or an array."
    rules = Rules(
        forbid={"*": "Find the strides without PyTorch, from the shape alone."},
        errors={"Unable to allocate": alone, "array is too big": alone},
    )
    too_large = (10**5, 10**4, 10**7)  # for any memory
    for shape in ((3, 4), (5,), (2, 3, 4), (32, 3, 48, 64), too_large):
        truth = torch.empty(shape, device="meta").stride()
        given = call(answer, shape, rules=rules)
        if not isinstance(given, tuple) or not all(type(step) is int for step in given):
            raise WrongAnswer(
                f"For {shape} you return {_short(given)}; return a tuple of integers, as shape is."
            )
        if len(given) != len(shape):
            raise WrongAnswer(
                f"For {shape} you return {len(given)} numbers. There is one stride for every axis, "
                "so the answer is as long as the shape."
            )
        compare(
            given,
            truth,
            _typical_strides(shape, truth),
            "Ask of each axis: how many places on in the storage is the neighbour along this axis? "
            "Write a small storage down and count.",
            names=tuple(f"stride {axis}" for axis in range(len(shape))),
            tolerance=0,
            case=f"the shape {shape}",
        )
    print("Right: your strides are PyTorch's, for ranks 1 to 4.")


def _typical_strides(shape: tuple[int, ...], truth: tuple[int, ...]) -> dict[str, Any]:
    """Return the strides that each mistake gives."""
    return {
        "You let the FIRST axis move by one element. In PyTorch neighbours in memory differ in "
        "their last index: which axis moves by one?": torch.empty(
            shape[::-1], device="meta"
        ).stride()[::-1],
        "These are the right numbers in the wrong order: the first axis takes the largest "
        "steps.": truth[::-1],
        "Each stride is too large by the size of its own axis. One step along an axis jumps over "
        "everything that lies to its right, and no more.": tuple(
            step * size for step, size in zip(truth, shape, strict=True)
        ),
        "You count bytes, as NumPy does. PyTorch counts strides in elements.": tuple(
            4 * step for step in truth
        ),
        "You count bytes of float64, as NumPy does. PyTorch counts strides in elements.": tuple(
            8 * step for step in truth
        ),
    }


def _short(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:60]


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
    mean_of_rows = "A mean or a deviation has one number a ROW, and lines up with the columns. "
    run(
        answer,
        x,
        truth=truth,
        rules=Rules(
            loops=False,
            errors={"must match the size": mean_of_rows + "Which axis has to disappear?"},
        ),
        mistakes=typical,
        look="Look at result.mean(dim=0) and result.std(dim=0).",
        shapes={(3,): "Standardising changes the numbers and leaves the shape."},
        tolerance=1e-4,
    )
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
    rules = Rules(
        loops=False,
        forbid={
            "*dist*": "The exercise asks you to build the distances: an axis of size 1 in the "
            "right place of each, a difference, squares, a sum, a root."
        },
        errors={
            "must match the size": "4 points cannot be subtracted from 5 row by row. Every point "
            "of x meets every point of y: where does each of the two need an axis of size 1?"
        },
    )
    run(
        answer,
        x,
        y,
        truth=truth,
        rules=rules,
        mistakes=typical,
        look="Compare result[0, 0] with (x[0] - y[0]).norm().",
        shapes={
            (5, 4): "The shape is (m, n): rows and columns are exchanged. Row i belongs to point i "
            "of the FIRST set. Which of the two gets its new axis in the middle?",
            (4, 5, 3): "You still have one number for each coordinate. A distance sums over the "
            "coordinates: which axis has to disappear?",
            (4,): "There are 4 points and 5 points, and one number a pair.",
        },
        tolerance=1e-4,
    )
    run(
        answer,
        x,
        x,
        truth=torch.tensor([[float((a - b).norm()) for b in x] for a in x]),
        rules=rules,
        look="Rounding alone makes such a distance: subtract the points before you square.",
        not_finite="Rounding made a tiny negative number, and you take its root. Subtract the "
        "points before you square.",
        tolerance=1e-2,
        case="points and themselves",
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
    allowed = "The exercise allows reshape and permute."
    cutting = ("unfold", "*stack", "cat", "concat*", "*split", "chunk", "unbind", "__getitem__")
    run(
        answer,
        image,
        side,
        truth=truth,
        rules=Rules(
            loops=False,
            forbid=dict.fromkeys((*cutting, "*unshuffle", "im2col"), allowed),
            errors={
                "is invalid for input of size": "A reshape must keep the number of elements. "
                "Multiply the sizes that you ask for.",
            },
        ),
        mistakes=typical,
        look="Compare result[0] with image[:, :2, :2].",
        shapes={
            (2, 3, channels, side, side): "The patches still lie in a grid: the result has an axis "
            "for the row of a patch and one for its column. Make these two axes one.",
        },
        case="an image of shape (3, 4, 6) cut by 2, which makes six patches of three channels",
    )
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
    typical = {
        "The ones stand one place too far left: do you count the classes from 1?": (
            labels[:, None] == torch.arange(1, classes + 1)
        ).float(),
        "The ones stand one place too far right: class 0 is the first column.": truth.roll(1, 1),
        "Zeros and ones are exchanged.": 1 - truth,
    }
    run(
        answer,
        labels,
        classes,
        truth=truth,
        rules=Rules(
            loops=False,
            forbid=dict.fromkeys(
                ("one_hot", "eye", "diag*", "*scatter*", "index_*", "put_", "__setitem__"),
                "The exercise asks for one comparison of the labels with the class numbers.",
            ),
            errors={
                "must match the size": "6 labels and 5 class numbers cannot be compared one by "
                "one. Every label meets every class: which of the two has to stand as a column?"
            },
        ),
        mistakes=typical,
        look="Compare row 0 with label 2: where must its one stand?",
        shapes={
            (5, 6): "Rows and columns are exchanged: each label gets a ROW. Which of the two, "
            "labels or class numbers, has to stand as a column before you compare?",
            (6, 4): "Your rows are as long as the labels at hand need. A class that happens not to "
            "occur still has its place: use the number of classes.",
        },
        dtype=torch.float32,
    )
    print("Right: a one at the label's place and zeros elsewhere.")


def _seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)
