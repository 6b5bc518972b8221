"""Pictures: they draw every image, say what is wrong with arguments, leave no hook behind."""

import matplotlib as mpl
import pytest
import torch

from definebyrun.drawing.pictures import (
    feature_maps,
    plot_confusion,
    show_filters,
    show_mistakes,
    top_confusions,
)
from definebyrun.drawing.style import figure
from definebyrun.models import CNN

mpl.use("agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    mpl.pyplot.close("all")


def test_confusion_draws_the_share_of_each_true_class():
    _, ax = figure()
    plot_confusion(ax, torch.tensor([[3, 1], [0, 0]]), ["a", "ka"])
    assert ax.images[0].get_array().tolist() == [[0.75, 0.25], [0.0, 0.0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "ka"]


def test_confusion_refuses_names_that_do_not_fit():
    _, ax = figure()
    with pytest.raises(ValueError, match=r"matrix has shape \(2, 2\) and names 3 entries"):
        plot_confusion(ax, torch.eye(2), ["a", "b", "c"])


def test_top_confusions_come_by_number_and_leave_the_diagonal_out():
    matrix = torch.tensor([[9, 2, 0], [5, 9, 0], [0, 1, 9]])
    assert top_confusions(matrix, "abc") == [("b", "a", 5), ("a", "b", 2), ("c", "b", 1)]
    assert top_confusions(matrix, "abc", count=1) == [("b", "a", 5)]
    assert matrix[0, 0] == 9


def test_mistakes_carry_both_names():
    fig = show_mistakes(torch.rand(2, 1, 4, 4), torch.tensor([0, 1]), torch.tensor([1, 0]), "ab")
    assert [ax.get_title() for ax in fig.axes if ax.images] == ["a, not b", "b, not a"]


def test_filters_share_a_scale_symmetric_about_zero():
    fig = show_filters(torch.tensor([[[[1.0, -3.0]]], [[[0.5, 0.0]]]]), columns=2)
    assert [image.get_clim() for ax in fig.axes for image in ax.images] == [(-3.0, 3.0)] * 2
    with pytest.raises(ValueError, match=r"weight has shape \(2, 3, 5, 5\)"):
        show_filters(torch.rand(2, 3, 5, 5))


def test_feature_maps_are_those_of_the_layer_and_leave_no_hook():
    torch.manual_seed(0)
    model, image = CNN(), torch.rand(1, 48, 48)
    maps = feature_maps(model, model.conv2, image)
    model.eval()
    with torch.no_grad():
        pooled = torch.nn.functional.max_pool2d(model.conv1(image[None]), 2)
        expected = model.conv2(model.norm1(pooled).relu())[0]
    torch.testing.assert_close(maps, expected)
    assert not model.conv2._forward_hooks
