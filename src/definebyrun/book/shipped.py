"""What of a build is published: the pages, what they load, the files named here, and nothing else.

Sphinx and its extensions leave more beside the pages than a reader needs: source maps, scripts of
services that are not used, logs of earlier failures, figures of earlier builds. It is taken away.
"""

import posixpath
import re
import shutil
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx

from definebyrun.book.sources import modules_shown, page_of

FILES = (
    "index.html",  # leads to the first page
    "search.html",
    "404.html",  # shown for an address that is not there
    "sitemap.xml",  # for search engines, where the address of the site is known
    "objects.inv",  # so that other books can link to places of this one
    "facts.json",  # every quoted number
    "claims.json",  # every checked claim
    "measures.json",  # what each page asks of its reader
    "notebooks/*",  # the pages as notebooks, where they were made
    "_static/card.png",  # the picture beside a link that somebody shares
    "_static/search-index.js",  # fetched by the search when it is used
    "_static/*/LICENSE",
    "_static/fonts/*.txt",
    "_static/fonts/*.md",
)
STAMP = ".buildinfo"  # by which Sphinx knows its settings of last time; of no use to a reader
LOADS = re.compile(r"""\s(?:href|src|srcset|poster|data)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')]+)""")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.connect("builder-inited", put_back)
    app.connect("build-finished", take_away, priority=800)  # before the links are looked at
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def meant(folder: Path, pages: Iterable[str]) -> set[str]:
    """Return the files of a site that are meant to be published.

    Args:
        folder: of the site.
        pages: what was written from sources, by name.
    """
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    found = {f"{page}.html" for page in pages}
    found |= {path for path in there if any(fnmatchcase(path, pattern) for pattern in FILES)}
    waiting = sorted(found & there)
    while waiting:
        name = waiting.pop()
        if not name.endswith((".html", ".css")):
            continue
        for address in _loaded(folder / name):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
            if path in there and path not in found and not path.endswith(".html"):
                found.add(path)
                waiting.append(path)
    return found


def _loaded(file: Path) -> Iterator[str]:
    """Yield the addresses that a page or a style sheet names, as paths from its folder."""
    text = file.read_text("utf8")
    styles = STYLES.findall(text)
    named = [first or second for first, second in LOADS.findall(text)]
    lists = [part.split()[0] for words in named for part in words.split(",") if part.split()]
    for address in {*styles, *named, *lists}:
        parts = urlsplit(unescape(address))
        if parts.path and not parts.scheme and not parts.netloc:
            yield unquote(parts.path)


def take_away(app: Sphinx, exception: Exception | None) -> None:
    """Remove from the finished site what is not meant to be published."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    if (folder / STAMP).exists():
        shutil.move(folder / STAMP, Path(app.doctreedir, STAMP))
    pages = {*app.env.found_docs, *map(page_of, modules_shown(app.env))}
    stays = meant(folder, pages)
    for path in sorted(folder.rglob("*"), reverse=True):  # what is inside a folder comes first
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in stays:
            path.unlink()


def put_back(app: Sphinx) -> None:
    """Give Sphinx its stamp of the last build, else it would write every page anew."""
    kept = Path(app.doctreedir, STAMP)
    if app.builder.format == "html" and kept.exists() and not Path(app.outdir, STAMP).exists():
        Path(app.outdir).mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, Path(app.outdir, STAMP))
