"""The picture of a graph shows what PyTorch recorded, no more and no less."""

import matplotlib.pyplot as plt
import pytest
import torch

from definebyrun.drawing.graph import draw_chain, draw_graph, graph_edges, layers_of, places_of


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
    assert texts(draw_graph(z, {"x": x})) == ["CosBackward0", "PowBackward0", "x"]


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


def test_constants_are_not_drawn():
    x = torch.tensor(1.0, requires_grad=True)
    assert len(graph_edges(x * torch.tensor(3.0))) == 1


def test_a_tensor_without_history_is_refused_by_name():
    with pytest.raises(ValueError, match=r"shape \(2,\) has no grad_fn"):
        draw_graph(torch.ones(2))


def test_a_chain_has_its_three_rows_of_text():
    fig = draw_chain([("x", "2", "12"), ("square", "x²", "× 4"), ("y", "4", "3")])
    assert texts(fig) == ["x", "2", "12", "square", "x²", "× 4", "y", "4", "3"]
