"""Maps show the heights they are given; ways lie where the trajectory says."""

import matplotlib as mpl
import numpy as np
import pytest
import torch

from definebyrun.drawing.colours import LIGHT
from definebyrun.drawing.landscape import draw_contours, draw_surface_and_map, draw_trajectories
from definebyrun.drawing.style import figure
from definebyrun.scratch.landscapes import rosenbrock, two_hollows
from definebyrun.scratch.minimise import newton

mpl.use("agg")
START = torch.tensor([-1, 1.5], dtype=torch.float64)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    mpl.pyplot.close("all")


def test_log_contours_are_two_a_decade_and_even_ones_evenly_spaced():
    _, ax = figure(1, 2)
    draw_contours(ax[0], rosenbrock().value, (-1.5, 1.5), (-1, 2), log=True)
    draw_contours(ax[1], two_hollows().value, (-1.5, 1.5), (-1, 2), levels=6)
    log_levels, levels = [plot.collections[0].levels for plot in ax]
    np.testing.assert_allclose(log_levels[1:] / log_levels[:-1], 10**0.5)
    np.testing.assert_allclose(np.diff(levels), np.diff(levels)[0])


def test_contours_lie_at_their_height():
    _, ax = figure()
    draw_contours(ax, rosenbrock().value, (-1.5, 1.5), (-1, 2), log=True)
    contours = ax.collections[0]
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        if len(path.vertices) and level > 0.1:
            heights = rosenbrock().value(torch.from_numpy(path.vertices.copy()))
            np.testing.assert_allclose(heights, level, rtol=0.1)


@pytest.mark.parametrize("log", [False, True])
def test_heights_are_printed_on_their_lines_and_inside_the_frame(log):
    _, ax = figure()
    draw_contours(ax, rosenbrock().value, (-1.5, 1.5), (-1, 2), log=log)
    assert len(ax.texts) >= 3
    for text in ax.texts:
        place, printed = text.get_position(), float(text.get_text())
        assert -1.5 < place[0] < 1.5
        assert -1 < place[1] < 2
        height = rosenbrock().value(torch.tensor(place, dtype=torch.float64))
        assert height.item() == pytest.approx(printed, rel=0.1)
        if log:
            assert np.log10(printed) == pytest.approx(round(np.log10(printed)))


def test_a_height_below_zero_has_a_minus_and_a_map_can_do_without_heights():
    _, (ax, bare) = figure(1, 2)
    for one, heights in ((ax, True), (bare, False)):
        draw_contours(one, lambda p: p[..., 0], (-2, 2), (-1, 1), levels=[-1, 1], heights=heights)
    assert {text.get_text() for text in ax.texts} == {"−1", "1"}
    assert not bare.texts


def test_every_line_of_a_map_has_a_colour_that_the_dark_version_exchanges():
    _, ax = figure()
    draw_contours(ax, two_hollows().value, (-1.5, 1.5), (-1, 2))
    drawn = {mpl.colors.to_hex(colour) for colour in ax.collections[0].get_edgecolor()}
    assert drawn <= set(LIGHT.values())


def test_ways_are_drawn_point_by_point_from_ring_to_star():
    way = newton(rosenbrock(), START, steps=5)
    _, ax = figure()
    draw_trajectories(ax, {"Newton": way, "the same": way.points})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Newton", "the same"]
    line, ring, star = ax.lines[:3]
    np.testing.assert_array_equal(line.get_xydata(), way.points)
    np.testing.assert_array_equal(ring.get_xydata()[0], START)
    np.testing.assert_array_equal(star.get_xydata()[0], way.end)


def test_ways_of_other_dimensions_or_too_many_are_refused():
    _, ax = figure()
    with pytest.raises(ValueError, match=r"three has points of shape \(4, 3\)"):
        draw_trajectories(ax, {"three": torch.zeros(4, 3)})
    with pytest.raises(ValueError, match="trajectories has 7 entries; expected at most 6"):
        draw_trajectories(ax, {str(k): torch.zeros(4, 2) for k in range(7)})


@pytest.mark.parametrize("log", [False, True])
def test_surface_and_map_share_their_rectangle(log):
    fig = draw_surface_and_map(rosenbrock().value, (-1.5, 1.5), (-1, 2), log=log)
    chart, hill = fig.axes
    assert chart.get_xlim() == (-1.5, 1.5)
    assert hill.name == "3d"
    assert hill.get_title() == ("log₁₀ f" if log else "f")
