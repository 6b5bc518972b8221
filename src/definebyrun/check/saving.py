"""Checks answers to the exercise of the chapter on saving, loading and predicting."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from definebyrun.check.run import run


def calibration_error(answer: Callable[[Tensor, Tensor], Any]) -> None:
    """Check the mean gap between confidence and accuracy over ten bins.

    Args:
        answer: the reader's function of the probabilities given to the answers, shape (n,), and
            of whether each was right, bool of shape (n,).

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    for confidence, right in (
        (
            torch.tensor([0.95, 0.97, 0.91, 0.99, 0.45, 0.42, 0.63, 0.67]),
            torch.tensor([True, True, False, True, False, True, False, True]),
        ),
        (torch.tensor([0.55, 0.58]), torch.tensor([False, False])),
        (torch.tensor([1.0, 0.99, 0.31]), torch.tensor([True, True, False])),
        (torch.tensor([1.0, 1.0, 0.95]), torch.tensor([False, False, True])),
    ):
        place = (confidence * 10).long().clamp(max=9)
        full = [place == bin for bin in range(10) if (place == bin).any()]
        gaps = torch.stack([confidence[b].mean() - right[b].float().mean() for b in full])
        shares = torch.tensor([b.float().mean().item() for b in full])
        truth = (shares * gaps.abs()).sum()
        mistakes = {
            "A bin with more answers has more say: weigh each gap by its share.": gaps.abs().mean(),
            "Bins that boast and bins that are shy cancel in your result: take the absolute value "
            "of each bin's gap, not of the whole.": (shares * gaps).sum().abs(),
            "Take the absolute value of each bin's gap, or the bins cancel.": (shares * gaps).sum(),
            "You compare each answer by itself: first the means within a bin.": (
                confidence - right.float()
            )
            .abs()
            .mean(),
            "The empty bins have no say: divide by the answers, not by ten.": gaps.abs().sum() / 10,
        }
        run(
            answer,
            confidence,
            right,
            truth=truth,
            mistakes={
                hint: wrong for hint, wrong in mistakes.items() if (wrong - truth).abs() > 1e-4
            },
            look="Sort the answers into the ten bins by hand. In which does a 1.0 belong?",
            not_finite="The mean of an empty bin is nan: skip the bin.",
            case=f"probabilities {[round(c, 2) for c in confidence.tolist()]}",
        )
    print("Right: the gap between what was promised and what was kept.")
