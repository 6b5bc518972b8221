"""Checks answers to the exercises of the page on activations and first weights."""

import math
from collections.abc import Callable
from typing import Any

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import run

GAINS = {"ReLU": 1.41, "GELU": 1.41, "SiLU": 1.52, "tanh": 1.32, "sigmoid": 10.56}
SIGNAL_GAINS = {"GELU": 1.53, "SiLU": 1.68, "tanh": 1.59}
ILLS = {"A": "one layer", "B": "Xavier", "C": "twice He", "D": "healthy"}


def leaky_std(answer: Callable[[int, float], Any]) -> None:
    """Check the standard deviation of the first weights before a leaky ReLU.

    Args:
        answer: called as ``answer(fan_in, a)`` with the slope ``a`` left of zero; returns the
            standard deviation that keeps the size of a signal.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    for fan_in, a in ((50, 0.5), (200, 0.0), (8, 1.0)):
        variance = 2 / (fan_in * (1 + a**2))
        run(
            answer,
            fan_in,
            a,
            truth=math.sqrt(variance),
            mistakes={
                "This is the variance; the standard deviation is its root.": variance,
                "This is He's rule: the negative half, times a, is missing.": math.sqrt(2 / fan_in),
                "The negative half is multiplied by a before it is squared: how does a enter the "
                "mean square?": math.sqrt(2 / (fan_in * (1 + a))),
                "The leak makes the signal larger, so the weights must be smaller, not larger.": (
                    math.sqrt((1 + a**2) / fan_in)
                ),
                "The fan-in is missing: each of the fan_in terms adds to the mean square.": (
                    math.sqrt(2 / (1 + a**2))
                ),
                "Only half of the sums are positive: where is the factor 2?": math.sqrt(
                    variance / 2
                ),
            },
            look=f"That was fan_in = {fan_in} and a = {a:g}. Does your answer use both? Work out "
            "by hand how the mean square grows with the number of terms, and what a does to its "
            "negative half.",
        )
    print("Right: the size of a signal is kept, with any leak.")


def gains(found: dict[str, float]) -> None:
    """Check the gains with which the gradient keeps its size through twenty layers.

    Args:
        found: from the names "ReLU", "GELU", "SiLU", "tanh" and "sigmoid" to a gain; each may be
            a step and a half of the exercise off, that is a tenth.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    if not isinstance(found, dict) or sorted(found) != sorted(GAINS):
        raise WrongAnswer(
            f"Your gains are {found!r}; expected a dictionary with the keys "
            f"{', '.join(map(repr, GAINS))}."
        )
    for name, truth in GAINS.items():
        try:
            gain = float(found[name])
        except (TypeError, ValueError) as error:
            raise WrongAnswer(f"Your gain of {name} is {found[name]!r}, no number.") from error
        if abs(gain / truth - 1) <= 0.1:
            continue
        hint = (
            "Is it the ratio's largest value? Look for the one nearest to 1, as a factor: 0.5 is "
            "as far off as 2."
        )
        if abs(gain * math.sqrt(128) / truth - 1) <= 0.2:
            hint = "That is a standard deviation; the gain is that times the root of the fan-in."
        elif abs(gain / SIGNAL_GAINS.get(name, truth) - 1) <= 0.02:
            hint = "That gain keeps the signal. Here the gradient is asked for."
        elif name == "sigmoid" and gain < 8:
            hint = "Its slopes are so small that the weights must be much larger. Look further up."
        raise WrongAnswer(f"The gain {gain:g} does not suit {name}. {hint}")
    print("Right: with these gains the gradient keeps its size.")


def patients(diagnoses: dict[str, str]) -> None:
    """Check the diagnoses of the four untrained networks.

    Args:
        diagnoses: from "A" to "D" to one of "healthy", "Xavier", "twice He" and "one layer".

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    if not isinstance(diagnoses, dict) or sorted(diagnoses) != sorted(ILLS):
        raise WrongAnswer(
            f"Your diagnoses are {diagnoses!r}; expected a dictionary with the keys 'A', 'B', 'C' "
            "and 'D'."
        )
    for letter, ill in diagnoses.items():
        if ill not in ILLS.values():
            raise WrongAnswer(
                f"Your diagnosis of {letter} is {ill!r}; expected one of "
                f"{', '.join(repr(name) for name in sorted(ILLS.values()))}."
            )
    looks = {
        "twice He": "weights twice too large double the signal, and the gradient, in each layer. "
        "Whose gradients are far above those of the three others?",
        "Xavier": "Xavier's weights lose a factor in each layer, of the signal and of the gradient."
        " Whose gradients are the smallest?",
        "one layer": "one bad layer shows at one place. Whose silent share jumps from a layer to "
        "the next, and falls again?",
        "healthy": "look again at the three others.",
    }
    for ill, look in looks.items():
        letter = next(key for key, name in ILLS.items() if name == ill)
        if diagnoses[letter] != ill:
            raise WrongAnswer(f"The diagnosis '{ill}' does not stand where it belongs: {look}")
    print("Right: all four, from one batch up and one gradient down.")
