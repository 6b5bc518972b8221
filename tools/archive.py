"""Pack folders into archives with checksums, and unpack them again where the checksums agree.

``archive.py check FOLDER`` holds every file of the folder against its ``SHA256SUMS``; ``archive.py
unpack FOLDER`` unpacks each archive beside itself as well. The same files give the same archive,
byte by byte, whatever their times and owners. Nothing but Python's standard library is needed.
"""

import gzip
import hashlib
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

SUMS = "SHA256SUMS"
ENDING = ".tar.gz"


def pack(folder: Path, archive: Path) -> None:
    """Write every file below a folder into one archive, in order and without times and owners."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
            entry.size, entry.mode = file.stat().st_size, 0o644
            with file.open("rb") as content:
                tar.addfile(entry, content)


def digest(file: Path) -> str:
    """Return the checksum of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write_sums(folder: Path, files: Iterable[Path]) -> None:
    """Write the checksums of these files as ``sha256sum`` writes and checks them."""
    lines = [f"{digest(file)}  {file.name}\n" for file in sorted(files)]
    (folder / SUMS).write_text("".join(lines), "utf8")


def check(folder: Path) -> list[str]:
    """Return the names of the files that were packed, if every checksum agrees.

    Raises:
        ValueError: a file is missing or is another than the one that was packed.
    """
    lines = (folder / SUMS).read_text("utf8").splitlines()
    sums = {name: known for known, _, name in (line.partition("  ") for line in lines)}
    for name, known in sums.items():
        if not (folder / name).is_file() or digest(folder / name) != known:
            raise ValueError(f"{name} is not the file that {SUMS} names")
    return sorted(sums)


def unpack(folder: Path) -> list[str]:
    """Unpack the archives of a folder into folders beside them, if every checksum agrees."""
    names = check(folder)
    for name in names:
        if name.endswith(ENDING):
            with tarfile.open(folder / name) as tar:
                tar.extractall(folder / name.removesuffix(ENDING), filter="data")
    return names


TASKS = {"check": check, "unpack": unpack}


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in TASKS:
        sys.exit("Say what to do, and where: archive.py check FOLDER, or archive.py unpack FOLDER")
    try:
        print(*TASKS[sys.argv[1]](Path(sys.argv[2])), sep="\n")
    except (ValueError, OSError) as error:
        sys.exit(f"The files are not as they were packed: {error}")
