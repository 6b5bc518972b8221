"""Training a network and measuring it: :func:`fit`, :func:`evaluate` and their kin."""

from definebyrun.training.evaluate import (
    Score,
    confusion_matrix,
    evaluate,
    evaluating,
    predict,
    worst_mistakes,
)
from definebyrun.training.fit import History, fit

__all__ = [
    "History",
    "Score",
    "confusion_matrix",
    "evaluate",
    "evaluating",
    "fit",
    "predict",
    "worst_mistakes",
]
