"""The checkers of the chapter on the MLP: right answers pass, mistakes get hints."""

from math import comb, erfc, sqrt

import pytest
import torch
import torch.nn.functional as F
from torch.optim import SGD

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


def trains(
    model,
    batches,
    optimizer,
    *,
    mode=True,
    clear="before backward",
    step="after backward",
    softmax=False,
    gives=lambda total, losses, sizes: total / sum(sizes),
):
    """Train for an epoch, with any of the steps left out or in a wrong place."""
    if mode:
        model.train()
    losses, sizes = [], []
    for x, y in batches:
        logits = model(x)
        loss = F.cross_entropy(logits.softmax(dim=1) if softmax else logits, y)
        if step == "before backward":
            optimizer.step()
        if clear == "before backward":
            optimizer.zero_grad()
        loss.backward()
        if clear == "after backward":
            optimizer.zero_grad()
        if step == "after backward":
            optimizer.step()
        if clear == "after the step":
            optimizer.zero_grad()
        losses.append(loss.item())
        sizes.append(len(y))
    if step == "at the end":
        optimizer.step()
    total = sum(n * each for n, each in zip(sizes, losses, strict=True))
    return gives(total, losses, sizes)


def slip(**how):
    return lambda model, batches, optimizer: trains(model, batches, optimizer, **how)


def one_step(model, batches, optimizer):
    optimizer.zero_grad()
    return trains(model, batches, optimizer, clear="never", step="at the end")


def own_optimizer(model, batches, optimizer):
    return trains(model, batches, SGD(model.parameters(), lr=0.1))


def no_backward(model, batches, optimizer):
    optimizer.zero_grad()
    for x, y in batches:
        F.cross_entropy(model.eval()(x), y)
        optimizer.step()
    return 1.0


def twice(model, batches, optimizer):
    trains(model, batches, optimizer)
    return trains(model, batches, optimizer)


def keeps_the_graph(model, batches, optimizer):
    model.train()
    total = 0
    for x, y in batches:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = total + loss * len(y)
    return total / sum(len(y) for _, y in batches)


def test_a_right_loop_passes(capsys):
    check.mlp.epoch(trains)
    check.mlp.epoch(lambda m, b, o: torch.tensor(trains(m, b, o), dtype=torch.float64))
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (slip(mode=False), "trained it there"),
        (slip(clear="never"), "Nobody clears"),
        (slip(clear="after the step"), "came with old gradients"),
        (slip(step="before backward"), "between the prediction and backward"),
        (slip(softmax=True), "There is a softmax"),
        (one_step, "one step for the whole epoch"),
        (own_optimizer, "optimizer that your function was given"),
        (slip(clear="after backward"), "The weights have not moved"),
        (no_backward, "Nothing in the network has moved"),
        (twice, "ends elsewhere"),
        (keeps_the_graph, "graph of the epoch stays alive"),
        (slip(gives=lambda total, losses, sizes: sum(losses) / len(losses)), "weigh more"),
        (slip(gives=lambda total, losses, sizes: sum(losses)), "sum of the losses of the batches"),
        (slip(gives=lambda total, losses, sizes: total), "sum over all images"),
        (slip(gives=lambda total, losses, sizes: losses[-1]), "last batch alone"),
        (slip(gives=lambda total, losses, sizes: total / len(sizes)), "number of batches"),
        (slip(gives=lambda total, losses, sizes: None), "is None. Is there"),
    ],
)
def test_wrong_loops_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.mlp.epoch(answer)


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


def tail(b, c, start=None):
    n = b + c
    return sum(comb(n, k) for k in range(max(b, c) if start is None else start, n + 1)) / 2**n


def two_sided(b, c):
    return min(1.0, 2 * tail(b, c))


def by_smaller_count(b, c):
    return min(1.0, 2 * sum(comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c))


def test_a_right_p_passes(capsys):
    check.mlp.coins(two_sided)
    check.mlp.coins(by_smaller_count)
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (tail, "his is one side"),
        (lambda b, c: 2 * tail(b, c), "passes 1"),
        (lambda b, c: min(1.0, 2 * comb(b + c, b) / 2 ** (b + c)), "exactly these counts"),
        (lambda b, c: comb(b + c, b) / 2 ** (b + c), "one side"),
        (lambda b, c: 2 * tail(b, c, max(b, c) + 1), "leave out the counts"),
        (lambda b, c: min(1.0, 2 * tail(b, c, b)), "begin at the larger"),
        (lambda b, c: 2 * tail(b, c) * 2 ** (b + c), "do not divide"),
        (lambda b, c: erfc(abs(b - c) / sqrt(2 * (b + c))) if b + c else 1.0, "by hand"),
        (lambda b, c: two_sided(b, c) if b + c else float("nan"), "No coins at all"),
    ],
)
def test_wrong_ps_get_their_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check.mlp.coins(answer)
