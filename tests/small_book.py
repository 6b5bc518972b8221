"""A small book with the real configuration and the real command, in a copy of the package."""

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOADED = [  # what a build loads before it looks at a book
    "jupyter_book.cli.main",
    "jupyter_book.sphinx",
    "myst_nb.sphinx_ext",
    "pydata_sphinx_theme",
    "sphinx.builders.html",
    "sphinx.cmd.build",
    "sphinx_book_theme",
    "sphinxcontrib.bibtex",
]
FRONT = """---
jupytext:
  formats: md:myst
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
# {title}
:::{{chapter-needs}}
Nothing.
:::

```{{code-cell}} ipython3
from definebyrun.book import claim, record, show_source
from definebyrun.check.answer import WrongAnswer
import definebyrun
x = len(definebyrun.__version__) / 8
record("size", x)
claim("The size is small.", x, "<", 5, size=x)
```
The size is {{quote}}`size:.3f`.

"""
CELL = "```{{code-cell}} ipython3\n{}\n```\n"
FIGURE = """```{code-cell} ipython3
---
mystnb:
  image:
    alt: A rising line.
  figure:
    caption: A line.
---
from definebyrun.drawing.style import figure
fig, ax = figure()
ax.plot([0, 1]);
```
"""


def prepared() -> Any:
    """Return the context of processes that have loaded the libraries of a build, and not ours."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)  # once: it takes longer than most builds
    return context


def jupyter_book(arguments: list[str], variables: dict[str, str], log: Path) -> None:
    """Run the command in this process, all it says in the log."""
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = variables["PYTHONPATH"].split(os.pathsep)
    sys.argv[1:] = arguments
    with log.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    from jupyter_book.cli.main import main

    main()


class Book:
    """A small book in a folder of its own, with its own copy of the package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "book").mkdir(parents=True)
        shutil.copy(ROOT / "_config.yml", folder)
        (folder / "references.bib").write_text("")
        shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("*.pyc"))
        self.write("index", "# A small book\n\nIt quotes {quote}`one::size:.3f`.\n", front=False)

    def write(self, page: str, text: str, *, front: bool = True) -> None:
        start = FRONT.format(title=page.title()) if front else ""
        (self.folder / "book" / f"{page}.md").write_text(start + text)
        chapters = sorted(p.stem for p in (self.folder / "book").glob("*.md") if p.stem != "index")
        toc = "format: jb-book\nroot: book/index\nparts:\n- caption: Part\n  chapters:\n"
        toc += "".join(f"  - file: book/{chapter}\n" for chapter in chapters)
        (self.folder / "_toc.yml").write_text(toc)

    def environment(self, path: str = "", *, alone: bool = False) -> dict[str, str]:
        """The variables of a build; ``path`` goes first, and ``alone`` leaves our package out."""
        paths = [path] if alone else [*filter(None, [path]), str(self.folder / "src")]
        ours = {"PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1", "DEFINEBYRUN_DEVICE": "cpu"}
        return os.environ | ours

    def build(self, *options: str, path: str = "", alone: bool = False) -> tuple[int, str]:
        arguments = ["build", str(self.folder), *options]
        environment = self.environment(path, alone=alone)
        if path or alone:  # what a process is at its start matters
            command = [str(Path(sys.executable).with_name("jb")), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            return done.returncode, done.stdout + done.stderr
        log = self.folder.with_name(f"{self.folder.name}.log")
        process = prepared().Process(target=jupyter_book, args=(arguments, environment, log))
        process.start()
        process.join()
        return process.exitcode, log.read_text("utf8")

    def runs(self, *options: str) -> list[str]:
        """Build the book, which must succeed, and name the pages that were executed."""
        status, output = self.build(*options)
        assert status == 0, output[-3000:]
        return sorted(re.findall(r"\] book/(\w+) took", output))

    def html(self, page: str) -> str:
        return (self.folder / "_build" / "html" / "book" / f"{page}.html").read_text("utf8")

    def records(self, name: str) -> list[dict]:
        return json.loads((self.folder / "_build" / "html" / name).read_text("utf8"))
