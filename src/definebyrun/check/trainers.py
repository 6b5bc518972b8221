"""Checks answers to the exercises of the chapter on trainers and repeatability."""

from collections.abc import Callable, Sequence

from definebyrun.check.run import run


def weights(answer: Callable[[int, int], tuple[float, float]]) -> None:
    """Check how much more than its share an image weighs in the mean of batch means.

    Args:
        answer: the reader's function of the number of images and the size of a batch; it returns
            the factor of the images of full batches and that of the last batch.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    names = ("the factor of the other images", "the factor of the last batch")
    for n, size in ((10_000, 256), (10, 4), (11, 10), (12, 4)):
        count = -(-n // size)
        last = n - (count - 1) * size
        truth = (n / (count * size), n / (count * last))
        mistakes = {
            "The two are exchanged: first the other images, then the last batch.": truth[::-1],
            "These are the shares themselves; how do they compare with 1 / n?": (
                1 / (count * size),
                1 / (count * last),
            ),
            "These are the factors upside down: divide the weight that an image has by the one "
            "that it should have.": (1 / truth[0], 1 / truth[1]),
            "The last batch counts as a batch too, however small: round up.": (
                n / (n // size * size),
                n / (n // size * last),
            ),
            "The other images do not keep the weight they should have: the last batch takes from "
            "them.": (1.0, size / last),
        }
        run(
            answer,
            n,
            size,
            truth=truth,
            names=names,
            mistakes={hint: wrong for hint, wrong in mistakes.items() if wrong != truth},
            look="Work 10 images in batches of 4 by hand.",
            tolerance=1e-9,
            case=f"{n} images in batches of {size}",
        )
    print("Right: the last images weigh too much, and all others a little too little.")


def stopping(answer: Callable[[list[float], int], tuple[int, int]]) -> None:
    """Check after which epoch early stopping ends, and which epoch's weights are kept.

    Args:
        answer: the reader's function of the validation losses and the patience; it returns two
            epochs counted from 1.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    for losses, patience in (
        ([3.0, 2.0, 2.5, 2.75, 2.9, 1.0], 2),
        ([3.0, 2.0, 2.5, 2.25, 2.4, 2.45, 1.0], 2),
        ([3.0, 2.0, 2.0, 2.0, 2.5, 2.5, 1.0], 2),
        ([3.0, 2.0, 2.5, 1.5, 1.75, 1.25, 2.0, 3.0, 4.0, 1.0], 3),
        ([3.0, 2.0, 1.0], 2),
        ([1.0, 2.0, 0.5], 1),
    ):
        truth = _stopping(losses, patience)
        lowest = losses.index(min(losses)) + 1
        mistakes = {
            "The two are exchanged: first where it stops, then what is kept.": truth[::-1],
            "The epochs are counted from 1, not from 0.": (truth[0] - 1, truth[1] - 1),
            "You keep the last weights; the point is to go back to the best.": (truth[0],) * 2,
            "You never stop: after so many epochs without improvement the rest is not run.": (
                len(losses),
                lowest,
            ),
            "You keep an epoch that is never run: the training had stopped before.": (
                truth[0],
                lowest,
            ),
            "You stop one epoch too late: when so many epochs have passed without improvement, "
            "the patience is over.": _stopping(losses, patience + 1),
            "A loss that is only equal to the best is no improvement.": _stopping(
                losses, patience, equal=True
            ),
            "Compare with the best loss so far, not with the epoch before.": _against_last(
                losses, patience
            ),
        }
        run(
            answer,
            losses,
            patience,
            truth=truth,
            names=("the epoch after which it stops", "the epoch that is kept"),
            mistakes={hint: wrong for hint, wrong in mistakes.items() if wrong != truth},
            look="Go through the losses with a finger and count the epochs since the best.",
            case=f"losses {losses} and patience {patience}",
        )
    print("Right: it stops when the patience is over, and goes back to the best epoch.")


def _stopping(losses: Sequence[float], patience: int, *, equal: bool = False) -> tuple[int, int]:
    best, kept = losses[0], 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < best or (equal and loss == best):
            best, kept = loss, epoch
        if epoch - kept >= patience:
            return epoch, kept
    return len(losses), kept


def _against_last(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Stop as :func:`_stopping` does, but take every loss below its predecessor for the best."""
    kept = 1
    for epoch in range(2, len(losses) + 1):
        if losses[epoch - 1] < losses[epoch - 2]:
            kept = epoch
        if epoch - kept >= patience:
            return epoch, kept
    return len(losses), kept
