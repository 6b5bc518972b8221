"""Maps of landscapes: contours, the same as a surface, and the ways that methods take."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

from definebyrun.drawing.style import LIGHT, LINES, WIDTH, figure, to_numpy
from definebyrun.scratch.minimise import Trajectory

MARKS = ("o", "s", "^", "D", "v", "P")


def draw_contours(
    ax: Axes,
    value: Callable[[Tensor], Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    log: bool = False,
    levels: int | Sequence[float] = 10,
    names: tuple[str, str] = ("x", "y"),
) -> None:
    """Draw a function of two variables as a contour map, with its heights beside it.

    Args:
        value: takes points of shape (..., 2), float64, and returns heights of shape (...).
        xlim, ylim: the rectangle to draw.
        log: draw two contours a decade, each √10 times as high as the one below it, for a function
            that is not negative and spans decades; a millionth of the top counts as flat.
        levels: how many contours, when they are evenly spaced, or the heights to draw.
        names: what the two axes measure.
    """
    x, y, z = _heights(value, xlim, ylim, 300)
    options: dict[str, Any] = {"levels": levels}
    if log:
        low = max(float(z.min()), float(z.max()) * 1e-6)
        decades = math.floor(math.log10(low)), math.ceil(math.log10(float(z.max())))
        lines = 2 * (decades[1] - decades[0]) + 1
        options = {"levels": np.logspace(*decades, lines), "norm": LogNorm()}
    ax.contour(x, y, z, linewidths=0.9, cmap="viridis", **options)
    ax.set(xlabel=names[0], ylabel=names[1], xlim=xlim, ylim=ylim)
    ax.grid(False)


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
    hill.plot_surface(x, y, z, cmap="viridis", linewidth=0, rcount=40, ccount=40)
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
