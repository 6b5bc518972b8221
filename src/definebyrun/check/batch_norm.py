"""Checkers for the exercises of the chapter on batch normalisation.

Each calls the reader's function on seeded inputs of its own, on the CPU, and compares the result
with one computed another way.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, compare, gradient, run


def layer_norm(answer: Callable[[Tensor, Tensor, Tensor], Any]) -> None:
    """Check a function that normalises each example over its units.

    Args:
        answer: takes x, shape (n, units), and a scale and a shift, each of shape (units,), and
            returns what ``nn.LayerNorm`` gives with eps 1e-5, gradient included.

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
        "The scale is not applied.": standard(1, 0, 1e-5) + shift,
        "The shift is not applied.": scale * standard(1, 0, 1e-5),
        "The numbers are normalised, but scale and shift are not applied.": standard(1, 0, 1e-5),
        "The shift is added before the scale multiplies. First scale, then shift.": scale
        * (standard(1, 0, 1e-5) + shift),
    }
    rules = Rules(
        errors={
            "must match the size": "Two shapes do not fit: x has shape (n, units), and its "
            "means over the units have shape (n,) unless you keep the axis. Which argument of "
            "mean keeps it?"
        },
        forbid=dict.fromkeys(
            ("*layer_norm", "*group_norm", "*batch_norm", "*instance_norm"),
            "Write the formula itself, with mean and var.",
        ),
    )
    run(
        answer,
        x,
        scale,
        shift,
        truth=truth,
        rules=rules,
        mistakes=typical,
        look="Look at the mean and variance of each row of your result.",
        shapes={(6,): "Normalising keeps the shape.", (4,): "Normalising keeps the shape."},
        dtype=torch.float64,
        tolerance=1e-7,
    )
    leaf = x.clone().requires_grad_()
    nn.functional.layer_norm(leaf, (4,), scale, shift).sum().backward()
    compare(
        gradient(answer, x, scale, shift, rules=rules),
        leaf.grad,
        look="This is the gradient of your result, whose values are right. It must also flow "
        "through the mean and the variance: do you detach them?",
        tolerance=1e-6,
    )
    print("Right: your function is nn.LayerNorm.")


def fold(answer: Callable[[nn.Linear, nn.BatchNorm1d], Any]) -> None:
    """Check a function that merges a trained batch normalisation into the layer before it.

    Args:
        answer: takes an affine layer, with or without a bias, and the batch normalisation after
            it, and returns one ``nn.Linear`` that computes what both compute in evaluation mode.

    Raises:
        WrongAnswer: with a hint, when the layer computes something else.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = {
            "a layer with a bias": nn.Linear(4, 4).double().eval(),
            "a layer made with bias=False": nn.Linear(4, 4, bias=False).double().eval(),
        }
        norm = nn.BatchNorm1d(4, eps=1e-3).double().eval()
        x = torch.randn(5, 4, dtype=torch.float64)
        state = {name: 0.5 + torch.rand(4) for name in ("weight", "bias", "running_mean")}
        norm.load_state_dict(state | {"running_var": 0.01 * torch.rand(4)}, strict=False)
    for case, linear in layers.items():
        _check_fold(answer, linear, norm, x, case)
    print("Right: one affine layer does what two layers did.")


def _check_fold(
    answer: Callable[[nn.Linear, nn.BatchNorm1d], Any],
    linear: nn.Linear,
    norm: nn.BatchNorm1d,
    x: Tensor,
    case: str,
) -> None:
    """Check what the answer makes of one affine layer."""
    with torch.no_grad():
        truth = norm(linear(x))
        typical = _typical_folds(linear, norm, x)
    none = "A layer made with bias=False has None for its bias: then nothing was added, which is 0."
    rules = Rules(errors={"NoneType": none} if linear.bias is None else {})
    result = call(answer, linear, norm, rules=rules)
    if not isinstance(result, nn.Linear):
        raise WrongAnswer(f"You return {type(result).__name__}; return one nn.Linear.")
    coarse = any(parameter.dtype == torch.float32 for parameter in result.parameters())
    rounding = 1e-6 if coarse else 1e-8
    with torch.no_grad():
        computed = call(copy.deepcopy(result).double(), x)
    compare(
        computed,
        truth,
        typical,
        "Write z = Wx + b into the formula of the normalisation and collect what stands before x.",
        tolerance=rounding * float(truth.abs().max()),
        case=case,
    )


def _typical_folds(linear: nn.Linear, norm: nn.BatchNorm1d, x: Tensor) -> dict[str, Tensor]:
    """Compute what each mistake in folding would give."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = norm.weight / (variance + norm.eps).sqrt()
    bias = torch.zeros_like(mean) if linear.bias is None else linear.bias
    product = x @ linear.weight.T

    def with_factor(factor: Tensor) -> Tensor:
        return factor * (product + bias - mean) + norm.bias

    return {
        "The running variance is a variance. The formula divides by its root.": with_factor(
            norm.weight / (variance + norm.eps)
        ),
        "You left eps out. With a small variance it matters.": with_factor(
            norm.weight / variance.sqrt()
        ),
        "You wrote 1e-5 for eps. This layer may have been made with another one: take norm.eps.": (
            with_factor(norm.weight / (variance + 1e-5).sqrt())
        ),
        "You scale the columns of the weight. Each unit is a row: its whole row is multiplied by "
        "its factor.": x @ (linear.weight * factor).T + factor * (bias - mean) + norm.bias,
        "The running mean is missing from the new bias.": factor * (product + bias) + norm.bias,
        "The new layer needs a bias, whether the old one had one or not: the normalisation "
        "subtracts a mean and adds a shift.": factor * product,
        "The old bias is taken over unscaled. It passes through the normalisation too.": factor
        * (product - mean)
        + bias
        + norm.bias,
        "The weights are scaled, but the shift of the normalisation is not in the bias.": factor
        * (product + bias - mean),
        "The scale of the normalisation is missing: you only divide by the deviation.": with_factor(
            1 / (variance + norm.eps).sqrt()
        ),
    }
