"""Cells have addresses that stay when something else is put in before them."""

import pytest

from definebyrun.book.places import cell_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import torch\n\n# a comment\nw = torch.tensor(1.95)", "cell-w-torch-tensor-1-95"),
        ("loss.backward()", "cell-loss-backward"),
        ("import math", "cell-import-math"),
        ("あ", "cell-code"),
    ],
)
def test_a_cell_is_named_by_its_first_words(code: str, name: str) -> None:
    assert cell_name(code) == name
