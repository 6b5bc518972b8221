"""The networks of the book: a multilayer perceptron, a convolutional network, and their parts."""

from definebyrun.models.cnn import CNN, ResidualBlock, sequential_cnn
from definebyrun.models.mlp import MLP, sequential_mlp

__all__ = ["CNN", "MLP", "ResidualBlock", "sequential_cnn", "sequential_mlp"]
