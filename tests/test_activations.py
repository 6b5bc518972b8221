"""The activations from scratch, against PyTorch and SciPy, and the sizes of signals by depth."""

import math

import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn
from torch.testing import assert_close

from definebyrun.scratch import activations
from definebyrun.scratch.activations import he, relu, sigmoid, sizes_by_depth, xavier

numbers = hnp.arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e4, 1e4))
PAIRS = [
    (activations.relu, torch.relu),
    (activations.sigmoid, torch.sigmoid),
    (activations.gelu, F.gelu),
    (activations.silu, F.silu),
]
AT_THE_ENDS = [  # values at -90, 0, 90 and infinity, slopes at the first three
    (activations.relu, [0.0, 0.0, 90.0, math.inf], [0.0, 0.0, 1.0]),
    (activations.sigmoid, [0.0, 0.5, 1.0, 1.0], [0.0, 0.25, 0.0]),
    (activations.gelu, [0.0, 0.0, 90.0, math.inf], [0.0, 0.5, 1.0]),
    (activations.silu, [0.0, 0.0, 90.0, math.inf], [0.0, 0.5, 1.0]),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@settings(deadline=None)
@given(row=numbers)
def test_values_and_slopes_equal_pytorchs_at_any_size(ours, theirs, row):
    x, y = (torch.from_numpy(row).requires_grad_() for _ in range(2))
    value, expected = ours(x), theirs(y)
    assert_close(value, expected)
    value.sum().backward()
    expected.sum().backward()
    assert_close(x.grad, y.grad)


@pytest.mark.parametrize(("ours", "values", "slopes"), AT_THE_ENDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_values_and_slopes_are_right_at_zero_infinity_and_nan(ours, values, slopes, dtype):
    """The corner of ReLU has slope 0; what is not a number stays visible.

    The truth is the limit of each formula: PyTorch's own GELU of infinity is infinity on some
    processors and not a number on others.
    """
    x = torch.tensor([-90.0, 0.0, 90.0, math.inf, math.nan], dtype=dtype)
    value = ours(x)
    assert value.dtype == dtype
    assert_close(value[:4].double(), torch.tensor(values).double(), rtol=1e-6, atol=1e-6)
    assert value[4].isnan()
    x = torch.tensor([-90.0, 0.0, 90.0], dtype=dtype, requires_grad=True)
    ours(x).sum().backward()
    assert_close(x.grad.double(), torch.tensor(slopes).double(), rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(st.floats(-80, 80))
def test_float32_tails_keep_their_digits(x):
    """SciPy in float64 is the truth; the tails are where a careless formula gives 0."""
    z = torch.tensor(x, dtype=torch.float32)
    exact = z.double().item()
    assert sigmoid(z).item() == pytest.approx(scipy.special.expit(exact), rel=1e-5)
    if abs(x) < 12:
        truth = exact * scipy.special.ndtr(exact)
        assert activations.gelu(z).item() == pytest.approx(truth, rel=1e-4, abs=1e-37)


@settings(deadline=None)
@given(st.floats(-700, 700))
def test_sigmoid_is_steepest_at_zero_where_its_slope_is_a_quarter(x):
    z = torch.tensor([x, 0.0], dtype=torch.float64, requires_grad=True)
    sigmoid(z).sum().backward()
    assert z.grad[1] == 0.25
    assert 0 <= z.grad[0] <= 0.25 + 1e-15  # one rounding


def test_initialisations_are_pytorchs():
    """Each rule gives the spread of the weights that torch.nn.init draws by it."""
    torch.manual_seed(0)
    layer = nn.Linear(300, 700)
    nn.init.xavier_normal_(layer.weight)
    assert layer.weight.std().item() == pytest.approx(xavier(300, 700), rel=0.01)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.weight.std().item() == pytest.approx(he(300, 700), rel=0.01)


def test_sizes_of_a_network_without_activation_follow_the_closed_form():
    """With the identity each layer multiplies both sizes by the gain, here 2 and 1."""
    sizes = sizes_by_depth(lambda z: z, lambda n, m: 2 / math.sqrt(n), depth=6, width=400)
    assert_close(sizes.outputs, 2.0 ** torch.arange(1, 7).double(), rtol=0.05, atol=0)
    assert_close(sizes.gradients, 2.0 ** torch.arange(5, -1, -1).double(), rtol=0.05, atol=0)


def test_sizes_are_those_of_the_network_that_autograd_sees():
    """Depth 1 by hand: the gradient of the layer's sum is the slope times the incoming gradient."""
    sizes = sizes_by_depth(sigmoid, xavier, depth=1, width=3, samples=5, seed=4)
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 3, generator=generator, dtype=torch.float64) / math.sqrt(3)
    incoming = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    h = torch.sigmoid(x @ weight)
    assert_close(sizes.outputs[0], h.square().mean().sqrt())
    assert_close(sizes.gradients[0], (incoming * h * (1 - h)).square().mean().sqrt())


def test_sigmoid_layers_shrink_the_gradient_to_less_than_a_quarter_and_relu_with_he_keeps_it():
    by_sigmoid = sizes_by_depth(sigmoid, xavier).gradients
    assert (by_sigmoid[0] / by_sigmoid[-1]) ** (1 / 19) < 0.25
    by_relu = sizes_by_depth(relu, he)
    assert 0.5 < by_relu.gradients[0] / by_relu.gradients[-1] < 2
    assert 0.5 < by_relu.outputs[-1] / by_relu.outputs[0] < 2


def test_sizes_repeat_for_a_seed_and_differ_for_another():
    first, again = (sizes_by_depth(relu, he, depth=3, width=8, seed=1) for _ in range(2))
    other = sizes_by_depth(relu, he, depth=3, width=8, seed=2)
    assert torch.equal(first.gradients, again.gradients)
    assert not torch.equal(first.gradients, other.gradients)
