"""The checkers of the page on activations accept right answers and name typical mistakes."""

import math

import pytest

from definebyrun.check import WrongAnswer, activations


def right(fan_in, a):
    return math.sqrt(2 / (fan_in * (1 + a**2)))


def test_the_right_answer_passes(capsys):
    activations.leaky_std(right)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, a: right(n, a) ** 2, "root"),
        (lambda n, a: math.sqrt(2 / n), "He's rule"),
        (lambda n, a: math.sqrt(2 / (n * (1 + a))), "squared"),
        (lambda n, a: math.sqrt((1 + a**2) / n), "smaller"),
        (lambda n, a: math.sqrt(1 / (n * (1 + a**2))), "factor 2"),
        (lambda n, a: 3 * right(n, a), "fan_in = 50 and a = 0.5"),
        (lambda n, a: right(1, a), "fan-in is missing"),
        (lambda n, a: right(128, a), "Does your answer use both"),
        (lambda n, a: right(n, 0.5), "fan_in = 200 and a = 0[.]"),
        (lambda n, a: float("nan"), "."),
        (lambda n, a: None, "."),
        (lambda n: n, "."),
    ],
)
def test_typical_mistakes_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        activations.leaky_std(answer)


WELL = {"A": "one layer", "B": "Xavier", "C": "twice He", "D": "healthy"}


def test_the_right_diagnoses_pass(capsys):
    activations.patients(WELL)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (None, "None; expected a dictionary"),
        (["one layer"], "expected a dictionary"),
        ({"A": "one layer"}, "the keys 'A', 'B', 'C' and 'D'"),
        (WELL | {"A": "sick"}, "of A is 'sick'; expected one of 'Xavier'"),
        (WELL | {"C": "Xavier", "B": "twice He"}, "'twice He' does not stand.*far above"),
        (WELL | {"B": "healthy", "D": "Xavier"}, "'Xavier' does not stand.*smallest"),
        (WELL | {"A": "healthy", "D": "one layer"}, "'one layer' does not stand.*jumps"),
        (WELL | {"D": "Xavier"}, "'healthy' does not stand"),
    ],
)
def test_wrong_diagnoses_get_a_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        activations.patients(answer)


RIGHT_GAINS = {"ReLU": 1.4, "GELU": 1.45, "SiLU": 1.5, "tanh": 1.3, "sigmoid": 10.6}


def test_the_best_gains_pass(capsys):
    activations.gains(RIGHT_GAINS)
    assert capsys.readouterr().out.startswith("Right:")


@pytest.mark.parametrize(
    ("found", "hint"),
    [
        (None, "expected a dictionary"),
        ({"ReLU": 1.4}, "expected a dictionary"),
        ({**RIGHT_GAINS, "ReLU": "large"}, "no number"),
        ({**RIGHT_GAINS, "ReLU": 1.0}, "does not suit ReLU"),
        ({**RIGHT_GAINS, "tanh": float("nan")}, "does not suit tanh"),
        ({**RIGHT_GAINS, "SiLU": 0.134}, "standard deviation"),
        ({**RIGHT_GAINS, "SiLU": 1.68}, "keeps the signal"),
        ({**RIGHT_GAINS, "tanh": 1.59}, "keeps the signal"),
        ({**RIGHT_GAINS, "sigmoid": 2.0}, "Look further up"),
    ],
)
def test_other_gains_get_a_hint(found, hint):
    with pytest.raises(WrongAnswer, match=hint):
        activations.gains(found)
