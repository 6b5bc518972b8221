"""The checker of the chapter on saving accepts right answers and names typical mistakes."""

import pytest
import torch

from definebyrun.check import WrongAnswer, saving


def gaps(confidence, right):
    """Share and gap of each bin that has an answer."""
    for low in range(10):
        inside = (confidence >= low / 10) & ((confidence < (low + 1) / 10) | (low == 9))
        if inside.any():
            share = inside.float().mean()
            yield share, confidence[inside].mean() - right[inside].float().mean()


def error(confidence, right):
    return sum(share * gap.abs() for share, gap in gaps(confidence, right))


def test_a_right_answer_passes_and_is_told_so(capsys):
    saving.calibration_error(error)
    assert capsys.readouterr().out.startswith("Right: ")


def unweighted(confidence, right):
    return torch.stack([gap.abs() for _, gap in gaps(confidence, right)]).mean()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (unweighted, "more say"),
        (lambda c, r: sum(share * gap for share, gap in gaps(c, r)), "cancel"),
        (lambda c, r: (c.mean() - r.float().mean()).abs(), "cancel"),
        (lambda c, r: (c - r.float()).abs().mean(), "by itself"),
        (lambda c, r: sum(gap.abs() for _, gap in gaps(c, r)) / 10, "not by ten"),
        (lambda c, r: error(c, r) * float("nan"), "empty bin"),
        (lambda c, r: error(c, r).item(), "without item"),
    ],
)
def test_typical_mistakes_are_named(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        saving.calibration_error(answer)
