"""Refuse or release: look at the built site once more, as a stranger, and pack what passes.

``make site`` calls it after the build. It trusts nothing that the build said: it reads the written
pages, the executed notebooks and the records beside them. A fault ends it with a list, and nothing
is packed. What passes goes into ``_build/release/`` with checksums: the site, the notebooks and the
printed book where they were made.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import yaml
from archive import ENDING, SUMS, pack, write_sums
from build import ROOT

from definebyrun.book.faults import LEFTOVER
from definebyrun.book.links import TARGET, link_faults
from definebyrun.book.notebook import MIME
from definebyrun.book.shipped import meant

Claim = tuple[str, bool]  # its sentence, and whether it holds

PRINTED = "define-by-run.pdf"
RECORDS = ("facts.json", "claims.json", "measures.json")
UNFILLED = "\u2049"  # what a page shows where a quoted number is missing
CELL = re.compile(r"^[`~:]{3,}\{code-cell\}", re.MULTILINE)
NOT_READ = {"pre", "code", "script", "style", "math", "svg"}  # no prose stands in these
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
WORDS_IN = ("alt", "title", "aria-label", "content")  # attributes that are read


class Prose(HTMLParser):
    """The words of a page: its text outside code and formulas, and the attributes with words."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__()
        self.words: list[str] = []
        self.claims = 0
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where we are, the words of attributes, and the claims."""
        found = dict(attrs)
        if tag in NOT_READ or self._inside:
            self._inside += [tag] * (tag not in VOID)
        self.words += [str(found[name]) for name in WORDS_IN if found.get(name)]
        self.claims += tag == "details" and "claim" in (found.get("class") or "").split()

    def handle_endtag(self, tag: str) -> None:
        """Leave code or a formula."""
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Keep prose."""
        if not self._inside:
            self.words.append(data)


def contents(toc: Path) -> list[str]:
    """Name the pages of the contents, in order."""
    found = yaml.safe_load(toc.read_text("utf8"))
    parts = found.get("parts", [found])
    return [found["root"], *(str(p["file"]) for part in parts for p in part.get("chapters", []))]


def run_faults(page: str, source: Path, notebook: Path) -> tuple[list[str], list[Claim]]:
    """Name the code cells of a page that were not executed, or raised what nobody meant.

    Returns:
        The faults, and the claims that its cells made, in order.
    """
    written = len(CELL.findall(source.read_text("utf8")))
    if not written:
        return [], []
    if not notebook.exists():
        return [f"{page} was not executed"], []
    cells = [c for c in json.loads(notebook.read_text("utf8"))["cells"] if c["cell_type"] == "code"]
    faults, claims = [], []
    if len(cells) != written:
        faults.append(f"{page} has {written} code cells, of which {len(cells)} were executed")
    for number, cell in enumerate(cells, 1):
        if not cell["execution_count"] and "".join(cell["source"]).strip():
            faults.append(f"{page} has a cell that was not executed: cell {number}")
        said = [output.get("data", {}).get(MIME, {}) for output in cell["outputs"]]
        claims += [(str(s["claim"]), bool(s["holds"])) for s in said if s.get("kind") == "claim"]
        raised = [o.get("ename") for o in cell["outputs"] if o["output_type"] == "error"]
        if raised and "raises-exception" not in cell["metadata"].get("tags", []):
            faults.append(f"{page} has a cell that raised {raised[0]}: cell {number}")
    return faults, claims


def claim_faults(page: str, made: list[Claim], recorded: list[Claim], shown: int) -> list[str]:
    """Name the claims of a page that failed, and those that were lost on the way to its reader."""
    faults = [f"{page} claims what does not hold: {words}" for words, holds in made if not holds]
    if made != recorded:
        faults.append(f"{page} made {len(made)} claims, of which claims.json says something else")
    if len(made) != shown:
        faults.append(f"{page} made {len(made)} claims and shows {shown}")
    return faults


def prose_faults(page: str, words: Iterable[str]) -> list[str]:
    """Name the markup that a page would print as it was typed, and the numbers it lacks."""
    faults = []
    for text in words:
        found = LEFTOVER.search(text)
        if found:
            around = " ".join(text[max(0, found.start() - 20) : found.end() + 30].split())
            faults.append(f"{page} prints markup as it stands: {around!r}")
        if UNFILLED in text:
            faults.append(f"{page} lacks a number that it quotes")
    return faults


def unmeant(html: Path, pages: set[str]) -> list[str]:
    """Name the files of the site that are no page, that no page loads, and that no list names."""
    asked = set()
    for page in pages:
        file = html / f"{page}.html"
        for match in TARGET.finditer(file.read_text("utf8") if file.exists() else ""):
            link = next(filter(None, match.groups()), "").partition("#")[0]
            asked.add((file.parent / link).resolve())
    sources = {path for path in (html / "source").rglob("*.html") if path.resolve() in asked}
    shown = {path.relative_to(html).with_suffix("").as_posix() for path in sources}
    stays = meant(html, pages | shown)
    every = (path.relative_to(html).as_posix() for path in html.rglob("*") if path.is_file())
    return [f"{name} is not meant to be published" for name in sorted(every) if name not in stays]


def site_faults(root: Path, build: Path) -> list[str]:
    """Return everything that forbids to publish a built book.

    Args:
        root: the folder of the sources, with ``_toc.yml``.
        build: the folder of the build, with ``html`` and ``jupyter_execute``.
    """
    html, executed = build / "html", build / "jupyter_execute"
    missing = [name for name in RECORDS if not (html / name).exists()]
    if missing:
        return [f"the build did not end well: it left no {name}" for name in missing]
    claims, measures = (json.loads((html / name).read_text("utf8")) for name in RECORDS[1:])
    pages = contents(root / "_toc.yml")
    chapters = {measure["page"] for measure in measures}
    faults = []
    for page in pages:
        file = html / f"{page}.html"
        if not file.exists():
            faults.append(f"{page} is in the contents and was not written")
            continue
        prose = Prose(file.read_text("utf8"))
        broken, made = run_faults(page, root / f"{page}.md", executed / f"{page}.ipynb")
        recorded = [(c["claim"], c["holds"] is True) for c in claims if c["page"] == page]
        faults += broken + claim_faults(page, made, recorded, prose.claims)
        faults += prose_faults(page, prose.words)
        if page in chapters and not made:
            faults.append(f"{page} claims nothing")
    every = [f.relative_to(html).with_suffix("").as_posix() for f in html.rglob("*.html")]
    every = [name for name in every if not name.startswith("_static/")]
    faults += link_faults(html, sorted(every))
    return faults + unmeant(html, set(pages))


def release(build: Path, place: Path) -> list[Path]:
    """Pack the site, the notebooks and the printed book, and write their checksums."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for part, folder in (("site", build / "html"), ("notebooks", build / "notebooks")):
        if folder.is_dir():
            pack(folder, place / f"{part}{ENDING}")
    printed = build / PRINTED
    if printed.exists():
        shutil.copyfile(printed, place / PRINTED)
    files = sorted(place.iterdir())
    write_sums(place, files)
    return files


def main() -> None:
    """Look, and pack or refuse."""
    build = ROOT / "_build"
    faults = site_faults(ROOT, build)
    if faults:
        print("The site is not published:", *faults, sep="\n  ")
        sys.exit(1)
    for file in release(build, build / "release"):
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1e6:.1f} MB")
    print(f"Every page passed. Checksums: {(build / 'release' / SUMS).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
