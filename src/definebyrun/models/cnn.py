"""A convolutional network for the kana, and the block that residual networks are built from."""

from torch import Tensor, nn
from torch.nn import functional as F


class CNN(nn.Module):
    """Three convolutions with 16, 32 and 64 channels, then one affine layer, for 48 x 48 images.

    Each convolution is followed by max pooling, batch normalisation and a ReLU. Pooling first is
    the fast order: it leaves a quarter of the numbers for the two that follow. For the ReLU the
    order makes no difference, because it never reverses the order of two numbers. For the
    normalisation it does: mean and variance are those of the pooled numbers.

    Args:
        classes: the number of scores; 46 for the kana.
    """

    def __init__(self, classes: int = 46) -> None:
        """Draw the first weights from PyTorch's global generator."""
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.norm2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.norm3 = nn.BatchNorm2d(64)
        self.affine = nn.Linear(64 * 6 * 6, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Turn images, shape (n, 1, 48, 48), into scores, shape (n, classes).

        Raises:
            RuntimeError: the images have another size or another number of channels.
        """
        # to (n, 16, 24, 24)
        x = F.relu(self.norm1(F.max_pool2d(self.conv1(images), 2)))
        # to (n, 32, 12, 12)
        x = F.relu(self.norm2(F.max_pool2d(self.conv2(x), 2)))
        # to (n, 64, 6, 6)
        x = F.relu(self.norm3(F.max_pool2d(self.conv3(x), 2)))
        scores: Tensor = self.affine(x.flatten(start_dim=1))
        return scores


def sequential_cnn(classes: int = 46) -> nn.Sequential:
    """Return the network of :class:`CNN` as a row of modules.

    It draws the same first weights from the same seed, and gives the same scores.

    Args:
        classes: the number of scores.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [
            nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 6 * 6, classes))


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input, then a ReLU.

    The sum gives the gradient a way around the convolutions. Where the shape changes, the input is
    fitted to it by a 1 x 1 convolution, else it is passed on as it is.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        stride: of the first convolution; 2 halves height and width.

    Source: He et al. (2016), the basic block, figure 2 and section 4.1.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        """Draw the first weights from PyTorch's global generator."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Turn x, shape (n, inputs, h, w), into (n, outputs, ⌈h / stride⌉, ⌈w / stride⌉)."""
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.shortcut(x) + self.norm2(self.conv2(y)))
