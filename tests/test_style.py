"""Figures keep their promises: colours that can be told apart, and a dark version."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from definebyrun.book.figures import dark_version
from definebyrun.drawing.colours import DARK, LIGHT
from definebyrun.drawing.style import show_images


def luminance(colour: str) -> float:
    """Relative luminance, from WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_lines_and_letters_stand_out_from_their_paper(palette: dict[str, str]) -> None:
    """WCAG 2.2: 3 for graphics, 4.5 for text (the ink)."""
    for name in palette.keys() - {"paper", "faint"}:
        needed = 4.5 if name in ("ink", "grey") else 3
        assert contrast(palette[name], palette["paper"]) >= needed, name


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_line_colours_differ_for_colour_blind_readers(palette: dict[str, str]) -> None:
    """Seen through simulated deuteranopia (Machado et al., 2009), no two colours fall together."""
    deuteranopia = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    names = ("blue", "orange", "green", "pink")
    seen = {
        name: deuteranopia @ [int(palette[name][i : i + 2], 16) for i in (1, 3, 5)]
        for name in names
    }
    for one, other in itertools.combinations(names, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 30, (one, other)


def test_every_light_colour_is_exchanged() -> None:
    drawing = " ".join(f'stroke="{colour.upper()}"' for colour in LIGHT.values())
    dark = dark_version(drawing)
    assert all(colour in dark for colour in DARK.values())
    assert not any(colour in dark.lower() for colour in LIGHT.values())


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"images has shape \(3, 4\)"):
        show_images(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="titles has 1 entries; expected 2"):
        show_images(np.zeros((2, 4, 4)), ["one"])


def test_images_have_a_frame_where_it_is_asked_for() -> None:
    """A white tile on white paper does not show where its middle lies."""
    for frame in (False, True):
        fig = show_images(np.zeros((2, 4, 4)), ["a", "b"], frame=frame, title_size=11)
        drawn = [ax.axison and all(s.get_visible() for s in ax.spines.values()) for ax in fig.axes]
        assert drawn[:2] == [frame, frame]
        assert fig.axes[0].title.get_fontsize() == 11
        plt.close(fig)
