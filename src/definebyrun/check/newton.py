"""Checks the exercises of the chapter on Newton's method."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import call, compare, run
from definebyrun.scratch.minimise import bfgs_update


def turned(answer: Callable[..., Any]) -> None:
    """Check a Newton step that divides by the sizes of the curvatures, so that it leads down.

    Args:
        answer: called as ``answer(gradient, hessian, least)`` with float64 tensors of shapes (n,)
            and (n, n) and a positive number; returns the step, shape (n,).

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    half = math.sqrt(0.5)
    turn = torch.tensor(
        [[half, half, 0.0], [-half * 0.6, half * 0.6, 0.8], [half * 0.8, -half * 0.8, 0.6]],
        dtype=torch.float64,
    )
    gradient = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    cases = {
        "a bowl along the axes": torch.tensor([1.0, 2.0, 4.0]).diag(),
        "a saddle along the axes": torch.tensor([2.0, -4.0, 5.0]).diag(),
        "a bowl with turned axes": turn @ torch.tensor([1.0, 2.0, 4.0]).diag().to(turn) @ turn.T,
        "a saddle with turned axes": turn @ torch.tensor([2.0, -4.0, 5.0]).diag().to(turn) @ turn.T,
        "a valley with a floor that hardly bends": turn
        @ torch.tensor([3.0, -0.01, 1e-3]).diag().to(turn)
        @ turn.T,
    }
    for case, hessian in cases.items():
        _turn(answer, gradient, hessian.to(torch.float64), 0.1, case)
    print("Right: divided by the size of its curvature, every part of the step leads down.")


def _turn(
    answer: Callable[..., Any], gradient: Tensor, hessian: Tensor, least: float, case: str
) -> None:
    """Compare a step of the answer with the right one and with the typical wrong ones."""
    curvatures, axes = torch.linalg.eigh(hessian)
    sizes = curvatures.abs().clamp(min=least)
    parts = axes.T @ gradient

    def along(divisors: Tensor) -> Tensor:
        step: Tensor = -axes @ (parts / divisors)
        return step

    truth = along(sizes)
    mistakes = {
        "The sign is wrong: your step leads up. It has to lead against the gradient.": -truth,
        "This is the pure Newton step: where a curvature is negative it leads up that axis. Divide "
        "by the size of each curvature.": along(curvatures),
        "Nothing keeps the divisor from being tiny: a size below least counts as least.": along(
            curvatures.abs()
        ),
        "A negative curvature becomes least here, and the step along its axis huge. Take the size "
        "first, and then see that it is at least least.": along(curvatures.clamp(min=least)),
        "You add least to every size. A size above least stays what it is.": along(
            curvatures.abs() + least
        ),
        "The curvatures keep their signs, and only their sizes are bounded: a step up a negative "
        "axis is still a step up.": along(sizes * curvatures.sign()),
        "The rows of your matrix of axes are taken for the axes. With curvatures, axes = "
        "torch.linalg.eigh(hessian) they are its columns, so the parts of the gradient are "
        "axes.T @ gradient.": -axes.T @ (axes @ gradient / sizes),
        "You divide the entries of the gradient by the curvatures. First turn the gradient to the "
        "axes of the model, divide, and turn back.": -gradient / sizes,
        "The parts of the gradient are divided, but not turned back from the axes of the model.": (
            -parts / sizes
        ),
        "Turn to the axes first: axes.T @ gradient gives the parts. You only turn back.": -axes
        @ (gradient / sizes),
        "You divide by the diagonal of the Hessian. Its curvatures are the eigenvalues, and they "
        "belong to axes of their own.": -gradient / hessian.diagonal().abs().clamp(min=least),
        "You take the size of each entry of the Hessian. The curvatures are its eigenvalues.": (
            -torch.linalg.pinv(hessian.abs()) @ gradient
        ),
        "You multiply by the sizes. The slope is divided by the curvature.": -axes
        @ (parts * sizes),
    }
    run(
        answer,
        gradient,
        hessian,
        least,
        truth=truth,
        mistakes={
            hint: wrong for hint, wrong in mistakes.items() if not torch.allclose(wrong, truth)
        },
        look="Try a diagonal Hessian by hand: each entry of the gradient divided by the size of "
        "its curvature, or by least, with a minus before it.",
        shapes={
            tuple(hessian.shape): "You return a matrix; the step has one number for each weight.",
            (): "You return one number; the step has one for each weight.",
        },
        tolerance=1e-8,
        case=case,
    )


def order(answer: Callable[..., Any]) -> None:
    """Check the order of convergence, measured from the last three distances of a walk.

    Args:
        answer: called as ``answer(distances)`` with a float64 tensor of at least three positive
            distances, the last ones small; returns the order, one number.

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    walks = {}
    for p, factor, first in ((2.0, 1.0, 0.3), (1.0, 0.5, 1.0), (2.0, 900.0, 8e-4), (3.0, 0.2, 0.5)):
        distances = [first]
        for _ in range(3):
            distances.append(factor * distances[-1] ** p)
        far = [30.0, 2.0 * first, 1.5 * first]
        case = f"distances with order {p:.0f} and C = {factor:g}"
        walks[case] = torch.tensor([*far, *distances], dtype=torch.float64)
    _refuse_constant([call(answer, walk) for walk in walks.values()])
    for case, walk in walks.items():
        _order(answer, walk, case)
    print("Right: the order, whatever the constant C.")


def _refuse_constant(given: list[Any]) -> None:
    """Refuse one and the same number for walks of different orders."""
    numbers = [
        g if isinstance(g, float) else g.item()
        for g in given
        if isinstance(g, float) or (isinstance(g, Tensor) and g.ndim == 0 and g.is_floating_point())
    ]
    if len(numbers) == len(given) and len(set(numbers)) == 1:
        raise WrongAnswer(
            f"Your function gives {numbers[0]:.4g} for walks of the orders one, two and three "
            "alike. Compute the order from the distances: write e_new = C e^p for two steps in a "
            "row, take logarithms, and subtract."
        )


def _order(answer: Callable[..., Any], walk: Tensor, case: str) -> None:
    """Compare an order with the right one and with the typical wrong ones."""
    logs = walk.log()
    falls = logs.diff()
    x, y = logs[:-1], logs[1:]
    steps = torch.arange(len(walk)).to(walk)
    truth = falls[-1] / falls[-2]

    def slope(x: Tensor, y: Tensor) -> Tensor:
        return ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()

    mistakes = {
        "This is the ratio of two distances. It is a fixed number only when the order is one: how "
        "do the logarithms go?": walk[-1] / walk[-2],
        "You divide one logarithm by the one before. That is the order only if C is 1: with two "
        "steps you can get rid of C.": logs[-1] / logs[-2],
        "The fraction is upside down: the later fall of the logarithm is divided by the earlier.": (
            falls[-2] / falls[-1]
        ),
        "You use the first three distances. Far from the goal no order shows; use the last.": (
            falls[1] / falls[0]
        ),
        "You fit all the distances. Far from the goal no order shows; use the last three.": slope(
            x, y
        ),
        "This is the slope against the number of the step. Compare each logarithm with the one "
        "before it.": slope(steps, logs),
        "This is the constant C of order two, not the order.": walk[-1] / walk[-2] ** 2,
        "You compare the falls of the distances. Their logarithms are what falls p times as far.": (
            (walk[-1] - walk[-2]) / (walk[-2] - walk[-3])
        ),
        "You return the fall of the logarithm in one step. How does it compare with the fall of "
        "the step before?": falls[-1],
        "Only the distances themselves, without their logarithms, are in your fraction.": (
            walk[-1] / walk[-2] / (walk[-2] / walk[-3])
        ),
    }
    given = call(answer, walk)
    if isinstance(given, float):
        given = torch.tensor(given, dtype=torch.float64)
    compare(
        given,
        truth,
        mistakes={
            hint: wrong for hint, wrong in mistakes.items() if not torch.allclose(wrong, truth)
        },
        look="Write e_new = C e^p for two steps in a row, take logarithms, and subtract.",
        shapes={(1,): "Return one number, not a list with one: index a single place."},
        tolerance=1e-6,
        case=case,
    )


def cheapest(answer: Callable[..., Any]) -> None:
    """Check the choice of a method by what it costs and whether its matrix fits.

    Args:
        answer: called as ``answer(n, gradient, memory, steps, products)`` with the number of
            weights, the operations of a gradient, the bytes of the memory, a dict from the name of
            each method to its number of steps, and the products in a step of Newton-CG; returns
            the name of the cheapest method.

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    fewest = "The fewest steps are not the least work: multiply them by what a step costs."
    rows = (
        "H has to be formed, too: n products for its n rows, and each costs three gradients. Count "
        "them for Newton, at every step."
    )
    longer = "A step of Newton-CG takes more products here than H has rows. Count them all."
    solving = "Solving takes two thirds of n cubed operations, at every step of Newton's."
    room = "The matrix of Newton's method has n squared numbers of 8 bytes; they do not fit here."
    cases: list[tuple[int, float, float, tuple[int, int, int], int, dict[str, str]]] = [
        (20, 1e9, 1e9, (10_000, 6, 6), 100, {"Newton-CG": longer}),
        (10**6, 6e9, 8e10, (300, 4, 20), 30, {"Newton": fewest, "Newton-CG": fewest}),
        (1000, 1e6, 1e9, (20_000, 8, 10), 200, {"Newton": rows}),
        (100, 1e8, 1e9, (10_000, 5, 6), 60, {"Newton": rows}),
        (3000, 2e4, 1e9, (10**6, 5, 20), 4000, {"Newton": solving}),
        (2000, 1e9, 16e6, (200_000, 5, 10), 5000, {"Newton": room}),
        (
            50_000,
            1e8,
            1e12,
            (1000, 10, 20),
            30,
            {"Newton-CG": "A product costs three gradients, not one."},
        ),
        (
            50_000,
            1e8,
            1e12,
            (65, 10, 10),
            2,
            {"Newton-CG": "Every step of every method begins with a gradient. Count it, too."},
        ),
        (400, 1e8, 1e9, (10**6, 6, 8), 500, {"Newton-CG": longer}),
    ]
    for n, gradient, memory, steps, products, hints in cases:
        _choose(answer, n, gradient, memory, steps, products, hints)
    print("Right: the least work among what fits.")


METHODS = ("gradient descent", "Newton", "Newton-CG")


def _choose(
    answer: Callable[..., Any],
    n: int,
    gradient: float,
    memory: float,
    counts: tuple[int, int, int],
    products: int,
    hints: dict[str, str],
) -> None:
    """Compare the name that an answer gives with the right one."""
    steps = dict(zip(METHODS, counts, strict=True))
    work = {
        "gradient descent": steps["gradient descent"] * gradient,
        "Newton": steps["Newton"] * (gradient + 3 * n * gradient + 2 / 3 * n**3),
        "Newton-CG": steps["Newton-CG"] * (gradient + 3 * products * gradient),
    }
    if 8 * n**2 > memory:
        del work["Newton"]
    given = call(answer, n, gradient, memory, dict(steps), products)
    if not isinstance(given, str) or given not in METHODS:
        shown = given if isinstance(given, str) else type(given).__name__
        raise WrongAnswer(
            f"Return one of the names {', '.join(map(repr, METHODS))}. Your function gives "
            f"{str(shown)[:40]!r}."
        )
    right = min(work, key=lambda name: work[name])
    if given == right:
        return
    known = hints.get(given, "Write down what a step of each method costs, times its steps.")
    raise WrongAnswer(
        f"With {n:,} weights, {gradient:.0e} operations for a gradient, {memory:.0e} bytes, the "
        f"steps {counts} and {products} products you choose {given!r}, which is not the cheapest. "
        f"{known}"
    )


def update(answer: Callable[..., Any]) -> None:
    """Check the update of an inverse Hessian by the formula of BFGS.

    Args:
        answer: called as ``answer(inverse, step, change)`` with float64 tensors of shapes (n, n),
            (n,) and (n,); returns the new inverse Hessian, shape (n, n).

    Raises:
        WrongAnswer: with a hint that fits the mistake.
    """
    inverse = torch.tensor(
        [[2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 3.0]], dtype=torch.float64
    )
    step = torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)
    change = torch.tensor([0.5, 0.75, 1.0], dtype=torch.float64)
    curvature = step @ change
    identity = torch.eye(3, dtype=torch.float64)
    left = identity - torch.outer(step, change) / curvature
    other = identity - torch.outer(change, step) / curvature
    own = torch.outer(step, step) / curvature
    turned = left.T @ inverse @ left + torch.outer(change, change) / curvature
    given = call(answer, inverse, step, change)
    compare(
        given,
        bfgs_update(inverse, step, change),
        mistakes={
            "The last term, δ δᵀ / (δᵀ Δ), is missing.": left @ inverse @ left.T,
            "The last term is not divided by δᵀ Δ.": left @ inverse @ left.T + own * curvature,
            "Your outer products are not divided by δᵀ Δ.": (identity - torch.outer(step, change))
            @ inverse
            @ (identity - torch.outer(change, step))
            + own,
            "Step and change are exchanged. This is the update of a Hessian; the inverse has δ "
            "where the Hessian has Δ.": turned,
            "The factor on the right is the transpose of the one on the left.": left
            @ inverse
            @ left
            + own,
            "The two factors are exchanged: on the left stands δ Δᵀ, on the right Δ δᵀ.": other
            @ inverse
            @ other.T
            + own,
            "You multiply element by element; a product of matrices is written @.": left
            * inverse
            * left.T
            + own,
            "The last term is subtracted; it is added.": left @ inverse @ left.T - own,
            **_relatives(inverse, step, change),
        },
        look=_missing(given, step, change),
        shapes={(): "The outer product of two vectors is a matrix; step @ change is one number."},
        tolerance=1e-9,
        case="3 weights",
    )
    print(
        "Right: among the matrices that send the change of the gradient to the step, that of BFGS."
    )


def _relatives(inverse: Tensor, step: Tensor, change: Tensor) -> dict[str, Tensor]:
    """Return what other updates give that send the change to the step, with a hint for each."""
    image = inverse @ change
    rest = step - image
    square = change @ change
    small = torch.outer(rest, change) / square
    wanted = "The formula of the exercise has B between two brackets, and then one term more."
    return {
        "This is the update of Davidon, Fletcher and Powell (DFP): it sends the change to the "
        f"step, but it is another one. {wanted}": inverse
        - torch.outer(image, image) / (change @ image)
        + torch.outer(step, step) / (step @ change),
        "This is the symmetric update of rank one (SR1): it sends the change to the step, but it "
        f"need not stay positive definite. {wanted}": inverse
        + torch.outer(rest, rest) / (rest @ change),
        "This is Broyden's update: it sends the change to the step, but the matrix is no longer "
        f"symmetric. {wanted}": inverse + torch.outer(rest, step @ inverse) / (step @ image),
        "This is Broyden's second update: it sends the change to the step, but the matrix is no "
        f"longer symmetric. {wanted}": inverse + small,
        "This is Greenstadt's update: it sends the change to the step, but it need not stay "
        f"positive definite. {wanted}": inverse
        + small
        + small.T
        - (rest @ change) / square**2 * torch.outer(change, change),
    }


def _missing(given: Any, step: Tensor, change: Tensor) -> str:
    """Say which property of the update a result lacks, as far as it is a matrix at all."""
    if not isinstance(given, Tensor) or given.shape != (len(step), len(step)):
        return ""
    matrix = given.detach().to(step)
    if not torch.allclose(matrix @ change, step, atol=1e-6):
        return "Test it yourself: your matrix times the change must be the step."
    if not torch.allclose(matrix, matrix.T, atol=1e-6):
        return (
            "Your matrix times the change is the step, as it should be, but the matrix is not "
            "symmetric. The right bracket is the transpose of the left one."
        )
    return (
        "Your matrix is symmetric and sends the change to the step, as it should, but many "
        "matrices do. Compare with the formula: B stands between the two brackets, and the last "
        "term is δ δᵀ / (δᵀ Δ)."
    )
