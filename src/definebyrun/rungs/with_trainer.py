"""Rung 5: a trainer. The loop is no longer in our program."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.utils.data import DataLoader, TensorDataset


class Recipe(L.LightningModule):
    """What a trainer must be told: the loss of a batch, and the optimizer.

    The loss of each step is kept in ``losses``.
    """

    def __init__(self, model: nn.Module, lr: float) -> None:
        """Keep the model and the learning rate."""
        super().__init__()
        self.model = model
        self.lr = lr
        self.losses: list[float] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Return the loss of one batch of inputs and targets."""
        x, y = batch
        # predict
        prediction = self.model(x)
        # loss
        loss = F.mse_loss(prediction, y)
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self) -> Optimizer:
        """Return the optimizer of the model's weights."""
        return SGD(self.parameters(), lr=self.lr)


def make_trainer(steps: int, device: torch.device) -> L.Trainer:
    """Make a trainer that takes so many steps and writes no files."""
    return L.Trainer(
        max_steps=steps,
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index or 0] if device.type == "cuda" else 1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def train(
    model: nn.Module, x: Tensor, y: Tensor, steps: int = 300, lr: float = 1e-4
) -> list[float]:
    """Train the module itself; return the loss before each step.

    It runs where the data is; the trainer leaves the module on the CPU.
    """
    recipe = Recipe(model, lr)
    batches = DataLoader(TensorDataset(x, y), batch_size=len(x))
    make_trainer(steps, x.device).fit(recipe, batches)
    return recipe.losses


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hush, inside a ``with`` block, what Lightning says of a run that goes as it should.

    Its notes on the hardware, its tips, its advice on loading workers, which data that is in
    memory does not need, and one deprecation inside Lightning itself. Other warnings and all
    errors still show.
    """
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated")
            yield
    finally:
        logger.setLevel(level)
