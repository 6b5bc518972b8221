"""Train one small network in several processes that share every batch.

Started by torchrun, from any folder::

    python -m torch.distributed.run --standalone --nproc-per-node=2 \\
        -m definebyrun.training.parallel result.pt --steps 20

Each process takes its share of every batch. With a GPU for each process they meet through nccl,
else on the CPU through gloo.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from definebyrun.data import load_kana

if dist.is_available():
    # Its functions keep for ever the group of processes that exists while they are imported, and
    # optimisers import them. A process that ends with such a group may crash: so before any group.
    import torch.distributed.nn

Batch = tuple[Tensor, Tensor]


class Place(NamedTuple):
    """Where a process stands among its kin.

    Attributes:
        rank: its number, from 0.
        world: how many there are.
        device: where it computes.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")


@contextmanager
def joined() -> Iterator[Place]:
    """Meet the other processes that torchrun started, for a while."""
    local = int(os.environ["LOCAL_RANK"])
    gpus = torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"])
    device = torch.device("cuda", local) if gpus else torch.device("cpu")
    if gpus:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if gpus else "gloo")
    try:
        yield Place(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


class _Summed(torch.autograd.Function):
    """The sum of a tensor over all processes; on the way back, the sum of its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def share_statistics(model: nn.Module) -> None:
    """Let batch normalisation in training use mean and variance over the shares of all processes.

    Without it each process normalises by its own share, which is another training. PyTorch's own
    ``SyncBatchNorm`` does the same, but on GPUs only.

    Args:
        model: its layers of batch normalisation are changed; all have weights and running averages.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.forward = partial(_normalise, module)  # type: ignore[method-assign]


def _normalise(norm: Any, x: Tensor) -> Tensor:
    """Normalise this process's share, shape (n, channels, ...), by the whole batch."""
    if not norm.training:
        usual: Tensor = type(norm).forward(norm, x)
        return usual
    others = [axis for axis in range(x.ndim) if axis != 1]
    shape = [-1] + [1] * (x.ndim - 2)
    count = _Summed.apply(x.new_tensor(x.numel() / x.shape[1]))
    mean = _Summed.apply(x.sum(dim=others)) / count
    centred = x - mean.view(shape)
    variance = _Summed.apply((centred**2).sum(dim=others)) / count
    with torch.no_grad():
        norm.num_batches_tracked += 1
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * count / (count - 1), norm.momentum)
    scale = norm.weight * (variance + norm.eps).rsqrt()
    return torch.addcmul(norm.bias.view(shape), centred, scale.view(shape))


def network(seed: int = 0) -> nn.Module:
    """Return a small network for the kana; its first weights depend on the seed."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(48 * 48, 64), nn.ReLU(), nn.Linear(64, 46))


def start_equal(model: nn.Module) -> None:
    """Give the copies of all processes the weights of process 0."""
    for weight in model.parameters():
        dist.broadcast(weight.data, src=0)


def average_gradients(model: nn.Module) -> None:
    """Replace each gradient by its mean over all processes."""
    for weight in model.parameters():
        if weight.grad is not None:
            dist.all_reduce(weight.grad)  # now it is the sum, everywhere
            weight.grad /= dist.get_world_size()


def train(
    place: Place, *, steps: int, batch_size: int = 64, by_hand: bool = False
) -> dict[str, Any]:
    """Train on this process's share of every batch; several processes average their gradients.

    Args:
        place: of this process; ``Place()`` is one process alone.
        steps: how many updates.
        batch_size: images an update, over all processes; a multiple of their number.
        by_hand: average by :func:`average_gradients` rather than by ``DistributedDataParallel``;
            for processes that have met.

    Returns:
        ``gradient``: of the first update, as this process used it, one long vector;
        ``weights``: all weights in the end, likewise, both on the CPU; ``losses``: of its share
        at each update.

    Raises:
        ValueError: the batch cannot be shared equally.
    """
    _check(place, steps, batch_size)
    model = network(seed=place.rank).to(place.device)
    if by_hand:
        start_equal(model)
    elif place.world > 1:
        model = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses: list[float] = []
    for x, y in shares(place, steps, batch_size):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        if by_hand:
            average_gradients(model)
        if not losses:
            gradient = _flat(p.grad for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    weights = _flat(model.parameters())
    return {"gradient": gradient, "losses": losses, "weights": weights}


def shares(place: Place, steps: int, batch_size: int) -> Iterator[Batch]:
    """Go through the kana batch by batch; of each, this process gets every world-th image.

    Args:
        place: of this process.
        steps: how many batches.
        batch_size: images in a batch, all shares together.

    Yields:
        Images (n, 1, 48, 48) and labels (n,), n = batch_size / world, on the process's device.
    """
    kana = load_kana(seed=0).train  # in every process in the same order
    images, labels = (part.to(place.device) for part in kana)
    for step in range(steps):
        start = step * batch_size % (len(labels) - batch_size)
        share = slice(start + place.rank, start + batch_size, place.world)
        yield images[share], labels[share]


def seconds_to_send(place: Place, count: int, times: int = 50) -> float:
    """Return the shortest time on the wall of one ``all_reduce``; other programs lengthen it.

    Args:
        place: of this process, which has met the others.
        count: how many numbers in ``float32`` are added up over all processes.
        times: how often it is timed.
    """
    numbers, shortest = torch.zeros(count, device=place.device), float("inf")
    for _ in range(times):
        dist.barrier()  # all begin together
        start = time.perf_counter()
        dist.all_reduce(numbers)
        if place.device.type == "cuda":
            torch.cuda.synchronize()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def _check(place: Place, steps: int, batch_size: int) -> None:
    """Refuse a batch that cannot be shared equally, or no step at all."""
    if steps < 1 or batch_size < 1 or batch_size % place.world:
        raise ValueError(
            f"steps is {steps} and batch_size {batch_size}; expected at least one step, and a "
            f"multiple of {place.world} processes"
        )


def _flat(tensors: Any) -> Tensor:
    """Put tensors into one long vector on the CPU."""
    return torch.cat([tensor.detach().cpu().flatten() for tensor in tensors])


def run(file: str, steps: int, counts: list[int]) -> None:
    """Train in each process of torchrun; rank 0 writes down what all of them found.

    Args:
        file: gets a list with one result of :func:`train` for each process, with two entries more:
            ``by hand``, the weights of the training without ``DistributedDataParallel``, and
            ``sending``, the seconds of :func:`seconds_to_send` for each of the counts.
        steps: how many updates.
        counts: how many numbers to send, for each time that is taken.
    """
    with joined() as place:
        result = train(place, steps=steps)
        by_hand = train(place, steps=steps, by_hand=True)
        result["by hand"] = by_hand["weights"]
        result["sending"] = [seconds_to_send(place, count) for count in counts]
        results: list[Any] = [None] * place.world
        dist.all_gather_object(results, result)  # now each process has all
        if place.rank == 0:
            torch.save(results, file)
            print(f"{place.world} processes on {place.device.type}")


def main() -> None:
    """Read the settings of the command line, and run."""
    parser = argparse.ArgumentParser(
        prog="python -m torch.distributed.run --nproc-per-node=N -m definebyrun.training.parallel",
        description="Train one small network in several processes and write down what they found.",
    )
    parser.add_argument("file", help="where to write a list with one result for each process")
    parser.add_argument("--steps", type=int, default=20, help="how many updates (20)")
    parser.add_argument(
        "--send", type=int, nargs="*", default=[], help="gradients, in numbers, to time (none)"
    )
    settings = parser.parse_args()
    run(settings.file, settings.steps, settings.send)


if __name__ == "__main__":
    main()
