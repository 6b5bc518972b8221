"""The checkers of the chapter on the MLP: right answers pass, mistakes get hints."""

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


def test_right_layer_norms_pass(capsys):
    check.mlp.layer_norm(lambda x, scale, shift: scale * normal(x) + shift)
    check.mlp.layer_norm(lambda x, g, b: nn.functional.layer_norm(x, x.shape[1:], g, b))
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, g, b: g * normal(x, dim=0) + b, "over the batch"),
        (lambda x, g, b: g * normal(x, correction=1) + b, "divides by n - 1"),
        (lambda x, g, b: g * normal(x, eps=0) + b, "Where is eps"),
        (lambda x, g, b: g * centred(x) / (spread(x).sqrt() + 1e-5) + b, "under the root"),
        (lambda x, g, b: g * centred(x) / (spread(x) + 1e-5) + b, "divide by the variance"),
        (lambda x, g, b: normal(x), "not applied"),
        (lambda x, g, b: g * (normal(x) + b), "First scale"),
        (lambda x, g, b: normal(x).mean(dim=1), "keeps the shape"),
        (lambda x, g, b: g * (x - x.mean(dim=1)) + b, "keep the axis"),
        (lambda x, g, b: x, "differ by up to"),
        (lambda x, g, b: None, "is None. Is there"),
    ],
)
def test_wrong_layer_norms_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.mlp.layer_norm(answer)


def hits(model, batches):
    return [(model(x).argmax(dim=1) == y) for x, y in batches]


@torch.no_grad()
def right_accuracy(model, batches):
    was = model.training
    model.eval()
    share = torch.cat(hits(model, batches)).double().mean().item()
    model.train(was)
    return share


@torch.no_grad()
def forgets_eval(model, batches):
    return torch.cat(hits(model, batches)).double().mean().item()


@torch.no_grad()
def counts(model, batches):
    model.eval()
    return torch.cat(hits(model, batches)).sum()


@torch.no_grad()
def means_of_means(model, batches):
    model.eval()
    return sum(hit.double().mean() for hit in hits(model, batches)) / len(batches)


@torch.no_grad()
def wrong_axis(model, batches):
    model.eval()
    total = sum(len(y) for _, y in batches)
    return sum(float((model(x).argmax(dim=0)[0] == y).sum()) for x, y in batches) / total


@torch.no_grad()
def stays_in_eval(model, batches):
    model.eval()
    return torch.cat(hits(model, batches)).double().mean().item()


@torch.no_grad()
def always_back_to_train(model, batches):
    share = stays_in_eval(model, batches)
    model.train()
    return share


def records(model, batches):
    model.eval()
    share = torch.cat(hits(model, batches)).double().mean().item()
    model.train()
    return share


@torch.no_grad()
def percentage(model, batches):
    return 100 * stays_in_eval(model, batches)


def never_records_again(model, batches):
    torch.set_grad_enabled(False)
    share = records(model, batches)
    return share


def test_right_accuracy_passes(capsys):
    check.mlp.accuracy(right_accuracy)
    assert capsys.readouterr().out.startswith("Right")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (forgets_eval, "Measuring changed the network"),
        (counts, "a count"),
        (means_of_means, "average the accuracies"),
        (wrong_axis, "Which axis"),
        (stays_in_eval, "left in evaluation"),
        (records, "recorded every operation"),
        (percentage, "a percentage"),
        (never_records_again, "stays switched off"),
        (always_back_to_train, "left in training mode"),
    ],
)
def test_wrong_accuracies_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.mlp.accuracy(answer)
    assert torch.is_grad_enabled()  # whatever the answer did to it


def test_an_error_of_the_answer_itself_is_shown():
    """The hint keeps the text of the error and the reader's own line."""
    with pytest.raises(WrongAnswer, match=r"x @ torch.ones\(4, 4\).*RuntimeError: .*same dtype"):
        check.mlp.layer_norm(lambda x, g, b: x @ torch.ones(4, 4))


@torch.no_grad()
def not_a_number(model, batches):
    return right_accuracy(model, batches) * float("nan")


def test_a_share_that_is_no_number_is_refused():
    with pytest.raises(WrongAnswer, match="holds nan"):
        check.mlp.accuracy(not_a_number)


def inverse(weight, order):
    moved = torch.empty_like(weight)
    moved[:, order] = weight
    return moved


def test_a_right_permutation_passes(capsys):
    check.mlp.permuted(lambda weight, order: weight[:, order])
    check.mlp.permuted(lambda weight, order: weight @ torch.eye(6)[order].T)
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (inverse, "the other way round"),
        (lambda weight, order: weight, "still looks for them"),
        (lambda weight, order: weight[order], "The pixels meet the columns"),
        (lambda weight, order: weight.T[order], "Rows and columns are exchanged"),
        (lambda weight, order: weight.flip(1), "random image"),
    ],
)
def test_wrong_permutations_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.mlp.permuted(answer)


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
    bias = factor * (linear.bias - mean) if old is None else old - factor * mean
    return made(weight, bias + shift)


def in_float32(linear, norm, **wrong):
    """Fold into a layer as nn.Linear makes it, whatever precision the old one has."""
    right = folded(linear, norm, **wrong)
    return made(right.weight.float(), right.bias.float())


def in_place(linear, norm):
    linear.weight.data *= 2
    return linear


def test_right_fold_passes(capsys):
    check.mlp.fold(folded)
    check.mlp.fold(in_float32)
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, n: folded(a, n, variance=n.running_var + n.eps), "divides by its root"),
        (lambda a, n: folded(a, n, variance=n.running_var.sqrt()), "left eps out"),
        (lambda a, n: folded(a, n, columns=True), "Each unit is a row"),
        (lambda a, n: folded(a, n, mean=0), "running mean is missing"),
        (lambda a, n: in_float32(a, n, mean=0), "running mean is missing"),
        (lambda a, n: in_float32(a, n, variance=n.running_var.sqrt()), "left eps out"),
        (lambda a, n: folded(a, n, old=a.bias), "unscaled"),
        (lambda a, n: folded(a, n, shift=0), "shift of the normalisation is not"),
        (lambda a, n: folded(a, n, scale=torch.ones(4)), "scale of the normalisation is missing"),
        (in_place, "changes linear, which it was given"),
        (lambda a, n: nn.Sequential(a, n), "return one nn.Linear"),
        (lambda a, n: nn.Linear(4, 4), "differ by up to"),
    ],
)
def test_wrong_folds_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.mlp.fold(answer)
