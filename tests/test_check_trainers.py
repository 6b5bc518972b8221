"""The checkers of the chapter on trainers accept right answers and name typical mistakes."""

import math

import pytest

from definebyrun.check import WrongAnswer, trainers


def weights(n, size):
    count = math.ceil(n / size)
    return n / (count * size), n / (count * (n - (count - 1) * size))


def stopping(losses, patience, from_zero=False, late=0, equal=False):
    best, kept, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses):
        waited += 1
        if loss < best or (equal and loss == best):
            best, kept, waited = loss, epoch, 0
        if waited >= patience + late:
            break
    return (epoch, kept) if from_zero else (epoch + 1, kept + 1)


def against_last(losses, patience):
    kept = 1
    for epoch in range(2, len(losses) + 1):
        if losses[epoch - 1] < losses[epoch - 2]:
            kept = epoch
        if epoch - kept >= patience:
            return epoch, kept
    return len(losses), kept


@pytest.mark.parametrize(
    ("check", "answer"), [(trainers.weights, weights), (trainers.stopping, stopping)]
)
def test_right_answers_pass_and_are_told_so(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, size: weights(n, size)[::-1], "exchanged"),
        (lambda n, size: [w / n for w in weights(n, size)], "shares themselves"),
        (lambda n, size: [1 / w for w in weights(n, size)], "upside down"),
        (lambda n, size: (1.0, size / (n % size or size)), "takes from them"),
        (
            lambda n, size: (n / (n // size * size), n / (n // size * (n % size or size))),
            "round up",
        ),
        (lambda n, size: (n / (-(-n // size) * size), n / (-(-n // size) * (n % size))), "divided"),
        (lambda n, size: weights(n, size)[0], "return 2 things"),
    ],
)
def test_typical_mistakes_in_the_weights_are_named(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        trainers.weights(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda losses, patience: stopping(losses, patience)[::-1], "exchanged"),
        (lambda losses, patience: stopping(losses, patience, from_zero=True), "from 1"),
        (lambda losses, patience: stopping(losses, patience)[:1] * 2, "last weights"),
        (lambda losses, patience: stopping(losses, 99), "never stop"),
        (lambda losses, patience: stopping(losses, patience, late=1), "too late"),
        (lambda losses, patience: stopping(losses, patience, equal=True), "only equal"),
        (against_last, "epoch before"),
        (
            lambda losses, patience: (stopping(losses, patience)[0], losses.index(min(losses)) + 1),
            "never run",
        ),
    ],
)
def test_typical_mistakes_in_early_stopping_are_named(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        trainers.stopping(answer)
