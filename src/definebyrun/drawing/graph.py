"""Pictures of computation: a chain by hand, the graph behind a result, the backward pass in steps.

A graph may be one that PyTorch recorded or one of an engine of our own: of its variables, or of
the numbers of a page, which have ``value``, ``grad``, ``serial``, and ``edges`` that hold slopes.
All are drawn alike. A box carries the name, the value and the gradient that its variable has.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from definebyrun.drawing.colours import LIGHT
from definebyrun.drawing.style import figure
from definebyrun.scratch.engine import Variable

Edge = tuple[Any, Any]
Place = tuple[float, float]
LINE, LETTER = 0.18, 0.085  # inches a line of text takes, and a letter of it
CELL = 0.86  # inches a box of a chain takes, with the arrow to the next
SIGNS = {
    "__add__": "+",
    "__sub__": "−",
    "__mul__": "×",
    "__truediv__": "÷",
    "__pow__": "power",
    "__matmul__": "@",
    "__getitem__": "[ ]",
}


class Box(NamedTuple):
    """What a box of a graph says: the operation that made it, its value and its gradient."""

    operation: str  # empty for a leaf, and where nobody knows
    value: str
    gradient: str
    leaf: bool

    def width(self) -> float:
        """Return the width of the box in inches."""
        longest = max(len(self.value), len(self.gradient), len(self.operation))
        return LETTER * longest + 0.2

    def height(self) -> float:
        """Return the height of the box in inches, the operation on its upper edge included."""
        return LINE * sum(map(bool, self[:3])) + 0.16


class Visit(NamedTuple):
    """One step of a backward pass: who was visited, what it sent, and what then waits where."""

    node: Any
    shares: list[tuple[Any, float]]
    waiting: dict[Any, float]


class Slope(float):
    """The slope of an edge that writes down each share: the gradient times itself."""

    note: Callable[[float], None]

    def __rmul__(self, gradient: float) -> float:
        """Multiply the gradient that arrives, and write the share down."""
        share = gradient * float(self)
        self.note(share)
        return share


def ours(node: Any) -> bool:
    """Tell whether a node is of an engine of our own, and not of PyTorch."""
    return hasattr(node, "edges")


def age(node: Any) -> int:
    """Return how many nodes of our own were made before this one."""
    return int(node.number if isinstance(node, Variable) else node.serial)


def graph_edges(result: Any) -> list[Edge]:
    """Return the arrows of the graph behind a result, in the direction of the computation.

    Each arrow is a pair (source, target): two nodes of an engine of ours, or two autograd nodes of
    PyTorch, where a leaf appears as its ``AccumulateGrad`` node. Constants have no arrow.

    Raises:
        ValueError: the tensor has no ``grad_fn``, so nothing was recorded.
    """
    if isinstance(result, Tensor) and result.grad_fn is None:
        raise ValueError(
            f"tensor of shape {tuple(result.shape)} has no grad_fn; expected the result of an "
            "operation on a tensor that requires grad"
        )
    last = result.grad_fn if isinstance(result, Tensor) else result
    edges: list[Edge] = []
    seen, waiting = {last}, [last]
    while waiting:
        target = waiting.pop()
        for source in sources_of(target):
            edges.append((source, target))
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return edges


def sources_of(node: Any) -> list[Any]:
    """Return the nodes that one node was computed from, constants left out."""
    pairs = node.edges if ours(node) else node.next_functions
    return [source for source, _ in pairs if source is not None]


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


def places_of(edges: Sequence[Edge], layers: Mapping[Any, int]) -> dict[Any, Place]:
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
    places: dict[Any, Place] = {}
    for layer in sorted(rows):
        wish = {
            node: sum(places[below][0] for below in feeds[node]) / max(len(feeds[node]), 1)
            for node in rows[layer]
        }
        left = (sum(wish.values()) - math.comb(len(wish), 2)) / len(wish)
        for index, node in enumerate(sorted(wish, key=wish.__getitem__)):
            places[node] = (left + index, float(layer))
    return places


def way_of(edge: Edge, layers: Mapping[Any, int], places: Mapping[Any, Place]) -> list[Place]:
    """Return the places that an arrow passes, from its source to its target."""
    source, target = edge
    between = range(layers[source] - 1, layers[target], -1)
    return [places[source], *(places[source, target, row] for row in between), places[target]]


def number(value: Any) -> str:
    """Return a number with four digits at most, or the shape of an array of several."""
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    if array.size != 1:
        return str(array.shape)
    return f"{float(array.reshape(())):.4g}".replace("-", "−")


def maker(variable: Any) -> str:
    """Return what the operation that made a variable is called, or nothing for a leaf.

    The rules of an operation are functions inside it, so their full name begins with its name. A
    slope in place of a rule has none.
    """
    if not variable.edges or not callable(variable.edges[0][1]):
        return ""
    inside = variable.edges[0][1].__qualname__.split(".<locals>.")
    name = inside[-2].split(".")[-1] if len(inside) > 1 else inside[0]
    return str(SIGNS.get(name, name))


def box_of(node: Any, names: Mapping[str, Any], result: str) -> Box:
    """Return the text of one box: for a named variable its value, and its gradient if it has one.

    Args:
        node: a variable of the engine or an autograd node of PyTorch.
        names: what to call the variables.
        result: the name of the variable whose slopes the gradients are; without it the box
            shows no gradient.
    """
    mine = ours(node)
    leaf = getattr(node, "variable", None)  # of PyTorch
    first = leaf is not None or (mine and not node.edges)
    operation = maker(node) if mine else "" if first else str(node.name())
    nodes = {name: known if ours(known) else known.grad_fn for name, known in names.items()}
    name = next((key for key in names if nodes[key] is node or names[key] is leaf), "")
    if not name:
        unnamed = f"leaf {number(leaf)}" if leaf is not None else ""
        return Box(operation, number(node.value) if mine else unnamed, "", first)
    known = names[name]
    value = known if isinstance(known, Tensor) else np.asarray(known.value)
    keeps = ours(known) or known.is_leaf or known.retains_grad
    gradient = known.grad if keeps and result else None
    sign = "= " if np.prod(value.shape) == 1 else ""
    slope = f"d{result}/d{name} {sign}{number(gradient)}" if gradient is not None else ""
    return Box(operation, f"{name} {sign}{number(value)}", slope, first)


def draw_node(ax: Axes, place: Place, box: Box, width: float) -> None:
    """Draw one box: the operation on its upper edge, then the value, then the gradient."""
    lines = [(text, colour) for text, colour in ((box.value, "ink"), (box.gradient, "orange"))]
    lines = [(text, colour) for text, colour in lines if text]
    height = box.height() - (LINE - 0.06 if box.operation else 0)
    left, bottom = place[0] - width / 2, place[1] - box.height() / 2
    style, colour = ("round,pad=0", "green") if box.leaf else ("square,pad=0", "blue")
    if lines:
        if box.leaf:
            style += ",rounding_size=0.12"
        patch = FancyBboxPatch((left, bottom), width, height, boxstyle=style, zorder=3)
        patch.set(facecolor=LIGHT["paper"], edgecolor=LIGHT[colour], linewidth=1.3)
        ax.add_patch(patch)
    for index, (text, ink) in enumerate(reversed(lines)):
        up = bottom + 0.05 + LINE * (index + 0.5)
        ax.text(place[0], up, text, ha="center", va="center", color=LIGHT[ink], zorder=5)
    if box.operation:
        up = bottom + height if lines else place[1]
        edge = {"boxstyle": "round,pad=0.22", "fc": LIGHT["paper"], "ec": LIGHT["blue"]}
        ax.text(
            place[0], up, box.operation, ha="center", va="center", bbox=edge, fontsize=9, zorder=4
        )


def draw_arrow(ax: Axes, start: Place, end: Place, colour: str) -> None:
    """Draw an arrow between two places."""
    arrow = {"arrowstyle": "->", "color": LIGHT[colour], "shrinkA": 0, "shrinkB": 0, "lw": 1.2}
    ax.annotate("", xy=end, xytext=start, arrowprops=arrow, zorder=2)


def slopes_of(edge: Edge) -> list[Any]:
    """Return the slopes with which a source counts in a target, or None where rules stand."""
    source, target = edge
    if not ours(target):
        return [None]
    held = [slope for known, slope in target.edges if known is source]
    return [None] if callable(held[0]) else held


def beside(way: Sequence[Place], index: int, count: int) -> list[Place]:
    """Return the way of one of several arrows that share their ends, moved aside in between."""
    if count == 1:
        return list(way)
    shift = 0.15 * (2 * index - count + 1)
    middle = [way[1]] if len(way) > 2 else [tuple(sum(ends) / 2 for ends in zip(*way, strict=True))]
    return [way[0], *((x + shift, y) for x, y in middle), way[-1]]  # type: ignore[misc]


def draw_graph(result: Any, names: Mapping[str, Any] | None = None) -> Figure:
    """Draw the graph behind a result: the leaves at the top, the result at the bottom.

    Leaves stand in round boxes, results of operations in square ones with the operation on the
    upper edge. Arrows follow the computation downwards; the gradient goes against them. A named
    variable shows its value and, where it holds one, its gradient; an array shows its shape. In
    the engine every gradient begins with zero: none is shown before the result has one of its own.
    An edge that holds a slope is drawn with it, and so often as the source was used.

    Args:
        result: a node of an engine of ours, or a tensor that PyTorch recorded; any shape and
            device.
        names: what to call the variables, as name and variable. PyTorch keeps no other values.

    Raises:
        ValueError: the tensor has no ``grad_fn``.
    """
    names = names or {}
    edges = graph_edges(result)
    last = result.grad_fn if isinstance(result, Tensor) else result
    top = next((name for name, known in names.items() if known is result), "")
    if ours(result) and not np.any(result.grad):
        top = ""
    layers = layers_of(edges, last)
    boxes = {node: box_of(node, names, top) for node in layers}
    across = max(box.width() for box in boxes.values()) + 0.15
    room = 0.26 if all(slopes_of(edge) == [None] for edge in edges) else 0.5
    highest: dict[int, float] = defaultdict(float)
    for node, layer in layers.items():
        highest[layer] = max(highest[layer], boxes[node].height() + room)
    up = [sum(highest[row] for row in range(layer)) for layer in range(len(highest) + 1)]
    places = {
        key: (across * x, up[int(row)] + highest[int(row)] / 2)
        for key, (x, row) in places_of(edges, layers).items()
    }
    left, right = (pick(x for x, _ in places.values()) for pick in (min, max))
    fig, ax = figure(height=up[-1], width=right - left + across)
    for edge in dict.fromkeys(edges):
        target = places[edge[1]]
        slopes = slopes_of(edge)
        for index, slope in enumerate(slopes):
            way = beside(way_of(edge, layers, places), index, len(slopes))
            ax.plot(*zip(*way[:-1], strict=True), "-", color=LIGHT["grey"], lw=1.2, zorder=1)
            draw_arrow(ax, way[-2], (target[0], target[1] + boxes[edge[1]].height() / 2), "grey")
            if slope is not None:
                write_on(ax, way, number(slope), "ink")
    for node, box in boxes.items():
        draw_node(ax, places[node], box, box.width())
    fill(ax, (left - across / 2, right + across / 2), (0, up[-1]))
    return fig


def fill(ax: Axes, across: Place, up: Place) -> None:
    """Let the axes fill the whole figure without a frame, between these limits in inches."""
    ax.figure.set_layout_engine("none")  # type: ignore[union-attr]
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=across, ylim=up)
    ax.axis("off")


def draw_chain(steps: Sequence[tuple[str, str, str]]) -> Figure:
    """Draw a chain of values and operations, the forward pass above, the backward pass below.

    Args:
        steps: for each box its text, the text above it and the text below it: a value first,
            then in turn an operation and a value. Values are drawn round, operations square.
    """
    fig, ax = figure(height=1.32, width=CELL * len(steps))
    half = [(LETTER * len(text) / 2 + 0.09) / CELL for text, _, _ in steps]
    for index, (text, above, below) in enumerate(steps):
        operation = index % 2 == 1
        shape, colour = ("square", "blue") if operation else ("round", "green")
        box = {"boxstyle": f"{shape},pad=0.35", "fc": LIGHT["paper"], "ec": LIGHT[colour]}
        ax.text(index, 0, text, ha="center", va="center", bbox=box, zorder=3)
        ax.text(index, 0.5, above, ha="center", va="center")
        ax.text(index, -0.55, below, ha="center", va="center", color=LIGHT["orange"])
        if index:
            left, right = index - 1 + half[index - 1], index - half[index]
            draw_arrow(ax, (left, 0.11), (right, 0.11), "ink")
            draw_arrow(ax, (right, -0.11), (left, -0.11), "orange")
    fill(ax, (-0.6, len(steps) - 0.4), (-0.86, 0.66))
    return fig


@contextmanager
def watched(result: Any, calls: list[tuple[Any, Any, float]]) -> Iterator[None]:
    """Let each edge behind a result write down (node, source, share) when a walk uses it.

    A leaf, which has no edge, gets one for the time being; it writes (leaf, None, 0). Edges and
    gradients are put back at the end.
    """

    def noted(node: Any, source: Any, held: Any) -> Any:
        if not callable(held):
            slope = Slope(held)
            slope.note = lambda share: calls.append((node, source, share))
            return slope

        def rule(gradient: Any) -> Any:
            share = held(gradient)
            calls.append((node, source, float(share)))
            return share

        return rule

    nodes = {result, *(source for source, _ in graph_edges(result))}
    before = {node: (node.edges, copy(node.grad)) for node in nodes}
    nobody = type(result)(0.0)
    nothing = np.zeros_like if isinstance(result, Variable) else 0.0
    try:
        for node, (edges, _) in before.items():
            node.edges = [(source, noted(node, source, held)) for source, held in edges]
            node.edges = node.edges or [(nobody, noted(node, None, nothing))]
        yield
    finally:
        for node, (edges, grad) in before.items():
            node.edges, node.grad = edges, grad


def trace_backward(result: Any, walk: Callable[[Any], Any] | None = None) -> list[Visit]:
    """Return what a walk back does, visit by visit; the gradients stay as they were.

    Args:
        result: a variable of one number, computed from variables of one number.
        walk: takes the result and walks; without it, the result's own method ``backward``.
    """
    calls: list[tuple[Any, Any, float]] = []
    with watched(result, calls):
        (walk or type(result).backward)(result)
    visits: list[Visit] = []
    waiting = {result: 1.0}
    for node in dict.fromkeys(node for node, _, _ in calls):
        waiting.pop(node)
        shares = [(source, share) for user, source, share in calls if user is node and source]
        for source, share in shares:
            waiting[source] = waiting.get(source, 0.0) + share
        visits.append(Visit(node, shares, dict(waiting)))
    return visits


def draw_backward(
    result: Any,
    names: Mapping[str, Any],
    *,
    walk: Callable[[Any], Any] | None = None,
    columns: int = 2,
) -> Figure:
    """Draw the backward pass of our engine in steps, one small graph a visit.

    The visited variable is drawn full; orange arrows carry the shares it sends to its sources.
    Under each variable stands what has arrived at it so far. Beside the graph stands the pile of
    those that wait, the newest on top: it is visited next.

    Args:
        result: a variable of one number, computed from variables of one number.
        names: short names for all the variables of the graph.
        walk: as for trace_backward.
        columns: steps side by side.
    """
    called = {variable: name for name, variable in names.items()}
    edges = graph_edges(result)
    layers = layers_of(edges, result)
    places = {key: (0.62 * x, 0.76 * y) for key, (x, y) in places_of(edges, layers).items()}
    left, right = (pick(x for x, _ in places.values()) for pick in (min, max))
    visits = trace_backward(result, walk)
    width, height = right - left + 1.35, 0.76 * max(layers.values()) + 0.7
    rows = math.ceil(len(visits) / columns)
    fig, ax = figure(height=height * rows, width=width * columns)
    arrived = {result: 1.0}
    done: set[Any] = set()
    for index, visit in enumerate(visits):
        row, column = divmod(index, columns)
        corner = width * column - left + 0.32, height * (rows - 1 - row) + 0.3
        at = {key: (corner[0] + x, corner[1] + y) for key, (x, y) in places.items()}
        arrived |= visit.waiting
        for edge in dict.fromkeys(edges):
            way = way_of(edge, layers, at)
            used = edges.count(edge)
            sent = [share for source, share in visit.shares if source is edge[0]]
            for turn in range(used):
                active = edge[1] is visit.node
                draw_share(ax, beside(way, turn, used), sent[turn] if active else None)
        for node in layers:
            state = "now" if node is visit.node else "done" if node in done else "open"
            draw_state(ax, at[node], called[node], arrived.get(node), state)
        done.add(visit.node)
        above = corner[1] + height - 0.6
        ax.text(corner[0] + left - 0.2, above, f"{index + 1}.", weight="bold", va="center")
        pile = sorted(visit.waiting, key=age)
        draw_pile(ax, (corner[0] + right + 0.68, corner[1]), [called[node] for node in pile])
    fill(ax, (0, width * columns), (0, height * rows))
    return fig


def draw_share(ax: Axes, way: Sequence[Place], share: float | None) -> None:
    """Draw one arrow of a step: grey with the computation, or orange against it with a share."""
    colour = "faint" if share is None else "orange"
    ax.plot(*zip(*way, strict=True), "-", color=LIGHT[colour], lw=1.4, zorder=1)
    if share is None:
        return
    (x0, y0), (x1, y1) = way[1], way[0]
    near = 0.19 / (y1 - y0)
    draw_arrow(ax, (x0, y0), (x1 - near * (x1 - x0), y1 - 0.19), "orange")
    write_on(ax, way, number(share), "orange")


def write_on(ax: Axes, way: Sequence[Place], text: str, colour: str) -> None:
    """Write a number on an arrow, at its bend or near its middle."""
    (x0, y0), (x1, y1) = way[1], way[0]
    middle = way[1] if len(way) > 2 else (x0 + 0.42 * (x1 - x0), y0 + 0.42 * (y1 - y0))
    paper = {"boxstyle": "square,pad=0.08", "fc": LIGHT["paper"], "ec": "none"}
    ax.text(*middle, text, ha="center", va="center", color=LIGHT[colour], bbox=paper, zorder=2)


def draw_state(ax: Axes, place: Place, name: str, arrived: float | None, state: str) -> None:
    """Draw one variable of a step: its name, and below it what has arrived so far."""
    edge = {"now": "orange", "done": "green", "open": "grey"}[state]
    box = {"boxstyle": "round,pad=0.25", "ec": LIGHT[edge], "lw": 2.2 if state == "now" else 1.2}
    text = name if arrived is None else f"{name}: {number(arrived)}"
    ax.text(*place, text, ha="center", va="center", bbox={**box, "fc": LIGHT["paper"]}, zorder=3)


def draw_pile(ax: Axes, foot: Place, names: Sequence[str]) -> None:
    """Draw the pile of those that wait, the last of the names on top."""
    ax.plot([foot[0] - 0.18, foot[0] + 0.18], [foot[1] - 0.16] * 2, "-", color=LIGHT["ink"], lw=1.5)
    for index, name in enumerate(names):
        box = {"boxstyle": "square,pad=0.25", "fc": LIGHT["paper"], "ec": LIGHT["blue"]}
        ax.text(foot[0], foot[1] + 0.27 * index, name, ha="center", va="center", bbox=box)
