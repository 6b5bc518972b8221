"""The checkers of the chapter on data: right answers pass, each typical mistake gets its hint."""

import math

import pytest
import torch

from definebyrun.check import WrongAnswer
from definebyrun.check import data as check


class Right:
    def __init__(self, dataset, transform):
        self.dataset, self.transform = dataset, transform

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        x, t = self.dataset[index]
        return self.transform(x), t


class NoLength:
    def __init__(self, dataset, transform):
        self.dataset = dataset


class OneShort(Right):
    def __len__(self):
        return len(self.dataset) - 1


class AtConstruction(Right):
    def __init__(self, dataset, transform):
        super().__init__(dataset, transform)
        self.samples = [(transform(x), t) for x, t in (dataset[i] for i in range(len(dataset)))]

    def __getitem__(self, index):
        return self.samples[index]


class ImageOnly(Right):
    def __getitem__(self, index):
        return self.transform(self.dataset[index][0])


class LabelToo(Right):
    def __getitem__(self, index):
        x, t = self.dataset[index]
        return self.transform(x), int(self.transform(torch.tensor(t)))


class Untransformed(Right):
    def __getitem__(self, index):
        return self.dataset[index]


class WholeSample(Right):
    def __getitem__(self, index):
        return self.transform(self.dataset[index])


class InPlace(Right):
    def __getitem__(self, index):
        x, t = self.dataset[index]
        x.copy_(self.transform(x))
        return x, t


class ResultDropped(Right):
    def __getitem__(self, index):
        x, t = self.dataset[index]
        self.transform(x)
        return x, t


class Remembering(Right):
    def __init__(self, dataset, transform):
        super().__init__(dataset, transform)
        self.seen = {}

    def __getitem__(self, index):
        if index not in self.seen:
            self.seen[index] = super().__getitem__(index)
        return self.seen[index]


class OffByOne(Right):
    def __getitem__(self, index):
        return self.transform(self.dataset[max(index - 1, 0)][0]), self.dataset[index][1]


class WrongSample(Right):
    def __getitem__(self, index):
        return super().__getitem__(index - 1)


class Turned(Right):
    def __getitem__(self, index):
        return super().__getitem__(index)[::-1]


class AsList(Right):
    def __getitem__(self, index):
        return list(super().__getitem__(index))


class Twice(Right):
    def __getitem__(self, index):
        x, t = self.dataset[index]
        return self.transform(self.transform(x)), t


def test_transformed_accepts_a_right_answer(capsys):
    check.transformed(Right)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (NoLength, "second method"),
        (OneShort, "11 samples; the one inside has 12"),
        (AtConstruction, "before anybody asks"),
        (ImageOnly, "pair"),
        (LabelToo, "for the image alone"),
        (Untransformed, "Who calls the transform"),
        (WholeSample, "of type tuple"),
        (ResultDropped, "give back"),
        (Remembering, "at every look"),
        (OffByOne, "which index"),
        (WrongSample, "yours has 102; look at which index"),
        (Turned, "In which order"),
        (AsList, "yours is a list"),
        (Twice, "calls the transform 2 times"),
        (InPlace, "changes the image in the data set inside"),
    ],
)
def test_transformed_knows_the_typical_mistakes(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.transformed(answer)


def right(labels, fraction, generator, *, random=True, rounded=round):
    held, rest = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        if random:
            members = members[torch.randperm(len(members), generator=generator)]
        count = rounded(fraction * len(members))
        held.append(members[:count])
        rest.append(members[count:])
    return torch.cat(held), torch.cat(rest)


def without_classes(labels, fraction, generator):
    order = torch.randperm(len(labels), generator=generator)
    count = round(fraction * len(labels))
    return order[:count], order[count:]


def overlapping(labels, fraction, generator):
    held, _ = right(labels, fraction, generator)
    return held, torch.arange(len(labels))


def swapped(labels, fraction, generator):
    return right(labels, fraction, generator)[::-1]


def first_of_each(labels, fraction, generator):
    return right(labels, fraction, generator, random=False)


def own_randomness(labels, fraction, generator):
    return right(labels, fraction, None)


def labels_instead(labels, fraction, generator):
    return tuple(labels[part].float() for part in right(labels, fraction, generator))


def rounded_down(labels, fraction, generator):
    return right(labels, fraction, generator, rounded=int)


def rounded_up(labels, fraction, generator):
    return right(labels, fraction, generator, rounded=math.ceil)


def aliased(labels, fraction, generator):
    """Negative indices are other names of images that are in the other part already."""
    held, rest = right(labels, fraction, generator)
    return held, rest - len(labels)


def columns(labels, fraction, generator):
    return tuple(part[:, None] for part in right(labels, fraction, generator))


def equally_many(labels, fraction, generator):
    return right(labels, fraction, generator, rounded=lambda count: 8)


def lists(labels, fraction, generator):
    return tuple(part.tolist() for part in right(labels, fraction, generator))


def test_class_split_accepts_a_right_answer(capsys):
    check.class_split(right)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (without_classes, "Cut each class on its own"),
        (overlapping, "is a leak"),
        (aliased, "is a leak"),
        (swapped, "hold back the large part"),
        (first_of_each, "choose at random"),
        (own_randomness, "has to come from the generator"),
        (labels_instead, "Return indices"),
        (lists, "no lists"),
        (columns, "expected one axis"),
        (rounded_down, "hold back 8 and 12. Round"),
        (rounded_up, "hold back 9 and 13. Round"),
        (equally_many, "need not be equally large"),
        (lambda labels, fraction, generator: labels, "Return two tensors"),
    ],
)
def test_class_split_knows_the_typical_mistakes(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.class_split(answer)


def share(total, drawn, members):
    f = drawn / total
    return members * f, math.sqrt(members * f * (1 - f) * (total - members) / (total - 1))


def test_class_share_accepts_a_right_answer(capsys):
    check.class_share(share)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, d, m: (share(n, d, m)[0], share(n, d, m)[1] ** 2), "is the variance"),
        (lambda n, d, m: (m * d / n, math.sqrt(m * d / n * (1 - d / n))), "as independent"),
        (
            lambda n, d, m: (m * d / n, math.sqrt(m * d / n * (1 - d / n) * (n - m) / n)),
            "where you have N",
        ),
        (lambda n, d, m: (m * d / n, math.sqrt(m * d / n * (1 - m / n))), "class and the draw"),
        (lambda n, d, m: share(n, d, m)[0], "return 2 things: mean"),
        (lambda n, d, m: share(n, d, m)[::-1], "two are exchanged"),
        (lambda n, d, m: (share(n, d, m)[0], 0.9), "all ways to draw"),
        (lambda n, d, m: (n, d), "above 3"),
    ],
)
def test_class_share_knows_the_typical_mistakes(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.class_share(answer)
