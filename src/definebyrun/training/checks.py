"""What training and measuring refuse, before they have changed anything."""

import torch
from torch import Tensor, nn


def check_data(name: str, images: Tensor, labels: Tensor) -> None:
    """Refuse images and labels that nothing could be learnt from, or measured on.

    Args:
        name: what the error calls them.
        images: shape (n, ...).
        labels: shape (n,), int64.

    Raises:
        ValueError: they are not as many, or none; an image is not finite; labels is no such vector.
    """
    if not len(images) == len(labels) > 0:
        raise ValueError(
            f"{name} has {len(images)} images and {len(labels)} labels; "
            "expected as many of both, and at least one"
        )
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise ValueError(
            f"the labels of {name} are {labels.dtype} of shape {tuple(labels.shape)}; "
            f"expected torch.int64 of shape ({len(images)},)"
        )
    finite = images.isfinite().flatten(1).all(dim=1)
    if not finite.all():
        raise ValueError(
            f"{name} has {int((~finite).sum())} images with pixels that are nan or infinite, the "
            f"first at {int((~finite).nonzero()[0])}; expected finite numbers"
        )


def check_labels(name: str, labels: Tensor, classes: int) -> None:
    """Refuse labels that do not count from 0 to ``classes - 1``.

    Raises:
        ValueError: some lie outside, or are no whole numbers.
    """
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"{name} is {labels.dtype}; expected whole numbers, torch.int64")
    low, high = (int(end) for end in labels.long().aminmax()) if len(labels) else (0, 0)
    if low < 0 or high >= classes:
        raise ValueError(f"{name} lies in {low} to {high}; expected 0 to {classes - 1}")


def check_scores(scores: Tensor, count: int) -> None:
    """Refuse what a model gave for so many images, if it is not a row of scores for each.

    Raises:
        ValueError: the scores have another shape.
    """
    if scores.ndim != 2 or len(scores) != count:
        raise ValueError(
            f"model gives shape {tuple(scores.shape)} for {count} images; "
            f"expected scores of shape ({count}, classes)"
        )


def check_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
    """Refuse an optimizer that would leave the model as it is: of another model, say.

    Raises:
        ValueError: it holds no parameter of the model that can be trained.
    """
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    trained = [p for p in model.parameters() if p.requires_grad]
    if held.isdisjoint(id(parameter) for parameter in trained):
        raise ValueError(
            f"optimizer holds {len(held)} parameters and model has {len(trained)} to train, but "
            "none in common; expected an optimizer of model.parameters()"
        )
