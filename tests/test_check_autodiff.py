"""The checker of the engine's sine accepts right answers and names each typical mistake."""

import math

import numpy as np
import pytest
import torch

from definebyrun import check
from definebyrun.scratch.engine import Variable


def right_sine(x):
    return Variable(np.sin(x.value), (x, lambda g: g * np.cos(x.value)))


def test_a_right_sine_passes(capsys):
    check.autodiff.sine(right_sine)
    assert capsys.readouterr().out.startswith("Right:")


def overwriting(x):
    np.sin(x.value, out=x.value)
    return x


def replacing(x):
    x.value = np.sin(x.value)
    return Variable(x.value, (x, lambda g: g * np.cos(x.value)))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (Variable(1.0), "without calling it"),
        (lambda x: np.sin(x), "x.value"),
        (lambda x: Variable(torch.sin(x), (x, lambda g: g)), "not for arrays"),
        (lambda x: Variable(math.sin(x), (x, lambda g: g)), "not for arrays"),
        (lambda x: Variable(math.sin(x.value), (x, lambda g: g)), "not for arrays"),
        (lambda x: Variable((x, lambda g: g * np.cos(x.value))), "value comes first"),
        (lambda x: Variable(np.sin(x.value), x, lambda g: g), "PAIR"),
        (lambda x: Variable(np.sin(x.value), (lambda g: g, x)), "first part is no Variable"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: g * np.cos(x))), "Inside the rule"),
        (lambda x: Variable(np.sin(x.value), (x, lambda: np.cos(x.value))), "with one argument"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: None)), "type NoneType"),
        (
            lambda x: Variable(np.sin(x.value), (x, lambda g: Variable(np.cos(x.value)) * g)),
            "must return an array",
        ),
        (lambda x: Variable(np.sin(x.value), (x, np.cos(x.value))), "not a function"),
        (lambda x: np.sin(x.value), "Return a Variable"),
        (overwriting, "writes into x.value"),
        (replacing, "changes x.value"),
        (lambda x: Variable(np.cos(x.value)), "not those of the sine"),
        (lambda x: Variable(np.sin(x.value)), "no edge"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: np.cos(x.value))), "ignores"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: -g * np.cos(x.value))), "wrong sign"),
        (
            lambda x: Variable(np.sin(x.value), (x, lambda g: g * np.cos(np.sin(x.value)))),
            "slope at the RESULT",
        ),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: g * np.sin(x.value))), "derivative of"),
    ],
)
def test_a_wrong_sine_gets_its_own_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autodiff.sine(answer)
