"""Learning rates that change during training."""

from math import cos, pi


def one_cycle(done: float, *, warm_up: float = 0.2) -> float:
    """Return the factor on the learning rate: a straight rise from a tenth, then half a cosine.

    Give it to :func:`definebyrun.training.fit` as ``schedule=one_cycle``.

    Args:
        done: the share of all updates that is done, 0 to 1.
        warm_up: the share of the updates that the rise takes.

    Source: after Smith and Topin, https://arxiv.org/abs/1708.07120
    """
    if done < warm_up:
        return 0.1 + 0.9 * done / warm_up
    return (1 + cos(pi * (done - warm_up) / (1 - warm_up))) / 2
