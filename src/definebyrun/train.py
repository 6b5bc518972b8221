"""Train a network of the book from a shell: ``python -m definebyrun.train cnn``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main as torchrun

from definebyrun.data import ImageData
from definebyrun.data.image import open_character
from definebyrun.device import VARIABLE, choose_device
from definebyrun.models.cost import count_parameters
from definebyrun.training.job import DATA, NETWORKS, Job, Settings, answers, load, open_job, run
from definebyrun.training.parallel import Place, joined

PROGRAM = "definebyrun.train"


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line; settings that are not given are left out."""
    usual = Settings("mlp")
    made = argparse.ArgumentParser(
        prog=f"python -m {PROGRAM}",
        description="Train a network of the book, keep it after each epoch, and at the end measure "
        "it once on the test images. Stopped or killed, it goes on when the same command is given "
        "again.",
        argument_default=argparse.SUPPRESS,
    )
    made.add_argument(
        "network", choices=NETWORKS, metavar="NETWORK", help=f"one of {', '.join(NETWORKS)}"
    )
    made.add_argument("--data", choices=DATA, help=f"kana or digits ({usual.data})")
    numbers = {
        "epochs": "how often to go through the training images",
        "lr": "the largest learning rate; it rises to it and falls to zero",
        "batch_size": "images an update, over all processes",
        "seed": "of the first weights and the order of the images",
    }
    for name, help_text in numbers.items():
        default = getattr(usual, name)
        made.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            metavar="N" if isinstance(default, int) else "RATE",
            help=f"{help_text} ({default})",
        )
    made.add_argument(
        "--device", metavar="NAME", help="cpu, cuda or cuda:1 (a GPU if there is one)"
    )
    made.add_argument(
        "--processes", type=int, default=1, metavar="N", help="share every batch among so many (1)"
    )
    made.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="where to keep the training (NETWORK.pt)"
    )
    made.add_argument(
        "--predict", type=Path, metavar="IMAGE", help="at the end, say what character this shows"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says.

    Args:
        arguments: the words after the program's name; those of the shell when left out.

    Raises:
        SystemExit: with 2 when something given is wrong, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    reader = parser()
    given = vars(reader.parse_args(words))
    processes, image = given.pop("processes"), given.pop("predict", None)
    file = given.pop("checkpoint", Path(f"{given['network']}.pt"))
    if "device" in given:
        os.environ[VARIABLE] = given.pop("device")
    if "LOCAL_RANK" in os.environ:  # torchrun has started this process
        with joined() as place:
            job = open_job(file, given, place.device)
            work(job, load(job, place.world), file, image, place)
        return
    try:
        device = choose_device()
        check_gpus(processes, device)
        job = open_job(file, given, device if processes == 1 else torch.device("cpu"))
        data = load(job, processes)
        if image is not None:
            open_character(image)
        file.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, RuntimeError, ImportError) as problem:
        reader.error(str(problem))
    try:
        if processes == 1 or data is None:
            work(job, data, file, image, Place(device=device))
        else:
            start(processes, device, words)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {file}", file=sys.stderr)
        sys.exit(130)


def work(job: Job, data: ImageData | None, file: Path, image: Path | None, place: Place) -> None:
    """Train, measure and predict; the first process prints."""

    def say(line: str) -> None:
        if place.rank == 0:
            print(line, flush=True)

    settings = job.settings
    say(
        f"{settings.network} on {settings.data}, {count_parameters(job.model):,} parameters, "
        f"{place.device.type}, processes: {place.world}"
    )
    if job.done:
        say(f"{file} has epoch {job.done} of {settings.epochs}")
    if data is not None:
        run(job, data, file, place, say)
    if place.rank == 0:
        say(f"test accuracy {job.test:.3f}; kept in {file}")
        if image is not None:
            found = ", ".join(f"{name} {p:.3f}" for name, p in answers(job, image))
            say(f"{image}: {found}")


def check_gpus(processes: int, device: torch.device) -> None:
    """Refuse more processes than GPUs, unless they are to run on the CPU."""
    if processes > 1 and device.type == "cuda" and torch.cuda.device_count() < processes:
        raise ValueError(
            f"processes is {processes}, but there are {torch.cuda.device_count()} GPUs; expected "
            "one for each, or --device cpu"
        )


def start(processes: int, device: torch.device, words: Sequence[str]) -> None:
    """Let torchrun give the same command to several processes, and wait for them."""
    if device.type == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    try:
        torchrun(["--standalone", f"--nproc-per-node={processes}", "-m", PROGRAM, *words])
    except ChildFailedError as problem:
        sys.exit(str(problem))
    except SignalException as problem:  # torchrun's word for Ctrl-C
        raise KeyboardInterrupt from problem


if __name__ == "__main__":
    main()
