"""A training that survives a kill: it goes on from its file, alone or in several processes."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from definebyrun.data import ROMAJI, Examples, ImageData, digits_source, load_digits, load_kana
from definebyrun.data.batches import batches
from definebyrun.data.image import open_character
from definebyrun.models import CNN, MLP
from definebyrun.models.deep import global_cnn, residual
from definebyrun.training.checkpoint import (
    load_checkpoint,
    random_state,
    save_checkpoint,
    set_random_state,
)
from definebyrun.training.evaluate import evaluate, predict
from definebyrun.training.fit import adam, step
from definebyrun.training.parallel import Place, share_statistics
from definebyrun.training.schedule import one_cycle

SPLIT = 0  # the seed of the division: the same test images for every run


def kana() -> ImageData:
    """Load the kana; no font is in two of the three sets."""
    return load_kana(seed=SPLIT, test=0.2, validation=0.1, by="family")


def digits() -> ImageData:
    """Load handwritten digits, as large as kana and filling their square as kana do."""

    def enlarged(part: Examples) -> Examples:
        inner = part.images[..., 3:25, 3:25]
        return Examples(F.interpolate(inner, size=(48, 48), mode="bilinear"), part.labels)

    data = load_digits(seed=SPLIT, source=digits_source())
    return replace(
        data,
        train=enlarged(data.train),
        test=enlarged(data.test),
        validation_or_none=enlarged(data.validation),
    )


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "mlp": lambda classes: MLP(classes=classes),
    "cnn": CNN,
    "global": global_cnn,
    "residual": residual,
}
DATA: dict[str, Callable[[], ImageData]] = {"kana": kana, "digits": digits}
NAMES = {"kana": ROMAJI, "digits": tuple("0123456789")}


@dataclass(frozen=True)
class Settings:
    """What decides the result of a training.

    Attributes:
        network: a name in ``NETWORKS``.
        data: a name in ``DATA``.
        epochs: how often to go through the training images.
        lr: the largest learning rate of Adam; it rises to it and falls to zero.
        batch_size: images an update, over all processes.
        seed: of the first weights and of the order of the images.
    """

    network: str
    data: str = "kana"
    epochs: int = 3
    lr: float = 6e-3
    batch_size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: a value is out of range.
        """
        for name, known in (("network", NETWORKS), ("data", DATA)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is '{getattr(self, name)}'; expected one of {', '.join(known)}"
                )
        for name, least in (("epochs", 1), ("batch_size", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {least}")
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr is {self.lr}; expected a positive number")


@dataclass
class Job:
    """A training under way: all that its file holds.

    Attributes:
        settings: as given.
        device: where the network is.
        done: how many epochs are complete.
        test: the accuracy on the test images, once they have been opened.
        model, optimizer, order: the network, its optimizer, and the generator that orders images.
    """

    settings: Settings
    device: torch.device
    done: int = 0
    test: float | None = None
    model: nn.Module = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)
    order: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        """Draw the first weights."""
        torch.manual_seed(self.settings.seed)
        network = NETWORKS[self.settings.network]
        self.model = network(len(NAMES[self.settings.data])).to(self.device)
        self.optimizer = adam(self.model.parameters())
        self.order = torch.Generator().manual_seed(self.settings.seed)

    def save(self, file: Path) -> None:
        """Write all of it, so that a kill at any moment leaves a whole file."""
        parts = {
            "settings": asdict(self.settings),
            "done": self.done,
            "test": self.test,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": random_state(self.order),
        }
        save_checkpoint(file, parts)


def open_job(file: Path, given: Mapping[str, Any], device: torch.device) -> Job:
    """Take up the training in a file; without the file, begin one.

    Args:
        file: where the training is kept.
        given: settings by their names, ``network`` among them. Those left out are taken from the
            file, or else are the defaults.
        device: where to compute; it need not be where the file was made.

    Raises:
        ValueError: a setting is out of range, or the file is damaged, something else, or of a
            training with other settings than the given ones.
    """
    if not file.exists():
        return Job(Settings(**given), device)
    saved = load_checkpoint(
        file, parts=("settings", "done", "test", "model", "optimizer", "random")
    )
    known = saved["settings"]
    try:
        job = Job(Settings(**known), device, saved["done"], saved["test"])
        job.model.load_state_dict(saved["model"])
        job.optimizer.load_state_dict(saved["optimizer"])
        set_random_state(saved["random"], job.order)
    except Exception as problem:  # a file of another hand raises whatever comes
        raise ValueError(
            f"'{file}' does not hold a training of a network that is known here: {problem}"
        ) from problem
    for name, value in given.items():
        if known[name] != value:
            raise ValueError(
                f"'{file}' holds a training with {name} {known[name]}, not {value}; expected the "
                "same settings, or another file"
            )
    return job


def load(job: Job, processes: int = 1) -> ImageData | None:
    """Load what a training still needs; None when it is at its end.

    Args:
        job: the training.
        processes: how many will share each batch.

    Raises:
        ValueError: a batch is too small to be shared, or one image would be left over alone.
        ModuleNotFoundError, ConnectionError, FileNotFoundError: as ``load_digits`` does.
    """
    if job.test is not None:
        return None
    data, size = DATA[job.settings.data](), job.settings.batch_size
    if not 1 <= processes <= size:
        raise ValueError(f"processes is {processes}; expected 1 to {size}, an image for each")
    if len(data.train.labels) % size == 1:
        raise ValueError(
            f"batch_size is {size}, which leaves the last of {len(data.train.labels):,} images "
            "alone in a batch; expected a size that leaves none or more"
        )
    return data


def run(job: Job, data: ImageData, file: Path, place: Place, say: Callable[[str], None]) -> None:
    """Train what is left to train, keep it after each epoch, and at the end open the test images.

    Args:
        job: the training; changed in place.
        data: what ``load`` returned.
        file: where the training is kept; only the first process writes.
        place: of this process.
        say: told a line after each epoch, in the first process.

    Raises:
        SystemExit: there are several processes, and the program that started them is gone.
    """
    starter, epochs = os.getppid(), job.settings.epochs
    train = Examples(*(part.to(job.device) for part in data.train))
    model = job.model
    if place.world > 1:
        share_statistics(model)
        model = DistributedDataParallel(model)
    while job.done < epochs:
        loss = train_epoch(job, model, train, place)
        job.done += 1
        if place.world > 1 and os.getppid() != starter:
            raise SystemExit("the program that started this process is gone")
        if place.rank == 0:
            valid = evaluate(job.model, data.validation).accuracy
            job.save(file)
            say(
                f"epoch {job.done} of {epochs}: training loss {loss:.3f}, "
                f"validation accuracy {valid:.3f}"
            )
    if place.rank == 0:
        job.test = evaluate(job.model, data.test).accuracy
        job.save(file)


def train_epoch(job: Job, model: nn.Module, train: Examples, place: Place) -> float:
    """Go once through the training images, each process with its share of every batch.

    Args:
        job: the training; its weights, averages and order move on.
        model: its network, wrapped if there are several processes.
        train: the images, on the device of the job.
        place: of this process.

    Returns:
        The mean loss over all images, measured on the way.
    """
    settings = job.settings
    count = -(-len(train.labels) // settings.batch_size)
    total = torch.zeros((), device=job.device)
    model.train()
    bar = tqdm(
        batches(train, settings.batch_size, generator=job.order),
        desc=f"epoch {job.done + 1} of {settings.epochs}",
        total=count,
        leave=False,
        disable=None if place.rank == 0 else True,  # None: only where someone watches
    )
    for number, (x, y) in enumerate(bar, start=job.done * count):
        for group in job.optimizer.param_groups:
            group["lr"] = settings.lr * one_cycle(number / (settings.epochs * count))
        share, weight = slice(place.rank, None, place.world), place.world / len(y)

        def criterion(scores: Tensor, labels: Tensor, weight: float = weight) -> Tensor:
            return F.cross_entropy(scores, labels, reduction="sum") * weight

        loss, _ = step(model, x[share], y[share], job.optimizer, criterion)
        total += loss / weight
    if place.world > 1:
        dist.all_reduce(total)
    return total.item() / len(train.labels)


def answers(job: Job, file: Path, count: int = 5) -> list[tuple[str, float]]:
    """Return the most probable classes of the character in an image file, with probabilities.

    Raises:
        ValueError: the file is no image, or shows nothing.
    """
    ink = torch.from_numpy(open_character(file)).float() / 255
    probability = predict(job.model, ink[None, None])[0].softmax(dim=0)
    best = probability.topk(count)
    names = NAMES[job.settings.data]
    return [(names[k], p) for k, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)]
