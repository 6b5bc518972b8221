"""The checker of the page on derivatives accepts right answers and names typical mistakes."""

import pytest

from definebyrun.check import WrongAnswer, derivatives


def test_right_answers_pass(capsys):
    derivatives.second_difference(lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2)
    derivatives.second_difference(
        lambda f, x, h: ((f(x + h) - f(x)) / h - (f(x) - f(x - h)) / h) / h
    )
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h, "h squared"),
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / (2 * h**2), "2h squared"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), "first derivative"),
        (lambda f, x, h: (f(x + h) - f(x) + f(x - h)) / h**2, "both formulas"),
        (lambda f, x, h: f(x + h) - 2 * f(x) + f(x - h), "forgot"),
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)).sum(), "."),
        (lambda f, x: x, "."),
    ],
)
def test_typical_mistakes_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        derivatives.second_difference(answer)
