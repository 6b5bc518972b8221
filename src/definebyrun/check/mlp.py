"""Checkers for the exercises of the chapter on the multilayer perceptron.

Each calls the reader's function on seeded inputs of its own, on the CPU, and compares the result
with one computed another way.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, run


def layer_norm(answer: Callable[[Tensor, Tensor, Tensor], Any]) -> None:
    """Check a function that normalises each example over its units.

    Args:
        answer: takes x, shape (n, units), and a scale and a shift, each of shape (units,), and
            returns what ``nn.LayerNorm`` gives with eps 1e-5.

    Raises:
        WrongAnswer: with a hint, when the result is another.
    """
    generator = torch.Generator().manual_seed(0)
    x = 0.02 * torch.randn(6, 4, generator=generator, dtype=torch.float64) + 3
    scale, shift = torch.rand(2, 4, generator=generator, dtype=torch.float64) + 0.5
    truth = nn.functional.layer_norm(x, (4,), scale, shift)

    def standard(dim: int, correction: int, eps: float) -> Tensor:
        variance = x.var(dim=dim, keepdim=True, correction=correction)
        return (x - x.mean(dim=dim, keepdim=True)) / (variance + eps).sqrt()

    over_units = x - x.mean(dim=1, keepdim=True)
    variance = x.var(dim=1, keepdim=True, correction=0)
    typical = {
        "You normalise each unit over the batch. That is batch normalisation; here the mean and "
        "variance belong to one example.": scale * standard(0, 0, 1e-5) + shift,
        "The variance divides by n - 1. Layer normalisation uses the biased one, as batch "
        "normalisation does to normalise.": scale * standard(1, 1, 1e-5) + shift,
        "Where is eps? These inputs have a variance so small that it matters.": scale
        * standard(1, 0, 0)
        + shift,
        "You add eps to the standard deviation. It belongs under the root, with the "
        "variance.": scale * over_units / (variance.sqrt() + 1e-5) + shift,
        "You divide by the variance. What has the unit of x is its square root.": scale
        * over_units
        / (variance + 1e-5)
        + shift,
        "The numbers are normalised, but scale and shift are not applied.": standard(1, 0, 1e-5),
        "The shift is added before the scale multiplies. First scale, then shift.": scale
        * (standard(1, 0, 1e-5) + shift),
    }
    run(
        answer,
        x,
        scale,
        shift,
        truth=truth,
        rules=Rules(
            errors={
                "must match the size": "Two shapes do not fit: x has shape (n, units), and its "
                "means over the units have shape (n,) unless you keep the axis. Which argument of "
                "mean keeps it?"
            }
        ),
        mistakes=typical,
        look="Look at the mean and variance of each row of your result.",
        shapes={(6,): "Normalising keeps the shape.", (4,): "Normalising keeps the shape."},
        dtype=torch.float64,
        tolerance=1e-7,
    )
    print("Right: your function is nn.LayerNorm.")


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


def fold(answer: Callable[[nn.Linear, nn.BatchNorm1d], Any]) -> None:
    """Check a function that merges a trained batch normalisation into the layer before it.

    Args:
        answer: takes an affine layer and the batch normalisation after it, and returns one
            ``nn.Linear`` that computes what both compute in evaluation mode.

    Raises:
        WrongAnswer: with a hint, when the layer computes something else.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        linear, norm = nn.Linear(4, 4).double(), nn.BatchNorm1d(4).double().eval()
        x = torch.randn(5, 4, dtype=torch.float64)
        state = {name: 0.5 + torch.rand(4) for name in ("weight", "bias", "running_mean")}
        norm.load_state_dict(state | {"running_var": 0.01 * torch.rand(4)}, strict=False)
    with torch.no_grad():
        truth = norm(linear(x))
        typical = _typical_folds(linear, norm, x)
    result = call(answer, linear, norm)
    if not isinstance(result, nn.Linear):
        raise WrongAnswer(f"You return {type(result).__name__}; return one nn.Linear.")
    rounding = 1e-6 if result.weight.dtype == torch.float32 else 1e-8
    with torch.no_grad():
        computed = call(copy.deepcopy(result).double(), x)
    compare(
        computed,
        truth,
        typical,
        "Write z = Wx + b into the formula of the normalisation and collect what stands before x.",
        tolerance=rounding * float(truth.abs().max()),
    )
    print("Right: one affine layer does what two layers did.")


def _typical_folds(linear: nn.Linear, norm: nn.BatchNorm1d, x: Tensor) -> dict[str, Tensor]:
    """Compute what each mistake in folding would give."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = norm.weight / (variance + norm.eps).sqrt()
    product = x @ linear.weight.T

    def with_factor(factor: Tensor) -> Tensor:
        return factor * (product + linear.bias - mean) + norm.bias

    return {
        "The running variance is a variance. The formula divides by its root.": with_factor(
            norm.weight / (variance + norm.eps)
        ),
        "You left eps out. With a small variance it matters.": with_factor(
            norm.weight / variance.sqrt()
        ),
        "You scale the columns of the weight. Each unit is a row: its whole row is multiplied by "
        "its factor.": x @ (linear.weight * factor).T + factor * (linear.bias - mean) + norm.bias,
        "The running mean is missing from the new bias.": factor * (product + linear.bias)
        + norm.bias,
        "The old bias is taken over unscaled. It passes through the normalisation too.": factor
        * (product - mean)
        + linear.bias
        + norm.bias,
        "The weights are scaled, but the shift of the normalisation is not in the bias.": factor
        * (product + linear.bias - mean),
        "The scale of the normalisation is missing: you only divide by the deviation.": with_factor(
            1 / (variance + norm.eps).sqrt()
        ),
    }


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


def _right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        hits: Tensor = model(images).argmax(dim=1) == labels
    return hits


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
