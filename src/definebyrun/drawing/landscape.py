"""Maps of landscapes: contours, the same as a surface, and the ways that methods take."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from torch import Tensor

from definebyrun.drawing.colours import LIGHT
from definebyrun.drawing.style import LINES, WIDTH, figure, to_numpy
from definebyrun.scratch.minimise import Trajectory

MARKS = ("o", "s", "^", "D", "v", "P")
# Without the darkest purples and the palest yellow: a surface stands out from either paper.
SURFACE = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.3, 0.95, 256)), name="surface")


def draw_contours(
    ax: Axes,
    value: Callable[[Tensor], Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    log: bool = False,
    levels: int | Sequence[float] = 10,
    names: tuple[str, str] = ("x", "y"),
    heights: bool = True,
) -> None:
    """Draw a function of two variables as a contour map, with the heights printed on its lines.

    All lines have one of the book's own colours, so the dark version of the figure shows them too.

    Args:
        value: takes points of shape (..., 2), float64, and returns heights of shape (...).
        xlim, ylim: the rectangle to draw.
        log: draw two contours a decade, each √10 times as high as the one below it, for a function
            that is not negative and spans decades; a millionth of the top counts as flat.
        levels: how many contours, when they are evenly spaced, or the heights to draw.
        names: what the two axes measure.
        heights: print the height on the lines; of a logarithmic map on those that are a power
            of ten.
    """
    x, y, z = _heights(value, xlim, ylim, 300)
    options: dict[str, Any] = {"levels": levels}
    if log:
        low = max(float(z.min()), float(z.max()) * 1e-6)
        decades = math.floor(math.log10(low)), math.ceil(math.log10(float(z.max())))
        lines = 2 * (decades[1] - decades[0]) + 1
        options["levels"] = np.logspace(*decades, lines)
    look: dict[str, Any] = {"linewidths": 0.9, "colors": LIGHT["grey"], "linestyles": "-"}
    contours = ax.contour(x, y, z, zorder=1.5, **look, **options)
    ax.set(xlabel=names[0], ylabel=names[1], xlim=xlim, ylim=ylim)
    ax.grid(False)
    if heights:
        steep = np.hypot(*np.gradient(np.log(np.maximum(z, 1e-300)) if log else z))
        _print_heights(ax, contours, steep, every=2 if log else 1)


def _print_heights(ax: Axes, contours: QuadContourSet, steep: np.ndarray, *, every: int) -> None:
    """Print heights on the lines, each where its line has most room: where the map is least steep.

    A height keeps clear of the frame and of those before it; a line without such a place, or one
    that is hardly longer than its height, goes without.

    Args:
        steep: the slope at each point of the grid, shape (rows, columns).
        every: print on each line (1), on every second (2), ...
    """
    limits = np.array([ax.get_xlim(), ax.get_ylim()])
    corner, size = limits[:, 0], np.ptp(limits, axis=1)
    last = np.array(steep.shape[::-1]) - 1
    paper = {"boxstyle": "square,pad=0.1", "facecolor": LIGHT["paper"], "edgecolor": "none"}
    taken = np.empty((0, 2))
    pairs = list(zip(contours.levels, contours.get_paths(), strict=True))
    for level, path in pairs[::every]:
        places = (path.vertices - corner) / size  # as shares of the frame
        inside = np.abs(places - 0.5).max(axis=1, initial=0) < 0.42
        apart = np.linalg.norm(places[:, None] - taken, axis=2).min(axis=1, initial=1)
        free = places[inside & (apart > 0.13)]
        if not len(free) or np.ptp(places, axis=0).max() < 0.2:
            continue
        column, row = np.rint(free * last).astype(int).T
        place = free[np.nan_to_num(steep[row, column], nan=np.inf).argmin()]
        taken = np.vstack([taken, place])
        x, y = corner + place * size
        ax.text(
            x,
            y,
            f"{level:.4g}".replace("-", "−"),
            fontsize=9,
            ha="center",
            va="center",
            bbox=paper,
            zorder=1.7,  # above the lines, below the ways
        )


def draw_trajectories(
    ax: Axes, trajectories: dict[str, Trajectory | Tensor], *, marks: bool = True
) -> None:
    """Draw ways over a map: a ring where they start, a star where they end, a mark at each step.

    Args:
        trajectories: for each name, which the legend shows, a trajectory of points with two
            coordinates, or the points themselves, shape (steps + 1, 2).
        marks: whether the steps between are marked; without, only the line is drawn.

    Raises:
        ValueError: a point has not two coordinates, or there are more ways than line styles.
    """
    if len(trajectories) > len(LINES):
        raise ValueError(
            f"trajectories has {len(trajectories)} entries; expected at most {len(LINES)}"
        )
    for (name, way), (colour, dash), mark in zip(trajectories.items(), LINES, MARKS, strict=False):
        points = to_numpy(way.points if isinstance(way, Trajectory) else way)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"{name} has points of shape {points.shape}; expected (steps + 1, 2)")
        tint = LIGHT[colour]
        ax.plot(
            points[:, 0],
            points[:, 1],
            color=tint,
            linestyle=dash,
            linewidth=1.4,
            marker=mark if marks else "",
            markersize=3.5,
            label=name,
        )
        ax.plot(*points[0], "o", color=tint, markerfacecolor=LIGHT["paper"], markersize=8)
        ax.plot(*points[-1], "*", color=tint, markersize=12)
    if len(trajectories) > 1:
        ax.legend()


def draw_surface_and_map(
    value: Callable[[Tensor], Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    log: bool = False,
    levels: int = 10,
    names: tuple[str, str, str] = ("x", "y", "f"),
) -> Figure:
    """Draw one function of two variables twice: as a surface, and as a contour map beside it.

    Args:
        value: takes points of shape (..., 2), float64, and returns heights of shape (...).
        xlim, ylim: the rectangle to draw.
        log: draw the logarithm (to base 10) of the height; on the map, two contours a decade.
        levels: how many contours, when they are evenly spaced.
        names: what the two axes and the height measure.
    """
    fig, ax = figure(1, 2, height=0.5 * WIDTH)
    draw_contours(ax[1], value, xlim, ylim, log=log, levels=levels, names=names[:2])
    ax[0].remove()
    hill = fig.add_subplot(1, 2, 1, projection="3d")
    x, y, z = _heights(value, xlim, ylim, 40)
    if log:
        z = np.log10(np.maximum(z, z.max() * 1e-4))
    hill.plot_surface(x, y, z, cmap=SURFACE, linewidth=0, rcount=40, ccount=40)
    hill.set(xlabel=names[0], ylabel=names[1], title=f"log₁₀ {names[2]}" if log else names[2])
    for axis in (hill.xaxis, hill.yaxis, hill.zaxis):
        axis.pane.fill = False
        axis.get_major_locator().set_params(nbins=4)
    return fig


def _heights(
    value: Callable[[Tensor], Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    count: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a grid of count by count points, x and y, and the height at each."""
    x, y = torch.meshgrid(
        torch.linspace(*xlim, count, dtype=torch.float64),
        torch.linspace(*ylim, count, dtype=torch.float64),
        indexing="xy",
    )
    z = value(torch.stack([x, y], dim=-1))
    return to_numpy(x), to_numpy(y), to_numpy(z)
