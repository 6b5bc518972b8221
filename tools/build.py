"""Build the book, or one chapter of it, and say which page to open.

``build.py`` builds everything into ``_build/``; ``build.py tensors`` builds that chapter alone into
``_build/preview/``, for its author to look at. The whole output of the build goes to a log beside
the pages; what is wrong is printed in lines of one cause each, without Sphinx's traceback.
"""

import fcntl
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRESS = re.compile(r"Running \d+ page|\[\d+/\d+\] |.*\bWARNING: ")
JUPYTER_BOOK = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
AGAIN = "remove .venv and run make again"
CAUSES = {  # what the log says, and what it means
    r"No space left on device": "the disk is full; free some space and build again",
    r"Permission denied: '([^']*)'": r"\1 belongs to another user; build as that user",
    r"No module named '([^']*)'": rf"the environment lacks \1; {AGAIN}",
    r"cannot import name '([^']*)'": rf"the environment lacks \1; {AGAIN}",
    r"(?:Config|Extension)Error: ([^\n]+)": r"\1",
    r"\n[\w.]*Error: (?!\s|\x1b)([^\n]+)\s*\Z": r"\1",
}


def build(options: list[str], log: Path, environment: dict[str, str] | None = None) -> int:
    """Run Jupyter Book, its output in the log, showing which pages run; return its exit status.

    The package that runs is the one in this checkout, whatever the environment would import.
    """
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(ROOT), *options]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    variables |= environment or {}
    log.parent.mkdir(parents=True, exist_ok=True)
    with (log.parent / "lock").open("w") as lock:
        _wait_for(lock)
        with log.open("w", encoding="utf8") as output, log.open(encoding="utf8") as record:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=variables
            )
            running = True
            while running:
                running = process.poll() is None
                for line in record.readlines():
                    if PROGRESS.match(line):
                        print(line.rstrip().replace(f"{ROOT}/", ""), flush=True)
                time.sleep(0.2 * running)
    return process.returncode


def _wait_for(lock) -> None:
    """Wait until no other build writes into the same folder."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another build is under way; waiting for it to end.", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def faults(text: str) -> str:
    """Return what the log of a failed build says is wrong, in a line for each fault."""
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if "the book has faults:" in line]
    if starts:
        end = starts[0] + 1
        while end < len(lines) and lines[end].startswith("  "):
            end += 1
        return "\n".join(["The book has faults:", *lines[starts[0] + 1 : end]])
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    plain = re.split(r"\n(?:RuntimeError: )?\n?=+\n", plain)[0]  # less Jupyter Book's box
    for sign, meaning in CAUSES.items():
        found = list(re.finditer(sign, plain))
        if found:
            return "The book cannot be built: " + found[-1].expand(meaning)
    last = [line.strip() for line in plain.splitlines() if line.strip()]
    return "The book cannot be built: " + (last[-1] if last else "the build ended without a word")


def alone(chapters: list[str], folder: Path) -> list[str]:
    """Return the options that build these chapters alone into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    first, *others = [f"book/{chapter}" for chapter in [*chapters, "bibliography"]]
    pages = "".join(f"- file: {page}\n" for page in others)
    toc = folder / "_toc.yml"
    toc.write_text(f"format: jb-book\nroot: {first}\nchapters:\n{pages}")
    return ["--toc", str(toc), "--path-output", str(folder)]


def main() -> None:
    """Build, and end with the page to open or with the faults."""
    folder, options, page = ROOT / "_build", [], "index.html"
    if len(sys.argv) > 1:
        chapter = sys.argv[1]
        if not (ROOT / "book" / f"{chapter}.md").exists():
            sys.exit(f"There is no chapter {chapter!r}: book/{chapter}.md does not exist.")
        options = alone([chapter], folder / "preview")
        folder, page = folder / "preview" / "_build", f"book/{chapter}.html"
    log = folder / "build.log"
    if build(options, log):
        print(faults(log.read_text("utf8", "replace")))
        sys.exit(f"The book was not built. The whole log: {log.relative_to(ROOT)}")
    print(f"The book is built. Open {folder.relative_to(ROOT)}/html/{page} in a browser.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted. The pages that were done are kept.")
    except OSError as error:
        sys.exit(f"The book cannot be built: {error.strerror}: {error.filename or ''}")
