"""Pictures of computation: the graph behind a tensor, and a chain worked by hand."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from definebyrun.drawing.style import LIGHT, WIDTH, figure

Edge = tuple[Any, Any]


def graph_edges(tensor: Tensor) -> list[Edge]:
    """Return the arrows of the graph that PyTorch recorded behind a tensor.

    Each arrow is a pair (source, target) of autograd nodes, in the direction of the computation.
    The walk starts at ``tensor.grad_fn`` and follows ``next_functions`` backwards; a leaf appears
    as its ``AccumulateGrad`` node.

    Raises:
        ValueError: the tensor has no ``grad_fn``, so nothing was recorded.
    """
    if tensor.grad_fn is None:
        raise ValueError(
            f"tensor of shape {tuple(tensor.shape)} has no grad_fn; expected the result of an "
            "operation on a tensor that requires grad"
        )
    edges: list[Edge] = []
    seen, waiting = {tensor.grad_fn}, [tensor.grad_fn]
    while waiting:
        target = waiting.pop()
        for source, _ in target.next_functions:
            if source is None:  # an operand that is a constant
                continue
            edges.append((source, target))
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return edges


def layers_of(edges: Sequence[Edge], last: Any) -> dict[Any, int]:
    """Return for each node its distance from the last one, by the longest way."""
    targets = defaultdict(list)
    sources = defaultdict(list)
    for source, target in edges:
        targets[source].append(target)
        sources[target].append(source)
    layers = {last: 0}
    waiting, pending = [last], {node: len(users) for node, users in targets.items()}
    while waiting:
        target = waiting.pop()
        for source in sources[target]:
            layers[source] = max(layers.get(source, 0), layers[target] + 1)
            pending[source] -= 1
            if pending[source] == 0:
                waiting.append(source)
    return layers


def places_of(edges: Sequence[Edge], layers: Mapping[Any, int]) -> dict[Any, tuple[float, float]]:
    """Return a place (across, up) for each node: one row a layer, near the nodes it feeds.

    An arrow that skips rows gets a place in each row it crosses, under the key
    (source, target, row), so that it can be led around the boxes there.
    """
    rows: dict[int, list[Any]] = defaultdict(list)
    feeds: dict[Any, list[Any]] = defaultdict(list)
    for node, layer in layers.items():
        rows[layer].append(node)
    for source, target in dict.fromkeys(edges):
        below = target
        for layer in range(layers[target] + 1, layers[source]):
            rows[layer].append((source, target, layer))
            feeds[source, target, layer].append(below)
            below = (source, target, layer)
        feeds[source].append(below)
    places: dict[Any, tuple[float, float]] = {}
    for layer in sorted(rows):
        wish = {
            node: sum(places[below][0] for below in feeds[node]) / max(len(feeds[node]), 1)
            for node in rows[layer]
        }
        left = (sum(wish.values()) - math.comb(len(wish), 2)) / len(wish)
        for index, node in enumerate(sorted(wish, key=wish.__getitem__)):
            places[node] = (left + index, float(layer))
    return places


def draw_box(ax: Axes, place: tuple[float, float], text: str, colour: str, *, style: str) -> None:
    """Write a text in a box of one of matplotlib's shapes, with a coloured outline."""
    box = {"boxstyle": f"{style},pad=0.35", "facecolor": LIGHT["paper"], "edgecolor": LIGHT[colour]}
    ax.text(*place, text, ha="center", va="center", fontsize=9, bbox=box, zorder=3)


def draw_arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    """Draw an arrow between two places."""
    arrow = {"arrowstyle": "->", "color": LIGHT[colour], "shrinkA": 0, "shrinkB": 0, "lw": 1.2}
    ax.annotate("", xy=end, xytext=start, arrowprops=arrow, zorder=2)


def label(node: Any, names: Mapping[str, Tensor]) -> str:
    """Return the text of a node: for a leaf its name and shape, else the name PyTorch gave it."""
    if not hasattr(node, "variable"):
        return str(node.name())
    shape = tuple(node.variable.shape)
    name = next((name for name, tensor in names.items() if tensor is node.variable), "leaf")
    return f"{name} {shape}" if shape else name


def draw_graph(tensor: Tensor, names: Mapping[str, Tensor] | None = None) -> Figure:
    """Draw the graph that PyTorch recorded behind a tensor, read from its ``grad_fn``.

    Leaves that require grad stand at the top in rounded boxes, the last operation at the bottom;
    arrows follow the computation downwards, and the gradient will go against them. Constants
    are not drawn: autograd keeps no node for them.

    Args:
        tensor: the result of some operations; any shape, dtype and device.
        names: what to call the leaves, as name and tensor.

    Raises:
        ValueError: the tensor has no ``grad_fn``.
    """
    edges = graph_edges(tensor)
    layers = layers_of(edges, tensor.grad_fn)
    places = places_of(edges, layers)
    across = [place[0] for place in places.values()]
    rows = max(layers.values()) + 1
    columns = max(across) - min(across) + 1.2
    fig, ax = figure(height=0.55 * rows + 0.1, width=min(WIDTH, max(2.5, 1.35 * columns)))
    for source, target in dict.fromkeys(edges):
        way = [places[target]]
        for layer in range(layers[target] + 1, layers[source]):
            way.append(places[source, target, layer])
        way.append(places[source])
        ax.plot(*zip(*way[1:], strict=True), "-", color=LIGHT["grey"], lw=1.2, zorder=1)
        draw_arrow(ax, way[1], (way[0][0], way[0][1] + 0.28), "grey")
    for node in layers:
        leaf = hasattr(node, "variable")
        shape, colour = ("round", "green") if leaf else ("square", "blue")
        draw_box(ax, places[node], label(node, names or {}), colour, style=shape)
    ax.set(xlim=(min(across) - 0.6, max(across) + 0.6), ylim=(-0.45, rows - 0.55))
    ax.axis("off")
    return fig


def draw_chain(steps: Sequence[tuple[str, str, str]]) -> Figure:
    """Draw a chain of values and operations, the forward pass above, the backward pass below.

    Args:
        steps: for each box its text, the text above it and the text below it: a value first,
            then in turn an operation and a value. Values are drawn round, operations square.
    """
    fig, ax = figure(height=1.7, width=0.86 * len(steps))
    for index, (text, above, below) in enumerate(steps):
        operation = index % 2 == 1
        shape, colour = ("square", "blue") if operation else ("round", "green")
        draw_box(ax, (index, 0), text, colour, style=shape)
        ax.text(index, 0.62, above, ha="center", va="center", fontsize=9)
        ax.text(index, -0.62, below, ha="center", va="center", fontsize=9)
        if index:
            left, right = (
                (index - 0.82, index - 0.42) if operation else (index - 0.58, index - 0.18)
            )
            draw_arrow(ax, (left, 0.13), (right, 0.13), "ink")
            draw_arrow(ax, (right, -0.13), (left, -0.13), "orange")
    ax.set(xlim=(-0.55, len(steps) - 0.45), ylim=(-0.9, 0.9))
    ax.axis("off")
    return fig
