"""A multilayer perceptron with batch normalisation, written in two ways that compute the same."""

from torch import Tensor, nn
from torch.nn import functional as F


class MLP(nn.Module):
    """Three affine layers, 64 and 32 units wide inside, for small grey images.

    After each of the first two come batch normalisation and a ReLU. What the network returns
    are scores (logits), one a class, for :func:`torch.nn.functional.cross_entropy`.

    Args:
        pixels: the number of pixels of an image; 48 x 48 for the kana.
        classes: the number of scores; 46 for the kana.

    Source: Ioffe and Szegedy (2015) for the order affine, normalisation, nonlinearity.
    """

    def __init__(self, pixels: int = 48 * 48, classes: int = 46) -> None:
        """Draw the first weights from PyTorch's global generator."""
        super().__init__()
        self.affine1 = nn.Linear(pixels, 64)
        self.norm1 = nn.BatchNorm1d(64)
        self.affine2 = nn.Linear(64, 32)
        self.norm2 = nn.BatchNorm1d(32)
        self.affine3 = nn.Linear(32, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Turn images, shape (n, 1, height, width), into scores, shape (n, classes).

        Raises:
            RuntimeError: the images have another number of pixels than the network was made for.
            ValueError: one image alone in training mode, which batch normalisation refuses.
        """
        x = images.flatten(start_dim=1)
        x = F.relu(self.norm1(self.affine1(x)))
        x = F.relu(self.norm2(self.affine2(x)))
        scores: Tensor = self.affine3(x)
        return scores


def sequential_mlp(pixels: int = 48 * 48, classes: int = 46) -> nn.Sequential:
    """Return the network of :class:`MLP` as a row of modules.

    It draws the same first weights from the same seed, in the same order.

    Args:
        pixels: the number of pixels of an image.
        classes: the number of scores.
    """
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, classes),
    )
