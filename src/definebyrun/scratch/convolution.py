"""Convolution of images with small filters, from scratch, and the size of what comes out."""

from torch import Tensor
from torch.nn import functional as F


def output_size(size: int, kernel: int, *, stride: int = 1, padding: int = 0) -> int:
    """Count the places at which a filter fits along one side of an image.

    Args:
        size: pixels along this side of the image.
        kernel: pixels along the same side of the filter.
        stride: pixels from one place to the next.
        padding: pixels of zeros added at each of the two ends.

    Returns:
        ⌊(size - kernel + 2 padding) / stride⌋ + 1.

    Raises:
        ValueError: an argument is out of range, or the filter is longer than the padded side.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html, without dilation.
    """
    for name, value, least in (
        ("size", size, 1),
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if value < least:
            raise ValueError(f"{name} is {value}; expected at least {least}")
    if kernel > size + 2 * padding:
        raise ValueError(
            f"kernel is {kernel}; expected at most {size + 2 * padding}, the padded side"
        )
    return (size - kernel + 2 * padding) // stride + 1


def conv2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
) -> Tensor:
    """Slide filters over images: what ``torch.nn.functional.conv2d`` computes, in three steps.

    Cut each image into the windows that the filter visits, multiply each window by the filter
    entry by entry, and sum. The filter is not mirrored: strictly, this is a cross-correlation.
    Differentiable; dtype and device are those of the arguments.

    Args:
        images: shape (n, channels, height, width).
        weight: the filters, shape (out, channels, kh, kw): each has as many channels as an image.
        bias: shape (out,), one number added to everything that a filter gives; None for zero.
        stride: pixels from one window to the next, in both directions.
        padding: pixels of zeros added on each of the four sides.

    Returns:
        Shape (n, out, height', width'), with the sizes of :func:`output_size`.

    Raises:
        ValueError: the channels do not match, or the filter does not fit.
    """
    _refuse_misfit(images, weight, stride, padding)
    kh, kw = weight.shape[2:]
    padded = F.pad(images, (padding, padding, padding, padding))
    # windows (n, channels, h', w', kh, kw), sums (n, out, h', w')
    windows = padded.unfold(2, kh, stride).unfold(3, kw, stride)
    sums = (windows[:, None] * weight[:, :, None, None]).sum(dim=(2, 5, 6))
    return sums if bias is None else sums + bias[:, None, None]


def _refuse_misfit(images: Tensor, weight: Tensor, stride: int, padding: int) -> None:
    """Stop where the channels do not match, or a filter is larger than the padded image.

    Raises:
        ValueError: channels, sizes, stride or padding do not fit.
    """
    if weight.shape[1] != images.shape[1]:
        raise ValueError(
            f"weight has shape {tuple(weight.shape)}, "
            f"for {weight.shape[1]} channels; "
            f"expected {images.shape[1]}, the channels of images"
        )
    for side, kernel in zip(images.shape[2:], weight.shape[2:], strict=True):
        output_size(side, kernel, stride=stride, padding=padding)
