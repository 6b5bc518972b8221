"""What is published: the pages and what they load; nothing that a build left beside them."""

from pathlib import Path

from definebyrun.book.shipped import meant

LEFT = [
    "reports/tensors.err.log",
    "_static/scripts/theme.js.map",
    "_static/unused.js",
    "_images/of-an-earlier-build.svg",
    "jupyter_execute/book/tensors.ipynb",
    ".buildinfo",
    "book/.doctrees/tensors.doctree",
    "secret.txt",
]
MEANT = {
    "index.html": '<a href="book/a.html">open</a>',
    "book/a.html": (
        '<link href="../_static/book.css?v=1"><img src="../_images/one%20two.svg">'
        '<source srcset="../_images/small.png 1x, ../_images/large.png 2x">'
        '<a href="../facts.json">facts</a><a href="https://example.org/x.js">x</a>'
    ),
    "_static/book.css": (
        '@import "basic.css"; @import url(more.css);'
        "@font-face { src: url('fonts/f.woff2?x#y') format('woff2') }"
    ),
    "_static/basic.css": "",
    "_static/more.css": "",
    "_static/fonts/f.woff2": "",
    "_images/one two.svg": "",
    "_images/small.png": "",
    "_images/large.png": "",
    "facts.json": "[]",
    "404.html": "",
}


def test_only_what_is_meant_is_published(tmp_path: Path) -> None:
    """Logs, source maps, doctrees and figures of earlier builds stay behind."""
    for name, text in MEANT.items() | {(name, "left") for name in LEFT}:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert meant(tmp_path, ["book/a"]) == set(MEANT)
