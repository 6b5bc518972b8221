"""Classifiers that are no networks, and the counting of what a network costs."""

import pytest
import torch
from torch import nn

from definebyrun.models import (
    CNN,
    MLP,
    count_multiply_adds,
    count_parameters,
    mean_images,
    nearest,
)


def test_mean_images_are_the_means_class_by_class():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(30, 1, 4, 5, generator=generator)
    labels = torch.arange(30) % 7
    expected = torch.stack([images[labels == c].mean(dim=0) for c in range(7)])
    torch.testing.assert_close(mean_images(images, labels), expected)


def test_a_class_without_images_is_refused():
    with pytest.raises(ValueError, match="labels has no 1"):
        mean_images(torch.zeros(2, 3), torch.tensor([0, 2]))


def test_nearest_is_the_smallest_of_all_distances_whatever_the_batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(13, 1, 3, 3, generator=generator)
    examples = torch.rand(40, 1, 3, 3, generator=generator)
    differences = images.double()[:, None] - examples.double()[None]
    expected = differences.square().sum(dim=(2, 3, 4)).argmin(dim=1)
    for batch_size in (1, 5, 1024):
        assert torch.equal(nearest(images, examples, batch_size=batch_size), expected)


def test_the_nearest_of_known_images_is_themselves():
    images = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    assert nearest(images, images).tolist() == list(range(50))


def test_pixels_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"images has shape \(2, 4\) and examples \(2, 2, 2\)"):
        nearest(torch.zeros(2, 4), torch.zeros(2, 2, 2))


def test_costs_are_those_counted_by_hand():
    """A convolution: outputs x places x window x inputs; an affine layer: its weights."""
    image = torch.zeros(1, 1, 48, 48)
    mlp = 2304 * 64 + 64 * 32 + 32 * 46
    assert count_multiply_adds(MLP(), image) == mlp
    assert count_parameters(MLP()) == mlp + (64 + 32 + 46) + 2 * (64 + 32)
    cnn = 16 * 48 * 48 * 9 + 32 * 24 * 24 * 9 * 16 + 64 * 12 * 12 * 9 * 32 + 2304 * 46
    assert count_multiply_adds(CNN(), image) == cnn
    weights = 16 * 9 + 32 * 9 * 16 + 64 * 9 * 32 + 2304 * 46
    assert count_parameters(CNN()) == weights + (16 + 32 + 64 + 46) + 2 * (16 + 32 + 64)


def test_frozen_weights_are_no_parameters_of_training():
    model = nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    assert count_parameters(model) == 6


def test_counting_leaves_the_network_as_it_was():
    model = MLP()
    model.norm1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count_multiply_adds(model, torch.rand(1, 1, 48, 48))
    assert model.training
    assert not model.norm1.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_counting_takes_one_image():
    with pytest.raises(ValueError, match="image has shape"):
        count_multiply_adds(MLP(), torch.zeros(2, 1, 48, 48))
