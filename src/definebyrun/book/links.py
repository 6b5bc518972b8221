"""The links of the written pages: each leads to a page, a place or a file that is there."""

import re
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from definebyrun.book.faults import foreign

IDS = re.compile(r"""\sid\s*=\s*(?:"([^"]*)"|'([^']*)')""")
TARGET = re.compile(
    r"""<(?:a|link|area)\b[^>]*?\shref\s*=\s*(?:"([^"]*)"|'([^']*)')"""
    r"""|<(?:img|script|source|iframe|video|audio)\b[^>]*?\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)')"""
)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def link_faults(folder: Path, pages: Iterable[str]) -> list[str]:
    """Name the links of the pages that lead to nothing, and what they fetch from elsewhere.

    Args:
        folder: where the site was written; a link that begins with ``/`` starts there.
        pages: the pages to look at, by name.
    """
    texts = {folder / f"{page}.html": page for page in pages}
    anchors: dict[Path, set[str]] = {}
    faults: dict[str, None] = {}
    for path, page in texts.items():
        if not path.exists():
            continue
        html = COMMENT.sub("", path.read_text("utf8"))
        for address in foreign(html):
            faults[f"{page} fetches {address!r} from another host"] = None
        for match in TARGET.finditer(html):
            link = unescape(next(filter(None, match.groups()), ""))
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            here = folder if parts.path.startswith("/") else path.parent
            target = (here / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                faults[f"{page} links to {link!r}, which is not there"] = None
            elif parts.fragment and target.suffix == ".html":
                if target not in anchors:
                    anchors[target] = _anchors(target)
                if unquote(parts.fragment) not in anchors[target]:
                    faults[f"{page} links to {link!r}, where there is no such place"] = None
    return list(faults)


def _anchors(path: Path) -> set[str]:
    found = IDS.finditer(path.read_text("utf8"))
    return {unescape(match[1] or match[2] or "") for match in found}
