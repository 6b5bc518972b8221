"""Checkpoints: what a run must remember, in a file that is whole or not there at all."""

import glob
import os
import pickle
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from definebyrun.data.cache import sweep

FORM = "definebyrun checkpoint 1"
NO_DATA = "is no pure data: it is damaged, or would run code when loaded"


def save_checkpoint(file: Path | str, parts: Mapping[str, Any]) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one, whole.

    It is written beside its place under another name, forced onto the disk, and renamed; to rename
    a file within a folder happens at once or not at all. A killed save leaves its unfinished part,
    ``.NAME-*.part``; the next save here removes such parts once they are an hour old.

    Args:
        file: where to; an older file there is replaced. Its folder must exist.
        parts: tensors, numbers, strings, and lists, tuples and dicts of them, such as the
            ``state_dict()`` of a model, an optimizer and a scheduler, and ``random_state()``.

    Raises:
        OSError: it cannot be written; an older file is then as it was.
    """
    file = Path(file)
    sweep(file.parent, f".{glob.escape(file.name)}-????????.part")
    handle, part = tempfile.mkstemp(".part", f".{file.name}-", file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save({"form": FORM, **parts}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


def load_checkpoint(
    file: Path | str,
    *,
    device: torch.device | str = "cpu",
    parts: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Read a checkpoint; nothing in the file is run as a program.

    Args:
        file: what ``save_checkpoint`` has written.
        device: where its tensors go, wherever they came from.
        parts: names that must be in it.

    Returns:
        The parts by their names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, damaged, something else, or lacks a part; the message
            names it.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # on foreign files
            read = torch.load(file, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as problem:
        raise _refusal(file, NO_DATA) from problem
    except Exception as problem:  # a damaged file raises whatever comes
        raise _refusal(file, "is truncated or no checkpoint") from problem
    if not isinstance(read, dict) or read.pop("form", None) != FORM:
        raise _refusal(file, "is PyTorch's, but no checkpoint of this book")
    missing = [name for name in parts if name not in read]
    if missing:
        both = f"lacks {', '.join(missing)}; it has {', '.join(read)}"
        raise ValueError(f"'{file}' {both}")
    return read


def _refusal(file: Path | str, fault: str) -> ValueError:
    """Return the error about a file that ``save_checkpoint`` has not written, or not like this."""
    return ValueError(f"'{file}' {fault}; expected a file written by save_checkpoint")


def random_state(*generators: torch.Generator) -> dict[str, Any]:
    """Return where PyTorch's random numbers stand: the global ones, the GPUs', and generators'."""
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {
        "cpu": torch.get_rng_state(),
        "gpus": gpus,
        "generators": [generator.get_state() for generator in generators],
    }


def set_random_state(
    state: Mapping[str, Any],
    *generators: torch.Generator,
) -> None:
    """Let random numbers go on where ``random_state`` found them, in the same generators.

    Raises:
        ValueError: it was made with another number of generators.
    """
    given, saved = len(generators), state["generators"]
    if given != len(saved):
        counts = f"{given} generators are given; expected {len(saved)}"
        raise ValueError(f"{counts}, as when the state was saved")
    torch.set_rng_state(state["cpu"].cpu())
    for index, gpu in enumerate(state["gpus"]):
        if index < torch.cuda.device_count():
            torch.cuda.set_rng_state(gpu.cpu(), index)
    for generator, place in zip(generators, saved, strict=True):
        generator.set_state(place.cpu())
