"""What a network costs: the numbers it learns, and the multiplications of reading one image."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(model: nn.Module) -> int:
    """Count the numbers that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def count_multiply_adds(model: nn.Module, image: Tensor) -> int:
    """Count the multiplications, each with its addition, with which a network reads one image.

    Counted are convolutions and matrix products, where nearly all the work is. Biases,
    normalisation, activations and pooling are left out, as is usual.

    Args:
        model: turns images into scores; its mode, weights and running averages stay as they are.
        image: shape (1, ...), on the device of the model.

    Raises:
        ValueError: there is more than one image, or none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.utils.flop_counter.html
    """
    if len(image) != 1:
        raise ValueError(f"image has shape {tuple(image.shape)}; expected one image, (1, ...)")
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(image)
    finally:
        for module, training in modes.items():
            module.training = training
    return int(counter.get_total_flops()) // 2  # PyTorch counts a multiply-add as two
