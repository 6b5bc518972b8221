"""The checkers of the chapter on saving accept right answers and name typical mistakes."""

import copy

import pytest
import torch

from definebyrun.check import WrongAnswer, saving
from definebyrun.training.checkpoint import random_state, set_random_state


def gaps(confidence, right):
    """Share and gap of each bin that has an answer."""
    for low in range(10):
        inside = (confidence >= low / 10) & ((confidence < (low + 1) / 10) | (low == 9))
        if inside.any():
            share = inside.float().mean()
            yield share, confidence[inside].mean() - right[inside].float().mean()


def binned(confidence, right, bins, last):
    """The calibration error over so many bins; the last one's number is at most ``last``."""
    place = (confidence * bins).long().clamp(max=last)
    full = [place == bin for bin in place.unique()]
    return sum(
        b.float().mean() * (confidence[b].mean() - right[b].float().mean()).abs() for b in full
    )


def middles(confidence, right):
    """As it should be, but for the middle of each bin in place of its mean confidence."""
    return error(((confidence * 10).long().clamp(max=9) + 0.5) / 10, right)


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
        (lambda c, r: binned(c, r, 10, last=10), r"0\.45.*belongs into the last bin"),
        (lambda c, r: binned(c, r, 15, last=14), r"by hand\.$"),
        (middles, "not the middle"),
        (lambda c, r: error(c, r) * float("nan"), "empty bin"),
        (lambda c, r: error(c, r).item(), "without item"),
    ],
)
def test_typical_mistakes_are_named(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        saving.calibration_error(answer)


STATES = ("model", "optimizer", "schedule")
PLAIN = ("average", "best", "waited")


def pack(run):
    parts = {name: getattr(run, name).state_dict() for name in STATES}
    parts |= {name: getattr(run, name) for name in PLAIN}
    return {**parts, "random": random_state(run.order)}


def unpack(saved, run, *, without=()):
    for name in STATES:
        if name not in without:
            getattr(run, name).load_state_dict(saved[name])
    for name in PLAIN:
        if name not in without:
            setattr(run, name, saved[name])
    if "random" not in without:
        set_random_state(saved["random"], run.order)


def test_a_run_that_is_carried_over_whole_passes_and_nothing_global_moves(capsys):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    saving.resumes(pack, unpack)
    assert capsys.readouterr().out.startswith("Right: ")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("part", [*STATES, *PLAIN])
def test_a_part_that_is_left_out_is_named(part):
    with pytest.raises(WrongAnswer, match=f"{part} is not as it was"):
        saving.resumes(pack, lambda saved, run: unpack(saved, run, without=(part,)))


def no_buffers(saved, run):
    unpack(saved, run, without=("model",))
    weights = dict(run.model.named_parameters())
    run.model.load_state_dict({n: saved["model"][n] for n in weights}, strict=False)


def no_order(saved, run):
    unpack(saved, run, without=("random",))
    torch.set_rng_state(saved["random"]["cpu"])


def no_dropout(saved, run):
    unpack(saved, run, without=("random",))
    run.order.set_state(saved["random"]["generators"][0])


def draws_afterwards(saved, run):
    unpack(saved, run)
    torch.rand(1)


def another_model(saved, run):
    """The new model has the right weights, but the optimizer still moves those of the old one."""
    run.model = copy.deepcopy(run.model)
    unpack(saved, run)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (no_buffers, "the model is not as it was"),
        (no_order, "the order is not as it was"),
        (no_dropout, "the dropout is not as it was"),
        (draws_afterwards, "the dropout is not as it was"),
        (another_model, "goes on differently"),
        (lambda saved, run: setattr(run, "model", None), "Print its type"),
        (lambda saved: None, "wrong type"),
    ],
)
def test_a_wrong_unpacking_gets_its_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=hint):
        saving.resumes(pack, wrong)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda run: {**pack(run), "model": run.model}, "no whole objects"),
        (lambda run: {"model": run.model.state_dict()}, "not there"),
        (lambda run: run, "return a dictionary"),
        (lambda run: {1: 2}, "return a dictionary"),
        (None, "the two functions themselves"),
    ],
)
def test_a_wrong_packing_gets_its_hint(wrong, hint):
    with pytest.raises(WrongAnswer, match=hint):
        saving.resumes(wrong, unpack)


@pytest.mark.parametrize("junk", [None, 7, "best", [1], {}, float("nan")])
@pytest.mark.parametrize("part", [*STATES, *PLAIN, "order"])
def test_junk_in_place_of_a_part_ends_in_a_hint(part, junk):
    def spoil(saved, run):
        unpack(saved, run)
        setattr(run, part, junk)

    with pytest.raises(WrongAnswer):
        saving.resumes(pack, spoil)
