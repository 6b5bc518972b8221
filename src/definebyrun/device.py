"""Where the tensors live: one function decides, for the whole book."""

import os
from pathlib import Path

import torch

VARIABLE = "DEFINEBYRUN_DEVICE"


def choose_device() -> torch.device:
    """Return the device that the environment asks for, else the best one that is there.

    Set the environment variable ``DEFINEBYRUN_DEVICE`` to ``cpu``, ``cuda`` or ``cuda:1`` to
    decide yourself. Left unset, a CUDA device is taken when PyTorch sees one, else the CPU.
    Apple's ``mps`` is not offered: the chapters compute in float64, which it does not have.

    Returns:
        The device, ready for ``tensor.to(device)``.

    Raises:
        ValueError: the variable names no device of a kind the book runs on.
        RuntimeError: the variable asks for a CUDA device that PyTorch does not see.

    Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device
    """
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = wanted.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise ValueError(f"{VARIABLE} is {wanted!r}; expected 'cpu', 'cuda' or 'cuda:<number>'")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise RuntimeError(
            f"{VARIABLE} is {wanted!r}, but PyTorch sees {torch.cuda.device_count()} CUDA devices"
        )
    return torch.device(wanted)


def has_bfloat16() -> bool:
    """Say whether this processor multiplies in bfloat16 itself rather than by way of float32.

    Where the system does not tell (it does on Linux), the answer is no.
    """
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.exists() else []
    return "avx512_bf16" in flags or "amx_bf16" in flags
