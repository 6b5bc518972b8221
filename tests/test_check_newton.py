"""The checkers of the chapter on Newton's method: right answers pass, mistakes get their hint."""

import pytest
import torch

from definebyrun.check import WrongAnswer
from definebyrun.check.newton import cheapest, order, turned, update


def expanded(inverse, step, change):
    """The same update multiplied out, as Fletcher and Goldfarb wrote it."""
    curvature = step @ change
    image = inverse @ change
    return (
        inverse
        + (1 + change @ image / curvature) * torch.outer(step, step) / curvature
        - (torch.outer(step, image) + torch.outer(image, step)) / curvature
    )


def parts(inverse, step, change):
    left = torch.eye(len(step), dtype=step.dtype) - torch.outer(step, change) / (step @ change)
    return left, torch.outer(step, step) / (step @ change)


def answer(form):
    return lambda inverse, step, change: form(inverse, *parts(inverse, step, change))


def undivided(inverse, step, change):
    left = torch.eye(3, dtype=step.dtype) - torch.outer(step, change)
    return left @ inverse @ left.T + torch.outer(step, step) / (step @ change)


def exchanged(inverse, step, change):
    left, last = parts(inverse, change, step)
    return left @ inverse @ left.T + last


def rest(inverse, step, change):
    return step - inverse @ change


def dfp(h, s, y):
    return h - torch.outer(h @ y, h @ y) / (y @ h @ y) + torch.outer(s, s) / (s @ y)


def sr1(h, s, y):
    return h + torch.outer(rest(h, s, y), rest(h, s, y)) / (rest(h, s, y) @ y)


def broyden(h, s, y):
    """Broyden's update of a Hessian, inverted."""
    b = torch.linalg.inv(h)
    return torch.linalg.inv(b + torch.outer(y - b @ s, s) / (s @ s))


def second_broyden(h, s, y):
    return h + torch.outer(rest(h, s, y), y) / (y @ y)


def greenstadt(h, s, y):
    add = torch.outer(rest(h, s, y), y) / (y @ y)
    return h + add + add.T - torch.outer(y, y) * (rest(h, s, y) @ y) / (y @ y) ** 2


def powell(h, s, y):
    """Powell's symmetric update of a Hessian, inverted: a relative that has no hint of its own."""
    b = torch.linalg.inv(h)
    left = torch.outer(y - b @ s, s) / (s @ s)
    new = b + left + left.T - torch.outer(s, s) * ((y - b @ s) @ s) / (s @ s) ** 2
    return torch.linalg.inv(new)


@pytest.mark.parametrize("right", [expanded, answer(lambda h, left, own: left @ h @ left.T + own)])
def test_right_answers_pass(right, capsys):
    update(right)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (answer(lambda h, left, own: left @ h @ left.T), "last term, δ δᵀ .* is missing"),
        (answer(lambda h, left, own: left @ h @ left.T - own), "subtracted"),
        (answer(lambda h, left, own: left @ h @ left + own), "transpose of the one on the left"),
        (answer(lambda h, left, own: left.T @ h @ left + own), "factors are exchanged"),
        (answer(lambda h, left, own: left * h * left.T + own), "element by element"),
        (lambda h, s, y: expanded(h, s, y) @ y, "transposed|shape"),
        (undivided, "not divided"),
        (exchanged, "exchanged"),
        (lambda h, s, y: s @ y, "outer product"),
        (lambda h, s, y: h, "the change must be the step"),
        (dfp, "Fletcher and Powell .*another one"),
        (sr1, "rank one .*need not stay positive definite"),
        (broyden, "Broyden's update.*no longer symmetric"),
        (second_broyden, "Broyden's second update.*no longer symmetric"),
        (greenstadt, "Greenstadt"),
        (powell, "symmetric and sends the change to the step, as it should, but many"),
        (lambda h, s, y: torch.outer(s, y) / (y @ y), "as it should be, but .* not symmetric"),
        (lambda h, s, y: None, "Is there a return"),
        (lambda h, s, y: torch.linalg.inv(h).add_(1), "must be the step"),
        (lambda h, s, y: h.add_(torch.outer(s, s)), "changes h"),
    ],
)
def test_mistakes_get_their_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=hint):
        update(wrong)


def along_axes(divide):
    """Divide the parts of the gradient along the model's axes."""

    def step(gradient, hessian, least):
        curvatures, axes = torch.linalg.eigh(hessian)
        return -axes @ (axes.T @ gradient / divide(curvatures, least))

    return step


sized = along_axes(lambda c, least: c.abs().clamp(min=least))


def axis_by_axis(gradient, hessian, least):
    """The same step as a sum, with a loop."""
    step = torch.zeros_like(gradient)
    curvatures, axes = torch.linalg.eigh(hessian)
    for c, axis in zip(curvatures.tolist(), axes.T, strict=True):
        step -= axis * (axis @ gradient) / max(abs(c), least)
    return step


def rebuilt(gradient, hessian, least):
    """The same step from a Hessian that is put together again."""
    curvatures, axes = torch.linalg.eigh(hessian)
    turned_back = axes @ curvatures.abs().clamp(min=least).diag() @ axes.T
    return -torch.linalg.solve(turned_back, gradient)


@pytest.mark.parametrize("right", [sized, axis_by_axis, rebuilt])
def test_every_way_to_a_step_that_leads_down_passes(right, capsys):
    turned(right)
    assert capsys.readouterr().out.startswith("Right: ")


def rows(gradient, hessian, least):
    curvatures, axes = torch.linalg.eigh(hessian)
    return -axes.T @ (axes @ gradient / curvatures.abs().clamp(min=least))


def not_back(gradient, hessian, least):
    curvatures, axes = torch.linalg.eigh(hessian)
    return -(axes.T @ gradient) / curvatures.abs().clamp(min=least)


def not_there(gradient, hessian, least):
    curvatures, axes = torch.linalg.eigh(hessian)
    return -axes @ (gradient / curvatures.abs().clamp(min=least))


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda g, h, least: -torch.linalg.solve(h, g), "pure Newton step"),
        (lambda g, h, least: -sized(g, h, least), "your step leads up"),
        (along_axes(lambda c, least: c.abs()), "tiny"),
        (along_axes(lambda c, least: c.clamp(min=least)), "Take the size first"),
        (along_axes(lambda c, least: c.abs() + least), "add least"),
        (
            along_axes(lambda c, least: c.sign() * c.abs().clamp(min=least)),
            "keep their signs|pure Newton step",
        ),
        (along_axes(lambda c, least: 1 / c.abs().clamp(min=least)), "multiply"),
        (rows, "they are its columns|not turned back|divide the entries"),
        (not_back, "turned back|divide the entries|only turn back"),
        (not_there, "only turn back|divide the entries"),
        (lambda g, h, least: -g / h.diagonal().abs().clamp(min=least), "diagonal"),
        (lambda g, h, least: -torch.linalg.solve(h + least * torch.eye(3).to(h), g), "add least"),
        (lambda g, h, least: g @ g, "one number"),
        (lambda g, h, least: -g, "Try a diagonal Hessian"),
        (lambda g, h, least: h, "matrix"),
        (lambda g, h, least: None, "Is there a return"),
    ],
)
def test_wrong_steps_get_their_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=f"(?i){hint}"):
        turned(wrong)


def from_logs(distances):
    logs = distances.log()
    return (logs[-1] - logs[-2]) / (logs[-2] - logs[-3])


@pytest.mark.parametrize(
    "right",
    [
        from_logs,
        lambda e: (e[-1] / e[-2]).log10() / (e[-2] / e[-3]).log10(),
        lambda e: from_logs(e).item(),
        lambda e: (e[-1] / e[-2]).log() / (e[-2] / e[-3]).log(),
    ],
)
def test_every_way_to_the_order_passes(right, capsys):
    order(right)
    assert capsys.readouterr().out.startswith("Right: ")


def fitted(x, y):
    return ((x - x.mean()) @ (y - y.mean())) / (x - x.mean()).square().sum()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda e: e[-1] / e[-2], "ratio of two distances"),
        (lambda e: e[-1].log() / e[-2].log(), "only if C is 1"),
        (lambda e: 1 / from_logs(e), "upside down"),
        (lambda e: from_logs(e[:3]), "first three"),
        (lambda e: fitted(e[:-1].log(), e[1:].log()), "fit all the distances"),
        (lambda e: fitted(torch.arange(len(e)).to(e), e.log()), "number of the step"),
        (lambda e: e[-1] / e[-2] ** 2, "constant C"),
        (lambda e: (e[-1] - e[-2]) / (e[-2] - e[-3]), "falls of the distances"),
        (lambda e: (e[-1] / e[-2]).log(), "fall of the logarithm in one step"),
        (lambda e: e[-1] * e[-3] / e[-2] ** 2, "without their logarithms"),
        (lambda e: 1.7, "gives 1.7 for walks of the orders .* alike"),
        (lambda e: 2.0, "gives 2 for walks of the orders .* alike"),
        (lambda e: from_logs(e) + 0.1, "expected 2.*two steps in a row"),
        (lambda e: from_logs(e)[None], "one number"),
        (lambda e: None, "Is there a return"),
    ],
)
def test_wrong_orders_get_their_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=f"(?i){hint}"):
        order(wrong)


def chooser(*, product=3, row=3, cube=2 / 3, number=8, start=1):
    """Return a choice by cost; each argument spoils one part of it."""

    def choose(n, gradient, memory, steps, products):
        work = {
            "gradient descent": steps["gradient descent"] * gradient,
            "Newton-CG": steps["Newton-CG"] * (start + product * products) * gradient,
        }
        if number * n**2 <= memory:
            work["Newton"] = steps["Newton"] * ((start + row * n) * gradient + cube * n**3)
        return min(work, key=work.get)

    return choose


@pytest.mark.parametrize("cube", [2 / 3, 1 / 3])
def test_the_right_choice_passes_also_with_the_price_of_cholesky(cube, capsys):
    cheapest(chooser(cube=cube))
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (chooser(row=0), "has to be formed"),
        (chooser(row=1), "has to be formed"),
        (chooser(cube=0), "n cubed"),
        (chooser(number=0), "do not fit"),
        (chooser(number=4), "do not fit"),
        (chooser(product=1), "three gradients"),
        (chooser(product=0), "more products|Count them all"),
        (chooser(start=0), "begins with a gradient"),
        (lambda n, g, m, steps, p: min(steps, key=steps.get), "fewest steps"),
        (lambda n, g, m, steps, p: "Newton-CG", "more products"),
        (lambda n, g, m, steps, p: "BFGS", "one of the names"),
        (lambda n, g, m, steps, p: 3.0, "one of the names"),
        (lambda n, g, m, steps, p: None, "one of the names"),
    ],
)
def test_wrong_choices_get_their_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=hint):
        cheapest(wrong)
