"""The checkers of the chapter on batch normalisation: right answers pass, mistakes get hints."""

import pytest
import torch
from torch import nn

from definebyrun import check
from definebyrun.check import WrongAnswer


def normal(x, dim=1, correction=0, eps=1e-5):
    variance = x.var(dim=dim, keepdim=True, correction=correction)
    return (x - x.mean(dim=dim, keepdim=True)) / (variance + eps).sqrt()


def centred(x):
    return x - x.mean(dim=1, keepdim=True)


def spread(x):
    return x.var(dim=1, keepdim=True, correction=0)


def detached(x, scale, shift):
    """Right values, but the gradient takes the mean and the variance for constants."""
    root = (spread(x.detach()) + 1e-5).sqrt()
    return scale * (x - x.detach().mean(dim=1, keepdim=True)) / root + shift


def test_right_layer_norms_pass(capsys):
    check.batch_norm.layer_norm(lambda x, scale, shift: scale * normal(x) + shift)
    check.batch_norm.layer_norm(lambda x, scale, shift: normal(x).mul(scale).add(shift))
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, g, b: g * normal(x, dim=0) + b, "over the batch"),
        (lambda x, g, b: g * normal(x, correction=1) + b, "divides by n - 1"),
        (lambda x, g, b: g * normal(x, eps=0) + b, "Where is eps"),
        (lambda x, g, b: g * centred(x) / (spread(x).sqrt() + 1e-5) + b, "under the root"),
        (lambda x, g, b: g * centred(x) / (spread(x) + 1e-5) + b, "divide by the variance"),
        (lambda x, g, b: normal(x), "scale and shift are not applied"),
        (lambda x, g, b: normal(x) + b, "The scale is not applied"),
        (lambda x, g, b: g * normal(x), "The shift is not applied"),
        (lambda x, g, b: nn.functional.layer_norm(x, x.shape[1:], g, b), "formula itself"),
        (lambda x, g, b: g * normal(x.detach()) + b, "autograd cannot follow"),
        (lambda x, g, b: detached(x, g, b), "through the mean"),
        (lambda x, g, b: g * (normal(x) + b), "First scale"),
        (lambda x, g, b: normal(x).mean(dim=1), "keeps the shape"),
        (lambda x, g, b: g * (x - x.mean(dim=1)) + b, "keep the axis"),
        (lambda x, g, b: x, "differ by up to"),
        (lambda x, g, b: None, "is None. Is there"),
    ],
)
def test_wrong_layer_norms_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.batch_norm.layer_norm(answer)


def test_an_error_of_the_answer_itself_is_shown():
    """The hint keeps the text of the error and the reader's own line."""
    with pytest.raises(WrongAnswer, match=r"x @ torch.ones\(4, 4\).*RuntimeError: .*same dtype"):
        check.batch_norm.layer_norm(lambda x, g, b: x @ torch.ones(4, 4))


def made(weight, bias):
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer


def folded(
    linear, norm, *, variance=None, old=None, mean=None, shift=None, scale=None, columns=False
):
    """Fold, with any of the ingredients replaced by a wrong one."""
    mean = norm.running_mean if mean is None else mean
    shift = norm.bias if shift is None else shift
    scale = norm.weight if scale is None else scale
    root = (norm.running_var + norm.eps).sqrt() if variance is None else variance
    factor = scale / root
    weight = linear.weight * (factor if columns else factor[:, None])
    given = 0 if linear.bias is None else linear.bias
    bias = factor * (given - mean) if old is None else old - factor * mean
    return made(weight, bias + shift)


def in_float32(linear, norm, **wrong):
    """Fold into a layer as nn.Linear makes it, whatever precision the old one has."""
    right = folded(linear, norm, **wrong)
    return made(right.weight.float(), right.bias.float())


def with_a_bias_in_float32(linear, norm, **wrong):
    right = folded(linear, norm, **wrong)
    return made(right.weight, right.bias.float())


def needs_a_bias(linear, norm):
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = factor * (linear.bias - norm.running_mean) + norm.bias
    return made(linear.weight * factor[:, None], bias)


def as_it_was(linear, norm):
    """Give the new layer a bias only where the old one had one."""
    new = folded(linear, norm)
    return made(new.weight, 0 * new.bias) if linear.bias is None else new


def in_place(linear, norm):
    linear.weight.data *= 2
    return linear


def test_right_fold_passes(capsys):
    check.batch_norm.fold(folded)
    check.batch_norm.fold(in_float32)
    check.batch_norm.fold(with_a_bias_in_float32)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, n: folded(a, n, variance=n.running_var + n.eps), "divides by its root"),
        (lambda a, n: folded(a, n, variance=n.running_var.sqrt()), "left eps out"),
        (
            lambda a, n: folded(a, n, variance=(n.running_var + 1e-5).sqrt()),
            "take norm.eps",
        ),
        (lambda a, n: folded(a, n, columns=True), "Each unit is a row"),
        (lambda a, n: folded(a, n, mean=0), "running mean is missing"),
        (lambda a, n: in_float32(a, n, mean=0), "running mean is missing"),
        (lambda a, n: in_float32(a, n, variance=n.running_var.sqrt()), "left eps out"),
        (lambda a, n: folded(a, n, old=a.bias), "unscaled"),
        (lambda a, n: folded(a, n, shift=0), "shift of the normalisation is not"),
        (lambda a, n: folded(a, n, scale=torch.ones(4)), "scale of the normalisation is missing"),
        (needs_a_bias, "made with bias=False has None"),
        (as_it_was, "needs a bias, whether the old one"),
        (in_place, "changes linear, which it was given"),
        (lambda a, n: nn.Sequential(a, n), "return one nn.Linear"),
        (lambda a, n: nn.Sequential(a, n).eval(), "return one nn.Linear"),
        (lambda a, n: nn.Linear(4, 4), "differ by up to"),
    ],
)
def test_wrong_folds_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.batch_norm.fold(answer)
