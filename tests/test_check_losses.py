"""The checkers of the chapter on losses accept right answers and name typical mistakes."""

import math
import sys
from functools import reduce

import pytest
import torch
import torch.nn.functional as F

from definebyrun.check import WrongAnswer, losses
from definebyrun.scratch import losses as ours


def lse(z):
    return z.max() + (z - z.max()).exp().sum().log()


def each_bce(z, t):
    return (z + z.abs()) / 2 - t * z + torch.log1p(torch.exp(-z.abs()))


def bce(z, t):
    return each_bce(z, t).mean()


def with_max(positive):
    """The stable loss, with this way of writing max(z, 0)."""
    return lambda z, t: (positive(z) - t * z + torch.log1p(torch.exp(-z.abs()))).mean()


def shifted(z, c):
    """log(1 + exp(z)) with e to the c pulled out; its slope does not depend on that of c."""
    return c + (torch.exp(-c) + torch.exp(z - c)).log()


def with_shares(right, wrong):
    """A loss that gives these shares of the label to the right class and to each other class."""

    def loss(z, y, e):
        log_p, k = z.log_softmax(1), z.shape[1]
        of_right = log_p.gather(1, y[:, None]).sum(1)
        of_wrong = log_p.sum(1) - of_right
        return -(right(e, k) * of_right + wrong(e, k) * of_wrong).mean()

    return loss


def two_parts(even, share=lambda e: 1 - e, axis=1):
    """A loss of this share of the NLL and an even part, from a log-softmax along the axis."""

    def loss(z, y, e):
        log_p = z if axis is None else z.log_softmax(axis)
        return share(e) * F.nll_loss(log_p, y) + even(log_p, e)

    return loss


def poisson(z, y):
    return (z.exp() - y * z).mean()


def normal(m, r, y):
    return (r + 0.5 * (m - y).square() * (-2 * r).exp()).mean()


smoothed = two_parts(lambda log_p, e: -e * log_p.mean())


def with_one(x):
    return F.pad(x, (1, 0), value=1.0)


def miss(w, x, y):
    return torch.sigmoid(with_one(x) @ w) - y


RIGHT = {
    losses.log_sum_exp: [
        lambda z: (z - z.detach().max()).exp().sum().log() + z.detach().max(),
        lambda z: z.max() + (z - z.max()).exp().sum().log(),
    ],
    losses.binary_cross_entropy: [
        bce,
        with_max(lambda z: torch.maximum(z, torch.zeros_like(z))),
        lambda z, t: (shifted(z, z.clamp(min=0)) - t * z).mean(),
        lambda z, t: (shifted(z, z.detach().clamp(min=0)) - t * z).mean(),
    ],
    losses.poisson: [
        poisson,
        lambda z, y: z.exp().mean() - (y * z).mean(),
    ],
    losses.normal: [
        normal,
        lambda m, r, y: r.mean() + 0.5 * ((m - y) / r.exp()).square().mean(),
    ],
    losses.smoothing: [
        smoothed,
        lambda z, y, e: (1 - e) * ours.cross_entropy(z, y) - e * F.log_softmax(z, 1).mean(),
        with_shares(lambda e, k: 1 - e + e / k, lambda e, k: e / k),
    ],
    losses.one_logit: [
        lambda logits: logits[:, 1] - logits[:, 0],
        lambda logits: logits.diff(dim=1).squeeze(1),
    ],
    losses.weight_gradient: [
        lambda w, x, y: with_one(x).T @ miss(w, x, y) / len(y),
        lambda w, x, y: (miss(w, x, y)[:, None] * with_one(x)).mean(dim=0),
    ],
}


@pytest.mark.parametrize(
    ("check", "answer"), [(check, answer) for check, answers in RIGHT.items() for answer in answers]
)
def test_right_answers_pass_and_are_told_so(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("Right: ")


def refused(check, answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda z: None, "Is there a return"),
        (lambda z: z.exp(), "still to be summed"),
        (lambda z: (z - z.max()).exp().sum().log(), "never added back"),
        (lambda z: z.exp().sum(), "one function is still missing"),
        (lambda z: z.exp().mean().log(), "You average"),
        (lambda z: z.max() + z.exp().sum().log(), "never subtracted"),
        (lambda z: z.exp().log().sum(), "cancel"),
        (lambda z: z.max() + (z - z.max()).exp().log().sum(), "cancel"),
        (lambda z: (z - z.max()).exp().sum().log() - z.max(), "taken away twice"),
        (lambda z: z.max(), "largest logit alone"),
        (lambda z: lse(z).item(), "without item"),
        (lambda z: torch.logsumexp(z, 0), "uses logsumexp"),
        (lambda z: torch.special.logsumexp(z, 0), "uses special_logsumexp"),
        (lambda z: z[0] - z.log_softmax(0)[0], "uses log_softmax"),
        (lambda z: z[0] - ours.log_softmax(z)[0], "the book's own log_softmax.*exp and log"),
        (lambda z: z[0] - ours.softmax(z)[0].log(), "the book's own softmax"),
        (lambda z: z[0] + ours.cross_entropy(z[None], torch.tensor([0])), "own cross_entropy"),
        (lambda z: reduce(torch.logaddexp, z), "uses logaddexp"),
        (lambda z: reduce(torch.logaddexp2, z), "uses logaddexp2"),
        (lambda z: z.sub_(z.max()).exp().sum().log(), "changes z"),
        (
            lambda z: z.double().exp().sum().log(),
            "exercise asks for torch.float32",
        ),
        (lambda z: z.mean() + (z - z.mean()).exp().sum().log(), "is it the largest"),
        (lambda z: z.min() + (z - z.min()).exp().sum().log(), "is it the largest"),
        (lambda z: z.exp().sum().log(), r"holds inf. .*every exponential overflows"),
        (lambda z: z.mean() + (z - z.mean()).exp().sum().log() + 0.1, "term by term"),
        (
            lambda z: z.clamp(min=0).max() + (z - z.clamp(min=0).max()).exp().sum().log(),
            "every exponential underflows",
        ),
        (lambda z: lse(z.detach()), "no graph"),
        (lambda z: z.detach().max() + (z - z.max()).exp().sum().log(), "the gradient is"),
    ],
)
def test_log_sum_exp_recognises(answer, hint):
    refused(losses.log_sum_exp, answer, hint)


def naive_bce(z, t):
    p = 1 / (1 + torch.exp(-z))
    return -(t * p.log() + (1 - t) * (1 - p).log()).mean()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (F.binary_cross_entropy_with_logits, "uses binary_cross_entropy_with_logits"),
        (torch.nn.BCEWithLogitsLoss(), "uses binary_cross_entropy_with_logits"),
        (lambda z, t: F.binary_cross_entropy(torch.sigmoid(z), t), "without one of PyTorch's"),
        (ours.binary_cross_entropy, "the book's own binary_cross_entropy"),
        (lambda z, t: ours.binary_cross_entropy(z, t), "the book's own binary_cross_entropy"),
        (lambda z, t: bce(ours.log_softmax(z), t), "the book's own log_softmax"),
        (each_bce, "averaged"),
        (lambda z, t: each_bce(z, t).sum(), "You sum over"),
        (lambda z, t: -bce(z, t), "sign"),
        (lambda z, t: bce(z, 1 - t), "exchanged"),
        (lambda z, t: each_bce(z, 0).mean(), "no say"),
        (lambda z, t: (F.softplus(z) - t * z).mean(), "uses softplus"),
        (lambda z, t: -(t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z)).mean(), "form behind"),
        (lambda z, t: (torch.logaddexp(z, 0 * z) - t * z).mean(), "uses logaddexp"),
        (lambda z, t: (torch.sigmoid(z) - t).square().mean(), "squared error"),
        (lambda t, z: bce(z, t), "logits come first"),
        (lambda z, t: (torch.log1p(torch.exp(-z.abs())) - t * z).mean(), "pull out"),
        (
            lambda z, t: (z.clamp(min=0) - t * z + torch.log1p(torch.exp(z.abs()))).mean(),
            "sign in the exponent",
        ),
        (naive_bce, "overflows, or which logarithm"),
        (lambda z, t: (torch.log(1 + torch.exp(z)) - t * z).mean(), "overflows"),
        (lambda z, t: bce(z.clamp(-100, 100), t), "clipped"),
        (lambda z, t: bce(z.detach(), t), "no graph"),
        (
            lambda z, t: (
                torch.where(z > 0, z + torch.log1p((-z).exp()), torch.log1p(z.exp())) - t * z
            ).mean(),
            "branch that is infinite",
        ),
        (lambda z, t: z.mean(), "term by term"),
        (with_max(lambda z: z.relu()), r"z = 0 with y = 0: you get 0, expected 0\.5.*corners"),
        (with_max(lambda z: z.clamp(min=0)), "z = 0 with y = 0: you get [01], expected"),
        (with_max(lambda z: torch.where(z > 0, z, 0)), "larger of 0 and z, detached"),
        (with_max(lambda z: torch.where(z >= 0, z, 0)), "z = 0 with y = 0: you get 1, expected"),
        (with_max(lambda z: (z + z.square().sqrt()) / 2), "z = 0 with y = 0: .* holds nan"),
    ],
)
def test_binary_cross_entropy_recognises(answer, hint):
    refused(losses.binary_cross_entropy, answer, hint)


@pytest.mark.parametrize("check", [losses.log_sum_exp, losses.binary_cross_entropy])
def test_the_watch_over_the_books_own_losses_ends_with_the_call(check):
    before = sys.getprofile()
    refused(check, lambda *inputs: ours.softmax(inputs[0]), "the book's own softmax")
    assert sys.getprofile() is before
    refused(check, torch.tensor(1.0), "Hand over the function itself")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda z, y, e: F.cross_entropy(z, y, label_smoothing=e), "uses cross_entropy"),
        (lambda z, y, e: -(torch.eye(3)[y] * z.log_softmax(1)).sum(), "uses eye"),
        (lambda z, y, e: torch.zeros_like(z).scatter(1, y[:, None], 1).sum(), "uses scatter"),
        (lambda z, y, e: F.one_hot(y, 3).sum(), "uses one_hot"),
        (lambda z, y, e: F.nll_loss(z.log_softmax(1), y), "no effect"),
        (lambda z, y, e: smoothed(z, y, 1 - e), "are exchanged"),
        (with_shares(lambda e, k: 1 - e, lambda e, k: e / (k - 1)), "K - 1 wrong classes"),
        (with_shares(lambda e, k: 1 - e, lambda e, k: e / k), "does not sum to 1"),
        (with_shares(lambda e, k: 1, lambda e, k: e), "divided by K"),
        (lambda z, y, e: 2 * smoothed(z, y, e), "You sum over"),
        (lambda z, y, e: -smoothed(z, y, e), "sign is turned round"),
        (two_parts(lambda log_p, e: 0), "where is the even share"),
        (two_parts(lambda log_p, e: e * log_p.mean()), "One part has the wrong sign"),
        (two_parts(lambda log_p, e: -e * log_p.sum()), "you sum over both"),
        (two_parts(lambda log_p, e: -e / len(log_p) * log_p.sum(1).mean()), "not by M"),
        (two_parts(lambda log_p, e: -e * log_p.mean(), lambda e: 1), "sums to more than 1"),
        (two_parts(lambda log_p, e: -e * log_p.mean(), axis=None), "The logits went in"),
        (two_parts(lambda log_p, e: -e * log_p.mean(), axis=0), "along axis 1"),
        (
            lambda z, y, e: (
                (1 - e) * F.nll_loss(z.softmax(1).log(), y) - e * z.softmax(1).log().mean()
            ),
            "on paper",
        ),
        (lambda z, y, e: smoothed(z.detach(), y, e), "no graph"),
        (lambda z, y, e: z.sum(), "term by term"),
    ],
)
def test_smoothing_recognises(answer, hint):
    refused(losses.smoothing, answer, hint)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (F.poisson_nll_loss, "uses poisson_nll_loss"),
        (torch.nn.PoissonNLLLoss(), "uses poisson_nll_loss"),
        (
            lambda z, y: -torch.distributions.Poisson(z.exp()).log_prob(y).mean(),
            "without one of PyTorch's",
        ),
        (lambda z, y: z.exp() - y * z, "averaged"),
        (lambda z, y: (z.exp() - y * z).sum(), "You sum over"),
        (lambda z, y: -poisson(z, y), "MINUS"),
        (lambda z, y: poisson(z, y) + torch.lgamma(y + 1).mean(), "pulls at nothing"),
        (lambda z, y: -poisson(z, y) - torch.lgamma(y + 1).mean(), "leave it out. And"),
        (lambda z, y: (z - y * z.log()).mean(), "logarithm of the rate already"),
        (lambda z, y: z.exp().mean(), "no say"),
        (lambda z, y: -(y * z).mean(), "what became of"),
        (lambda y, z: poisson(z, y), "log-rates come first"),
        (lambda z, y: (z.exp() - y).mean(), "This is the gradient"),
        (lambda z, y: (z.exp() - y).square().mean(), "squared error"),
        (lambda z, y: (F.softplus(z) - y * z).mean(), "more than 1"),
        (
            lambda z, y: (z.exp() ** y * (-z.exp()).exp() / (y + 1).lgamma().exp()).mean(),
            "likelihood itself",
        ),
        (lambda z, y: (z.exp() - y * z.exp().log()).mean(), "rounded to 0"),
        (lambda z, y: poisson(z.clamp(min=-100), y), "rounded to 0"),
        (lambda z, y: poisson(z.detach(), y), "no graph"),
        (lambda z, y: (z.exp().detach() - y * z).mean(), "the gradient is"),
        (lambda z, y: z.sum(), "term by term"),
    ],
)
def test_poisson_recognises(answer, hint):
    refused(losses.poisson, answer, hint)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda m, r, y: None, "Is there a return"),
        (lambda m, r, y: F.gaussian_nll_loss(m, y, (2 * r).exp()), "without one of PyTorch's"),
        (
            lambda m, r, y: -torch.distributions.Normal(m, r.exp()).log_prob(y).mean(),
            "pulls at nothing",
        ),
        (lambda m, r, y: r + 0.5 * ((m - y) / r.exp()).square(), "averaged"),
        (lambda m, r, y: 4 * normal(m, r, y), "You sum over"),
        (lambda m, r, y: -normal(m, r, y), "MINUS"),
        (lambda m, r, y: normal(m, r, y) + 0.5 * math.log(2 * math.pi), "pulls at nothing"),
        (lambda m, r, y: normal(m, r, y) - r.mean(), "that term is missing"),
        (lambda m, r, y: normal(m, r, y) - 2 * r.mean(), "your r has the wrong sign"),
        (lambda m, r, y: normal(m, r / 2, y), "not of the variance"),
        (lambda m, r, y: (r + 0.5 * (m - y).square() / r.exp()).mean(), r"exp\(2 r\)"),
        (lambda m, r, y: (r + 0.5 * (m - y).square() * (2 * r).exp()).mean(), "cheaper"),
        (lambda m, r, y: 2 * normal(m, r, y) - r.mean(), "1/2"),
        (lambda m, r, y: 0.5 * (m - y).square().mean(), "has no say"),
        (lambda m, r, y: normal(m, r.log(), y), "may be negative"),
        (lambda m, r, y: normal(m.detach(), r, y), "no graph"),
        (lambda m, r, y: normal(m, r.detach(), y), "no graph"),
        (lambda m, r, y: m.sum(), "term by term"),
    ],
)
def test_normal_recognises(answer, hint):
    refused(losses.normal, answer, hint)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda logits: logits[:, 0] - logits[:, 1], "probability of class 0"),
        (lambda logits: logits.softmax(1)[:, 1], "the probability itself"),
        (lambda logits: logits[:, 1], "class 1 alone"),
        (lambda logits: logits.log_softmax(1)[:, 1], "log p - log"),
        (lambda logits: logits[:, 1] / (logits[:, 0]), "divide one logit"),
        (lambda logits: logits - logits[:, :1], "One logit for each"),
        (lambda logits: logits[1] - logits[0], "subtract examples"),
        (lambda logits: torch.logit(logits.softmax(1)[:, 1]), "Subtract on paper"),
        (lambda logits: logits.sum(1), "torch.sigmoid"),
    ],
)
def test_one_logit_recognises(answer, hint):
    refused(losses.one_logit, answer, hint)


def by_autograd(w, x, y):
    w = w.requires_grad_()
    F.softplus(with_one(x) @ w).mean().backward()
    return w.grad


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda w, x, y: with_one(x).T @ miss(w, x, y), "sum over the examples"),
        (lambda w, x, y: -with_one(x).T @ miss(w, x, y) / len(y), "The sign"),
        (lambda w, x, y: with_one(x).T @ (with_one(x) @ w - y) / len(y), "is its sigmoid"),
        (
            lambda w, x, y: (
                with_one(x).T
                @ (2 * miss(w, x, y) * (miss(w, x, y) + y) * (1 - miss(w, x, y) - y))
                / len(y)
            ),
            "squared error",
        ),
        (lambda w, x, y: miss(w, x, y).mean().repeat(3), "not the feature"),
        (lambda w, x, y: x.T @ miss(w, x, y) / len(y), "w0 is missing"),
        (lambda w, x, y: miss(w, x, y)[:, None] * with_one(x), "Take the mean"),
        (by_autograd, "without autograd"),
        (lambda w, x, y: w, "by hand"),
    ],
)
def test_weight_gradient_recognises(answer, hint):
    refused(losses.weight_gradient, answer, hint)
