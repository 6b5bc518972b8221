"""Checkers for the exercises of the chapter on data.

Each calls the reader's class or function on small data of its own. Everything is seeded, so that
the same answer always gets the same hint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, run

ITSELF = Rules(in_place=(0,))  # a data set of the reader's is handed over as it is


class _Numbers:
    """Twelve samples: the image is filled with its own index, the label counts from 100."""

    def __init__(self) -> None:
        self.images = [torch.full((1, 2, 2), float(index)) for index in range(12)]

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.images[index], 100 + index

    @property
    def untouched(self) -> bool:
        """Whether every image still is what it was."""
        return all(bool((image == index).all()) for index, image in enumerate(self.images))


def transformed(answer: Callable[[Any, Callable[[Tensor], Tensor]], Any]) -> None:
    """Check a data set that wraps another one and transforms its images.

    Args:
        answer: the class; it is made with a data set and a transform.

    Raises:
        WrongAnswer: with a hint, when the samples or their number are not as they should be.
    """
    calls = 0

    def count(image: Tensor) -> Tensor:
        nonlocal calls
        if not isinstance(image, Tensor):
            raise WrongAnswer(
                f"Your transform is called with something of type {type(image).__name__}. What is "
                "inside a sample, and which part of it is for the transform?"
            )
        calls += 1
        return image * 0 + calls

    inner = _Numbers()
    wrapped: Any = call(answer, inner, count)
    if not hasattr(type(wrapped), "__len__"):
        raise WrongAnswer("len() of your data set fails: a data set needs a second method.")
    if not hasattr(type(wrapped), "__getitem__"):
        raise WrongAnswer(
            f"An object of type {type(wrapped).__name__} has no samples: hand over your class, and "
            "let it have a method __getitem__."
        )
    length = call(len, wrapped, rules=ITSELF)
    if length != len(inner):
        raise WrongAnswer(
            f"Your data set says it has {length} samples; the one inside has {len(inner)}."
        )

    def look(data: Any, index: int) -> Any:
        return data[index]

    if calls:
        raise WrongAnswer(
            "Your class transforms before anybody asks for a sample. Then every epoch would see "
            "the same 'random' image: transform when the sample is fetched."
        )
    sample = call(look, wrapped, 3, rules=ITSELF)
    if not isinstance(sample, tuple) or len(sample) != 2:
        raise WrongAnswer(
            f"A sample is a pair (x, y), a tuple; yours is a {type(sample).__name__}."
        )
    image, label = sample
    if not isinstance(image, Tensor):
        raise WrongAnswer(
            f"The first part of your sample is a {type(image).__name__}; it should be the image. "
            "In which order do the two come?"
        )
    if isinstance(label, int) and label in range(100, 112) and label != 103:
        raise WrongAnswer(
            f"Sample 3 has the label 103 inside, and yours has {label}; look at which index you "
            "fetch."
        )
    if not isinstance(label, int) or label != 103:
        raise WrongAnswer(
            f"The label of sample 3 should be 103, as the data set inside gives it, and yours is "
            f"{label}. A transform is for the image alone."
        )
    if calls == 0:
        raise WrongAnswer("Your samples come out as they are inside. Who calls the transform?")
    if not inner.untouched:
        raise WrongAnswer(
            "A look at a sample changes the image in the data set inside, for good: the next look "
            "would transform it once more. Return a new image, and leave that one as it is."
        )
    if torch.equal(image, inner[3][0]):
        raise WrongAnswer(
            "You call the transform and return the image from before it. A transform changes "
            "nothing in place: what does it give back?"
        )
    if calls > 1:
        raise WrongAnswer(
            f"One look at a sample calls the transform {calls} times; once is enough."
        )
    if torch.equal(image, _image(call(look, wrapped, 3, rules=ITSELF))):
        raise WrongAnswer(
            "The second look at a sample gives the first one's image. Something keeps it: the "
            "transform has to run at every look."
        )
    plain = call(answer, inner, lambda image: image)
    for index in range(len(inner)):
        if not torch.equal(_image(call(look, plain, index, rules=ITSELF)), inner[index][0]):
            raise WrongAnswer(
                f"With a transform that changes nothing, sample {index} should be the one inside; "
                "look at which index you fetch."
            )
    print("Right: the images are transformed at every look, labels and length are kept.")


def _image(sample: Any) -> Tensor:
    """Return the image of a sample, or nothing where there is none."""
    found = sample[0] if isinstance(sample, tuple) and sample else None
    return found if isinstance(found, Tensor) else torch.empty(0)


def class_split(answer: Callable[[Tensor, float, torch.Generator], Any]) -> None:
    """Check a function that holds back the same share of every class.

    Args:
        answer: takes labels (int64, shape (n,)), a fraction and a generator, and returns two
            tensors of indices: those held back, and the rest.

    Raises:
        WrongAnswer: with a hint, when the parts are not as they should be.
    """

    def split(seed: int, elsewhere: int = 0) -> Any:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(elsewhere)  # an answer may not draw from this generator
            return call(answer, labels, 0.2, torch.Generator().manual_seed(seed))

    # 20, 43 and 61 of the three classes, mixed: a fifth of 43 is rounded up, of 61 down
    sizes = torch.tensor([20, 43, 61])
    mixed = torch.randperm(124, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(3).repeat_interleave(sizes)[mixed]
    parts = split(0)
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise WrongAnswer("Return two tensors of indices: those held back, and the rest.")
    held, rest = parts
    if not all(isinstance(part, Tensor) and part.dtype == torch.int64 for part in parts):
        raise WrongAnswer("Return indices, int64 tensors: no lists, labels or masks.")
    if held.ndim != 1 or rest.ndim != 1:
        raise WrongAnswer(
            f"Your tensors have the shapes {tuple(held.shape)} and {tuple(rest.shape)}; expected "
            "one axis. nonzero gives a column for each axis of its input: drop that column."
        )
    both = torch.cat([held, rest])
    if not torch.equal(both.sort().values, torch.arange(len(labels))):
        raise WrongAnswer(
            f"Every index from 0 to {len(labels) - 1} should be in exactly one part; yours hold "
            f"{len(both)} indices, {len(torch.unique(both))} of them different, from "
            f"{_reach(both)}. An image in both parts is a leak."
        )
    counts = torch.bincount(labels[held], minlength=3)
    if (counts > sizes / 2).all():
        raise WrongAnswer(
            "You hold back the large part. The fraction is the share of the FIRST result."
        )
    if counts.tolist() in ([4, 8, 12], [4, 9, 13]):
        raise WrongAnswer(
            f"Of 43 and 61 images a fifth is 8.6 and 12.2, and you hold back {counts[1]} and "
            f"{counts[2]}. Round to the nearest whole number, neither always down nor always up."
        )
    if counts.tolist() != [4, 9, 12]:
        raise WrongAnswer(
            f"With 20, 43 and 61 images of three classes and a fraction of 0.2 you hold back "
            f"{counts.tolist()}. Cut each class on its own; they need not be equally large."
        )
    if not torch.equal(held.sort().values, split(0, elsewhere=1)[0].sort().values):
        raise WrongAnswer(
            "The same seed gives another split. All randomness has to come from the generator."
        )
    if torch.equal(held.sort().values, split(1, elsewhere=2)[0].sort().values):
        raise WrongAnswer(
            "Another seed gives the same split. Files are often sorted, by book or by date, so the "
            "first ones of a class are not like the others: choose at random, with the generator."
        )
    print("Right: every class gives its share, each image is in one part, and the seed decides.")


def _reach(indices: Tensor) -> str:
    return f"{int(indices.min())} to {int(indices.max())}" if len(indices) else "none to none"


def class_share(answer: Callable[[int, int, int], Any]) -> None:
    """Check a function for the number of images that a plain split draws of one class.

    Args:
        answer: takes three integers, all images, those drawn for the test and those of the
            class; returns the expected number of test images of the class and its standard
            deviation, two floats.

    Raises:
        WrongAnswer: with a hint, when the results are others.
    """
    for total, drawn, members in ((6, 2, 3), (12, 5, 4), (1000, 200, 60)):
        share = drawn / total
        mean = members * share
        independent = mean * (1 - share)
        variance = independent * (total - members) / (total - 1)
        run(
            answer,
            total,
            drawn,
            members,
            truth=(mean, variance**0.5),
            mistakes={
                "The second number is the variance. Its root is the standard deviation.": (
                    mean,
                    variance,
                ),
                "The two are exchanged: first the expected number, then the standard deviation.": (
                    variance**0.5,
                    mean,
                ),
                "You treat the images of the class as independent. Two of them compete for the "
                "same places, and their covariance is negative.": (mean, independent**0.5),
                "Without putting back, all N - 1 other images compete: N - 1, where you have N.": (
                    mean,
                    (independent * (total - members) / total) ** 0.5,
                ),
                "You have exchanged the class and the draw in the standard deviation: 1 - n/N is "
                "the share that is not drawn.": (mean, (mean * (1 - members / total)) ** 0.5),
            },
            look="Write down all ways to draw 2 of 6 images and count those of a class of 3.",
            names=("mean", "deviation"),
            low=0,
            high=members,
            tolerance=1e-9 * members,
            case=f"{total} images, {drawn} drawn, {members} of the class",
        )
    print("Right: the expected number and its standard deviation, for three sizes.")
