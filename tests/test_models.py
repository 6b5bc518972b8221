"""The networks: their sizes, and that each way of writing one computes the same."""

import pytest
import torch
from torch import Tensor, nn

from definebyrun.models import CNN, MLP, ResidualBlock, sequential_cnn, sequential_mlp


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def seeded(make, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return make()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(7, 1, 48, 48, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("make", "parameters"),
    [(MLP, 151_310), (sequential_mlp, 151_310), (CNN, 129_550), (sequential_cnn, 129_550)],
)
def test_parameter_counts_are_those_worked_out_by_hand(make, parameters):
    assert count(make()) == parameters


@pytest.mark.parametrize("make", [MLP, sequential_mlp, CNN, sequential_cnn])
def test_one_score_a_class_for_each_image(make, images):
    assert make()(images).shape == (7, 46)
    assert make(classes=10)(images).shape == (7, 10)


def test_mlp_takes_another_number_of_pixels():
    assert MLP(pixels=6, classes=3)(torch.rand(4, 1, 2, 3)).shape == (4, 3)


@pytest.mark.parametrize(
    ("one", "other"), [(MLP, sequential_mlp), (CNN, sequential_cnn)], ids=["mlp", "cnn"]
)
@pytest.mark.parametrize("training", [True, False])
def test_class_equals_sequential_in_scores_and_gradients(one, other, training, images):
    first, second = seeded(one).train(training), seeded(other).train(training)
    scores, expected = first(images), second(images)
    torch.testing.assert_close(scores, expected, rtol=0, atol=0)
    scores.square().sum().backward()
    expected.square().sum().backward()
    for mine, truth in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, truth.grad)
    for mine, truth in zip(first.buffers(), second.buffers(), strict=True):
        torch.testing.assert_close(mine, truth)


def test_pooling_before_the_relu_changes_nothing():
    """The page says so of the CNN, which pools first."""
    maps = torch.randn(3, 4, 6, 6)
    pooled = nn.functional.max_pool2d(maps, 2).relu()
    assert torch.equal(pooled, nn.functional.max_pool2d(maps.relu(), 2))


def test_mlp_refuses_one_image_in_training_mode_only(images):
    model = MLP()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        model(images[:1])
    assert model.eval()(images[:1]).shape == (1, 46)


def test_bias_before_batch_normalisation_changes_nothing_in_training(images):
    """The chapter calls it redundant: the mean that is subtracted contains it."""
    model = MLP()
    before = model(images)
    with torch.no_grad():
        model.affine1.bias += 3.0
    torch.testing.assert_close(model(images), before, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (ResidualBlock(8, 8), (2, 8, 9, 9)),
        (ResidualBlock(8, 12), (2, 12, 9, 9)),
        (ResidualBlock(8, 8, stride=2), (2, 8, 5, 5)),
    ],
)
def test_residual_block_fits_its_shortcut_to_the_shape(block, shape):
    assert block(torch.rand(2, 8, 9, 9)).shape == shape


def test_residual_block_with_a_silenced_branch_passes_its_input_on():
    block = ResidualBlock(4, 4)
    nn.init.zeros_(block.norm2.weight)
    x = torch.randn(3, 4, 6, 6)
    torch.testing.assert_close(block(x), x.relu())


def test_residual_block_equals_torchvision():
    from torchvision.models.resnet import BasicBlock

    shortcut = nn.Sequential(nn.Conv2d(4, 6, 1, 2, bias=False), nn.BatchNorm2d(6))
    block, truth = ResidualBlock(4, 6, stride=2), BasicBlock(4, 6, 2, shortcut)
    names = {"conv1": "conv1", "norm1": "bn1", "conv2": "conv2", "norm2": "bn2"}
    for mine, theirs in (names | {"shortcut": "downsample"}).items():
        getattr(truth, theirs).load_state_dict(getattr(block, mine).state_dict())
    x = torch.randn(3, 4, 8, 8)
    torch.testing.assert_close(block(x), truth(x))
