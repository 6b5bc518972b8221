"""Pictures of what a trained network does: confusions, mistakes, filters, feature maps."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from torch import Tensor, nn

from definebyrun.drawing.style import show_images, to_numpy
from definebyrun.training import evaluating


def plot_confusion(ax: Axes, matrix: Tensor, names: Sequence[str]) -> None:
    """Draw a confusion matrix as shares of each true class; ten names at most stand beside it.

    Args:
        matrix: counts, shape (classes, classes): row the true class, column the predicted one,
            as :func:`definebyrun.training.confusion_matrix` gives them.
        names: one short name a class; write them in Latin letters, as the figure's font has
            no others.

    Raises:
        ValueError: the matrix is not square, or the names have another number.
    """
    if matrix.shape != (len(names), len(names)):
        raise ValueError(
            f"matrix has shape {tuple(matrix.shape)} and names {len(names)} entries; "
            "expected (classes, classes) and as many names"
        )
    shares = matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)
    scale = PowerNorm(0.5, vmin=0, vmax=1)  # a share of 0.04 is drawn a fifth as bright as 1
    drawn = ax.imshow(to_numpy(shares), norm=scale, interpolation="nearest")
    ticks = range(0, len(names), math.ceil(len(names) / 10))
    labels = [names[tick] for tick in ticks]
    ax.set_xticks(ticks, labels)
    ax.set_yticks(ticks, labels)
    ax.set(xlabel="predicted", ylabel="true")
    ax.grid(False)
    ax.figure.colorbar(drawn, ax=ax, label="share of the true class", shrink=0.8)


def top_confusions(
    matrix: Tensor, names: Sequence[str], count: int = 10
) -> list[tuple[str, str, int]]:
    """List the most frequent confusions: the true name, the name given instead, how often.

    Args:
        matrix: counts, shape (classes, classes): row the true class, column the predicted one.
        names: one name a class.
        count: how many at most; pairs never confused are left out.
    """
    off = matrix.clone().fill_diagonal_(0)
    order = off.flatten().argsort(descending=True, stable=True)[:count]
    pairs = [divmod(int(place), len(names)) for place in order]
    return [(names[t], names[p], int(off[t, p])) for t, p in pairs if off[t, p] > 0]


def show_mistakes(
    images: Tensor,
    labels: Tensor,
    predictions: Tensor,
    names: Sequence[str],
    *,
    columns: int = 6,
) -> Figure:
    """Draw images, each with its true name and the name it was given: "sa, not ki".

    Args:
        images: shape (n, 1, height, width); high values are ink.
        labels, predictions: classes, shape (n,), int64.
        names: one short name a class, in Latin letters.
        columns: images in a row.
    """
    titles = [
        f"{names[label]}, not {names[predicted]}"
        for label, predicted in zip(labels.tolist(), predictions.tolist(), strict=True)
    ]
    return show_images(images, titles, columns=columns)


def show_filters(weight: Tensor, *, columns: int = 16) -> Figure:
    """Draw the filters of a first convolution: dark for the largest weight, paper for the least.

    All are drawn on one scale, symmetric about zero, so that middle grey is a weight of zero.

    Args:
        weight: shape (channels, 1, k, k), the ``weight`` of a ``Conv2d`` with one input channel.
        columns: filters in a row.

    Raises:
        ValueError: the filters have more than one input channel.
    """
    if weight.ndim != 4 or weight.shape[1] != 1:
        raise ValueError(f"weight has shape {tuple(weight.shape)}; expected (channels, 1, k, k)")
    bound = float(weight.detach().abs().max())
    return show_images(weight, columns=columns, vmin=-bound, vmax=bound, frame=True)


def feature_maps(model: nn.Module, layer: nn.Module, image: Tensor) -> Tensor:
    """Return what one layer of a network makes of an image, in evaluation mode.

    Args:
        model: the whole network.
        layer: one of its modules, such as ``model.conv1``; it must run when the model does.
        image: shape (channels, height, width), on the device of the model.

    Returns:
        The output of the layer, without the batch axis, on the CPU.
    """
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
    try:
        with evaluating(model):
            model(image[None])
    finally:
        hook.remove()
    return seen[-1][0].cpu()
