"""Training a network: the loop that the chapter on the multilayer perceptron spells out."""

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from definebyrun.data.batches import batches
from definebyrun.data.split import Examples
from definebyrun.device import choose_device
from definebyrun.training.checks import check_data, check_labels, check_optimizer
from definebyrun.training.evaluate import Score, evaluate, predict
from definebyrun.training.progress import progress_bar

Optimizers = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
adam: Optimizers = partial(torch.optim.Adam, lr=1e-3, fused=True)


@dataclass
class History:
    """What a training run measured. Two histories are equal when all but their seconds are.

    Attributes:
        train_loss, train_accuracy: for each epoch the mean over the training images, measured
            on the way: in training mode, augmented, while the weights changed.
        valid_loss, valid_accuracy: the same for the validation images, after each epoch, in
            evaluation mode; empty when there are none.
        batch_loss, batch_accuracy: for each update the mean over its batch.
        seconds: for each epoch how long it took, validation included.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    batch_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list, compare=False)

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 0, with the smallest validation loss.

        Raises:
            ValueError: there is no validation loss, or none that is a number.
        """
        numbers = [loss for loss in self.valid_loss if not math.isnan(loss)]
        if not numbers:
            raise ValueError(f"valid_loss is {self.valid_loss}; expected at least one number in it")
        return self.valid_loss.index(min(numbers))

    def __str__(self) -> str:
        """One line about the last epoch."""
        if not self.train_loss:
            return "no epoch is complete"
        line = (
            f"epoch {len(self.train_loss)}: "
            f"training loss {self.train_loss[-1]:.3f}, accuracy {self.train_accuracy[-1]:.3f}"
        )
        if self.valid_loss:
            line += (
                f"; validation loss {self.valid_loss[-1]:.3f}, "
                f"accuracy {self.valid_accuracy[-1]:.3f}"
            )
        return line


def step(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    precision: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Improve a network by one batch: predict, loss, gradient, update.

    Args:
        model: turns images into scores; in training mode.
        images: shape (n, ...).
        labels: shape (n,), int64, on the same device.
        optimizer: updates the parameters of the model.
        criterion: turns scores, float32, and labels into a loss.
        precision: what the network computes in where autocast finds that safe; the weights and
            the loss stay float32.

    Returns:
        The loss before the update, and the share of right answers: both of shape ().
    """
    with torch.autocast(images.device.type, precision, enabled=precision != torch.float32):
        scores = model(images)
    loss = criterion(scores.float(), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach(), (scores.argmax(dim=1) == labels).float().mean()


def fit(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor] | None = None,
    *,
    epochs: int = 5,
    batch_size: int = 32,
    optimizer: torch.optim.Optimizer | Optimizers = adam,
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    schedule: Callable[[float], float] | None = None,
    augment: Callable[..., Tensor] | None = None,
    patience: int | None = None,
    device: torch.device | str | None = None,
    precision: torch.dtype = torch.float32,
    seed: int = 0,
    quiet: bool = False,
) -> History:
    """Train a network in place. The same seed on the same CPU gives bitwise the same history.

    The data is moved to the device once, as a whole. The network stays there afterwards, in
    training mode. Arguments that cannot work are refused before anything is changed.

    Ctrl-C ends the training with a warning: what was measured in the complete epochs is returned
    as ever, and with patience the best weights are back.

    Args:
        model: turns images into scores; every parameter with a gradient is trained.
        train: images, shape (n, ...), float32, and labels, shape (n,), int64.
        valid: the same for validation; measured after each epoch, never trained on.
        epochs: how often to go through the training images; each time in a new random order.
        batch_size: images an update; what is left over at the end makes a smaller batch. A batch
            of one image is refused by batch normalisation.
        optimizer: an optimizer of the model's parameters, or a function that makes one from them;
            Adam with learning rate 0.001 when left out.
        criterion: turns scores and labels into the loss to be made small.
        schedule: turns the share of the updates done, 0 to 1, into a factor on the learning rate.
        augment: changes a batch of training images; it is called with the images and
            ``generator=`` a CPU generator for its randomness.
        patience: stop after so many epochs without a smaller validation loss, and in any case go
            back to the weights with the smallest. A loss that is not a number is never the
            smallest; if none is a number, these are the weights before the training.
        device: where to compute, such as ``"cpu"``; :func:`~definebyrun.device.choose_device` when
            left out.
        precision: ``torch.float32``, or ``torch.bfloat16`` by autocast.
        seed: of the order of the images, the augmentation, and the network's own randomness
            (dropout). It does not touch the first weights, nor PyTorch's global generator.
        quiet: show no bar and print no line.

    Returns:
        What was measured on the way.

    Raises:
        ValueError: an argument is out of range, images are not finite, labels lie outside the
            classes that the model has scores for, the optimizer holds none of the model's
            parameters, or patience comes without validation images.
    """
    _check_settings(epochs, batch_size, patience, precision, valid is not None)
    _check_sets(model, {"train": train} if valid is None else {"train": train, "valid": valid})
    if isinstance(optimizer, torch.optim.Optimizer):
        check_optimizer(optimizer, model)
    device = choose_device() if device is None else torch.device(device)
    model.to(device)
    examples = Examples(*(part.to(device) for part in train))
    if not isinstance(optimizer, torch.optim.Optimizer):
        optimizer = optimizer(p for p in model.parameters() if p.requires_grad)
        check_optimizer(optimizer, model)
    steps = epochs * -(-len(examples.labels) // batch_size)
    scheduler = None
    if schedule is not None:
        scheduler = LambdaLR(optimizer, lambda done: schedule(done / steps))
    generator = torch.Generator().manual_seed(seed)
    history = History()
    best, best_loss, waited = {}, math.inf, 0
    if patience is not None:
        best = copy.deepcopy(model.state_dict())
    try:
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            progress_bar(steps, quiet=quiet) as bar,
        ):
            torch.manual_seed(seed)
            for _ in range(epochs):
                start = time.perf_counter()
                measured, sizes = [], []
                model.train()
                for x, y in batches(examples, batch_size, generator=generator):
                    if augment is not None:
                        x = augment(x, generator=generator)
                    measured.append(torch.stack(step(model, x, y, optimizer, criterion, precision)))
                    sizes.append(len(y))
                    if scheduler is not None:
                        scheduler.step()
                    bar.update()
                score = None if valid is None else evaluate(model, valid)
                seconds = time.perf_counter() - start
                _note(history, torch.stack(measured).cpu(), torch.tensor(sizes), score, seconds)
                bar.set_description(str(history))
                if patience is not None and score is not None:
                    waited += 1
                    if score.loss < best_loss:  # which nothing says of a loss that is nan
                        best, best_loss, waited = copy.deepcopy(model.state_dict()), score.loss, 0
                    if waited >= patience:
                        break
    except KeyboardInterrupt:
        done = len(history.train_loss)
        warnings.warn(f"stopped by hand after {done} of {epochs} epochs", stacklevel=2)
    if patience is not None:
        model.load_state_dict(best)
    if not quiet:
        print(history)
    return history


def _note(
    history: History, measured: Tensor, sizes: Tensor, score: Score | None, seconds: float
) -> None:
    """Write down one epoch: loss and accuracy of each batch, shape (batches, 2), and its size."""
    loss, accuracy = (measured.double() * sizes[:, None]).sum(dim=0) / sizes.sum()
    history.train_loss.append(loss.item())
    history.train_accuracy.append(accuracy.item())
    history.batch_loss += measured[:, 0].tolist()
    history.batch_accuracy += measured[:, 1].tolist()
    history.seconds.append(seconds)
    if score is not None:
        history.valid_loss.append(score.loss)
        history.valid_accuracy.append(score.accuracy)


def _check_settings(
    epochs: int, batch_size: int, patience: int | None, precision: torch.dtype, validated: bool
) -> None:
    """Refuse settings that could not work, each by its name."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    if patience is not None and not validated:
        raise ValueError(f"patience is {patience}, but valid is None; expected validation images")
    if precision not in (torch.float32, torch.bfloat16):
        raise ValueError(f"precision is {precision}; expected torch.float32 or torch.bfloat16")


def _check_sets(model: nn.Module, sets: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Refuse images and labels that do not fit together, or do not fit the model's scores."""
    for name, (images, labels) in sets.items():
        check_data(name, images, labels)
    with torch.random.fork_rng([]):
        classes = predict(model, sets["train"][0][:1]).shape[1]
    for name, (_, labels) in sets.items():
        check_labels(f"{name}[1]", labels, classes)
