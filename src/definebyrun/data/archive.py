"""Fetch the archive of scans and make sure that it is whole and what it should be."""

import os
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from definebyrun.data.cache import import_pooch
from definebyrun.data.names import NAMES

ADDRESS = "http://lab.ndl.go.jp/dataset/hiragana73.zip"
# Published with the data, on https://github.com/ndl-lab/hiragana_mojigazo
COUNTS = dict(
    zip(
        NAMES,
        (
            *(1208, 1122, 1148, 1077, 1283, 1259, 1121, 1266, 1155, 1115, 1261, 1285, 1282, 1165),
            *(1285, 1285, 1052, 1142, 1213, 1184, 1233, 1260, 1093, 1126, 1160, 1247, 1074, 1285),
            *(1114, 1115, 1285, 1142, 1058, 1233, 1187, 1285, 1282, 1166, 1114, 1244, 1190, 1238),
            *(1069, 1283, 1254, 1285),
        ),
        strict=True,
    )
)
LARGEST = 1_000_000  # bytes: an image of 48 x 48 is far smaller, unpacked


def code_point(character: str) -> str:
    """Return the name of a character's folder, such as U3042 for あ."""
    return f"U{ord(character):04X}"


def verify_archive(file: Path, counts: Mapping[str, int]) -> None:
    """Check an archive of scans: whole, harmless, and with the published number of images.

    Args:
        file: a zip archive with entries such as ``hiragana73/U3042/1901_846066_0055.png``.
        counts: how many images it must have of each character.

    Raises:
        ValueError: the archive fails; the message says how.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found: Counter[str] = Counter()
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
                    raise ValueError(f"entry '{entry.filename}' leaves the folder")
                if entry.file_size > LARGEST:
                    raise ValueError(f"entry '{entry.filename}' is {entry.file_size} bytes large")
                if path.suffix.lower() == ".png":
                    found[path.parent.name] += 1
            for character, count in counts.items():
                if found[code_point(character)] != count:
                    raise ValueError(
                        f"it has {found[code_point(character)]} images of {character}; "
                        f"expected {count}"
                    )
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as problem:
        raise ValueError(f"it is no whole zip archive: {problem}") from problem
    if damaged is not None:
        raise ValueError(f"entry '{damaged}' is damaged")


def fetch_archive(
    folder: Path,
    *,
    address: str = ADDRESS,
    counts: Mapping[str, int] = COUNTS,
    timeout: float = 30.0,
    tries: int = 3,
    pause: float = 2.0,
) -> Path:
    """Return the verified archive of scans in a folder, fetched if it is not there.

    A download goes to a place of its own and moves into the folder only when it is verified.

    Args:
        folder: where the archive is kept; made if it is missing.
        address: where to fetch it.
        counts: how many images it must have of each character.
        timeout: seconds of silence after which a try is given up.
        tries: how often to try.
        pause: seconds before the second try; doubled each time.

    Raises:
        ConnectionError: no try gave a good archive; the message says why and what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "hiragana73.zip"
    if archive.exists():
        try:
            verify_archive(archive, counts)
            return archive
        except ValueError:
            pass  # spoilt since it was put there: fetch it again
    pooch = import_pooch()
    pooch.get_logger().setLevel("WARNING")
    problem: Exception | None = None
    for attempt in range(tries):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            try:
                part = pooch.retrieve(
                    address,
                    known_hash=None,
                    fname="part.zip",
                    path=scratch,
                    downloader=pooch.HTTPDownloader(progressbar=True, timeout=timeout),
                )
                verify_archive(Path(part), counts)
                os.replace(part, archive)
                return archive
            except (OSError, ValueError) as failure:  # the network's errors are OSErrors
                problem = failure
    raise ConnectionError(
        f"the scans could not be had from {address} in {tries} tries: {problem}. The book works "
        "without them: leave the source out and the embedded kana are loaded. To use the scans, "
        "try again later, or unpack hiragana73.zip by hand and give its folder as the source."
    ) from problem
