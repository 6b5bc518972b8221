"""Training a network and measuring it: :func:`fit`, :func:`evaluate` and their kin."""

from definebyrun.training.compare import McNemar, mcnemar, standard_error
from definebyrun.training.evaluate import (
    Score,
    confusion_matrix,
    evaluate,
    evaluating,
    predict,
    worst_mistakes,
)
from definebyrun.training.fit import History, fit
from definebyrun.training.schedule import one_cycle

__all__ = [
    "History",
    "McNemar",
    "Score",
    "confusion_matrix",
    "evaluate",
    "evaluating",
    "fit",
    "mcnemar",
    "one_cycle",
    "predict",
    "standard_error",
    "worst_mistakes",
]
