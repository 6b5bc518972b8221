"""Pack scans of the 46 kana into `src/definebyrun/data/real.npz`, the book's real print.

A maintainer's tool: it made the file, once. No test and no chapter runs it.

    python tools/pack_scans.py FOLDER

FOLDER is unpacked from the archive of the National Diet Library (hiragana73), or a part of it: one
sub-folder a character, such as U3042, with files such as `1901_846066_0055.png`, which names the
year, the book and a running number. Look at every image before you publish it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from definebyrun.data.folder import list_classes
from definebyrun.data.image import open_image
from definebyrun.data.levels import pack
from definebyrun.data.names import NAMES
from definebyrun.data.real import REAL_FILE


def main(arguments: list[str]) -> None:
    """Read all scans of the 46 kana and write them with label, year and book."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with one sub-folder a character")
    parser.add_argument("--output", type=Path, default=REAL_FILE)
    options = parser.parse_args(arguments)
    classes = list_classes(options.folder)
    files = [(label, file) for label, name in enumerate(NAMES) for file in classes.get(name, [])]
    pixels = np.stack([open_image(file) for _, file in files])
    origins = [file.stem.split("_") for _, file in files]
    np.savez_compressed(
        options.output,
        images=pack(np.rint(pixels / 17).astype(np.uint8)),
        labels=np.array([label for label, _ in files], dtype=np.uint8),
        years=np.array([int(year) for year, _, _ in origins], dtype=np.int16),
        books=np.array([int(book) for _, book, _ in origins], dtype=np.int32),
    )
    print(f"{options.output}: {len(files)} scans, {options.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
