"""Checkers of the chapter on deeper networks: each mistake gets its own hint."""

import math

import pytest
import torch.nn.functional as F

from definebyrun.check import WrongAnswer, deeper


def back(layers, seen=1, moves=1):
    for width, stride in layers:
        seen = (seen - moves) * stride + width
    return seen


def forward(layers):
    """From the first layer to the last: each adds its reach times the strides before it."""
    seen, step = 1, 1
    for width, stride in layers:
        seen += (width - 1) * step
        step *= stride
    return seen


WRONG = [
    (lambda layers: 1 + sum(width - 1 for width, _ in layers), "strides out"),
    (back, "Turn the order round"),
    (lambda layers: math.prod(width for width, _ in layers), "multiply the widths"),
    (lambda layers: layers[-1][0], "last layer only"),
    (lambda layers: sum(width for width, _ in layers), "add up the widths"),
    (lambda layers: back(layers[::-1], seen=0), "no place at all"),
    (lambda layers: back(layers[::-1], moves=0), "n - 1 moves"),
    (lambda layers: 1, "Draw the places"),
]


@pytest.mark.parametrize("answer", [lambda layers: back(layers[::-1]), forward])
def test_a_right_answer_passes_and_says_so_in_one_line(answer, capsys):
    deeper.receptive_field(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_a_wrong_answer_gets_the_hint_for_its_mistake(answer, hint):
    with pytest.raises(WrongAnswer) as refusal:
        deeper.receptive_field(answer)
    assert hint in str(refusal.value)


def in_early_order(x, norm1, conv1, norm2, conv2):
    h = conv1(F.relu(norm1(x)))
    return x + conv2(F.relu(norm2(h)))


WRONG_BLOCKS = [
    (lambda x, n, c, m, d: F.relu(in_early_order(x, n, c, m, d)), "behind the sum"),
    (lambda x, n, c, m, d: in_early_order(x, n, c, m, d) - x, "sum is missing"),
    (lambda x, n, c, m, d: x + m(d(F.relu(n(c(x))))), "convolutions come first"),
    (lambda x, n, c, m, d: F.relu(x + m(d(F.relu(n(c(x)))))), "the page's block"),
    (lambda x, n, c, m, d: F.relu(n(x)) - x + in_early_order(x, n, c, m, d), "at x itself"),
    (lambda x, n, c, m, d: x + d(m(c(n(x)))), "no ReLU"),
    (lambda x, n, c, m, d: x + d(F.relu(m(c(n(x))))), "first ReLU"),
    (lambda x, n, c, m, d: x + d(m(c(F.relu(n(x))))), "second ReLU"),
    (lambda x, n, c, m, d: x + d(m(F.relu(c(n(F.relu(x)))))), "before its normalisation"),
    (lambda x, n, c, m, d: in_early_order(x, m, c, n, d), "normalisations have changed"),
    (lambda x, n, c, m, d: in_early_order(x, n, d, m, c), "convolutions have changed"),
    (lambda x, n, c, m, d: x, "six steps"),
]


def test_the_early_block_passes(capsys):
    deeper.early(in_early_order)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(("answer", "hint"), WRONG_BLOCKS)
def test_a_wrong_block_gets_the_hint_for_its_mistake(answer, hint):
    with pytest.raises(WrongAnswer) as refusal:
        deeper.early(answer)
    assert hint in str(refusal.value)
