"""The checkers of the chapter on the MLP: right answers pass, mistakes get hints."""

import pytest
import torch

from definebyrun import check
from definebyrun.check import WrongAnswer


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
