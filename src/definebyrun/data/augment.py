"""Augmentation as one operation on a whole batch, on whatever device it lies."""

import torch
import torch.nn.functional as F
from torch import Tensor


def affine(images: Tensor, angle: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Turn, scale and shift every image by its own amount, about its centre.

    What comes in from outside the image is zero: paper, when ink is high. Pixels are read
    bilinearly. One image with the same parameters gives what
    ``torchvision.transforms.v2.functional.affine`` gives, with ``BILINEAR`` interpolation, to
    rounding. Differentiable.

    Args:
        images: float, shape (n, channels, height, width), any device.
        angle: shape (n,), degrees, clockwise as the eye sees it.
        scale: shape (n,), 1 leaves the size as it is.
        shift: shape (n, 2), pixels to the right and down.

    Returns:
        Images of the same shape, dtype and device.

    Raises:
        ValueError: an argument has another shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html
    """
    n = len(images)
    expected = {"angle": (n,), "scale": (n,), "shift": (n, 2)}
    for name, value in (("angle", angle), ("scale", scale), ("shift", shift)):
        if tuple(value.shape) != expected[name]:
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; expected {expected[name]} for {n} images"
            )
    height, width = images.shape[2:]
    # The grid says where each pixel of the result comes from: the inverse of the movement.
    # Its coordinates run from -1 to 1 along each side, so a sine changes pixels across into
    # pixels down, and the ratio of the sides comes in.
    cosine, sine = torch.deg2rad(angle).cos() / scale, torch.deg2rad(angle).sin() / scale
    right, down = shift.unbind(1)
    matrix = torch.stack(
        [
            torch.stack(
                [cosine, sine * height / width, -(cosine * right + sine * down) * 2 / width], 1
            ),
            torch.stack(
                [-sine * width / height, cosine, (sine * right - cosine * down) * 2 / height], 1
            ),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix.to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def random_affine(
    images: Tensor,
    *,
    degrees: float,
    scale: tuple[float, float] = (1.0, 1.0),
    shift: float = 0.0,
    generator: torch.Generator,
) -> Tensor:
    """Turn, scale and shift every image by its own random amount.

    Args:
        images: float, shape (n, channels, height, width), any device.
        degrees: angles are drawn evenly from -degrees to degrees.
        scale: the smallest and the largest scale, drawn evenly between.
        shift: the largest shift, as a share of the side; each direction drawn evenly.
        generator: where the random numbers come from; it may live on another device than the
            images, and a CPU generator gives the same amounts on every device.

    Returns:
        Images of the same shape, dtype and device.

    Raises:
        ValueError: degrees or shift is negative, or scale is not two increasing positive numbers.
    """
    if degrees < 0 or shift < 0:
        raise ValueError(f"degrees is {degrees} and shift {shift}; expected neither negative")
    low, high = scale
    if not 0 < low <= high:
        raise ValueError(f"scale is {scale}; expected 0 < smallest <= largest")
    n = len(images)
    draws = torch.rand(n, 4, generator=generator, device=generator.device).to(images.device)
    even = 2 * draws - 1  # from -1 to 1
    sides = torch.tensor([images.shape[3], images.shape[2]], device=images.device)
    return affine(
        images,
        angle=degrees * even[:, 0],
        scale=low + (high - low) * draws[:, 1],
        shift=shift * sides * even[:, 2:],
    )
