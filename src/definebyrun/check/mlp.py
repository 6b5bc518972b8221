"""Checkers for the exercises of the chapter on the multilayer perceptron.

Each calls the reader's function on seeded inputs of its own, on the CPU, and compares the result
with one computed another way.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, run


def accuracy(answer: Callable[[nn.Module, list[tuple[Tensor, Tensor]]], Any]) -> None:
    """Check a function that measures the accuracy of a network over batches of any size.

    Args:
        answer: takes a network and a list of batches (images, labels), and returns the share of
            all images that are classified rightly, as a number from 0 to 1. The network may be
            in training mode; afterwards it is in the mode in which it came.

    Raises:
        WrongAnswer: with a hint, when the result is another or the network was changed.
    """
    model, batches = _network(), _batches()
    right = [_right(model.eval(), images, labels) for images, labels in batches]
    total = sum(len(labels) for _, labels in batches)
    truth = sum(int(hits.sum()) for hits in right) / total
    means = sum(float(hits.double().mean()) for hits in right) / len(batches)
    model.train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    recorded: list[bool] = []
    hook = model.register_forward_pre_hook(lambda *_: recorded.append(torch.is_grad_enabled()))
    rules = Rules(in_place=(0,))  # what became of the network is looked at here
    result = call(answer, model, batches, rules=rules)
    hook.remove()
    if isinstance(result, Tensor) and result.numel() == 1:
        result = result.detach().cpu().numpy()[()]
    changed = any(not torch.equal(state[name], now) for name, now in model.state_dict().items())
    if changed:
        raise WrongAnswer(
            "Measuring changed the network: its running mean and variance have moved. In which "
            "mode did it see the images?"
        )
    compare(
        result,
        truth,
        {
            "You return a count. The share is asked for.": sum(int(hits.sum()) for hits in right),
            "You return a percentage. The share is from 0 to 1.": 100 * truth,
            "You average the accuracies of the batches. The last batch is smaller, and its images "
            "weigh more than the others.": means,
        },
        f"Of {total} images {truth * total:.0f} are classified rightly. Which axis of the scores "
        "belongs to the classes?",
        low=0,
        high=1,
        tolerance=1e-6,
    )
    if not model.training:
        raise WrongAnswer(
            "The number is right, but the network came in training mode and left in evaluation "
            "mode. Whoever goes on training it will not notice."
        )
    if any(recorded):
        raise WrongAnswer(
            "The number is right, but PyTorch recorded every operation for a gradient that nobody "
            "asks for. What switches the recording off?"
        )
    model.eval()
    call(answer, model, batches, rules=rules)
    if model.training:
        raise WrongAnswer(
            "The network came in evaluation mode and left in training mode. Remember the mode "
            "before you change it."
        )
    print("Right: every image counts the same, and the network is as it was.")


def coins(answer: Callable[[int, int], Any]) -> None:
    """Check a function that turns two counts into the p of McNemar's test.

    Args:
        answer: takes b and c, how many images only the one reader and only the other reads, and
            returns the chance that b + c fair coins fall so unevenly or more so, to either side.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    for b, c in ((6, 1), (1, 6), (3, 0), (20, 12), (3, 3), (0, 0)):
        n = b + c
        # every sequence of n coins is as likely as every other: count those at least as uneven
        chances = [math.comb(n, heads) / 2**n for heads in range(n + 1)]
        uneven = [abs(2 * heads - n) >= abs(b - c) for heads in range(n + 1)]
        truth = sum(chance for chance, far in zip(chances, uneven, strict=True) if far)
        tail = sum(chances[max(b, c) :])
        run(
            answer,
            b,
            c,
            truth=truth,
            mistakes={
                "This is one side. Coins may fall so unevenly to the other side as well.": tail,
                "This passes 1: with equal counts the middle is counted on both sides. A chance "
                "is at most 1.": 2 * tail,
                "This is the chance of exactly these counts. Add those that are more uneven.": (
                    2 * chances[b]
                ),
                "This is the chance of exactly these counts, to one side.": chances[b],
                "You leave out the counts themselves: at least so uneven, not more.": (
                    2 * sum(chances[max(b, c) + 1 :])
                ),
                "You sum from b on, though c is larger: begin at the larger of the two.": (
                    min(1.0, 2 * sum(chances[b:]))
                ),
                "You do not divide by the number of all ways in which the coins can fall.": (
                    2 * tail * 2**n
                ),
            },
            look="Work 3 to 0 by hand: in how many of the 8 ways do three coins fall all alike?",
            low=0,
            not_finite="No coins at all, 0 to 0, say nothing against equal readers: p is 1.",
            tolerance=1e-9,
            case=f"{b} to {c}",
        )
    print("Right: 6 to 1 is one in eight, and equal counts say nothing.")


def epoch(answer: Callable[..., Any]) -> None:
    """Check a function that trains a network for one epoch and returns its mean loss.

    Args:
        answer: called as ``answer(model, batches, optimizer)``; goes once through the list of
            batches (images, labels), makes one update for each by cross-entropy, in training
            mode, and returns the mean loss over all images, each measured before its update.

    Raises:
        WrongAnswer: with a hint, when the network ends elsewhere or the loss is another.
    """
    model, optimizer = _beginner()
    before = _state(model)
    stepped: list[SGD] = []
    optimizer.register_step_post_hook(lambda *_: stepped.append(optimizer))
    early = (
        "The step comes between the prediction and backward: it changes weights that the way back "
        "still needs."
    )
    # what became of the network is looked at here
    rules = Rules(in_place=(0, 2), errors={"modified by an inplace operation": early})
    result = call(answer, model, _doubles(), optimizer, rules=rules)
    if torch.equal(before, _state(model)):
        raise WrongAnswer(
            "Nothing in the network has moved. Is there a backward and a step for every batch, and "
            "are the gradients cleared before backward, not between it and the step?"
        )
    if not stepped:
        raise WrongAnswer(
            "No step was made by the optimizer that your function was given: it is the one to "
            "clear the gradients and to step."
        )
    state, losses = _one_epoch()
    compare(
        _state(model),
        state,
        {hint: _one_epoch(slip)[0] for slip, hint in _SLIPS.items()},
        "The network ends elsewhere than it should: one update for each batch, in the order "
        "predict, loss, clear, backward, step.",
        tolerance=1e-7,
    )
    if isinstance(result, Tensor) and result.requires_grad:
        raise WrongAnswer(
            "The network is trained rightly, but you return a tensor, and with it the graph of the "
            "epoch stays alive. What takes the number out of it?"
        )
    if isinstance(result, Tensor) and result.numel() == 1:
        result = result.detach().cpu().numpy()[()]
    sizes = [len(labels) for _, labels in _doubles()]
    total = sum(size * loss for size, loss in zip(sizes, losses, strict=True))
    compare(
        result,
        total / sum(sizes),
        {
            "You average the losses of the batches. The last batch is smaller, and its images "
            "weigh more than the others.": sum(losses) / len(losses),
            "You return the sum of the losses of the batches; the mean over all images is asked "
            "for.": sum(losses),
            "This is the sum over all images: divide by their number.": total,
            "This is the loss of the last batch alone.": losses[-1],
            "You divide by the number of batches; divide by the number of images.": (
                total / len(losses)
            ),
        },
        "The network is trained rightly; what do you return? Each batch's loss counts as often as "
        "it has images.",
        low=0,
        tolerance=1e-6,
    )
    print("Right: every weight and every running average ends where it should.")


def permuted(answer: Callable[[Tensor, Tensor], Any]) -> None:
    """Check a function that permutes a weight so that it reads permuted pixels.

    Args:
        answer: takes a weight, shape (units, pixels), and an order, shape (pixels,), where place
            k of the permuted image holds pixel ``order[k]``; returns the weight that gives the
            permuted image what the old one gives the image.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 6, generator=generator)
    order = torch.tensor([2, 0, 3, 5, 1, 4])
    places = torch.arange(6)
    truth = torch.stack([weight[:, order[place]] for place in places], dim=1)
    backwards = torch.empty_like(weight)
    backwards[:, order] = weight
    run(
        answer,
        weight,
        order,
        truth=truth,
        rules=Rules(
            errors={
                "out of bounds": "You permute the rows, one for each unit. The pixels meet the "
                "columns.",
                "out of range": "You permute the rows, one for each unit. The pixels meet the "
                "columns.",
            }
        ),
        mistakes={
            "You permute the other way round, by the inverse of the order: column order[k] of the "
            "old weight must come to place k.": backwards,
            "This is the old weight: the pixels have moved, and it still looks for them where "
            "they were.": weight,
        },
        look="Compare result @ x[order] with weight @ x for a random image x.",
        shapes={(6, 6): "You permute rows, one for each unit. The pixels meet the columns."},
    )
    print("Right: the permuted weight finds every pixel at its new place.")


def _network() -> nn.Module:
    """Return a network whose accuracy differs between the modes, with memory of its data."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        for _ in range(50):
            model(2 * torch.randn(40, 5) + 1)
    return model


def _batches() -> list[tuple[Tensor, Tensor]]:
    """Return two batches of 20 and one of 4, whose labels mostly agree with the network."""
    generator = torch.Generator().manual_seed(4)
    images = 2 * torch.randn(44, 5, generator=generator) + 1
    with torch.no_grad():
        labels = _network().eval()(images).argmax(dim=1)
    labels[[1, 5, 8, 13, 22, 30, 41, 42, 43]] += 1
    labels %= 3
    return list(zip(images.split(20), labels.split(20), strict=True))


_SLIPS = {
    "never": "Nobody clears the gradients: each step goes along the sum of all so far.",
    "late": "The network came with old gradients in it, and your first step used them: clear them "
    "before backward, not after the step.",
    "eval": "The network came in evaluation mode, and you trained it there: its running mean and "
    "variance stand still. Which call comes first?",
    "softmax": "There is a softmax before the cross-entropy, which has one of its own: give it "
    "the logits.",
    "still": "The weights have not moved. Is there a backward for every batch, and are the "
    "gradients cleared before it, not between it and the step?",
    "once": "You make one step for the whole epoch; make one for every batch.",
}


def _beginner() -> tuple[nn.Module, SGD]:
    """Return a network in evaluation mode, with gradients that somebody left, and its optimizer."""
    model = _network().double()
    x, y = _doubles()[1]
    F.cross_entropy(model.eval()(x), y).backward()
    return model, SGD(model.parameters(), lr=0.5)


def _doubles() -> list[tuple[Tensor, Tensor]]:
    return [(images.double(), labels) for images, labels in _batches()]


def _state(model: nn.Module) -> Tensor:
    """Return all weights and running averages of a network as one vector."""
    parts = [part for part in model.state_dict().values() if part.is_floating_point()]
    return torch.cat([part.detach().clone().flatten() for part in parts])


def _one_epoch(slip: str = "") -> tuple[Tensor, list[float]]:
    """Return the state after one epoch and the loss of each batch, of the right loop or of a slip.

    Args:
        slip: a key of ``_SLIPS``; empty for the right loop.
    """
    model, optimizer = _beginner()
    model.train(slip != "eval")
    losses = []
    if slip == "once":
        optimizer.zero_grad()
    for images, labels in _doubles():
        logits = model(images)
        loss = F.cross_entropy(logits.softmax(dim=1) if slip == "softmax" else logits, labels)
        if slip not in ("never", "late", "once"):
            optimizer.zero_grad()
        loss.backward()
        if slip == "still":
            optimizer.zero_grad()
        if slip != "once":
            optimizer.step()
        if slip == "late":
            optimizer.zero_grad()
        losses.append(loss.item())
    if slip == "once":
        optimizer.step()
    return _state(model), losses


def _right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        hits: Tensor = model(images).argmax(dim=1) == labels
    return hits
