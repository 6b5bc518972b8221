"""The one door for image files: what comes through is ink, what cannot is a `ValueError`."""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from definebyrun.data.names import SIZE

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
MOST_PIXELS = (
    51_000_000  # a phone's "50 megapixels" are 8192 x 6144; to decode them takes up to 600 MB
)
MOST_SIDE = 30_000  # pixels
MOST_BYTES = 4 * MOST_PIXELS
ENOUGH = 4 * SIZE  # pixels a side: what is far larger is made smaller at once, to save memory
FILLS = 0.9  # the share of the kana's square that their longer side takes
FAINTEST = 8  # levels of 255: ink that is no darker than this against its paper is none
# How a photograph must be turned, by its EXIF orientation; 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_bytes(file: Path) -> bytes:
    """Return what a file holds, if it is one: no pipe that waits for ever, no swollen thing.

    Raises:
        ValueError: it is no regular file, too large, or cannot be read; the message names it.
    """
    try:
        if not file.is_file():
            raise ValueError("it is no regular file")
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(
                f"it has {file.stat().st_size:,} bytes; expected at most {MOST_BYTES:,}"
            )
        return file.read_bytes()
    except (OSError, ValueError) as problem:
        raise ValueError(f"'{file}' cannot be read: {problem}") from problem


def read_grey(
    image: Path | bytes, name: str = "image", *, most_pixels: int = MOST_PIXELS
) -> NDArray[np.uint8]:
    """Read an image, grey or in colour, of any depth, upright; of an animation the first frame.

    Its size is looked at before it is decoded. What is transparent becomes white. An image of more
    than 8 bits is scaled so that its lightest pixel is 255.

    Args:
        image: a file, or what was in it.
        name: what errors call an image that is no file.
        most_pixels: refuse an image with more.

    Returns:
        Grey values, uint8 of shape (height, width), 0 black and 255 white. The shorter side of a
        large image is brought down to between 192 and 383 pixels.

    Raises:
        ValueError: there is no such image in it; the message names it and says why.
    """
    if isinstance(image, Path):
        image, name = read_bytes(image), str(image)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files
            with Image.open(io.BytesIO(image), formats=FORMATS) as opened:
                width, height = opened.size
                if width * height > most_pixels or max(width, height) > MOST_SIDE:
                    raise ValueError(
                        f"it has {width:,} x {height:,} pixels; expected at most {most_pixels:,}, "
                        f"and {MOST_SIDE:,} a side"
                    )
                return _upright_grey(opened)
    except UnidentifiedImageError as problem:
        raise ValueError(
            f"'{name}' cannot be read as an image: it is none of {', '.join(FORMATS)}"
        ) from problem
    except Exception as problem:  # on damaged files Pillow raises whatever comes
        what = str(problem) or type(problem).__name__
        raise ValueError(f"'{name}' cannot be read as an image: {what}") from problem


def _upright_grey(opened: Image.Image) -> NDArray[np.uint8]:
    """Decode an opened image: smaller where it is large, turned, and grey."""
    opened.draft(None, (ENOUGH, ENOUGH))  # a JPEG can be decoded smaller
    opened.load()
    turn = TURNS.get(opened.getexif().get(ExifTags.Base.Orientation, 1))
    deep = opened.mode.startswith(("I", "F"))  # 16 or 32 bits a pixel
    image: Image.Image = opened
    if image.mode not in ("L", "RGB", "RGBA", "F") or "transparency" in image.info:
        image = image.convert("F" if deep else "RGBA")
    image = image.reduce(max(1, min(image.size) // ENOUGH))
    if turn is not None:
        image = image.transpose(turn)
    if deep:
        pixels = np.asarray(image).clip(min=0)
        if not np.isfinite(pixels).all():
            raise ValueError("not all of its pixels are finite numbers")
        scaled: NDArray[np.uint8] = np.rint(pixels * (255 / max(pixels.max(), 1e-30))).astype(
            np.uint8
        )
        return scaled
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image.convert("RGBA"))
    return np.asarray(page.convert("L"))


def clean(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn grey values of dark ink on light paper into ink: paper 0, the darkest ink 255.

    The paper's level is the lightest quarter's darkest pixel. Faint stains stay faint: the range
    is stretched at most eightfold. A page without ink becomes all zero.

    Args:
        pixels: uint8, shape (height, width), 0 black and 255 white.
    """
    ink = 255.0 - pixels
    paper, darkest = np.percentile(ink, [25, 98])
    if ink.max() - paper < FAINTEST:
        return np.zeros_like(pixels)
    ink = (ink - paper) / max(darkest - paper, 32)
    levels: NDArray[np.uint8] = np.rint(255 * ink.clip(0, 1)).astype(np.uint8)
    return levels


def to_ink(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring grey values of any size to the book's form: (48, 48), ink high, paper zero."""
    fitted = Image.fromarray(grey).resize((SIZE, SIZE), Image.Resampling.BOX)
    return clean(np.asarray(fitted))


def open_image(image: Path | bytes, name: str = "image") -> NDArray[np.uint8]:
    """Read one image of dark ink on light paper, as :func:`read_grey` does, in the book's form.

    Args:
        image: a file, or what was in it.
        name: what errors call an image that is no file.

    Returns:
        uint8, shape (48, 48), ink high and paper zero.

    Raises:
        ValueError: it is no image, or shows no ink; the message names it.
    """
    ink = to_ink(read_grey(image, name))
    if not ink.any():
        shown = image if isinstance(image, Path) else name
        raise ValueError(f"'{shown}' shows no ink: nothing in it is darker than its paper")
    return ink


def open_character(
    image: Path | bytes,
    name: str = "image",
) -> NDArray[np.uint8]:
    """Read an image of one character, dark on light or light on dark, wherever it stands.

    The level of the rim is taken for paper. What differs from it by more than half of the largest
    difference is the character; it is cut out and set in the middle of a square, as in the kana.

    Args:
        image: a file, or what was in it.
        name: what errors call an image that is no file.

    Returns:
        uint8, shape (48, 48), ink high and paper zero.

    Raises:
        ValueError: it is no image, or shows nothing; the message names it.
    """
    grey = read_grey(image, name).astype(np.int16)
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = int(np.median(rim))
    if paper - grey.min() < grey.max() - paper:  # light on dark
        grey, paper = 255 - grey, 255 - paper
    depth = paper - int(grey.min())
    if depth < FAINTEST:
        shown = image if isinstance(image, Path) else name
        raise ValueError(f"'{shown}' shows no character: it is of one colour")
    rows, columns = np.nonzero(paper - grey > depth / 2)
    cut = grey[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = cut.shape
    side = round(max(height, width) / FILLS)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.full((side, side), paper)
    square[top : top + height, left : left + width] = cut
    return to_ink(square.clip(0, 255).astype(np.uint8))
