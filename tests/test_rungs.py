"""The five rungs train the same network to the same losses, and their statements are counted."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from definebyrun.device import choose_device
from definebyrun.rungs import by_hand, with_autograd, with_module, with_optim, with_trainer
from definebyrun.rungs.count import count_statements
from definebyrun.rungs.start import make_start

DEVICE = choose_device()
TRAINED_AS_MODULES = {
    "nn.Module": with_module.train,
    "optim": with_optim.train,
    "trainer": with_trainer.train,
}


def curves(start, steps=300):
    """Return the losses of the five rungs from one start, in rows."""
    x, y = (torch.tensor(array, device=DEVICE) for array in (start.x, start.y))
    runs = [by_hand.train(start, steps), with_autograd.train(start, DEVICE, steps)]
    for train in TRAINED_AS_MODULES.values():
        runs.append(train(with_module.build(start, DEVICE), x, y, steps))
    return np.array(runs)


def test_reference_losses_are_the_published_ones():
    """In float64 the first and the last loss are 53178.398 and 18.6757."""
    losses = by_hand.train(make_start().astype(np.float64))
    assert len(losses) == 300
    assert losses[0] == pytest.approx(53178.398, abs=5e-4)
    assert losses[-1] == pytest.approx(18.6757, abs=5e-5)


def test_five_rungs_agree_over_all_steps():
    """All pairs of the five float32 curves, and each with float64, differ by less than 1e-5."""
    start = make_start()
    losses = np.vstack([curves(start), by_hand.train(start.astype(np.float64))])
    assert losses.shape == (6, 300)
    spread = losses.max(axis=0) / losses.min(axis=0) - 1
    assert spread.max() < 1e-5


def test_five_rungs_agree_closely_in_float64():
    """What is left between the rungs is rounding: in float64 it shrinks below 1e-12."""
    losses = curves(make_start(samples=8, inputs=20, hidden=6, outputs=3).astype(np.float64), 50)
    assert (losses.max(axis=0) / losses.min(axis=0) - 1).max() < 1e-12


@pytest.mark.parametrize("name", TRAINED_AS_MODULES)
def test_biases_change_the_last_loss(name):
    """With biases that start at zero and are updated, the last loss is 18.6986."""
    start = make_start()
    x, y = (torch.tensor(array, device=DEVICE) for array in (start.x, start.y))
    model = with_module.build(start, DEVICE, bias=True)
    losses = TRAINED_AS_MODULES[name](model, x, y)
    assert losses[0] == pytest.approx(53178.398, rel=1e-6)
    assert losses[-1] == pytest.approx(18.6986, rel=1e-5)
    assert any(bias.any() for bias in (model.first.bias, model.second.bias))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    samples=st.integers(1, 5),
    inputs=st.integers(1, 4),
    hidden=st.integers(1, 4),
    outputs=st.integers(1, 3),
)
def test_gradients_by_hand_equal_autograd(seed, samples, inputs, hidden, outputs):
    """The derived formulas hold for every size, single samples and single units among them."""
    start = make_start(seed, samples, inputs, hidden, outputs).astype(np.float64)
    x, y, w1, w2 = (torch.tensor(array) for array in start)
    loss = F.mse_loss(F.relu(x @ w1.requires_grad_()) @ w2.requires_grad_(), y)
    found = by_hand.loss_and_gradients(*start)
    assert found[0] == pytest.approx(loss.item(), rel=1e-12)
    for mine, right in zip(found[1:], torch.autograd.grad(loss, (w1, w2)), strict=True):
        np.testing.assert_allclose(mine, right.numpy(), rtol=1e-9, atol=1e-12)


def test_slope_of_relu_at_zero_is_zero_as_in_pytorch():
    """With all weights zero every unit stands on the kink, and no gradient passes it."""
    start = make_start(samples=2, inputs=3, hidden=2, outputs=1)
    _, grad_w1, _ = by_hand.loss_and_gradients(start.x, start.y, 0 * start.w1, start.w2)
    assert not grad_w1.any()


def test_training_leaves_the_start_alone():
    """No rung writes into the start's arrays: the next one would begin trained."""
    start, untouched = make_start(), make_start()
    curves(start, steps=2)
    for array, expected in zip(start, untouched, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_start_is_the_legacy_generators():
    """The start is drawn in the order x, y, w1, w2 after ``np.random.seed``."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(1)  # noqa: NPY002
        for array in make_start():
            expected = np.random.randn(*array.shape)  # noqa: NPY002
            np.testing.assert_array_equal(array, expected.astype(np.float32))
            assert array.dtype == np.float32
    finally:
        np.random.set_state(state)  # noqa: NPY002


def test_quiet_lightning_leaves_no_chatter_and_no_trace():
    """Inside the block nothing reaches stdout or stderr; afterwards the logger is as before."""
    program = (
        "import torch\n"
        "from definebyrun.rungs import with_module, with_trainer\n"
        "from definebyrun.rungs.start import make_start\n"
        "s = make_start(samples=4, inputs=3, hidden=2, outputs=1)\n"
        "with with_trainer.quiet_lightning():\n"
        "    with_trainer.train(with_module.build(s), torch.tensor(s.x), torch.tensor(s.y), 2)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == ""
    assert run.stderr == ""
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    with pytest.raises(KeyError), with_trainer.quiet_lightning():
        raise KeyError
    assert logger.level == before


def counted(x):
    """Serve the test below; this docstring does not count."""
    # predict
    p = (
        x
        + 1
    )  # fmt: skip

    # a comment that names no step
    for _ in range(2):
        # loss
        p += 1
        p += 2
    # update
    p -= 1
    return p


def test_count_statements_by_section():
    """Sections open at their comment and close at the next, or where the code is indented less."""
    assert count_statements(counted) == {
        "set-up and loop": 1,
        "predict": 2,
        "loss": 2,
        "gradient": 0,
        "update": 2,
    }


def test_count_statements_closes_a_section_at_a_dedent():
    """The return after the loop of a rung is set-up, not part of its update."""
    counts = count_statements(with_optim.train)
    assert counts["update"] == 1
    assert counts["set-up and loop"] == 5  # def, optimizer, losses, for, return
