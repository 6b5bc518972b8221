"""Checks the exercise of the chapter on Newton's method."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.run import call, compare
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
