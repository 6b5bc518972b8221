"""Checks the exercise of the chapter on Newton's method."""

from collections.abc import Callable
from typing import Any

import torch

from definebyrun.check.run import run
from definebyrun.scratch.minimise import bfgs_update


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
    run(
        answer,
        inverse,
        step,
        change,
        truth=bfgs_update(inverse, step, change),
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
        },
        look="Test it yourself: your matrix times the change must be the step.",
        shapes={(): "The outer product of two vectors is a matrix; step @ change is one number."},
        tolerance=1e-9,
        case="3 weights",
    )
    print("Right: symmetric, and it sends the change of the gradient to the step.")
