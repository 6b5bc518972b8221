"""Compare the book's training with the pipeline of most tutorials: the same model, the same epochs.

Run it from the repository, where the package is installed, on a machine that does nothing else:

    python benchmarks/pipeline.py            # both networks, three seeds
    python benchmarks/pipeline.py mlp        # one of them

On Linux set ``MALLOC_MMAP_THRESHOLD_=33554432`` and ``MALLOC_TRIM_THRESHOLD_=2000000000`` before,
as the build of the book does for its chapters. Otherwise the C library may give the memory of large
tensors back after each use and clear it for the next; how often it does differs from run to run.

The tutorials' pipeline opens each PNG file with Pillow whenever it is asked for it, transforms each
image by itself with ``torchvision.transforms.v2``, collects batches of 32 with a ``DataLoader`` and
trains with plain Adam. Ours keeps the images in memory, transforms a batch at once, and trains with
fused Adam; the CNN computes channels last and, where the processor has instructions for it, in
bfloat16. Both augment the training images (turn by up to 60 degrees, scale by 0.8 to 1.1), train
for five epochs in batches of 32, and are tested on the same upright images.

The two run by turns, seed by seed, so that a busy machine slows both. Printed are the times, the
accuracies, the ratio of the median times and whether the aims are met: at least 5 times as fast for
the MLP; for the CNN 2.5 times with bfloat16 and 1.4 times without; mean accuracy within one point.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import InterpolationMode, v2

from definebyrun.data import ImageData, load_kana, random_affine
from definebyrun.device import has_bfloat16
from definebyrun.models import CNN, MLP, sequential_cnn
from definebyrun.training import evaluate, fit

EPOCHS, BATCH, SEEDS = 5, 32, (0, 1, 2)
CPU = torch.device("cpu")


class Files(Dataset):
    """Images that lie in one folder a class, opened one by one when asked for."""

    def __init__(self, folder: Path, transform: Callable) -> None:
        self.files = sorted(folder.glob("*/*.png"))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int):
        path = self.files[index]
        return self.transform(Image.open(path)), int(path.parent.name)


def write_files(data: ImageData, folder: Path) -> None:
    """Write the training images as PNG files, dark ink on light paper, one folder a class."""
    pixels = (255 * (1 - data.train.images[:, 0])).round().byte().numpy()
    for index, (image, label) in enumerate(zip(pixels, data.train.labels.tolist(), strict=True)):
        place = folder / f"{label:02d}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index:05d}.png")


def one_by_one(degrees: float, scale: tuple[float, float]) -> v2.Compose:
    """Return what tutorials do to one image: it is turned and scaled at random."""
    return v2.Compose(
        [
            v2.Grayscale(),
            v2.RandomInvert(p=1),
            v2.RandomAffine(degrees, scale=scale, interpolation=InterpolationMode.BILINEAR),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )


def tutorial(make: Callable[[], nn.Module], folder: Path, seed: int) -> nn.Module:
    """Train as most tutorials do."""
    torch.manual_seed(seed)
    model = make()
    loader = DataLoader(Files(folder, one_by_one(60, (0.8, 1.1))), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for images, labels in loader:
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def ours(make: Callable[[], nn.Module], data: ImageData, seed: int, precision: torch.dtype):
    """Train as the book does."""
    torch.manual_seed(seed)
    model = make()
    turn = partial(random_affine, degrees=60, scale=(0.8, 1.1))
    fit(
        model,
        data.train,
        epochs=EPOCHS,
        batch_size=BATCH,
        augment=turn,
        precision=precision,
        seed=seed,
        device=CPU,
        quiet=True,
    )
    return model


def channels_last() -> nn.Module:
    """Return the book's CNN with the channels of a pixel side by side in memory."""
    return CNN().to(memory_format=torch.channels_last)


def timed(train: Callable[[], nn.Module], data: ImageData) -> tuple[float, float]:
    """Return the seconds of a training and the accuracy of what it trained."""
    start = time.perf_counter()
    model = train()
    seconds = time.perf_counter() - start
    return seconds, evaluate(model, data.test).accuracy


def compare(name: str, data: ImageData, folder: Path, precision: torch.dtype, aim: float) -> bool:
    """Train one network both ways from each seed, print what came out, return whether it is met."""
    theirs, mine = (MLP, MLP) if name == "mlp" else (sequential_cnn, channels_last)
    rows = []
    for seed in SEEDS:
        slow, before = timed(partial(tutorial, theirs, folder, seed), data)
        quick, after = timed(partial(ours, mine, data, seed, precision), data)
        rows.append((slow, quick, before, after))
        print(
            f"{name} seed {seed}: tutorial {slow:6.1f} s, accuracy {before:.3f}; "
            f"ours {quick:6.1f} s, accuracy {after:.3f}; {slow / quick:.1f} times as fast",
            flush=True,
        )
    slow, quick = (statistics.median(row[k] for row in rows) for k in (0, 1))
    gap = statistics.fmean(row[3] - row[2] for row in rows)
    met = slow / quick >= aim and abs(gap) <= 0.01
    print(
        f"{name}: {slow / quick:.1f} times as fast (aim {aim}), accuracy {gap:+.3f} "
        f"on average (aim within 0.010): {'met' if met else 'NOT met'}\n"
    )
    return met


def main() -> None:
    """Compare the networks named on the command line, or both."""
    names = sys.argv[1:] or ["mlp", "cnn"]
    unknown = set(names) - {"mlp", "cnn"}
    if unknown:
        sys.exit(f"The networks are mlp and cnn, not {', '.join(sorted(unknown))}.")
    bfloat16 = has_bfloat16()
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"{'with' if bfloat16 else 'without'} bfloat16 instructions\n"
    )
    data = load_kana(seed=0)
    settings = {
        "mlp": (torch.float32, 5.0),
        "cnn": (torch.bfloat16, 2.5) if bfloat16 else (torch.float32, 1.4),
    }
    with tempfile.TemporaryDirectory() as folder:
        write_files(data, Path(folder))
        met = [compare(name, data, Path(folder), *settings[name]) for name in names]
    sys.exit(not all(met))


if __name__ == "__main__":
    main()
