"""The checker of the page on history accepts right answers and names typical mistakes."""

import pytest
import torch

from definebyrun.check import WrongAnswer, history


def hidden(x):
    return (x.sum(dim=1, keepdim=True) > torch.arange(x.shape[1]) + 0.5).float()


def signs(n):
    return (-1.0) ** torch.arange(n)


def alternating(x):
    return hidden(x) @ signs(x.shape[1])


def chain(x):
    """XOR of XORs: a deep network instead of a wide one."""
    state = torch.zeros(len(x))
    for column in x.T:
        both = torch.stack([state, column], dim=1).sum(dim=1)
        state = ((both > 0.5).float() - (both > 1.5).float() > 0.5).float()
    return state


def scaled(x):
    """The same neurons with other weights, converted and divided as one may."""
    k = torch.arange(x.shape[1])
    fired = torch.where(x.sum(dim=1)[:, None] / 2 >= (k + 0.5) / 2, 1, 0)
    return (fired.float() @ signs(len(k)) > 0.5).to(x)


def test_right_answers_pass(capsys):
    history.parity(alternating)
    history.parity(chain)
    history.parity(scaled)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: 1 - alternating(x), "even"),
        (lambda x: (x.sum(dim=1) > 0.5).float(), "OR"),
        (lambda x: (x.sum(dim=1) > x.shape[1] - 0.5).float(), "AND"),
        (lambda x: hidden(x)[:, :2] @ torch.tensor([1.0, -1.0])[: x.shape[1]], "exactly one"),
        (lambda x: hidden(x).sum(dim=1), "negative weight"),
        (hidden, "hidden neurons"),
        (lambda x: alternating(x)[:, None], "column"),
        (lambda x: alternating(x).sum(), "every row"),
        (lambda x: x.sum(dim=1) % 2, "asks for neurons"),
        (lambda x: torch.remainder(x.sum(dim=1), 2), "asks for neurons"),
        (lambda x: x.sum(dim=1) - 2 * torch.floor(x.sum(dim=1) / 2), "asks for neurons"),
        (lambda x: x.sum(dim=1) - 2 * (x.sum(dim=1) // 2), "asks for neurons"),
        (lambda x: (x.sum(dim=1).long() & 1).float(), "asks for neurons"),
        (lambda x: torch.tensor([float(int(row.sum()) % 2) for row in x]), "asks for neurons"),
        (lambda x: torch.tensor([row.sum().item() % 2 for row in x]), "asks for neurons"),
        (lambda x: sum((x.sum(dim=1) == odd).float() for odd in (1, 3, 5)), "asks for neurons"),
        (lambda x: alternating(x) > 0.5, "."),
        (lambda x: x.sum(dim=1) > 0.5, "."),
    ],
)
def test_typical_mistakes_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        history.parity(answer)
