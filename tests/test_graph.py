"""The picture of a graph shows what PyTorch recorded, no more and no less."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from definebyrun.drawing.graph import (
    draw_backward,
    draw_chain,
    draw_graph,
    graph_edges,
    layers_of,
    places_of,
    trace_backward,
)
from definebyrun.scratch.engine import Variable


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts if text.get_text()]


def test_the_cosine_of_a_square_is_a_chain_of_three():
    x = torch.tensor(2.0, requires_grad=True)
    z = torch.cos(x**2)
    edges = graph_edges(z)
    assert [(s.name(), t.name()) for s, t in edges] == [
        ("PowBackward0", "CosBackward0"),
        ("torch::autograd::AccumulateGrad", "PowBackward0"),
    ]
    assert texts(draw_graph(z, {"x": x})) == [
        "CosBackward0",
        "PowBackward0",
        "x = 2",
    ]


def test_a_shared_value_is_one_box_with_two_arrows():
    """A walk by paths would draw a shared node twice and take for ever on many of them."""
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(40):
        y = y + y.exp()
    edges = graph_edges(y)
    assert len(edges) == 40 * 3
    assert len(layers_of(edges, y.grad_fn)) == 40 * 2 + 1


def test_every_arrow_leads_down_and_no_two_boxes_share_a_place():
    w, b = torch.ones(3, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    h = torch.ones(4, 3) @ w
    loss = ((h + b).relu() * h).sum() + b.sum() + w.mean()
    edges = graph_edges(loss)
    layers = layers_of(edges, loss.grad_fn)
    places = places_of(edges, layers)
    assert all(places[source][1] > places[target][1] for source, target in edges)
    assert len(set(places.values())) == len(places)
    assert set(layers) <= set(places)
    shown = texts(draw_graph(loss, {"w": w}))
    assert "w (3, 2)" in shown
    assert "leaf (2,)" in shown  # not named by the caller
    assert len(shown) == len(layers)


def test_a_named_result_shows_its_value_and_its_slope_in_both_engines():
    """cos(x²) at 2, as worked on paper; PyTorch shows the slope only where it was retained."""
    x = torch.tensor(2.0, requires_grad=True)
    y = x**2
    z = torch.cos(y)
    z.backward()
    shown = texts(draw_graph(z, {"x": x, "y": y, "z": z}))
    assert [text for text in shown if "Backward" not in text] == [
        "z = −0.6536",
        "y = 4",
        "dz/dx = 3.027",
        "x = 2",
    ]
    w, b, s, c = diamond()
    shown = texts(draw_graph(c, {"w": w, "b": b, "s": s, "c": c}))
    assert not any("/" in text for text in shown)  # before the walk a zero is no slope
    c.backward()
    shown = texts(draw_graph(c, {"w": w, "b": b, "s": s, "c": c}))
    assert {"w = 2", "dc/dw = 39", "b = 6", "dc/db = 13", "×", "power", "+"} <= set(shown)


def test_arrays_show_their_shape_and_operations_of_the_reader_their_name():
    def sine(x):
        return Variable(np.sin(x.value), (x, lambda g: g * np.cos(x.value)))

    w = Variable(np.ones((2, 3)))
    shown = texts(draw_graph(sine(w).sum(), {"w": w}))
    assert {"w (2, 3)", "sum"} <= set(shown)
    assert "sine" in shown


def diamond():
    """Return x = 2, a = 3x, s = a² and c = s + a in the engine."""
    x = Variable(2.0)
    a = x * 3.0
    s = a**2
    return x, a, s, s + a


def test_the_trace_of_a_diamond_is_the_one_worked_on_paper():
    """a is visited only when both of its shares, 1 and 2a = 12, have arrived."""
    x, a, s, c = diamond()
    steps = [(visit.node, visit.shares, visit.waiting) for visit in trace_backward(c)]
    assert steps == [
        (c, [(s, 1.0), (a, 1.0)], {s: 1.0, a: 1.0}),
        (s, [(a, 12.0)], {a: 13.0}),
        (a, [(x, 39.0)], {x: 39.0}),
        (x, [], {}),
    ]


def test_tracing_changes_nothing():
    """The picture may be drawn before or after the reader's own call of backward."""
    x, a, s, c = diamond()
    edges = [list(variable.edges) for variable in (x, a, s, c)]
    trace_backward(c)
    assert [variable.grad for variable in (x, a, s, c)] == [0, 0, 0, 0]
    assert [list(variable.edges) for variable in (x, a, s, c)] == edges
    c.backward()
    trace_backward(c)
    assert x.grad == 39


def test_the_steps_show_every_share_and_what_has_arrived():
    x, a, s, c = diamond()
    fig = draw_backward(c, {"x": x, "a": a, "s": s, "c": c})
    shown = texts(fig)
    assert [shown.count(step) for step in ("1.", "2.", "3.", "4.", "5.")] == [1, 1, 1, 1, 0]
    assert shown.count("a: 1") == 1
    assert shown.count("a: 13") == 3
    assert shown.count("x: 39") == 2
    assert {"12", "39"} <= set(shown)


def test_words_in_the_pictures_are_large_enough_for_a_phone():
    """At least 9 point in a figure no wider than 4.6 inches, and no text over the edge."""
    x, a, s, c = diamond()
    names = {"x": x, "a": a, "s": s, "c": c}
    for fig in (draw_graph(c, names), draw_backward(c, names)):
        fig.canvas.draw()
        written = [text for text in fig.axes[0].texts if text.get_text()]
        assert min(text.get_fontsize() for text in written) >= 9
        assert fig.get_figwidth() <= 4.6
        for text in written:
            extent = text.get_window_extent()
            assert fig.bbox.x0 <= extent.x0 <= extent.x1 <= fig.bbox.x1
            assert fig.bbox.y0 <= extent.y0 <= extent.y1 <= fig.bbox.y1


def test_values_of_one_graph_do_not_cover_each_other():
    x, a, s, c = diamond()
    fig = draw_graph(c, {"x": x, "a": a, "s": s, "c": c})
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts if text.get_text()]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_constants_are_not_drawn():
    x = torch.tensor(1.0, requires_grad=True)
    assert len(graph_edges(x * torch.tensor(3.0))) == 1


def test_a_tensor_without_history_is_refused_by_name():
    with pytest.raises(ValueError, match=r"shape \(2,\) has no grad_fn"):
        draw_graph(torch.ones(2))


def test_a_chain_has_its_three_rows_of_text():
    fig = draw_chain([("x", "2", "12"), ("square", "x²", "× 4"), ("y", "4", "3")])
    assert texts(fig) == ["x", "2", "12", "square", "x²", "× 4", "y", "4", "3"]


class Number:
    """The number of the page: its edges hold slopes, and it has no method that walks."""

    made = 0

    def __init__(self, value, *edges):
        self.value, self.edges, self.grad = value, edges, 0.0
        Number.made += 1
        self.serial = Number.made

    def __add__(self, other):
        return Number(self.value + other.value, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        return Number(self.value * other.value, (self, other.value), (other, self.value))


def newest_first(result, choose=lambda arrived: max(arrived, key=lambda number: number.serial)):
    arrived = {result: 1.0}
    while arrived:
        node = choose(arrived)
        gradient = arrived.pop(node)
        node.grad += gradient
        for source, slope in node.edges:
            share = gradient * slope
            arrived[source] = arrived.get(source, 0.0) + share


def numbers():
    """Return x = 3, a = x + x, s = a * a and c = s + a."""
    x = Number(3.0)
    a = x + x
    s = a * a
    return {"x": x, "a": a, "s": s, "c": s + a}


def test_the_numbers_of_a_page_are_traced_edge_by_edge():
    """Two edges between the same two numbers carry two shares, as the walk of the page does it."""
    names = numbers()
    x, a, s, c = names.values()
    edges = [number.edges for number in names.values()]
    steps = [(visit.node, visit.shares, visit.waiting) for visit in trace_backward(c, newest_first)]
    assert steps == [
        (c, [(s, 1.0), (a, 1.0)], {s: 1.0, a: 1.0}),
        (s, [(a, 6.0), (a, 6.0)], {a: 13.0}),
        (a, [(x, 13.0), (x, 13.0)], {x: 26.0}),
        (x, [], {}),
    ]
    assert [number.grad for number in names.values()] == [0, 0, 0, 0]
    assert [number.edges for number in names.values()] == edges
    newest_first(c)
    assert [number.grad for number in names.values()] == [26, 13, 1, 1]


def test_the_slopes_of_a_page_stand_on_their_arrows():
    names = numbers()
    shown = texts(draw_graph(names["c"], names))
    assert sorted(shown) == sorted(["x = 3", "a = 6", "s = 36", "c = 42", *"111166"])
    stepped = texts(draw_backward(names["c"], names, walk=newest_first))
    assert [stepped.count(text) for text in ("1", "6", "13", "a: 13", "x: 26")] == [2, 2, 2, 3, 2]
    newest_first(names["c"])
    assert "dc/da = 13" in texts(draw_graph(names["c"], names))
