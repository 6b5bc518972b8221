"""Checkers of the chapter on overfitting: each mistake gets its own hint."""

import pytest
import torch

from definebyrun.check import WrongAnswer, overfitting


def by_mask(x, chances, p):
    return x * (chances >= p) / (1 - p)


def by_where(x, chances, p):
    return torch.where(chances < p, torch.zeros_like(x), x / (1 - p))


def by_loop(x, chances, p):
    result = torch.zeros_like(x)
    for place in range(x.numel()):
        if chances.flatten()[place] >= p:
            result.view(-1)[place] = x.flatten()[place] / (1 - p)
    return result


def in_place(x, chances, p):
    x[chances < p] = 0
    return x / (1 - p)


WRONG = [
    (lambda x, u, p: x * (u >= p), "keep their size"),
    (lambda x, u, p: x * (u >= p) * (1 - p), "must grow"),
    (lambda x, u, p: x * (u < p) / (1 - p), "keep what should be dropped"),
    (lambda x, u, p: x * (u < 1 - p) / (1 - p), "less than 1 - p"),
    (lambda x, u, p: x * (u >= p) / (u >= p).double().mean(), "survived this time"),
    (lambda x, u, p: x * (u[:, :1] >= p) / (1 - p), "whole rows"),
    (lambda x, u, p: x / (1 - p), "drop none"),
    (lambda x, u, p: x, "evaluation mode"),
    (lambda x, u, p: x * (u >= p) / p, "divide by p"),
    (lambda x, u, p: torch.nn.functional.dropout(x, p), "chances of its own"),
    (in_place, "changes x"),
    (lambda x, u, p: x + 1, "Take one activation"),
]


@pytest.mark.parametrize("answer", [by_mask, by_where, by_loop])
def test_a_right_answer_passes_and_says_so_in_one_line(answer, capsys):
    overfitting.dropout(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(("answer", "hint"), WRONG)
def test_a_wrong_answer_gets_the_hint_for_its_mistake(answer, hint):
    with pytest.raises(WrongAnswer) as refusal:
        overfitting.dropout(answer)
    assert hint in str(refusal.value)
