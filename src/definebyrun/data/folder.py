"""Read a folder of images, one sub-folder a class: your own, or scans that lie unpacked."""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from definebyrun.data.names import SIZE
from definebyrun.data.split import Examples

T = TypeVar("T")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def class_name(folder: str) -> str:
    """Return the class that a sub-folder names: ``U3042`` is a code point, hence あ."""
    code = re.fullmatch(r"U\+?([0-9A-Fa-f]{4,6})", folder)
    return chr(int(code[1], 16)) if code else folder


def list_classes(folder: Path) -> dict[str, list[Path]]:
    """Return the image files of each class, both sorted by name.

    Raises:
        FileNotFoundError: there is no such folder, or no sub-folder of it holds an image.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder is '{folder}'; expected a folder that exists")
    classes = {}
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = [f for f in sorted(inner.iterdir()) if f.suffix.lower() in SUFFIXES]
        if files:
            classes[class_name(inner.name)] = files
    if not classes:
        raise FileNotFoundError(
            f"folder is '{folder}'; expected one sub-folder a class, with image files in it"
        )
    return classes


def clean(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn grey values of dark ink on light paper into ink: paper 0, the darkest ink 255.

    The paper's level is the lightest quarter's darkest pixel. Faint stains stay faint: the range
    is stretched at most eightfold.

    Args:
        pixels: uint8, shape (height, width), 0 black and 255 white.
    """
    ink = 255.0 - pixels
    paper, darkest = np.percentile(ink, [25, 98])
    ink = (ink - paper) / max(darkest - paper, 32)
    levels: NDArray[np.uint8] = np.rint(255 * ink.clip(0, 1)).astype(np.uint8)
    return levels


def read_image(file: Path | IO[bytes]) -> NDArray[np.uint8]:
    """Read one image of dark ink on light paper, grey or colour, of any size.

    Returns:
        uint8, shape (48, 48), ink high and paper zero.

    Raises:
        ValueError: the file is no image, or cut short.
    """
    try:
        with Image.open(file) as image:
            grey = image.convert("RGBA")
            page = Image.new("RGBA", grey.size, "white")  # what is transparent is paper
            page.alpha_composite(grey)
            fitted = page.convert("L").resize((SIZE, SIZE), Image.Resampling.BOX)
            return clean(np.asarray(fitted))
    except (UnidentifiedImageError, OSError, SyntaxError) as problem:
        raise ValueError(f"'{file}' cannot be read as an image: {problem}") from problem


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
    or in colour; any size is brought to 48 x 48.

    Args:
        folder: where the sub-folders are.
        per_class: the most images taken of a class.
        seed: decides which, where there are more.

    Returns:
        The images, uint8 of shape (n, 1, 48, 48), ink high and paper zero, with their labels;
        and the names of the classes, sorted by folder name.

    Raises:
        FileNotFoundError: there is no such folder, or no sub-folder of it holds an image.
        ValueError: a file is no image; the message names it.
    """
    classes = list_classes(Path(folder))
    images = [[read_image(f) for f in choose(files, per_class, seed)] for files in classes.values()]
    return to_examples(images), tuple(classes)
