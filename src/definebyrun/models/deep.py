"""Deeper networks for the kana, as on the page about deeper networks."""

from torch import nn

from definebyrun.models.cnn import ResidualBlock


def global_cnn(classes: int = 46) -> nn.Sequential:
    """Return a convolutional network that forgets places: of each map it keeps the largest value.

    It turns images, shape (n, 1, h, w), into scores, shape (n, classes); h and w are at least 8.

    Args:
        classes: the number of scores.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.MaxPool2d(2),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def residual(classes: int = 46, *, blocks: int = 14, channels: int = 16) -> nn.Sequential:
    """Return a convolution, residual blocks on 12 x 12 maps, and an affine end: 30 layers.

    It turns images, shape (n, 1, 48, 48), into scores, shape (n, classes).

    Args:
        classes: the number of scores.
        blocks: how many residual blocks, each of two convolutions.
        channels: of every convolution.
    """
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.BatchNorm2d(channels),
        nn.MaxPool2d(4),
        nn.ReLU(),
        *[ResidualBlock(channels, channels) for _ in range(blocks)],
        nn.AvgPool2d(3),
        nn.Flatten(),
        nn.Linear(channels * 16, classes),
    )
