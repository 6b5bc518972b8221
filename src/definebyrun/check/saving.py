"""Checks answers to the exercises of the chapter on saving, loading and predicting."""

import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, call, run
from definebyrun.training.checkpoint import load_checkpoint, save_checkpoint


@dataclass
class Run:
    """A run of training that stops early and keeps a running mean of its weights.

    Attributes:
        model: a network with batch normalisation and dropout.
        optimizer: of its parameters.
        schedule: of the optimizer's learning rate.
        order: draws the batches.
        average: the running mean of each tensor of the model's state.
        best: the smallest validation loss so far.
        waited: the number of epochs since then.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    order: torch.Generator
    average: dict[str, Tensor]
    best: float = float("inf")
    waited: int = 0


def resumes(pack: Callable[[Run], Any], unpack: Callable[[Any, Run], Any]) -> None:
    """Check that a run that was packed into a file and unpacked again goes on to the last bit.

    Args:
        pack: the reader's function of a run; it returns a dictionary for ``save_checkpoint``.
        unpack: the reader's function of that dictionary, as it comes from ``load_checkpoint``,
            and of a run that has just begun, which it brings to where the first one was.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    if not (callable(pack) and callable(unpack)):
        raise WrongAnswer("Hand over the two functions themselves, without calling them.")
    half, end, loaded, after = call(lambda: _carried(pack, unpack), rules=_RULES)
    for part, hint in _MISSED.items():
        if not _same(half[part], loaded[part]):
            raise WrongAnswer(f"After unpacking {part} is not as it was in the run. {hint}")
    if not _same(end, after):
        raise WrongAnswer(
            "After unpacking all is as it was, and yet the new run goes on differently. Load into "
            "the objects that it has, rather than put others in their place."
        )
    print("Right: the run goes on as if it had never stopped.")


def _carried(
    pack: Callable[[Run], Any], unpack: Callable[[Any, Run], Any]
) -> tuple[dict[str, Any], ...]:
    """Return the states of a run that never stops, and of one that is carried over on the way."""
    whole = _begin(seed=0)
    _train(whole, epochs=4)
    half = _state(whole)
    _train(whole, epochs=3)
    stopped = _begin(seed=0)
    _train(stopped, epochs=4)
    parts = pack(stopped)
    if not isinstance(parts, dict) or not all(isinstance(name, str) for name in parts):
        raise WrongAnswer("pack should return a dictionary: for each part its name and its state.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.pt"
        save_checkpoint(file, parts)
        fresh = _begin(seed=1)
        unpack(load_checkpoint(file), fresh)
    loaded = _state(fresh)
    _train(fresh, epochs=3)
    return half, _state(whole), loaded, _state(fresh)


_RULES = Rules(
    errors={
        "is no pure data": "The file may hold numbers, text and tensors only, no whole objects: "
        "of those save the state_dict() or get_state()."
    }
)
_MISSED = {
    "the model": "Its state_dict() holds the weights and the running means.",
    "the optimizer": "It remembers means of past gradients, and the rate.",
    "the schedule": "It counts its steps.",
    "the average": "A mean of past weights cannot be computed from the present ones.",
    "best": "The next epoch would pass for the best.",
    "waited": "The patience would begin anew.",
    "the order": "Which batches come next? A generator has get_state() and set_state().",
    "the dropout": "It draws from PyTorch's global random numbers. They come last: whatever else "
    "draws a number moves them.",
}


def _begin(seed: int) -> Run:
    """Return a run before its first step."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    return Run(
        model,
        optimizer,
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100),
        torch.Generator().manual_seed(seed),
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
    )


def _train(run: Run, epochs: int) -> None:
    """Go on with a run, five steps an epoch, on data that is always the same.

    What is learned is wrong for validation, so that its loss rises and the run has to wait.
    """
    x = torch.randn(60, 6, generator=torch.Generator().manual_seed(7))
    y = torch.cat([x[:40, :3].argmax(dim=1), x[40:, :3].argmin(dim=1)])
    for _ in range(epochs):
        for _ in range(5):
            picked = torch.randint(40, (16,), generator=run.order)
            run.optimizer.zero_grad()
            F.cross_entropy(run.model(x[picked]), y[picked]).backward()
            run.optimizer.step()
            run.schedule.step()
            for name, tensor in run.model.state_dict().items():
                if tensor.is_floating_point():
                    run.average[name].lerp_(tensor, 0.1)
        run.model.eval()
        with torch.no_grad():
            loss = F.cross_entropy(run.model(x[40:]), y[40:]).item()
        run.model.train()
        run.waited = 0 if loss < run.best else run.waited + 1
        run.best = min(loss, run.best)


def _state(run: Run) -> dict[str, Any]:
    """Return a copy of all that a run remembers."""
    return copy.deepcopy(
        {
            "the model": run.model.state_dict(),
            "the optimizer": run.optimizer.state_dict(),
            "the schedule": run.schedule.state_dict(),
            "the average": run.average,
            "best": run.best,
            "waited": run.waited,
            "the order": run.order.get_state(),
            "the dropout": torch.get_rng_state(),
        }
    )


def _same(one: Any, other: Any) -> bool:
    """Say whether two states are equal in every bit."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(_same(each, other[name]) for name, each in one.items())
        )
    if isinstance(one, list | tuple):
        return (
            isinstance(other, list | tuple)
            and len(one) == len(other)
            and all(map(_same, one, other))
        )
    return type(one) is type(other) and bool(one == other)


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
        (
            torch.tensor([1.0, 1.0, 0.95, 0.45, 0.42]),
            torch.tensor([False, False, True, False, True]),
        ),
    ):
        place = (confidence * 10).long()
        eleventh, _, _ = _weighed(confidence, right, place)
        truth, shares, gaps = _weighed(confidence, right, place.clamp(max=9))
        middles, _, _ = _weighed((place.clamp(max=9) + 0.5) / 10, right, place.clamp(max=9))
        mistakes = {
            "A 1.0 belongs into the last bin, [0.9, 1], with the others: clamp.": eleventh,
            "Take the mean of the confidences in the bin, not the middle of the bin.": middles,
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
            look="Sort the answers into the ten bins by hand."
            + (" In which does a 1.0 belong?" if 1.0 in confidence else ""),
            not_finite="The mean of an empty bin is nan: skip the bin.",
            case=f"probabilities {[round(c, 2) for c in confidence.tolist()]}",
        )
    print("Right: the gap between what was promised and what was kept.")


def _weighed(confidence: Tensor, right: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the error over the bins named by ``place``, and each bin's share and gap."""
    full = [place == bin for bin in place.unique()]
    gaps = torch.stack([confidence[b].mean() - right[b].float().mean() for b in full])
    shares = torch.stack([b.float().mean() for b in full])
    return (shares * gaps.abs()).sum(), shares, gaps
