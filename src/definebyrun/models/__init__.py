"""The networks of the book, simpler classifiers to compare them with, and what they cost."""

from definebyrun.models.baselines import mean_images, nearest
from definebyrun.models.cnn import CNN, ResidualBlock, sequential_cnn
from definebyrun.models.cost import count_multiply_adds, count_parameters
from definebyrun.models.mlp import MLP, sequential_mlp

__all__ = [
    "CNN",
    "MLP",
    "ResidualBlock",
    "count_multiply_adds",
    "count_parameters",
    "mean_images",
    "nearest",
    "sequential_cnn",
    "sequential_mlp",
]
