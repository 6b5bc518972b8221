"""The rules equal torch.optim step by step; the race is the four loops that it stands for."""

import math
from functools import partial

import pytest
import torch

from definebyrun.scratch.landscapes import rosenbrock, valley
from definebyrun.scratch.optimizers import (
    adam,
    adamw,
    clip_gradients,
    momentum,
    nesterov,
    race,
    rmsprop,
    sgd,
    warmup_cosine,
)

START = torch.tensor([-1, 1.5], dtype=torch.float64)
GOAL = torch.ones(2, dtype=torch.float64)
LR = 2e-3
PAIRS = {
    "sgd": (sgd, torch.optim.SGD, {}),
    "momentum": (momentum, partial(torch.optim.SGD, momentum=0.9), {}),
    "nesterov": (nesterov, partial(torch.optim.SGD, momentum=0.9, nesterov=True), {}),
    "rmsprop": (rmsprop, torch.optim.RMSprop, {}),
    "rmsprop, eps": (partial(rmsprop, eps=0.01), partial(torch.optim.RMSprop, eps=0.01), {}),
    "adam": (adam, torch.optim.Adam, {}),
    "adamw": (adamw, torch.optim.AdamW, {}),
    "adamw, decay": (partial(adamw, weight_decay=0.3), torch.optim.AdamW, {"weight_decay": 0.3}),
}


@pytest.mark.parametrize("name", PAIRS)
def test_rule_is_torch_optims_at_every_step(name):
    """Each step starts from torch's point, so that a rule that amplifies rounding is still held."""
    rule, optimizer_of, options = PAIRS[name]
    weight = START.clone().requires_grad_()
    optimizer = optimizer_of([weight], lr=LR / 4, **options)  # at LR nesterov diverges
    state = {}
    for _ in range(500):
        before = weight.detach().clone()
        gradient = rosenbrock().gradient(before)
        weight.grad = gradient.clone()
        optimizer.step()
        after, state = rule(before, gradient, state, lr=LR / 4)
        torch.testing.assert_close(after, weight.detach(), rtol=1e-13, atol=1e-13)


def test_rules_change_nothing_in_place_and_keep_shape_and_dtype():
    parameter, gradient = torch.ones(2, 3), torch.full((2, 3), 0.5)
    for rule, _, _ in PAIRS.values():
        state = {}
        for _ in range(2):
            moved, state = rule(parameter, gradient, state, lr=0.1)
        assert moved.shape == (2, 3)
        assert moved.dtype == torch.float32
        assert torch.equal(parameter, torch.ones(2, 3))
        assert torch.equal(gradient, torch.full((2, 3), 0.5))


def test_weight_decay_in_torchs_adam_is_an_l2_penalty_and_adamws_is_not():
    """(λ/2)·Σθ² added to the loss, to the last bit; decoupled decay goes another way."""
    decay = 0.1

    def end(optimizer_of, penalty, **options):
        weight = START.clone().requires_grad_()
        optimizer = optimizer_of([weight], lr=LR, **options)
        for _ in range(500):
            weight.grad = rosenbrock().gradient(weight.detach()) + penalty * weight.detach()
            optimizer.step()
        return weight.detach()

    l2 = end(torch.optim.Adam, 0.0, weight_decay=decay)
    torch.testing.assert_close(end(torch.optim.Adam, decay), l2, rtol=0, atol=1e-12)
    assert (end(torch.optim.Adam, 2 * decay) - l2).norm() > 1e-3
    assert (end(torch.optim.AdamW, 0.0, weight_decay=decay) - l2).norm() > 1e-3


def test_adams_correction_makes_early_steps_smaller():
    factors = [math.sqrt(1 - 0.999**t) / (1 - 0.9**t) for t in (1, 10, 100, 1000)]
    assert factors == pytest.approx([0.316, 0.153, 0.309, 0.795], abs=5e-4)
    # the same, seen in steps: against a run without the two denominators
    gradient, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    moved, _ = adam(zero, gradient, {}, lr=1.0)
    uncorrected = 0.1 / math.sqrt(0.001)
    assert -moved.item() / uncorrected == pytest.approx(factors[0], rel=1e-6)


RULES = {
    "SGD": partial(sgd, lr=LR),
    "momentum": partial(momentum, lr=LR),
    "RMSprop": partial(rmsprop, lr=LR),
    "Adam": partial(adam, lr=LR),
}


def test_race_of_ten_thousand_steps_has_the_known_outcome():
    """RMSprop amplifies rounding (2,898 to 2,900 steps on one machine): it has some room."""
    ways = race(rosenbrock(), START, RULES, steps=10_000)
    arrival = {name: way.first_within(0.1, GOAL) for name, way in ways.items()}
    assert (arrival["momentum"], arrival["SGD"], arrival["Adam"]) == (218, 2810, 7351)
    assert abs(arrival["RMSprop"] - 2898) <= 20
    assert ways["momentum"].values[-1] < 1e-28
    assert ways["SGD"].values[-1].item() == pytest.approx(1.8e-8, rel=0.05)
    assert ways["Adam"].values[-1].item() == pytest.approx(5.6e-10, rel=0.05)
    assert ways["RMSprop"].values[-1].item() == pytest.approx(9.0e-4, rel=0.2)
    assert ways["SGD"].values.max().item() == pytest.approx(124, abs=0.5)
    assert ways["momentum"].values.max().item() == pytest.approx(46, abs=0.5)


def test_race_is_the_four_loops_one_after_the_other():
    ways = race(rosenbrock(), START, RULES, steps=200)
    for name, rule in RULES.items():
        point, state = START, {}
        for raced in ways[name].points[1:]:
            point, state = rule(point, rosenbrock().gradient(point), state)
            torch.testing.assert_close(raced, point, rtol=1e-12, atol=1e-12)


def test_race_cuts_a_runner_that_diverges_and_lets_the_others_run():
    rules = {"wild": partial(sgd, lr=10.0), "tame": partial(sgd, lr=1e-3)}
    ways = race(rosenbrock(), START, rules, steps=20)
    assert ways["wild"].ended == "diverged"
    assert ways["wild"].values.isfinite().all()
    assert ways["wild"].points.isfinite().all()
    assert ways["tame"].steps == 20


def test_race_refuses_bad_starts():
    with pytest.raises(ValueError, match=r"start has shape \(3,\); expected \(2,\)"):
        race(rosenbrock(), torch.zeros(3), RULES, steps=1)
    with pytest.raises(ValueError, match="has the value nan"):
        race(valley(1), torch.tensor([math.nan]), RULES, steps=1)
    with pytest.raises(ValueError, match="steps is -2"):
        race(valley(1), torch.ones(1), RULES, steps=-2)


def test_warmup_and_cosine_are_torchs_schedules_in_sequence():
    warmup, total = 7, 40
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedules = torch.optim.lr_scheduler
    schedule = schedules.SequentialLR(
        optimizer,
        [
            schedules.LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup),
            schedules.CosineAnnealingLR(optimizer, T_max=total - warmup),
        ],
        milestones=[warmup],
    )
    for step in range(total):
        factor = warmup_cosine(step, warmup=warmup, total=total)
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        schedule.step()
    assert warmup_cosine(total, warmup=warmup, total=total) == 0
    assert warmup_cosine(0, warmup=0, total=5) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 5), "warmup is 5 and total 5"),
        ((0, -1, 5), "warmup is -1"),
        ((6, 0, 5), "step is 6; expected 0 to 5"),
        ((-1, 0, 5), "step is -1"),
    ],
)
def test_schedules_out_of_range_are_refused(arguments, message):
    step, warmup, total = arguments
    with pytest.raises(ValueError, match=message):
        warmup_cosine(step, warmup=warmup, total=total)


@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_clipping_is_torchs(limit):
    torch.manual_seed(0)
    weights = [torch.randn(3, 2, dtype=torch.float64), torch.randn(4, dtype=torch.float64)]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    clipped, length = clip_gradients([weight.grad for weight in weights], limit)
    assert torch.nn.utils.clip_grad_norm_(weights, limit).item() == pytest.approx(length.item())
    for weight, ours in zip(weights, clipped, strict=True):
        torch.testing.assert_close(ours, weight.grad)


def test_clipping_refuses_a_limit_or_a_list_that_means_nothing():
    with pytest.raises(ValueError, match="limit is -1; expected a positive number"):
        clip_gradients([torch.ones(1)], -1)
    with pytest.raises(ValueError, match="gradients is empty"):
        clip_gradients([], 1.0)
