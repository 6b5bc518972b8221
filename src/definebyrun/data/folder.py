"""Read a folder of images, one sub-folder a class: your own, or scans that lie unpacked."""

import random
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from definebyrun.data.image import open_image
from definebyrun.data.split import Examples

T = TypeVar("T")
# With a phone's .heic, which cannot be read, so that it is named and not passed over in silence.
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".heic", ".heif", ".avif"),
)


def class_name(folder: str) -> str:
    """Return the class that a sub-folder names: ``U3042`` is a code point, hence あ."""
    code = re.fullmatch(r"U\+?([0-9A-Fa-f]{4,6})", folder)
    if code and int(code[1], 16) <= 0x10FFFF and chr(int(code[1], 16)).isprintable():
        return chr(int(code[1], 16))
    return unicodedata.normalize("NFC", folder)  # some systems write が as か and a mark


def list_classes(folder: Path) -> dict[str, list[Path]]:
    """Return the image files of each class, both sorted by name.

    Sub-folders that name the same class, such as ``U3042`` and ``あ``, count as one. Hidden files
    and folders, whose names begin with a dot, do not count.

    Raises:
        FileNotFoundError: there is no such folder, or no sub-folder of it holds an image.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder is '{folder}'; expected a folder that exists")
    classes: dict[str, list[Path]] = {}
    for inner in list_visible(folder):
        if inner.is_dir():
            files = [f for f in list_visible(inner) if f.suffix.lower() in SUFFIXES]
            if files:
                classes.setdefault(class_name(inner.name), []).extend(files)
    if not classes:
        raise FileNotFoundError(
            f"folder is '{folder}'; expected one sub-folder a class, with image files in it"
        )
    return classes


def list_visible(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted by name, without hidden things such as ``._1.png``."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def choose(files: Sequence[T], most: int, seed: int) -> list[T]:
    """Return at most so many of the files, in their order, the same for the same seed."""
    if len(files) <= most:
        return list(files)
    return [files[i] for i in sorted(random.Random(seed).sample(range(len(files)), most))]


def to_examples(classes: Sequence[Sequence[NDArray[np.uint8]]]) -> Examples:
    """Put images of each class together: uint8 of shape (n, 1, 48, 48), and labels."""
    labels = torch.repeat_interleave(torch.tensor([len(images) for images in classes]))
    pixels = np.stack([image for images in classes for image in images])
    return Examples(torch.from_numpy(pixels)[:, None], labels)


def read_folder(
    folder: str | Path, *, per_class: int = 200, seed: int = 0
) -> tuple[Examples, tuple[str, ...]]:
    """Read your own images: one sub-folder a class, its name the name of the class.

    The images show dark ink on light paper, as a camera or scanner gives them. They may be grey
    or in colour; any size is brought to 48 x 48, and photographs are turned upright.

    Args:
        folder: where the sub-folders are.
        per_class: the most images taken of a class.
        seed: decides which, where there are more.

    Returns:
        The images, uint8 of shape (n, 1, 48, 48), ink high and paper zero, with their labels;
        and the names of the classes, sorted by folder name.

    Raises:
        FileNotFoundError: there is no such folder, or no sub-folder of it holds an image.
        ValueError: a file is no image, or shows no ink; the message names it.
    """
    classes = list_classes(Path(folder))
    images = [[open_image(f) for f in choose(files, per_class, seed)] for files in classes.values()]
    return to_examples(images), tuple(classes)
