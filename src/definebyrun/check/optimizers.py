"""Checks answers to the exercises of the page on optimizers."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import getclosurevars, isfunction, signature
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.compare import close
from definebyrun.check.run import Rules, call, compare
from definebyrun.scratch import optimizers as ready

GRADIENTS = torch.tensor(
    # the last column is so small that ε, and the place where it stands, can be seen
    [[2.0, -0.5, 1e-9], [1.0, 3.0, -2e-9], [-4.0, 0.25, 1e-9], [0.5, -1.0, 3e-9]],
    dtype=torch.float64,
)
START = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
FIRST_RATE, OTHER_RATE = 0.1, 0.03
LOOP_STEPS, LIMIT, LOOP_RATE = 4, 2.0, 0.1
Looks = tuple[Tensor, dict[str, Tensor]]


def adagrad(answer: Callable[..., Any]) -> None:
    """Check a rule that divides by the root of the sum of all squared gradients so far.

    Args:
        answer: called as ``answer(parameter, gradient, state, lr=...)``; returns the moved
            parameter and the new state, in the form of :mod:`definebyrun.scratch.optimizers`.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    _check(answer, _adagrad_steps, look="Work out two steps by hand for the gradients 2 and 1.")
    print("Right: at every step and every rate as torch.optim.Adagrad.")


def adam(answer: Callable[..., Any]) -> None:
    """Check a rule that is Adam, with its usual settings.

    Args:
        answer: called as ``answer(parameter, gradient, state, lr=...)``; returns the moved
            parameter and the new state, in the form of :mod:`definebyrun.scratch.optimizers`.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    _check(answer, _adam_steps, look="Print m, s and t, and work out the first step by hand.")
    print("Right: at every step and every rate as torch.optim.Adam.")


def training_step(answer: Callable[..., Any]) -> None:
    """Check a function that takes one step of training, with clipping and a schedule.

    Args:
        answer: called as ``answer(loss_of, weights, optimizer, scheduler, limit)``; moves the
            weights and returns two floats, the loss before the step and the length of all
            gradients together before they were clipped.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    weights = _first_weights()
    for weight in weights:
        weight.grad = torch.full_like(weight, 0.7)  # that somebody left behind
    optimizer = torch.optim.SGD(weights, lr=LOOP_RATE, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, _factor)
    returned = []
    with warnings.catch_warnings(action="ignore"):  # the hint says it better
        for _ in range(LOOP_STEPS):
            returned.append(
                call(
                    answer,
                    _bowl,
                    weights,
                    optimizer,
                    scheduler,
                    LIMIT,
                    rules=Rules(in_place=(1, 2, 3)),
                )
            )
    ends, losses, lengths = _trained()
    compare(
        torch.cat([weight.detach() for weight in weights]),
        ends,
        {
            "The weights have not moved: is there a step, and are the gradients cleared before "
            "backward and not after it?": torch.cat(_first_weights()).detach(),
            "Nothing clears the gradients: each step goes along the sum of all so far.": (
                _trained(clear="never")[0]
            ),
            "The weights came with gradients in them, and you clear them only afterwards.": (
                _trained(clear="late")[0]
            ),
            "The step uses gradients that are not clipped: clipping stands after backward and "
            "before the step.": _trained(clip="late")[0],
            "You clip each parameter by itself. All gradients together are one long vector.": (
                _trained(clip="each")[0]
            ),
            "You clip every entry; shorten the whole vector, so that its direction stays.": (
                _trained(clip="entries")[0]
            ),
            "The schedule runs one step ahead: the first step already has the second rate.": (
                _trained(ahead=1)[0]
            ),
            "The rate never changes: who calls the scheduler?": _trained(ahead=None)[0],
            "This is still the order of the colleague, with all three mistakes.": (
                _trained(clear="never", clip="late", ahead=1)[0]
            ),
        },
        "Six lines, each once: loss, clear, backward, clip, step, schedule.",
        tolerance=1e-9,
    )
    for step, (given, loss, length) in enumerate(
        zip(returned, losses, lengths, strict=True), start=1
    ):
        after = losses[step] if step < LOOP_STEPS else _bowl(ends.split([3, 2])).item()
        compare(
            given,
            (loss, length),
            {
                "You return the loss after the step; the exercise asks for the one before.": (
                    after,
                    length,
                ),
                "You return the length after clipping: `clip_grad_norm_` itself returns the one "
                "before.": (loss, min(length, LIMIT)),
                "Loss and length have changed places.": (length, loss),
            },
            "The weights are right; what do you return?",
            names=("the loss", "the length"),
            tolerance=1e-5,
            case=f"step {step}",
        )
    print("Right: the weights, the rate, the losses and the lengths of every step.")


def _first_weights() -> list[Tensor]:
    """Return the two parameters from which the training of the exercise starts."""
    values = torch.tensor([3.0, -2.0, 0.5, 1.0, -1.0], dtype=torch.float64)
    return [values[:3].clone().requires_grad_(), values[3:].clone().requires_grad_()]


def _bowl(weights: Sequence[Tensor]) -> Tensor:
    """Return the loss of the exercise: steep enough to be clipped at first, and not later."""
    first, second = weights
    return ((first - 1) ** 2).sum() + (second + 2).square().sum() / 2 + first.sum() * second.mean()


def _factor(step: int) -> float:
    """Return the schedule's factor: other at every step."""
    return 1 / (1 + step)


def _trained(
    clear: str = "in time", clip: str = "in time", ahead: int | None = 0
) -> tuple[Tensor, list[float], list[float]]:
    """Return where the steps lead, the losses and the lengths, of the right loop or of a slip.

    Written out without torch.optim.

    Args:
        clear: when the gradients are cleared: "in time", "late" or "never".
        clip: "in time", "late", "each" parameter by itself, or "entries" one by one.
        ahead: how many steps the schedule is ahead; None when it never moves.
    """
    weights = [weight.detach() for weight in _first_weights()]
    kept = [torch.full_like(weight, 0.7) for weight in weights]
    velocity = [torch.zeros_like(weight) for weight in weights]
    losses, lengths = [], []
    for step in range(LOOP_STEPS):
        leaves = [weight.requires_grad_() for weight in weights]
        loss = _bowl(leaves)
        gradients = list(torch.autograd.grad(loss, leaves))
        if clear == "never" or (clear == "late" and step == 0):
            gradients = [old + new for old, new in zip(kept, gradients, strict=True)]
        length = torch.cat(gradients).norm()
        short = [gradient * (LIMIT / (length + 1e-6)).clamp(max=1) for gradient in gradients]
        used = {
            "in time": short,
            "late": gradients,
            "each": [g * (LIMIT / (g.norm() + 1e-6)).clamp(max=1) for g in gradients],
            "entries": [gradient.clamp(-LIMIT, LIMIT) for gradient in gradients],
        }[clip]
        kept = short if clip == "late" else used
        rate = LOOP_RATE * _factor(0 if ahead is None else step + ahead)
        velocity = [0.9 * old + new for old, new in zip(velocity, used, strict=True)]
        weights = [
            (leaf - rate * pace).detach() for leaf, pace in zip(leaves, velocity, strict=True)
        ]
        losses.append(loss.item())
        lengths.append(length.item())
    return torch.cat(weights), losses, lengths


def _check(answer: Callable[..., Any], looks: Callable[[], list[Looks]], look: str) -> None:
    """Let the rule walk at two rates, each from an empty state, and compare every step."""
    if not callable(answer):
        raise WrongAnswer("Hand over the function itself, by its name, without calling it.")
    if _borrows(answer):
        raise WrongAnswer("This only calls the rule that the book has written: write your own.")
    for lr in (FIRST_RATE, OTHER_RATE):
        parameter = START
        state: dict[str, Any] = {}
        for step, (gradient, (move, mistakes)) in enumerate(
            zip(GRADIENTS, looks(), strict=True), start=1
        ):
            at, rule = f"step {step} at lr={lr}", _with_rate(answer, lr)
            moved, new = _step(rule, parameter, gradient, state)
            wrong = {hint: parameter - lr * each for hint, each in mistakes.items()}
            if lr != FIRST_RATE:
                fixed = "You step with another rate than the lr that your function is given."
                wrong = {fixed: parameter - FIRST_RATE * move} | wrong
            wrong |= {
                "You step along the gradient; descent goes against it.": parameter + lr * move,
                "This is plain gradient descent: nothing is divided.": parameter - lr * gradient,
                "You return the step itself; return the moved parameter.": lr * move,
            }
            compare(
                moved,
                parameter - lr * move,
                mistakes=wrong,
                look=look,
                tolerance=1e-12,
                not_finite="Is something divided by zero, such as 1 - βᵗ where t is still 0? Or is "
                "a root taken of a mean that is not one of squares?",
                case=at,
            )
            again, _ = _step(rule, parameter, gradient, state)
            if not isinstance(again, Tensor) or not close([again], [moved], 1e-12):
                raise WrongAnswer(
                    f"For {at}: called twice with the same arguments your function gives two "
                    "results. What it remembers belongs into the state that it returns, and "
                    "nowhere else: the next network starts with an empty one."
                )
            parameter, state = moved.detach(), new


def _with_rate(answer: Callable[..., Any], lr: float) -> Callable[..., Any]:
    """Fill in the learning rate, by its name or, where it has another, as the fourth argument."""

    def in_place(parameter: Tensor, gradient: Tensor, state: dict[str, Any]) -> Any:
        return answer(parameter, gradient, state, lr)

    inputs: tuple[Any, ...] = (START, GRADIENTS[0], {})
    try:
        shape = signature(answer)
    except (TypeError, ValueError):  # a built-in function says nothing about itself
        return in_place
    try:
        shape.bind(*inputs, lr=lr)
    except TypeError:
        try:
            shape.bind(*inputs, lr)
        except TypeError as error:
            raise WrongAnswer(
                "Your function is called with a parameter, a gradient, a state and lr=..., and "
                f"it does not take them: {error}."
            ) from error
        return in_place
    return partial(answer, lr=lr)


def _step(
    rule: Callable[..., Any], parameter: Tensor, gradient: Tensor, state: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Call the rule once and look at the form of what it returns."""
    with _no_library():
        given = call(rule, parameter, gradient, state)
    if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], dict):
        raise WrongAnswer("Return two things: the moved parameter, and the state, a dict.")
    return given


@contextmanager
def _no_library() -> Iterator[None]:
    """Refuse that an optimizer of PyTorch is made."""

    def refuse(*_: Any, **__: Any) -> None:
        raise WrongAnswer("This calls PyTorch's optimizer: write the rule yourself.")

    with patch.object(torch.optim.Optimizer, "__init__", refuse):
        yield


def _borrows(answer: Callable[..., Any]) -> bool:
    """Say whether the answer is, or names, a rule of Adam that is ready in the book."""
    theirs = (ready.adam, ready.adamw)
    if not isfunction(answer):
        return False
    used = getclosurevars(answer)
    named = [*used.globals.values(), *used.nonlocals.values()]
    named += [each.func for each in named if type(each) is partial]
    return answer in theirs or any(each is one for each in named for one in theirs)


def _adagrad_steps() -> list[Looks]:
    """Return for each step the right move, in rates, and the moves of typical mistakes."""
    eps, steps = 1e-10, []
    total = square = torch.zeros_like(START)
    for count, g in enumerate(GRADIENTS, start=1):
        late, total = total, total + g**2
        square = 0.99 * square + 0.01 * g**2
        mistakes = {
            "You divide by the sum itself: where is the root?": g / (total + eps),
            "This is RMSprop: Adagrad takes the sum of all squares, not their running mean.": g
            / (square.sqrt() + eps),
            "You divide by the root of the mean of the squares; Adagrad takes their sum.": g
            / ((total / count).sqrt() + eps),
            "You divide all entries by one number, the root of everything summed. Each entry has "
            "a sum of its own: no sum() and no norm().": g / (total.sum().sqrt() + eps),
            "Your sum comes one step late: add the new square first, then divide.": g
            / (late.sqrt() + eps),
            "Your ε stands inside the root, where it acts as its own root, 10⁻⁵. It belongs "
            "outside.": g / (total + eps).sqrt(),
            "Where is ε, the 10⁻¹⁰ beside the root? Without it a gradient of zero gives nan.": g
            / total.sqrt(),
            "Your ε is not the 10⁻¹⁰ that the exercise asks for.": g / (total.sqrt() + 1e-8),
            "You divide by the size of the last gradient alone: is the sum kept in the "
            "state that you return?": g / (g.abs() + eps),
            "You add up the sizes of the gradients; add up their squares.": g
            / (GRADIENTS[:count].abs().sum(dim=0) + eps),
        }
        steps.append((g / (total.sqrt() + eps), mistakes))
    return steps


def _adam_steps() -> list[Looks]:
    """Return for each step the right move, in rates, and the moves of typical mistakes."""
    eps, steps = 1e-8, []
    m = s = quick = bare = bare_square = swapped_m = swapped_s = torch.zeros_like(START)
    for t, g in enumerate(GRADIENTS, start=1):
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        bare, bare_square = 0.9 * bare + g, 0.999 * bare_square + g**2
        swapped_m, swapped_s = 0.999 * swapped_m + 0.001 * g, 0.9 * swapped_s + 0.1 * g**2
        mean, square = m / (1 - 0.9**t), s / (1 - 0.999**t)
        quick = 0.99 * quick + 0.01 * g**2
        quick_s = quick / (1 - 0.99**t)
        root = square.sqrt()
        mistakes = {
            "Where is the bias correction? Both means begin at zero.": m / (s.sqrt() + eps),
            "You correct m and not s.": mean / (s.sqrt() + eps),
            "You correct s and not m.": m / (root + eps),
            "You divide by s itself: where is the root?": mean / (square + eps),
            "Your ε stands inside the root. It belongs outside.": mean / (square + eps).sqrt(),
            "Where is ε? Without it a gradient of zero gives nan.": mean / root,
            "Your ε is not 10⁻⁸.": mean / (root + 1e-10),
            "Your ε is larger than 10⁻⁸.": mean / (root + 1e-6),
            "Your ε is added before s is corrected: correct first, then take the root, then add.": (
                mean / ((s.sqrt() + eps) / math.sqrt(1 - 0.999**t))
            ),
            "Your β₂ is 0.99; the usual one is 0.999.": mean / (quick_s.sqrt() + eps),
            "The new gradient and its square come in whole: where are the factors 1 - β₁ and "
            "1 - β₂?": bare / (1 - 0.9**t) / ((bare_square / (1 - 0.999**t)).sqrt() + eps),
            "β₁ and β₂ have changed places: the squares are remembered longer.": swapped_m
            / (1 - 0.999**t)
            / ((swapped_s / (1 - 0.9**t)).sqrt() + eps),
            "You divide the gradient, not its mean m: this is RMSprop with a correction.": g
            / (root + eps),
            "You square the mean; s is the mean of the squares.": mean / (mean.abs() + eps),
            "Is t counted, and kept in the state that you return? This corrects as at the first "
            "step.": m / 0.1 / ((s / 0.001).sqrt() + eps),
            "Your t is one too small: at the first step it is 1.": m
            / (1 - 0.9 ** max(t - 1, 1))
            / ((s / (1 - 0.999 ** max(t - 1, 1))).sqrt() + eps),
            "Every step looks like a first one: are m, s and t kept in the state that you "
            "return?": g / (g.abs() + eps),
        }
        steps.append((mean / (root + eps), mistakes))
    return steps
