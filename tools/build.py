"""Build the book, or one chapter of it, and say which page to open.

``build.py`` builds everything into ``_build/``; ``build.py tensors`` builds that chapter alone into
``_build/preview/``, for its author to look at. The whole output of the build goes to a log beside
the pages; what is wrong with the book is printed without Sphinx's traceback.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(options: list[str], log: Path) -> int:
    """Run Jupyter Book, its output in the log, showing what it executes; return its exit status."""
    command = [str(Path(sys.executable).with_name("jb")), "build", str(ROOT), *options]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf8") as output, log.open(encoding="utf8") as record:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        running = True
        while running:
            running = process.poll() is None
            for line in record.readlines():
                if "Executing notebook" in line or "WARNING: " in line:
                    print(line.rstrip().replace(f"{ROOT}/", ""), flush=True)
            time.sleep(0.2 * running)
    return process.returncode


def faults(log: Path) -> str:
    """Return the part of the log that says what is wrong."""
    lines = log.read_text("utf8").splitlines()
    starts = [n for n, line in enumerate(lines) if "the book has faults:" in line]
    if not starts:
        return "\n".join(lines[-15:])
    end = starts[0] + 1
    while end < len(lines) and lines[end].startswith("  "):
        end += 1
    return "\n".join(["The book has faults:", *lines[starts[0] + 1 : end]])


def main() -> None:
    """Build, and end with the page to open or with the faults."""
    folder, options, page = ROOT / "_build", [], "index.html"
    if len(sys.argv) > 1:
        chapter = sys.argv[1]
        if not (ROOT / "book" / f"{chapter}.md").exists():
            sys.exit(f"There is no chapter {chapter!r}: book/{chapter}.md does not exist.")
        folder, page = folder / "preview", f"book/{chapter}.html"
        toc = folder / "_toc.yml"
        folder.mkdir(parents=True, exist_ok=True)
        pages = f"root: book/{chapter}\nchapters:\n- file: book/bibliography\n"
        toc.write_text(f"format: jb-book\n{pages}")
        options = ["--toc", str(toc), "--path-output", str(folder)]
        folder /= "_build"
    log = folder / "build.log"
    if build(options, log):
        print(faults(log))
        sys.exit(f"The book was not built. The whole log: {log.relative_to(ROOT)}")
    print(f"The book is built. Open {folder.relative_to(ROOT)}/html/{page} in a browser.")


if __name__ == "__main__":
    main()
