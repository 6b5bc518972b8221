"""Divide labelled images into sets for training, validation and testing, with a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import torch
from torch import Tensor


class Examples(NamedTuple):
    """Images and their labels: ``images, labels = examples``.

    Attributes:
        images: shape (n, channels, height, width). Ink is high, paper is zero.
        labels: int64, shape (n,): the place of each image's class in ``names``.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class ImageData:
    """A data set, divided.

    Attributes:
        names: one name a class; ``names[label]`` is the character of an image.
        train: to learn from.
        test: to measure with, once, at the end.
        validation_or_none: to choose with; None unless it was asked for.
        real: scans of real books, to test with as well; None but with the embedded images.
    """

    names: tuple[str, ...]
    train: Examples
    test: Examples
    validation_or_none: Examples | None = None
    real: Examples | None = None

    @property
    def validation(self) -> Examples:
        """The validation set.

        Raises:
            ValueError: none was asked for when the data was loaded.
        """
        if self.validation_or_none is None:
            raise ValueError(
                "there is no validation set; expected data loaded with a share for it, such as "
                "validation=0.1"
            )
        return self.validation_or_none

    def __getattr__(self, name: str) -> NoReturn:
        """Say what there is, to one who asks for what there is not."""
        raise AttributeError(
            f"data has no {name!r}; expected names, train, validation, test or real",
            name=name,
            obj=self,
        )


def split_indices(labels: Tensor, fractions: Sequence[float], seed: int) -> list[Tensor]:
    """Divide examples at random, each class in the same proportions.

    Args:
        labels: int64, shape (n,).
        fractions: the share of each part; they add up to 1.
        seed: the same seed gives the same division, on every machine and device.

    Returns:
        For each part the indices of its examples, int64, in random order, on the CPU. Every
        example is in exactly one part.

    Raises:
        ValueError: labels is not a vector, or the fractions are negative or do not add up to 1.
    """
    if labels.ndim != 1:
        raise ValueError(f"labels has shape {tuple(labels.shape)}; expected (n,)")
    if not (min(fractions) >= 0 and abs(sum(fractions) - 1) <= 1e-6):
        raise ValueError(f"fractions is {list(fractions)}; expected shares that add up to 1")
    generator = torch.Generator().manual_seed(seed)
    ends = torch.tensor(fractions, dtype=torch.float64).cumsum(0)
    labels = labels.cpu()
    parts: list[list[Tensor]] = [[] for _ in fractions]
    for label in torch.unique(labels):
        members = (labels == label).nonzero().squeeze(1)
        members = members[torch.randperm(len(members), generator=generator)]
        cuts = (ends[:-1] * len(members)).round().long()
        for part, piece in zip(parts, members.tensor_split(cuts), strict=True):
            part.append(piece)
    empty = torch.empty(0, dtype=torch.int64)
    whole = [torch.cat([empty, *part]) for part in parts]
    return [part[torch.randperm(len(part), generator=generator)] for part in whole]


def split_groups(groups: Tensor, fractions: Sequence[float], seed: int) -> list[Tensor]:
    """Divide examples at random, whole groups at a time: no group is in two parts.

    Args:
        groups: int64, shape (n,): the group of each example.
        fractions: the share of each part; they add up to 1. They are met only nearly: each part
            takes groups, in random order, until it has at least its share; the last has the rest.
        seed: the same seed gives the same division, on every machine and device.

    Returns:
        For each part the indices of its examples, int64, in random order, on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    groups = groups.cpu()
    names, sizes = torch.unique(groups, return_counts=True)
    order = torch.randperm(len(names), generator=generator)
    before = sizes[order].cumsum(0) - sizes[order]  # examples in the groups that come earlier
    ends = torch.tensor(fractions, dtype=torch.float64).cumsum(0)[:-1] * len(groups)
    part_of = torch.bucketize(before.double(), ends, right=True)
    parts = [torch.isin(groups, names[order[part_of == k]]) for k in range(len(fractions))]
    whole = [part.nonzero().squeeze(1) for part in parts]
    return [part[torch.randperm(len(part), generator=generator)] for part in whole]


def convert(examples: Examples, device: torch.device | str, dtype: torch.dtype) -> Examples:
    """Bring uint8 examples to a device, as they are or as floats from 0 to 1."""
    images = examples.images.to(device)
    if dtype == torch.float32:
        images = images.float() / 255
    return Examples(images, examples.labels.to(device))


def divide(
    examples: Examples,
    names: Sequence[str],
    *,
    seed: int,
    test: float = 0.2,
    validation: float = 0.0,
    groups: Tensor | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ImageData:
    """Divide labelled images into a data set on a device.

    Args:
        examples: the images, uint8 of shape (n, channels, height, width), and their labels.
        names: one name a class.
        seed: decides the division.
        test: the share of every class that is held back for testing.
        validation: the share for choosing; with 0 there is no such set. Asking for one leaves
            the test set as it is: the images are taken from those for training.
        groups: int64, shape (n,): the group of each example, to divide by whole groups instead of
            by class.
        device: where the tensors go.
        dtype: ``torch.float32`` gives pixels from 0 to 1, ``torch.uint8`` from 0 to 255.

    Raises:
        ValueError: a share lies outside 0 to 1, a set that was asked for, or that for training,
            is empty after rounding, or the dtype is another one.
    """
    if dtype not in (torch.float32, torch.uint8):
        raise ValueError(f"dtype is {dtype}; expected torch.float32 or torch.uint8")
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise ValueError(
            f"test is {test} and validation {validation}; expected shares that leave some to train"
        )

    def split(fractions: tuple[float, float], members: Tensor) -> list[Tensor]:
        if groups is None:
            return split_indices(examples.labels[members], fractions, seed)
        return split_groups(groups[members], fractions, seed)

    def part(indices: Tensor) -> Examples:
        return convert(Examples(examples.images[indices], examples.labels[indices]), device, dtype)

    tested, rest = split((test, 1 - test), torch.arange(len(examples.labels)))
    chosen = rest[:0]
    if validation:
        share = validation / (1 - test)
        picked, left = split((share, 1 - share), rest)
        chosen, rest = rest[picked], rest[left]
    wanted = (("test", test, tested), ("validation", validation, chosen), ("train", 1, rest))
    for name, share, indices in wanted:
        if share and not len(indices):
            raise ValueError(
                f"test is {test} and validation {validation}, which leaves the {name} set empty: "
                f"there are {len(examples.labels)} images of {len(names)} classes"
            )
    return ImageData(tuple(names), part(rest), part(tested), part(chosen) if validation else None)
