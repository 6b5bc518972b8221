"""The boxes that the memory pictures are made of."""

import matplotlib

matplotlib.use("Agg")

import pytest
import torch

from definebyrun.drawing.colours import LIGHT
from definebyrun.drawing.style import draw_cells, figure


@pytest.fixture
def ax():
    return figure()[1]


def test_every_number_stands_in_the_middle_of_its_own_box(ax):
    draw_cells(ax, torch.arange(6).reshape(2, 3), corner=(10, 20))
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places["0"] == (10.5, 20.5)
    assert places["5"] == (12.5, 21.5)  # second row, third column
    assert len(places) == 6


def test_a_flat_tensor_is_one_row(ax):
    draw_cells(ax, torch.tensor([7, 8]))
    assert [text.get_position() for text in ax.texts] == [(0.5, 0.5), (1.5, 0.5)]


def test_rows_run_downwards_however_often_it_is_called(ax):
    draw_cells(ax, [1])
    draw_cells(ax, [2], corner=(0, 3))
    assert ax.yaxis_inverted()


def test_colours_broadcast_over_the_rows(ax):
    draw_cells(ax, [[1, 2], [3, 4]], colours=[["blue"], ["orange"]])
    tints = [matplotlib.colors.to_hex(patch.get_facecolor()) for patch in ax.patches[1::3]]
    assert tints == [LIGHT["blue"]] * 2 + [LIGHT["orange"]] * 2
