"""The losses from scratch, against PyTorch and SciPy, on ordinary and on extreme inputs."""

import math

import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.testing import assert_close

from definebyrun.scratch import losses

logit = st.floats(-1e4, 1e4, allow_nan=False)
tables = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=logit)
rows = hnp.arrays(np.float64, st.integers(1, 8), elements=logit)


@settings(deadline=None)
@given(tables, st.integers(0, 1))
def test_softmax_and_its_logarithm_equal_scipys_at_any_size(table, axis):
    z = torch.from_numpy(table)
    softmax, log_softmax = losses.softmax(z, axis), losses.log_softmax(z, axis)
    np.testing.assert_allclose(softmax, scipy.special.softmax(table, axis), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(log_softmax, scipy.special.log_softmax(table, axis), atol=1e-12)


@settings(deadline=None)
@given(tables, st.data())
def test_cross_entropy_and_its_gradient_equal_pytorchs_at_any_size(table, data):
    size = st.lists(st.integers(0, table.shape[1] - 1), min_size=len(table), max_size=len(table))
    labels = torch.tensor(data.draw(size))
    ours, theirs = (torch.from_numpy(table).requires_grad_() for _ in range(2))
    loss, expected = losses.cross_entropy(ours, labels), F.cross_entropy(theirs, labels)
    assert_close(loss, expected)
    loss.backward()
    expected.backward()
    assert_close(ours.grad, theirs.grad)


@settings(deadline=None)
@given(rows, st.data())
def test_binary_cross_entropy_and_its_gradient_equal_pytorchs_at_any_size(row, data):
    chances = st.floats(0, 1)
    t = torch.from_numpy(data.draw(hnp.arrays(np.float64, len(row), elements=chances)))
    z = torch.from_numpy(row).requires_grad_()
    loss = losses.binary_cross_entropy(z, t)
    assert_close(loss, F.binary_cross_entropy_with_logits(z, t))
    (gradient,) = torch.autograd.grad(loss, z)
    assert_close(gradient, (torch.from_numpy(scipy.special.expit(row)) - t) / len(row))


@pytest.mark.parametrize(("z", "t"), [(50.0, 1.0), (-50.0, 0.0)])
def test_binary_cross_entropy_keeps_the_tiny_cost_of_being_sure_and_right(z, t):
    loss = losses.binary_cross_entropy(torch.tensor([z]), torch.tensor([t]))
    assert loss.item() == pytest.approx(math.exp(-50), rel=1e-6)


def test_binary_cross_entropy_has_the_right_gradient_at_zero_where_its_parts_have_corners():
    z = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    losses.binary_cross_entropy(z, torch.tensor([0.0, 1.0], dtype=torch.float64)).backward()
    assert z.grad.tolist() == [0.25, -0.25]


@settings(deadline=None)
@given(rows, st.data())
def test_mean_squared_error_equals_pytorchs(row, data):
    target = torch.from_numpy(data.draw(hnp.arrays(np.float64, row.shape, elements=logit)))
    prediction = torch.from_numpy(row)
    assert_close(losses.mean_squared_error(prediction, target), F.mse_loss(prediction, target))


@settings(deadline=None)
@given(tables, st.data())
def test_nll_equals_pytorchs(table, data):
    size = st.lists(st.integers(0, table.shape[1] - 1), min_size=len(table), max_size=len(table))
    labels, log_p = torch.tensor(data.draw(size)), torch.from_numpy(table)
    assert_close(losses.nll(log_p, labels), F.nll_loss(log_p, labels))


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**31 - 1))
def test_gradients_agree_with_finite_differences(classes, seed):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(3, classes, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(classes, (3,), generator=generator)
    assert torch.autograd.gradcheck(lambda z: losses.cross_entropy(z, labels), z)
    assert torch.autograd.gradcheck(lambda z: losses.softmax(z), z)
    assert torch.autograd.gradcheck(
        lambda z: losses.binary_cross_entropy(z, torch.sigmoid(2 * z)), z
    )


def draw(low, high, dtype):
    """The recorded draws: ten numbers of NumPy's legacy generator with seed 3."""
    return torch.from_numpy(np.random.RandomState(3).uniform(low, high, 10).astype(dtype))


def test_recorded_numbers_of_softmax_on_logits_up_to_100():
    z = draw(0, 100, np.float32)
    naive = z.exp() / z.exp().sum()
    assert naive.isnan().nonzero().flatten().tolist() == [4, 5]
    assert [f"{p:.5f}" for p in losses.softmax(z)[4:6].tolist()] == ["0.41712", "0.58288"]
    z = draw(0, 100, np.float64)
    assert_close(z.exp() / z.exp().sum(), losses.softmax(z))


def test_recorded_numbers_of_log_softmax_on_logits_down_to_minus_100():
    z = draw(-100, 100, np.float32)
    lost = losses.softmax(z).log().isinf().nonzero().flatten()
    assert lost.tolist() == [2, 6, 7, 8]
    kept = [f"{p:.4f}" for p in losses.log_softmax(z)[lost].tolist()]
    assert kept == ["-121.4912", "-154.5551", "-138.2235", "-169.3787"]
    z = draw(-100, 100, np.float64)
    assert_close(losses.softmax(z).log(), losses.log_softmax(z))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_is_kept(dtype):
    z, labels = torch.tensor([[1.0, -2.0], [0.0, 3.0]], dtype=dtype), torch.tensor([0, 1])
    results = (
        losses.softmax(z),
        losses.log_softmax(z),
        losses.cross_entropy(z, labels),
        losses.binary_cross_entropy(z, torch.ones_like(z)),
        losses.mean_squared_error(z, torch.ones_like(z)),
    )
    assert [result.dtype for result in results] == 5 * [dtype]


@pytest.mark.parametrize("loss", [losses.mean_squared_error, losses.binary_cross_entropy])
def test_a_column_against_a_row_is_refused_instead_of_broadcast(loss):
    with pytest.raises(ValueError, match=r"target has shape \(3,\); expected \(3, 1\)"):
        loss(torch.zeros(3, 1), torch.zeros(3))


def test_labels_of_another_length_or_kind_are_refused():
    with pytest.raises(
        ValueError, match=r"\(2, 4\) and labels \(3,\); expected \(M, K\) and \(M,\)"
    ):
        losses.nll(torch.zeros(2, 4), torch.tensor([0, 1, 2]))
    with pytest.raises(TypeError, match=r"dtype torch.float32; expected torch.int64"):
        losses.cross_entropy(torch.zeros(2, 4), torch.tensor([0.0, 1.0]))


def test_the_page_quotes_the_recorded_numbers(facts):
    page = facts["book/losses"]
    recorded = {
        "softmax-4": 0.41712,
        "softmax-5": 0.58288,
        "log-softmax-2": -121.4912,
        "log-softmax-6": -154.5551,
        "log-softmax-7": -138.2235,
        "log-softmax-8": -169.3787,
    }
    assert {name: page[name] for name in recorded} == pytest.approx(recorded, rel=1e-6, abs=5e-6)
    assert (page["nan-count"], page["inf-count"]) == (2, 4)
