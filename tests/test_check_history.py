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
    """XOR of XORs: a deep network instead of a wide one, which the exercise does not ask for."""
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


def one_by_one(x):
    """A loop over the neurons; what does not come from x may be computed in any way."""
    total = 0
    for k in range(x.shape[1]):
        sign = 1 if k % 2 == 0 else -1
        total = total + sign * (x.sum(dim=1) > k + 0.5).float()
    return (total > 0.5).float()


def layers(x):
    """With the weights as matrices, as modules of PyTorch hold them."""
    n = x.shape[1]
    first = torch.nn.functional.linear(x, x.new_ones(n, n), -torch.arange(n) - 0.5)
    signs = 1 - 2 * (torch.arange(n) % 2)
    return torch.heaviside(
        torch.einsum("rk,k->r", (first > 0).float(), signs.float()) - 0.5, torch.tensor(0.0)
    )


def filled(x):
    """Row by row into a tensor that was there before."""
    answers = torch.zeros(len(x))
    for row, point in enumerate(x):
        fired = torch.where(point.sum() > torch.arange(len(point)) + 0.5, 1.0, 0.0)
        answers[row] = (fired @ signs(len(point)) > 0.5).float()
    return answers


def products(x):
    """Exactly k ones, for each odd k: at least k times not at least k + 1."""
    m, k = x.sum(dim=1, keepdim=True), torch.arange(1, x.shape[1] + 1, 2)
    return ((m > k - 0.5).float() * (m < k + 0.5).float()).sum(dim=1)


def short(x):
    """Right up to five inputs."""
    return hidden(x)[:, :5] @ signs(min(x.shape[1], 5))


def looked_up(x):
    table = torch.arange(x.shape[1] + 1) % 2
    return table[x.sum(dim=1).long()].float()


def overwritten(x):
    answers, m = torch.zeros(len(x)), x.sum(dim=1)
    for k in range(x.shape[1]):
        answers[m > k + 0.5] = float(k % 2 == 0)
    return answers


def test_right_answers_pass(capsys):
    history.parity(alternating)
    history.parity(scaled)
    history.parity(one_by_one)
    history.parity(layers)
    history.parity(filled)
    assert capsys.readouterr().out.count("Right") == 5


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: 1 - alternating(x), "even"),
        (lambda x: (x.sum(dim=1) > 0.5).float(), "OR"),
        (lambda x: (x.sum(dim=1) > x.shape[1] - 0.5).float(), "AND"),
        (lambda x: hidden(x)[:, :2] @ torch.tensor([1.0, -1.0])[: x.shape[1]], "exactly one"),
        (lambda x: hidden(x).sum(dim=1), "same weight"),
        (hidden, "hidden neurons"),
        (lambda x: alternating(x)[:, None], "column"),
        (lambda x: alternating(x).sum(), "every row"),
        (lambda x: x.sum(dim=1) % 2, "asks for neurons"),
        (lambda x: torch.remainder(x.sum(dim=1), 2), "asks for neurons"),
        (lambda x: x.sum(dim=1) - 2 * torch.floor(x.sum(dim=1) / 2), "asks for neurons"),
        (lambda x: x.sum(dim=1) - 2 * (x.sum(dim=1) // 2), "asks for neurons"),
        (lambda x: (x.sum(dim=1).long() & 1).float(), "asks for neurons"),
        (lambda x: torch.tensor([float(int(row.sum()) % 2) for row in x]), "takes numbers out"),
        (lambda x: torch.tensor([row.sum().item() % 2 for row in x]), "takes numbers out"),
        (lambda x: sum((x.sum(dim=1) == odd).float() for odd in (1, 3, 5)), "asks for neurons"),
        (chain, "deep network"),
        (products, "both come from x"),
        (lambda x: x[:, 0] * x[:, -1], "both come from x"),
        (looked_up, "picks by what comes from x"),
        (overwritten, "picks by what comes from x"),
        (short, "6 inputs"),
        (lambda x: x.sum(dim=1) - 2 * (x.sum(dim=1) / 2).long(), "rounds"),
        (lambda x: torch.tensor([float(row.sum() > 0.5) for row in x]), "takes numbers out"),
        (lambda x: torch.cos(torch.pi * x.sum(dim=1)), "uses cos"),
        (lambda x: alternating(x) > 0.5, "."),
        (lambda x: x.sum(dim=1) > 0.5, "."),
    ],
)
def test_typical_mistakes_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        history.parity(answer)
