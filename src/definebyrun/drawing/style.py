"""The book's one plotting module: sizes and the few kinds of picture it draws.

Lines differ in their dashes as well as in their colours (:mod:`definebyrun.drawing.colours`),
because colour alone must never carry the meaning.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from definebyrun.drawing.colours import LIGHT

LINES = [
    ("blue", "-"),
    ("orange", "--"),
    ("green", "-."),
    ("pink", ":"),
    ("olive", (0, (5, 1, 1, 1))),
    ("grey", (0, (1, 1))),
]
WIDTH = 5.6  # inches; the text in a figure stays readable when a phone shrinks it
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LIGHT["ink"],
    "axes.facecolor": LIGHT["paper"],
    "axes.grid": True,
    "axes.labelcolor": LIGHT["ink"],
    "axes.prop_cycle": cycler(
        color=[LIGHT[name] for name, _ in LINES], linestyle=[dash for _, dash in LINES]
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.facecolor": LIGHT["paper"],
    "font.size": 10,
    "grid.color": LIGHT["faint"],
    "grid.linewidth": 0.6,
    "image.cmap": "cividis",
    "legend.edgecolor": LIGHT["faint"],
    "legend.facecolor": LIGHT["paper"],
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.8,
    "patch.edgecolor": LIGHT["ink"],
    "savefig.facecolor": LIGHT["paper"],
    "svg.fonttype": "path",  # the same letters on every machine
    "svg.hashsalt": "definebyrun",  # the same file from the same figure
    "text.color": LIGHT["ink"],
    "xtick.color": LIGHT["ink"],
    "ytick.color": LIGHT["ink"],
}


def to_numpy(values: Any) -> np.ndarray:
    """Return numbers as an array that matplotlib takes, from any device and any graph."""
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    height: float | None = None,
    width: float = WIDTH,
    **options: Any,
) -> tuple[Figure, Any]:
    """Start a figure in the style of the book.

    Args:
        rows, columns: how many plots, as for :func:`matplotlib.pyplot.subplots`.
        height, width: in inches; the height follows from the shape when it is left out.
        options: passed on to ``subplots``, such as ``sharex=True`` or ``subplot_kw``.

    Returns:
        The figure and its axes: one, or an array of them.
    """
    shell = get_ipython()
    if shell is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})
    plt.rcParams.update(STYLE)  # type: ignore[arg-type]
    if height is None:
        height = max(1.6, 0.62 * width / columns) * rows
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def plot_curves(
    ax: Axes,
    x: Any,
    curves: dict[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    log: str = "",
) -> None:
    """Draw named curves over a common axis, each in its own colour and dash, with a legend.

    Args:
        x: the common horizontal values, shape (n,).
        curves: for each name the vertical values, shape (n,).
        xlabel, ylabel: what the axes measure, with the unit.
        log: which axes are logarithmic: ``""``, ``"x"``, ``"y"`` or ``"xy"``.
    """
    for name, y in curves.items():
        ax.plot(to_numpy(x), to_numpy(y), label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    if len(curves) > 1:
        ax.legend()


def plot_contours(
    ax: Axes,
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    log: bool = False,
    levels: int = 12,
    xlabel: str = "x",
    ylabel: str = "y",
) -> None:
    """Draw a function of two variables as a contour map.

    Args:
        function: takes two tensors of shape (n, n), float64, and returns one.
        xlim, ylim: the rectangle to draw.
        log: space the contours by powers, for a function that is positive and spans decades.
        levels: how many contours.
    """
    x, y = torch.meshgrid(
        torch.linspace(*xlim, 200, dtype=torch.float64),
        torch.linspace(*ylim, 200, dtype=torch.float64),
        indexing="xy",
    )
    z = to_numpy(function(x, y))
    options: dict[str, Any] = {"levels": levels}
    if log:
        low = math.log10(max(float(z.min()), 1e-3))
        options = {"levels": np.logspace(low, math.log10(float(z.max())), levels)}
        options["norm"] = LogNorm()
    contours = ax.contour(to_numpy(x), to_numpy(y), z, linewidths=1, cmap="viridis", **options)
    ax.clabel(contours, fontsize=7, colors=LIGHT["ink"], fmt="%.3g")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)


def plot_path(ax: Axes, points: Any, *, name: str = "", colour: str = "orange") -> None:
    """Draw the way of an optimizer over a contour map, with its start and its end marked.

    Args:
        points: shape (steps, 2), one row a point.
        name: for the legend; empty for none.
        colour: a key of :data:`LIGHT`.
    """
    way = to_numpy(points)
    ax.plot(way[:, 0], way[:, 1], "-", color=LIGHT[colour], label=name or None)
    ax.plot(*way[0], "o", color=LIGHT[colour], markerfacecolor=LIGHT["paper"])
    ax.plot(*way[-1], "*", color=LIGHT[colour], markersize=11)


def show_images(
    images: Any,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    vmin: float | None = None,
    vmax: float | None = None,
    frame: bool = False,
    title_size: float = 8,
) -> Figure:
    """Draw grey images in a grid: ink dark, paper light, as on a printed page.

    Args:
        images: shape (n, height, width) or (n, 1, height, width); high values are ink.
        titles: one short text an image.
        columns: images in a row.
        vmin, vmax: the values drawn as paper and as full ink; by default the range of each image.
        frame: draw a hair-thin border round each image, so that light ones do not melt into the
            paper, and one sees where the middle lies.
        title_size: of the letters, in points.

    Raises:
        ValueError: the images have another shape, or the titles another number.
    """
    pictures = to_numpy(images)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        pictures = pictures[:, 0]
    if pictures.ndim != 3:
        raise ValueError(
            f"images has shape {pictures.shape}; "
            "expected (n, height, width) or (n, 1, height, width)"
        )
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"titles has {len(titles)} entries; expected {len(pictures)}")
    rows = math.ceil(len(pictures) / columns)
    cell = WIDTH / columns
    fig, axes = figure(
        rows, columns, height=rows * (cell + (0.22 if titles is not None else 0)), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    for index, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, cmap="gray_r", vmin=vmin, vmax=vmax, interpolation="nearest")
        if titles is not None:
            ax.set_title(titles[index], fontsize=title_size)
        if frame:
            ax.axis("on")
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(visible=True, color=LIGHT["grey"], linewidth=0.4)
    return fig


def draw_cells(
    ax: Axes,
    values: Any,
    *,
    corner: tuple[float, float] = (0.0, 0.0),
    colours: Any = "blue",
    ghost: bool = False,
) -> None:
    """Draw numbers as a table of boxes, each one unit wide and high, as they lie in a tensor.

    Args:
        values: numbers or short texts, shape (rows, columns), or (columns,) for a single row.
        corner: where the upper left corner lies, as (x, y); y grows downwards.
        colours: a key of :data:`LIGHT`, or keys of a shape that broadcasts to that of the values.
        ghost: draw dashed and pale, for numbers that are meant but not stored.
    """
    table = np.atleast_2d(to_numpy(values))
    keys = np.broadcast_to(np.asarray(colours), table.shape)
    for (row, column), value in np.ndenumerate(table):
        place = (corner[0] + column, corner[1] + row)
        ink = LIGHT["grey" if ghost else "ink"]
        ax.add_patch(Rectangle(place, 1, 1, facecolor=LIGHT["paper"], edgecolor="none"))
        tint = LIGHT[str(keys[row, column])]
        ax.add_patch(Rectangle(place, 1, 1, facecolor=tint, alpha=0.1 if ghost else 0.3))
        edge = Rectangle(place, 1, 1, fill=False, edgecolor=ink, linestyle=":" if ghost else "-")
        ax.add_patch(edge)
        ax.text(place[0] + 0.5, place[1] + 0.5, str(value), color=ink, ha="center", va="center")
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.set_aspect("equal")
    ax.axis("off")
    ax.autoscale_view()
