"""A race against the clock: seconds of training until 99 % of the validation images are right.

Run it from the repository, where the package is installed, on a machine that does nothing else:

    python benchmarks/race.py          # three seeds
    python benchmarks/race.py 1        # one

All runners train the book's CNN on kana of 48 x 48 pixels, turned by up to 10 degrees and scaled
by 0.9 to 1.1. The first is the tutorials' program: it opens each PNG file with Pillow, transforms
each image by itself, collects batches of 32 with a ``DataLoader`` and trains with plain Adam at the
rate 0.001. Each other runner changes one thing more, but the one-cycle rate takes the place of
twice the rate, its simple rival. Whoever trains at a constant rate stops after the first epoch
that ends over the line. A one-cycle rate falls to zero in a number of epochs that is fixed
beforehand: we try one, two, and so on, and the clock shows the first try that arrives.

Looking at the validation images does not count. The runners take turns, seed by seed, so that a
busy machine slows all of them. Printed are the epochs of each run, its seconds by the clock on the
wall and of processor time, the ratio of its wall seconds to those of the first runner from the same
seed, the median ratio of the last runner, and whether the aim is met: at least 5 times as fast with
bfloat16 instructions, 3 times without.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from pipeline import Files, one_by_one, write_files
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from definebyrun.data import ImageData, batches, load_kana, random_affine
from definebyrun.device import has_bfloat16
from definebyrun.models import CNN
from definebyrun.training import evaluate, one_cycle
from definebyrun.training.fit import step

TARGET, MOST = 0.99, 8
Source = Callable[[], Iterable[tuple[Tensor, Tensor]]]


class Result(NamedTuple):
    epochs: int
    seconds: float
    work: float
    accuracy: float


def run(
    source: Source,
    data: ImageData,
    seed: int,
    *,
    lr: float = 1e-3,
    cycle: int = 0,
    fused: bool = False,
    last: bool = False,
    precision: torch.dtype = torch.float32,
) -> Result:
    """Train to the finish line, or for the epochs of one cycle, or for as many as are allowed."""
    torch.manual_seed(seed)
    model, epochs, seconds, work, accuracy = CNN(), 0, 0.0, 0.0, 0.0
    if last:
        model.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(model.parameters(), lr=lr, fused=fused)
    updates = cycle * -(-len(data.train.labels) // 32)
    rate = LambdaLR(adam, lambda n: one_cycle(n / updates) if cycle else 1.0)
    while epochs < (cycle or MOST) and accuracy < TARGET:
        start, begun = time.perf_counter(), time.process_time()
        for images, labels in source():
            step(model, images, labels, adam, precision=precision)
            rate.step()
        seconds += time.perf_counter() - start
        work += time.process_time() - begun
        accuracy = evaluate(model, data.validation).accuracy
        epochs += 1
    return Result(epochs, seconds, work, accuracy)


def shortest(source: Source, data: ImageData, seed: int, **settings) -> Result:
    """Try one cycle of one epoch, then of two, and so on; return the first that arrives."""
    for cycle in range(1, MOST + 1):
        result = run(source, data, seed, cycle=cycle, **settings)
        if result.accuracy >= TARGET:
            break
    return result


def from_files(folder: Path) -> DataLoader:
    return DataLoader(Files(folder, one_by_one(10, (0.9, 1.1))), batch_size=32, shuffle=True)


def from_memory(data: ImageData) -> Iterator[tuple[Tensor, Tensor]]:
    chance = torch.default_generator  # the one that files use, too
    for images, labels in batches(data.train, 32, generator=chance):
        yield random_affine(images, degrees=10, scale=(0.9, 1.1), generator=chance), labels


def main() -> None:
    """Race from as many seeds as the command line says."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    bfloat16 = has_bfloat16()
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"{'with' if bfloat16 else 'without'} bfloat16 instructions\n"
    )
    data = load_kana(seed=0, validation=0.1)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        write_files(data, Path(folder))
        files, memory = partial(from_files, Path(folder)), partial(from_memory, data)
        for seed in range(seeds):
            runners = {
                "files, one by one": partial(run, files),
                "in memory, batched": partial(run, memory),
                "channels last": partial(run, memory, last=True),
                "fused Adam": partial(run, memory, last=True, fused=True),
                "twice the rate": partial(run, memory, last=True, fused=True, lr=2e-3),
                "one-cycle rate": partial(shortest, memory, last=True, fused=True, lr=6e-3),
            }
            if bfloat16:
                runners["bfloat16"] = partial(runners["one-cycle rate"], precision=torch.bfloat16)
            first = None
            for name, runner in runners.items():
                result = runner(data, seed)
                first = first or result
                ratio = first.seconds / result.seconds
                print(
                    f"seed {seed} {name:19} epochs {result.epochs}, {result.seconds:6.1f} s "
                    f"({result.work:.1f} s of work), accuracy {result.accuracy:.3f}, "
                    f"{ratio:4.1f} times as fast",
                    flush=True,
                )
            ratios.append(ratio)
    aim, ratio = 5.0 if bfloat16 else 3.0, statistics.median(ratios)
    met = ratio >= aim
    print(f"\n{ratio:.1f} times as fast (aim {aim}): {'met' if met else 'NOT met'}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
