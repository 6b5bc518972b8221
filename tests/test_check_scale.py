"""The checker of the chapter on speed and scale accepts right answers and names mistakes."""

import pytest
import torch

from definebyrun.check import WrongAnswer, scale


def average(gradients, sizes):
    return sum(n / sum(sizes) * g for n, g in zip(sizes, gradients, strict=True))


def in_a_loop(gradients, sizes):
    total = torch.zeros_like(gradients[0])
    for gradient, size in zip(gradients, sizes, strict=True):
        total += gradient * size
    return total / sum(sizes)


@pytest.mark.parametrize("answer", [average, in_a_loop])
def test_right_answers_pass_and_are_told_so(answer, capsys):
    scale.average(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda g, n: sum(g) / len(g), "an image should"),
        (lambda g, n: sum(g), "added up"),
        (lambda g, n: average(g, n) * sum(n), "sum of the weights"),
        (lambda g, n: average(g, n) * sum(n) / len(n), "number of shares"),
        (lambda g, n: average(g, [1 / size for size in n]), "not less"),
        (lambda g, n: average(g, n)[0], "shape"),
    ],
)
def test_typical_mistakes_are_named(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        scale.average(answer)
