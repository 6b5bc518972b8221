"""Checkers of the chapter on deeper networks: each mistake gets its own hint."""

import math

import pytest

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
