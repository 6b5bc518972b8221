"""Figures in pages: each has a caption and alt text, and a version for dark pages."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from definebyrun.drawing.style import DARK, LIGHT


def figure_faults(doctree: nodes.document) -> list[str]:
    """Name the images without alt text, and the drawn figures without a caption."""
    faults = []
    for image in doctree.findall(nodes.image):
        name = Path(image["uri"]).name[:20]
        if not image.get("alt", "").strip():
            faults.append(f"shows the image {name} without alt text")
        figure = image.parent
        while isinstance(figure, nodes.container):  # those that MyST-NB puts around an output
            figure = figure.parent
        captions = [part.astext().strip() for part in figure if isinstance(part, nodes.caption)]
        if not any(captions):
            faults.append(f"shows the image {name} without a caption")
    return faults


def add_dark_versions(app: Sphinx, doctree: nodes.document) -> None:
    """Put a dark version beside each drawn figure; the style sheet shows the one that fits.

    The dark file is the light one with each colour of the plotting module exchanged.
    """
    for image in list(doctree.findall(nodes.image)):
        uri = image["uri"]
        path = Path(app.srcdir, uri.lstrip("/")) if uri.startswith("/") else None
        if path is None:
            path = Path(app.env.doc2path(app.env.docname)).parent / uri
        if path.suffix != ".svg" or "jupyter_execute" not in path.parts:
            continue
        dark_path = path.with_name(f"{path.stem}-dark.svg")
        dark_path.write_text(dark_version(path.read_text("utf8")), "utf8")
        dark = image.deepcopy()
        dark["uri"] = uri.removesuffix(".svg") + "-dark.svg"
        image["classes"] += ["only-light"]
        dark["classes"] += ["only-dark"]
        image.parent.insert(image.parent.index(image) + 1, dark)


def dark_version(svg: str) -> str:
    """Exchange the light colours of a drawing for the dark ones."""
    pairs = {LIGHT[name].lower(): DARK[name] for name in LIGHT}
    pattern = re.compile("|".join(map(re.escape, pairs)), re.IGNORECASE)
    return pattern.sub(lambda match: pairs[match[0].lower()], svg)
