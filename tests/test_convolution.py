"""Convolution from scratch: equal to PyTorch's, for every stride and padding that fits."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from definebyrun.scratch.convolution import conv2d, output_size

sides = st.integers(1, 9)
kernels = st.integers(1, 4)
strides = st.integers(1, 4)
paddings = st.integers(0, 3)


@settings(deadline=None, max_examples=80)
@given(sides, sides, kernels, kernels, strides, paddings, st.booleans(), st.integers(0, 99))
def test_conv2d_is_pytorchs(height, width, kh, kw, stride, padding, with_bias, seed):
    assume(kh <= height + 2 * padding and kw <= width + 2 * padding)
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(2, 3, height, width, dtype=torch.float64, generator=generator)
    weight = torch.randn(4, 3, kh, kw, dtype=torch.float64, generator=generator)
    bias = torch.randn(4, dtype=torch.float64, generator=generator) if with_bias else None
    ours = conv2d(images, weight, bias, stride=stride, padding=padding)
    torch.testing.assert_close(ours, F.conv2d(images, weight, bias, stride, padding))


@given(sides, kernels, strides, paddings)
def test_output_size_counts_the_places_of_the_filter(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    places = range(-padding, size + padding - kernel + 1, stride)
    assert output_size(size, kernel, stride=stride, padding=padding) == len(places)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "out"),
    [(7, 2, 2, 0, 3), (28, 3, 2, 1, 14), (5, 2, 3, 0, 2), (28, 3, 1, 1, 28), (224, 7, 2, 3, 112)],
)
def test_output_sizes_worked_by_hand(size, kernel, stride, padding, out):
    assert output_size(size, kernel, stride=stride, padding=padding) == out


def test_gradients_flow_through_conv2d_as_through_pytorchs():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 2, 5, 6, dtype=torch.float64, generator=generator)
    weight = torch.randn(3, 2, 3, 2, dtype=torch.float64, generator=generator).requires_grad_()
    ours = torch.autograd.grad(conv2d(images, weight, stride=2, padding=1).square().sum(), weight)
    theirs = torch.autograd.grad(F.conv2d(images, weight, None, 2, 1).square().sum(), weight)
    torch.testing.assert_close(ours, theirs)


def test_conv2d_keeps_the_dtype():
    assert conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0, "kernel": 1}, "size is 0"),
        ({"size": 3, "kernel": 0}, "kernel is 0"),
        ({"size": 3, "kernel": 2, "stride": 0}, "stride is 0"),
        ({"size": 3, "kernel": 2, "padding": -1}, "padding is -1"),
        ({"size": 3, "kernel": 6, "padding": 1}, "expected at most 5"),
    ],
)
def test_output_size_names_the_wrong_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        output_size(**arguments)


def test_conv2d_refuses_channels_that_do_not_match_and_filters_that_do_not_fit():
    with pytest.raises(ValueError, match="expected 3, the channels of images"):
        conv2d(torch.ones(1, 3, 4, 4), torch.ones(2, 1, 3, 3))
    with pytest.raises(ValueError, match="kernel is 5"):
        conv2d(torch.ones(1, 1, 4, 9), torch.ones(1, 1, 5, 5))
