"""Batch normalisation written out equals PyTorch's in both modes, gradients included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from definebyrun.scratch.batch_norm import BatchNorm


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 9), units=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_equals_pytorch_over_several_steps(n, units, seed):
    """Outputs, gradients and running statistics, in training and then in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    ours, theirs = BatchNorm(units).double(), nn.BatchNorm1d(units).double()
    with torch.no_grad():
        for mine, truth in zip(ours.parameters(), theirs.parameters(), strict=True):
            mine.copy_(torch.randn(units, generator=generator))
            truth.copy_(mine)
    for _ in range(3):
        x = 3 * torch.randn(n, units, generator=generator, dtype=torch.float64) + 5
        x_ours, x_theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        y_ours, y_theirs = ours(x_ours), theirs(x_theirs)
        torch.testing.assert_close(y_ours, y_theirs)
        weights = torch.randn(n, units, generator=generator, dtype=torch.float64)
        (weights * y_ours).sum().backward()
        (weights * y_theirs).sum().backward()
        torch.testing.assert_close(x_ours.grad, x_theirs.grad, rtol=1e-6, atol=1e-9)
    for mine, truth in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, truth.grad)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x[:1]), theirs(x[:1]))


def test_evaluation_does_not_touch_the_running_statistics():
    layer = BatchNorm(3).eval()
    layer(torch.randn(5, 3) + 7)
    assert torch.equal(layer.running_mean, torch.zeros(3))
    assert torch.equal(layer.running_var, torch.ones(3))


def test_one_example_is_refused_in_training_only():
    layer = BatchNorm(3)
    with pytest.raises(ValueError, match=r"x has 1 examples; expected at least 2"):
        layer(torch.rand(1, 3))
    assert layer.eval()(torch.rand(1, 3)).shape == (1, 3)


def test_running_statistics_are_saved_but_not_trained():
    layer = BatchNorm(3)
    assert set(layer.state_dict()) == {"weight", "bias", "running_mean", "running_var"}
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}
