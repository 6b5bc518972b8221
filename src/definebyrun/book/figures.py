"""Figures in pages: each has a caption and alt text, and a version for dark pages."""

import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.util.images import get_image_size

from definebyrun.drawing.colours import DARK, LIGHT

VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')  # in points, as matplotlib draws


class enlarge(nodes.container):
    """A link around a figure, light and dark, that leads to the drawing itself."""


def figure_faults(doctree: nodes.document) -> list[str]:
    """Name the images without alt text of their own, and the drawn figures without a caption."""
    faults = []
    seen: set[str] = set()
    for image in doctree.findall(nodes.image):
        if "only-dark" in image["classes"]:
            continue  # the other version of one that is looked at
        name = Path(image["uri"]).name[:20]
        alt = " ".join(image.get("alt", "").split())
        if not alt:
            faults.append(f"shows the image {name} without alt text")
        elif len(alt.split()) < 2:
            faults.append(f"shows the image {name} with the alt text {alt!r}; say what is seen")
        elif alt in seen:
            faults.append(f"shows two images with the alt text {alt[:60]!r}")
        seen.add(alt)
        figure = image.parent
        while isinstance(figure, nodes.container):  # those that MyST-NB puts around an output
            figure = figure.parent
        captions = [part.astext().strip() for part in figure if isinstance(part, nodes.caption)]
        if not any(captions):
            faults.append(f"shows the image {name} without a caption")
    return faults


def output_faults(number: int, cell: Any) -> list[str]:
    """Name what is wrong with the figures that a cell drew.

    Args:
        number: which of the code cells of the page it is.
        cell: the executed cell.
    """
    outputs = [output.get("data", {}) for output in cell.outputs]
    drawn = [data for data in outputs if any(kind.startswith("image/") for kind in data)]
    expected = bool(cell.metadata.get("mystnb", {}).keys() & {"figure", "image"})
    if expected and not drawn:
        return [
            f"shows no figure in cell {number}, which has a caption; it was closed or not drawn"
        ]
    faults = []
    if len(drawn) > 1:
        faults.append(f"shows {len(drawn)} figures in cell {number}; expected one to a cell")
    if any(_is_empty(data.get("image/svg+xml", "")) for data in drawn):
        faults.append(f"shows an empty figure in cell {number}")
    return faults


def _is_empty(svg: str) -> bool:
    """Tell whether a drawing of matplotlib has axes and nothing in any of them."""
    axes = re.split(r'<g id="axes_\d+">', svg)[1:]
    if not axes:
        return False
    inside = re.compile(r'^   <g id="(?!patch_|matplotlib\.axis_)\w', re.MULTILINE)
    frame = re.compile(r'^   <g id="patch_', re.MULTILINE)
    drawn = (inside.search(p) or "<image" in p or len(frame.findall(p)) > 5 for p in axes)
    return not any(drawn)


def add_dark_versions(app: Sphinx, doctree: nodes.document) -> None:
    """Put a dark version beside each drawn figure; the style sheet shows the one that fits.

    The dark file is the light one with each colour of the plotting module exchanged. Both say their
    size, so that a page does not move when they come, and stand in a link to the drawing itself.
    """
    for image in list(doctree.findall(nodes.image)):
        path = _file(app, image["uri"])
        if path.suffix != ".svg" or "jupyter_execute" not in path.parts:
            size = get_image_size(str(path)) if path.exists() else None
            if size:
                image["natural"] = size
            continue
        drawing = path.read_text("utf8")
        view = VIEW.search(drawing)
        if view:
            image["natural"] = tuple(round(float(points) * 4 / 3) for points in view.groups())
        dark_path = path.with_name(f"{path.stem}-dark.svg")
        dark_path.write_text(dark_version(drawing), "utf8")
        dark = image.deepcopy()
        dark["uri"] = image["uri"].removesuffix(".svg") + "-dark.svg"
        image["classes"] += ["only-light"]
        dark["classes"] += ["only-dark"]
        image.replace_self(enlarge("", image.deepcopy(), dark))


def _file(app: Sphinx, uri: str) -> Path:
    """Return where an image of the page that is read lies."""
    if uri.startswith("/"):
        return Path(app.srcdir, uri.lstrip("/"))
    return Path(app.env.doc2path(app.env.docname)).parent / uri


def published(builder: Builder, uri: str) -> str:
    """Return the address of an image from the page that is written."""
    name = builder.images.get(uri)
    return posixpath.join(builder.imgpath, quote(name)) if name else uri


def dark_version(svg: str) -> str:
    """Exchange the light colours of a drawing for the dark ones."""
    pairs = {LIGHT[name].lower(): DARK[name] for name in LIGHT}
    pattern = re.compile("|".join(map(re.escape, pairs)), re.IGNORECASE)
    return pattern.sub(lambda match: pairs[match[0].lower()], svg)
