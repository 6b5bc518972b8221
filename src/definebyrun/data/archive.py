"""Fetch the archive of scans and make sure that it is whole and what it should be."""

import hashlib
import io
import re
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo

from definebyrun.data.cache import write
from definebyrun.data.download import download
from definebyrun.data.image import read_grey
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
# No checksum is published. A maintainer who has fetched the archive puts its SHA-256 here.
SHA256: str | None = None
MOST_BYTES = 300_000_000  # the archive has about 233 million
# Of one image, unpacked. All are 48 x 48, and a large one has some 7,000 bytes.
MOST_ENTRY_BYTES = 100_000
MOST_ENTRY_PIXELS = 10_000
ENTRY = re.compile(r"hiragana73/(U[0-9A-F]{4})/[^./][^/]*\.png")


def code_point(character: str) -> str:
    """Return the name of a character's folder, such as U3042 for あ."""
    return f"U{ord(character):04X}"


def hash_file(folder: Path) -> Path:
    """Return the file in a cache that holds the SHA-256 of the first archive seen."""
    return folder / "hiragana73.zip.sha256"


def known_hash(folder: Path) -> str | None:
    """Return the SHA-256 that the archive must have: the book's, else that of the first one seen.

    None where neither is known.
    """
    if SHA256 is not None:
        return SHA256
    try:
        text = hash_file(folder).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return text if re.fullmatch("[0-9a-f]{64}", text) else None


def list_entries(archive: ZipFile, counts: Mapping[str, int] = COUNTS) -> dict[str, list[ZipInfo]]:
    """Return the images of each character in an archive, sorted by name: all, and each once.

    Raises:
        ValueError: they are not as many as were published, or not harmless; the message says how.
    """
    entries: dict[str, ZipInfo] = {}
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
            raise ValueError(f"entry '{entry.filename}' leaves the folder")
        if entry.file_size > MOST_ENTRY_BYTES:
            raise ValueError(f"entry '{entry.filename}' is {entry.file_size} bytes large")
        if entry.filename in entries:
            raise ValueError(f"entry '{entry.filename}' occurs twice")
        entries[entry.filename] = entry
    found: dict[str, list[ZipInfo]] = {character: [] for character in counts}
    character_of = {code_point(character): character for character in counts}
    for name in sorted(entries):
        match = ENTRY.fullmatch(name)
        if match and match[1] in character_of:
            found[character_of[match[1]]].append(entries[name])
    for character, count in counts.items():
        if len(found[character]) != count:
            raise ValueError(
                f"it has {len(found[character])} images of {character}; expected {count}"
            )
    return found


def verify_archive(content: bytes, counts: Mapping[str, int], sha256: str | None = None) -> None:
    """Check an archive of scans: whole, harmless, with the published images, all of them readable.

    Args:
        content: a zip archive with entries such as ``hiragana73/U3042/1901_846066_0055.png``.
        counts: how many images it must have of each character.
        sha256: the hash it must have, where that is known.

    Raises:
        ValueError: the archive fails; the message says how.
    """
    digest = hashlib.sha256(content).hexdigest()
    if sha256 not in (None, digest):
        raise ValueError(f"its SHA-256 is {digest}; expected {sha256}")
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            for entries in list_entries(archive, counts).values():
                for entry in entries:
                    read_grey(archive.read(entry), entry.filename, most_pixels=MOST_ENTRY_PIXELS)
    except ValueError:
        raise
    except Exception as problem:  # on damaged archives zipfile raises whatever comes
        raise ValueError(f"it is no whole zip archive: {problem}") from problem


def fetch_archive(
    folder: Path,
    *,
    address: str = ADDRESS,
    counts: Mapping[str, int] = COUNTS,
    most: int = MOST_BYTES,
    timeout: float = 30.0,
    seconds: float = 3600.0,
    tries: int = 3,
    pause: float = 2.0,
) -> bytes:
    """Return the verified archive of scans: the one in a folder, or fetched and kept there.

    A download is held in memory until it is verified. Its hash is kept beside it: if the archive
    is ever fetched again, it must be the same.

    Args:
        folder: where the archive is kept; made if it is missing.
        address: where to fetch it.
        counts: how many images it must have of each character.
        most: bytes; a larger archive is refused.
        timeout: seconds of silence after which a try is given up.
        seconds: the time for all tries together.
        tries: how often to try.
        pause: seconds before the second try; doubled each time.

    Raises:
        ConnectionError: no try gave a good archive; the message says why and what to do.
    """
    end = time.monotonic() + seconds
    file, sha256 = folder / "hiragana73.zip", known_hash(folder)
    try:
        if file.is_file() and file.stat().st_size <= most:
            content = file.read_bytes()
            verify_archive(content, counts, sha256)
            _keep_hash(folder, content)
            return content
    except (OSError, ValueError):
        pass  # spoilt since it was put there: fetch it again
    problem: Exception | None = None
    for attempt in range(tries):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            left = end - time.monotonic()
            content = download(address, most=most, timeout=timeout, seconds=left)
            verify_archive(content, counts, sha256)
        except (OSError, ValueError) as failure:  # the network's errors are OSErrors
            problem = failure
        else:
            if write(file, content):
                _keep_hash(folder, content)
            return content
    raise ConnectionError(
        f"the scans could not be had from {address} in {tries} tries: {problem}. The book works "
        "without them: leave the source out and the embedded kana are loaded. To use the scans, "
        "try again later, or unpack hiragana73.zip by hand and give its folder as the source."
    ) from problem


def _keep_hash(folder: Path, content: bytes) -> None:
    """Write the hash of a verified archive beside it, unless one is known."""
    if known_hash(folder) is None:
        write(hash_file(folder), hashlib.sha256(content).hexdigest().encode())
